//! What a relay keeps: an ordered map of bytes with atomic, durable batches. Nothing here is sealed by us: what clients
//! entrust to a relay they have sealed themselves, and the relay's own key is the owner's to protect.
//!
//! | key                                          | value                                     |
//! | `h` ‖ key                                    | pieces (1) ‖ the first bytes of the value |
//! | `p` ‖ key length (2) ‖ key ‖ number (1), 1…  | the next bytes of the value               |
//! | `s`                                          | live bytes (8): keys and values           |

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};

use crate::engine::is_full;
use crate::engine::store::{MAX_VALUE, Progress, Store};
use crate::lock_file::LockFile;

/// An ordered, durable map for a relay. All methods block on the disk; threads that write together share their syncs.
pub struct RelayStore {
    folder: PathBuf,
    state: RwLock<State>,
    size: Mutex<u64>,
    _lock: LockFile,
}

struct State {
    /// `None` after a failed write, until the next use opens it again.
    store: Option<Store>,
    /// How far it came before it was closed.
    progress: Progress,
}

/// A point in the order of all batches that were applied, for [`RelayStore::sync`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[must_use = "what is applied is not durable before it is synced"]
pub struct Mark(u64);

/// Changes that happen as a whole or not at all. Of several for one key the last counts.
#[derive(Default)]
#[must_use = "nothing changes until it is written"]
pub struct RelayBatch(BTreeMap<Vec<u8>, Option<Vec<u8>>>);

/// A key and its value.
pub type RelayPair = (Vec<u8>, Vec<u8>);

/// Why a relay's store did not do as asked.
#[derive(Debug, thiserror::Error)]
pub enum RelayStoreError {
    /// Another process has it open.
    #[error("the relay's store is in use")]
    InUse,
    /// A key or value is too long. Nothing was written.
    #[error("a key or value is too long")]
    TooLarge,
    /// No room. Writing goes on when there is some again.
    #[error("the disk is full")]
    DiskFull,
    /// What was applied may not have reached the disk before the store failed.
    #[error("what was applied may be lost")]
    Lost,
    /// What stands on disk is not what was written.
    #[error("the relay's store is damaged")]
    Damaged,
    /// The file system refused.
    #[error("could not reach the relay's store")]
    Io(#[source] io::Error),
}

impl RelayBatch {
    /// No changes yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Stores a value.
    pub fn put(mut self, key: impl Into<Vec<u8>>, value: impl Into<Vec<u8>>) -> Self {
        self.0.insert(key.into(), Some(value.into()));
        self
    }

    /// Removes a value; nothing happens if there is none.
    pub fn remove(mut self, key: impl Into<Vec<u8>>) -> Self {
        self.0.insert(key.into(), None);
        self
    }

    /// Whether nothing would change.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl RelayStore {
    /// No key is longer.
    pub const MAX_KEY_BYTES: usize = 512;
    /// No value is longer.
    pub const MAX_VALUE_BYTES: usize = 256 * 1024;

    /// Opens or makes the store in a folder of its own.
    ///
    /// # Errors
    /// See [`RelayStoreError`].
    pub fn open(folder: &Path) -> Result<Self, RelayStoreError> {
        crate::folder::ensure_directory(folder)?;
        let lock = LockFile::take(folder)?.ok_or(RelayStoreError::InUse)?;
        let folder = folder.join("store");
        let store = open_store(&folder, Progress::default())?;
        let size = Mutex::new(stored_size(&store)?);
        let state = State {
            store: Some(store),
            progress: Progress::default(),
        };
        Ok(Self {
            folder,
            state: RwLock::new(state),
            size,
            _lock: lock,
        })
    }

    /// The value under a key.
    ///
    /// # Errors
    /// See [`RelayStoreError`].
    pub fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, RelayStoreError> {
        self.with(|store| {
            let Some(head) = store.get(&head_key(key))? else {
                return Ok(None);
            };
            Ok(Some(whole(store, key, &head)?))
        })
    }

