//! Which relays stand first and second in all of an account's circuits.
//!
//! A circuit's first relay knows our address. Whoever draws a new one for each circuit meets a hostile one sooner or later,
//! so there is a *sample* of up to twenty, drawn once and kept in order, of which the first two that answer are in use
//! ([Tor's proposal 271](https://spec.torproject.org/proposals/271-another-guard-selection.html), simplified). A circuit's
//! second relay is found by whoever stands third again and again; so it too comes from a small set, of four, each for one to
//! twelve days (proposals 292 and 333, *vanguards*). Then a destination that breaks circuit after circuit learns these four,
//! and has to begin anew behind them.
//!
//! So failures count only where they are seen: a guard's when it does not answer *us*, a second hop's when our guards cannot
//! reach it. What becomes of a circuit that stands is never held against either.

mod record;
mod sample;
mod seconds;

use crate::{Path, Relays, draw::shuffled};
use outis_crypto::CryptoRng;
use outis_wire::{NodeId, UnixMillis};
use sample::Sample;
use seconds::Seconds;
use serde::{Deserialize, Serialize};
use std::time::Duration;

pub use record::GuardsRecordError;

/// An account's guards and second hops.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Guards {
    sample: Sample,
    seconds: Seconds,
}

impl Guards {
    /// Relays in the sample, unless all of them have failed.
    pub const SAMPLE: usize = sample::SIZE;

    /// Guards in use at a time.
    pub const IN_USE: usize = 2;

    /// Second hops at a time.
    pub const SECONDS: usize = seconds::SIZE;

    /// None yet; the first [`Self::refresh`] draws them.
    pub fn new() -> Self {
        Self::default()
    }

    /// Draws what is missing, and lets go of what is over. To be called before drawing paths and from time to time. Says
    /// whether anything changed, which then has to be stored.
    pub fn refresh(&mut self, relays: &Relays, now: UnixMillis, rng: &mut impl CryptoRng) -> bool {
        let before = self.clone();
        self.sample.refresh(relays, now, rng);
        let guards = self.in_use(relays);
        self.seconds.refresh(relays, &guards, now, rng);
        *self != before
    }

    /// The guards that circuits are built over, the preferred first: at most two. No other relay learns our address.
    pub fn in_use(&self, relays: &Relays) -> Vec<NodeId> {
        self.sample.standing(relays).take(Self::IN_USE).collect()
    }

    /// Guards that failed and whose turn it is to be tried again, in order: those preferred to one that is in use, and where
    /// fewer than two are in use, all.
    pub fn to_try(&self, relays: &Relays, now: UnixMillis) -> Vec<NodeId> {
        self.sample.to_try(relays, now)
    }

    /// A guard did not answer when it was dialled, or not properly.
    pub fn guard_failed(&mut self, node: NodeId, now: UnixMillis) {
        self.sample.failed(node, now);
    }

    /// A guard answered.
    pub fn guard_answered(&mut self, node: NodeId) {
        self.sample.answered(node);
    }

    /// Whether all of them have failed for so long that it may be they who are gone, and not our line: then some other relay
    /// is to be asked whether the network can be reached.
    pub fn are_given_up(&self, relays: &Relays, now: UnixMillis) -> bool {
        self.sample.is_dead(relays, now)
    }

    /// A relay that is no guard of ours answered: so the network can be reached, and it is our guards that cannot.
    pub fn another_answered(&mut self, now: UnixMillis) {
        self.sample.another_answered(now);
    }

    /// The guard `via` could not extend a circuit to this second hop.
    pub fn second_failed(&mut self, via: NodeId, node: NodeId, now: UnixMillis) {
        self.seconds.failed(via, node, now);
    }

    /// A circuit was extended to this second hop.
    pub fn second_answered(&mut self, node: NodeId) {
        self.seconds.answered(node);
    }

