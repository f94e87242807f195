//! The chain over one direction of a conversation, and the record of what has arrived of it.
//!
//! Each content is hashed with a salt; each link binds the link before it, a number and that hash. The salt is erased with
//! the message, so that a deleted text cannot be confirmed by guessing. A message carries the link before it: each link can
//! be computed when its message comes, in any order, and neighbours are compared as soon as both are there.

use crate::content::Content;
use outis_crypto::{CryptoRng, hash, label};
use outis_wire::Tagged;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// A link of the chain; all zeros before the first message that is told in a session.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Link(pub(crate) [u8; 32]);

/// 16 random bytes that travel with a content.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Salt(pub(crate) [u8; 16]);

impl Salt {
    pub(crate) fn random(rng: &mut impl CryptoRng) -> Self {
        let mut bytes = [0; 16];
        rng.fill_bytes(&mut bytes);
        Self(bytes)
    }
}

/// The salted hash of a content; of a tombstone, the hash of what it stands for.
pub(crate) fn salted_hash(salt: Salt, content: &Content) -> [u8; 32] {
    if let Content::Tombstone(tombstone) = content {
        return tombstone.withdrawn;
    }
    let tagged: Tagged = content.clone().into();
    hash(label::MESSENGER_CONTENT, &[&salt.0, &outis_wire::encode(&tagged)])
}

impl Link {
    /// The link after this one.
    pub(crate) fn next(self, number: u64, salted: [u8; 32]) -> Self {
        Self(hash(label::MESSENGER_CHAIN, &[&self.0, &number.to_be_bytes(), &salted]))
    }
}

/// What has arrived of the other side's direction.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Arrived {
    /// The highest number seen.
    highest: u64,
    /// Numbers below it that have not come: disjoint, ascending, none adjacent.
    missing: Vec<(u64, u64)>,
    /// Links at the edges: those whose neighbour on either side has not come.
    edges: BTreeMap<u64, Edge>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Edge {
    /// The session it was told in; chains of different sessions are not compared.
    session: u64,
    previous: Link,
    link: Link,
}

/// Where a number stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// It was here before.
    Seen,
    /// The next one.
    Next,
    /// Beyond the next one: these are missing now.
    After(RangeInclusive<u64>),
    /// It fills (a part of) this gap.
    Fills(RangeInclusive<u64>),
    /// Too far ahead, or a hole too many: not taken.
    Refused,
}

/// Whether the neighbours that are there agree with what came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Agreement {
    /// As far as can be seen.
    Agrees,
    /// The other side told two different stories.
    Broken,
}

impl Arrived {
    /// A jump over more numbers than this is not taken: nobody has that much on its way.
    pub(crate) const JUMP: u64 = 1 << 20;
    /// Nobody counts further than this, and nothing here overflows below it.
    const LAST: u64 = 1 << 48;
    /// More holes than this are not kept: all of this is part of one record.
    const HOLES: usize = 256;

    /// Nothing has come yet, and nothing below `from` will.
    pub(crate) fn starting_at(from: u64) -> Self {
        Self {
            highest: from.saturating_sub(1),
            ..Self::default()
        }
    }

    /// Where `number` stands. Changes nothing.
    pub(crate) fn place(&self, number: u64) -> Place {
        if number == 0 || number > Self::LAST {
            return Place::Refused;
        }
        let expected = self.highest.saturating_add(1);
        if number == expected {
            return Place::Next;
        }
        if number > expected {
            let jump = number - expected;
            let refused = jump > Self::JUMP || self.missing.len() >= Self::HOLES;
            return if refused {
                Place::Refused
            } else {
                Place::After(expected..=number - 1)
            };
        }
        match self.missing.iter().find(|(from, to)| (*from..=*to).contains(&number)) {
            Some((from, to)) if self.missing.len() < Self::HOLES || *from == number || *to == number => {
                Place::Fills(*from..=*to)
            }
            Some(_) => Place::Refused,
            None => Place::Seen,
        }
    }

    /// Takes `number`, which must have a place, and compares it with its neighbours.
    pub(crate) fn take(&mut self, number: u64, session: u64, previous: Link, salted: [u8; 32]) -> Agreement {
        match self.place(number) {
            Place::Seen | Place::Refused => return Agreement::Agrees,
            Place::Next => self.highest = number,
            Place::After(gap) => {
                self.missing.push((*gap.start(), *gap.end()));
                self.highest = number;
            }
            Place::Fills(gap) => self.fill(number, &gap),
        }
        let edge = Edge {
            session,
            previous,
            link: previous.next(number, salted),
        };
        let agreement = self.compare(number, &edge);
        self.edges.insert(number, edge);
        self.forget_inner_edges(number);
        agreement
    }

    /// Everything up to here has come.
    pub(crate) fn up_to(&self) -> u64 {
        self.missing.first().map_or(self.highest, |(from, _)| from - 1)
    }

    /// What has come beyond [`up_to`](Self::up_to), as ranges, the first `limit`.
    pub(crate) fn beyond(&self, limit: usize) -> Vec<(u64, u64)> {
        let ends = self
            .missing
            .iter()
            .skip(1)
            .map(|(from, _)| from - 1)
            .chain([self.highest]);
        self.missing
            .iter()
            .map(|(_, to)| to + 1)
            .zip(ends)
            .take(limit)
            .collect()
    }

    fn fill(&mut self, number: u64, gap: &RangeInclusive<u64>) {
        let (from, to) = (*gap.start(), *gap.end());
        let Ok(at) = self.missing.binary_search(&(from, to)) else {
            return;
        };
        let before = (from < number).then(|| (from, number - 1));
        let after = (number < to).then(|| (number + 1, to));
        self.missing.splice(at..=at, before.into_iter().chain(after));
    }

    fn compare(&self, number: u64, edge: &Edge) -> Agreement {
        let before = self
            .edges
            .get(&(number - 1))
            .is_none_or(|b| b.session != edge.session || b.link == edge.previous);
        let after = self
            .edges
            .get(&(number + 1))
            .is_none_or(|a| a.session != edge.session || edge.link == a.previous);
        if before && after {
            Agreement::Agrees
        } else {
            Agreement::Broken
        }
    }

    fn forget_inner_edges(&mut self, number: u64) {
        for candidate in [number - 1, number, number + 1] {
            let known = |n: u64| n == 0 || self.place(n) == Place::Seen;
            if candidate != self.highest && known(candidate.saturating_sub(1)) && known(candidate + 1) {
                self.edges.remove(&candidate);
            }
        }
    }
}

#[cfg(test)]
mod tests;
