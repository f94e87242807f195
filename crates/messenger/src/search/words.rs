//! What a word is, and which spellings of one are the same.
//!
//! Words end where UAX #29 says and at everything that is neither letter, digit nor mark. Spellings are the same if their
//! compatibility decompositions are, case and diacritics apart. Marks that make another letter (vowels of Indic scripts,
//! the voicing of kana) stay.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::{canonical_combining_class, is_combining_mark};
use unicode_segmentation::UnicodeSegmentation;

/// The words of a text in their order, folded, and cut where they are very long.
pub(crate) fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    if text.is_ascii() {
        let parts = text.split(|c: char| !c.is_ascii_alphanumeric());
        words.extend(
            parts
                .filter(|word| !word.is_empty())
                .map(|word| cut(&word.to_ascii_lowercase())),
        );
        return words;
    }
    for word in text.unicode_words() {
        let folded = fold(word);
        let parts = folded.split(|c: char| !c.is_alphanumeric() && !is_combining_mark(c));
        words.extend(parts.filter(|word| !word.is_empty()).map(cut));
    }
    words
}

/// What somebody looks for: every phrase has to be there, the last word of each only begun.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Query {
    phrases: Vec<Vec<String>>,
}

/// A word of a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Term<'a> {
    /// Exactly this one.
    Whole(&'a str),
    /// Any that begins so.
    Begun(&'a str),
}

impl Query {
    /// More words narrow nothing down any more.
    const WORDS: usize = 16;

    /// `None` if there is no word in it.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let phrases = text.split_whitespace().map(words).filter(|phrase| !phrase.is_empty());
        let mut left = Self::WORDS;
        let fitting = phrases.map_while(|mut phrase| {
            phrase.truncate(left);
            left -= phrase.len();
            (!phrase.is_empty()).then_some(phrase)
        });
        let phrases: Vec<_> = fitting.collect();
        (!phrases.is_empty()).then_some(Self { phrases })
    }

    /// Each of its words.
    pub(crate) fn terms(&self) -> Vec<Term<'_>> {
        let mut terms = Vec::new();
        for phrase in &self.phrases {
            if let Some((last, before)) = phrase.split_last() {
                terms.extend(before.iter().map(|word| Term::Whole(word)));
                terms.push(Term::Begun(last));
            }
        }
        terms.sort_unstable();
        terms.dedup();
        terms
    }

    /// Whether a text has it all.
    pub(crate) fn matches(&self, text: &str) -> bool {
        let words = words(text);
        let stands = |phrase: &Vec<String>| {
            words.windows(phrase.len()).any(|window| {
                let mut pairs = window.iter().zip(phrase).rev();
                let begun = pairs.next().is_some_and(|(word, last)| word.starts_with(last.as_str()));
                begun && pairs.all(|(word, wanted)| word == wanted)
            })
        };
        self.phrases.iter().all(stands)
    }
}

fn fold(word: &str) -> String {
    let mut folded = String::with_capacity(word.len());
    for c in word.nfkd().filter(|c| !is_diacritic(*c)).flat_map(char::to_lowercase) {
        match plain(c) {
            Some(plain) => folded.push_str(plain),
            None => folded.push(c),
        }
    }
    // Lower case may bring marks of its own (İ).
    folded.nfkd().filter(|c| !is_diacritic(*c)).collect()
}

/// Letters that Unicode does not decompose, and that people type without their stroke.
fn plain(c: char) -> Option<&'static str> {
    Some(match c {
        'ß' => "ss",
        'ς' => "σ",
        'ø' => "o",
        'ł' => "l",
        'đ' | 'ð' => "d",
        'ħ' => "h",
        'ı' => "i",
        'ŧ' => "t",
        'æ' => "ae",
        'œ' => "oe",
        'þ' => "th",
        _ => return None,
    })
}

/// Accents of Latin, Greek and Cyrillic, points of Hebrew, vowel signs of Arabic: what people leave out.
fn is_diacritic(c: char) -> bool {
    matches!(canonical_combining_class(c), 1 | 10..=36 | 200..=240)
}

fn cut(word: &str) -> String {
    word.chars().take(LETTERS).collect()
}

/// Letters of a word that count.
const LETTERS: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    fn found(query: &str, text: &str) -> bool {
        Query::parse(query).is_some_and(|query| query.matches(text))
    }

    #[test]
    fn words_are_found_by_their_beginnings_in_any_case_and_without_their_accents() {
        for (query, text) in [
            ("meet", "We are MEETING at noon"),
            ("noon we", "We are meeting at noon"),
            ("cafe", "Im Café Größenwahn"),
            ("grossen", "Im Café Größenwahn"),
            ("GRÖẞEN", "im cafe groessen: größen"),
            ("ｆｕｌｌ", "full width"),
            ("ﬁn", "finally"),
            ("ΟΔΥΣΣΕΥΣ", "Ὀδυσσεύς"),
            ("istanbul", "İSTANBUL"),
            ("lodz", "Łódź"),
            ("кот", "КОТЁНОК"),
            ("котенок", "КОТЁНОК"),
            ("שלום", "שָׁלוֹם"),
            ("محمد", "مُحَمَّد"),
            ("हिन", "हिन्दी में"),
            ("東京", "明日は東京へ行く"),
            ("東", "明日は東京へ行く"),
            ("สวัส", "สวัสดี"),
            ("한국", "한국어"),
            ("don't", "I don’t know, and don't care"),
            ("amour", "l'amour"),
            ("3.14", "pi is 3.14159"),
            ("foo-b", "a foo-bar"),
        ] {
            assert!(found(query, text), "{query:?} in {text:?}");
        }
    }

    #[test]
    fn what_is_not_there_is_not_found() {
        for (query, text) in [
            ("eeting", "meeting"),
            ("noon midnight", "at noon"),
            ("京東", "東京"),
            ("が", "か"),
            ("की", "का"),
            ("foo-bar", "bar foo"),
            ("foo-bar", "foobar"),
            ("", "anything"),
            ("… !", "anything"),
        ] {
            assert!(!found(query, text), "{query:?} in {text:?}");
        }
    }

    #[test]
    fn a_query_is_bounded_and_so_is_a_word() {
        let long = "a b ".repeat(100);
        assert_eq!(Query::parse(&long).unwrap().phrases.concat().len(), Query::WORDS);
        assert_eq!(words(&"x".repeat(1_000)), ["x".repeat(LETTERS)]);
        assert!(found(&"x".repeat(50), &"x".repeat(60)));
    }
}
