//! A small picture of an image that somebody sent: made by who got it, from the whole file.
//!
//! Decoders are the part of a program that another's bytes reach deepest. So only four kinds are decoded, of what moves only
//! the first picture, and what is read, held, worked through and made is bounded before it begins. Who calls this does so
//! for contacts' files alone, on a thread of its own where a panic is caught.

use image::{
    DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits,
    codecs::{jpeg::JpegEncoder, png::PngEncoder},
};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::io::Cursor;

/// A small picture, as a file: pixels, and nothing that the image said of itself.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picture {
    kind: Kind,
    width: u32,
    height: u32,
    bytes: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Kind {
    Jpeg,
    Png,
}

/// Why there is no small picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum NoPicture {
    /// No image, or of a kind that is not decoded here.
    #[error("this is no image that can be shown")]
    NoImage,
    /// More than is decoded, or broken.
    #[error("this image is too large or broken")]
    TooMuch,
}

impl Picture {
    /// Makes a picture of at most 480 pixels a side.
    ///
    /// # Errors
    /// See [`NoPicture`].
    pub fn of(file: &[u8]) -> Result<Self, NoPicture> {
        if file.len() as u64 > Self::MAX_FILE {
            return Err(NoPicture::TooMuch);
        }
        let mut reader = ImageReader::new(Cursor::new(file))
            .with_guessed_format()
            .map_err(|_| NoPicture::NoImage)?;
        let format = reader.format().filter(|format| KINDS.contains(format));
        let format = format.ok_or(NoPicture::NoImage)?;
        let mut limits = Limits::default();
        limits.max_image_width = Some(MAX_SIDE);
        limits.max_image_height = Some(MAX_SIDE);
        limits.max_alloc = Some(MAX_DECODED);
        reader.limits(limits);
        let mut decoder = reader.into_decoder().map_err(|_| NoPicture::TooMuch)?;
        let (width, height) = decoder.dimensions();
        let pixels = u64::from(width) * u64::from(height);
        let passes = match format {
            ImageFormat::Jpeg => scans(file),
            _ => 1,
        };
        if pixels > MAX_PIXELS || pixels.saturating_mul(passes) > MAX_WORK || decoder.total_bytes() > MAX_DECODED {
            return Err(NoPicture::TooMuch);
        }
        let orientation = decoder.orientation().map_err(|_| NoPicture::TooMuch)?;
        let whole = DynamicImage::from_decoder(decoder).map_err(|_| NoPicture::TooMuch)?;
        let mut made = SIDES.into_iter().filter_map(|side| {
            let mut picture = if whole.width() > side || whole.height() > side {
                whole.thumbnail(side, side)
            } else {
                whole.clone()
            };
            picture.apply_orientation(orientation);
            Self::encode(&picture)
        });
        made.find(|picture| picture.bytes.len() <= MAX_BYTES)
            .ok_or(NoPicture::TooMuch)
    }

    /// The picture, as a file.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Pixels from side to side, and from top to bottom.
    pub fn size(&self) -> (u32, u32) {
        (self.width, self.height)
    }

    /// What kind of file it is.
    pub fn mime(&self) -> &'static str {
        match self.kind {
            Kind::Jpeg => "image/jpeg",
            Kind::Png => "image/png",
        }
    }

    /// What is kept of making a picture: version = 1, and by the strict codec the picture, or why there is none.
    pub fn to_record(made: &Result<Self, NoPicture>) -> Vec<u8> {
        let mut record = vec![VERSION];
        record.extend(outis_wire::encode(made));
        record
    }

    /// What was kept; `None` if it does not read.
    pub fn from_record(record: &[u8]) -> Option<Result<Self, NoPicture>> {
        let (version, rest) = record.split_first()?;
        (*version == VERSION).then_some(())?;
        outis_wire::decode(rest, Self::MAX_RECORD).ok()
    }

    /// A file of more bytes is not decoded.
    pub const MAX_FILE: u64 = 32 * 1024 * 1024;

    /// The longest record.
    pub const MAX_RECORD: usize = MAX_BYTES + 32;

    fn encode(picture: &DynamicImage) -> Option<Self> {
        let mut bytes = Vec::new();
        let kind = if picture.color().has_alpha() {
            let encoder = PngEncoder::new(&mut bytes);
            picture.to_rgba8().write_with_encoder(encoder).ok()?;
            Kind::Png
        } else {
            let encoder = JpegEncoder::new_with_quality(&mut bytes, QUALITY);
            picture.to_rgb8().write_with_encoder(encoder).ok()?;
            Kind::Jpeg
        };
        Some(Self {
            kind,
            width: picture.width(),
            height: picture.height(),
            bytes,
        })
    }
}

/// Shows nothing of it.
impl fmt::Debug for Picture {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            kind: _,
            width,
            height,
            bytes: _,
        } = self;
        write!(out, "Picture({width} × {height})")
    }
}

/// How often a JPEG goes over its picture, at most: a progressive one may do so a hundred times with hardly a byte.
fn scans(file: &[u8]) -> u64 {
    file.windows(2).filter(|pair| *pair == [0xff, 0xda]).count() as u64
}

const KINDS: [ImageFormat; 4] = [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP, ImageFormat::Gif];

/// Pixels a side of a small picture: the first whose file is small enough.
const SIDES: [u32; 4] = [480, 240, 120, 60];

/// Of the small picture's file.
const MAX_BYTES: usize = 80 * 1024;

/// Of what is decoded.
const MAX_SIDE: u32 = 16_384;
const MAX_PIXELS: u64 = 32_000_000;

/// Pixels, as often as they are gone over: those of the largest picture twelve times.
const MAX_WORK: u64 = 12 * MAX_PIXELS;

/// Bytes that a whole picture takes.
const MAX_DECODED: u64 = 4 * MAX_PIXELS;

const QUALITY: u8 = 80;

const VERSION: u8 = 1;

#[cfg(test)]
mod tests;
