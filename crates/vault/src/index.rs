//! Which numbers an owner has in a table: a set of intervals, kept in parts, so that adding the next number rewrites one
//! small record however many there are.
//!
//! Pure: what has to be written is told by [`Index::take_dirty`].

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use outis_wire::Reader;

use crate::fault::Damage;

/// A set of `u64`, as maximal intervals.
#[derive(Default)]
pub(crate) struct Index {
    /// First to last of each interval; neighbours never touch.
    runs: BTreeMap<u64, u64>,
    /// The parts, by the smallest interval start they cover. If there are any, the first covers from 0.
    parts: BTreeMap<u64, Part>,
    next_part: u64,
    /// Where the owner stands in its table's list of owners.
    slot: u64,
    directory: Dirt,
    /// Parts that no longer exist.
    dropped: Vec<u64>,
}

struct Part {
    number: u64,
    dirt: Dirt,
}

/// How a stored piece of the index has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) enum Dirt {
    /// As stored.
    #[default]
    Clean,
    /// Only grown: may be written again under the same key.
    Grown,
    /// Something is gone from it: the old version must be forgotten.
    Shrunk,
}

/// What to store anew: a part, or with `None` the directory.
pub(crate) struct Change {
    pub(crate) part: Option<u64>,
    pub(crate) dirt: Dirt,
    pub(crate) bytes: Vec<u8>,
}

impl Index {
    /// An empty set whose owner stands at `slot`.
    pub(crate) fn new(slot: u64) -> Self {
        Self {
            slot,
            ..Self::default()
        }
    }

