use super::*;
use crate::Bare;
use image::{Rgb, RgbImage, Rgba, RgbaImage};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

fn file(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).expect("memory");
    bytes.into_inner()
}

/// Red at the top left, blue elsewhere.
fn holiday(width: u32, height: u32) -> DynamicImage {
    let colour = |x, y| {
        if x < width / 2 && y < height / 2 {
            Rgb([250, 0, 0])
        } else {
            Rgb([0, 0, 250])
        }
    };
    RgbImage::from_fn(width, height, colour).into()
}

fn segment(marker: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len() + 2).expect("short").to_be_bytes();
    [&[0xff, marker][..], &length, body].concat()
}

/// A photograph that lies on its side, and says where it was taken.
fn photograph() -> Vec<u8> {
    let plain = file(&holiday(64, 32), ImageFormat::Jpeg);
    let exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0N 38.3666 E 20.7181";
    [&plain[..2], &segment(0xe1, exif), &plain[2..]].concat()
}

fn tells(bytes: &[u8]) -> bool {
    bytes.windows(8).any(|window| window == b"N 38.366")
}

/// Says another size in a PNG's header, with the checksum that belongs to it.
fn resized(png: &[u8], width: u32, height: u32) -> Vec<u8> {
    let mut png = png.to_vec();
    png[16..20].copy_from_slice(&width.to_be_bytes());
    png[20..24].copy_from_slice(&height.to_be_bytes());
    let crc = crc32(&png[12..29]).to_be_bytes();
    png[29..33].copy_from_slice(&crc);
    png
}

/// As PNG has it (ISO 3309).
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| match crc & 1 {
            1 => 0xedb8_8320 ^ (crc >> 1),
            _ => crc >> 1,
        })
    };
    !bytes.iter().fold(!0, step)
}

#[test]
fn images_of_four_kinds_become_small_pictures() {
    for format in KINDS {
        let made = Picture::of(&file(&holiday(1_000, 500), format));
        let picture = made.as_ref().expect("is made");
        let shown = image::load_from_memory(picture.bytes()).expect("is an image");
        assert_eq!((shown.width(), shown.height()), (480, 240), "{format:?}");
        assert_eq!(picture.size(), (480, 240));
        assert_eq!(Picture::from_record(&Picture::to_record(&made)), Some(made));
    }
    let none = Err(NoPicture::TooMuch);
    assert_eq!(Picture::from_record(&Picture::to_record(&none)), Some(none));
    assert_eq!(Picture::from_record(b""), None);
    let seen_through = RgbaImage::from_pixel(10, 10, Rgba([1, 2, 3, 40])).into();
    let picture = Picture::of(&file(&seen_through, ImageFormat::Png)).expect("is made");
    assert_eq!(picture.mime(), "image/png");
}

#[test]
fn golden_picture_record() {
    let vector = include_str!("../../../../tests/vectors/transfer-picture.txt");
    let lines: Vec<Vec<u8>> = vector
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| hex::decode(line).unwrap())
        .collect();
    let made = Ok(Picture {
        kind: Kind::Png,
        width: 480,
        height: 3,
        bytes: b"wine-dark".to_vec(),
    });
    assert_eq!(hex::encode(Picture::to_record(&made)), hex::encode(&lines[0]));
    assert_eq!(Picture::to_record(&Err(NoPicture::TooMuch)), lines[1]);
}

#[test]
fn a_picture_that_packs_badly_is_made_smaller() {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let noise = RgbaImage::from_fn(480, 480, |_, _| Rgba(rng.next_u32().to_be_bytes()));
    let made = Picture::of(&file(&noise.into(), ImageFormat::Png));
    let picture = made.as_ref().expect("is made");
    assert!(picture.width < 480 && picture.bytes.len() <= MAX_BYTES);
    assert!(Picture::to_record(&made).len() <= Picture::MAX_RECORD);
}

#[test]
fn a_small_picture_stands_upright_and_tells_nothing() {
    let file = photograph();
    let picture = Picture::of(&file).expect("is made");
    assert_eq!(picture.size(), (32, 64), "turned by a quarter");
    assert!(tells(&file), "the control");
    assert!(!tells(picture.bytes()));
}

