//! One block of a tree: what is left of 256 neighbouring children.

use std::collections::BTreeMap;

use outis_crypto::{Secret, derive, label};
use outis_wire::Reader;
use zeroize::Zeroizing;

use crate::fault::Damage;

/// The seeds and keys left in a block, by their first child.
#[derive(Default)]
pub(super) struct Block(BTreeMap<u8, Entry>);

enum Entry {
    /// The seed of `4^power` children, of which none has been forgotten.
    Seed { power: u8, seed: Secret<32> },
    /// The key of one child's own block.
    Split(Secret<32>),
}

/// What a block knows of one child.
pub(super) enum Child {
    /// The seed of everything below it.
    Seed(Secret<32>),
    /// The key that its block is sealed under.
    Split(Secret<32>),
}

impl Block {
    /// All 256 children, from the seed above them.
    pub(super) fn whole(seed: Secret<32>) -> Self {
        Self(BTreeMap::from([(0, Entry::Seed { power: WHOLE, seed })]))
    }

    /// What is left of a child, if it is not forgotten.
    pub(super) fn find(&self, child: u8) -> Option<Child> {
        match self.covering(child)? {
            (_, Entry::Split(key)) => Some(Child::Split(key.dangerously_duplicate())),
            (_, Entry::Seed { power, seed }) => {
                let mut seed = seed.dangerously_duplicate();
                for power in (0..*power).rev() {
                    seed = step(&seed, digit(child, power));
                }
                Some(Child::Seed(seed))
            }
        }
    }

    /// As [`find`](Self::find), and the child then has an entry of its own: the seeds above it are gone.
    pub(super) fn isolate(&mut self, child: u8) -> Option<Child> {
        let start = self.covering(child)?.0;
        if let Some(Entry::Seed { power: 1.., .. }) = self.0.get(&start)
            && let Some(Entry::Seed { mut power, mut seed }) = self.0.remove(&start)
        {
            while power > 0 {
                power -= 1;
                let base = child & !span_mask(power + 1);
                for beside in (0..4).filter(|beside| *beside != digit(child, power)) {
                    let entry = Entry::Seed {
                        power,
                        seed: step(&seed, beside),
                    };
                    self.0.insert(base | (beside << (2 * power)), entry);
                }
                seed = step(&seed, digit(child, power));
            }
            self.0.insert(child, Entry::Seed { power: 0, seed });
        }
        self.find(child)
    }

    /// Forgets a child that stands alone.
    pub(super) fn remove(&mut self, child: u8) {
        self.0.remove(&child);
    }

    /// Puts the key of a child's own block in its place.
    pub(super) fn split(&mut self, child: u8, key: Secret<32>) {
        self.0.insert(child, Entry::Split(key));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// For each entry, ascending:
    ///
    /// | size | field                                                                                    |
    /// |    1 | 0…4: the seed of 4^this many children; 5: the key of one child's block                    |
    /// |    1 | the first child                                                                          |
    /// |   32 | seed or key                                                                              |
    pub(super) fn encode(&self) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(self.0.len() * 34));
        for (start, entry) in &self.0 {
            let (kind, key) = match entry {
                Entry::Seed { power, seed } => (*power, seed),
                Entry::Split(key) => (SPLIT, key),
            };
            bytes.extend_from_slice(&[kind, *start]);
            bytes.extend_from_slice(key.dangerously_expose());
        }
        bytes
    }

    /// Entries ascend, are aligned to their size and do not overlap.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, Damage> {
        let torn = |_| Damage("a block of keys is torn");
        let mut entries = BTreeMap::new();
        let mut reader = Reader::new(bytes);
        let mut free_from = 0u16;
        while !reader.is_empty() {
            let (kind, start) = (reader.u8().map_err(torn)?, reader.u8().map_err(torn)?);
            let key = Secret::from_bytes(reader.array().map_err(torn)?);
            let (power, entry) = match kind {
                0..=WHOLE => (kind, Entry::Seed { power: kind, seed: key }),
                SPLIT => (0, Entry::Split(key)),
                _ => return Err(Damage("a block of keys has an unknown entry")),
            };
            if start & span_mask(power) != 0 || u16::from(start) < free_from {
                return Err(Damage("a block of keys overlaps"));
            }
            free_from = u16::from(start) + u16::from(span_mask(power)) + 1;
            entries.insert(start, entry);
        }
        Ok(Self(entries))
    }

    fn covering(&self, child: u8) -> Option<(u8, &Entry)> {
        let (start, entry) = self.0.range(..=child).next_back()?;
        let power = match entry {
            Entry::Seed { power, .. } => *power,
            Entry::Split(_) => 0,
        };
        (child - start <= span_mask(power)).then_some((*start, entry))
    }
}

/// Follows whole children down from a seed: four steps each.
pub(super) fn descend(mut seed: Secret<32>, way: &[u8]) -> Secret<32> {
    for child in way {
        for power in (0..WHOLE).rev() {
            seed = step(&seed, digit(*child, power));
        }
    }
    seed
}

fn step(seed: &Secret<32>, digit: u8) -> Secret<32> {
    derive(label::VAULT_TREE, seed, &[&[digit]])
}

/// The child's digit, base four, at a power.
fn digit(child: u8, power: u8) -> u8 {
    (child >> (2 * power)) & 3
}

/// `4^power - 1`.
fn span_mask(power: u8) -> u8 {
    u8::try_from((1u16 << (2 * power.min(WHOLE))) - 1).unwrap_or(u8::MAX)
}

const WHOLE: u8 = 4;
const SPLIT: u8 = 5;
