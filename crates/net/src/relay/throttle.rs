//! How many bytes a second are carried for others.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::time::{self, Instant};

/// Lets through so many bytes a second, in the order in which they come.
pub(super) struct Throttle {
    rate: Option<u64>,
    free_at: Mutex<Option<Instant>>,
}

impl Throttle {
    /// Without a rate it lets everything through.
    pub(super) fn new(rate: Option<u64>) -> Self {
        Self {
            rate,
            free_at: Mutex::new(None),
        }
    }

    /// Returns when `bytes` more may be carried. Dropping it carries them all the same.
    pub(super) async fn pass(&self, bytes: usize) {
        let wait = self.wait(bytes, Instant::now());
        if !wait.is_zero() {
            time::sleep(wait).await;
        }
    }

    /// How long `bytes` more have to wait for their turn. They have it then, whatever becomes of them.
    pub(super) fn wait(&self, bytes: usize, now: Instant) -> Duration {
        let Some(rate) = self.rate else { return Duration::ZERO };
        let takes = Duration::from_secs_f64(bytes as f64 / rate.max(1) as f64);
        let mut free_at = self.free_at.lock().unwrap_or_else(PoisonError::into_inner);
        // What was not used a moment ago may be used now.
        let earliest = now.checked_sub(SLACK).unwrap_or(now);
        let starts = free_at.map_or(earliest, |at| at.max(earliest));
        *free_at = Some(starts + takes);
        starts.saturating_duration_since(now)
    }
}

/// How much may be made up for.
const SLACK: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_pass_at_the_rate_given_and_not_faster() {
        let throttle = Throttle::new(Some(1_000_000));
        let start = Instant::now();
        let mut now = start;
        for _ in 0..100 {
            now += throttle.wait(64 * 1024, now);
        }
        let rate = 100.0 * 65_536.0 / (now - start + SLACK).as_secs_f64();
        assert!((900_000.0..1_100_000.0).contains(&rate), "{rate}");
    }

    #[test]
    fn without_a_rate_nothing_waits() {
        assert_eq!(Throttle::new(None).wait(usize::MAX, Instant::now()), Duration::ZERO);
    }
}
