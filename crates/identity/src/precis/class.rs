//! Which characters may occur: the string classes of RFC 8264, sections 4 and 8, with the contextual rules of RFC 5892.

use unicode_normalization::{UnicodeNormalization, char::canonical_combining_class};
use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory};
use zeroize::Zeroizing;

/// What kind of string.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    /// Letters, digits, marks and visible ASCII.
    Identifier,
    /// Those, and spaces, symbols, punctuation and compatibility forms.
    Freeform,
}

/// What is wrong with a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Forbidden {
    /// May not occur here.
    Character(char),
    /// Draws nothing: one would not see that it is there.
    Invisible(char),
    /// Not in Unicode 16.0: what it will turn out to be nobody knows yet.
    Unassigned(char),
    /// Would be drawn over its neighbours.
    TooManyMarks,
    /// Right-to-left and left-to-right in one word, so that two names can look alike.
    Direction,
}

pub(super) fn check(text: &str, rule: Rule) -> Result<(), Forbidden> {
    let chars: Zeroizing<Vec<char>> = Zeroizing::new(text.chars().collect());
    for (at, &c) in chars.iter().enumerate() {
        let allowed = match classify(c) {
            Class::Valid => true,
            Class::Freeform => rule == Rule::Freeform,
            Class::Context => fits_context(&chars, at, rule),
            Class::Invisible => return Err(Forbidden::Invisible(c)),
            Class::Unassigned => return Err(Forbidden::Unassigned(c)),
            Class::Disallowed => false,
        };
        if !allowed {
            return Err(if is_join_control(c) {
                Forbidden::Invisible(c)
            } else {
                Forbidden::Character(c)
            });
        }
    }
    Ok(())
}

pub(super) fn is_space(c: char) -> bool {
    c.general_category() == GeneralCategory::SpaceSeparator
}

/// The derived property of RFC 8264, section 8, in its order.
pub(super) enum Class {
    Valid,
    Freeform,
    Context,
    Invisible,
    Unassigned,
    Disallowed,
}

pub(super) fn classify(c: char) -> Class {
    use GeneralCategoryGroup::{Letter, Mark, Number, Other, Punctuation, Separator, Symbol};
    match c {
        // Exceptions (F).
        '\u{df}' | '\u{3c2}' | '\u{6fd}' | '\u{6fe}' | '\u{f0b}' | '\u{3007}' => return Class::Valid,
        '\u{b7}' | '\u{375}' | '\u{5f3}' | '\u{5f4}' | '\u{30fb}' => return Class::Context,
        '\u{660}'..='\u{669}' | '\u{6f0}'..='\u{6f9}' => return Class::Context,
        '\u{640}' | '\u{7fa}' | '\u{302e}' | '\u{302f}' | '\u{3031}'..='\u{3035}' | '\u{303b}' => {
            return Class::Disallowed;
        }
        _ => {}
    }
    let category = c.general_category();
    if category == GeneralCategory::Unassigned && !is_noncharacter(c) && !is_default_ignorable(c) {
        return Class::Unassigned;
    }
    if ('\u{21}'..='\u{7e}').contains(&c) {
        return Class::Valid;
    }
    if is_join_control(c) {
        return Class::Context;
    }
    if is_old_hangul_jamo(c) {
        return Class::Disallowed;
    }
    if is_default_ignorable(c) {
        return Class::Invisible;
    }
    if is_noncharacter(c) || category == GeneralCategory::Control {
        return Class::Disallowed;
    }
    if has_compatibility_form(c) {
        return Class::Freeform;
    }
    match (c.general_category_group(), category) {
        (_, GeneralCategory::TitlecaseLetter | GeneralCategory::EnclosingMark) => Class::Freeform,
        (Letter | Mark, _) | (_, GeneralCategory::DecimalNumber) => Class::Valid,
        (Number | Symbol | Punctuation, _) | (_, GeneralCategory::SpaceSeparator) => Class::Freeform,
        (Other | Separator, _) => Class::Disallowed,
    }
}

/// HasCompat (Q): `toNFKC(c) ≠ c`.
fn has_compatibility_form(c: char) -> bool {
    std::iter::once(c).nfkc().ne(std::iter::once(c))
}

/// RFC 5892, appendix A.
fn fits_context(chars: &[char], at: usize, rule: Rule) -> bool {
    let before = at.checked_sub(1).and_then(|at| chars.get(at)).copied();
    let after = chars.get(at + 1).copied();
    match chars.get(at) {
        // Zero-width joiner and non-joiner: never in a name. In a password only after a virama, where they are typed as a
        // matter of course; the rule for cursive scripts is left out.
        Some('\u{200c}' | '\u{200d}') => {
            rule == Rule::Freeform && before.is_some_and(|c| canonical_combining_class(c) == VIRAMA)
        }
        // Catalan l·l.
        Some('\u{b7}') => before == Some('l') && after == Some('l') || before == Some('L') && after == Some('L'),
        Some('\u{375}') => after.is_some_and(is_greek),
        Some('\u{5f3}' | '\u{5f4}') => before.is_some_and(is_hebrew),
        Some('\u{30fb}') => chars.iter().any(|&c| is_japanese(c)),
        Some('\u{660}'..='\u{669}') => !chars.iter().any(|c| ('\u{6f0}'..='\u{6f9}').contains(c)),
        Some('\u{6f0}'..='\u{6f9}') => !chars.iter().any(|c| ('\u{660}'..='\u{669}').contains(c)),
        _ => false,
    }
}

fn is_greek(c: char) -> bool {
    matches!(c, '\u{370}'..='\u{373}' | '\u{376}'..='\u{37d}' | '\u{386}'..='\u{3ff}' | '\u{1f00}'..='\u{1fff}')
}

fn is_hebrew(c: char) -> bool {
    matches!(c, '\u{5d0}'..='\u{5f2}')
}

fn is_japanese(c: char) -> bool {
    matches!(c, '\u{3005}' | '\u{3007}' | '\u{3041}'..='\u{3096}' | '\u{30a1}'..='\u{30fa}' | '\u{31f0}'..='\u{31ff}'
        | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{20000}'..='\u{323af}')
}

fn is_join_control(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}')
}

fn is_old_hangul_jamo(c: char) -> bool {
    matches!(c, '\u{1100}'..='\u{11ff}' | '\u{a960}'..='\u{a97c}' | '\u{d7b0}'..='\u{d7c6}' | '\u{d7cb}'..='\u{d7fb}')
}

fn is_noncharacter(c: char) -> bool {
    matches!(c, '\u{fdd0}'..='\u{fdef}') || u32::from(c) & 0xfffe == 0xfffe
}

/// Default_Ignorable_Code_Point, which the Unicode standard reserves ahead of assignment so that it stays as it is.
fn is_default_ignorable(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}

/// Canonical_Combining_Class=Virama.
const VIRAMA: u8 = 9;
