//! A pack: one file of sealed pages, written at once and never changed. Writing a page by itself would cost two syncs.
//!
//! Each page in it is sealed under a key of its own, so that one that is erased is gone though its bytes are still there.
//! What a pack holds stands in its *catalog*, a record of space [`Pack`](crate::key::Space::Pack) whose disk key is the
//! file's name:
//!
//! | size | field                                                        |
//! |    4 | bytes in the pack                                            |
//! |      | for each page that is still live, ascending:                 |
//! |    2 | · table                                                      |
//! |   32 | · owner                                                      |
//! |    8 | · window                                                     |
//! |    4 | · bytes that it takes                                        |
//!
//! When less than half of a pack is live, the pages that are left move to the next pack; a pack without pages is removed.

use std::collections::BTreeMap;

use outis_wire::Reader;

use crate::fault::Damage;
use crate::key::{Place, Space, TableId};
use crate::page::PageId;

/// What a pack holds.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Catalog {
    total: u32,
    pages: BTreeMap<PageId, u32>,
}

impl Catalog {
    /// Where the catalog of a pack stands.
    pub(crate) fn place(pack: u64) -> Place {
        Place {
            space: Space::Pack,
            index: pack,
            ..Place::ROOT
        }
    }

    /// Enters a page that takes so many bytes; says where it begins.
    pub(crate) fn add(&mut self, id: PageId, length: u32) -> u32 {
        let offset = self.total;
        self.total = self.total.saturating_add(length);
        self.pages.insert(id, length);
        offset
    }

    pub(crate) fn remove(&mut self, id: PageId) {
        self.pages.remove(&id);
    }

    /// The pages that are live.
    pub(crate) fn pages(&self) -> impl Iterator<Item = PageId> {
        self.pages.keys().copied()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.pages.is_empty()
    }

    /// Whether another page should begin the next pack.
    pub(crate) fn is_full(&self) -> bool {
        self.pages.len() >= MAX_PAGES || self.total >= FULL
    }

    /// Whether most of the file is dead.
    pub(crate) fn is_wasteful(&self) -> bool {
        self.live() * 2 < u64::from(self.total)
    }

    fn live(&self) -> u64 {
        self.pages.values().copied().map(u64::from).sum()
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = self.total.to_be_bytes().to_vec();
        for (id, length) in &self.pages {
            bytes.extend_from_slice(&id.table.number().to_be_bytes());
            bytes.extend_from_slice(&id.owner);
            bytes.extend_from_slice(&id.window.to_be_bytes());
            bytes.extend_from_slice(&length.to_be_bytes());
        }
        bytes
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Damage> {
        let torn = |_| TORN;
        let mut reader = Reader::new(bytes);
        let mut catalog = Self {
            total: reader.u32().map_err(torn)?,
            ..Self::default()
        };
        while !reader.is_empty() {
            let id = PageId {
                table: TableId::from_number(reader.u16().map_err(torn)?),
                owner: reader.array().map_err(torn)?,
                window: reader.u64().map_err(torn)?,
            };
            let ascends = catalog.pages.last_key_value().is_none_or(|(last, _)| *last < id);
            if !ascends {
                return Err(TORN);
            }
            catalog.pages.insert(id, reader.u32().map_err(torn)?);
        }
        let is_possible = !catalog.is_empty() && catalog.live() <= catalog.total.into();
        is_possible.then_some(catalog).ok_or(TORN)
    }
}

/// Pages in one pack.
const MAX_PAGES: usize = 64;
/// A pack of this size takes no more pages.
const FULL: u32 = 4 * 1024 * 1024;
const TORN: Damage = Damage("the catalog of a pack is torn");

#[cfg(test)]
mod tests {
    use super::*;

    fn id(window: u64) -> PageId {
        PageId {
            table: TableId::FILES,
            owner: [3; 32],
            window,
        }
    }

    #[test]
    fn a_catalog_says_what_is_live_and_when_to_move_it() {
        let mut catalog = Catalog::default();
        assert_eq!([1, 2, 3].map(|window| catalog.add(id(window), 100)), [0, 100, 200]);
        let mut catalog = {
            let read = Catalog::decode(&catalog.encode()).unwrap();
            assert_eq!(read, catalog);
            read
        };
        catalog.remove(id(1));
        assert!(!catalog.is_wasteful() && !catalog.is_empty());
        catalog.remove(id(3));
        assert!(catalog.is_wasteful());
        assert!(catalog.pages().eq([id(2)]));
        catalog.remove(id(2));
        assert!(catalog.is_empty());
        let many = (0..64).map(|window| catalog.add(id(window), 1)).last();
        assert!(many.is_some() && catalog.is_full());
    }

    #[test]
    fn a_catalog_is_the_bytes_of_the_vector() {
        let vector = include_str!("../../../tests/vectors/vault-pack.txt");
        let expected = vector.lines().find(|line| !line.starts_with('#')).unwrap();
        let mut catalog = Catalog {
            total: 3_000,
            ..Catalog::default()
        };
        catalog.pages.extend([(id(0), 1_064), (id(5), 900)]);
        assert_eq!(hex::encode(catalog.encode()), expected);
    }

    #[test]
    fn nonsense_is_refused() {
        let mut catalog = Catalog::default();
        catalog.add(id(1), 9);
        catalog.add(id(2), 9);
        let bytes = catalog.encode();
        assert!(
            (0..=bytes.len()).all(|length| [50, 96].contains(&length) == Catalog::decode(&bytes[..length]).is_ok())
        );
        let (front, pages) = bytes.split_at(4);
        let (first, second) = pages.split_at(46);
        assert!(Catalog::decode(&[front, second, first].concat()).is_err());
        assert!(Catalog::decode(&[front, first, first].concat()).is_err());
        assert!(
            Catalog::decode(&[&[0, 0, 0, 17], pages].concat()).is_err(),
            "more than the pack has"
        );
    }
}
