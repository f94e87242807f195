//! One stored value: padded, sealed, its head masked, and cut into pieces that sled keeps inline.
//!
//! | offset | size | field                                                                   |
//! |      0 |    4 | serial, big-endian: which key of the forest opens it                    |
//! |      4 |    1 | pieces: how many values this one is cut into, 1…                        |
//! |      5 |    3 | zero                                                                    |
//! |      8 |   24 | nonce                                                                   |
//! |     32 |    n | XChaCha20-Poly1305 of `length (4) ‖ value ‖ zeros up to the size class` |
//! |   32+n |   16 | tag                                                                     |
//!
//! The first eight bytes are masked with a pseudo-random function of place and nonce, so that nothing of the order in
//! which records were written can be read from them. The place is associated data: a value put elsewhere does not open.

use outis_crypto::{CryptoRng, Secret, SecretBytes, aead};
use outis_wire::Reader;
use zeroize::Zeroizing;

use crate::engine::store::MAX_VALUE;
use crate::fault::Damage;
use crate::key::{Keys, Place};

/// The head of a stored value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) serial: u32,
    pub(crate) pieces: u8,
}

/// Seals a value of at most [`MAX_RECORD_BYTES`](crate::MAX_RECORD_BYTES) and cuts it into pieces.
pub(crate) fn seal(
    keys: &Keys,
    key: &Secret<32>,
    place: &Place,
    serial: u32,
    value: &[u8],
    rng: &mut impl CryptoRng,
) -> Vec<Vec<u8>> {
    let mut plain = Zeroizing::new(Vec::with_capacity(class(value.len() + LENGTH)));
    plain.extend_from_slice(&u32::try_from(value.len()).expect("values are bounded").to_be_bytes());
    plain.extend_from_slice(value);
    plain.resize(class(value.len() + LENGTH), 0);
    let body = aead::seal(key, rng, &place.to_bytes(), &plain);
    let pieces = u8::try_from((HEAD + body.len()).div_ceil(MAX_VALUE)).expect("values are bounded");
    let mut whole = mask(keys, place, &body, Head { serial, pieces }.to_bytes()).to_vec();
    whole.extend_from_slice(&body);
    whole.chunks(MAX_VALUE).map(<[u8]>::to_vec).collect()
}

/// Reads the head from the first piece.
pub(crate) fn head(keys: &Keys, place: &Place, first: &[u8]) -> Result<Head, Damage> {
    let (head, body) = first.split_first_chunk::<HEAD>().ok_or(TORN)?;
    Head::from_bytes(mask(keys, place, body, *head))
}

/// Opens a whole value, its pieces put together again.
pub(crate) fn open(key: &Secret<32>, place: &Place, whole: &[u8]) -> Result<SecretBytes, Damage> {
    let body = whole.get(HEAD..).ok_or(TORN)?;
    let plain = aead::open(key, &place.to_bytes(), body).map_err(|_| Damage("a record does not open"))?;
    let mut reader = Reader::new(plain.dangerously_expose());
    let length = usize::try_from(reader.u32().map_err(|_| TORN)?).map_err(|_| TORN)?;
    let value = reader.bytes(length).map_err(|_| TORN)?;
    Ok(SecretBytes::from(value.to_vec()))
}

impl Head {
    fn to_bytes(self) -> [u8; HEAD] {
        let [a, b, c, d] = self.serial.to_be_bytes();
        [a, b, c, d, self.pieces, 0, 0, 0]
    }

    fn from_bytes(bytes: [u8; HEAD]) -> Result<Self, Damage> {
        match bytes {
            [a, b, c, d, pieces, 0, 0, 0] if pieces > 0 => Ok(Self {
                serial: u32::from_be_bytes([a, b, c, d]),
                pieces,
            }),
            _ => Err(TORN),
        }
    }
}

/// Masks or unmasks: the same operation.
fn mask(keys: &Keys, place: &Place, body: &[u8], mut head: [u8; HEAD]) -> [u8; HEAD] {
    let nonce = body.get(..NONCE).unwrap_or(body);
    let mask = keys.head_mask(place, nonce);
    head.iter_mut()
        .zip(mask.dangerously_expose())
        .for_each(|(byte, mask)| *byte ^= mask);
    head
}

/// The size that a plaintext of `length` bytes is padded to: 64, 96, 128, 192, 256, then four steps an octave, so that at
/// most a quarter is wasted above 256 bytes and a length shows only its class.
pub(crate) fn class(length: usize) -> usize {
    match length {
        0..=64 => 64,
        65..=96 => 96,
        97..=128 => 128,
        129..=192 => 192,
        193..=256 => 256,
        _ => length.next_multiple_of(length.next_power_of_two() / 8),
    }
}

const HEAD: usize = 8;
const NONCE: usize = 24;
const LENGTH: usize = 4;
const TORN: Damage = Damage("a record is torn");

#[cfg(test)]
mod tests;
