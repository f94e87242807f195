//! Chunks of small files on their way through mailboxes, for somebody who is away.
//!
//! A piece is sealed with a key of its own kind from the file's key, and all pieces have one size, so that a mailbox sees
//! how many there are and nothing else. Opened, it is a chunk with its proof, in 66 240 bytes.

use crate::{
    Offer, Outline, SourceChanged, Verified,
    carried::{self, Carried},
    proof::MAX_DEPTH,
};
use outis_crypto::{CryptoRng, Secret, aead, derive, label};

/// Bytes of a piece, sealed: fits into the largest envelope.
pub const PIECE: usize = PLAIN + aead::OVERHEAD;

/// Seals chunk `index` of a file as a piece.
///
/// # Errors
/// [`SourceChanged`]: these are not the bytes that were offered, or the file has more than 64 GiB: its chunks are larger
/// than pieces, and would not be put into mailboxes anyway.
pub fn seal_piece(
    offer: &Offer,
    outline: &Outline,
    index: u32,
    bytes: &[u8],
    rng: &mut impl CryptoRng,
) -> Result<Vec<u8>, SourceChanged> {
    if outline.root() != offer.root() {
        return Err(SourceChanged);
    }
    let carried = outline.carry(index, bytes)?;
    if carried.length() > PLAIN {
        return Err(SourceChanged);
    }
    Ok(aead::seal_in_place(&key(offer), rng, &[], PLAIN, |out| {
        carried.encode_into(out, PLAIN)
    }))
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
    let carried = Carried::decode(plain.dangerously_expose()).ok_or(PieceError::Malformed)?;
    let place = carried
        .verify(offer.geometry(), offer.root())
        .ok_or(PieceError::WrongChunk)?;
    Ok(Verified::new(carried.index, place, plain))
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

fn key(offer: &Offer) -> Secret<32> {
    derive(label::FILE_PIECE, offer.key(), &[&offer.id().0])
}

const CONTENTS: usize = 64 * 1024;

const PLAIN: usize = carried::HEAD + MAX_DEPTH * 32 + CONTENTS + 55;

#[cfg(test)]
mod tests;
