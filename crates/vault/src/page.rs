//! Records that rest: a *window* is 64 neighbouring indexes of one owner, and once newer windows have been begun, what is
//! small in it is sealed together, as one *page*.
//!
//! That is what keeps a long history small and quick: sled takes more than a kilobyte for a record of three hundred bytes
//! under a random key, and one large seal is much cheaper than sixty-four small ones. A record stands in its page or by
//! itself, never in both. One that changes leaves its page.
//!
//! A page's *header* is a record of space [`Page`](crate::key::Space::Page); its index is `2 · window + version`, so that
//! a new version stands beside the old one until the commit that replaces it:
//!
//! | size | field                                                                                         |
//! |    1 | 0: what follows is the page                                                                   |
//!
//! or, for pages larger than [`MAX_INLINE`],
//!
//! | size | field                                                                                         |
//! |    1 | 1: the page is a sealed file beside the store, named by the header's disk key                 |
//! |   32 | key of the file                                                                               |
//! |    4 | length of the file                                                                            |
//!
//! A file is `seal(length (4) ‖ page ‖ zeros up to a multiple of 1 KiB)`, associated data: the header's place. Page, for
//! each record, ascending:
//!
//! | size | field                                                                                         |
//! |    1 | index within the window                                                                       |
//! |    4 | serial of the key that sealed the record when it stood by itself                              |
//! |    2 | length                                                                                        |
//! |    n | value                                                                                         |
//!
//! When a record is erased, the serial that it had by itself is forgotten with the page's old version: sled's log may still
//! hold both.

use std::collections::BTreeMap;

use outis_crypto::{CryptoRng, Secret, SecretBytes, aead};
use outis_wire::Reader;
use zeroize::Zeroizing;

use crate::fault::Damage;
use crate::key::{Place, Space, TableId};

/// Which page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct PageId {
    pub(crate) table: TableId,
    pub(crate) owner: [u8; 32],
    pub(crate) window: u64,
}

/// Which of the two places its header stands at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    Even = 0,
    Odd = 1,
}

/// The records of a page, by their index within the window.
#[derive(Default)]
pub(crate) struct Page(BTreeMap<u8, Entry>);

/// One record in a page.
pub(crate) struct Entry {
    /// The key that sealed it before.
    pub(crate) serial: u32,
    pub(crate) value: SecretBytes,
}

/// What a header says.
pub(crate) enum Header {
    Inline(Page),
    File { key: Secret<32>, length: usize },
}

impl PageId {
    /// The page that a record would be in.
    pub(crate) fn of(place: &Place) -> Self {
        Self {
            table: place.table,
            owner: place.owner,
            window: place.index / WINDOW,
        }
    }

    /// Where the header of a version stands.
    pub(crate) fn place(self, version: Version) -> Place {
        Place {
            space: Space::Page,
            table: self.table,
            owner: self.owner,
            index: 2 * self.window + version as u64,
        }
    }

    /// Where one of its records stands by itself.
    pub(crate) fn record(self, offset: u8) -> Place {
        Place {
            space: Space::Record,
            table: self.table,
            owner: self.owner,
            index: self.window * WINDOW + u64::from(offset),
        }
    }

    /// The indexes in its window.
    pub(crate) fn indexes(self) -> std::ops::RangeInclusive<u64> {
        let first = self.window * WINDOW;
        first..=first + (WINDOW - 1)
    }

    /// The neighbour so many windows away.
    pub(crate) fn neighbour(self, distance: i64) -> Option<Self> {
        let window = self.window.checked_add_signed(distance)?;
        (window <= u64::MAX / WINDOW).then_some(Self { window, ..self })
    }
}

/// A record's index within its window.
pub(crate) fn offset(place: &Place) -> u8 {
    let [.., low] = place.index.to_be_bytes();
    low & WINDOW_MASK
}

impl Version {
    pub(crate) const BOTH: [Self; 2] = [Self::Even, Self::Odd];

    pub(crate) fn other(self) -> Self {
        match self {
            Self::Even => Self::Odd,
            Self::Odd => Self::Even,
        }
    }
}

impl Page {
    pub(crate) fn get(&self, offset: u8) -> Option<&Entry> {
        self.0.get(&offset)
    }

    pub(crate) fn insert(&mut self, offset: u8, entry: Entry) {
        self.0.insert(offset, entry);
    }

    pub(crate) fn remove(&mut self, offset: u8) -> Option<Entry> {
        self.0.remove(&offset)
    }

