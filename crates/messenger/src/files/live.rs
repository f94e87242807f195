//! What moves while roads are open: shared by them, by the state and by whoever shows it.

use super::roads::lock;
use super::signal::Road;
use super::throttle::Throttle;
use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// One transfer as it moves.
pub(crate) struct Live {
    done: AtomicU64,
    stopped: AtomicBool,
    stop: Notify,
    moved: AtomicBool,
    pace: Mutex<Pace>,
    told: Mutex<Option<Instant>>,
    expected: Mutex<Vec<Road>>,
    open: Mutex<BTreeMap<u32, Arc<OpenRoad>>>,
    /// One road of a file at a time asks for its share, so that files and not roads have equal shares.
    lane: tokio::sync::Mutex<()>,
}

/// One road on which the other side has come.
pub(crate) struct OpenRoad {
    since: Instant,
    pace: Mutex<Pace>,
    /// It is to make room for a better one.
    given_up: Notify,
}

impl Live {
    pub(crate) fn new(done: u64) -> Self {
        Self {
            done: AtomicU64::new(done),
            stopped: AtomicBool::new(false),
            stop: Notify::new(),
            moved: AtomicBool::new(false),
            pace: Mutex::default(),
            told: Mutex::default(),
            expected: Mutex::default(),
            open: Mutex::default(),
            lane: tokio::sync::Mutex::default(),
        }
    }

    pub(crate) fn done(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }

    /// The other side has said how much of it is there.
    pub(crate) fn set_done(&self, done: u64) {
        self.done.store(done, Ordering::Relaxed);
    }

    /// Roads on which the other side has come.
    pub(crate) fn roads(&self) -> usize {
        lock(&self.open).len()
    }

    /// Bytes a second, over the last few.
    pub(crate) fn rate(&self) -> u64 {
        lock(&self.pace).rate(Instant::now())
    }

    /// Ends all roads.
    pub(crate) fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
        self.stop.notify_waiters();
    }

    /// New roads may be opened again.
    pub(crate) fn go_on(&self) {
        self.stopped.store(false, Ordering::Relaxed);
    }

    /// Returns once it is stopped.
    pub(crate) async fn stopped(&self) {
        let notified = self.stop.notified();
        if !self.stopped.load(Ordering::Relaxed) {
            notified.await;
        }
    }

    /// Whether anything came over since this was asked last.
    pub(crate) fn moved(&self) -> bool {
        self.moved.swap(false, Ordering::Relaxed)
    }

    /// The receiver waits there.
    pub(crate) fn expect(&self, roads: Vec<Road>) {
        *lock(&self.expected) = roads;
    }

    /// Where the receiver waits, at most so many of them, once.
    pub(crate) fn expected(&self, most: usize) -> Vec<Road> {
        let mut expected = lock(&self.expected);
        let count = most.min(expected.len());
        expected.drain(..count).collect()
    }

    /// Waits until this file may move so many bytes.
    pub(crate) async fn share(&self, throttle: &Throttle, bytes: usize) {
        if throttle.is_open() {
            return;
        }
        let _lane = self.lane.lock().await;
        throttle.pass(bytes).await;
    }

    /// Counts bytes that moved; `tell`s of progress at most ten times a second.
    pub(crate) fn count(&self, road: Option<&OpenRoad>, bytes: u64, tell: impl FnOnce()) {
        self.done.fetch_add(bytes, Ordering::Relaxed);
        self.moved.store(true, Ordering::Relaxed);
        let now = Instant::now();
        lock(&self.pace).count(now, bytes);
        if let Some(road) = road {
            lock(&road.pace).count(now, bytes);
        }
        let mut told = lock(&self.told);
        if told.is_none_or(|told| now.duration_since(told) >= PROGRESS) {
            *told = Some(now);
            drop(told);
            tell();
        }
    }

    pub(crate) fn opened(&self, number: u32) -> Arc<OpenRoad> {
        let road = Arc::new(OpenRoad {
            since: Instant::now(),
            pace: Mutex::default(),
            given_up: Notify::new(),
        });
        lock(&self.open).insert(number, Arc::clone(&road));
        road
    }

    pub(crate) fn closed(&self, number: u32) {
        lock(&self.open).remove(&number);
    }

    /// Gives up the slowest road if another one carries many times more: what it was asked for comes sooner by the others,
    /// and perhaps the next one drawn is better. Not near the end, where it is not worth it.
    pub(crate) fn give_up_slow(&self, left: u64) {
        let now = Instant::now();
        let open = lock(&self.open);
        let rates = open.values().map(|road| (road.rate(now), road));
        let Some(best) = rates.clone().map(|(rate, _)| rate).max() else {
            return;
        };
        let slowest = rates
            .filter(|(_, road)| now.duration_since(road.since) >= TRIAL)
            .min_by_key(|(rate, _)| *rate);
        if let Some((rate, road)) = slowest
            && rate.saturating_mul(MUCH_SLOWER) < best
            && best.saturating_mul(WORTH_IT) < left
        {
            road.given_up.notify_one();
        }
    }
}

