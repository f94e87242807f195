//! The one door to sled 0.34.7, with what experience has shown it to need.
//!
//! - `flush` calls `sync_file_range` on Linux, which survives a kill but not a power cut: [`Store::sync`] adds `fdatasync`.
//! - A value that makes a node larger than a quarter segment becomes a blob file that nobody ever syncs: values here are
//!   at most [`MAX_VALUE`] bytes, and no node can then grow so large.
//! - A left-over `snap.*.generating`, a torn `snap.*` or a garbage `conf` makes opening fail, though sled can rebuild all
//!   of them from its log: [`Store::open`] removes them and tries again.
//! - Recovery and drop may panic: both are caught. A failed write poisons the store until it is opened again.
//! - Its log grows under overwriting far beyond what is live in it, and never shrinks: a bloated store is written anew
//!   when it is opened ([`rebuild`]).

use std::fs::{self, File};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

mod rebuild;

/// The largest value. A leaf holds at most 16 entries, and 19 for a moment while leaves merge; 19 of these stay below
/// the quarter segment (128 KiB) at which sled would turn to unsynced blob files.
pub(crate) const MAX_VALUE: usize = 6 * 1024;

/// An ordered map of bytes with atomic, durable batches.
pub(crate) struct Store {
    db: Option<sled::Db>,
    file: File,
    /// Beyond this length the log is bloated.
    bloated_at: u64,
    progress: Progress,
}

/// Counts batches, so that threads that wait for the disk together share one `fdatasync`.
#[derive(Default)]
struct Progress {
    applied: Mutex<u64>,
    synced: Mutex<u64>,
}

impl Store {
    /// Opens or creates the store in `folder`, mending what sled can rebuild, and writes it anew if it is bloated.
    ///
    /// # Errors
    /// `InvalidData` if the log itself is damaged; otherwise whatever the file system said.
    pub(crate) fn open(folder: &Path) -> io::Result<Self> {
        Self::open_below(folder, BLOAT_FLOOR)
    }

    fn open_below(folder: &Path, floor: u64) -> io::Result<Self> {
        rebuild::finish(folder)?;
        let store = Self::open_as_is(folder, floor)?;
        if !store.is_bloated() {
            return Ok(store);
        }
        match rebuild::write(folder, &store, floor) {
            Ok(()) => {
                drop(store);
                rebuild::swap(folder)?;
                Self::open_as_is(folder, floor)
            }
            Err(error) => {
                tracing::warn!(error = %error.kind(), "a bloated store could not be written anew; it is used as it is");
                rebuild::finish(folder)?;
                Ok(store)
            }
        }
    }

