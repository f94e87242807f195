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
//! |    1 | 1: the page is sealed in a *pack*, a file beside the store that pages share (`pack.rs`)        |
//! |   32 | key of the page                                                                               |
//! |    8 | number of the pack                                                                            |
//! |    4 | where in the pack it begins                                                                   |
//! |    4 | how many bytes it takes there                                                                 |
//!
//! There it is `seal(length (4) ‖ page ‖ zeros up to a multiple of 1 KiB)`, associated data: the header's place. Page, for
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
use std::ops::Range;

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
    Inline(Plain),
    Packed(Spot),
}

/// Where in which pack a page stands, and its key.
pub(crate) struct Spot {
    pub(crate) key: Secret<32>,
    pub(crate) pack: u64,
    pub(crate) offset: u32,
    pub(crate) length: u32,
}

/// A page that has been sealed.
pub(crate) enum Sealed {
    /// In its header, which is this.
    Inline(Zeroizing<Vec<u8>>),
    /// For a pack, under this key.
    Packed(Secret<32>, Vec<u8>),
}

/// A page that has been opened, to read from.
pub(crate) struct Plain {
    bytes: SecretBytes,
    /// Where in them the records stand.
    records: Range<usize>,
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
        let mut reader = Reader::new(bytes);
        let mut entries = BTreeMap::new();
        while !reader.is_empty() {
            let (offset, serial, value) = read_record(&mut reader)?;
            let ascends = entries.last_key_value().is_none_or(|(last, _)| *last < offset);
            if offset > WINDOW_MASK || !ascends {
                return Err(TORN);
            }
            let value = SecretBytes::from(value.to_vec());
            entries.insert(offset, Entry { serial, value });
        }
        Ok(Self(entries))
    }

    /// Seals it for the place of its header.
    pub(crate) fn seal(&self, place: &Place, rng: &mut impl CryptoRng) -> Sealed {
        if self.weight() <= MAX_INLINE {
            let mut header = Zeroizing::new(Vec::with_capacity(1 + self.weight()));
            header.push(INLINE);
            self.encode(&mut header);
            return Sealed::Inline(header);
        }
        let key = Secret::random(rng);
        let room = (LENGTH + self.weight()).next_multiple_of(GRAIN);
        let bytes = aead::seal_in_place(&key, rng, &place.to_bytes(), room, |bytes| {
            let front = bytes.len();
            let length = u32::try_from(self.weight()).expect("a page is small");
            bytes.extend_from_slice(&length.to_be_bytes());
            self.encode(bytes);
            bytes.resize(front + room, 0);
        });
        Sealed::Packed(key, bytes)
    }
}

impl Plain {
    /// Opens what was sealed for a pack.
    pub(crate) fn open(key: &Secret<32>, place: &Place, sealed: &[u8]) -> Result<Self, Damage> {
        let bytes = aead::open(key, &place.to_bytes(), sealed).map_err(|_| Damage("a page does not open"))?;
        let mut reader = Reader::new(bytes.dangerously_expose());
        let length = usize::try_from(reader.u32().map_err(|_| TORN)?).map_err(|_| TORN)?;
        reader.bytes(length).map_err(|_| TORN)?;
        let records = LENGTH..LENGTH + length;
        Ok(Self { bytes, records })
    }

    /// The record at an index within the window.
    pub(crate) fn find(&self, offset: u8) -> Result<Option<&[u8]>, Damage> {
        let mut reader = Reader::new(self.records());
        while !reader.is_empty() {
            let (found, _, value) = read_record(&mut reader)?;
            if found == offset {
                return Ok(Some(value));
            }
        }
        Ok(None)
    }

    /// All of it, to be changed.
    pub(crate) fn page(&self) -> Result<Page, Damage> {
        Page::decode(self.records())
    }

    fn records(&self) -> &[u8] {
        let bytes = self.bytes.dangerously_expose();
        bytes.get(self.records.clone()).unwrap_or_default()
    }
}

fn read_record<'a>(reader: &mut Reader<'a>) -> Result<(u8, u32, &'a [u8]), Damage> {
    let torn = |_| TORN;
    let offset = reader.u8().map_err(torn)?;
    let serial = reader.u32().map_err(torn)?;
    let length = reader.u16().map_err(torn)?;
    let value = reader.bytes(usize::from(length)).map_err(torn)?;
    Ok((offset, serial, value))
}

impl Spot {
    /// The header that says so.
    pub(crate) fn header(&self) -> Zeroizing<Vec<u8>> {
        let mut header = Zeroizing::new(Vec::with_capacity(HEADER));
        header.push(PACKED);
        header.extend_from_slice(self.key.dangerously_expose());
        header.extend_from_slice(&self.pack.to_be_bytes());
        header.extend_from_slice(&self.offset.to_be_bytes());
        header.extend_from_slice(&self.length.to_be_bytes());
        header
    }
}

impl Header {
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Damage> {
        let torn = |_| TORN;
        let mut reader = Reader::new(bytes);
        match reader.u8().map_err(torn)? {
            INLINE => {
                let (bytes, records) = (SecretBytes::from(bytes.to_vec()), 1..bytes.len());
                Ok(Self::Inline(Plain { bytes, records }))
            }
            PACKED => {
                let key = Secret::from_bytes(reader.array().map_err(torn)?);
                let pack = reader.u64().map_err(torn)?;
                let (offset, length) = (reader.u32().map_err(torn)?, reader.u32().map_err(torn)?);
                if !reader.is_empty() || length > MAX_SEALED {
                    return Err(TORN);
                }
                Ok(Self::Packed(Spot {
                    key,
                    pack,
                    offset,
                    length,
                }))
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
/// No sealed page is larger: 64 of the largest records.
const MAX_SEALED: u32 = 64 * (2 * 1024 + 7) + 2 * 1024;
const HEADER: usize = 1 + 32 + 8 + 4 + 4;
const ENTRY: usize = 7;
const LENGTH: usize = 4;
const INLINE: u8 = 0;
const PACKED: u8 = 1;
const TORN: Damage = Damage("a page is torn");

#[cfg(test)]
mod tests;
