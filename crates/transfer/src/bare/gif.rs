//! GIF (89a): blocks, some of which are comments or belong to programs.

use outis_wire::Reader;

pub(super) fn bare(file: &[u8]) -> Option<Vec<u8>> {
    let mut reader = Reader::new(file);
    let mut bare = reader.bytes(HEAD).ok()?.to_vec();
    let flags = *bare.get(10)?;
    copy(&mut reader, &mut bare, table(flags))?;
    loop {
        match reader.u8().ok()? {
            EXTENSION => {
                let label = reader.u8().ok()?;
                let before = reader.rest();
                let name = before.get(1..12);
                let length = sub_blocks(&mut reader)?;
                let kept = match label {
                    CONTROL | PLAIN_TEXT => true,
                    APPLICATION => name == Some(b"NETSCAPE2.0") || name == Some(b"ANIMEXTS1.0"),
                    _ => false,
                };
                if kept {
                    bare.extend_from_slice(&[EXTENSION, label]);
                    bare.extend_from_slice(before.get(..length)?);
                }
            }
            IMAGE => {
                bare.push(IMAGE);
                let head = reader.bytes(9).ok()?;
                bare.extend_from_slice(head);
                // The colours, and how wide the codes are.
                copy(&mut reader, &mut bare, table(*head.last()?) + 1)?;
                let before = reader.rest();
                let length = sub_blocks(&mut reader)?;
                bare.extend_from_slice(before.get(..length)?);
            }
            TRAILER => {
                bare.push(TRAILER);
                return Some(bare);
            }
            _ => return None,
        }
    }
}

fn copy(reader: &mut Reader<'_>, bare: &mut Vec<u8>, length: usize) -> Option<()> {
    bare.extend_from_slice(reader.bytes(length).ok()?);
    Some(())
}

/// Bytes of the colour table that these flags announce.
fn table(flags: u8) -> usize {
    if flags & 0x80 == 0 { 0 } else { 3 << (1 + (flags & 7)) }
}

/// Passes over blocks up to the empty one; gives how many bytes they take.
fn sub_blocks(reader: &mut Reader<'_>) -> Option<usize> {
    let mut bytes = 0;
    loop {
        let length = usize::from(reader.u8().ok()?);
        reader.bytes(length).ok()?;
        bytes += 1 + length;
        if length == 0 {
            return Some(bytes);
        }
    }
}

const HEAD: usize = 13;
const EXTENSION: u8 = 0x21;
const IMAGE: u8 = 0x2c;
const TRAILER: u8 = 0x3b;
const CONTROL: u8 = 0xf9;
const PLAIN_TEXT: u8 = 0x01;
const APPLICATION: u8 = 0xff;