    /// Draws the three relays of a circuit, to this endpoint or to one that is not known yet.
    ///
    /// # Errors
    /// Each [`NoPath`] says why there is none now. There is never a shorter one.
    pub fn draw(
        &self,
        relays: &Relays,
        endpoint: Option<NodeId>,
        now: UnixMillis,
        rng: &mut impl CryptoRng,
    ) -> Result<Path, NoPath> {
        if !relays.is_enough() {
            return Err(NoPath::TooFewRelays);
        }
        if endpoint.is_some_and(|endpoint| !relays.is_known(endpoint)) {
            return Err(NoPath::UnknownEndpoint);
        }
        let guards = self.in_use(relays);
        if guards.is_empty() {
            return Err(NoPath::NoGuard {
                until: self.sample.next_try(now),
            });
        }
        let mut second_found = false;
        for guard in shuffled(guards, rng) {
            let mut taken: Vec<NodeId> = endpoint.into_iter().collect();
            if !relays.are_apart(guard, &taken) {
                continue;
            }
            taken.push(guard);
            for second in shuffled(self.seconds.usable(guard, relays, now), rng) {
                if !relays.are_apart(second, &taken) {
                    continue;
                }
                second_found = true;
                let both = [&taken[..], &[second]].concat();
                if let Some(third) = relays.draw_apart(&both, rng) {
                    return Ok(Path { guard, second, third });
                }
            }
        }
        if second_found {
            Err(NoPath::NoThirdHop)
        } else {
            Err(NoPath::NoSecondHop {
                until: self.seconds.next_try(now),
            })
        }
    }
}

/// Why there is no path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoPath {
    /// Fewer than [`Relays::LEAST`] relays are known.
    #[error("too few relays are known")]
    TooFewRelays,
    /// No current descriptor of the endpoint is among the relays.
    #[error("the endpoint is not known")]
    UnknownEndpoint,
    /// No guard answers; until then none is tried again.
    #[error("no guard answers")]
    NoGuard {
        /// When the next may be tried.
        until: UnixMillis,
    },
    /// No second hop is reached from our guards, or none that is far enough from them and from the endpoint.
    #[error("no second hop")]
    NoSecondHop {
        /// When the next may be tried.
        until: UnixMillis,
    },
    /// All other relays are too near to the first two.
    #[error("no third hop")]
    NoThirdHop,
}

/// How long something has failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Failure {
    since: UnixMillis,
    last: UnixMillis,
}

impl Failure {
    fn again(before: Option<Self>, now: UnixMillis) -> Self {
        Self {
            since: before.map_or(now, |before| before.since),
            last: now,
        }
    }

    /// When to try again: soon at first, since most failures are of our own line, then less and less (proposal 271's table).
    fn next_try(self) -> UnixMillis {
        let Self { since, last } = self;
        let failing = last.since(since);
        let wait = WAITS
            .iter()
            .find(|(age, _)| failing < *age)
            .map_or(LONGEST_WAIT, |(_, wait)| *wait);
        last.plus(wait)
    }

    /// A clock that was ahead must not keep anything waiting.
    fn at_most(self, now: UnixMillis) -> Self {
        Self {
            since: self.since.min(now),
            last: self.last.min(now),
        }
    }
}

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// While something has failed for less than the first, it is tried again after the second.
const WAITS: [(Duration, Duration); 4] = [
    (Duration::from_secs(10 * 60), Duration::from_secs(30)),
    (Duration::from_secs(6 * 60 * 60), Duration::from_secs(10 * 60)),
    (Duration::from_secs(4 * 24 * 60 * 60), Duration::from_secs(90 * 60)),
    (Duration::from_secs(7 * 24 * 60 * 60), Duration::from_secs(4 * 60 * 60)),
];

const LONGEST_WAIT: Duration = Duration::from_secs(9 * 60 * 60);

/// A set of which all have failed for so long is taken to be dead.
const DEAD: Duration = Duration::from_secs(10 * 60);

/// While a set is dead, one more relay is drawn so often,
const GROWS: Duration = MINUTE;

/// and when as many were drawn as there were at first, so often.
const GROWS_SLOWLY: Duration = Duration::from_secs(3 * 60);

#[cfg(test)]
mod tests;
