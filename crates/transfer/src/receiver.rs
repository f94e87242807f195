//! The receiver of one file, over all its roads.

use crate::{Geometry, Offer, Ranges};
use std::collections::{BTreeMap, BTreeSet};

/// Which chunks of a file are there, and which are asked for on which road.
#[derive(Debug)]
pub struct Receiver {
    geometry: Geometry,
    stored: Ranges,
    /// Not stored yet: asked for on a road, or arrived and on its way to the disk.
    pending: BTreeMap<u32, Pending>,
    /// Asked for on a road, and then come by another way.
    overtaken: BTreeSet<(RoadId, u32)>,
    next_road: u32,
}

impl Receiver {
    /// The receiver of a file of which nothing is there yet.
    pub fn new(offer: &Offer) -> Self {
        Self {
            geometry: *offer.geometry(),
            stored: Ranges::new(),
            pending: BTreeMap::new(),
            overtaken: BTreeSet::new(),
            next_road: 0,
        }
    }

    /// What is kept beside the chunks: version = 1, then the stored chunks as (gap, length) pairs by the strict codec.
    pub fn to_record(&self) -> Vec<u8> {
        outis_wire::encode(&(RECORD_VERSION, self.stored.to_pairs()))
    }

    /// The receiver that goes on where `record` was written.
    ///
    /// # Errors
    /// See [`RecordError`].
    pub fn resume(offer: &Offer, record: &[u8]) -> Result<Self, RecordError> {
        match record.first() {
            Some(&RECORD_VERSION) => {}
            Some(&other) => return Err(RecordError::UnknownVersion(other)),
            None => return Err(RecordError::Malformed),
        }
        let mut receiver = Self::new(offer);
        let (_, pairs): (u8, Vec<(u32, u32)>) =
            outis_wire::decode(record, MAX_RECORD).map_err(|_| RecordError::Malformed)?;
        receiver.stored = Ranges::from_pairs(&pairs, receiver.geometry.chunks()).ok_or(RecordError::Malformed)?;
        Ok(receiver)
    }

    /// A chunk rests on the disk. Said only once it does: what is stored is never asked for again.
    pub fn stored(&mut self, chunk: u32) {
        self.pending.remove(&chunk);
        if chunk < self.geometry.chunks() {
            self.stored.insert(chunk);
        }
    }

    /// A chunk that had arrived could not be stored, and is asked for again.
    pub fn lost(&mut self, chunk: u32) {
        self.pending.remove(&chunk);
    }

    /// A road is gone: what was asked for on it is asked for on others.
    pub fn closed(&mut self, road: RoadId) {
        self.pending.retain(|_, pending| *pending != Pending::Asked(road));
        self.overtaken.retain(|(of, _)| *of != road);
    }

    /// Whether everything is stored.
    pub fn is_complete(&self) -> bool {
        self.stored.len() == self.geometry.chunks()
    }

    /// Whether nothing is left to come: what is not stored yet is on its way to the disk.
    pub fn has_arrived(&self) -> bool {
        let arrived = self
            .pending
            .values()
            .filter(|pending| **pending == Pending::Arrived)
            .count();
        u32::try_from(arrived).is_ok_and(|arrived| self.stored.len() + arrived == self.geometry.chunks())
    }

    /// A chunk came by another way than a road: as a piece, or it was found on the disk. Says whether it is to be stored.
    pub fn came(&mut self, chunk: u32) -> bool {
        let known = chunk < self.geometry.chunks() && !self.stored.contains(chunk);
        if !known || self.pending.get(&chunk) == Some(&Pending::Arrived) {
            return false;
        }
        if let Some(Pending::Asked(road)) = self.pending.insert(chunk, Pending::Arrived) {
            self.overtaken.insert((road, chunk));
        }
        true
    }

