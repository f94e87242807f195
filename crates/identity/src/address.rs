//! Addresses: what one person gives to another.

use bech32::{
    Bech32m, Hrp,
    primitives::decode::{ChecksumError, UncheckedHrpstring, UncheckedHrpstringError},
};
use outis_crypto::signature::VerifyingKey;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// An account's public key, as people hand it on: `outis1…`.
///
/// | offset | size | field                                        |
/// |      0 |    1 | version = 1                                  |
/// |      1 |   32 | Ed25519 public key, canonical, of full order |
///
/// These 33 bytes are written in [bech32m](https://bips.dev/350/) under the prefix `outis`: 65 characters, of which any
/// four wrong ones are noticed. Read in lower or in upper case (a QR code is smaller in upper case), never in a mixture.
/// Between programs it is the key alone.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Address(VerifyingKey);

impl Address {
    /// The address of the account with this key.
    pub fn new(account: VerifyingKey) -> Self {
        Self(account)
    }

    /// The account's key.
    pub fn account_key(&self) -> &VerifyingKey {
        &self.0
    }

    /// The account's key as bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut payload = vec![VERSION];
        payload.extend_from_slice(self.as_bytes());
        bech32::encode_lower_to_fmt::<Bech32m, _>(out, prefix(), &payload).map_err(|_| fmt::Error)
    }
}

/// Shows nothing: an address names a person, and logs name nobody.
impl fmt::Debug for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(_) = self;
        out.write_str("Address(..)")
    }
}

impl FromStr for Address {
    type Err = AddressError;

    /// Reads an address as somebody typed or pasted it: space around it is ignored.
    fn from_str(text: &str) -> Result<Self, AddressError> {
        let text = text.trim();
        if text.len() > MAX_READ {
            return Err(AddressError::WrongLength);
        }
        if !text.contains('1') {
            return Err(AddressError::NotAnAddress);
        }
        let parts = UncheckedHrpstring::new(text).map_err(misread)?;
        if parts.hrp() != prefix() {
            return Err(AddressError::WrongPrefix);
        }
        if text.len() != LENGTH {
            return Err(AddressError::WrongLength);
        }
        parts.validate_checksum::<Bech32m>().map_err(|error| match error {
            ChecksumError::InvalidResidue(_) => AddressError::BadChecksum,
            _ => AddressError::WrongLength,
        })?;
        let payload: Vec<u8> = parts.remove_checksum::<Bech32m>().byte_iter().collect();
        let (version, key) = payload.split_first().ok_or(AddressError::WrongLength)?;
        if *version != VERSION {
            return Err(AddressError::UnknownVersion(*version));
        }
        let key: [u8; 32] = key.try_into().map_err(|_| AddressError::WrongLength)?;
        let address = Self(VerifyingKey::from_bytes(key).map_err(|_| AddressError::NotAKey)?);
        // 33 bytes leave one bit over in the last letter. It is zero, or the same address would have two spellings.
        if !address.to_string().eq_ignore_ascii_case(text) {
            return Err(AddressError::BadChecksum);
        }
        Ok(address)
    }
}

/// Why a text is not an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Nothing that looks like `prefix1letters`.
    #[error("this is not an address")]
    NotAnAddress,
    /// A letter that addresses do not use (they have no `b`, `i`, `o` and no second `1`).
    #[error("an address does not contain the character {0:?}")]
    BadCharacter(char),
    /// Upper and lower case in one address.
    #[error("an address is either all lower case or all upper case")]
    MixedCase,
    /// Bech32, but of something else.
    #[error("an address begins with outis1")]
    WrongPrefix,
    /// Letters are missing, or too many.
    #[error("an address has {LENGTH} characters")]
    WrongLength,
    /// At least one letter is wrong.
    #[error("there is a mistake in this address: at least one character is wrong")]
    BadChecksum,
    /// Made by a newer version of Outis.
    #[error("this address has version {0}, which this program does not know")]
    UnknownVersion(u8),
    /// The letters are as somebody meant them, but they are nobody's key: an attempt to mislead.
    #[error("this address is not the key of any account")]
    NotAKey,
}

fn misread(error: UncheckedHrpstringError) -> AddressError {
    use bech32::primitives::{decode::CharError, hrp};
    match error {
        UncheckedHrpstringError::Char(CharError::InvalidChar(error)) => AddressError::BadCharacter(error),
        UncheckedHrpstringError::Char(CharError::MixedCase) | UncheckedHrpstringError::Hrp(hrp::Error::MixedCase) => {
            AddressError::MixedCase
        }
        _ => AddressError::NotAnAddress,
    }
}

fn prefix() -> Hrp {
    Hrp::parse_unchecked("outis")
}

const VERSION: u8 = 1;

/// `outis1`, 53 letters of payload, 6 of checksum.
const LENGTH: usize = 65;

/// What is longer is not looked at, only refused.
const MAX_READ: usize = 200;

#[cfg(test)]
mod tests;
