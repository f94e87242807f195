//! One commit in the making: reads see its own writes, and nothing reaches the engine before it is whole.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use outis_crypto::{Secret, SecretBytes};

use super::cache::RecordCache;
use super::pages::{ChangedPage, MAX_RESTING, PageCache};
use super::{IndexId, Rng};
use crate::engine::{DiskKey, Engine};
use crate::fault::{Damage, Fault};
use crate::forest::{BlockId, BlockSource, Forest, TreeId};
use crate::index::{Dirt, Index};
use crate::key::{Keys, Place, Space, TableId};
use crate::page::PageId;
use crate::sealed::{self, Head};

/// What the engine will be told.
pub(super) type Writes = BTreeMap<DiskKey, Option<Vec<u8>>>;

/// A transaction that only has to be written.
pub(super) struct Finished {
    pub(super) writes: Writes,
    pub(super) outcome: Outcome,
    /// Files of pages, which come first.
    pub(super) files: Vec<(DiskKey, Vec<u8>)>,
    /// Files that may go once all this is durable.
    pub(super) doomed: Vec<DiskKey>,
}

/// What a finished transaction asks of the root.
pub(super) enum Outcome {
    /// Something was forgotten: a new root key.
    Erased,
    /// Serials were reserved: the root record again, under the same key.
    Reserved,
    /// Nothing.
    Added,
}

pub(super) struct Transaction<'a> {
    pub(super) engine: &'a dyn Engine,
    pub(super) keys: &'a Keys,
    pub(super) rng: &'a mut Rng,
    pub(super) forest: &'a mut Forest,
    catalog: &'a mut HashMap<IndexId, Index>,
    pub(super) pages: &'a mut PageCache,
    records: &'a mut RecordCache,
    writes: Writes,
    touched: BTreeSet<IndexId>,
    /// Pages that are not as stored.
    pub(super) changed: BTreeMap<PageId, ChangedPage>,
    /// Windows that had no record before.
    begun: BTreeSet<PageId>,
}

/// What happens to the key of the version before.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Before {
    /// It is forgotten.
    Forget,
    /// It seals the new version too, which reveals no less than the old one.
    Reuse,
}

impl<'a> Transaction<'a> {
    pub(super) fn new(
        engine: &'a dyn Engine,
        keys: &'a Keys,
        rng: &'a mut Rng,
        forest: &'a mut Forest,
        catalog: &'a mut HashMap<IndexId, Index>,
        pages: &'a mut PageCache,
        records: &'a mut RecordCache,
    ) -> Self {
        Self {
            engine,
            keys,
            rng,
            forest,
            catalog,
            pages,
            records,
            writes: Writes::new(),
            touched: BTreeSet::new(),
            changed: BTreeMap::new(),
            begun: BTreeSet::new(),
        }
    }

    /// The value at a place; a record may be in its page. Looks first where it is more likely to be.
    pub(super) fn read(&mut self, place: &Place) -> Result<Option<SecretBytes>, Fault> {
        if place.space != Space::Record {
            return self.read_alone(place);
        }
        if let Some(value) = self.records.get(place) {
            return Ok(Some(value));
        }
        if self.has_page(place)
            && let Some(value) = self.read_from_page(place)?
        {
            return Ok(Some(value));
        }
        match self.read_alone(place)? {
            None => self.read_from_page(place),
            Some(value) => {
                self.records.put(*place, value.dangerously_expose());
                Ok(Some(value))
            }
        }
    }

    /// The value that stands at a place by itself.
    pub(super) fn read_alone(&mut self, place: &Place) -> Result<Option<SecretBytes>, Fault> {
        let Some((head, whole)) = read_whole(self, self.keys, place)? else {
            return Ok(None);
        };
        let source = Source {
            engine: self.engine,
            keys: self.keys,
        };
        let key = self.forest.key(TreeId::of(place), head.serial, &source)?;
        Ok(Some(sealed::open(&key, place, &whole)?))
    }

