//! The one door to sled 0.34.7, with what experience has shown it to need.
//!
//! - `flush` calls `sync_file_range` on Linux, which survives a kill but not a power cut: [`Base::sync`] adds `fdatasync`.
//! - A value that makes a node larger than a quarter segment becomes a blob file that nobody ever syncs: values here are
//!   at most [`MAX_VALUE`] bytes, and no node can then grow so large.
//! - A left-over `snap.*.generating`, a torn `snap.*` or a garbage `conf` makes opening fail, though sled can rebuild all
//!   of them from its log: [`Base::open`] removes them and tries again.
//! - Its recovery writes into the log in place: a power cut meanwhile may take what is told, so it begins from a copy
//!   ([`recovery`]).
//! - Recovery and drop may panic: both are caught. A failed write poisons the store until it is opened again.
//! - It may take a log that it cannot read for an empty one: whatever was checkpointed bears a mark, which is missed then.
//! - A hole in its log may take pairs with it, or bring older ones back, without a word: the mark has a sum over all of them,
//!   which [`Base::is_whole`] compares.

use std::fs::{self, File};
use std::io;
use std::ops::Bound;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use outis_crypto::{hash, label};
use outis_wire::Reader;

use super::{rebuild, recovery, remove_where, sync_folder};
use crate::engine::is_full;

/// The largest value. A leaf holds at most 16 entries, and 19 for a moment while leaves merge; 19 of these stay below
/// the quarter segment (128 KiB) at which sled would turn to unsynced blob files.
pub(crate) const MAX_VALUE: usize = 6 * 1024;

/// sled in a folder: an ordered map that is written by one thread at a time.
pub(super) struct Base {
    folder: PathBuf,
    /// `None` once it is closed.
    db: RwLock<Option<sled::Db>>,
    file: File,
    /// Beyond this length the log is bloated.
    bloated_at: u64,
    mark: Mutex<Mark>,
}

/// What is known of all that is stored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Mark {
    /// The last epoch that was checkpointed; 0 if none was.
    epoch: u64,
    /// The epoch that is being checkpointed, or the same. sled takes it in several batches, and may lose the last of them.
    towards: u64,
    /// Over what each pair [adds](share).
    sum: u128,
}

