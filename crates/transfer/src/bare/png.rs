//! PNG (W3C, third edition): chunks, each a length, a name, a body and a checksum.

use outis_wire::Reader;

pub(super) const BEGIN: &[u8] = b"\x89PNG\r\n\x1a\n";

pub(super) fn bare(file: &[u8]) -> Option<Vec<u8>> {
    let mut reader = Reader::new(file);
    let mut bare = reader.bytes(BEGIN.len()).ok()?.to_vec();
    loop {
        let length = usize::try_from(reader.u32().ok()?).ok()?;
        let name: [u8; 4] = reader.array().ok()?;
        let rest = reader.bytes(length.checked_add(4)?).ok()?;
        if PICTURE.contains(&&name) {
            bare.extend_from_slice(&u32::try_from(length).ok()?.to_be_bytes());
            bare.extend_from_slice(&name);
            bare.extend_from_slice(rest);
        } else if name.first()?.is_ascii_uppercase() {
            // Something without which it cannot be shown, and that nobody knows.
            return None;
        }
        if &name == b"IEND" {
            return Some(bare);
        }
    }
}

/// The picture, its colours, its size on paper, its animation. Not: tEXt, zTXt, iTXt, tIME, eXIf, and what is not known.
const PICTURE: &[&[u8; 4]] = &[
    b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"cHRM", b"gAMA", b"iCCP", b"sBIT", b"sRGB", b"cICP", b"mDCV",
    b"cLLI", b"bKGD", b"hIST", b"pHYs", b"sPLT", b"acTL", b"fcTL", b"fdAT",
];
