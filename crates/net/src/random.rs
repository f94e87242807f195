//! Drawing at random from the operating system.

use outis_crypto::{CryptoRng, os_rng};
use std::time::Duration;

/// Puts `items` into a random order (Fisher and Yates).
pub(crate) fn shuffle<T>(items: &mut [T]) {
    shuffle_with(items, &mut os_rng());
}

/// A time between two others.
pub(crate) fn between(shortest: Duration, longest: Duration) -> Duration {
    let span = u64::try_from(longest.saturating_sub(shortest).as_millis()).unwrap_or(u64::MAX);
    // The bias of a remainder is below 2^-20 for any wait that we have.
    shortest + Duration::from_millis(number(&mut os_rng()) % span.saturating_add(1))
}

/// Bytes that nobody had before.
pub(crate) fn bytes() -> [u8; 32] {
    fill(&mut os_rng())
}

fn number(rng: &mut impl CryptoRng) -> u64 {
    rng.next_u64()
}

fn fill(rng: &mut impl CryptoRng) -> [u8; 32] {
    let mut bytes = [0; 32];
    rng.fill_bytes(&mut bytes);
    bytes
}

fn shuffle_with<T>(items: &mut [T], rng: &mut impl CryptoRng) {
    for last in (1..items.len()).rev() {
        let bound = last as u64 + 1;
        // The bias of a remainder is below 2^-40 for any list that we have.
        let chosen = usize::try_from(rng.next_u64() % bound).unwrap_or(last);
        items.swap(last, chosen);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

    #[test]
    fn every_order_comes_up_about_as_often() {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let mut counts = std::collections::BTreeMap::new();
        for _ in 0..6_000 {
            let mut items = [1, 2, 3];
            shuffle_with(&mut items, &mut rng);
            *counts.entry(items).or_insert(0) += 1;
        }
        assert_eq!(counts.len(), 6);
        assert!(counts.values().all(|count| (850..1_150).contains(count)), "{counts:?}");
    }
}