    /// Stores a record and enters it in its owner's index.
    pub(super) fn put(&mut self, place: Place, value: &[u8]) -> Result<(), Fault> {
        self.records.put(place, value);
        let id = IndexId::Records(place.table, place.owner);
        let is_there = self.load_index(id)?.is_some_and(|index| index.contains(place.index));
        if is_there && !self.leave_page(&place)? {
            self.store(place, value, Before::Forget)?;
            return Ok(());
        }
        self.add(place, value)?;
        if !is_there {
            let page = PageId::of(&place);
            let index = self.create_index(id)?;
            let begins = index.within(page.indexes()).next().is_none();
            index.insert(place.index);
            self.touched.insert(id);
            if begins {
                self.begun.insert(page);
            }
        }
        Ok(())
    }

    /// Erases a record and strikes it from its owner's index.
    pub(super) fn erase(&mut self, place: Place) -> Result<(), Fault> {
        self.records.remove(&place);
        let id = IndexId::Records(place.table, place.owner);
        let Some(index) = self.load_index(id)?.filter(|index| index.contains(place.index)) else {
            return Ok(());
        };
        index.remove(place.index);
        self.touched.insert(id);
        if !self.leave_page(&place)? {
            self.clear(place)?;
        }
        Ok(())
    }

    /// Stores a value that is no record and no secret over the one before.
    pub(super) fn renew(&mut self, place: Place, value: &[u8]) -> Result<(), Fault> {
        self.store(place, value, Before::Reuse).map(drop)
    }

    /// Strikes a record that cannot be read from its owner's index, and removes what is left of it.
    pub(super) fn give_up(&mut self, place: Place) -> Result<(), Fault> {
        self.records.remove(&place);
        let id = IndexId::Records(place.table, place.owner);
        if let Some(index) = self.load_index(id)? {
            index.remove(place.index);
            self.touched.insert(id);
        }
        self.give_up_broken_page(PageId::of(&place))?;
        if self.leave_page(&place)? {
            return Ok(());
        }
        match self.clear(place) {
            Err(Fault::Damage(_)) => self.remove_unread(&place),
            cleared => drop(cleared?),
        }
        Ok(())
    }

    /// As if an owner whose index cannot be read had never had a record.
    pub(super) fn give_up_owner(&mut self, table: TableId, owner: [u8; 32]) {
        let id = IndexId::Records(table, owner);
        self.catalog.remove(&id);
        self.remove_unread(&id.directory());
    }

    /// Removes what stands at a place, whatever it is. Its key is not forgotten: nobody knows which it was.
    pub(super) fn remove_unread(&mut self, place: &Place) {
        self.writes.insert(self.keys.disk_key(place, 0), None);
    }

    /// Erases all records of an owner.
    pub(super) fn erase_all(&mut self, table: TableId, owner: [u8; 32]) -> Result<(), Fault> {
        let Some(index) = self.load_index(IndexId::Records(table, owner))? else {
            return Ok(());
        };
        let numbers: Vec<u64> = index.within(0..=u64::MAX).collect();
        for index in numbers {
            self.erase(Place {
                space: Space::Record,
                table,
                owner,
                index,
            })?;
        }
        Ok(())
    }

    /// Reads an index into the catalog.
    pub(super) fn load_index(&mut self, id: IndexId) -> Result<Option<&mut Index>, Fault> {
        if !self.catalog.contains_key(&id) {
            let Some(directory) = self.read_alone(&id.directory())? else {
                return Ok(None);
            };
            let (mut index, parts) = Index::decode_directory(directory.dangerously_expose())?;
            for number in parts {
                let part = self
                    .read_alone(&id.part(number))?
                    .ok_or(Damage("a part of an index is missing"))?;
                index.load_part(part.dangerously_expose())?;
            }
            self.catalog.insert(id, index);
        }
        Ok(self.catalog.get_mut(&id))
    }

    /// The numbers of an owner's records within a window, and its last.
    pub(super) fn numbers(&mut self, page: PageId) -> Result<(Vec<u64>, Option<u64>), Fault> {
        let index = self.load_index(IndexId::Records(page.table, page.owner))?;
        Ok(index.map_or((Vec::new(), None), |index| {
            let last = index.within(0..=u64::MAX).next_back();
            (index.within(page.indexes()).collect(), last)
        }))
    }

