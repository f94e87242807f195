//! Waiting. The wall clock may jump, so whatever waits counts from when the loop began.

use outis_crypto::CryptoRng;
use std::time::Duration;

/// Time since the messenger's loop began. Only ever grows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Tick(pub(crate) Duration);

impl Tick {
    #[must_use]
    pub(crate) fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration))
    }

    /// So long before, or the beginning.
    #[must_use]
    pub(crate) fn ago(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(duration))
    }

    pub(crate) fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

/// Waits longer after each failure, and never exactly as long as somebody else.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Backoff {
    failures: u32,
    until: Tick,
}

impl Backoff {
    pub(crate) fn failures(&self) -> u32 {
        self.failures
    }

    pub(crate) fn until(&self) -> Tick {
        self.until
    }

    pub(crate) fn is_over(&self, now: Tick) -> bool {
        self.until <= now
    }

    pub(crate) fn succeeded(&mut self) {
        *self = Self::default();
    }

    /// Waits between `first` and `longest`, doubling with each failure, and up to a quarter more at random.
    pub(crate) fn failed(&mut self, now: Tick, first: Duration, longest: Duration, rng: &mut impl CryptoRng) {
        let doubled = first.saturating_mul(1u32.checked_shl(self.failures.min(20)).unwrap_or(u32::MAX));
        self.failures = self.failures.saturating_add(1);
        self.until = now.plus(jittered(doubled.min(longest), rng));
    }
}

/// Lets a few things go at once, and then one at a time: whoever says little is not kept waiting, whoever says much is told of
/// many things together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Pace {
    /// When all that was let go is made up for.
    even: Tick,
}

impl Pace {
    /// So many at once.
    const BURST: u32 = 16;
    /// Then this far apart.
    const APART: Duration = Duration::from_millis(100);

    /// When the next one may go.
    pub(crate) fn due(&self) -> Tick {
        Tick(self.even.0.saturating_sub(Self::APART * (Self::BURST - 1)))
    }

    /// One goes.
    pub(crate) fn go(&mut self, now: Tick) {
        self.even = self.even.max(now).plus(Self::APART);
    }
}

/// `duration` and up to a quarter more.
pub(crate) fn jittered(duration: Duration, rng: &mut impl CryptoRng) -> Duration {
    let part = f64::from(rng.next_u32()) / f64::from(u32::MAX);
    duration + duration.mul_f64(part / 4.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    #[test]
    fn a_few_go_at_once_and_a_burst_goes_ten_a_second() {
        let mut pace = Pace::default();
        let mut now = Tick(Duration::from_secs(100));
        for _ in 0..Pace::BURST {
            assert!(pace.due() <= now);
            pace.go(now);
        }
        for _ in 0..10 {
            assert_eq!(pace.due().since(now), Pace::APART);
            now = pace.due();
            pace.go(now);
        }
        now = now.plus(Duration::from_millis(200));
        pace.go(now);
        assert!(pace.due() <= now, "after a pause two may go at once");
        // Somebody who says something each half second never waits.
        for _ in 0..100 {
            now = now.plus(Duration::from_millis(500));
            assert!(pace.due() <= now);
            pace.go(now);
        }
    }

    #[test]
    fn waiting_doubles_with_each_failure_up_to_its_longest_and_begins_anew_after_a_success() {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let (first, longest) = (Duration::from_secs(1), Duration::from_secs(10));
        let mut backoff = Backoff::default();
        let mut now = Tick::default();
        for expected in [1, 2, 4, 8, 10, 10] {
            backoff.failed(now, first, longest, &mut rng);
            let waits = backoff.until().since(now);
            let expected = Duration::from_secs(expected);
            assert!(waits >= expected && waits <= expected.mul_f64(1.25), "{waits:?}");
            assert!(!backoff.is_over(now));
            now = backoff.until();
            assert!(backoff.is_over(now));
        }
        backoff.succeeded();
        assert_eq!(backoff.failures(), 0);
        for _ in 0..100 {
            backoff.failed(now, first, longest, &mut rng);
        }
        assert!(
            backoff.until().since(now) <= longest.mul_f64(1.25),
            "a hundred failures do not overflow"
        );
    }
}
