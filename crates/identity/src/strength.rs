//! How hard a password is to guess.

use zxcvbn::{Entropy, feedback::Warning, matching::patterns::MatchPattern, zxcvbn};

/// What guessing a password takes.
#[derive(Debug, Clone, PartialEq)]
pub struct Strength {
    /// The logarithm, to base 2, of the guesses that a good guesser needs.
    pub bits: f64,
    /// Whether an account may be made with it: at least 10^14 guesses.
    pub acceptable: bool,
    /// What would make it better; empty if it is acceptable.
    pub advice: Vec<Advice>,
}

/// One thing that makes a password easy to guess, or would make it harder. A face has words for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Advice {
    /// It is among the commonest passwords, or is one with a letter or two changed.
    CommonPassword,
    /// It has the nickname in it.
    ContainsNickname,
    /// Names of people are tried first.
    Names,
    /// A word from a dictionary, alone.
    SingleWord,
    /// Keys that lie beside each other.
    KeyboardPattern,
    /// `abc`, `6543`.
    Sequence,
    /// `aaa`, `abcabc`.
    Repetition,
    /// Years and dates.
    Dates,
    /// More words, chosen at random.
    MoreWords,
}

/// Estimates the strength of `password` for somebody who knows `nickname`. Asked when an account is made, never at sign-in.
///
/// Whatever is made from a password can be guessed at, and what an account publishes can be guessed against, together with
/// that of all other accounts. At 10^14 guesses of one gibibyte each that is out of reach; below, it is not.
pub fn strength(nickname: &str, password: &str) -> Strength {
    let entropy = zxcvbn(password, &[nickname, "outis", "messenger"]);
    let acceptable = entropy.guesses() >= FLOOR;
    let advice = if acceptable {
        Vec::new()
    } else {
        advice(&nickname.to_lowercase(), &entropy)
    };
    Strength {
        bits: bits(&entropy),
        acceptable,
        advice,
    }
}

fn bits(entropy: &Entropy) -> f64 {
    (entropy.guesses_log10() * std::f64::consts::LOG2_10).max(0.0)
}

fn advice(nickname: &str, entropy: &Entropy) -> Vec<Advice> {
    let warned = entropy
        .feedback()
        .and_then(|feedback| feedback.warning())
        .map(from_warning);
    let seen = entropy
        .sequence()
        .iter()
        .filter_map(|part| from_pattern(nickname, &part.pattern));
    let mut advice: Vec<Advice> = Vec::new();
    for one in seen.chain(warned).chain([Advice::MoreWords]) {
        if !advice.contains(&one) {
            advice.push(one);
        }
    }
    advice
}

fn from_warning(warning: Warning) -> Advice {
    match warning {
        Warning::StraightRowsOfKeysAreEasyToGuess | Warning::ShortKeyboardPatternsAreEasyToGuess => {
            Advice::KeyboardPattern
        }
        Warning::RepeatsLikeAaaAreEasyToGuess | Warning::RepeatsLikeAbcAbcAreOnlySlightlyHarderToGuess => {
            Advice::Repetition
        }
        Warning::ThisIsATop10Password
        | Warning::ThisIsATop100Password
        | Warning::ThisIsACommonPassword
        | Warning::ThisIsSimilarToACommonlyUsedPassword => Advice::CommonPassword,
        Warning::SequencesLikeAbcAreEasyToGuess => Advice::Sequence,
        Warning::RecentYearsAreEasyToGuess | Warning::DatesAreOftenEasyToGuess => Advice::Dates,
        Warning::AWordByItselfIsEasyToGuess => Advice::SingleWord,
        Warning::NamesAndSurnamesByThemselvesAreEasyToGuess | Warning::CommonNamesAndSurnamesAreEasyToGuess => {
            Advice::Names
        }
    }
}

fn from_pattern(nickname: &str, pattern: &MatchPattern) -> Option<Advice> {
    match pattern {
        MatchPattern::Dictionary(found) if found.matched_word == nickname => Some(Advice::ContainsNickname),
        MatchPattern::Spatial(_) => Some(Advice::KeyboardPattern),
        MatchPattern::Repeat(_) => Some(Advice::Repetition),
        MatchPattern::Sequence(_) => Some(Advice::Sequence),
        MatchPattern::Date(_) | MatchPattern::Regex(_) => Some(Advice::Dates),
        MatchPattern::Dictionary(_) | MatchPattern::BruteForce => None,
    }
}

/// Guesses.
const FLOOR: u64 = 100_000_000_000_000;

#[cfg(test)]
mod tests;