    /// Stores what has changed in pages, indexes and trees. Gives all writes.
    pub(super) fn finish(mut self) -> Result<Finished, Fault> {
        // Owners that are left with nothing go first: that changes the lists of owners.
        for id in self.touched.clone() {
            self.drop_if_empty(id)?;
        }
        for page in std::mem::take(&mut self.begun) {
            self.rest_beside(page);
        }
        if self.pages.resting() >= MAX_RESTING {
            self.fold_resting()?;
        }
        let (files, doomed) = self.store_pages()?;
        for id in std::mem::take(&mut self.touched) {
            self.store_index(id)?;
        }
        let outcome = if self.forest.has_forgotten() {
            self.store_blocks()?;
            Outcome::Erased
        } else if self.forest.take_grown() {
            Outcome::Reserved
        } else {
            Outcome::Added
        };
        Ok(Finished {
            writes: self.writes,
            outcome,
            files,
            doomed,
        })
    }

    fn store_blocks(&mut self) -> Result<(), Fault> {
        for (block, change) in self.forest.changes(self.rng) {
            let place = block.place();
            self.clear_pieces(&place)?;
            if let Some((key, bytes)) = change {
                self.write(&place, &key, 0, &bytes);
            }
        }
        Ok(())
    }

    /// Seals and writes a value where there was none.
    pub(super) fn add(&mut self, place: Place, value: &[u8]) -> Result<(), Fault> {
        let tree = TreeId::of(&place);
        let source = Source {
            engine: self.engine,
            keys: self.keys,
        };
        let serial = self.forest.allocate(tree, self.rng)?;
        let key = self.forest.key(tree, serial, &source)?;
        self.write(&place, &key, serial, value);
        Ok(())
    }

    /// Seals and writes a value; says whether there was one before.
    pub(super) fn store(&mut self, place: Place, value: &[u8], before: Before) -> Result<bool, Fault> {
        let tree = TreeId::of(&place);
        let source = Source {
            engine: self.engine,
            keys: self.keys,
        };
        let old = self.clear_pieces(&place)?;
        let serial = match old {
            Some(head) if before == Before::Reuse => head.serial,
            Some(head) => {
                self.forest.forget(tree, head.serial, &source)?;
                self.forest.allocate(tree, self.rng)?
            }
            None => self.forest.allocate(tree, self.rng)?,
        };
        let key = self.forest.key(tree, serial, &source)?;
        self.write(&place, &key, serial, value);
        Ok(old.is_some())
    }

    /// Removes a value and forgets its key; says whether there was one.
    pub(super) fn clear(&mut self, place: Place) -> Result<bool, Fault> {
        let Some(head) = self.clear_pieces(&place)? else {
            return Ok(false);
        };
        let source = Source {
            engine: self.engine,
            keys: self.keys,
        };
        self.forest.forget(TreeId::of(&place), head.serial, &source)?;
        Ok(true)
    }

    /// Removes the pieces of a value, if there is one. Its key is untouched.
    pub(super) fn clear_pieces(&mut self, place: &Place) -> Result<Option<Head>, Fault> {
        let first = self.keys.disk_key(place, 0);
        let Some(value) = self.value(&first)? else {
            return Ok(None);
        };
        let head = sealed::head(self.keys, place, &value)?;
        for piece in 0..head.pieces {
            self.writes.insert(self.keys.disk_key(place, piece), None);
        }
        Ok(Some(head))
    }

    fn write(&mut self, place: &Place, key: &Secret<32>, serial: u32, value: &[u8]) {
        for (piece, value) in (0..).zip(sealed::seal(self.keys, key, place, serial, value, self.rng)) {
            self.writes.insert(self.keys.disk_key(place, piece), Some(value));
        }
    }

    /// As [`load_index`](Self::load_index); an owner that is new to its table is entered in the list of owners.
    fn create_index(&mut self, id: IndexId) -> Result<&mut Index, Fault> {
        if self.load_index(id)?.is_none() {
            let slot = match id {
                IndexId::Owners(_) => 0,
                IndexId::Records(table, owner) => {
                    let owners = IndexId::Owners(table);
                    let list = self.create_index(owners)?;
                    let slot = list.first_free().ok_or(Fault::Exhausted)?;
                    list.insert(slot);
                    self.touched.insert(owners);
                    self.store(owner_place(table, slot), &owner, Before::Forget)?;
                    slot
                }
            };
            self.catalog.insert(id, Index::new(slot));
        }
        Ok(self.catalog.get_mut(&id).ok_or(Damage("an index vanished"))?)
    }