    /// At most `limit` pairs whose key starts with `prefix` and is greater than `after`, in order of their keys.
    ///
    /// # Errors
    /// See [`RelayStoreError`].
    pub fn scan(&self, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Vec<RelayPair>, RelayStoreError> {
        self.with(|store| {
            let heads = store.scan(&head_key(prefix), after.map(head_key).as_deref(), limit)?;
            let pair = |(key, head): (Vec<u8>, Vec<u8>)| {
                let key = key.split_first().map(|(_, key)| key.to_vec()).unwrap_or_default();
                let value = whole(store, &key, &head)?;
                Ok((key, value))
            };
            heads.into_iter().map(pair).collect()
        })
    }

    /// Makes all changes or none. Durable when it returns.
    ///
    /// # Errors
    /// See [`RelayStoreError`]. After a failed write it may have happened or not, as a whole.
    pub fn write(&self, batch: RelayBatch) -> Result<(), RelayStoreError> {
        let mark = self.apply(batch)?;
        self.sync(mark)
    }

    /// As [`write`](Self::write), but durable only once [`sync`](Self::sync) has returned for this mark. Reads see it at
    /// once. Batches are lost only from the last one backwards.
    ///
    /// # Errors
    /// See [`RelayStoreError`]. What was applied before and not synced yet may be lost then.
    pub fn apply(&self, batch: RelayBatch) -> Result<Mark, RelayStoreError> {
        let fits = |(key, value): (&Vec<u8>, &Option<Vec<u8>>)| {
            key.len() <= Self::MAX_KEY_BYTES && value.as_ref().is_none_or(|value| value.len() <= Self::MAX_VALUE_BYTES)
        };
        if !batch.0.iter().all(fits) {
            return Err(RelayStoreError::TooLarge);
        }
        let (number, is_bloated) = self.writing(|store| {
            let mut size = self.live();
            let (writes, next) = plan(store, batch, *size)?;
            let number = store.apply(writes)?;
            *size = next;
            Ok((number, number % CHECK_EVERY == 0 && store.is_bloated()))
        })?;
        if is_bloated {
            self.close();
        }
        Ok(Mark(number))
    }

    /// Returns when everything up to a mark is durable; at once if somebody has waited for it before. Whoever applied
    /// something must ask for their own mark: that a later one is durable does not say that an earlier one was not lost.
    ///
    /// # Errors
    /// [`RelayStoreError::Lost`] if the store failed after it was applied; otherwise as [`write`](Self::write).
    pub fn sync(&self, mark: Mark) -> Result<(), RelayStoreError> {
        let is_lost = self.writing(|store| {
            let is_lost = store.is_lost(mark.0);
            if !is_lost {
                store.sync(mark.0)?;
            }
            Ok(is_lost)
        })?;
        if is_lost { Err(RelayStoreError::Lost) } else { Ok(()) }
    }

    /// The bytes of all live keys and values. What the folder takes on disk is more: sled keeps old versions for a while.
    pub fn size(&self) -> u64 {
        *self.live()
    }

    fn live(&self) -> MutexGuard<'_, u64> {
        self.size.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with<T>(&self, step: impl FnOnce(&Store) -> Result<T, RelayStoreError>) -> Result<T, RelayStoreError> {
        {
            let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(store) = state.store.as_ref().filter(|store| !store.has_failed()) {
                return step(store);
            }
        }
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(failed) = state.store.take_if(|store| store.has_failed()) {
            state.progress = failed.close();
        }
        if state.store.is_none() {
            let store = open_store(&self.folder, state.progress)?;
            *self.live() = stored_size(&store)?;
            state.store = Some(store);
        }
        step(state.store.as_ref().ok_or(RelayStoreError::Damaged)?)
    }

    /// As [`with`](Self::with); if the step fails, the store is closed.
    fn writing<T>(&self, step: impl FnOnce(&Store) -> Result<T, RelayStoreError>) -> Result<T, RelayStoreError> {
        self.with(step).inspect_err(|_| self.close())
    }

    /// Closes the store, which the next use opens again, and writes anew if it is bloated.
    fn close(&self) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(store) = state.store.take() {
            state.progress = store.close();
        }
    }
}

/// What a relay keeps belongs to clients who come again with what is missing.
fn open_store(folder: &Path, progress: Progress) -> io::Result<Store> {
    let (store, has_gap) = Store::open(folder, progress)?;
    if has_gap {
        tracing::warn!("the relay's store has lost something that it held");
    }
    Ok(store)
}

type Writes = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// What a batch means for sled, and how many bytes are live afterwards.
fn plan(store: &Store, batch: RelayBatch, size: u64) -> Result<(Writes, u64), RelayStoreError> {
    let mut writes = Writes::new();
    let mut size = size;
    for (key, value) in batch.0 {
        if let Some(head) = store.get(&head_key(&key))? {
            size = size.saturating_sub(footprint(&key, &whole(store, &key, &head)?));
            let (pieces, _) = head.split_first().ok_or(RelayStoreError::Damaged)?;
            writes.extend((1..*pieces).map(|piece| (piece_key(&key, piece), None)));
            writes.insert(head_key(&key), None);
        }
        let Some(value) = value else { continue };
        size = size.saturating_add(footprint(&key, &value));
        let (first, rest) = value.split_at(value.len().min(MAX_VALUE - 1));
        let mut pieces = 1u8;
        for piece in rest.chunks(MAX_VALUE) {
            writes.insert(piece_key(&key, pieces), Some(piece.to_vec()));
            pieces = pieces.checked_add(1).ok_or(RelayStoreError::TooLarge)?;
        }
        writes.insert(head_key(&key), Some([&[pieces], first].concat()));
    }
    writes.insert(SIZE.to_vec(), Some(size.to_be_bytes().to_vec()));
    Ok((writes, size))
}

fn whole(store: &Store, key: &[u8], head: &[u8]) -> Result<Vec<u8>, RelayStoreError> {
    let (pieces, first) = head.split_first().ok_or(RelayStoreError::Damaged)?;
    let mut value = first.to_vec();
    for piece in 1..*pieces {
        value.extend(store.get(&piece_key(key, piece))?.ok_or(RelayStoreError::Damaged)?);
    }
    Ok(value)
}

fn stored_size(store: &Store) -> Result<u64, RelayStoreError> {
    match store.get(SIZE)? {
        None => Ok(0),
        Some(bytes) => Ok(u64::from_be_bytes(
            bytes.try_into().map_err(|_| RelayStoreError::Damaged)?,
        )),
    }
}

fn footprint(key: &[u8], value: &[u8]) -> u64 {
    (key.len() + value.len()) as u64
}

fn head_key(key: &[u8]) -> Vec<u8> {
    [b"h", key].concat()
}

fn piece_key(key: &[u8], piece: u8) -> Vec<u8> {
    let length = u16::try_from(key.len()).unwrap_or(u16::MAX).to_be_bytes();
    [b"p", length.as_slice(), key, &[piece]].concat()
}

impl From<io::Error> for RelayStoreError {
    fn from(error: io::Error) -> Self {
        match error {
            error if is_full(&error) => Self::DiskFull,
            error if error.kind() == io::ErrorKind::InvalidData => Self::Damaged,
            error => Self::Io(error),
        }
    }
}

const SIZE: &[u8] = b"s";
/// Batches between two looks at the length of the log.
const CHECK_EVERY: u64 = 64;

#[cfg(test)]
mod tests;
