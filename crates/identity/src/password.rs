//! Passwords.

use crate::precis::{self, Forbidden};
use zeroize::Zeroizing;

/// The other half of an account: what was typed, after PRECIS OpaqueString (RFC 8265), so that it is the same on every
/// keyboard. Wiped when dropped.
///
/// How strong it is, is not asked here: signing in takes whatever opens the account. See [`crate::strength()`].
pub struct Password(Zeroizing<String>);

impl Password {
    /// Reads a password.
    ///
    /// # Errors
    /// See [`PasswordError`].
    pub fn parse(text: &str) -> Result<Self, PasswordError> {
        if text.is_empty() {
            return Err(PasswordError::Empty);
        }
        if text.len() > MAX_BYTES {
            return Err(PasswordError::TooLong);
        }
        // The error does not name the character: it is a part of a password.
        let opaque = precis::opaque_string(text).map_err(|forbidden| match forbidden {
            Forbidden::Unassigned(_) => PasswordError::Unassigned,
            _ => PasswordError::Character,
        })?;
        Ok(Self(opaque))
    }

    /// The password itself. Whoever calls this answers for where it goes.
    pub fn dangerously_expose(&self) -> &str {
        &self.0
    }
}

/// Why a text is no password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Nothing there.
    #[error("the password is empty")]
    Empty,
    /// More than 1 024 bytes.
    #[error("a password has at most {MAX_BYTES} bytes")]
    TooLong,
    /// A control or invisible character: another keyboard might not be able to type it, or type it unseen.
    #[error("the password contains a control character or an invisible one")]
    Character,
    /// Newer than the Unicode version that passwords are pinned to.
    #[error("the password contains a character that Unicode 16.0 does not know")]
    Unassigned,
}

const MAX_BYTES: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<String, PasswordError> {
        Password::parse(text).map(|password| password.dangerously_expose().to_owned())
    }

    #[test]
    fn a_password_is_the_same_from_every_keyboard() {
        assert_eq!(parsed("e\u{301}t\u{e9}"), parsed("\u{e9}te\u{301}"));
        assert_eq!(
            parsed("a\u{a0}b\u{3000}c"),
            Ok("a b c".into()),
            "every space is the one that every keyboard has"
        );
        assert_eq!(parsed("ÉtÉ").unwrap(), "ÉtÉ", "case stays");
        assert_eq!(parsed("ａ").unwrap(), "ａ", "width stays");
        assert_eq!(
            parsed("क्\u{200d}ष").unwrap(),
            "क्\u{200d}ष",
            "a joiner after a virama is a part of the word"
        );
    }

    #[test]
    fn what_cannot_be_seen_is_refused() {
        for text in [
            "a\u{200b}b",
            "a\u{202e}b",
            "a\tb",
            "a\u{0}",
            "\u{feff}a",
            "a\u{200d}b",
            "a\u{ad}b",
        ] {
            assert_eq!(parsed(text), Err(PasswordError::Character), "{text:?}");
        }
        assert_eq!(parsed("a\u{378}"), Err(PasswordError::Unassigned));
        assert_eq!(parsed(""), Err(PasswordError::Empty));
        assert_eq!(parsed(&"a".repeat(1025)), Err(PasswordError::TooLong));
        assert!(parsed(&"a".repeat(1024)).is_ok());
    }
}
