//! Serialization of secrets, for records that rest inside the container and nowhere else.
//!
//! ```
//! #[derive(serde::Serialize, serde::Deserialize)]
//! struct Record {
//!     #[serde(with = "outis_crypto::dangerously_serialize")]
//!     chain: outis_crypto::Secret<32>,
//! }
//! ```

use crate::Secret;
use serde::{Deserializer, Serializer, de};
use std::fmt;

/// Writes the bytes themselves.
///
/// # Errors
/// The serializer's.
pub fn serialize<const N: usize, S: Serializer>(secret: &Secret<N>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_bytes(secret.dangerously_expose())
}

/// Reads exactly `N` bytes.
///
/// # Errors
/// The deserializer's, or a wrong length.
pub fn deserialize<'de, const N: usize, D: Deserializer<'de>>(deserializer: D) -> Result<Secret<N>, D::Error> {
    deserializer.deserialize_bytes(Bytes::<N>)
}

struct Bytes<const N: usize>;

impl<const N: usize> de::Visitor<'_> for Bytes<N> {
    type Value = Secret<N>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{N} bytes")
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Secret<N>, E> {
        Secret::from_slice(bytes).ok_or_else(|| E::invalid_length(bytes.len(), &self))
    }
}