    pub(crate) fn offsets(&self) -> Vec<u8> {
        self.0.keys().copied().collect()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The bytes that its values take, about.
    pub(crate) fn weight(&self) -> usize {
        self.0
            .values()
            .map(|entry| entry.value.dangerously_expose().len() + ENTRY)
            .sum()
    }

    pub(crate) fn duplicate(&self) -> Self {
        let copy = |(offset, entry): (&u8, &Entry)| {
            let value = SecretBytes::from(entry.value.dangerously_expose().to_vec());
            let serial = entry.serial;
            (*offset, Entry { serial, value })
        };
        Self(self.0.iter().map(copy).collect())
    }

    pub(crate) fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(self.weight()));
        self.encode(&mut bytes);
        bytes
    }

    fn encode(&self, bytes: &mut Vec<u8>) {
        for (offset, Entry { serial, value }) in &self.0 {
            let value = value.dangerously_expose();
            bytes.push(*offset);
            bytes.extend_from_slice(&serial.to_be_bytes());
            bytes.extend_from_slice(
                &u16::try_from(value.len())
                    .expect("only small values are folded")
                    .to_be_bytes(),
            );
            bytes.extend_from_slice(value);
        }
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Damage> {
        let torn = |_| TORN;
        let mut reader = Reader::new(bytes);
        let mut entries = BTreeMap::new();
        while !reader.is_empty() {
            let offset = reader.u8().map_err(torn)?;
            let ascends = entries.last_key_value().is_none_or(|(last, _)| *last < offset);
            if offset > WINDOW_MASK || !ascends {
                return Err(TORN);
            }
            let serial = reader.u32().map_err(torn)?;
            let length = reader.u16().map_err(torn)?;
            let value = reader.bytes(usize::from(length)).map_err(torn)?;
            let value = SecretBytes::from(value.to_vec());
            entries.insert(offset, Entry { serial, value });
        }
        Ok(Self(entries))
    }

    /// The header of this page, and the file beside it if it is too large for one.
    pub(crate) fn seal(&self, place: &Place, rng: &mut impl CryptoRng) -> (Zeroizing<Vec<u8>>, Option<Vec<u8>>) {
        let mut header = Zeroizing::new(Vec::with_capacity(1 + self.weight()));
        if self.weight() <= MAX_INLINE {
            header.push(INLINE);
            self.encode(&mut header);
            return (header, None);
        }
        let key = Secret::random(rng);
        let room = (LENGTH + self.weight()).next_multiple_of(GRAIN);
        let file = aead::seal_in_place(&key, rng, &place.to_bytes(), room, |bytes| {
            let front = bytes.len();
            let length = u32::try_from(self.weight()).expect("a page is small");
            bytes.extend_from_slice(&length.to_be_bytes());
            self.encode(bytes);
            bytes.resize(front + room, 0);
        });
        header.push(FILE);
        header.extend_from_slice(key.dangerously_expose());
        let length = u32::try_from(file.len()).expect("a page is small");
        header.extend_from_slice(&length.to_be_bytes());
        (header, Some(file))
    }

    /// Opens a page's file.
    pub(crate) fn open(key: &Secret<32>, place: &Place, file: &[u8]) -> Result<Self, Damage> {
        let plain = aead::open(key, &place.to_bytes(), file).map_err(|_| Damage("a page does not open"))?;
        let mut reader = Reader::new(plain.dangerously_expose());
        let length = usize::try_from(reader.u32().map_err(|_| TORN)?).map_err(|_| TORN)?;
        Self::decode(reader.bytes(length).map_err(|_| TORN)?)
    }
}

impl Header {
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Damage> {
        let torn = |_| TORN;
        let mut reader = Reader::new(bytes);
        match reader.u8().map_err(torn)? {
            INLINE => Ok(Self::Inline(Page::decode(reader.rest())?)),
            FILE => {
                let key = Secret::from_bytes(reader.array().map_err(torn)?);
                let length = usize::try_from(reader.u32().map_err(torn)?).map_err(|_| TORN)?;
                if reader.is_empty() && length <= MAX_FILE {
                    Ok(Self::File { key, length })
                } else {
                    Err(TORN)
                }
            }
            _ => Err(Damage("a page of an unknown kind")),
        }
    }
}

/// Indexes in a window.
pub(crate) const WINDOW: u64 = 64;
const WINDOW_MASK: u8 = 63;
/// What is larger stands by itself.
pub(crate) const MAX_FOLDED: usize = 2 * 1024;
/// With fewer records than this a page is not worth while.
pub(crate) const MIN_FOLDED: usize = 16;
/// A page up to this size stands in its header, which is then one value of sled's.
const MAX_INLINE: usize = 5_000;
const GRAIN: usize = 1024;
const MAX_FILE: usize = WINDOW as usize * (MAX_FOLDED + ENTRY) + 2 * GRAIN;
const ENTRY: usize = 7;
const LENGTH: usize = 4;
const INLINE: u8 = 0;
const FILE: u8 = 1;
const TORN: Damage = Damage("a page is torn");

#[cfg(test)]
mod tests;
