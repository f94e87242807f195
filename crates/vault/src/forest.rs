//! Keys that can be forgotten one by one.
//!
//! Every version of every record is sealed under a key of its own, found by a *serial* in the tree of its table. A tree is
//! a puncturable pseudo-random function (Goldreich, Goldwasser, Micali 1986; Green, Miers 2015): four seeds follow from
//! each seed, and the seed at depth 16 is the record's key. To forget a key, the seeds above it are replaced by those
//! beside the way to it. What is left of a tree is kept in *blocks* of 256 children each, four levels of them; a block
//! with a forgotten key is sealed under a fresh random key, which stands in the block above, and so on up to the root key
//! in its slot outside the store (Reardon, Basin, Capkun: On Secure Data Deletion, 2013). So forgetting rewrites at most
//! four blocks and the root, and whoever has every byte the store ever held, but not the overwritten root key, cannot
//! compute what was forgotten.
//!
//! A table whose old versions are forgotten in order (a session's state) stays small: only the newest way is left.
//!
//! This file is the trees; [`block`] is one block. Nothing here reads or writes: blocks come through [`BlockSource`].

use std::collections::{BTreeMap, BTreeSet, HashMap};

use outis_crypto::{CryptoRng, Secret};
use outis_wire::Reader;
use zeroize::Zeroizing;

use crate::fault::{Damage, Fault};
use crate::key::{Place, Space};

mod block;

use block::{Block, Child, descend};

/// Which tree: one for each table of the caller's and of the container's own, one for indexes and lists of owners.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct TreeId(u16);

impl TreeId {
    /// The tree of a place.
    pub(crate) fn of(place: &Place) -> Self {
        match place.space {
            Space::Record => Self(place.table.number()),
            _ => Self(512),
        }
    }
}

/// One block's place in its tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct BlockId {
    /// 0 at the top, 3 above the records. First, so that blocks sort from the top down.
    level: u8,
    tree: TreeId,
    prefix: u32,
}

impl BlockId {
    fn above(tree: TreeId, level: u8, serial: u32) -> Self {
        Self {
            level,
            tree,
            prefix: serial.checked_shr(32 - 8 * u32::from(level)).unwrap_or(0),
        }
    }

    fn parent(self) -> Option<(Self, u8)> {
        let level = self.level.checked_sub(1)?;
        let [.., child] = self.prefix.to_be_bytes();
        Some((
            Self {
                level,
                tree: self.tree,
                prefix: self.prefix >> 8,
            },
            child,
        ))
    }

    /// Where it is stored.
    pub(crate) fn place(self) -> Place {
        let mut owner = [0; 32];
        if let Some((front, _)) = owner.split_first_chunk_mut::<3>() {
            let [high, low] = self.tree.0.to_be_bytes();
            *front = [high, low, self.level];
        }
        Place {
            space: Space::Block,
            owner,
            index: u64::from(self.prefix),
            ..Place::ROOT
        }
    }
}

/// Where blocks are read from.
pub(crate) trait BlockSource {
    /// The plaintext of a stored block.
    fn load(&self, id: BlockId, key: &Secret<32>) -> Result<outis_crypto::SecretBytes, Fault>;
}

/// All trees of one container.
pub(crate) struct Forest {
    trees: BTreeMap<TreeId, Tree>,
    blocks: HashMap<BlockId, Block>,
    dirty: BTreeSet<BlockId>,
    /// Seeds of whole pages of 256 serials, to spare the way down to them.
    pages: HashMap<(TreeId, u32), Secret<32>>,
    /// Whether the root record must be written though nothing was forgotten.
    grown: bool,
}

struct Tree {
    next: u32,
    /// Serials below this may have been given out. Stored, and always ahead of `next`.
    reserved: u32,
    node: Node,
}

enum Node {
    /// Nothing below has been forgotten.
    Seed(Secret<32>),
    /// The top block is sealed under this.
    Split(Secret<32>),
}

/// A stored block after a change: its new plaintext and key, or nothing left of it.
pub(crate) type BlockChange = (BlockId, Option<(Secret<32>, Zeroizing<Vec<u8>>)>);

impl Forest {
    pub(crate) fn new() -> Self {
        Self {
            trees: BTreeMap::new(),
            blocks: HashMap::new(),
            dirty: BTreeSet::new(),
            pages: HashMap::new(),
            grown: false,
        }
    }

