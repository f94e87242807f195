//! Bytes on their way through JSON.

use super::Sensitive;
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize, Serializer};
use ts_rs::TS;
use zeroize::Zeroizing;

/// Bytes, in base64 with padding (RFC 4648). Wiped when dropped; cannot be printed.
#[derive(Clone, Deserialize, TS)]
#[serde(try_from = "Sensitive")]
#[ts(type = "string")]
pub struct Bytes(Zeroizing<Vec<u8>>);

impl Bytes {
    /// The bytes.
    pub fn dangerously_expose(&self) -> &[u8] {
        &self.0
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }
}

impl TryFrom<Sensitive> for Bytes {
    type Error = base64::DecodeError;

    fn try_from(text: Sensitive) -> Result<Self, Self::Error> {
        STANDARD.decode(text.dangerously_expose()).map(Self::from)
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = Zeroizing::new(STANDARD.encode(&*self.0));
        serializer.serialize_str(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_go_through_json_and_what_is_no_base64_does_not() {
        for bytes in [&b""[..], b"a", b"wine-dark sea", &[0xff; 100]] {
            let json = serde_json::to_string(&Bytes::from(bytes.to_vec())).expect("text");
            let read: Bytes = serde_json::from_str(&json).expect("base64");
            assert_eq!(read.dangerously_expose(), bytes);
        }
        for bad in ["\"YQ\"", "\"YQ=\"", "\"YR==\"", "\"Y Q==\"", "\"-_==\"", "[97]", "null"] {
            assert!(serde_json::from_str::<Bytes>(bad).is_err(), "{bad}");
        }
    }
}
