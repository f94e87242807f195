//! What a mailbox keeps, and where.

use std::{collections::BTreeMap, sync::Mutex};

/// An ordered store of small records. Everything a [`Server`](crate::Server) must not forget is on it.
///
/// Calls block. Keys have at most 80 bytes, values at most 72 KiB.
pub trait Shelf: Send + Sync + 'static {
    /// The value under `key`.
    ///
    /// # Errors
    /// If the store cannot be read; the same holds for [`Shelf::scan`].
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, ShelfError>;

    /// At most `limit` records in ascending order whose keys start with `prefix` and are not below `from`.
    #[allow(clippy::missing_errors_doc)]
    fn scan(&self, prefix: &[u8], from: &[u8], limit: usize) -> Result<Vec<Entry>, ShelfError>;

    /// Applies all changes or none. When it returns, they are durable: a power cut does not undo them.
    ///
    /// # Errors
    /// If they are not.
    fn write(&self, changes: Vec<Change>) -> Result<(), ShelfError>;

    /// As [`Shelf::write`], but durable only after the next [`Shelf::sync`]. A shelf that can do both lets a mailbox answer
    /// many requests by one wait for the disk; for one that cannot, each change waits.
    #[allow(clippy::missing_errors_doc)]
    fn apply(&self, changes: Vec<Change>) -> Result<(), ShelfError> {
        self.write(changes)
    }

    /// When it returns, everything applied before is durable.
    ///
    /// # Errors
    /// If it is not; what is on the shelf then is what a restart would find.
    fn sync(&self) -> Result<(), ShelfError> {
        Ok(())
    }

    /// Bytes in use, about.
    fn size(&self) -> u64;
}

/// A key and its value.
pub type Entry = (Vec<u8>, Vec<u8>);

/// One change to a shelf.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Writes or overwrites a record.
    Put {
        /// Where.
        key: Vec<u8>,
        /// What.
        value: Vec<u8>,
    },
    /// Removes a record if it is there.
    Remove {
        /// Which.
        key: Vec<u8>,
    },
}

/// The store failed.
#[derive(Debug, thiserror::Error)]
pub enum ShelfError {
    /// There is no space left. Nothing was changed.
    #[error("the disk is full")]
    Full,
    /// Anything else.
    #[error("the mailbox's store failed")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// A shelf that is gone with the process: for tests and for the demonstration network.
#[derive(Debug, Default)]
pub struct MemoryShelf(Mutex<BTreeMap<Vec<u8>, Vec<u8>>>);

impl MemoryShelf {
    fn records(&self) -> std::sync::MutexGuard<'_, BTreeMap<Vec<u8>, Vec<u8>>> {
        // Nothing below panics while it holds the lock, so a poisoned one still holds whole records.
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Shelf for MemoryShelf {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, ShelfError> {
        Ok(self.records().get(key).cloned())
    }

    fn scan(&self, prefix: &[u8], from: &[u8], limit: usize) -> Result<Vec<Entry>, ShelfError> {
        let start = prefix.max(from).to_vec();
        let records = self.records();
        let matching = records
            .range(start..)
            .take_while(|(key, _)| key.starts_with(prefix))
            .take(limit);
        Ok(matching.map(|(key, value)| (key.clone(), value.clone())).collect())
    }

    fn write(&self, changes: Vec<Change>) -> Result<(), ShelfError> {
        let mut records = self.records();
        for change in changes {
            match change {
                Change::Put { key, value } => records.insert(key, value),
                Change::Remove { key } => records.remove(&key),
            };
        }
        Ok(())
    }

    fn size(&self) -> u64 {
        self.records()
            .iter()
            .map(|(key, value)| (key.len() + value.len()) as u64)
            .sum()
    }
}

/// Several servers may stand on one shelf one after the other: a restart.
impl<S: Shelf> Shelf for std::sync::Arc<S> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, ShelfError> {
        S::get(self, key)
    }

    fn scan(&self, prefix: &[u8], from: &[u8], limit: usize) -> Result<Vec<Entry>, ShelfError> {
        S::scan(self, prefix, from, limit)
    }

    fn write(&self, changes: Vec<Change>) -> Result<(), ShelfError> {
        S::write(self, changes)
    }

    fn apply(&self, changes: Vec<Change>) -> Result<(), ShelfError> {
        S::apply(self, changes)
    }

    fn sync(&self) -> Result<(), ShelfError> {
        S::sync(self)
    }

    fn size(&self) -> u64 {
        S::size(self)
    }
}