    fn open_as_is(folder: &Path, floor: u64) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        remove_where(folder, |name| {
            name.starts_with("snap.") && name.ends_with(".generating")
        })?;
        let db = open_mending(folder)?;
        let file = File::options().read(true).write(true).open(folder.join("db"))?;
        file.sync_all()?;
        sync_folder(folder)?;
        let bloated_at = rebuild::length_when_written(folder)?
            .saturating_mul(2)
            .saturating_add(floor);
        Ok(Self {
            db: Some(db),
            file,
            bloated_at,
            progress: Progress::default(),
        })
    }

    /// Whether opening it again would be worth while.
    pub(crate) fn is_bloated(&self) -> bool {
        self.file
            .metadata()
            .is_ok_and(|metadata| metadata.len() > self.bloated_at)
    }

    /// The value under a key.
    pub(crate) fn get(&self, key: &[u8]) -> io::Result<Option<Vec<u8>>> {
        let db = self.db()?;
        guarded(|| Ok(db.get(key)?.map(|value| value.to_vec())))
    }

    /// Applies all of the batch or nothing, and says its number for [`sync`](Self::sync).
    pub(crate) fn apply<K: AsRef<[u8]>>(
        &self,
        batch: impl IntoIterator<Item = (K, Option<Vec<u8>>)>,
    ) -> io::Result<u64> {
        let db = self.db()?;
        let mut writes = sled::Batch::default();
        for (key, value) in batch {
            match value {
                Some(value) if value.len() > MAX_VALUE => return Err(io::ErrorKind::InvalidInput.into()),
                Some(value) => writes.insert(key.as_ref(), value),
                None => writes.remove(key.as_ref()),
            }
        }
        // One batch at a time: a leaf then never holds more entries than the bound above allows for.
        let mut applied = self.progress.applied.lock().unwrap_or_else(PoisonError::into_inner);
        guarded(|| Ok(db.apply_batch(writes)?))?;
        *applied += 1;
        Ok(*applied)
    }

    /// The number of the last batch.
    pub(crate) fn applied(&self) -> u64 {
        *self.progress.applied.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the last batch is on disk.
    pub(crate) fn is_synced(&self) -> bool {
        let synced = *self.progress.synced.lock().unwrap_or_else(PoisonError::into_inner);
        synced >= self.applied()
    }

    /// Returns when the batch with this number, and all before it, are on disk.
    pub(crate) fn sync(&self, number: u64) -> io::Result<()> {
        let db = self.db()?;
        let mut synced = self.progress.synced.lock().unwrap_or_else(PoisonError::into_inner);
        if *synced >= number {
            return Ok(());
        }
        let applied = self.applied();
        guarded(|| Ok(db.flush().map(drop)?))?;
        self.file.sync_data()?;
        *synced = applied;
        Ok(())
    }

    /// The pairs whose key starts with `prefix` and is greater than `after`, in order.
    pub(crate) fn scan(
        &self,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> io::Result<Vec<(Vec<u8>, Vec<u8>)>> {
        use std::ops::Bound;
        let db = self.db()?;
        let start = match after {
            Some(after) if after >= prefix => Bound::Excluded(after.to_vec()),
            _ => Bound::Included(prefix.to_vec()),
        };
        guarded(|| {
            let mut found = Vec::new();
            for pair in db.range((start, Bound::<Vec<u8>>::Unbounded)).take(limit) {
                let (key, value) = pair?;
                if !key.starts_with(prefix) {
                    break;
                }
                found.push((key.to_vec(), value.to_vec()));
            }
            Ok(found)
        })
    }

    fn db(&self) -> io::Result<&sled::Db> {
        self.db.as_ref().ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        // sled's last flush unwraps its errors, on a full disk for instance.
        if let Some(db) = self.db.take() {
            let _ = catch_unwind(AssertUnwindSafe(|| drop(db)));
        }
    }
}

/// When this returns, the names in `folder` are on disk.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(folder)?.sync_all()
    } else {
        Ok(())
    }
}

/// Opens as is; then without the snapshots; then also without the configuration. The log itself is never touched.
fn open_mending(folder: &Path) -> io::Result<sled::Db> {
    let first = match open_once(folder) {
        Ok(db) => return Ok(db),
        Err(error) if is_plain(&error) => return Err(error),
        Err(error) => error,
    };
    tracing::warn!(error = %first.kind(), "the store did not open; rebuilding its snapshot from the log");
    remove_where(folder, |name| name.starts_with("snap."))?;
    if let Ok(db) = open_once(folder) {
        return Ok(db);
    }
    remove_where(folder, |name| name == "conf" || name.starts_with("snap."))?;
    open_once(folder)
}

fn open_once(folder: &Path) -> io::Result<sled::Db> {
    let config = sled::Config::new()
        .path(folder)
        .cache_capacity(CACHE_BYTES)
        .flush_every_ms(None);
    let mut waits = 0;
    loop {
        match guarded(|| Ok(config.open()?)) {
            // We hold the folder's lock, so this is our own last store, which sled's threads let go of in their own time.
            Err(error) if waits < MAX_WAITS && error.to_string().contains("could not acquire lock") => {
                waits += 1;
                std::thread::sleep(WAIT);
            }
            result => return result,
        }
    }
}

/// Errors that removing files would not mend.
fn is_plain(error: &io::Error) -> bool {
    super::is_full(error)
        || matches!(
            error.kind(),
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::WouldBlock
        )
}

/// Runs a step of sled; a panic inside it is damage, not the end of the process.
fn guarded<T>(step: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    catch_unwind(AssertUnwindSafe(step))
        .unwrap_or_else(|_| Err(io::Error::new(io::ErrorKind::InvalidData, "sled panicked")))
}

fn remove_where(folder: &Path, matches: impl Fn(&str) -> bool) -> io::Result<()> {
    let mut doomed: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_str().is_some_and(&matches) {
            doomed.push(entry.path());
        }
    }
    doomed.iter().try_for_each(fs::remove_file)
}

/// No log below this is bloated.
const BLOAT_FLOOR: u64 = 64 * 1024 * 1024;
/// sled's default is a gigabyte.
const CACHE_BYTES: u64 = 32 * 1024 * 1024;
/// How long to wait for a store that is being closed: five seconds in all.
const WAIT: Duration = Duration::from_millis(5);
const MAX_WAITS: u32 = 1_000;

#[cfg(test)]
mod tests;