    /// The first chunks that are neither stored nor on their way, at most `count`.
    pub fn missing(&self, count: usize) -> Vec<u32> {
        let mut missing = Vec::new();
        let mut chunk = self.first_unasked(0);
        while chunk < self.geometry.chunks() && missing.len() < count {
            missing.push(chunk);
            chunk = self.first_unasked(chunk + 1);
        }
        missing
    }

    /// How far it is.
    pub fn progress(&self) -> Progress {
        let last = self.geometry.chunks() - 1;
        let full = u64::from(self.stored.len()) * self.geometry.chunk_size();
        let missing_in_last = self.geometry.chunk_size() - self.geometry.length(last).map_or(0, |length| length as u64);
        let stored = if self.stored.contains(last) {
            full - missing_in_last
        } else {
            full
        };
        Progress {
            stored,
            size: self.geometry.size(),
        }
    }

    /// Which chunks are stored.
    pub fn have(&self) -> &Ranges {
        &self.stored
    }

    pub(crate) fn open_road(&mut self) -> RoadId {
        self.next_road = self.next_road.wrapping_add(1);
        RoadId(self.next_road)
    }

    /// How many chunks are on their way on this road.
    pub(crate) fn asked_on(&self, road: RoadId) -> u32 {
        let asked = self
            .pending
            .values()
            .filter(|pending| **pending == Pending::Asked(road))
            .count();
        let overtaken = self.overtaken.iter().filter(|(of, _)| *of == road).count();
        u32::try_from(asked + overtaken).unwrap_or(u32::MAX)
    }

    /// Takes the first chunks that nobody has been asked for, at most `count`, for this road: as (first, how many).
    pub(crate) fn ask(&mut self, road: RoadId, count: u32) -> Vec<(u32, u32)> {
        let mut ranges: Vec<(u32, u32)> = Vec::new();
        let mut chunk = 0;
        for _ in 0..count {
            chunk = self.first_unasked(chunk);
            if chunk >= self.geometry.chunks() {
                break;
            }
            self.pending.insert(chunk, Pending::Asked(road));
            match ranges.last_mut() {
                Some((first, length)) if *first + *length == chunk => *length += 1,
                _ => ranges.push((chunk, 1)),
            }
            chunk += 1;
        }
        ranges
    }

    /// What a chunk is that came over a road; from now on it has arrived.
    pub(crate) fn arrived(&mut self, road: RoadId, chunk: u32) -> Came {
        if self.overtaken.remove(&(road, chunk)) {
            return Came::Late;
        }
        match self.pending.get_mut(&chunk) {
            Some(pending) if *pending == Pending::Asked(road) => {
                *pending = Pending::Arrived;
                Came::Wanted
            }
            _ => Came::NotAsked,
        }
    }

    fn first_unasked(&self, from: u32) -> u32 {
        let mut chunk = self.stored.first_missing(from);
        for (taken, _) in self.pending.range(chunk..) {
            chunk = self.stored.first_missing(chunk);
            if *taken != chunk {
                break;
            }
            chunk += 1;
        }
        self.stored.first_missing(chunk)
    }
}

/// How far a transfer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Bytes that rest on the disk.
    pub stored: u64,
    /// Bytes of the file.
    pub size: u64,
}

/// One road of a receiver, as long as it lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RoadId(u32);

/// Why a record does not resume this transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// Written by a newer version.
    #[error("transfer record of unknown version {0}")]
    UnknownVersion(u8),
    /// Damaged, or of another file.
    #[error("malformed transfer record")]
    Malformed,
}

/// What a chunk is to its receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Came {
    Wanted,
    /// It was asked for, and has come by another way meanwhile.
    Late,
    NotAsked,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pending {
    Asked(RoadId),
    Arrived,
}

const RECORD_VERSION: u8 = 1;

/// Every second chunk of the most that there can be.
const MAX_RECORD: usize = 8 + 2 * crate::MAX_CHUNKS as usize;

#[cfg(test)]
mod tests;
