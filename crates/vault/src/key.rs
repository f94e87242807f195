//! What a record is called by its owner, and what the disk is told instead.

use outis_crypto::{Secret, derive, label};

use crate::engine::DiskKey;

/// A kind of record. The caller numbers its tables; a number is never used for something else later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Table(pub u8);

/// The logical name of one record. The disk sees a pseudo-random function of it: no names, no order, no grouping.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// Which kind of record.
    pub table: Table,
    /// Whose it is: a contact, a conversation, a queue; zeros where a table has a single owner.
    pub owner: [u8; 32],
    /// Its number within the owner, by which ranges are ordered.
    pub index: u64,
}

impl Key {
    /// The record `index` of `owner` in `table`.
    pub const fn new(table: Table, owner: [u8; 32], index: u64) -> Self {
        Self { table, owner, index }
    }

    /// The one record of a table that has only one.
    pub const fn single(table: Table) -> Self {
        Self {
            table,
            owner: [0; 32],
            index: 0,
        }
    }
}

/// A table of the caller's, or one that the container keeps for itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct TableId(u16);

impl TableId {
    /// Keys of the sealed files; owner is the file's id.
    pub(crate) const FILES: TableId = TableId(256);

    pub(crate) fn number(self) -> u16 {
        self.0
    }

    /// As [`number`](Self::number) gave it.
    pub(crate) fn from_number(number: u16) -> Self {
        Self(number)
    }
}

impl From<Table> for TableId {
    fn from(table: Table) -> Self {
        Self(u16::from(table.0))
    }
}

/// What a stored value is. The number goes into names and associated data, so no value passes for one of another kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Space {
    /// A record of a table.
    Record = 0,
    /// An entry of a table's list of owners: `index` is its slot.
    Owner = 1,
    /// The directory of an owner's index.
    Directory = 2,
    /// One part of an owner's index: `index` is the part's number.
    Part = 3,
    /// The directory of a table's list of owners.
    OwnerDirectory = 4,
    /// One part of a table's list of owners.
    OwnerPart = 5,
    /// A block of the key forest.
    Block = 6,
    /// The root record.
    Root = 7,
    /// The file-system name of a sealed file.
    FileName = 8,
    /// The header of a page of records that rest: `index` is its window and version.
    Page = 9,
    /// The file-system name of a keepsake.
    Keepsake = 10,
    /// What was stored last when the container was closed in good order.
    Closing = 11,
    /// Which pages a pack holds: `index` is its number.
    Pack = 12,
}

/// The full logical place of a stored value; its bytes are the associated data under which the value is sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Place {
    pub(crate) space: Space,
    pub(crate) table: TableId,
    pub(crate) owner: [u8; 32],
    pub(crate) index: u64,
}

impl Place {
    pub(crate) const ROOT: Place = Place {
        space: Space::Root,
        table: TableId(0),
        owner: [0; 32],
        index: 0,
    };

    /// | offset | size | field             |
    /// |      0 |    1 | space             |
    /// |      1 |    2 | table             |
    /// |      3 |   32 | owner             |
    /// |     35 |    8 | index, big-endian |
    pub(crate) fn to_bytes(self) -> [u8; 43] {
        let mut bytes = [0; 43];
        let fields = [
            &[self.space as u8][..],
            &self.table.number().to_be_bytes(),
            &self.owner,
            &self.index.to_be_bytes(),
        ];
        bytes
            .iter_mut()
            .zip(fields.into_iter().flatten())
            .for_each(|(to, from)| *to = *from);
        bytes
    }
}

impl From<Key> for Place {
    fn from(Key { table, owner, index }: Key) -> Self {
        Self {
            space: Space::Record,
            table: table.into(),
            owner,
            index,
        }
    }
}

/// The keys that an open container holds, all made from its data key.
pub(crate) struct Keys {
    data: Secret<32>,
    names: Secret<32>,
    heads: Secret<32>,
    roots: Secret<32>,
}

impl Keys {
    pub(crate) fn new(data: Secret<32>) -> Self {
        Self {
            names: derive(label::VAULT_NAMES, &data, &[]),
            heads: derive(label::VAULT_HEADS, &data, &[]),
            roots: derive(label::VAULT_ROOTS, &data, &[]),
            data,
        }
    }

    /// What the header wraps.
    pub(crate) fn data(&self) -> &Secret<32> {
        &self.data
    }

    /// Under what the root slots are sealed.
    pub(crate) fn roots(&self) -> &Secret<32> {
        &self.roots
    }

    /// Where piece `piece` of the value at `place` stands on disk.
    pub(crate) fn disk_key(&self, place: &Place, piece: u8) -> DiskKey {
        *derive::<16>(label::VAULT_DISK_KEY, &self.names, &[&place.to_bytes(), &[piece]]).dangerously_expose()
    }

    /// What a value's head is masked with; the nonce behind it makes it fresh.
    pub(crate) fn head_mask(&self, place: &Place, nonce: &[u8]) -> Secret<8> {
        derive(label::VAULT_HEAD_MASK, &self.heads, &[&place.to_bytes(), nonce])
    }
}
