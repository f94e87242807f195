//! A relay's shelf, shared by its parts.

use outis_mailbox::{Change, Entry, Shelf, ShelfError};
use std::sync::Arc;

/// One shelf under many hands. Keys that begin with `net/` are this crate's; all others are the mailbox's.
#[derive(Clone)]
pub(super) struct SharedShelf(pub(super) Arc<dyn Shelf>);

impl Shelf for SharedShelf {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, ShelfError> {
        self.0.get(key)
    }

    fn scan(&self, prefix: &[u8], from: &[u8], limit: usize) -> Result<Vec<Entry>, ShelfError> {
        self.0.scan(prefix, from, limit)
    }

    fn write(&self, changes: Vec<Change>) -> Result<(), ShelfError> {
        self.0.write(changes)
    }

    fn apply(&self, changes: Vec<Change>) -> Result<(), ShelfError> {
        self.0.apply(changes)
    }

    fn sync(&self) -> Result<(), ShelfError> {
        self.0.sync()
    }

    fn size(&self) -> u64 {
        self.0.size()
    }
}
