//! An open container: its keys, its forest, the indexes it has read; and the step from one commit to the next.

use std::collections::HashMap;

use outis_crypto::{CryptoRng, SecretBytes};

use crate::commit::{Commit, Step};
use crate::engine::Engine;
use crate::fault::{Damage, Fault};
use crate::forest::Forest;
use crate::index::Index;
use crate::key::{Keys, Place, TableId};
use crate::root::{Root, Spare};
use crate::sealed;

mod transaction;

pub(crate) use transaction::owner_place;
use transaction::{Outcome, Transaction, Writes};

/// The randomness of one vault: the system's, or a seeded one in simulations.
pub(crate) type Rng = Box<dyn CryptoRng + Send>;

pub(crate) struct State {
    pub(crate) keys: Keys,
    rng: Rng,
    forest: Forest,
    root: Root,
    catalog: HashMap<IndexId, Index>,
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
        };
        state.root.blank_spare(engine, &state.keys, &mut state.rng)?;
        let mut writes = Writes::new();
        put_root(&state.keys, &state.forest, &state.root, &mut state.rng, &mut writes);
        engine.apply(writes.into_iter().collect())?;
        engine.sync()?;
        Ok(state)
    }

    /// Reads the root that the store goes by, and finishes an erasure that a crash interrupted.
    pub(crate) fn open(engine: &dyn Engine, keys: Keys, mut rng: Rng) -> Result<Self, Fault> {
        let (mut root, forest) = find_root(engine, &keys)?;
        root.blank_spare(engine, &keys, &mut rng)?;
        Ok(Self {
            keys,
            rng,
            forest,
            root,
            catalog: HashMap::new(),
        })
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
        (self.root, self.forest) = find_root(engine, &self.keys)?;
        Ok(())
    }

    /// Overwrites the root before this one, if it still stands in its slot.
    pub(crate) fn settle(&mut self, engine: &dyn Engine) -> Result<(), Fault> {
        self.root.blank_spare(engine, &self.keys, &mut self.rng)
    }

    /// Whether no root but the present one stands anywhere.
    pub(crate) fn is_settled(&self) -> bool {
        self.root.spare == Spare::Blank
    }

    pub(crate) fn get(&mut self, engine: &dyn Engine, place: &Place) -> Result<Option<SecretBytes>, Fault> {
        self.transaction(engine).read(place)
    }

    /// The index, if it has anything in it.
    pub(crate) fn index(&mut self, engine: &dyn Engine, id: IndexId) -> Result<Option<&Index>, Fault> {
        self.transaction(engine).load_index(id)?;
        Ok(self.catalog.get(&id).filter(|index| !index.is_empty()))
    }

    /// Makes all changes of a commit, durably. After an error nothing here can be trusted before [`reload`](Self::reload).
    pub(crate) fn commit(&mut self, engine: &dyn Engine, commit: Commit) -> Result<(), Fault> {
        let mut transaction = self.transaction(engine);
        for step in commit.steps {
            match step {
                Step::Put(place, value) => transaction.put(place, value.dangerously_expose())?,
                Step::Erase(place) => transaction.erase(place)?,
                Step::EraseAll(table, owner) => transaction.erase_all(table.into(), owner)?,
            }
        }
        let (mut writes, outcome) = transaction.finish()?;
        match outcome {
            Outcome::Erased => {
                let next = self.root.successor(&mut self.rng);
                put_root(&self.keys, &self.forest, &next, &mut self.rng, &mut writes);
                next.write(engine, &self.keys, &mut self.rng)?;
                self.root = next;
            }
            Outcome::Reserved => put_root(&self.keys, &self.forest, &self.root, &mut self.rng, &mut writes),
            Outcome::Added if writes.is_empty() => return Ok(()),
            Outcome::Added => {}
        }
        engine.apply(writes.into_iter().collect())?;
        Ok(engine.sync()?)
    }

    fn transaction<'a>(&'a mut self, engine: &'a dyn Engine) -> Transaction<'a> {
        let Self {
            keys,
            rng,
            forest,
            root: _,
            catalog,
        } = self;
        if catalog.len() > CACHED_INDEXES {
            catalog.clear();
        }
        Transaction::new(engine, keys, rng, forest, catalog)
    }
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