impl Base {
    /// Opens or creates it, mending what sled can rebuild.
    ///
    /// # Errors
    /// `InvalidData` if the log itself is damaged; otherwise whatever the file system said.
    pub(super) fn open(folder: &Path, floor: u64) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        remove_where(folder, |name| {
            name.starts_with("snap.") && name.ends_with(".generating")
        })?;
        recovery::prepare(folder)?;
        let length = fs::metadata(folder.join("db")).map_or(0, |log| log.len());
        let db = open_mending(folder)?;
        let file = File::options().read(true).write(true).open(folder.join("db"))?;
        file.sync_all()?;
        sync_folder(folder)?;
        recovery::finish(folder)?;
        let written = rebuild::length_when_written(folder)?;
        let base = Self {
            folder: folder.to_owned(),
            db: RwLock::new(Some(db)),
            file,
            bloated_at: written.saturating_add(written / 4).saturating_add(floor),
            mark: Mutex::default(),
        };
        match base.get(MARK)? {
            Some(bytes) => *base.mark() = Mark::decode(&bytes)?,
            None if length > EMPTY_LOG => return Err(damage("sled found nothing in a long log")),
            None => {}
        }
        Ok(base)
    }

    /// The last epoch that was checkpointed; 0 if none was.
    pub(super) fn epoch(&self) -> u64 {
        self.mark().epoch
    }

    /// The epoch of which it may have a part only, as far as it knows itself.
    pub(super) fn unfinished(&self) -> Option<u64> {
        let mark = *self.mark();
        (mark.towards != mark.epoch).then_some(mark.towards)
    }

    /// Reads everything, and says whether that is all that was stored, as it was stored last.
    pub(super) fn is_whole(&self) -> io::Result<bool> {
        Ok(self.sum()? == self.mark().sum)
    }

    /// From now on what is there is all that was stored; on disk when it returns.
    pub(super) fn take_for_whole(&self) -> io::Result<()> {
        let (sum, epoch) = (self.sum()?, self.epoch());
        self.put_mark(Mark {
            epoch,
            towards: epoch,
            sum,
        })
    }

    /// Takes over the mark of the store that it is a copy of. If that was not whole, nor is this.
    pub(super) fn take_mark_of(&self, original: &Base) -> io::Result<()> {
        let mark = *original.mark();
        self.put_mark(mark)
    }

    fn sum(&self) -> io::Result<u128> {
        self.scan(Bound::Unbounded, |pairs| {
            let stored = pairs.filter(|(key, _)| key != MARK);
            stored.fold(0, |sum: u128, (key, value)| sum.wrapping_add(share(&key, &value)))
        })
    }

    fn put_mark(&self, mark: Mark) -> io::Result<()> {
        self.with(|db| Ok(db.insert(MARK, &mark.encode()).map(drop)?))?;
        *self.mark() = mark;
        self.sync()
    }

    fn mark(&self) -> MutexGuard<'_, Mark> {
        self.mark.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in an epoch, up to which everything is then here; on disk when it returns.
    pub(super) fn checkpoint<'a>(
        &self,
        mut changes: impl Iterator<Item = (&'a [u8], Option<&'a [u8]>)>,
        epoch: u64,
    ) -> io::Result<()> {
        self.begin(epoch);
        let mut is_more = true;
        while is_more {
            is_more = self.write(changes.by_ref().take(BATCH))? == BATCH;
        }
        let sum = self.mark().sum;
        self.put_mark(Mark {
            epoch,
            towards: epoch,
            sum,
        })
    }

    /// What is written from now on is of this epoch.
    pub(super) fn begin(&self, epoch: u64) {
        self.mark().towards = epoch;
    }

    /// One batch of sled's, and the sum with it; says of how many changes.
    pub(super) fn write<'a>(&self, changes: impl Iterator<Item = (&'a [u8], Option<&'a [u8]>)>) -> io::Result<usize> {
        let mut mark = *self.mark();
        let (mut batch, mut count) = (sled::Batch::default(), 0);
        self.with(|db| {
            for (key, value) in changes {
                count += 1;
                if let Some(old) = db.get(key)? {
                    mark.sum = mark.sum.wrapping_sub(share(key, &old));
                }
                match value {
                    Some(value) => {
                        mark.sum = mark.sum.wrapping_add(share(key, value));
                        batch.insert(key, value);
                    }
                    None => batch.remove(key),
                }
            }
            batch.insert(MARK, &mark.encode());
            Ok(db.apply_batch(batch)?)
        })?;
        *self.mark() = mark;
        Ok(count)
    }

    /// When this returns, all that was written is on disk.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.with(|db| Ok(db.flush().map(drop)?))?;
        self.file.sync_data()
    }

    /// The value under a key.
    pub(super) fn get(&self, key: &[u8]) -> io::Result<Option<Vec<u8>>> {
        self.with(|db| Ok(db.get(key)?.map(|value| value.to_vec())))
    }

    /// Lets `read` have all pairs from a key on, in order; an error of sled's ends them, and counts.
    pub(super) fn scan<T>(
        &self,
        start: Bound<Vec<u8>>,
        read: impl FnOnce(&mut dyn Iterator<Item = (sled::IVec, sled::IVec)>) -> T,
    ) -> io::Result<T> {
        self.with(|db| {
            let mut failure = None;
            let range = db.range((start, Bound::<Vec<u8>>::Unbounded));
            let result = read(&mut range.map_while(|pair| pair.map_err(|error| failure = Some(error)).ok()));
            failure.map_or(Ok(result), |error| Err(error.into()))
        })
    }

    /// Whether it would be worth while to write it anew.
    pub(super) fn is_bloated(&self) -> bool {
        self.file
            .metadata()
            .is_ok_and(|metadata| metadata.len() > self.bloated_at)
    }

    /// Closes it in good order, if sled can: its last flush unwraps its errors, on a full disk for instance.
    pub(super) fn close(&self) {
        if !self.drop_db() || recovery::mark_closed(&self.folder).is_err() {
            tracing::debug!("the store is mended when it is opened next");
        }
    }

    fn drop_db(&self) -> bool {
        let db = self.db.write().unwrap_or_else(PoisonError::into_inner).take();
        catch_unwind(AssertUnwindSafe(|| drop(db))).is_ok()
    }

    fn with<T>(&self, step: impl FnOnce(&sled::Db) -> io::Result<T>) -> io::Result<T> {
        let db = self.db.read().unwrap_or_else(PoisonError::into_inner);
        guarded(|| step(db.as_ref().ok_or(io::ErrorKind::NotConnected)?))
    }
}

impl Mark {
    /// Epoch (8), the epoch that is being checkpointed (8), sum (16).
    fn encode(self) -> [u8; 32] {
        let mut bytes = [0; 32];
        let epochs = [self.epoch.to_be_bytes(), self.towards.to_be_bytes()];
        let fields = epochs.into_iter().flatten().chain(self.sum.to_be_bytes());
        bytes.iter_mut().zip(fields).for_each(|(to, from)| *to = from);
        bytes
    }

    fn decode(bytes: &[u8]) -> io::Result<Self> {
        let mut reader = Reader::new(bytes);
        let torn = |_| damage("a torn mark");
        Ok(Self {
            epoch: reader.u64().map_err(torn)?,
            towards: reader.u64().map_err(torn)?,
            sum: reader.array().map(u128::from_be_bytes).map_err(torn)?,
        })
    }
}

/// What a pair adds to the sum over all. Against accidents: whoever wants to deceive finds other pairs of the same sum, but
/// has to seal them.
fn share(key: &[u8], value: &[u8]) -> u128 {
    let [high @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] = hash(label::VAULT_SUM, &[key, value]);
    u128::from_be_bytes(high)
}

fn damage(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

impl Drop for Base {
    fn drop(&mut self) {
        self.drop_db();
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
    is_full(error)
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

/// Under this stands the mark. No key of the container or of a relay is so short but a relay's
/// sum, which is another.
pub(super) const MARK: &[u8] = b"e";
/// No log into which nothing was checkpointed is longer.
const EMPTY_LOG: u64 = 2 * 1024 * 1024;
/// Changes given to sled at once.
const BATCH: usize = 256;
/// sled's default is a gigabyte.
const CACHE_BYTES: u64 = 32 * 1024 * 1024;
/// How long to wait for a store that is being closed: five seconds in all.
const WAIT: Duration = Duration::from_millis(5);
const MAX_WAITS: u32 = 1_000;