    fn drop_if_empty(&mut self, id: IndexId) -> Result<(), Fault> {
        let Some(index) = self.catalog.get(&id).filter(|index| index.is_empty()) else {
            return Ok(());
        };
        let (slot, parts) = (index.slot(), index.parts());
        for number in parts {
            self.clear(id.part(number))?;
        }
        self.clear(id.directory())?;
        self.catalog.remove(&id);
        if let IndexId::Records(table, _) = id {
            self.clear(owner_place(table, slot))?;
            let owners = IndexId::Owners(table);
            self.load_index(owners)?
                .ok_or(Damage("an owner is in no list"))?
                .remove(slot);
            self.touched.insert(owners);
            self.drop_if_empty(owners)?;
        }
        Ok(())
    }

    fn store_index(&mut self, id: IndexId) -> Result<(), Fault> {
        let Some(index) = self.catalog.get_mut(&id) else {
            return Ok(());
        };
        let (dropped, dirty) = (index.take_dropped(), index.take_dirty());
        for number in dropped {
            self.clear(id.part(number))?;
        }
        for change in dirty {
            let place = change.part.map_or(id.directory(), |number| id.part(number));
            let before = if change.dirt == Dirt::Shrunk {
                Before::Forget
            } else {
                Before::Reuse
            };
            self.store(place, &change.bytes, before)?;
        }
        Ok(())
    }
}

impl IndexId {
    fn directory(self) -> Place {
        match self {
            Self::Records(table, owner) => Place {
                space: Space::Directory,
                table,
                owner,
                index: 0,
            },
            Self::Owners(table) => Place {
                space: Space::OwnerDirectory,
                table,
                owner: [0; 32],
                index: 0,
            },
        }
    }

    fn part(self, number: u64) -> Place {
        match self {
            Self::Records(table, owner) => Place {
                space: Space::Part,
                table,
                owner,
                index: number,
            },
            Self::Owners(table) => Place {
                space: Space::OwnerPart,
                table,
                owner: [0; 32],
                index: number,
            },
        }
    }
}

/// Where a table's list of owners has its entry `slot`.
pub(crate) fn owner_place(table: TableId, slot: u64) -> Place {
    Place {
        space: Space::Owner,
        table,
        owner: [0; 32],
        index: slot,
    }
}

/// Something with values under disk keys: the engine, or a transaction over it.
pub(super) trait Values {
    fn value(&self, key: &DiskKey) -> Result<Option<Vec<u8>>, Fault>;
}

impl Values for dyn Engine + '_ {
    fn value(&self, key: &DiskKey) -> Result<Option<Vec<u8>>, Fault> {
        Ok(self.get(key)?)
    }
}

impl Values for Transaction<'_> {
    fn value(&self, key: &DiskKey) -> Result<Option<Vec<u8>>, Fault> {
        match self.writes.get(key) {
            Some(written) => Ok(written.clone()),
            None => self.engine.value(key),
        }
    }
}

/// A whole value, its pieces put together, and its head.
pub(super) fn read_whole(
    values: &(impl Values + ?Sized),
    keys: &Keys,
    place: &Place,
) -> Result<Option<(Head, Vec<u8>)>, Fault> {
    let Some(mut whole) = values.value(&keys.disk_key(place, 0))? else {
        return Ok(None);
    };
    let head = sealed::head(keys, place, &whole)?;
    for piece in 1..head.pieces {
        let more = values
            .value(&keys.disk_key(place, piece))?
            .ok_or(Damage("a piece of a record is missing"))?;
        whole.extend_from_slice(&more);
    }
    Ok(Some((head, whole)))
}

/// Blocks as the engine has them; changed ones are in the forest's memory until the commit is whole.
pub(super) struct Source<'a> {
    pub(super) engine: &'a dyn Engine,
    pub(super) keys: &'a Keys,
}

impl BlockSource for Source<'_> {
    fn load(&self, id: BlockId, key: &Secret<32>) -> Result<SecretBytes, Fault> {
        let place = id.place();
        let (_, whole) = read_whole(self.engine, self.keys, &place)?.ok_or(Damage("a block of keys is missing"))?;
        Ok(sealed::open(key, &place, &whole)?)
    }
}