    pub(crate) fn slot(&self) -> u64 {
        self.slot
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// How many numbers are in the set.
    pub(crate) fn count(&self) -> u64 {
        self.runs.iter().fold(0u64, |sum, (first, last)| {
            sum.saturating_add((last - first).saturating_add(1))
        })
    }

    /// Whether a number is in the set.
    pub(crate) fn contains(&self, number: u64) -> bool {
        self.run_of(number).is_some()
    }

    /// The smallest number that is not in the set.
    pub(crate) fn first_free(&self) -> Option<u64> {
        match self.runs.first_key_value() {
            Some((0, last)) => last.checked_add(1),
            _ => Some(0),
        }
    }

    /// The numbers within `range`, ascending; reversible.
    pub(crate) fn within(&self, range: RangeInclusive<u64>) -> impl DoubleEndedIterator<Item = u64> {
        let (from, to) = (*range.start(), *range.end());
        let start = self.runs.range(..=from).next_back().map_or(from, |(first, _)| *first);
        let runs = if start <= to {
            Some(self.runs.range(start..=to))
        } else {
            None
        };
        runs.into_iter()
            .flatten()
            .flat_map(move |(first, last)| (*first).max(from)..=(*last).min(to))
    }

    pub(crate) fn insert(&mut self, number: u64) {
        if self.run_of(number).is_some() {
            return;
        }
        let before = number
            .checked_sub(1)
            .and_then(|before| self.run_of(before))
            .map(|(first, _)| first);
        let after = number.checked_add(1).and_then(|after| self.runs.remove_entry(&after));
        if let Some((first, _)) = after {
            self.touch(first, Dirt::Grown);
        }
        let first = before.unwrap_or(number);
        self.runs.insert(first, after.map_or(number, |(_, last)| last));
        self.touch(first, Dirt::Grown);
        self.tidy(first);
        if let Some((gone, _)) = after {
            self.tidy(gone);
        }
    }

    pub(crate) fn remove(&mut self, number: u64) {
        let Some((first, last)) = self.run_of(number) else {
            return;
        };
        self.runs.remove(&first);
        self.touch(first, Dirt::Shrunk);
        if first < number {
            self.runs.insert(first, number - 1);
        }
        if number < last {
            self.runs.insert(number + 1, last);
            self.touch(number + 1, Dirt::Shrunk);
        }
        self.tidy(first);
        self.tidy(number);
    }

    /// What has to be stored, besides what [`take_dropped`](Self::take_dropped) says has to go.
    pub(crate) fn take_dirty(&mut self) -> Vec<Change> {
        let mut changes = Vec::new();
        let mut high = u64::MAX;
        for (start, part) in self.parts.iter_mut().rev() {
            if part.dirt != Dirt::Clean {
                let bytes = encode_runs(self.runs.range(*start..=high));
                changes.push(Change {
                    part: Some(part.number),
                    dirt: std::mem::take(&mut part.dirt),
                    bytes,
                });
            }
            high = start.saturating_sub(1);
        }
        if self.directory != Dirt::Clean {
            let bytes = self.encode_directory();
            changes.push(Change {
                part: None,
                dirt: std::mem::take(&mut self.directory),
                bytes,
            });
        }
        changes
    }

    /// Parts that are no more.
    pub(crate) fn take_dropped(&mut self) -> Vec<u64> {
        std::mem::take(&mut self.dropped)
    }

    /// The numbers of all parts that may be stored.
    pub(crate) fn parts(&self) -> Vec<u64> {
        self.parts
            .values()
            .map(|part| part.number)
            .chain(self.dropped.iter().copied())
            .collect()
    }

    /// | size | field                                                          |
    /// |    8 | slot in the list of owners                                     |
    /// |    8 | number that the next new part gets                             |
    /// |   16 | for each part, ascending: its smallest interval start, number  |
    fn encode_directory(&self) -> Vec<u8> {
        let mut bytes = [self.slot.to_be_bytes(), self.next_part.to_be_bytes()].concat();
        for (start, part) in &self.parts {
            bytes.extend([start.to_be_bytes(), part.number.to_be_bytes()].as_flattened());
        }
        bytes
    }

    /// Reads a directory; the parts it names are then given to [`load_part`](Self::load_part) in the same order.
    pub(crate) fn decode_directory(bytes: &[u8]) -> Result<(Self, Vec<u64>), Damage> {
        let mut reader = Reader::new(bytes);
        let mut index = Self {
            slot: reader.u64().map_err(|_| TORN)?,
            ..Self::default()
        };
        index.next_part = reader.u64().map_err(|_| TORN)?;
        let mut numbers = Vec::new();
        while !reader.is_empty() {
            let (start, number) = (reader.u64().map_err(|_| TORN)?, reader.u64().map_err(|_| TORN)?);
            let in_order = match index.parts.last_key_value() {
                Some((last, _)) => *last < start,
                None => start == 0,
            };
            if !in_order || number >= index.next_part {
                return Err(TORN);
            }
            index.parts.insert(
                start,
                Part {
                    number,
                    dirt: Dirt::Clean,
                },
            );
            numbers.push(number);
        }
        Ok((index, numbers))
    }

    /// Adds the intervals of a stored part.
    pub(crate) fn load_part(&mut self, bytes: &[u8]) -> Result<(), Damage> {
        let mut reader = Reader::new(bytes);
        while !reader.is_empty() {
            let (first, last) = (reader.u64().map_err(|_| TORN)?, reader.u64().map_err(|_| TORN)?);
            let apart = self
                .runs
                .last_key_value()
                .is_none_or(|(_, before)| before.saturating_add(1) < first);
            if last < first || !apart {
                return Err(TORN);
            }
            self.runs.insert(first, last);
        }
        Ok(())
    }

    fn run_of(&self, number: u64) -> Option<(u64, u64)> {
        let (first, last) = self.runs.range(..=number).next_back()?;
        (*last >= number).then_some((*first, *last))
    }

    /// The start of the part that an interval starting at `first` belongs to.
    fn part_of(&mut self, first: u64) -> u64 {
        match self.parts.range(..=first).next_back() {
            Some((start, _)) => *start,
            None => self.add_part(0),
        }
    }

    fn touch(&mut self, first: u64, dirt: Dirt) {
        let start = self.part_of(first);
        if let Some(part) = self.parts.get_mut(&start) {
            part.dirt = part.dirt.max(dirt);
        }
    }

    fn add_part(&mut self, start: u64) -> u64 {
        self.parts.insert(
            start,
            Part {
                number: self.next_part,
                dirt: Dirt::Grown,
            },
        );
        self.next_part += 1;
        self.directory = self.directory.max(Dirt::Grown);
        start
    }

    /// Splits the part around `first` if it has become long, drops it if it has become empty.
    fn tidy(&mut self, first: u64) {
        let start = self.part_of(first);
        let next = start.checked_add(1).and_then(|above| self.parts.range(above..).next());
        let high = next.map_or(u64::MAX, |(next, _)| next - 1);
        let length = self.runs.range(start..=high).count();
        if length > PART_RUNS {
            if let Some(middle) = self.runs.range(start..=high).nth(length / 2).map(|(first, _)| *first) {
                self.add_part(middle);
                self.touch(start, Dirt::Grown);
            }
        } else if length == 0 && start != 0 {
            self.dropped.extend(self.parts.remove(&start).map(|part| part.number));
            self.directory = Dirt::Shrunk;
        }
    }
}

fn encode_runs<'a>(runs: impl Iterator<Item = (&'a u64, &'a u64)>) -> Vec<u8> {
    runs.flat_map(|(first, last)| [first.to_be_bytes(), last.to_be_bytes()])
        .flatten()
        .collect()
}

/// Intervals in a part before it splits: about 4 KiB.
const PART_RUNS: usize = 256;
const TORN: Damage = Damage("an index is torn");

#[cfg(test)]
mod tests;
