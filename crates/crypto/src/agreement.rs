//! X25519 (RFC 7748), with the checks that keep an agreement from being empty.

use crate::Secret;
use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};
use x25519_dalek::{PublicKey as Point, StaticSecret};

/// Our half of an agreement.
pub struct SecretKey(StaticSecret);

impl SecretKey {
    /// A fresh one.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        Self(StaticSecret::random_from_rng(rng))
    }

    /// The one that `seed` stands for.
    pub fn from_seed(seed: &Secret<32>) -> Self {
        Self(StaticSecret::from(*seed.dangerously_expose()))
    }

    /// What [`Self::from_seed`] takes.
    pub fn seed(&self) -> Secret<32> {
        Secret::from_bytes(self.0.to_bytes())
    }

    /// The other side's view of it. Costs a fixed-base multiplication: keep it where it is used often.
    pub fn public(&self) -> PublicKey {
        PublicKey(*Point::from(&self.0).as_bytes())
    }

    /// The shared secret. Not uniform: feed it to [`crate::derive_from`].
    ///
    /// # Errors
    /// [`NotContributory`] if their point is of small order, so that the result would not depend on our key.
    pub fn agree(&self, theirs: &PublicKey) -> Result<Secret<32>, NotContributory> {
        let shared = self.0.diffie_hellman(&Point::from(theirs.0));
        if shared.was_contributory() {
            Ok(Secret::from_bytes(shared.to_bytes()))
        } else {
            Err(NotContributory)
        }
    }
}

/// Their half of an agreement: canonical and not of small order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "[u8; 32]", into = "[u8; 32]")]
pub struct PublicKey([u8; 32]);

impl PublicKey {
    /// Reads a u-coordinate.
    ///
    /// # Errors
    /// [`BadPublicKey`] for a second spelling of a point (2^255 - 19 and above, or the top bit set) and for the points of
    /// small order, on the curve and on its twist.
    pub fn from_bytes(bytes: [u8; 32]) -> Result<Self, BadPublicKey> {
        if is_canonical(&bytes) && !SMALL_ORDER.contains(&bytes) {
            Ok(Self(bytes))
        } else {
            Err(BadPublicKey)
        }
    }

    /// The u-coordinate.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl TryFrom<[u8; 32]> for PublicKey {
    type Error = BadPublicKey;

    fn try_from(bytes: [u8; 32]) -> Result<Self, BadPublicKey> {
        Self::from_bytes(bytes)
    }
}

impl From<PublicKey> for [u8; 32] {
    fn from(key: PublicKey) -> [u8; 32] {
        key.0
    }
}

/// Not a public key that we agree with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a canonical X25519 public key")]
pub struct BadPublicKey;

/// Their point is of small order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the agreement does not depend on our key")]
pub struct NotContributory;

/// Below 2^255 - 19, little-endian.
fn is_canonical(bytes: &[u8; 32]) -> bool {
    let [low, middle @ .., high] = bytes;
    let top = *high == 0x7f && middle.iter().all(|b| *b == 0xff) && *low >= 0xed;
    *high < 0x80 && !top
}

/// The canonical u-coordinates of small order: 0, 1, -1 and the two of order 8
/// (Bernstein, [Curve25519 page](https://cr.yp.to/ecdh.html#validate)).
const SMALL_ORDER: [[u8; 32]; 5] = [
    [0; 32],
    {
        let mut one = [0; 32];
        one[0] = 1;
        one
    },
    [
        0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4, 0x6a, 0xda, 0x09,
        0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00,
    ],
    [
        0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1, 0x55, 0x9c, 0x83, 0xef, 0x5b, 0x04, 0x44,
        0x5c, 0xc4, 0x58, 0x1c, 0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f, 0x11, 0x57,
    ],
    {
        let mut minus_one = [0xff; 32];
        minus_one[0] = 0xec;
        minus_one[31] = 0x7f;
        minus_one
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use rand_core::SeedableRng;

    #[test]
    fn both_sides_agree() {
        let mut rng = rand_chacha::ChaCha20Rng::seed_from_u64(1);
        let (ours, theirs) = (SecretKey::generate(&mut rng), SecretKey::generate(&mut rng));
        assert!(
            ours.agree(&theirs.public())
                .unwrap()
                .ct_eq(&theirs.agree(&ours.public()).unwrap())
        );
        assert!(SecretKey::from_seed(&ours.seed()).public() == ours.public());
    }

    #[test]
    fn points_of_small_order_are_refused_when_decoded_and_when_agreed_with() {
        let ours = SecretKey::generate(&mut rand_chacha::ChaCha20Rng::seed_from_u64(1));
        for bytes in SMALL_ORDER {
            assert_eq!(PublicKey::from_bytes(bytes), Err(BadPublicKey));
            assert!(
                ours.agree(&PublicKey(bytes)).is_err(),
                "the list names a point that contributes"
            );
        }
    }

    #[test]
    fn a_second_spelling_of_a_point_is_refused() {
        let point = *SecretKey::from_seed(&Secret::from_bytes([5; 32])).public().as_bytes();
        let mut with_top_bit = point;
        with_top_bit[31] |= 0x80;
        assert_eq!(PublicKey::from_bytes(with_top_bit), Err(BadPublicKey));
        let mut nine_plus_p = [0xff; 32];
        nine_plus_p[0] = 0xed + 9;
        nine_plus_p[31] = 0x7f;
        assert_eq!(PublicKey::from_bytes(nine_plus_p), Err(BadPublicKey));
        assert!(PublicKey::from_bytes(point).is_ok());
    }
}
