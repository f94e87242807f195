//! ML-KEM-768 (FIPS 203).
//!
//! Computed by `libcrux-ml-kem`: generated from proofs of what it computes and that it does not branch on secrets, and, where
//! a processor has the instructions, four times as fast as RustCrypto's `ml-kem`, which it is tested against.

use crate::Secret;
use libcrux_ml_kem::mlkem768::{self as fips203, MlKem768PrivateKey, MlKem768PublicKey};
use rand_core::CryptoRng;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use zeroize::Zeroize;

/// Bytes of an encapsulation key.
pub const ENCAPSULATION_KEY: usize = 1184;

/// Bytes of a ciphertext.
pub const CIPHERTEXT: usize = 1088;

/// Our half: opens what was encapsulated to its [`EncapsulationKey`].
pub struct DecapsulationKey {
    seed: Secret<64>,
    expanded: Box<Expanded>,
}

impl DecapsulationKey {
    /// A fresh one.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        Self::from_seed(Secret::random(rng))
    }

    /// The one that `seed` (FIPS 203's d ‖ z) stands for.
    pub fn from_seed(seed: Secret<64>) -> Self {
        let (private, public) = fips203::generate_key_pair(*seed.dangerously_expose()).into_parts();
        Self {
            seed,
            expanded: Box::new(Expanded { private, public }),
        }
    }

    /// What [`Self::from_seed`] takes.
    pub fn seed(&self) -> &Secret<64> {
        &self.seed
    }

    /// The other side's view of it.
    pub fn encapsulation_key(&self) -> EncapsulationKey {
        EncapsulationKey(Box::new(*self.expanded.public.as_slice()))
    }

    /// The secret inside. A ciphertext that was not made for this key gives a pseudo-random secret, not an error
    /// (implicit rejection): whoever uses it has to confirm it.
    pub fn decapsulate(&self, ciphertext: &Ciphertext) -> Secret<32> {
        Secret::from_bytes(fips203::decapsulate(
            &self.expanded.private,
            &ciphertext.0.as_ref().into(),
        ))
    }
}

/// What a seed stands for, wiped when dropped.
struct Expanded {
    private: MlKem768PrivateKey,
    public: MlKem768PublicKey,
}

impl Drop for Expanded {
    fn drop(&mut self) {
        let Self { private, public: _ } = self;
        private[..MlKem768PrivateKey::len()].zeroize();
    }
}

/// Their half: a key whose coefficients are all in range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncapsulationKey(Box<[u8; ENCAPSULATION_KEY]>);

impl EncapsulationKey {
    /// Reads a key.
    ///
    /// # Errors
    /// [`BadEncapsulationKey`] if a coefficient is out of range (the modulus check of FIPS 203 §7.2) or the length is wrong.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, BadEncapsulationKey> {
        let bytes: [u8; ENCAPSULATION_KEY] = bytes.try_into().map_err(|_| BadEncapsulationKey)?;
        if fips203::validate_public_key(&bytes.into()) {
            Ok(Self(Box::new(bytes)))
        } else {
            Err(BadEncapsulationKey)
        }
    }

    /// The key as on the wire.
    pub fn as_bytes(&self) -> &[u8; ENCAPSULATION_KEY] {
        &self.0
    }

    /// A fresh secret and the ciphertext that takes it to the key's owner.
    pub fn encapsulate(&self, rng: &mut impl CryptoRng) -> (Ciphertext, Secret<32>) {
        let drawn = Secret::random(rng);
        let (ciphertext, shared) = fips203::encapsulate(&self.0.as_ref().into(), *drawn.dangerously_expose());
        (Ciphertext(Box::new(ciphertext.into())), Secret::from_bytes(shared))
    }
}

/// A secret on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ciphertext(Box<[u8; CIPHERTEXT]>);

impl Ciphertext {
    /// Reads a ciphertext: any bytes of the right length are one.
    ///
    /// # Errors
    /// [`BadCiphertext`] for another length.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, BadCiphertext> {
        bytes
            .try_into()
            .map(|bytes| Self(Box::new(bytes)))
            .map_err(|_| BadCiphertext)
    }

    /// The ciphertext as on the wire.
    pub fn as_bytes(&self) -> &[u8; CIPHERTEXT] {
        &self.0
    }
}

/// Not an encapsulation key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an ML-KEM-768 encapsulation key")]
pub struct BadEncapsulationKey;

/// Not a ciphertext.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an ML-KEM-768 ciphertext")]
pub struct BadCiphertext;

impl Serialize for EncapsulationKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.as_bytes())
    }
}

impl<'de> Deserialize<'de> for EncapsulationKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = <&[u8]>::deserialize(deserializer)?;
        Self::from_bytes(bytes).map_err(de::Error::custom)
    }
}

impl Serialize for Ciphertext {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.as_bytes())
    }
}

impl<'de> Deserialize<'de> for Ciphertext {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = <&[u8]>::deserialize(deserializer)?;
        Self::from_bytes(bytes).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_core::SeedableRng;

    #[test]
    fn what_was_encapsulated_is_decapsulated_and_another_key_gives_another_secret() {
        let mut rng = rand_chacha::ChaCha20Rng::seed_from_u64(1);
        let (ours, other) = (
            DecapsulationKey::generate(&mut rng),
            DecapsulationKey::generate(&mut rng),
        );
        let (ciphertext, secret) = ours.encapsulation_key().encapsulate(&mut rng);
        assert!(ours.decapsulate(&ciphertext).ct_eq(&secret));
        assert!(!other.decapsulate(&ciphertext).ct_eq(&secret));
        let again = DecapsulationKey::from_seed(ours.seed().dangerously_duplicate());
        assert!(again.decapsulate(&ciphertext).ct_eq(&secret));
    }

    #[test]
    fn a_key_with_a_coefficient_out_of_range_is_refused() {
        let mut bytes = *DecapsulationKey::from_seed(Secret::from_bytes([1; 64]))
            .encapsulation_key()
            .as_bytes();
        assert!(EncapsulationKey::from_bytes(&bytes).is_ok());
        bytes[..2].copy_from_slice(&[0xff, 0xff]); // the first coefficient is 4095, above 3328
        assert_eq!(EncapsulationKey::from_bytes(&bytes), Err(BadEncapsulationKey));
    }
}
