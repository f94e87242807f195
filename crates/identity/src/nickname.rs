//! Nicknames.

use crate::precis::{self, Forbidden};
use std::fmt;
use unicode_segmentation::UnicodeSegmentation;

/// The name that somebody chose: one half of an account.
///
/// Two spellings of one name are equal: `ADA`, `ada` and `ａｄａ` are one account.
#[derive(Clone)]
pub struct Nickname {
    as_typed: String,
    canonical: String,
}

impl Nickname {
    /// Reads a nickname: 1 to 32 graphemes of letters, digits and visible ASCII, after PRECIS UsernameCaseMapped (RFC 8265).
    ///
    /// # Errors
    /// See [`NicknameError`].
    pub fn parse(text: &str) -> Result<Self, NicknameError> {
        if text.is_empty() {
            return Err(NicknameError::Empty);
        }
        if text.len() > MAX_BYTES {
            return Err(NicknameError::TooLong);
        }
        let canonical = precis::username_case_mapped(text).map_err(|forbidden| match forbidden {
            Forbidden::Character(c) if c.is_whitespace() => NicknameError::Space,
            Forbidden::Character(c) => NicknameError::Character(c),
            Forbidden::Invisible(c) => NicknameError::Invisible(c),
            Forbidden::Unassigned(c) => NicknameError::Unassigned(c),
            Forbidden::TooManyMarks => NicknameError::TooManyMarks,
            Forbidden::Direction => NicknameError::Direction,
        })?;
        if canonical.len() > MAX_BYTES || canonical.graphemes(true).count() > MAX_GRAPHEMES {
            return Err(NicknameError::TooLong);
        }
        Ok(Self {
            as_typed: text.to_owned(),
            canonical,
        })
    }

    /// What people see.
    pub fn as_typed(&self) -> &str {
        &self.as_typed
    }

    /// What keys are made from and names compared by.
    pub fn canonical(&self) -> &str {
        &self.canonical
    }
}

impl PartialEq for Nickname {
    fn eq(&self, other: &Self) -> bool {
        self.canonical == other.canonical
    }
}

impl Eq for Nickname {}

/// Shows nothing: logs name nobody.
impl fmt::Debug for Nickname {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            as_typed: _,
            canonical: _,
        } = self;
        out.write_str("Nickname(..)")
    }
}

/// Why a text is no nickname.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NicknameError {
    /// Nothing there.
    #[error("a nickname has at least one character")]
    Empty,
    /// More than 32 characters as people count them, or an unreasonable number of bytes.
    #[error("a nickname has at most {MAX_GRAPHEMES} characters")]
    TooLong,
    /// Spaces look alike and get lost.
    #[error("a nickname has no spaces")]
    Space,
    /// Symbols, emoji, control characters, letters in fancy dress.
    #[error("a nickname cannot contain {0:?}")]
    Character(char),
    /// Zero-width and direction characters, with which two different names could look the same.
    #[error("a nickname cannot contain the invisible character U+{:04X}", u32::from(*.0))]
    Invisible(char),
    /// Newer than the Unicode version that nicknames are pinned to.
    #[error("a nickname cannot contain U+{:04X}, which Unicode 16.0 does not know", u32::from(*.0))]
    Unassigned(char),
    /// Would be drawn over its neighbours.
    #[error("too many accents on one character")]
    TooManyMarks,
    /// Mixes directions, so that it would not show in the order in which it is stored.
    #[error("a nickname is written either from left to right or from right to left")]
    Direction,
}

const MAX_GRAPHEMES: usize = 32;

/// Leaves 16 bytes a grapheme: more than any script needs. Bounds the work before the graphemes are counted.
const MAX_BYTES: usize = 512;

#[cfg(test)]
mod tests;
