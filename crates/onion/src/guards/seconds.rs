use super::{DAY, DEAD, Failure, GROWS, GROWS_SLOWLY, HOUR};
use crate::{
    Relays,
    draw::{below, one_of},
};
use outis_crypto::CryptoRng;
use outis_wire::{NodeId, UnixMillis};
use serde::{Deserialize, Serialize};

/// The second hops of all circuits.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Seconds {
    pub(super) set: Vec<SecondHop>,
    /// Since when none of them has been reached, all having failed.
    dead: Option<UnixMillis>,
    /// When one was last replaced because they were dead, and how many were since one was reached.
    replaced: Option<UnixMillis>,
    replacements: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SecondHop {
    pub(super) node: NodeId,
    /// When its time is over, whatever happens.
    pub(super) until: UnixMillis,
    /// Since when no current descriptor of it is known.
    unlisted: Option<UnixMillis>,
    /// From which guards it was not reached; at most [`VIA`].
    pub(super) failures: Vec<(NodeId, Failure)>,
}

impl Seconds {
    pub(super) fn refresh(&mut self, relays: &Relays, guards: &[NodeId], now: UnixMillis, rng: &mut impl CryptoRng) {
        self.put_right(now);
        for hop in &mut self.set {
            hop.unlisted = match relays.is_hop(hop.node) {
                true => None,
                false => hop.unlisted.or(Some(now)),
            };
        }
        self.set.retain(|hop| {
            let gone = hop.unlisted.is_some_and(|since| now.since(since) >= DAY);
            hop.until > now && !gone
        });
        if self.may_replace(relays, guards, now) {
            let longest = |hop: &&SecondHop| hop.failures.iter().map(|(_, failure)| failure.since).min();
            let dead = self.set.iter().min_by_key(longest).map(|hop| hop.node);
            let size = self.set.len();
            if self.add(relays, guards, now, rng) {
                self.set.retain(|hop| Some(hop.node) != dead || size < SIZE);
                self.replaced = Some(now);
                self.replacements = self.replacements.saturating_add(1);
            }
        }
        while self.set.len() < SIZE && self.add(relays, guards, now, rng) {}
    }

    /// Those that this guard may be asked for.
    pub(super) fn usable(&self, via: NodeId, relays: &Relays, now: UnixMillis) -> Vec<NodeId> {
        let is_due = |hop: &&SecondHop| {
            let failure = hop.failures.iter().find(|(guard, _)| *guard == via);
            failure.is_none_or(|(_, failure)| failure.next_try() <= now)
        };
        let listed = self.set.iter().filter(|hop| relays.is_hop(hop.node));
        listed.filter(is_due).map(|hop| hop.node).collect()
    }

    pub(super) fn next_try(&self, now: UnixMillis) -> UnixMillis {
        let failures = self.set.iter().flat_map(|hop| &hop.failures);
        let tries = failures
            .map(|(_, failure)| failure.next_try())
            .filter(|time| *time > now);
        tries.min().unwrap_or(now.plus(HOUR))
    }

    pub(super) fn failed(&mut self, via: NodeId, node: NodeId, now: UnixMillis) {
        let Some(hop) = self.set.iter_mut().find(|hop| hop.node == node) else {
            return;
        };
        let before = hop.failures.iter().position(|(guard, _)| *guard == via);
        let before = before.map(|place| hop.failures.remove(place).1);
        if hop.failures.len() >= VIA {
            hop.failures.remove(0);
        }
        hop.failures.push((via, Failure::again(before, now)));
    }

    pub(super) fn answered(&mut self, node: NodeId) {
        let Some(hop) = self.set.iter_mut().find(|hop| hop.node == node) else {
            return;
        };
        hop.failures.clear();
        self.dead = None;
        self.replacements = 0;
    }

    /// None has been reached from any guard in use for ten minutes. One guard alone that says so is believed only where it
    /// is the only one there is.
    fn may_replace(&mut self, relays: &Relays, guards: &[NodeId], now: UnixMillis) -> bool {
        let is_dead = |hop: &SecondHop| {
            let failed_via = |guard: &NodeId| hop.failures.iter().any(|(via, _)| via == guard);
            !relays.is_hop(hop.node) || (!guards.is_empty() && guards.iter().all(failed_via))
        };
        if self.set.is_empty() || !self.set.iter().all(is_dead) {
            return false;
        }
        let since = *self.dead.get_or_insert(now);
        let few = self.replacements < FAST_REPLACEMENTS;
        let pace = if few { GROWS } else { GROWS_SLOWLY };
        now.since(since) >= DEAD && self.replaced.is_none_or(|replaced| now.since(replaced) >= pace)
    }

    /// `false` if there is no other relay that could be one.
    fn add(&mut self, relays: &Relays, guards: &[NodeId], now: UnixMillis, rng: &mut impl CryptoRng) -> bool {
        let is_new = |node: &NodeId| self.set.iter().all(|hop| hop.node != *node);
        let candidates: Vec<NodeId> = relays.hops().filter(is_new).collect();
        let apart: Vec<NodeId> = candidates
            .iter()
            .copied()
            .filter(|node| !guards.contains(node))
            .collect();
        let Some(node) = one_of(&apart, rng).or_else(|| one_of(&candidates, rng)) else {
            return false;
        };
        self.set.push(SecondHop {
            node: *node,
            until: now.plus(lifetime(rng)),
            unlisted: None,
            failures: Vec::new(),
        });
        true
    }

    /// Times ahead of the clock are of a clock that was wrong.
    fn put_right(&mut self, now: UnixMillis) {
        let past = |time: &mut Option<UnixMillis>| *time = time.map(|time| time.min(now));
        past(&mut self.dead);
        past(&mut self.replaced);
        for hop in &mut self.set {
            past(&mut hop.unlisted);
            hop.until = hop.until.min(now.plus(DAY * LONGEST_DAYS));
            for (_, failure) in &mut hop.failures {
                *failure = failure.at_most(now);
            }
        }
    }
}

/// The longer of two draws from one to twelve days: so that most live long, and nobody who waits behind one knows for how
/// long (proposal 292, section 3.2).
fn lifetime(rng: &mut impl CryptoRng) -> std::time::Duration {
    let mut draw = || std::time::Duration::from_millis(below((DAY * (LONGEST_DAYS - 1)).as_millis() as u64, rng));
    DAY + draw().max(draw())
}

pub(super) const SIZE: usize = 4;

const LONGEST_DAYS: u32 = 12;

/// Guards from which failures are remembered.
pub(super) const VIA: usize = 4;

/// After so many, a dead set changes more slowly.
const FAST_REPLACEMENTS: u32 = 20;
