//! Bytes that must not be seen.

use rand_core::CryptoRng;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

/// `N` secret bytes, wiped when dropped.
///
/// It lives on the heap, so that moving it leaves no copies behind on the stack.
///
/// There is no `Debug`:
/// ```compile_fail
/// println!("{:?}", outis_crypto::Secret::<32>::from_bytes([0; 32]));
/// ```
/// no `Clone`:
/// ```compile_fail
/// let _ = outis_crypto::Secret::<32>::from_bytes([0; 32]).clone();
/// ```
/// no `==`:
/// ```compile_fail
/// let _ = outis_crypto::Secret::<32>::from_bytes([0; 32]) == outis_crypto::Secret::<32>::from_bytes([0; 32]);
/// ```
/// and no `Serialize`:
/// ```compile_fail
/// fn needs<T: serde::Serialize>(_: T) {}
/// needs(outis_crypto::Secret::<32>::from_bytes([0; 32]));
/// ```
pub struct Secret<const N: usize>(Box<[u8; N]>);

impl<const N: usize> Secret<N> {
    /// Fresh and uniform.
    pub fn random(rng: &mut impl CryptoRng) -> Self {
        Self::filled(|bytes| rng.fill_bytes(bytes))
    }

    /// Takes bytes that are secret already; the caller's copy is wiped.
    pub fn from_bytes(mut bytes: [u8; N]) -> Self {
        let secret = Self::filled(|own| own.copy_from_slice(&bytes));
        bytes.zeroize();
        secret
    }

    /// As [`Self::from_bytes`], from a slice of exactly `N` bytes.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        (bytes.len() == N).then(|| Self::filled(|own| own.copy_from_slice(bytes)))
    }

    /// The bytes themselves. Whoever calls this answers for where they go.
    pub fn dangerously_expose(&self) -> &[u8; N] {
        &self.0
    }

    /// A second copy of the secret.
    #[must_use]
    pub fn dangerously_duplicate(&self) -> Self {
        Self::filled(|own| own.copy_from_slice(self.dangerously_expose()))
    }

    /// Whether both are the same, in constant time.
    pub fn ct_eq(&self, other: &Self) -> bool {
        self.0.as_slice().ct_eq(other.0.as_slice()).into()
    }

    pub(crate) fn filled(fill: impl FnOnce(&mut [u8; N])) -> Self {
        let mut secret = Self(Box::new([0; N]));
        fill(&mut secret.0);
        secret
    }
}

impl<const N: usize> Drop for Secret<N> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// Secret bytes of any length, wiped when dropped.
pub struct SecretBytes(Zeroizing<Vec<u8>>);

impl SecretBytes {
    /// The bytes themselves. Whoever calls this answers for where they go.
    pub fn dangerously_expose(&self) -> &[u8] {
        &self.0
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<Vec<u8>> for SecretBytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equality_is_of_contents() {
        assert!(Secret::from_bytes([1; 32]).ct_eq(&Secret::from_bytes([1; 32])));
        assert!(!Secret::from_bytes([1; 32]).ct_eq(&Secret::from_bytes([2; 32])));
        assert!(Secret::<32>::from_slice(&[0; 31]).is_none());
    }
}
