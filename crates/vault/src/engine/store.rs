//! The one door to sled 0.34.7, with what experience has shown it to need.
//!
//! - `flush` calls `sync_file_range` on Linux, which survives a kill but not a power cut: [`Store::sync`] adds `fdatasync`.
//! - A value that makes a node larger than a quarter segment becomes a blob file that nobody ever syncs: values here are
//!   at most [`MAX_VALUE`] bytes, and no node can then grow so large.
//! - A left-over `snap.*.generating`, a torn `snap.*` or a garbage `conf` makes opening fail, though sled can rebuild all
//!   of them from its log: [`Store::open`] removes them and tries again.
//! - Its recovery writes into the log in place: a power cut meanwhile may take what is told, so it begins from a copy
//!   ([`recovery`]).
//! - Recovery and drop may panic: both are caught. A failed write poisons the store until it is opened again.
//! - Its log grows under overwriting far beyond what is live in it, and never shrinks: a bloated store is written anew
//!   when it is opened, or beside its work ([`rebuild`]).

use std::fs::{self, File};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

mod rebuild;
mod recovery;

/// The largest value. A leaf holds at most 16 entries, and 19 for a moment while leaves merge; 19 of these stay below
/// the quarter segment (128 KiB) at which sled would turn to unsynced blob files.
pub(crate) const MAX_VALUE: usize = 6 * 1024;

/// An ordered map of bytes with atomic, durable batches.
pub(crate) struct Store {
    folder: PathBuf,
    db: Option<sled::Db>,
    file: File,
    /// Beyond this length the log is bloated.
    bloated_at: u64,
    /// The number of the last batch. Locked while one is applied, so that they have an order.
    applied: Mutex<Applied>,
    /// Locked while the disk is waited for, so that threads that wait together share one `fdatasync`.
    synced: Mutex<Synced>,
    /// Batches up to this one may be lost: applied before an earlier opening, and never synced.
    lost: u64,
}

/// What is known of batches when a store is closed. Their numbers go on when it is opened again.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Progress {
    applied: u64,
    lost: u64,
}

impl Progress {
    /// Whether a batch was on disk when the store was closed.
    pub(crate) fn is_durable(self, number: u64) -> bool {
        number <= self.applied && (number > self.lost || number == 0)
    }
}

struct Applied {
    number: u64,
    /// While the store is copied: what has been changed since, in order.
    journal: Option<Vec<Change>>,
}

/// A key, and its value or its removal.
type Change = (Vec<u8>, Option<Vec<u8>>);

struct Synced {
    number: u64,
    /// After one failure nobody knows what the system has dropped, whatever it says later.
    failed: bool,
}

impl Store {
    /// Opens or creates the store in `folder`, mending what sled can rebuild, and writes it anew if it is bloated.
    ///
    /// # Errors
    /// `InvalidData` if the log itself is damaged; otherwise whatever the file system said.
    pub(crate) fn open(folder: &Path, progress: Progress) -> io::Result<Self> {
        Self::open_below(folder, progress, BLOAT_FLOOR)
    }

    fn open_below(folder: &Path, progress: Progress, floor: u64) -> io::Result<Self> {
        rebuild::finish(folder)?;
        let store = Self::open_as_is(folder, progress, floor)?;
        if !store.is_bloated() {
            return Ok(store);
        }
        let written = rebuild::copy(folder, &store, floor).and_then(|copy| rebuild::seal(folder, copy));
        match written {
            Ok(()) => {
                drop(store);
                rebuild::swap(folder)?;
                Self::open_as_is(folder, progress, floor)
            }
            Err(error) => {
                tracing::warn!(error = %error.kind(), "a bloated store could not be written anew; it is used as it is");
                rebuild::finish(folder)?;
                Ok(store)
            }
        }
    }

