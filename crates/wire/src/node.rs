//! The name of a relay.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// A relay's Ed25519 public key. A node is not a person: this is never an account's key.
///
/// As text it is the libp2p peer id of that key (`12D3KooW…`): base58 of `00 24 08 01 12 20` ‖ key
/// ([peer id specification](https://github.com/libp2p/specs/blob/master/peer-ids/peer-ids.md)).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct NodeId(pub [u8; 32]);

/// Identity multihash of 36 bytes: a protobuf with key type Ed25519 and 32 bytes of key.
const PREFIX: [u8; 6] = [0x00, 0x24, 0x08, 0x01, 0x12, 0x20];

/// Base58 of 38 bytes has at most 52 characters; a longer text is not looked at.
const TEXT_LIMIT: usize = 64;

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes: Vec<u8> = PREFIX.iter().chain(&self.0).copied().collect();
        f.write_str(&bs58::encode(bytes).into_string())
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NodeId({self})")
    }
}

impl FromStr for NodeId {
    type Err = NodeIdError;

    fn from_str(text: &str) -> Result<Self, NodeIdError> {
        if text.len() > TEXT_LIMIT {
            return Err(NodeIdError);
        }
        let bytes = bs58::decode(text).into_vec().map_err(|_| NodeIdError)?;
        let key = bytes.strip_prefix(&PREFIX).ok_or(NodeIdError)?;
        key.try_into().map(Self).map_err(|_| NodeIdError)
    }
}

/// Not the id of a relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a node id")]
pub struct NodeIdError;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_bytes_agree_both_ways() {
        let id = NodeId([7; 32]);
        let text = id.to_string();
        assert!(text.starts_with("12D3KooW"), "{text}");
        assert_eq!(text.parse(), Ok(id));
        assert_eq!("QmNotThisKind".parse::<NodeId>(), Err(NodeIdError));
        assert_eq!("1".repeat(10_000).parse::<NodeId>(), Err(NodeIdError));
    }
}
