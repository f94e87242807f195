//! Images without what a camera or a program wrote into them: where and when, with what, by whom.
//!
//! Nothing is decoded. The parts that make the picture are copied, everything else is left out, also what stands behind its
//! end; what is not known to belong to the picture does not. Kept are colour profiles, without which colours are wrong,
//! and of EXIF the one number that says which side is up.

mod gif;
mod jpeg;
mod png;
mod webp;

/// What is to be sent instead of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bare {
    /// The file: it is no image of a kind that is known here.
    NoImage,
    /// The file: nothing is in it that would have to go.
    AsItIs,
    /// These bytes.
    Without(Vec<u8>),
}

/// An image by its first bytes, and broken further on: what is in it cannot be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the image is broken, and what is in it cannot be told")]
pub struct BrokenImage;

impl Bare {
    /// The first bytes by which [`Self::of`] knows an image.
    pub const HEAD: usize = 12;

    /// Whether a file that begins so is an image of a kind that is known here.
    pub fn knows(head: &[u8]) -> bool {
        reader(head).is_some()
    }

    /// What to send instead of this file. JPEG, PNG, WebP and GIF are known.
    ///
    /// # Errors
    /// [`BrokenImage`]
    pub fn of(file: &[u8]) -> Result<Self, BrokenImage> {
        let Some(read) = reader(file) else {
            return Ok(Self::NoImage);
        };
        let bare = read(file).ok_or(BrokenImage)?;
        Ok(if bare == file {
            Self::AsItIs
        } else {
            Self::Without(bare)
        })
    }
}

/// Gives the image without what is not picture; nothing where it is broken.
type Reader = fn(&[u8]) -> Option<Vec<u8>>;

fn reader(head: &[u8]) -> Option<Reader> {
    if head.starts_with(jpeg::BEGIN) {
        Some(jpeg::bare)
    } else if head.starts_with(png::BEGIN) {
        Some(png::bare)
    } else if head.starts_with(b"RIFF") && head.get(8..12) == Some(b"WEBP") {
        Some(webp::bare)
    } else if head.starts_with(b"GIF87a") || head.starts_with(b"GIF89a") {
        Some(gif::bare)
    } else {
        None
    }
}

#[cfg(test)]
mod tests;
