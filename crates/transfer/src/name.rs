//! Names of files that come from others.

use std::fmt;

/// A file name that is one plain file in the folder where it is put, on Linux, macOS and Windows alike: no path, no device,
/// no stream, not hidden, nothing that looks like another name, and short enough.
#[derive(Clone, PartialEq, Eq)]
pub struct SafeName(String);

impl SafeName {
    /// The nearest safe name. Total: there is always one, and a safe name is its own nearest.
    pub fn from_untrusted(name: &str) -> Self {
        let last = name
            .rsplit(['/', '\\'])
            .find(|part| !part.is_empty())
            .unwrap_or_default();
        let visible: String = last
            .chars()
            .filter(|c| !is_invisible(*c))
            .map(|c| if is_dangerous(c) { '_' } else { c })
            .collect();
        let trimmed = visible.trim_matches(is_edge);
        let mark = if trimmed.starts_with(['-', '~']) || is_reserved(trimmed) {
            "_"
        } else {
            ""
        };
        let short = shorten(trimmed, MAX_BYTES - mark.len());
        if short.is_empty() {
            Self(FALLBACK.to_owned())
        } else {
            Self(format!("{mark}{short}"))
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name to try when this one and all smaller numbers are taken: `photo (2).jpg`.
    #[must_use]
    pub fn numbered(&self, number: u32) -> Self {
        let (stem, extension) = split(&self.0);
        let mark = format!(" ({number})");
        let stem = cut(stem, MAX_BYTES.saturating_sub(mark.len() + extension.len())).trim_end_matches(is_edge);
        Self(format!("{stem}{mark}{extension}"))
    }
}

impl fmt::Display for SafeName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// Shows nothing: names of files belong into no log.
impl fmt::Debug for SafeName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(_) = self;
        out.write_str("SafeName(..)")
    }
}

/// Control characters, direction marks (`gpj.exe` shown as `exe.jpg`), what has no width, what is no character.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}' | '\u{fdd0}'..='\u{fdef}')
        || u32::from(c) & 0xfffe == 0xfffe
}

/// What some system gives a meaning in names; what Windows folds into such a character when a program asks by an old code
/// page (the yen and won signs, full-width forms); and the private characters that stand for such ones on its Unix layers.
fn is_dangerous(c: char) -> bool {
    matches!(
        c,
        '/' | '\\'
            | ':'
            | '*'
            | '?'
            | '"'
            | '<'
            | '>'
            | '|'
            | '\u{a5}'
            | '\u{20a9}'
            | '\u{2024}'
            | '\u{2025}'
            | '\u{2044}'
            | '\u{2215}'
            | '\u{2216}'
            | '\u{2236}'
            | '\u{29f5}'
            | '\u{29f8}'
            | '\u{29f9}'
            | '\u{a789}'
            | '\u{fe52}'
            | '\u{fe55}'
            | '\u{fe68}'
            | '\u{ff02}'
            | '\u{ff0a}'
            | '\u{ff0e}'
            | '\u{ff0f}'
            | '\u{ff1a}'
            | '\u{ff1c}'
            | '\u{ff1e}'
            | '\u{ff1f}'
            | '\u{ff3c}'
            | '\u{ff5c}'
            | '\u{ffe5}'
            | '\u{ffe6}'
            | '\u{f000}'..='\u{f0ff}'
    )
}

/// Dots and spaces: leading ones hide a file, trailing ones Windows drops.
fn is_edge(c: char) -> bool {
    c == '.' || c.is_whitespace()
}

/// Devices, which Windows finds in every folder and under any extension, and files that it acts on by name alone.
fn is_reserved(name: &str) -> bool {
    let upper = name.to_uppercase();
    let stem = upper.split('.').next().unwrap_or_default().trim_end();
    let numbered = |prefix: &str| {
        let number = stem.strip_prefix(prefix).map(|rest| rest.chars().collect::<Vec<_>>());
        matches!(number.as_deref(), Some(['0'..='9' | '\u{b9}' | '\u{b2}' | '\u{b3}']))
    };
    matches!(stem, "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$" | "CLOCK$")
        || numbered("COM")
        || numbered("LPT")
        || matches!(upper.as_str(), "DESKTOP.INI" | "AUTORUN.INF" | "THUMBS.DB")
}

/// Cuts a name, but keeps what says its kind.
fn shorten(name: &str, room: usize) -> String {
    if name.len() <= room {
        return name.to_owned();
    }
    let (stem, extension) = split(name);
    format!(
        "{}{extension}",
        cut(stem, room - extension.len()).trim_end_matches(is_edge)
    )
}

/// The stem, and the extension with its dot, if it is one.
fn split(name: &str) -> (&str, &str) {
    match name.rfind('.') {
        Some(dot) if dot > 0 && name.len() - dot <= MAX_EXTENSION => name.split_at(dot),
        _ => (name, ""),
    }
}

/// The longest beginning of at most `bytes` bytes.
fn cut(text: &str, bytes: usize) -> &str {
    text.get(..text.floor_char_boundary(bytes)).unwrap_or_default()
}

const FALLBACK: &str = "file";

/// What is left of 255 on a disk that encrypts names itself (eCryptfs: 143).
const MAX_BYTES: usize = 140;

const MAX_EXTENSION: usize = 20;

#[cfg(test)]
pub(crate) mod tests;
