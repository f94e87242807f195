//! JPEG (ITU-T T.81, annex B): segments, each a marker and a length, and between them the coded picture.

use outis_wire::Reader;

pub(super) const BEGIN: &[u8] = &[0xff, 0xd8, 0xff];

pub(super) fn bare(file: &[u8]) -> Option<Vec<u8>> {
    let mut reader = Reader::new(file);
    let mut bare = reader.bytes(2).ok()?.to_vec();
    // Where what says which side is up goes: behind the beginning, and behind JFIF's segment, which has to be first.
    let (mut place, mut upright) = (bare.len(), None);
    let mut scanned = false;
    loop {
        let Some(marker) = next_marker(&mut reader)? else {
            // Cut off in the picture: what there is of it is shown, and ends here.
            bare.extend_from_slice(&[0xff, END]);
            break;
        };
        match marker {
            END => {
                bare.extend_from_slice(&[0xff, END]);
                break;
            }
            BEGINNING => return None,
            STANDALONE | 0xd0..=0xd7 => bare.extend_from_slice(&[0xff, marker]),
            _ => {
                let length = usize::from(reader.u16().ok()?).checked_sub(2)?;
                let body = reader.bytes(length).ok()?;
                match kept(marker, body) {
                    Kept::As(body) => {
                        segment(&mut bare, marker, body)?;
                        if marker == JFIF {
                            place = bare.len();
                        }
                    }
                    Kept::Not => upright = upright.or_else(|| orientation(body.strip_prefix(EXIF)?)),
                }
                if marker == SCAN {
                    scanned = true;
                    copy_scan(&mut reader, &mut bare);
                }
            }
        }
    }
    if !scanned {
        return None;
    }
    if let Some(side) = upright.filter(|side| (2..=8).contains(side)) {
        let mut exif = Vec::new();
        segment(&mut exif, APP1, &[EXIF, &orientation_alone(side)].concat())?;
        bare.splice(place..place, exif);
    }
    Some(bare)
}

enum Kept<'a> {
    As(&'a [u8]),
    Not,
}

/// What of a segment belongs to the picture.
fn kept(marker: u8, body: &[u8]) -> Kept<'_> {
    match marker {
        // Without its thumbnail, which may show what was cut away.
        JFIF => match body.first_chunk::<14>() {
            Some(head) if head.starts_with(b"JFIF\0") && head.ends_with(&[0, 0]) => Kept::As(head),
            Some(head) if head.starts_with(b"JFIF\0") => Kept::As(PLAIN_JFIF),
            _ => Kept::Not,
        },
        ICC if body.starts_with(b"ICC_PROFILE\0") => Kept::As(body),
        ADOBE if body.starts_with(b"Adobe") => Kept::As(body),
        0xe1..=0xef | COMMENT => Kept::Not,
        _ => Kept::As(body),
    }
}

fn segment(bare: &mut Vec<u8>, marker: u8, body: &[u8]) -> Option<()> {
    bare.extend_from_slice(&[0xff, marker]);
    bare.extend_from_slice(&u16::try_from(body.len() + 2).ok()?.to_be_bytes());
    bare.extend_from_slice(body);
    Some(())
}

/// The next marker; `None` inside at the end of the file.
fn next_marker(reader: &mut Reader<'_>) -> Option<Option<u8>> {
    let Ok(first) = reader.u8() else { return Some(None) };
    if first != 0xff {
        return None;
    }
    loop {
        match reader.u8() {
            Ok(0xff) => {}
            Ok(0) => return None,
            Ok(marker) => return Some(Some(marker)),
            Err(_) => return Some(None),
        }
    }
}

/// Copies coded bytes up to the next marker that is not among them.
fn copy_scan(reader: &mut Reader<'_>, bare: &mut Vec<u8>) {
    let rest = reader.rest();
    let ends = |pair: &[u8]| matches!(pair, [0xff, after] if !matches!(after, 0 | 0xd0..=0xd7 | 0xff));
    let length = rest.windows(2).position(ends).unwrap_or(rest.len());
    bare.extend_from_slice(reader.bytes(length).unwrap_or_default());
}

/// Tag 0x0112 of the first directory of a TIFF.
fn orientation(tiff: &[u8]) -> Option<u8> {
    let big = match tiff.first_chunk()? {
        b"MM\0*" => true,
        b"II*\0" => false,
        _ => return None,
    };
    let two = |at: usize| {
        let bytes = *tiff.get(at..)?.first_chunk()?;
        Some(if big {
            u16::from_be_bytes(bytes)
        } else {
            u16::from_le_bytes(bytes)
        })
    };
    let four = |at: usize| {
        let bytes = *tiff.get(at..)?.first_chunk()?;
        Some(if big {
            u32::from_be_bytes(bytes)
        } else {
            u32::from_le_bytes(bytes)
        })
    };
    let directory = usize::try_from(four(4)?).ok()?;
    (0..usize::from(two(directory)?))
        .map_while(|entry| directory.checked_add(2 + 12 * entry))
        .find(|entry| two(*entry) == Some(ORIENTATION))
        .and_then(|entry| u8::try_from(two(entry.checked_add(8)?)?).ok())
}

/// A TIFF of one directory with one entry.
fn orientation_alone(side: u8) -> [u8; 26] {
    let mut tiff = *b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\0\0\0\0\0\0\0";
    tiff[19] = side;
    tiff
}

const EXIF: &[u8] = b"Exif\0\0";
const PLAIN_JFIF: &[u8] = b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0";
const ORIENTATION: u16 = 0x0112;

const STANDALONE: u8 = 0x01;
const BEGINNING: u8 = 0xd8;
const END: u8 = 0xd9;
const SCAN: u8 = 0xda;
const JFIF: u8 = 0xe0;
const APP1: u8 = 0xe1;
const ICC: u8 = 0xe2;
const ADOBE: u8 = 0xee;
const COMMENT: u8 = 0xfe;
