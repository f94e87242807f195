//! An open container: its keys, its forest, the indexes it has read; and the step from one commit to the next.

use std::collections::HashMap;

use outis_crypto::{CryptoRng, SecretBytes};

use crate::commit::{Commit, Step};
use crate::engine::{DiskKey, Engine};
use crate::fault::{Damage, Fault};
use crate::folder::hex;
use crate::forest::Forest;
use crate::index::Index;
use crate::keepsake;
use crate::key::{Keys, Place, TableId};
use crate::root::{Root, Spare};
use crate::sealed;

mod cache;
pub(crate) mod closing;
mod pages;
mod transaction;

use cache::RecordCache;
use pages::PageCache;
pub(crate) use transaction::owner_place;
use transaction::{Finished, Outcome, Transaction, Writes};

/// The randomness of one vault: the system's, or a seeded one in simulations.
pub(crate) type Rng = Box<dyn CryptoRng + Send>;

pub(crate) struct State {
    pub(crate) keys: Keys,
    rng: Rng,
    forest: Forest,
    root: Root,
    catalog: HashMap<IndexId, Index>,
    pages: PageCache,
    records: RecordCache,
    /// The last batch that erased something: nothing that it left behind is overwritten before it is durable.
    last_erasing: u64,
    /// The store is older than it was when it was closed.
    pub(crate) is_cut_back: bool,
}

/// A commit that has been applied, and is not durable yet.
#[derive(Default)]
#[must_use = "what is applied is not durable before it is synced"]
pub(crate) struct Applied {
    /// The engine's number for it; 0 if there was nothing to do.
    pub(crate) number: u64,
    /// Files that nothing names once it is durable.
    pub(crate) doomed: Vec<DiskKey>,
}

/// Which index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum IndexId {
    /// The numbers of an owner's records.
    Records(TableId, [u8; 32]),
    /// The slots of a table's owners.
    Owners(TableId),
}

impl State {
    /// Writes the first root of an empty container.
    pub(crate) fn create(engine: &dyn Engine, keys: Keys, mut rng: Rng) -> Result<Self, Fault> {
        let root = Root::create(engine, &keys, &mut rng)?;
        let mut state = Self {
            keys,
            rng,
            forest: Forest::new(),
            root,
            catalog: HashMap::new(),
            pages: PageCache::default(),
            records: RecordCache::default(),
            last_erasing: 0,
            is_cut_back: false,
        };
        state.root.blank_spare(engine, &state.keys, &mut state.rng)?;
        let mut writes = Writes::new();
        put_root(&state.keys, &state.forest, &state.root, &mut state.rng, &mut writes);
        let number = engine.apply(writes.into_iter().collect())?;
        engine.sync(number)?;
        Ok(state)
    }

    /// Reads the root that the store goes by, and finishes an erasure that a crash interrupted.
    pub(crate) fn open(engine: &dyn Engine, keys: Keys, mut rng: Rng) -> Result<Self, Fault> {
        let (mut root, forest) = find_root(engine, &keys)?;
        root.blank_spare(engine, &keys, &mut rng)?;
        keepsake::settle(engine, &keys, &mut rng)?;
        let mut state = Self {
            keys,
            rng,
            forest,
            root,
            catalog: HashMap::new(),
            pages: PageCache::default(),
            records: RecordCache::default(),
            last_erasing: 0,
            is_cut_back: false,
        };
        state.is_cut_back = closing::is_cut_back(&mut state, engine)? || engine.is_cut_back();
        Ok(state)
    }

    /// The randomness of this vault.
    pub(crate) fn rng(&mut self) -> &mut Rng {
        &mut self.rng
    }

    pub(crate) fn into_rng(self) -> Rng {
        self.rng
    }

    /// After a failed write: forgets all that is remembered and reads it again.
    pub(crate) fn reload(&mut self, engine: &dyn Engine) -> Result<(), Fault> {
        engine.reopen()?;
        self.catalog.clear();
        self.pages = PageCache::default();
        self.records = RecordCache::default();
        self.last_erasing = 0;
        (self.root, self.forest) = find_root(engine, &self.keys)?;
        Ok(())
    }

    /// Replaces the copy of what is irreplaceable.
    pub(crate) fn keep(&mut self, engine: &dyn Engine, bytes: &[u8]) -> Result<(), Fault> {
        keepsake::write(engine, &self.keys, bytes, &mut self.rng)
    }

    /// Overwrites the root before this one, if it still stands in its slot.
    pub(crate) fn settle(&mut self, engine: &dyn Engine) -> Result<(), Fault> {
        if self.is_settled() {
            return Ok(());
        }
        // Until the commit that made the present root is durable, the root before may be the one that counts.
        engine.sync(self.last_erasing)?;
        self.root.blank_spare(engine, &self.keys, &mut self.rng)
    }

    /// Whether records wait to be sealed into pages.
    pub(crate) fn has_resting(&self) -> bool {
        self.pages.resting() > 0
    }

    /// Seals what has come to rest into pages; durable when it returns.
    pub(crate) fn fold(&mut self, engine: &dyn Engine) -> Result<(), Fault> {
        if !self.has_resting() {
            return Ok(());
        }
        let mut transaction = self.transaction(engine);
        transaction.fold_resting()?;
        let finished = transaction.finish()?;
        let applied = self.apply(engine, finished)?;
        Ok(engine.sync(applied.number)?)
    }

