use super::{DAY, DEAD, Failure, GROWS, GROWS_SLOWLY, Guards, HOUR};
use crate::{
    Relays,
    draw::{below, one_of},
};
use outis_crypto::CryptoRng;
use outis_wire::{NodeId, UnixMillis};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Guards, in the order in which they are preferred.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sample {
    pub(super) guards: Vec<Guard>,
    /// When a relay that is none of them answered lately.
    another_answered: Option<UnixMillis>,
    /// Since when none of them has answered, all having failed.
    dead: Option<UnixMillis>,
    /// When one was last added because they were dead.
    grown: Option<UnixMillis>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Guard {
    pub(super) node: NodeId,
    /// When it is let go in any case.
    pub(super) until: UnixMillis,
    /// Since when no current descriptor of it is known.
    unlisted: Option<UnixMillis>,
    failure: Option<Failure>,
    /// Whether it ever answered.
    answered: bool,
}

impl Sample {
    pub(super) fn refresh(&mut self, relays: &Relays, now: UnixMillis, rng: &mut impl CryptoRng) {
        self.put_right(now);
        for guard in &mut self.guards {
            guard.unlisted = match relays.is_guard(guard.node) {
                true => None,
                false => guard.unlisted.or(Some(now)),
            };
        }
        self.guards.retain(|guard| {
            let gone = guard.unlisted.is_some_and(|since| now.since(since) >= FORGOTTEN);
            guard.until > now && !gone
        });
        while self.guards.len() < SIZE && self.add(relays, now, rng) {}
        if self.may_grow(relays, now) {
            if self.guards.len() >= 2 * SIZE {
                self.forget_one_that_never_answered();
            }
            if self.guards.len() < 2 * SIZE && self.add(relays, now, rng) {
                self.grown = Some(now);
            }
        }
    }

    /// Guards that have not failed, in order.
    pub(super) fn standing(&self, relays: &Relays) -> impl Iterator<Item = NodeId> {
        let stands = |guard: &&Guard| guard.failure.is_none() && relays.is_guard(guard.node);
        self.guards.iter().filter(stands).map(|guard| guard.node)
    }

    pub(super) fn to_try(&self, relays: &Relays, now: UnixMillis) -> Vec<NodeId> {
        let mut standing = 0;
        let mut due = Vec::new();
        for guard in self.guards.iter().filter(|guard| relays.is_guard(guard.node)) {
            match guard.failure {
                None => standing += 1,
                Some(failure) if failure.next_try() <= now => due.push(guard.node),
                Some(_) => {}
            }
            if standing == Guards::IN_USE {
                break;
            }
        }
        due
    }

    pub(super) fn next_try(&self, now: UnixMillis) -> UnixMillis {
        let failures = self.guards.iter().filter_map(|guard| guard.failure);
        failures.map(Failure::next_try).min().unwrap_or(now.plus(HOUR)).max(now)
    }

    pub(super) fn failed(&mut self, node: NodeId, now: UnixMillis) {
        if let Some(guard) = self.guards.iter_mut().find(|guard| guard.node == node) {
            guard.failure = Some(Failure::again(guard.failure, now));
        }
    }

    pub(super) fn answered(&mut self, node: NodeId) {
        let Some(place) = self.guards.iter().position(|guard| guard.node == node) else {
            return;
        };
        self.dead = None;
        let (preferred, rest) = self.guards.split_at_mut(place);
        let Some(guard) = rest.first_mut() else { return };
        guard.answered = true;
        if guard.failure.take().is_none() {
            return;
        }
        // The line is back: the preferred ones may have failed for its sake only, and are tried soon.
        for failure in preferred.iter_mut().filter_map(|guard| guard.failure.as_mut()) {
            failure.last = failure.since;
        }
    }

    pub(super) fn another_answered(&mut self, now: UnixMillis) {
        // The first of some minutes is what guards are measured by that do not answer though they are asked after it.
        let counts = |answered: &UnixMillis| *answered >= self.dead.unwrap_or(now) && now.since(*answered) < DEAD;
        self.another_answered = self.another_answered.filter(counts).or(Some(now));
    }

    /// Whether none has answered for ten minutes, all having failed.
    pub(super) fn is_dead(&self, relays: &Relays, now: UnixMillis) -> bool {
        self.standing(relays).next().is_none() && self.dead.is_some_and(|since| now.since(since) >= DEAD)
    }

    /// All have failed for ten minutes, another relay has answered since and the preferred ones have failed once more after
    /// that, and the last addition is some time ago.
    fn may_grow(&mut self, relays: &Relays, now: UnixMillis) -> bool {
        if self.standing(relays).next().is_some() {
            return false;
        }
        let since = *self.dead.get_or_insert(now);
        let lately = |answered: &UnixMillis| *answered >= since && now.since(*answered) < 2 * DEAD;
        let answered = self.another_answered.filter(lately);
        let reachable = answered.is_some_and(|answered| {
            // Where the line had been down, they answer too as soon as they are asked.
            let preferred = self.guards.iter().filter(|guard| relays.is_guard(guard.node));
            let failed_since = |guard: &Guard| guard.failure.is_some_and(|failure| failure.last >= answered);
            preferred.take(ASKED_AGAIN).all(failed_since)
        });
        let pace = if self.guards.len() < 2 * SIZE {
            GROWS
        } else {
            GROWS_SLOWLY
        };
        reachable && now.since(since) >= DEAD && self.grown.is_none_or(|grown| now.since(grown) >= pace)
    }

    fn forget_one_that_never_answered(&mut self) {
        if let Some(place) = self.guards.iter().rposition(|guard| !guard.answered) {
            self.guards.remove(place);
        }
    }

    /// `false` if there is no other relay that could be one.
    fn add(&mut self, relays: &Relays, now: UnixMillis, rng: &mut impl CryptoRng) -> bool {
        let is_new = |node: &NodeId| self.guards.iter().all(|guard| guard.node != *node);
        let candidates: Vec<NodeId> = relays.guards().filter(is_new).collect();
        let Some(node) = one_of(&candidates, rng) else {
            return false;
        };
        let spread = Duration::from_millis(below(LIFE_SPREAD.as_millis() as u64, rng));
        self.guards.push(Guard {
            node: *node,
            until: now.plus(LIFE).plus(spread),
            unlisted: None,
            failure: None,
            answered: false,
        });
        true
    }

    /// Times ahead of the clock are of a clock that was wrong.
    fn put_right(&mut self, now: UnixMillis) {
        let past = |time: &mut Option<UnixMillis>| *time = time.map(|time| time.min(now));
        past(&mut self.another_answered);
        past(&mut self.dead);
        past(&mut self.grown);
        for guard in &mut self.guards {
            past(&mut guard.unlisted);
            guard.failure = guard.failure.map(|failure| failure.at_most(now));
            guard.until = guard.until.min(now.plus(LIFE).plus(LIFE_SPREAD));
        }
    }
}

pub(super) const SIZE: usize = 20;

/// So many of the preferred have to fail again once another relay has answered.
const ASKED_AGAIN: usize = 3;

/// How long a guard is kept at least, and how much longer at most.
const LIFE: Duration = Duration::from_secs(90 * DAY.as_secs());
const LIFE_SPREAD: Duration = Duration::from_secs(30 * DAY.as_secs());

/// A guard of which nothing was heard for so long is let go.
const FORGOTTEN: Duration = Duration::from_secs(20 * DAY.as_secs());
