//! The parts of [PRECIS](https://www.rfc-editor.org/rfc/rfc8264) that nicknames and passwords need: one rule that says
//! what two people's keyboards may do differently without making two accounts.
//!
//! Written on the maintained Unicode tables rather than on a PRECIS library: `precis-core` judges code points by Unicode
//! 6.3 (no letter, script or emoji of the last dozen years) and `precis-profiles` maps them by the newest, which moves
//! under one's feet. Here the version is pinned (16.0), code points it does not know are refused, and a test holds a digest
//! over what happens to every code point.
//!
//! Where this differs from the RFCs, and why, stands in `docs/protocol/identity.md`.

mod bidi;
mod class;

pub(crate) use class::{Forbidden, Rule};

use class::check;
use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};
use zeroize::Zeroizing;

/// UsernameCaseMapped (RFC 8265, section 3.3): width mapping, identifier class, lower case, NFC, direction.
///
/// NFC also comes before the class, because the class is about NFC's letters: some keyboards give the Bengali য় as one code
/// point and some as two, and the RFC's order would refuse the first.
pub(crate) fn username_case_mapped(text: &str) -> Result<String, Forbidden> {
    let narrow: String = text.chars().map(map_width).nfc().collect();
    check(&narrow, Rule::Identifier)?;
    let canonical: String = narrow.to_lowercase().nfc().collect();
    // RFC 8264, section 7: the rules are applied until nothing changes. Names for which once is not enough do not occur in
    // any language; they are refused, so that a canonical form is always its own canonical form.
    check(&canonical, Rule::Identifier)?;
    if canonical.to_lowercase().nfc().ne(canonical.chars()) {
        return Err(Forbidden::Character(first_unstable(&canonical)));
    }
    if has_too_many_marks(&canonical) {
        return Err(Forbidden::TooManyMarks);
    }
    if !bidi::is_one_directional(&canonical) {
        return Err(Forbidden::Direction);
    }
    Ok(canonical)
}

/// OpaqueString (RFC 8265, section 4.2): every space the ASCII one, NFC, freeform class; case and width stay.
pub(crate) fn opaque_string(text: &str) -> Result<Zeroizing<String>, Forbidden> {
    // NFC grows a text to at most three times its bytes (Unicode TR 15): made at that size, so that growing leaves no
    // copies of a password behind.
    let mut opaque = Zeroizing::new(String::with_capacity(text.len() * 3));
    opaque.extend(text.chars().map(|c| if class::is_space(c) { ' ' } else { c }).nfc());
    check(&opaque, Rule::Freeform)?;
    Ok(opaque)
}

/// Full-width and half-width forms are how East Asian keyboards type the same letters.
fn map_width(c: char) -> char {
    if !('\u{ff00}'..='\u{ffef}').contains(&c) {
        return c;
    }
    let mut mapped = std::iter::once(c).nfkc();
    match (mapped.next(), mapped.next()) {
        (Some(one), None) => one,
        // More than one character (a spacing macron, say): no letter, and refused as what it is.
        _ => c,
    }
}

fn has_too_many_marks(text: &str) -> bool {
    let mut run = 0;
    text.chars().any(|c| {
        run = if is_combining_mark(c) { run + 1 } else { 0 };
        run > MAX_MARKS
    })
}

fn first_unstable(text: &str) -> char {
    text.chars()
        .find(|c| c.to_lowercase().ne(std::iter::once(*c)))
        .unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// Vietnamese and Hebrew stack three; what stacks more draws over its neighbours (Unicode TR 39, section 5.4, says 4).
const MAX_MARKS: usize = 4;

#[cfg(test)]
mod tests;