    /// A serial that was never given out before in this tree, now or in a life before a crash.
    pub(crate) fn allocate(&mut self, tree: TreeId, rng: &mut impl CryptoRng) -> Result<u32, Fault> {
        let tree = self.trees.entry(tree).or_insert_with(|| {
            self.grown = true;
            Tree {
                next: 0,
                reserved: 0,
                node: Node::Seed(Secret::random(rng)),
            }
        });
        let serial = tree.next;
        tree.next = serial.checked_add(1).ok_or(Fault::Exhausted)?;
        if tree.next > tree.reserved {
            tree.reserved = tree.reserved.saturating_add(RESERVE);
            self.grown = true;
        }
        Ok(serial)
    }

    /// The key for a serial, unless it has been forgotten.
    pub(crate) fn key(&mut self, tree: TreeId, serial: u32, source: &impl BlockSource) -> Result<Secret<32>, Fault> {
        let page = (tree, serial >> 8);
        if let Some(seed) = self.pages.get(&page) {
            return Ok(descend(seed.dangerously_duplicate(), &[child(serial, BOTTOM)]));
        }
        let top = &self.trees.get(&tree).ok_or(FORGOTTEN)?.node;
        let mut found = match top {
            Node::Seed(seed) => Child::Seed(seed.dangerously_duplicate()),
            Node::Split(key) => Child::Split(key.dangerously_duplicate()),
        };
        for level in 0..=BOTTOM {
            found = match found {
                Child::Seed(seed) => {
                    let way = [0, 1, 2, 3].map(|level| child(serial, level));
                    let above = descend(seed, way.get(usize::from(level)..3).unwrap_or_default());
                    let key = descend(above.dangerously_duplicate(), &[child(serial, BOTTOM)]);
                    self.remember_page(page, above);
                    return Ok(key);
                }
                Child::Split(key) => {
                    let block = self.block(BlockId::above(tree, level, serial), &key, source)?;
                    block.find(child(serial, level)).ok_or(FORGOTTEN)?
                }
            };
        }
        match found {
            Child::Seed(key) => Ok(key),
            Child::Split(_) => Err(Damage("a page of keys has a page below it").into()),
        }
    }

    /// Forgets a serial's key. Final once the blocks and a new root key are on disk.
    pub(crate) fn forget(&mut self, tree: TreeId, serial: u32, source: &impl BlockSource) -> Result<(), Fault> {
        self.pages.remove(&(tree, serial >> 8));
        let node = &mut self.trees.get_mut(&tree).ok_or(FORGOTTEN)?.node;
        let top = BlockId::above(tree, 0, serial);
        match node {
            Node::Seed(seed) => {
                self.blocks.insert(top, Block::whole(seed.dangerously_duplicate()));
                *node = Node::Split(unset());
            }
            Node::Split(key) => {
                let key = key.dangerously_duplicate();
                self.block(top, &key, source)?;
            }
        }
        for level in 0..=BOTTOM {
            let id = BlockId::above(tree, level, serial);
            self.dirty.insert(id);
            let block = self.blocks.get_mut(&id).ok_or(FORGOTTEN)?;
            let Some(below) = block.isolate(child(serial, level)) else {
                return Ok(());
            };
            if level == BOTTOM {
                block.remove(child(serial, level));
                return Ok(());
            }
            let next = BlockId::above(tree, level + 1, serial);
            match below {
                Child::Seed(seed) => {
                    block.split(child(serial, level), unset());
                    self.blocks.insert(next, Block::whole(seed));
                }
                Child::Split(key) => {
                    self.block(next, &key, source)?;
                }
            }
        }
        Ok(())
    }

    /// Whether anything has been forgotten since the last [`changes`](Self::changes).
    pub(crate) fn has_forgotten(&self) -> bool {
        !self.dirty.is_empty()
    }

    /// Whether the root record has to be written again, though nothing was forgotten. Asking takes it back.
    pub(crate) fn take_grown(&mut self) -> bool {
        std::mem::take(&mut self.grown)
    }

    /// Puts every changed block under a fresh key, from the bottom up.
    pub(crate) fn changes(&mut self, rng: &mut impl CryptoRng) -> Vec<BlockChange> {
        let mut changes = Vec::new();
        for id in std::mem::take(&mut self.dirty).into_iter().rev() {
            let Some(block) = self.blocks.get(&id) else { continue };
            let key = (!block.is_empty()).then(|| Secret::random(rng));
            let stored = key.as_ref().map(|key| (key.dangerously_duplicate(), block.encode()));
            if block.is_empty() {
                self.blocks.remove(&id);
            }
            match (id.parent(), key) {
                (Some((parent, child)), Some(key)) => self.blocks.entry(parent).or_default().split(child, key),
                (Some((parent, child)), None) => self.blocks.entry(parent).or_default().remove(child),
                (None, key) => {
                    if let Some(tree) = self.trees.get_mut(&id.tree) {
                        tree.node = Node::Split(key.unwrap_or_else(|| Secret::random(rng)));
                    }
                }
            }
            changes.push((id, stored));
        }
        self.grown = false;
        changes
    }

