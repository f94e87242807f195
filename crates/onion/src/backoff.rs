//! How often a destination makes us draw paths.
//!
//! Whoever names a destination (a contact, in a queue card) or runs it can break every circuit to it. Each new one is
//! another draw of a third hop, and with enough draws a hostile relay stands there. So circuits to one destination are
//! rationed, and the count survives a restart: an app that is made to crash draws no faster.

use crate::draw::below;
use outis_crypto::CryptoRng;
use outis_wire::{DecodeError, NodeId, UnixMillis, decode, encode};
use serde::{Deserialize, Serialize};
use std::{cmp::Reverse, collections::BTreeMap, time::Duration};

/// What was tried, by destination.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Backoff(BTreeMap<NodeId, Tries>);

/// No circuit to that destination before then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many circuits to one destination")]
pub struct Wait {
    /// When one may be built.
    pub until: UnixMillis,
}

impl Backoff {
    /// Circuits to one destination in ten minutes.
    pub const MOST: usize = 6;

    /// Destinations that are remembered.
    pub const DESTINATIONS: usize = 1_024;

    /// Those of them that are written down.
    pub const RECORDED: usize = 400;

    /// Nothing tried.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether a circuit to the destination may be built now.
    ///
    /// # Errors
    /// [`Wait`], until when not.
    pub fn may_build(&self, destination: NodeId, now: UnixMillis) -> Result<(), Wait> {
        let Some(tries) = self.0.get(&destination) else {
            return Ok(());
        };
        self.waits(destination, now)?;
        // Times ahead of the clock are of a clock that was wrong.
        let began: Vec<UnixMillis> = tries.began.iter().map(|time| (*time).min(now)).collect();
        let recent = began.iter().filter(|time| now.since(**time) < PERIOD);
        match began.first() {
            Some(oldest) if recent.count() >= Self::MOST => Err(Wait {
                until: oldest.plus(PERIOD),
            }),
            _ => Ok(()),
        }
    }

    /// Whether one broke so lately that the next still waits, however few there were.
    ///
    /// # Errors
    /// [`Wait`], until when.
    pub fn waits(&self, destination: NodeId, now: UnixMillis) -> Result<(), Wait> {
        let not_before = self.0.get(&destination).map_or(now, |tries| tries.not_before);
        let until = not_before.min(now.plus(LONGEST));
        if until > now { Err(Wait { until }) } else { Ok(()) }
    }

    /// One is being built.
    pub fn began(&mut self, destination: NodeId, now: UnixMillis) {
        if !self.0.contains_key(&destination) && self.0.len() >= Self::DESTINATIONS {
            let last = |(_, tries): &(&NodeId, &Tries)| tries.began.last().copied();
            let oldest = self.0.iter().min_by_key(last).map(|(node, _)| *node);
            oldest.map(|node| self.0.remove(&node));
        }
        let tries = self.0.entry(destination).or_default();
        if tries.began.len() >= Self::MOST {
            tries.began.remove(0);
        }
        tries.began.push(now);
    }

    /// It did what it was for. The count of circuits stays: only the wait is over.
    pub fn worked(&mut self, destination: NodeId) {
        if let Some(tries) = self.0.get_mut(&destination) {
            tries.failures = 0;
            tries.not_before = UnixMillis(0);
        }
    }

    /// It broke before it did. Once may be anybody's bad luck; then the next waits, twice as long each time, and half as long
    /// again by chance.
    pub fn failed(&mut self, destination: NodeId, now: UnixMillis, rng: &mut impl CryptoRng) {
        let Some(tries) = self.0.get_mut(&destination) else {
            return;
        };
        tries.failures = tries.failures.saturating_add(1);
        let Some(doublings) = tries.failures.checked_sub(2) else {
            return;
        };
        let wait = FIRST * 2u32.saturating_pow(u32::from(doublings.min(DOUBLINGS)));
        let chance = Duration::from_millis(below(wait.as_millis() as u64 / 2, rng));
        tries.not_before = now.plus((wait + chance).min(LONGEST));
    }

    /// All that still counts, the latest [`Self::RECORDED`] of it, for the account's own container only: it names where its
    /// mail waits.
    pub fn to_record(&self, now: UnixMillis) -> Vec<u8> {
        let counts = |tries: &Tries| {
            tries
                .began
                .last()
                .is_some_and(|last| now.since(*last) < PERIOD + LONGEST)
        };
        let mut tries: Vec<(&NodeId, &Tries)> = self.0.iter().filter(|(_, tries)| counts(tries)).collect();
        tries.sort_by_key(|(_, tries)| Reverse(tries.began.last().copied()));
        tries.truncate(Self::RECORDED);
        tries.sort_by_key(|(node, _)| **node);
        encode(&(VERSION, tries))
    }

    /// Reads [`Self::to_record`]'s bytes.
    ///
    /// # Errors
    /// The record is damaged or of a later version.
    pub fn from_record(record: &[u8]) -> Result<Self, BackoffRecordError> {
        if let Some(version) = record.first().filter(|version| **version != VERSION) {
            return Err(BackoffRecordError::Version(*version));
        }
        let (_, tries): (u8, Vec<(NodeId, Tries)>) = decode(record, LIMIT).map_err(BackoffRecordError::Damaged)?;
        let in_order = tries.is_sorted_by(|(a, _), (b, _)| a < b);
        let each = |(_, tries): &(NodeId, Tries)| (1..=Self::MOST).contains(&tries.began.len());
        let few = tries.len() <= Self::DESTINATIONS && tries.iter().all(each);
        if in_order && few {
            Ok(Self(tries.into_iter().collect()))
        } else {
            Err(BackoffRecordError::Contradictory)
        }
    }
}

/// Why a record gives no back-off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BackoffRecordError {
    /// Not what was written.
    #[error("the record of tries is damaged")]
    Damaged(#[source] DecodeError),
    /// Written by a later version.
    #[error("record of tries version {0}")]
    Version(u8),
    /// Too many destinations or tries, or out of order.
    #[error("the record of tries contradicts itself")]
    Contradictory,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Tries {
    /// The last circuits, oldest first; at most [`Backoff::MOST`].
    began: Vec<UnixMillis>,
    /// Broken ones since one worked.
    failures: u8,
    not_before: UnixMillis,
}

const PERIOD: Duration = Duration::from_secs(10 * 60);
const FIRST: Duration = Duration::from_secs(2);
const LONGEST: Duration = Duration::from_secs(10 * 60);

/// After so many the wait is longer than the longest in any case.
const DOUBLINGS: u8 = 9;

const VERSION: u8 = 1;

const LIMIT: usize = 128 << 10;

#[cfg(test)]
mod tests;