impl OpenRoad {
    /// Bytes a second, over the last few.
    pub(crate) fn rate(&self, now: Instant) -> u64 {
        lock(&self.pace).rate(now)
    }

    /// Returns once it is to make room for a better one.
    pub(crate) async fn given_up(&self) {
        self.given_up.notified().await;
    }
}

/// Bytes of the last few seconds.
#[derive(Default)]
struct Pace {
    parts: VecDeque<(Instant, u64)>,
}

impl Pace {
    fn count(&mut self, now: Instant, bytes: u64) {
        self.forget(now);
        match self.parts.back_mut() {
            Some((since, count)) if now.duration_since(*since) < PART => *count = count.saturating_add(bytes),
            _ => self.parts.push_back((now, bytes)),
        }
    }

    fn rate(&mut self, now: Instant) -> u64 {
        self.forget(now);
        let Some((first, _)) = self.parts.front() else { return 0 };
        let millis = u64::try_from(now.duration_since(*first).max(PART).as_millis()).unwrap_or(u64::MAX);
        let bytes: u64 = self.parts.iter().map(|(_, bytes)| bytes).sum();
        bytes.saturating_mul(1_000).checked_div(millis).unwrap_or(0)
    }

    fn forget(&mut self, now: Instant) {
        while self
            .parts
            .front()
            .is_some_and(|(since, _)| now.duration_since(*since) > REMEMBERED)
        {
            self.parts.pop_front();
        }
    }
}

/// Between two events about one transfer.
const PROGRESS: Duration = Duration::from_millis(100);

/// A rate is that of so long.
const REMEMBERED: Duration = Duration::from_secs(5);
const PART: Duration = Duration::from_millis(250);

/// A road is judged only after so long.
const TRIAL: Duration = Duration::from_secs(8);

/// A road that carries so many times less than the best is given up …
const MUCH_SLOWER: u64 = 8;

/// … if the best alone would need more than so many seconds for what is left.
const WORTH_IT: u64 = 5;

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::{advance, timeout};

    async fn counted(live: &Live, road: &OpenRoad, bytes: u64) {
        live.count(Some(road), bytes, || {});
        advance(Duration::from_millis(250)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_rate_is_that_of_the_last_seconds() {
        let (live, road) = (Live::new(0), Live::new(0).opened(1));
        assert_eq!(live.rate(), 0);
        for _ in 0..40 {
            counted(&live, &road, 250_000).await;
        }
        assert!((900_000..1_100_000).contains(&live.rate()), "{}", live.rate());
        assert_eq!(live.done(), 10_000_000);
        advance(Duration::from_secs(10)).await;
        assert_eq!(live.rate(), 0, "it stands still");
    }

    #[tokio::test(start_paused = true)]
    async fn progress_is_told_ten_times_a_second_at_most() {
        let live = Live::new(0);
        let mut told = 0;
        for _ in 0..1_000 {
            live.count(None, 1, || told += 1);
            advance(Duration::from_millis(1)).await;
        }
        assert_eq!(told, 10);
    }

    #[tokio::test(start_paused = true)]
    async fn a_road_that_is_much_slower_than_the_best_is_given_up_and_one_that_is_a_little_slower_is_not() {
        for (rate, left, expected) in [
            (40_000, 1 << 30, true),
            (400_000, 1 << 30, false),
            (40_000, 1 << 20, false),
        ] {
            let live = Live::new(0);
            let (good, other) = (live.opened(1), live.opened(2));
            for _ in 0..40 {
                live.count(Some(&other), rate / 4, || {});
                counted(&live, &good, 250_000).await;
            }
            live.give_up_slow(left);
            let given_up = timeout(Duration::from_secs(1), other.given_up()).await.is_ok();
            assert_eq!(given_up, expected, "{rate} {left}");
            assert!(timeout(Duration::from_secs(1), good.given_up()).await.is_err());
        }
    }
}
