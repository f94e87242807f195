//! WebP (RFC 9649): chunks in a RIFF file.

use outis_wire::Reader;

pub(super) fn bare(file: &[u8]) -> Option<Vec<u8>> {
    let mut reader = Reader::new(file);
    reader.bytes(4).ok()?;
    let length = usize::try_from(u32::from_le_bytes(reader.array().ok()?)).ok()?;
    // What stands behind the RIFF file is not looked at.
    let body = reader.bytes(length).ok()?.strip_prefix(b"WEBP")?;
    let mut chunks = b"WEBP".to_vec();
    copy(body, &mut chunks, Level::File)?;
    let mut bare = b"RIFF".to_vec();
    bare.extend_from_slice(&u32::try_from(chunks.len()).ok()?.to_le_bytes());
    bare.extend_from_slice(&chunks);
    Some(bare)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    File,
    Frame,
}

fn copy(body: &[u8], into: &mut Vec<u8>, level: Level) -> Option<()> {
    let mut reader = Reader::new(body);
    while !reader.is_empty() {
        let name: [u8; 4] = reader.array().ok()?;
        let length = usize::try_from(u32::from_le_bytes(reader.array().ok()?)).ok()?;
        let body = reader.bytes(length).ok()?;
        if length % 2 == 1 && !reader.is_empty() {
            reader.u8().ok()?;
        }
        match (&name, level) {
            (b"VP8 " | b"VP8L" | b"ALPH", _) | (b"ANIM" | b"ICCP", Level::File) => chunk(into, &name, body)?,
            (b"VP8X", Level::File) => {
                let mut body = body.to_vec();
                *body.first_mut()? &= !(HAS_EXIF | HAS_XMP);
                chunk(into, &name, &body)?;
            }
            (b"ANMF", Level::File) => {
                let (head, frame) = body.split_at_checked(FRAME_HEAD)?;
                let mut body = head.to_vec();
                copy(frame, &mut body, Level::Frame)?;
                chunk(into, &name, &body)?;
            }
            _ => {}
        }
    }
    Some(())
}

fn chunk(into: &mut Vec<u8>, name: &[u8; 4], body: &[u8]) -> Option<()> {
    into.extend_from_slice(name);
    into.extend_from_slice(&u32::try_from(body.len()).ok()?.to_le_bytes());
    into.extend_from_slice(body);
    if body.len() % 2 == 1 {
        into.push(0);
    }
    Some(())
}

const HAS_EXIF: u8 = 0x08;
const HAS_XMP: u8 = 0x04;
const FRAME_HEAD: usize = 16;
