//! Key blinding: a key for one epoch that only who knows the long-lived key can tell from any other.
//!
//! The formula is Tor's ([rend-spec-v3, appendix A.2](https://spec.torproject.org/rend-spec/keyblinding-scheme.html)), on our
//! own curve arithmetic, and gives Tor's published vectors byte for byte:
//!
//! ```text
//! h  = clamp(factor)          A' = h · A          s' = h · s mod l
//! RH' = first 32 bytes of SHA-512("Derive temporary signing key hash input" ‖ RH)
//! ```
//!
//! Where we go further:
//! - a public key with a torsion component is refused. `h` is a multiple of eight, so that `A` and `A` + torsion blind to the
//!   same key: two addresses, one descriptor.
//! - Tor's `RH'` does not depend on the factor. The same message signed in two epochs would share its nonce under two keys
//!   whose quotient everybody knows who knows `A`, and give `s` away. So the nonce prefix used is
//!   `H(label, RH' ‖ A')`.

use crate::{
    Label, Secret, hash, label,
    signature::{BadSignature, BadVerifyingKey, Signature, SigningKey, VerifyingKey, labelled},
};
use curve25519_dalek::{edwards::CompressedEdwardsY, scalar::Scalar, scalar::clamp_integer};
use ed25519_dalek::hazmat::{ExpandedSecretKey, raw_sign};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha512};

/// What a key is blinded by.
#[derive(Clone, Copy)]
pub struct Factor([u8; 32]);

impl Factor {
    /// The factor of `key` in the context that `parts` spell out: a network and an epoch, say.
    pub fn new(key: &VerifyingKey, parts: &[&[u8]]) -> Self {
        let mut all: Vec<&[u8]> = vec![key.as_bytes()];
        all.extend_from_slice(parts);
        Self(hash(label::BLINDED_FACTOR, &all))
    }

    fn scalar(self) -> Scalar {
        Scalar::from_bytes_mod_order(clamp_integer(self.0))
    }
}

/// A blinded public key. Verifies like any other Ed25519 key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct BlindedKey(VerifyingKey);

impl BlindedKey {
    /// Blinds `key`.
    ///
    /// # Errors
    /// [`HasTorsion`] if `key` is not in the prime-order group. No key that was made honestly is.
    pub fn new(key: &VerifyingKey, factor: Factor) -> Result<Self, HasTorsion> {
        let point = CompressedEdwardsY(*key.as_bytes()).decompress().ok_or(HasTorsion)?;
        if !point.is_torsion_free() {
            return Err(HasTorsion);
        }
        let blinded = (factor.scalar() * point).compress().to_bytes();
        VerifyingKey::from_bytes(blinded).map(Self).map_err(|_| HasTorsion)
    }

    /// Reads a key that somebody else blinded.
    ///
    /// # Errors
    /// As [`VerifyingKey::from_bytes`].
    pub fn from_bytes(bytes: [u8; 32]) -> Result<Self, BadVerifyingKey> {
        VerifyingKey::from_bytes(bytes).map(Self)
    }

    /// The key as on the wire.
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// Whether `signature` was made with the blinded secret over `message` for the purpose that `label` names.
    ///
    /// # Errors
    /// [`BadSignature`]: it was not.
    pub fn verify(&self, label: Label, message: &[u8], signature: &Signature) -> Result<(), BadSignature> {
        self.0.verify(label, message, signature)
    }
}

/// Signs as a [`BlindedKey`].
pub struct BlindedSigningKey {
    secret: ExpandedSecretKey,
    public: ed25519_dalek::VerifyingKey,
}

impl BlindedSigningKey {
    /// Blinds `key`.
    pub fn new(key: &SigningKey, factor: Factor) -> Self {
        let seed = key.seed();
        let expanded = Secret::<64>::from_bytes(Sha512::digest(seed.dangerously_expose()).into());
        let mut secret = blind(&expanded, factor);
        let public = ed25519_dalek::VerifyingKey::from(&secret);
        secret.hash_prefix = hash(label::BLINDED_NONCE, &[&secret.hash_prefix, public.as_bytes()]);
        Self { secret, public }
    }

    /// The other side's view of it.
    pub fn blinded_key(&self) -> BlindedKey {
        let key = VerifyingKey::from_bytes(self.public.to_bytes());
        BlindedKey(key.expect("a product of a base point and two non-zero scalars"))
    }

    /// Signs `message` for the purpose that `label` names.
    pub fn sign(&self, label: Label, message: &[u8]) -> Signature {
        let signature = raw_sign::<Sha512>(&self.secret, &labelled(label, message), &self.public);
        Signature::from_bytes(signature.to_bytes())
    }
}

/// The key has a component of small order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the key is not in the prime-order group")]
pub struct HasTorsion;

/// Tor's formula on an expanded secret: `s'` and `RH'`.
fn blind(expanded: &Secret<64>, factor: Factor) -> ExpandedSecretKey {
    let own = ExpandedSecretKey::from_bytes(expanded.dangerously_expose());
    let scalar = factor.scalar() * own.scalar;
    let mut hasher = Sha512::new();
    hasher.update(TOR_PREFIX);
    hasher.update(own.hash_prefix);
    let digest = Secret::<64>::from_bytes(hasher.finalize().into());
    let mut hash_prefix = [0; 32];
    hash_prefix
        .iter_mut()
        .zip(digest.dangerously_expose())
        .for_each(|(to, from)| *to = *from);
    ExpandedSecretKey { scalar, hash_prefix }
}

const TOR_PREFIX: &[u8] = b"Derive temporary signing key hash input";

#[cfg(test)]
mod tests;
