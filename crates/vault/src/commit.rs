//! What changes together.

use outis_crypto::SecretBytes;

use crate::key::{Key, Place, Table};
use crate::{CommitError, MAX_RECORD_BYTES};

/// Changes that happen as a whole or not at all, in the order given.
///
/// What is replaced or erased is gone from the disk too: its key is forgotten when [`Vault::commit`](crate::Vault::commit)
/// returns, up to the key of the root before, which [`Vault::settle`](crate::Vault::settle) or the next erasing commit
/// overwrites.
#[derive(Default)]
#[must_use = "nothing changes until it is committed"]
pub struct Commit {
    pub(crate) steps: Vec<Step>,
}

pub(crate) enum Step {
    Put(Place, SecretBytes),
    Erase(Place),
    EraseAll(Table, [u8; 32]),
    /// It cannot be read.
    GiveUp(Place),
    /// Its index cannot be read.
    GiveUpOwner(Table, [u8; 32]),
}

impl Commit {
    /// No changes yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Stores a value of at most [`MAX_RECORD_BYTES`]; an old one under this key is erased. The bytes are wiped.
    pub fn put(mut self, key: Key, value: Vec<u8>) -> Self {
        self.steps.push(Step::Put(key.into(), value.into()));
        self
    }

    /// Erases one record; nothing happens if there is none.
    pub fn erase(mut self, key: Key) -> Self {
        self.steps.push(Step::Erase(key.into()));
        self
    }

    /// Erases all that an owner has in a table.
    pub fn erase_all(mut self, table: Table, owner: [u8; 32]) -> Self {
        self.steps.push(Step::EraseAll(table, owner));
        self
    }

    /// The changes of both, these first.
    pub fn and(mut self, other: Commit) -> Self {
        self.steps.extend(other.steps);
        self
    }

    /// Whether nothing would change.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    pub(crate) fn check(&self) -> Result<(), CommitError> {
        for step in &self.steps {
            if let Step::Put(_, value) = step
                && value.len() > MAX_RECORD_BYTES
            {
                return Err(CommitError::TooLarge {
                    length: value.len(),
                    limit: MAX_RECORD_BYTES,
                });
            }
        }
        Ok(())
    }
}
