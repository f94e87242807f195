//! Ed25519 (RFC 8032), always under a label, verified strictly.

use crate::{Label, Secret};
use ed25519_dalek::Signer;
use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};

/// Signs.
pub struct SigningKey(ed25519_dalek::SigningKey);

impl SigningKey {
    /// A fresh one.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        Self::from_seed(&Secret::random(rng))
    }

    /// The one that `seed` stands for.
    pub fn from_seed(seed: &Secret<32>) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(seed.dangerously_expose()))
    }

    /// What [`Self::from_seed`] takes.
    pub fn seed(&self) -> Secret<32> {
        Secret::from_bytes(self.0.to_bytes())
    }

    /// The other side's view of it.
    pub fn verifying_key(&self) -> VerifyingKey {
        VerifyingKey(self.0.verifying_key().to_bytes())
    }

    /// Signs `message` for the purpose that `label` names.
    pub fn sign(&self, label: Label, message: &[u8]) -> Signature {
        Signature(self.0.sign(&labelled(label, message)).to_bytes())
    }
}

/// Verifies: the canonical encoding of a point that is not of small order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "[u8; 32]", into = "[u8; 32]")]
pub struct VerifyingKey([u8; 32]);

impl VerifyingKey {
    /// Reads a key.
    ///
    /// # Errors
    /// [`BadVerifyingKey`] for what is no point, a second spelling of one, or one of small order.
    pub fn from_bytes(bytes: [u8; 32]) -> Result<Self, BadVerifyingKey> {
        let key = ed25519_dalek::VerifyingKey::from_bytes(&bytes).map_err(|_| BadVerifyingKey)?;
        let canonical = key.to_edwards().compress().to_bytes() == bytes;
        if canonical && !key.is_weak() {
            Ok(Self(bytes))
        } else {
            Err(BadVerifyingKey)
        }
    }

    /// The key as on the wire.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Whether `signature` was made by this key's owner over `message` for the purpose that `label` names.
    ///
    /// # Errors
    /// [`BadSignature`]: it was not, or the signature has a second spelling.
    pub fn verify(&self, label: Label, message: &[u8], signature: &Signature) -> Result<(), BadSignature> {
        self.verify_bytes(&labelled(label, message), signature)
    }

    fn verify_bytes(&self, signed: &[u8], signature: &Signature) -> Result<(), BadSignature> {
        let key = ed25519_dalek::VerifyingKey::from_bytes(&self.0).map_err(|_| BadSignature)?;
        let signature = ed25519_dalek::Signature::from_bytes(&signature.0);
        key.verify_strict(signed, &signature).map_err(|_| BadSignature)
    }
}

impl TryFrom<[u8; 32]> for VerifyingKey {
    type Error = BadVerifyingKey;

    fn try_from(bytes: [u8; 32]) -> Result<Self, BadVerifyingKey> {
        Self::from_bytes(bytes)
    }
}

impl From<VerifyingKey> for [u8; 32] {
    fn from(key: VerifyingKey) -> [u8; 32] {
        key.0
    }
}

/// A signature that has not been looked at yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Signature([u8; 64]);

impl Signature {
    /// Any 64 bytes; whether they are a signature shows when they are verified.
    pub fn from_bytes(bytes: [u8; 64]) -> Self {
        Self(bytes)
    }

    /// The signature as on the wire.
    pub fn as_bytes(&self) -> &[u8; 64] {
        &self.0
    }
}

impl Serialize for Signature {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (head, tail) = self.0.split_at(32);
        (
            <[u8; 32]>::try_from(head).expect("half of 64"),
            <[u8; 32]>::try_from(tail).expect("half of 64"),
        )
            .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Signature {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let halves = <[[u8; 32]; 2]>::deserialize(deserializer)?;
        Ok(Self(halves.concat().try_into().expect("two halves of 32")))
    }
}

/// Not a key that we verify with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a canonical Ed25519 public key")]
pub struct BadVerifyingKey;

/// The signature does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the signature does not hold")]
pub struct BadSignature;

/// `length of label (1) ‖ label ‖ message`: injective, since labels are shorter than 256 bytes.
pub(crate) fn labelled(label: Label, message: &[u8]) -> Vec<u8> {
    let name = label.as_str().as_bytes();
    let length = u8::try_from(name.len()).expect("labels are shorter than 256 bytes, which a test shows");
    [&[length], name, message].concat()
}

#[cfg(test)]
mod wycheproof;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::label::AEAD_COMMITTING as LABEL;

    #[test]
    fn a_signature_holds_for_its_message_and_key_only() {
        let key = SigningKey::from_seed(&Secret::from_bytes([1; 32]));
        let other = SigningKey::from_seed(&Secret::from_bytes([2; 32]));
        let signature = key.sign(LABEL, b"message");
        assert_eq!(key.verifying_key().verify(LABEL, b"message", &signature), Ok(()));
        assert_eq!(
            key.verifying_key().verify(LABEL, b"massage", &signature),
            Err(BadSignature)
        );
        assert_eq!(
            other.verifying_key().verify(LABEL, b"message", &signature),
            Err(BadSignature)
        );
        let mut malleable = *signature.as_bytes();
        malleable[63] |= 0x20; // S beyond the group order
        assert_eq!(
            key.verifying_key()
                .verify(LABEL, b"message", &Signature::from_bytes(malleable)),
            Err(BadSignature)
        );
    }

    #[test]
    fn weak_and_second_spellings_of_keys_are_refused() {
        let mut identity = [0; 32];
        identity[0] = 1;
        assert!(VerifyingKey::from_bytes(identity).is_err());
        let mut identity_again = [0xff; 32]; // y = p + 1
        identity_again[0] = 0xee;
        identity_again[31] = 0x7f;
        assert!(VerifyingKey::from_bytes(identity_again).is_err());
    }
}
