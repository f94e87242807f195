//! A mailbox's shelf on a relay's disk.

use outis_mailbox::{Change, Shelf, ShelfError};
use outis_vault::{Mark, RelayBatch, RelayStore, RelayStoreError};
use std::{
    mem,
    sync::{Arc, Mutex, PoisonError},
};

/// The part of a relay's store that its mailbox has: every key begins with one byte of its own.
pub(crate) struct DiskShelf {
    store: Arc<RelayStore>,
    /// What was applied and not synced yet. Each mark is asked for: that a later one is durable does not say that an
    /// earlier one was not lost.
    owed: Mutex<Vec<Mark>>,
}

/// Keys of `outis-net` in the same store begin with others.
const PREFIX: u8 = b'm';

impl DiskShelf {
    pub(crate) fn new(store: Arc<RelayStore>) -> Self {
        let owed = Mutex::default();
        Self { store, owed }
    }
}

impl Shelf for DiskShelf {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, ShelfError> {
        self.store.get(&own(key)).map_err(failed)
    }

    fn scan(&self, prefix: &[u8], from: &[u8], limit: usize) -> Result<Vec<(Vec<u8>, Vec<u8>)>, ShelfError> {
        // The store gives what comes after a key; the first one itself is asked for by name.
        let first = from.max(prefix);
        let at_first = if first.starts_with(prefix) && limit > 0 {
            self.get(first)?
        } else {
            None
        };
        let mut entries: Vec<_> = at_first.map(|value| (first.to_vec(), value)).into_iter().collect();
        let after = self
            .store
            .scan(&own(prefix), Some(&own(first)), limit - entries.len())
            .map_err(failed)?;
        entries.extend(
            after
                .into_iter()
                .filter_map(|(key, value)| Some((key.get(1..)?.to_vec(), value))),
        );
        Ok(entries)
    }

    fn write(&self, changes: Vec<Change>) -> Result<(), ShelfError> {
        self.store.write(batch(changes)).map_err(failed)
    }

    fn apply(&self, changes: Vec<Change>) -> Result<(), ShelfError> {
        let mark = self.store.apply(batch(changes)).map_err(failed)?;
        self.owed.lock().unwrap_or_else(PoisonError::into_inner).push(mark);
        Ok(())
    }

    /// One thread serves a mailbox, so nobody else waits for what is taken here.
    fn sync(&self) -> Result<(), ShelfError> {
        let owed = mem::take(&mut *self.owed.lock().unwrap_or_else(PoisonError::into_inner));
        // The last first: its wait is the one that the others share.
        owed.into_iter()
            .rev()
            .try_for_each(|mark| self.store.sync(mark))
            .map_err(failed)
    }

    fn size(&self) -> u64 {
        self.store.size()
    }
}

fn batch(changes: Vec<Change>) -> RelayBatch {
    changes
        .into_iter()
        .fold(RelayBatch::new(), |batch, change| match change {
            Change::Put { key, value } => batch.put(own(&key), value),
            Change::Remove { key } => batch.remove(own(&key)),
        })
}

fn own(key: &[u8]) -> Vec<u8> {
    [&[PREFIX], key].concat()
}

fn failed(error: RelayStoreError) -> ShelfError {
    match error {
        RelayStoreError::DiskFull => ShelfError::Full,
        other => ShelfError::Failed(Box::new(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use outis_mailbox::MemoryShelf;

    /// The two shelves are one thing: a server cannot tell which it stands on.
    #[test]
    fn a_disk_shelf_scans_as_the_one_in_memory_does() {
        let dir = tempfile::tempdir().unwrap();
        let store = Arc::new(RelayStore::open(dir.path()).unwrap());
        store
            .write(RelayBatch::new().put(b"of another".to_vec(), b"x".to_vec()))
            .unwrap();
        let (disk, memory) = (DiskShelf::new(store), MemoryShelf::default());
        for key in [&b"a"[..], b"aa", b"ab", b"b", b"", b"a\xff", b"\xff"] {
            let put = || {
                vec![Change::Put {
                    key: key.to_vec(),
                    value: [key, b"!"].concat(),
                }]
            };
            disk.apply(put()).unwrap();
            memory.apply(put()).unwrap();
        }
        disk.sync().unwrap();
        for prefix in [&b""[..], b"a", b"b", b"c", b"\xff"] {
            for from in [&b""[..], b"a", b"aa", b"ab", b"a\xff", b"b", b"bb"] {
                for limit in [0, 1, 2, 10] {
                    let (of_disk, of_memory) = (
                        disk.scan(prefix, from, limit).unwrap(),
                        memory.scan(prefix, from, limit).unwrap(),
                    );
                    assert_eq!(of_disk, of_memory, "{prefix:?} from {from:?}, {limit}");
                }
            }
        }
    }
}
