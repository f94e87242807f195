//! Relays that did not answer lately: others are tried first. When most of the network is gone, this is what makes finding the
//! rest a matter of minutes and not of luck.

use outis_wire::NodeId;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Shared by the state, which draws, and the work under way, which finds out.
#[derive(Clone, Default)]
pub(crate) struct Dark(Arc<Mutex<Seen>>);

#[derive(Default)]
struct Seen {
    nodes: BTreeMap<NodeId, Unanswered>,
    /// When any relay answered.
    answered: Option<Instant>,
}

struct Unanswered {
    times: u32,
    until: Instant,
}

impl Dark {
    /// A relay did not answer.
    pub(crate) fn failed(&self, node: NodeId, now: Instant) {
        let nodes = &mut self.seen().nodes;
        if nodes.len() >= LIMIT && !nodes.contains_key(&node) {
            nodes.retain(|_, unanswered| unanswered.until > now);
            if nodes.len() >= LIMIT {
                return;
            }
        }
        let known = nodes.entry(node).or_insert(Unanswered { times: 0, until: now });
        known.until = now + FIRST.saturating_mul(1 << known.times.min(10)).min(LONGEST);
        known.times = known.times.saturating_add(1);
    }

    /// It did.
    pub(crate) fn answered(&self, node: NodeId, now: Instant) {
        let mut seen = self.seen();
        seen.nodes.remove(&node);
        seen.answered = Some(now);
    }

    /// How long ago any relay answered, if one has.
    pub(crate) fn heard(&self, now: Instant) -> Option<Duration> {
        self.seen().answered.map(|answered| now.duration_since(answered))
    }

    /// Those that there is no reason to pass over; all, if they are too few to choose among.
    pub(crate) fn lit(&self, relays: Vec<NodeId>, now: Instant) -> Vec<NodeId> {
        let nodes = &self.seen().nodes;
        if nodes.is_empty() {
            return relays;
        }
        let is_dark = |node: &NodeId| nodes.get(node).is_some_and(|unanswered| unanswered.until > now);
        let lit: Vec<NodeId> = relays.iter().copied().filter(|node| !is_dark(node)).collect();
        if lit.len() >= ENOUGH { lit } else { relays }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const LIMIT: usize = 4_096;
const FIRST: Duration = Duration::from_secs(2 * 60);
const LONGEST: Duration = Duration::from_secs(6 * 60 * 60);

/// With fewer than three mailboxes to draw, whoever did not answer is tried again: perhaps it was us.
const ENOUGH: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    fn relays(count: u8) -> Vec<NodeId> {
        (1..=count).map(|byte| NodeId([byte; 32])).collect()
    }

    #[test]
    fn who_does_not_answer_is_passed_over_for_longer_each_time_and_forgiven_at_the_first_answer() {
        let dark = Dark::default();
        let all = relays(10);
        let mut now = Instant::now();
        for times in 0..3 {
            dark.failed(all[0], now);
            assert_eq!(dark.lit(all.clone(), now), all[1..]);
            now += FIRST * (1 << times) - Duration::from_secs(1);
            assert_eq!(dark.lit(all.clone(), now), all[1..], "after {times}");
            now += Duration::from_secs(2);
            assert_eq!(dark.lit(all.clone(), now), all, "after {times}");
        }
        dark.failed(all[0], now);
        dark.answered(all[0], now);
        assert_eq!(dark.lit(all.clone(), now), all);
    }

    #[test]
    fn when_nearly_all_are_dark_it_was_perhaps_our_own_line() {
        let dark = Dark::default();
        let (all, now) = (relays(10), Instant::now());
        for node in &all[..7] {
            dark.failed(*node, now);
        }
        assert_eq!(dark.lit(all.clone(), now), all[7..]);
        dark.failed(all[7], now);
        assert_eq!(dark.lit(all.clone(), now), all);
    }
}
