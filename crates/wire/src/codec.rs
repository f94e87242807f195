//! The one codec: [postcard](https://postcard.jamesmunns.com/wire-format) behind a door that makes it strict.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// The canonical encoding of `value`.
///
/// Types that are encoded here are plain data, for which encoding cannot fail.
pub fn encode<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    postcard::to_allocvec(value).expect("plain data always encodes: no maps of unknown length, no failing serializers")
}

/// Reads exactly one value of at most `limit` bytes.
///
/// # Errors
/// An input that is longer than `limit`, is malformed, has bytes left over, or is not what [`encode`] gives for the value
/// read (postcard accepts over-long integers; we do not).
pub fn decode<T: Serialize + DeserializeOwned>(bytes: &[u8], limit: usize) -> Result<T, DecodeError> {
    if bytes.len() > limit {
        return Err(DecodeError::TooLong { limit });
    }
    let (value, rest) = postcard::take_from_bytes::<T>(bytes).map_err(|_| DecodeError::Malformed)?;
    if !rest.is_empty() {
        return Err(DecodeError::Trailing);
    }
    if encode(&value) != bytes {
        return Err(DecodeError::NotCanonical);
    }
    Ok(value)
}

/// Why bytes are not a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Refused by its length, before it was looked at.
    #[error("longer than {limit} bytes")]
    TooLong {
        /// The limit in bytes.
        limit: usize,
    },
    /// Not an encoding of the expected type.
    #[error("malformed")]
    Malformed,
    /// A value, and then more.
    #[error("bytes after the value")]
    Trailing,
    /// A second spelling of a value.
    #[error("not the canonical encoding")]
    NotCanonical,
}

/// One arm of an enum that may grow: a reader that does not know `tag` can keep or skip `body` without failing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tagged {
    /// Which arm. All tags of a protocol stand in one place; a removed tag stays reserved.
    pub tag: u16,
    /// The arm's own encoding.
    pub body: Vec<u8>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_second_spelling_of_a_number_is_refused() {
        // 0x80 0x00 is a two-byte zero, which postcard itself would accept.
        assert_eq!(decode::<u16>(&[0x80, 0x00], 10), Err(DecodeError::NotCanonical));
        assert_eq!(decode::<u16>(&[0x00], 10), Ok(0));
    }

    #[test]
    fn what_is_too_long_is_not_looked_at() {
        assert_eq!(decode::<Vec<u8>>(&[9; 11], 10), Err(DecodeError::TooLong { limit: 10 }));
    }

    #[test]
    fn a_length_without_its_bytes_is_refused_without_allocating_it() {
        // Claims 2^32 - 1 elements.
        assert_eq!(
            decode::<Vec<u8>>(&[0xff, 0xff, 0xff, 0xff, 0x0f], 10),
            Err(DecodeError::Malformed)
        );
    }

    #[test]
    fn bytes_after_the_value_are_refused() {
        assert_eq!(decode::<u8>(&[1, 2], 10), Err(DecodeError::Trailing));
    }

    proptest! {
        #[test]
        fn any_bytes_decode_to_at_most_one_value_that_encodes_to_them(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(value) = decode::<Vec<(u32, Tagged, Option<String>)>>(&bytes, 200) {
                prop_assert_eq!(encode(&value), bytes);
            }
        }
    }
}
