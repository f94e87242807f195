//! The name of a network, which keeps test networks apart from the real one.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// 1 to 32 characters of `a-z`, `0-9` and `-`. Mixed into every protocol id and every key of the directory.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NetworkName(String);

impl NetworkName {
    /// The id of a protocol of ours, for example `/outis/main/circuit/1`.
    pub fn protocol_id(&self, protocol: &str, version: u8) -> String {
        format!("/outis/{self}/{protocol}/{version}")
    }

    /// Whether it begins with `test`: nobody's own network, where work is cheap and some promises can be switched off so that
    /// tests of them can fail.
    pub fn is_for_tests(&self) -> bool {
        self.0.starts_with("test")
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for NetworkName {
    /// The public network.
    fn default() -> Self {
        Self("main".to_owned())
    }
}

impl FromStr for NetworkName {
    type Err = NetworkNameError;

    fn from_str(text: &str) -> Result<Self, NetworkNameError> {
        let fits = (1..=32).contains(&text.len());
        let plain = text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'));
        if fits && plain {
            Ok(Self(text.to_owned()))
        } else {
            Err(NetworkNameError)
        }
    }
}

impl TryFrom<String> for NetworkName {
    type Error = NetworkNameError;

    fn try_from(text: String) -> Result<Self, NetworkNameError> {
        text.parse()
    }
}

impl From<NetworkName> for String {
    fn from(name: NetworkName) -> String {
        name.0
    }
}

impl fmt::Display for NetworkName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Not the name of a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a network's name has 1 to 32 characters of a-z, 0-9 and -")]
pub struct NetworkNameError;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_and_plain() {
        assert_eq!(
            "test-1".parse::<NetworkName>().map(|n| n.protocol_id("mailbox", 1)),
            Ok("/outis/test-1/mailbox/1".into())
        );
        for bad in ["", "A", "a/b", "a b", "ä", &"a".repeat(33)] {
            assert_eq!(bad.parse::<NetworkName>(), Err(NetworkNameError), "{bad:?}");
        }
    }
}