    fn open_as_is(folder: &Path, progress: Progress, floor: u64) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        remove_where(folder, |name| {
            name.starts_with("snap.") && name.ends_with(".generating")
        })?;
        recovery::prepare(folder)?;
        let db = open_mending(folder)?;
        let file = File::options().read(true).write(true).open(folder.join("db"))?;
        file.sync_all()?;
        sync_folder(folder)?;
        recovery::finish(folder)?;
        let written = rebuild::length_when_written(folder)?;
        let Progress { applied: number, lost } = progress;
        Ok(Self {
            folder: folder.to_owned(),
            db: Some(db),
            file,
            bloated_at: written.saturating_add(written / 4).saturating_add(floor),
            applied: Mutex::new(Applied { number, journal: None }),
            synced: Mutex::new(Synced { number, failed: false }),
            lost,
        })
    }

    /// Closes it, and says how far it came. What could not be synced counts as lost.
    pub(crate) fn close(mut self) -> Progress {
        let applied = self.applied();
        let mut lost = self.lost;
        if self.sync(applied).is_err() {
            lost = applied;
        } else if !self.drop_db() || recovery::mark_closed(&self.folder).is_err() {
            tracing::debug!("the store is mended when it is opened next");
        }
        Progress { applied, lost }
    }

    /// Whether it would be worth while to write it anew.
    pub(crate) fn is_bloated(&self) -> bool {
        self.file
            .metadata()
            .is_ok_and(|metadata| metadata.len() > self.bloated_at)
    }

    /// Copies everything into a store beside this one, which goes on meanwhile: what changes is remembered, and told to
    /// the copy by [`replace`](Self::replace).
    pub(crate) fn copy_beside(&self, folder: &Path) -> io::Result<Store> {
        self.lock_applied().journal = Some(Vec::new());
        let copied = rebuild::copy(folder, self, BLOAT_FLOOR);
        if copied.is_err() {
            self.lock_applied().journal = None;
        }
        copied
    }

    /// Closes this store, which nobody may use meanwhile, and puts the copy in its place.
    pub(crate) fn replace(self, folder: &Path, copy: Store) -> (Progress, io::Result<()>) {
        let journal = self.lock_applied().journal.take();
        let progress = self.close();
        let sealed = journal
            .ok_or_else(|| io::Error::other("too much changed while the store was copied"))
            .and_then(|journal| copy.apply(journal))
            .and_then(|_| rebuild::seal(folder, copy))
            .and_then(|()| rebuild::swap(folder));
        (progress, sealed)
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
        let changes: Vec<Change> = batch
            .into_iter()
            .map(|(key, value)| (key.as_ref().to_vec(), value))
            .collect();
        let mut writes = sled::Batch::default();
        for (key, value) in &changes {
            match value {
                Some(value) if value.len() > MAX_VALUE => return Err(io::ErrorKind::InvalidInput.into()),
                Some(value) => writes.insert(key.as_slice(), value.as_slice()),
                None => writes.remove(key.as_slice()),
            }
        }
        // One batch at a time: a leaf then never holds more entries than the bound above allows for.
        let mut applied = self.lock_applied();
        let result = guarded(|| Ok(db.apply_batch(writes)?));
        if let Err(error) = result {
            // Not while this lock is held: whoever syncs takes the two in the other order.
            drop(applied);
            self.lock_synced().failed = true;
            return Err(error);
        }
        applied.number += 1;
        if let Some(journal) = &mut applied.journal {
            journal.extend(changes);
            // Whoever copies begins again another time.
            if journal.len() > MAX_JOURNAL {
                applied.journal = None;
            }
        }
        Ok(applied.number)
    }

    /// The number of the last batch.
    pub(crate) fn applied(&self) -> u64 {
        self.lock_applied().number
    }

    /// Returns when the batch with this number, and all before it, are on disk.
    ///
    /// # Errors
    /// Also if it may have been lost since, however much later it is asked for.
    pub(crate) fn sync(&self, number: u64) -> io::Result<()> {
        if self.is_lost(number) {
            return Err(io::Error::other("what was applied may be lost"));
        }
        let db = self.db()?;
        let mut synced = self.lock_synced();
        if synced.number >= number {
            return Ok(());
        }
        if synced.failed {
            return Err(io::Error::other("a write before this one failed"));
        }
        let applied = self.applied();
        let done = guarded(|| Ok(db.flush().map(drop)?)).and_then(|()| self.file.sync_data());
        match done {
            Ok(()) => synced.number = applied,
            Err(_) => synced.failed = true,
        }
        done
    }

    /// Whether the batch with this number may be lost.
    pub(crate) fn is_lost(&self, number: u64) -> bool {
        number > 0 && number <= self.lost
    }

    /// As if the disk had failed.
    #[cfg(test)]
    pub(crate) fn fail(&self) {
        self.lock_synced().failed = true;
    }

    /// Says whether it went well: sled's last flush unwraps its errors, on a full disk for instance.
    fn drop_db(&mut self) -> bool {
        let db = self.db.take();
        catch_unwind(AssertUnwindSafe(|| drop(db))).is_ok()
    }

    fn lock_applied(&self) -> MutexGuard<'_, Applied> {
        self.applied.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_synced(&self) -> MutexGuard<'_, Synced> {
        self.synced.lock().unwrap_or_else(PoisonError::into_inner)
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
        self.drop_db();
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

/// Opens as is; then without the configuration, which sled makes anew; then also without its snapshots. Those come last:
/// without them sled may take a log for an empty one, which whoever opened it then finds out.
fn open_mending(folder: &Path) -> io::Result<sled::Db> {
    let first = match open_once(folder) {
        Ok(db) => return Ok(db),
        Err(error) if is_plain(&error) => return Err(error),
        Err(error) => error,
    };
    tracing::warn!(error = %first.kind(), "the store did not open; rebuilding what can be rebuilt from its log");
    remove_where(folder, |name| name == "conf")?;
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
const BLOAT_FLOOR: u64 = 24 * 1024 * 1024;
/// More changes than this are not remembered for a copy.
const MAX_JOURNAL: usize = 1 << 16;
/// sled's default is a gigabyte.
const CACHE_BYTES: u64 = 32 * 1024 * 1024;
/// How long to wait for a store that is being closed: five seconds in all.
const WAIT: Duration = Duration::from_millis(5);
const MAX_WAITS: u32 = 1_000;

#[cfg(test)]
mod tests;
