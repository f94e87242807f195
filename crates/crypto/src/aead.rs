//! Authenticated encryption: XChaCha20-Poly1305 under random 192-bit nonces.
//!
//! [`seal`] is the plain construction. It does not commit to its key: somebody who knows two keys can make a ciphertext
//! that opens under both. Whatever a person's key protects from another person uses [`committing`].

use crate::{Secret, SecretBytes};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, aead::AeadInOut};
use rand_core::CryptoRng;

/// What [`seal`] adds: a nonce of 24 bytes in front, a tag of 16 behind.
pub const OVERHEAD: usize = NONCE + TAG;

const NONCE: usize = 24;
const TAG: usize = 16;

/// `nonce ‖ ciphertext ‖ tag`.
pub fn seal(key: &Secret<32>, rng: &mut impl CryptoRng, aad: &[u8], plaintext: &[u8]) -> Vec<u8> {
    seal_in_place(key, rng, aad, plaintext.len(), |sealed| {
        sealed.extend_from_slice(plaintext)
    })
}

/// As [`seal`], for bulk: `write` appends a plaintext of at most `room` bytes where it will be sealed, so that it is neither
/// copied nor left behind.
pub fn seal_in_place(
    key: &Secret<32>,
    rng: &mut impl CryptoRng,
    aad: &[u8],
    room: usize,
    write: impl FnOnce(&mut Vec<u8>),
) -> Vec<u8> {
    let mut nonce = [0; NONCE];
    rng.fill_bytes(&mut nonce);
    let mut sealed = Vec::with_capacity(room + OVERHEAD);
    sealed.extend_from_slice(&nonce);
    write(&mut sealed);
    seal_rest(key, &nonce, aad, &mut sealed, NONCE);
    sealed
}

/// Opens what [`seal`] made.
///
/// # Errors
/// A wrong key, other associated data, or any changed byte. Nothing of the plaintext is given then.
pub fn open(key: &Secret<32>, aad: &[u8], sealed: &[u8]) -> Result<SecretBytes, OpenError> {
    let (nonce, body) = sealed.split_first_chunk().ok_or(OpenError)?;
    open_detached(key, nonce, aad, body)
}

/// The ciphertext does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the ciphertext does not open")]
pub struct OpenError;

/// The same with a commitment: a ciphertext opens under one key and nonce only.
///
/// Subkey and commitment are both derived from key and nonce (the "padding-free" transform of Albertini et al.,
/// [How to Abuse and Fix Authenticated Encryption Without Key Commitment](https://eprint.iacr.org/2020/1456), §5.4).
/// A commitment of 32 bytes makes finding two keys for one ciphertext cost 2^128.
pub mod committing {
    use super::{NONCE, OpenError, TAG, open_detached, seal_rest};
    use crate::{Secret, SecretBytes, kdf::derive, label};
    use rand_core::CryptoRng;
    use subtle::ConstantTimeEq;

    /// What [`seal`] adds: nonce 24, commitment 32, tag 16.
    pub const OVERHEAD: usize = NONCE + COMMITMENT + TAG;

    const COMMITMENT: usize = 32;

    /// `nonce ‖ commitment ‖ ciphertext ‖ tag`.
    pub fn seal(key: &Secret<32>, rng: &mut impl CryptoRng, aad: &[u8], plaintext: &[u8]) -> Vec<u8> {
        let mut nonce = [0; NONCE];
        rng.fill_bytes(&mut nonce);
        let (subkey, commitment) = split(key, &nonce);
        let mut sealed = Vec::with_capacity(plaintext.len() + OVERHEAD);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(&commitment);
        sealed.extend_from_slice(plaintext);
        seal_rest(&subkey, &nonce, aad, &mut sealed, NONCE + COMMITMENT);
        sealed
    }

    /// Opens what [`seal`] made.
    ///
    /// # Errors
    /// A wrong key, other associated data, or any changed byte. Nothing of the plaintext is given then.
    pub fn open(key: &Secret<32>, aad: &[u8], sealed: &[u8]) -> Result<SecretBytes, OpenError> {
        let (nonce, rest) = sealed.split_first_chunk().ok_or(OpenError)?;
        let (found, body) = rest.split_first_chunk::<COMMITMENT>().ok_or(OpenError)?;
        let (subkey, commitment) = split(key, nonce);
        if !bool::from(commitment.ct_eq(found)) {
            return Err(OpenError);
        }
        open_detached(&subkey, nonce, aad, body)
    }

