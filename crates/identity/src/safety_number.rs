//! Safety numbers: what two people compare to know that nobody stands between them.

use crate::Address;
use outis_crypto::{Secret, derive, hash, label};
use std::fmt;

/// Sixty digits that two accounts share, the same on both screens.
///
/// A hash of both account keys, the smaller one first. Each pair has its own number: whoever wants to stand between two
/// people has to find two keys of his own that give one number with theirs, a collision of 199 bits. Signal joins two
/// numbers of 30 digits instead, one for each person, so that each can be made in advance; we compare pairs only, and
/// a joint number leaves nothing to prepare for many victims at once. As there, the hash is repeated 5 200 times: people
/// who compare only some of the groups make collisions cheaper, and this makes them dearer again.
#[derive(Clone, PartialEq, Eq)]
pub struct SafetyNumber([u32; GROUPS]);

impl SafetyNumber {
    /// The number of two accounts, in any order.
    pub fn between(one: &Address, other: &Address) -> Self {
        let (low, high) = (one.min(other).as_bytes(), one.max(other).as_bytes());
        let mut state = [0; 32];
        for _ in 0..ROUNDS {
            state = hash(label::SAFETY_NUMBER_STEP, &[&state, low, high]);
        }
        let digits = derive::<{ GROUPS * 5 }>(label::SAFETY_NUMBER_DIGITS, &Secret::from_bytes(state), &[]);
        let mut groups = [0; GROUPS];
        for (group, bytes) in groups.iter_mut().zip(digits.dangerously_expose().chunks_exact(5)) {
            // 40 bits onto five digits, as Signal does: the bias is below 10^-7.
            let number = bytes.iter().fold(0u64, |number, byte| number << 8 | u64::from(*byte));
            *group = u32::try_from(number % 100_000).expect("five digits fit");
        }
        Self(groups)
    }
}

/// Twelve groups of five digits.
impl fmt::Display for SafetyNumber {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, group) in self.0.iter().enumerate() {
            let space = if place == 0 { "" } else { " " };
            write!(out, "{space}{group:05}")?;
        }
        Ok(())
    }
}

/// Shows nothing: it says who talks to whom.
impl fmt::Debug for SafetyNumber {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(_) = self;
        out.write_str("SafetyNumber(..)")
    }
}

const GROUPS: usize = 12;

const ROUNDS: u32 = 5_200;

#[cfg(test)]
mod tests;
