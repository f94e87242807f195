//! What a person lets files take of the line.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};

/// Bytes a second for all files together; whoever waits is let through in turn.
#[derive(Default)]
pub(crate) struct Throttle {
    /// Zero for no limit.
    rate: AtomicU64,
    /// When the next one may pass.
    next: Mutex<Option<Instant>>,
}

impl Throttle {
    /// No more than this from now on; `None` for no limit.
    pub(crate) fn set(&self, bytes_a_second: Option<u64>) {
        self.rate
            .store(bytes_a_second.map_or(0, |rate| rate.max(1)), Ordering::Relaxed);
    }

    /// Bytes a second.
    pub(crate) fn rate(&self) -> Option<u64> {
        Some(self.rate.load(Ordering::Relaxed)).filter(|rate| *rate > 0)
    }

    pub(crate) fn is_open(&self) -> bool {
        self.rate().is_none()
    }

    /// Waits for one's turn. Safe to drop.
    pub(crate) async fn pass(&self, bytes: usize) {
        let mut next = self.next.lock().await;
        if let Some(at) = *next {
            sleep_until(at).await;
        }
        let Some(rate) = self.rate() else {
            *next = None;
            return;
        };
        let nanos = u128::from(bytes as u64) * 1_000_000_000 / u128::from(rate);
        let takes = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX)).min(LONGEST);
        *next = Some(Instant::now() + takes);
    }
}

/// However slow, a chunk passes after so long: a limit is there to leave room, not to end a transfer.
const LONGEST: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[tokio::test(start_paused = true)]
    async fn no_more_passes_than_was_said_and_those_who_wait_have_equal_shares() {
        let throttle = Arc::new(Throttle::default());
        throttle.set(Some(1_000_000));
        let counts: Vec<Arc<AtomicU64>> = (0..3).map(|_| Arc::default()).collect();
        for count in &counts {
            let (throttle, count) = (Arc::clone(&throttle), Arc::clone(count));
            tokio::spawn(async move {
                loop {
                    throttle.pass(50_000).await;
                    count.fetch_add(50_000, Ordering::Relaxed);
                }
            });
        }
        tokio::time::sleep(Duration::from_secs(30)).await;
        let passed: Vec<u64> = counts.iter().map(|count| count.load(Ordering::Relaxed)).collect();
        let all: u64 = passed.iter().sum();
        assert!((29_900_000..=30_100_000).contains(&all), "{all}");
        assert!(passed.iter().all(|one| one.abs_diff(all / 3) <= 50_000), "{passed:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_limit_nobody_waits() {
        let throttle = Throttle::default();
        let begun = Instant::now();
        for _ in 0..1_000 {
            throttle.pass(1 << 20).await;
        }
        assert_eq!(Instant::now(), begun);
    }
}