    fn split(key: &Secret<32>, nonce: &[u8; NONCE]) -> (Secret<32>, [u8; COMMITMENT]) {
        let both = derive::<64>(label::AEAD_COMMITTING, key, &[nonce]);
        let (subkey, rest) = both
            .dangerously_expose()
            .split_first_chunk::<32>()
            .expect("64 bytes have a first half");
        let commitment = rest.try_into().expect("64 bytes have a second half");
        (Secret::from_bytes(*subkey), commitment)
    }
}

/// Not generic, so that a debug build compiles the cipher where this crate stands, with optimisation.
fn seal_rest(key: &Secret<32>, nonce: &[u8; NONCE], aad: &[u8], sealed: &mut Vec<u8>, start: usize) {
    let (_, body) = sealed.split_at_mut(start);
    let tag = cipher(key)
        .encrypt_inout_detached(&(*nonce).into(), aad, body.into())
        .expect("what fits in memory is below the cipher's limit of 256 GiB");
    sealed.extend_from_slice(&tag);
}

fn open_detached(key: &Secret<32>, nonce: &[u8; NONCE], aad: &[u8], body: &[u8]) -> Result<SecretBytes, OpenError> {
    let (ciphertext, tag) = body.split_last_chunk::<TAG>().ok_or(OpenError)?;
    let mut plaintext = zeroize::Zeroizing::new(ciphertext.to_vec());
    cipher(key)
        .decrypt_inout_detached(&(*nonce).into(), aad, plaintext.as_mut_slice().into(), &(*tag).into())
        .map_err(|_| OpenError)?;
    Ok(SecretBytes::from(std::mem::take(&mut *plaintext)))
}

fn cipher(key: &Secret<32>) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(key.dangerously_expose().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_core::SeedableRng;

    fn rng() -> rand_chacha::ChaCha20Rng {
        rand_chacha::ChaCha20Rng::seed_from_u64(1)
    }

    #[test]
    fn what_was_sealed_opens_and_any_changed_byte_does_not() {
        let key = Secret::from_bytes([7; 32]);
        type Seal = fn(&Secret<32>, &mut rand_chacha::ChaCha20Rng, &[u8], &[u8]) -> Vec<u8>;
        type Open = fn(&Secret<32>, &[u8], &[u8]) -> Result<SecretBytes, OpenError>;
        let both: [(Seal, Open, usize); 2] = [
            (seal, open, OVERHEAD),
            (committing::seal, committing::open, committing::OVERHEAD),
        ];
        for (seal, open, overhead) in both {
            let sealed = seal(&key, &mut rng(), b"aad", b"text");
            assert_eq!(sealed.len(), 4 + overhead);
            assert_eq!(
                open(&key, b"aad", &sealed).map(|p| p.dangerously_expose().to_vec()),
                Ok(b"text".to_vec())
            );
            assert!(open(&key, b"aae", &sealed).is_err());
            assert!(open(&Secret::from_bytes([8; 32]), b"aad", &sealed).is_err());
            for i in 0..sealed.len() {
                let mut changed = sealed.clone();
                changed[i] ^= 1;
                assert!(open(&key, b"aad", &changed).is_err(), "byte {i}");
                assert!(open(&key, b"aad", &sealed[..i]).is_err(), "cut at {i}");
            }
        }
    }

    #[test]
    fn sealing_in_place_gives_the_same_bytes() {
        let key = Secret::from_bytes([7; 32]);
        let in_place = seal_in_place(&key, &mut rng(), b"aad", 4, |out| out.extend_from_slice(b"text"));
        assert_eq!(in_place, seal(&key, &mut rng(), b"aad", b"text"));
    }

    #[test]
    fn a_nonce_is_never_chosen_twice_from_one_rng() {
        let (key, mut rng) = (Secret::from_bytes([7; 32]), rng());
        assert_ne!(seal(&key, &mut rng, b"", b"x"), seal(&key, &mut rng, b"", b"x"));
    }
}