#[test]
fn a_photograph_sent_without_what_the_camera_wrote_is_the_same_picture() {
    let file = photograph();
    let Ok(Bare::Without(bare)) = Bare::of(&file) else {
        panic!("there is something to leave out")
    };
    assert!(!tells(&bare));
    assert_eq!(Picture::of(&file), Picture::of(&bare));
    for format in [ImageFormat::Png, ImageFormat::WebP, ImageFormat::Gif] {
        let file = self::file(&holiday(60, 60), format);
        let bare = match Bare::of(&file) {
            Ok(Bare::Without(bare)) => bare,
            Ok(Bare::AsItIs) => file.clone(),
            other => panic!("{format:?}: {other:?}"),
        };
        let picture = Picture::of(&file);
        assert!(picture.is_ok());
        assert_eq!(picture, Picture::of(&bare), "{format:?}");
    }
}

#[test]
fn what_is_no_image_or_too_large_once_decoded_is_not_shown() {
    assert_eq!(Picture::of(b""), Err(NoPicture::NoImage));
    assert_eq!(Picture::of(b"II*\0\x08\0\0\0"), Err(NoPicture::NoImage), "TIFF");
    let drawing = b"<svg xmlns='http://www.w3.org/2000/svg'/>";
    assert_eq!(Picture::of(drawing), Err(NoPicture::NoImage));
    let honest = file(&holiday(8, 8), ImageFormat::Png);
    assert!(
        Picture::of(&resized(&honest, 8, 8)).is_ok(),
        "the control: it is the size"
    );
    let most = u32::MAX >> 1;
    for (width, height) in [(16_384, 16_384), (16_384, 1_954), (100_000, 1), (most, most), (0, 8)] {
        let bomb = resized(&honest, width, height);
        assert_eq!(Picture::of(&bomb), Err(NoPicture::TooMuch), "{width} × {height}");
    }
    let mut gif = file(&holiday(8, 8), ImageFormat::Gif);
    gif[6..10].copy_from_slice(&[0xff; 4]);
    assert_eq!(Picture::of(&gif), Err(NoPicture::TooMuch));
    let mut jpeg = file(&holiday(64, 64), ImageFormat::Jpeg);
    let frame = jpeg.windows(2).position(|pair| pair == [0xff, 0xc0]).expect("a frame");
    jpeg[frame + 5..frame + 9].copy_from_slice(&[0xff; 4]);
    assert_eq!(Picture::of(&jpeg), Err(NoPicture::TooMuch));
    let long = vec![0; usize::try_from(Picture::MAX_FILE + 1).expect("fits")];
    assert_eq!(Picture::of(&long), Err(NoPicture::TooMuch));
}

#[test]
fn a_jpeg_that_goes_over_its_picture_again_and_again_is_not_decoded() {
    let mut jpeg = file(&holiday(3_000, 3_000), ImageFormat::Jpeg);
    assert!(Picture::of(&jpeg).is_ok(), "the control");
    let scan = jpeg.windows(2).position(|pair| pair == [0xff, 0xda]).expect("a scan");
    let again = jpeg[scan..scan + 14].repeat(50);
    let end = jpeg.split_off(jpeg.len() - 2);
    let slow = [jpeg, again, end].concat();
    assert_eq!(Picture::of(&slow), Err(NoPicture::TooMuch));
}

#[test]
fn broken_images_are_refused_and_never_panic() {
    let mut rng = ChaCha20Rng::seed_from_u64(7);
    for format in KINDS {
        let whole = file(&holiday(40, 40), format);
        for end in 0..whole.len().min(400) {
            let _ = Picture::of(&whole[..end]);
        }
        for _ in 0..300 {
            let mut broken = whole.clone();
            for _ in 0..=rng.next_u32() % 4 {
                let at = rng.next_u32() as usize % broken.len();
                broken[at] = rng.next_u32().to_be_bytes()[0];
            }
            if let Ok(picture) = Picture::of(&broken) {
                let (width, height) = picture.size();
                assert!(width.max(height) <= 480);
            }
        }
    }
}