    /// Whether no root but the present one stands anywhere.
    pub(crate) fn is_settled(&self) -> bool {
        self.root.spare == Spare::Blank
    }

    /// What is read from now on is read from the disk.
    pub(crate) fn forget_opened(&mut self) {
        self.pages.forget_opened();
        self.records = RecordCache::default();
    }

    pub(crate) fn get(&mut self, engine: &dyn Engine, place: &Place) -> Result<Option<SecretBytes>, Fault> {
        self.transaction(engine).read(place)
    }

    /// The index, if it has anything in it.
    pub(crate) fn index(&mut self, engine: &dyn Engine, id: IndexId) -> Result<Option<&Index>, Fault> {
        self.transaction(engine).load_index(id)?;
        Ok(self.catalog.get(&id).filter(|index| !index.is_empty()))
    }

    /// Removes files that nothing names any more.
    pub(crate) fn sweep(&mut self, engine: &dyn Engine, doomed: &[DiskKey]) -> Result<(), Fault> {
        for key in doomed {
            // It may have been given to a newer page since.
            if engine.get(key)?.is_none() {
                engine.file_remove(&hex(key))?;
            }
        }
        Ok(())
    }

    /// Makes all changes of a commit; durable once the engine has synced its number. After an error nothing here can be
    /// trusted before [`reload`](Self::reload).
    pub(crate) fn commit(&mut self, engine: &dyn Engine, commit: Commit) -> Result<Applied, Fault> {
        let mut transaction = self.transaction(engine);
        for step in commit.steps {
            match step {
                Step::Put(place, value) => transaction.put(place, value.dangerously_expose())?,
                Step::Erase(place) => transaction.erase(place)?,
                Step::EraseAll(table, owner) => transaction.erase_all(table.into(), owner)?,
                Step::GiveUp(place) => transaction.give_up(place)?,
                Step::GiveUpOwner(table, owner) => transaction.give_up_owner(table.into(), owner),
            }
        }
        let finished = transaction.finish()?;
        self.apply(engine, finished)
    }

    fn apply(&mut self, engine: &dyn Engine, finished: Finished) -> Result<Applied, Fault> {
        let Finished {
            mut writes,
            outcome,
            files,
            doomed,
        } = finished;
        if !files.is_empty() {
            write_files(engine, files)?;
        }
        let mut erases = false;
        match outcome {
            Outcome::Erased => {
                engine.sync(self.last_erasing)?;
                let next = self.root.successor(&mut self.rng);
                put_root(&self.keys, &self.forest, &next, &mut self.rng, &mut writes);
                next.write(engine, &self.keys, &mut self.rng)?;
                self.root = next;
                erases = true;
            }
            Outcome::Reserved => put_root(&self.keys, &self.forest, &self.root, &mut self.rng, &mut writes),
            Outcome::Added if writes.is_empty() => return Ok(Applied::default()),
            Outcome::Added => {}
        }
        let number = engine.apply(writes.into_iter().collect())?;
        if erases {
            self.last_erasing = number;
        }
        Ok(Applied { number, doomed })
    }

    fn transaction<'a>(&'a mut self, engine: &'a dyn Engine) -> Transaction<'a> {
        let Self {
            keys,
            rng,
            forest,
            root: _,
            catalog,
            pages,
            records,
            last_erasing: _,
            is_cut_back: _,
        } = self;
        if catalog.len() > CACHED_INDEXES {
            catalog.clear();
        }
        Transaction::new(engine, keys, rng, forest, catalog, pages, records)
    }
}

/// Writes the files of pages; on disk when it returns.
fn write_files(engine: &dyn Engine, files: Vec<(DiskKey, Vec<u8>)>) -> Result<(), Fault> {
    let mut names = Vec::with_capacity(files.len());
    for (key, bytes) in files {
        let name = hex(&key);
        engine.file_create(&name, bytes.len() as u64)?;
        engine.file_write(&name, 0, &bytes)?;
        names.push(name);
    }
    Ok(engine.file_sync(&names)?)
}

/// Seals the trees under a root key.
fn put_root(keys: &Keys, forest: &Forest, root: &Root, rng: &mut Rng, writes: &mut Writes) {
    let bytes = forest.encode(root.number);
    for (piece, value) in (0..).zip(sealed::seal(keys, &root.key, &Place::ROOT, 0, &bytes, rng)) {
        writes.insert(keys.disk_key(&Place::ROOT, piece), Some(value));
    }
}

/// Of the roots in the slots, the one that opens the root record.
fn find_root(engine: &dyn Engine, keys: &Keys) -> Result<(Root, Forest), Fault> {
    const MISSING: Damage = Damage("the root record is missing");
    let (_, whole) = transaction::read_whole(engine, keys, &Place::ROOT)?.ok_or(MISSING)?;
    for root in Root::candidates(engine, keys)? {
        let Ok(plain) = sealed::open(&root.key, &Place::ROOT, &whole) else {
            continue;
        };
        let (number, forest) = Forest::decode(plain.dangerously_expose())?;
        if number == root.number {
            return Ok((root, forest));
        }
    }
    Err(Damage("no root key opens the root record").into())
}

/// Indexes kept in memory; beyond that all are read again.
const CACHED_INDEXES: usize = 4096;

#[cfg(test)]
mod tests;