    /// | size | field                                                        |
    /// |    8 | number of the root key                                       |
    /// |    2 | number of trees, then for each, ascending:                   |
    /// |    2 | · tree                                                       |
    /// |    4 | · serials below this may be in use                           |
    /// |    1 | · 0: the key is the seed of all; 1: it opens the top block   |
    /// |   32 | · key                                                        |
    pub(crate) fn encode(&self, number: u64) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(10 + 39 * self.trees.len()));
        bytes.extend_from_slice(&number.to_be_bytes());
        bytes.extend_from_slice(
            &u16::try_from(self.trees.len())
                .expect("there are at most 513 trees")
                .to_be_bytes(),
        );
        for (
            id,
            Tree {
                next: _,
                reserved,
                node,
            },
        ) in &self.trees
        {
            bytes.extend_from_slice(&id.0.to_be_bytes());
            bytes.extend_from_slice(&reserved.to_be_bytes());
            let (kind, key) = match node {
                Node::Seed(seed) => (0, seed),
                Node::Split(key) => (1, key),
            };
            bytes.push(kind);
            bytes.extend_from_slice(key.dangerously_expose());
        }
        bytes
    }

    /// Reads what [`encode`](Self::encode) wrote: the root key's number and the trees.
    pub(crate) fn decode(bytes: &[u8]) -> Result<(u64, Self), Damage> {
        let torn = |_| Damage("the root record is torn");
        let mut reader = Reader::new(bytes);
        let number = reader.u64().map_err(torn)?;
        let mut forest = Self::new();
        for _ in 0..reader.u16().map_err(torn)? {
            let id = TreeId(reader.u16().map_err(torn)?);
            let reserved = reader.u32().map_err(torn)?;
            let kind = reader.u8().map_err(torn)?;
            let key = Secret::from_bytes(reader.array().map_err(torn)?);
            let node = match kind {
                0 => Node::Seed(key),
                1 => Node::Split(key),
                _ => return Err(Damage("the root record names an unknown kind of tree")),
            };
            let ascends = forest.trees.last_key_value().is_none_or(|(last, _)| *last < id);
            if !ascends {
                return Err(Damage("the root record is out of order"));
            }
            forest.trees.insert(
                id,
                Tree {
                    next: reserved,
                    reserved,
                    node,
                },
            );
        }
        if reader.is_empty() {
            Ok((number, forest))
        } else {
            Err(Damage("the root record is too long"))
        }
    }

    fn block(&mut self, id: BlockId, key: &Secret<32>, source: &impl BlockSource) -> Result<&Block, Fault> {
        use std::collections::hash_map::Entry;
        // Changed blocks are nowhere else yet.
        if self.blocks.len() > CACHED_BLOCKS && self.dirty.is_empty() {
            self.blocks.clear();
        }
        match self.blocks.entry(id) {
            Entry::Occupied(entry) => Ok(entry.into_mut()),
            Entry::Vacant(entry) => {
                let block = Block::decode(source.load(id, key)?.dangerously_expose())?;
                Ok(entry.insert(block))
            }
        }
    }

    fn remember_page(&mut self, page: (TreeId, u32), seed: Secret<32>) {
        if self.pages.len() >= CACHED_PAGES {
            self.pages.clear();
        }
        self.pages.insert(page, seed);
    }
}

/// The child on the way to `serial` in a block at `level`.
fn child(serial: u32, level: u8) -> u8 {
    let [a, b, c, d] = serial.to_be_bytes();
    match level {
        0 => a,
        1 => b,
        2 => c,
        _ => d,
    }
}

/// Stands where a fresh key will be put by [`Forest::changes`], before anything is stored.
fn unset() -> Secret<32> {
    Secret::from_bytes([0; 32])
}

const BOTTOM: u8 = 3;
/// Serials are reserved in the root record this many at a time; a crash wastes fewer than that.
const RESERVE: u32 = 256;
const CACHED_BLOCKS: usize = 1024;
const CACHED_PAGES: usize = 1024;
const FORGOTTEN: Damage = Damage("a record's key has been erased");

#[cfg(test)]
mod tests;
