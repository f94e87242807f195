//! Chunks of small files on their way through mailboxes, for somebody who is away.
//!
//! A piece is sealed with a key of its own kind from the file's key, and all pieces have one size, so that a mailbox sees
//! how many there are and nothing else. Opened:
//!
//! | offset | size | field                                                   |
//! |      0 |    4 | index, big-endian                                       |
//! |      4 |    4 | length of the contents, big-endian, ≤ 65 536            |
//! |      8 |    1 | depth ≤ 20                                              |
//! |      9 |    n | depth × 32 bytes of neighbours, then the contents       |
//! |        |      | zeros, to 66 240 bytes                                  |

use crate::{Offer, Outline, SourceChanged, Verified, proof, proof::MAX_DEPTH};
use outis_crypto::{CryptoRng, Secret, SecretBytes, aead, derive, label, tree::Node};
use outis_wire::Reader;

/// Bytes of a piece, sealed: fits into the largest envelope.
pub const PIECE: usize = PLAIN + aead::OVERHEAD;

/// Seals chunk `index` of a file as a piece. Files of more than 64 GiB have larger chunks, and no pieces.
///
/// # Errors
/// [`SourceChanged`]: these are not the bytes that were offered.
pub fn seal_piece(
    offer: &Offer,
    outline: &Outline,
    index: u32,
    bytes: &[u8],
    rng: &mut impl CryptoRng,
) -> Result<Vec<u8>, SourceChanged> {
    let proof = outline.proof(index);
    let fits = bytes.len() <= CONTENTS && proof.len() <= MAX_DEPTH;
    if !fits || outline.root() != offer.root() || !outline.is_chunk(index, bytes) {
        return Err(SourceChanged);
    }
    let length = u32::try_from(bytes.len()).map_err(|_| SourceChanged)?;
    let mut plain = Vec::with_capacity(PLAIN);
    plain.extend_from_slice(&index.to_be_bytes());
    plain.extend_from_slice(&length.to_be_bytes());
    plain.push(u8::try_from(proof.len()).map_err(|_| SourceChanged)?);
    proof.iter().for_each(|node| plain.extend_from_slice(node.as_bytes()));
    plain.extend_from_slice(bytes);
    plain.resize(PLAIN, 0);
    let plain = SecretBytes::from(plain);
    Ok(aead::seal(&key(offer), rng, &[], plain.dangerously_expose()))
}

/// Opens a piece, and checks it against the offer. Tell the receiver when it rests on the disk.
///
/// # Errors
/// See [`PieceError`].
pub fn open_piece(offer: &Offer, sealed: &[u8]) -> Result<Verified, PieceError> {
    if sealed.len() != PIECE {
        return Err(PieceError::Sealed);
    }
    let plain = aead::open(&key(offer), &[], sealed).map_err(|_| PieceError::Sealed)?;
    let (index, proof, bytes) = read(plain.dangerously_expose()).ok_or(PieceError::Malformed)?;
    if !proof::holds(offer.geometry(), offer.root(), index, bytes, &proof) {
        return Err(PieceError::WrongChunk);
    }
    Ok(Verified::new(index, SecretBytes::from(bytes.to_vec())))
}

/// Why a piece is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PieceError {
    /// Not sealed by who made the offer.
    #[error("a piece does not open")]
    Sealed,
    /// Opened, but it means nothing.
    #[error("malformed piece")]
    Malformed,
    /// A chunk that is none of the offered file.
    #[error("a piece is not what was offered")]
    WrongChunk,
}

fn read(plain: &[u8]) -> Option<(u32, Vec<Node>, &[u8])> {
    let mut reader = Reader::new(plain);
    let index = reader.u32().ok()?;
    let length = usize::try_from(reader.u32().ok()?).ok()?;
    let depth = usize::from(reader.u8().ok()?);
    if depth > MAX_DEPTH || length > CONTENTS {
        return None;
    }
    let proof = (0..depth)
        .map(|_| reader.array().map(Node::from_bytes).ok())
        .collect::<Option<_>>()?;
    let bytes = reader.bytes(length).ok()?;
    reader
        .rest()
        .iter()
        .all(|byte| *byte == 0)
        .then_some((index, proof, bytes))
}

fn key(offer: &Offer) -> Secret<32> {
    derive(label::FILE_PIECE, offer.key(), &[&offer.id().0])
}

const CONTENTS: usize = 64 * 1024;

const PLAIN: usize = 4 + 4 + 1 + MAX_DEPTH * 32 + CONTENTS + 55;

#[cfg(test)]
mod tests;
