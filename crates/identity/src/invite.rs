//! Invite links: an address, and what makes the first contact easier.

use crate::{Address, AddressError, Nickname, NicknameError};
use std::{fmt, str::FromStr};
use zeroize::Zeroizing;

/// A link that somebody hands to somebody: `outis:<address>?n=<nickname>&t=<token>&b=<hint>&b=<hint>`.
///
/// All but the address may be missing. Nothing in it is trusted but the address: the nickname is a suggestion for the
/// contact list, the hints are tried, the token is good for what its maker lets it be good for.
#[derive(Clone, PartialEq, Eq)]
pub struct Invite {
    /// Whom it leads to.
    pub address: Address,
    /// What they call themselves.
    pub nickname: Option<Nickname>,
    /// Lets a request pass without work.
    pub token: Option<InviteToken>,
    /// Addresses of relays (multiaddrs) for somebody who knows none yet; at most [`Self::MAX_HINTS`].
    pub bootstrap: Vec<String>,
}

impl Invite {
    /// An invite with nothing but an address.
    pub fn new(address: Address) -> Self {
        Self {
            address,
            nickname: None,
            token: None,
            bootstrap: Vec::new(),
        }
    }

    /// How many bootstrap hints a link carries at most. Further ones are not written.
    pub const MAX_HINTS: usize = 8;
}

impl fmt::Display for Invite {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{SCHEME}{}", self.address)?;
        let nickname = self
            .nickname
            .iter()
            .map(|nickname| ('n', percent_encode(nickname.as_typed())));
        let token = self.token.iter().map(|token| ('t', token.to_hex()));
        let hints = self
            .bootstrap
            .iter()
            .filter(|hint| is_hint(hint))
            .take(Self::MAX_HINTS)
            .map(|hint| ('b', percent_encode(hint)));
        for (place, (key, value)) in nickname.chain(token).chain(hints).enumerate() {
            let mark = if place == 0 { '?' } else { '&' };
            write!(out, "{mark}{key}={value}")?;
        }
        Ok(())
    }
}

/// Shows nothing: logs name nobody.
impl fmt::Debug for Invite {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            address: _,
            nickname: _,
            token: _,
            bootstrap: _,
        } = self;
        out.write_str("Invite(..)")
    }
}

impl FromStr for Invite {
    type Err = InviteError;

    /// Reads a link as somebody typed or pasted it: space around it is ignored, and an address alone is an invite too.
    /// Parameters that this version does not know are skipped.
    fn from_str(text: &str) -> Result<Self, InviteError> {
        let text = text.trim();
        if text.len() > MAX_LENGTH {
            return Err(InviteError::TooLong);
        }
        let link = match text.split_at_checked(SCHEME.len()) {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case(SCHEME) => rest,
            _ => text,
        };
        let (address, parameters) = link.split_once('?').unwrap_or((link, ""));
        let mut invite = Self::new(address.parse()?);
        for parameter in parameters.split('&').filter(|parameter| !parameter.is_empty()) {
            invite.read(parameter)?;
        }
        Ok(invite)
    }
}

impl Invite {
    fn read(&mut self, parameter: &str) -> Result<(), InviteError> {
        let (key, value) = parameter.split_once('=').ok_or(InviteError::Malformed)?;
        match key {
            "n" if self.nickname.is_none() => {
                self.nickname = Some(Nickname::parse(&percent_decode(value)?)?);
            }
            "t" if self.token.is_none() => {
                self.token = Some(InviteToken::from_hex(value).ok_or(InviteError::Token)?);
            }
            "b" => {
                let hint = percent_decode(value)?;
                if self.bootstrap.len() == Self::MAX_HINTS || !is_hint(&hint) {
                    return Err(InviteError::Hints);
                }
                self.bootstrap.push(hint);
            }
            "n" | "t" => return Err(InviteError::Malformed),
            _ => {}
        }
        Ok(())
    }
}

/// A token that its maker gave out. What is inside only its maker's mailbox reads. Whoever has it can use it, so it does
/// not show in `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct InviteToken(Zeroizing<Vec<u8>>);

impl InviteToken {
    /// A token of these bytes; `None` if there are none or more than [`Self::MAX_BYTES`].
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        (1..=Self::MAX_BYTES)
            .contains(&bytes.len())
            .then(|| Self(Zeroizing::new(bytes.to_vec())))
    }

    /// What its maker put in.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The longest token.
    pub const MAX_BYTES: usize = 256;

    fn to_hex(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Lower case only: one token has one spelling.
    fn from_hex(text: &str) -> Option<Self> {
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        if !rest.is_empty() || pairs.len() > Self::MAX_BYTES {
            return None;
        }
        let bytes: Option<Vec<u8>> = pairs
            .iter()
            .map(|[high, low]| Some(hex_digit(*high)? << 4 | hex_digit(*low)?))
            .collect();
        Self::from_bytes(&bytes?)
    }
}

/// Shows nothing: whoever reads it could use it.
impl fmt::Debug for InviteToken {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(_) = self;
        out.write_str("InviteToken(..)")
    }
}

/// Why a text is no invite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InviteError {
    /// More than 8 KiB.
    #[error("too long for an invite")]
    TooLong,
    /// What stands before the question mark.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// Cut off, or glued together from two.
    #[error("this invite link is damaged")]
    Malformed,
    /// The nickname in it would not be one.
    #[error("the nickname in this invite is not allowed: {0}")]
    Nickname(#[from] NicknameError),
    /// The token is not one.
    #[error("the token in this invite is damaged")]
    Token,
    /// Too many hints, too long ones, or no addresses.
    #[error("the relay addresses in this invite are damaged")]
    Hints,
}

/// A multiaddr as far as can be said here: whether it leads anywhere the network finds out.
fn is_hint(hint: &str) -> bool {
    hint.len() <= MAX_HINT && hint.starts_with('/') && hint.bytes().all(|byte| byte.is_ascii_graphic())
}

/// RFC 3986: what may stand in a query stays, and so do `/` and `:`, of which hints are full.
fn percent_encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' | b':' => {
                encoded.push(char::from(byte))
            }
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

/// Either case, and letters that need not have been escaped: programs that pass links on escape as they like.
fn percent_decode(text: &str) -> Result<String, InviteError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || rest.next().and_then(|digit| hex_digit(digit.to_ascii_lowercase()));
        let (high, low) = (
            digit().ok_or(InviteError::Malformed)?,
            digit().ok_or(InviteError::Malformed)?,
        );
        bytes.push(high << 4 | low);
    }
    String::from_utf8(bytes).map_err(|_| InviteError::Malformed)
}

fn hex_digit(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

const SCHEME: &str = "outis:";

const MAX_LENGTH: usize = 8 * 1024;

const MAX_HINT: usize = 256;

#[cfg(test)]
mod tests;
