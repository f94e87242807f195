//! Passphrases: the suggested kind of password.

use outis_crypto::CryptoRng;
use zeroize::Zeroizing;

/// Seven random words. Wiped when dropped.
pub struct Passphrase(Zeroizing<String>);

impl Passphrase {
    /// The words, with a space between each two. Whoever calls this answers for where they go.
    pub fn dangerously_expose(&self) -> &str {
        &self.0
    }

    /// What guessing it takes, for somebody who knows how it was made: 7 × 11 bits.
    pub const BITS: u32 = 77;
}

/// Draws a passphrase: [`Passphrase::BITS`] bits, as words of the English list of
/// [BIP-39](https://bips.dev/39/), which are told apart by their first four letters.
pub fn suggest_passphrase(rng: &mut impl CryptoRng) -> Passphrase {
    let words: Vec<&str> = WORDS.lines().collect();
    // Made at its full size, so that growing leaves no copies behind.
    let mut text = Zeroizing::new(String::with_capacity(COUNT * (LONGEST + 1)));
    for place in 0..COUNT {
        let mut drawn = [0; 2];
        rng.fill_bytes(&mut drawn);
        // 2 048 words divide 2^16, so that every word is equally likely.
        let word = words
            .get(usize::from(u16::from_be_bytes(drawn)) % words.len())
            .expect("a remainder is smaller than its divisor");
        if place > 0 {
            text.push(' ');
        }
        text.push_str(word);
    }
    Passphrase(text)
}

const WORDS: &str = include_str!("passphrase/english.txt");

const COUNT: usize = 7;

const LONGEST: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Password, strength};
    use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
    use std::collections::HashSet;

    #[test]
    fn the_list_has_2048_different_words_of_at_most_eight_letters() {
        let words: HashSet<&str> = WORDS.lines().collect();
        assert_eq!(words.len(), 2048);
        assert!(
            words
                .iter()
                .all(|word| word.len() <= LONGEST && word.bytes().all(|b| b.is_ascii_lowercase()))
        );
        let beginnings: HashSet<&str> = words.iter().map(|word| word.get(..4).unwrap_or(word)).collect();
        assert_eq!(beginnings.len(), 2048);
    }

    #[test]
    fn every_suggestion_is_accepted_and_no_two_are_alike() {
        let mut rng = ChaCha20Rng::seed_from_u64(39);
        let mut seen = HashSet::new();
        for _ in 0..500 {
            let passphrase = suggest_passphrase(&mut rng);
            let text = passphrase.dangerously_expose();
            assert_eq!(text.split(' ').count(), COUNT);
            assert_eq!(Password::parse(text).unwrap().dangerously_expose(), text);
            assert!(strength("ada", text).acceptable, "{text}");
            assert!(seen.insert(text.to_owned()));
        }
    }
}
