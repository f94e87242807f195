//! An ordered map of bytes with atomic, durable batches: a journal, and sled beneath it.
//!
//! What is applied is in the [`overlay`] at once, and durable when it is in the [`journal`], which threads that wait
//! together share one write of. When the journal has become long it goes on in its other file, and a thread of the store
//! takes what is in the first into sled: a *checkpoint*. Closing makes one too, so that a store at rest is sled alone.
//! sled's log grows under overwriting far beyond what is live in it, and never shrinks: a bloated store is written anew
//! when it is opened, or beside its work ([`rebuild`]).

use std::fs;
use std::io;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

mod base;
mod checkpointer;
mod journal;
mod overlay;
mod rebuild;
mod recovery;

pub(crate) use base::MAX_VALUE;
use base::{Base, MARK};
use checkpointer::Checkpointer;
pub(crate) use journal::JOURNALS;
use journal::Journal;
use overlay::{Overlay, merge};

/// An ordered map of bytes with atomic, durable batches.
pub(crate) struct Store {
    shared: Arc<Shared>,
    checkpointer: Checkpointer,
    /// Batches up to this one may be lost: applied before an earlier opening, and never synced.
    lost: u64,
    is_shut: bool,
}

struct Shared {
    base: Base,
    memory: RwLock<Memory>,
    log: Mutex<Log>,
    /// How far the journal is on disk, for those who wait for it.
    durable: Mutex<Durable>,
    progressed: Condvar,
    /// How long the journal's epoch has become, about.
    length: AtomicU64,
    /// One checkpoint at a time.
    checkpointing: Mutex<()>,
    /// sled is being copied, so nothing may change in it.
    is_copied: AtomicBool,
    /// After one failure nobody knows what the system has dropped, whatever it says later.
    failure: Mutex<Option<io::ErrorKind>>,
}

/// What has been applied.
struct Memory {
    overlay: Overlay,
    /// The body of the journal's next frame.
    pending: Vec<u8>,
    /// The number of the last batch.
    applied: u64,
}

struct Log {
    journal: Journal,
    /// The number of the last batch that is on disk.
    synced: u64,
}

#[derive(Default)]
struct Durable {
    number: u64,
    /// Somebody writes, for all who wait.
    is_writing: bool,
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

/// A store written anew, which is to take the place of the one it was copied from.
pub(crate) struct Rebuilt(Base);

impl Store {
    /// Opens or creates the store in `folder`, mending what sled can rebuild, and writes it anew if it is bloated. The
    /// journal stands beside the folder. Says whether something that was there is missing.
    ///
    /// # Errors
    /// `InvalidData` if the log itself is damaged; otherwise whatever the file system said.
    pub(crate) fn open(folder: &Path, progress: Progress) -> io::Result<(Self, bool)> {
        Self::open_below(folder, progress, BLOAT_FLOOR)
    }

    fn open_below(folder: &Path, progress: Progress, floor: u64) -> io::Result<(Self, bool)> {
        rebuild::finish(folder)?;
        let base = open_base(folder, floor)?;
        let epoch = base.epoch()?;
        let (journal, replayed) = Journal::open(folder.parent().unwrap_or(folder), epoch)?;
        let Progress { applied, lost } = progress;
        let shared = Arc::new(Shared {
            base,
            memory: RwLock::new(Memory {
                overlay: Overlay::new(replayed.active, replayed.frozen),
                pending: Vec::new(),
                applied,
            }),
            log: Mutex::new(Log {
                journal,
                synced: applied,
            }),
            durable: Mutex::new(Durable {
                number: applied,
                is_writing: false,
            }),
            progressed: Condvar::new(),
            length: AtomicU64::default(),
            checkpointing: Mutex::default(),
            is_copied: AtomicBool::default(),
            failure: Mutex::default(),
        });
        let store = Self {
            checkpointer: Checkpointer::start(Arc::clone(&shared)),
            shared,
            lost,
            is_shut: false,
        };
        Ok((store, replayed.has_gap))
    }

    /// Closes it, and says how far it came. What could not be synced counts as lost.
    pub(crate) fn close(mut self) -> Progress {
        self.shut()
    }

    fn shut(&mut self) -> Progress {
        self.checkpointer.stop();
        self.is_shut = true;
        let applied = self.applied();
        let is_durable = self.shared.sync(applied).is_ok();
        if is_durable && self.shared.checkpoint_all().is_ok() {
            self.shared.base.close();
        }
        let lost = if is_durable { self.lost } else { applied };
        Progress { applied, lost }
    }

    /// Whether a write has failed, so that the store has to be opened again.
    pub(crate) fn has_failed(&self) -> bool {
        self.shared.failure().is_some()
    }

    /// Whether it would be worth while to write it anew.
    pub(crate) fn is_bloated(&self) -> bool {
        self.shared.base.is_bloated()
    }

    /// Copies what sled has into a store beside this one, which goes on meanwhile: what changes stays in the journal.
    pub(crate) fn copy_beside(&self, folder: &Path) -> io::Result<Rebuilt> {
        {
            let _one = lock(&self.shared.checkpointing);
            self.shared.is_copied.store(true, Ordering::SeqCst);
        }
        let copied = rebuild::copy(folder, &self.shared.base, BLOAT_FLOOR);
        if copied.is_err() {
            self.shared.is_copied.store(false, Ordering::SeqCst);
        }
        copied.map(Rebuilt)
    }

    /// Closes this store, which nobody may use meanwhile, and puts the copy in its place, with all that came since.
    pub(crate) fn replace(mut self, folder: &Path, copy: Rebuilt) -> (Progress, io::Result<()>) {
        self.checkpointer.stop();
        if !self.shared.is_copied.load(Ordering::SeqCst) {
            let error = io::Error::other("too much changed while the store was copied");
            return (self.shut(), Err(error));
        }
        let written = self
            .shared
            .sync(self.applied())
            .and_then(|_| self.shared.tell(&copy.0))
            .and_then(|()| rebuild::seal(folder, &copy.0));
        self.shared.is_copied.store(false, Ordering::SeqCst);
        if let Err(error) = written {
            return (self.shut(), Err(error));
        }
        // From here on it is the copy that counts, which has all that is in the journal.
        let (applied, lost) = (self.applied(), self.lost);
        self.is_shut = true;
        self.shared.base.close();
        (Progress { applied, lost }, rebuild::swap(folder))
    }

    /// The value under a key.
    pub(crate) fn get(&self, key: &[u8]) -> io::Result<Option<Vec<u8>>> {
        if let Some(found) = self.shared.memory().overlay.get(key) {
            return Ok(found.map(<[u8]>::to_vec));
        }
        self.shared.base.get(key)
    }

    /// Applies all of the batch or nothing, and says its number for [`sync`](Self::sync).
    pub(crate) fn apply<K: AsRef<[u8]>>(
        &self,
        batch: impl IntoIterator<Item = (K, Option<Vec<u8>>)>,
    ) -> io::Result<u64> {
        self.shared.check()?;
        let batch: Vec<(K, Option<Vec<u8>>)> = batch.into_iter().collect();
        let is_too_long = |value: &Vec<u8>| value.len() > MAX_VALUE;
        if batch.iter().any(|(_, value)| value.as_ref().is_some_and(is_too_long)) {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let mut memory = self.shared.memory_mut();
        for (key, value) in batch {
            journal::encode(&mut memory.pending, key.as_ref(), value.as_deref())?;
            memory.overlay.put(key.as_ref().to_vec(), value);
        }
        memory.applied += 1;
        Ok(memory.applied)
    }

    /// The number of the last batch.
    pub(crate) fn applied(&self) -> u64 {
        self.shared.memory().applied
    }

    /// Returns when the batch with this number, and all before it, are on disk.
    ///
    /// # Errors
    /// Also if it may have been lost since, however much later it is asked for.
    pub(crate) fn sync(&self, number: u64) -> io::Result<()> {
        if self.is_lost(number) {
            return Err(io::Error::other("what was applied may be lost"));
        }
        self.shared.sync(number)?;
        let length = self.shared.length.load(Ordering::Relaxed);
        if length >= EPOCH_BYTES {
            self.checkpointer.wake();
        }
        if length >= MAX_EPOCH_BYTES {
            self.shared.checkpoint()?;
        }
        Ok(())
    }

    /// Whether the batch with this number may be lost.
    pub(crate) fn is_lost(&self, number: u64) -> bool {
        number > 0 && number <= self.lost
    }

    /// The pairs whose key starts with `prefix` and is greater than `after`, in order.
    pub(crate) fn scan(
        &self,
        prefix: &[u8],
        after: Option<&[u8]>,
        limit: usize,
    ) -> io::Result<Vec<(Vec<u8>, Vec<u8>)>> {
        let start = match after {
            Some(after) if after >= prefix => Bound::Excluded(after.to_vec()),
            _ => Bound::Included(prefix.to_vec()),
        };
        let memory = self.shared.memory();
        let newer = memory.overlay.from(&start);
        self.shared.base.scan(start, |pairs| {
            let newer = newer.map(|(key, value)| (key.to_vec(), value.map(<[u8]>::to_vec)));
            let stored = pairs.map(|(key, value)| (key.to_vec(), Some(value.to_vec())));
            merge(newer, stored)
                .take_while(|(key, _)| key.starts_with(prefix))
                .filter(|(key, _)| key != MARK)
                .filter_map(|(key, value)| Some((key, value?)))
                .take(limit)
                .collect()
        })
    }

    /// As if the disk had failed.
    #[cfg(test)]
    pub(crate) fn fail(&self) {
        self.shared.fail(io::ErrorKind::Other);
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        if !self.is_shut {
            self.shut();
        }
    }
}

impl Shared {
    /// One of those who wait writes for all of them, who are then woken together.
    fn sync(&self, number: u64) -> io::Result<()> {
        let mut durable = lock(&self.durable);
        while durable.number < number {
            if durable.is_writing {
                durable = self.progressed.wait(durable).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            durable.is_writing = true;
            drop(durable);
            let written = self.write_pending();
            durable = lock(&self.durable);
            durable.is_writing = false;
            durable.number = durable.number.max(*written.as_ref().unwrap_or(&0));
            self.progressed.notify_all();
            written?;
        }
        Ok(())
    }

    /// Writes what has been applied into the journal; says up to which batch.
    fn write_pending(&self) -> io::Result<u64> {
        let mut log = self.log();
        self.check()?;
        let mut memory = self.memory_mut();
        let (pending, applied) = (std::mem::take(&mut memory.pending), memory.applied);
        drop(memory);
        self.append(&mut log, &pending, applied)?;
        Ok(log.synced)
    }

    fn append(&self, log: &mut Log, pending: &[u8], applied: u64) -> io::Result<()> {
        if !pending.is_empty() {
            log.journal
                .append(pending)
                .inspect_err(|error| self.fail(error.kind()))?;
            self.length.store(log.journal.position(), Ordering::Relaxed);
        }
        log.synced = applied;
        Ok(())
    }

    /// Takes into sled what is in the journal, if that is long.
    fn checkpoint(&self) -> io::Result<()> {
        if self.log().journal.position() >= MAX_EPOCH_BYTES {
            // Whoever copies begins again another time.
            self.is_copied.store(false, Ordering::SeqCst);
        }
        let _one = lock(&self.checkpointing);
        if self.is_copied.load(Ordering::SeqCst) {
            return Ok(());
        }
        self.thaw()?;
        if self.log().journal.position() < EPOCH_BYTES {
            return Ok(());
        }
        self.freeze()?;
        self.thaw()
    }

    /// Takes everything into sled, and empties the journal.
    fn checkpoint_all(&self) -> io::Result<()> {
        let _one = lock(&self.checkpointing);
        self.check()?;
        self.thaw()?;
        if self.log().journal.position() > 0 {
            self.freeze()?;
            self.thaw()?;
        }
        self.log().journal.clear()
    }

    /// Ends an epoch. The one before must have been checkpointed.
    fn freeze(&self) -> io::Result<()> {
        let mut log = self.log();
        let mut memory = self.memory_mut();
        // Nothing reaches sled that is not in the journal.
        let (pending, applied) = (std::mem::take(&mut memory.pending), memory.applied);
        self.append(&mut log, &pending, applied)?;
        memory.overlay.freeze(log.journal.epoch());
        log.journal.begin_next().inspect_err(|error| self.fail(error.kind()))?;
        self.length.store(0, Ordering::Relaxed);
        Ok(())
    }

    /// Checkpoints the epoch that has ended, if there is one.
    fn thaw(&self) -> io::Result<()> {
        self.check()?;
        let Some(frozen) = self.memory().overlay.frozen() else {
            return Ok(());
        };
        let taken = self.base.checkpoint(frozen.pairs(), frozen.epoch);
        taken.inspect_err(|error| self.fail(error.kind()))?;
        self.memory_mut().overlay.thaw();
        Ok(())
    }

    /// Gives a copy of sled everything that sled has not.
    fn tell(&self, copy: &Base) -> io::Result<()> {
        let (log, memory) = (self.log(), self.memory());
        copy.checkpoint(memory.overlay.from(&Bound::Unbounded), log.journal.epoch())
    }

    fn fail(&self, kind: io::ErrorKind) {
        self.failure().get_or_insert(kind);
    }

    fn check(&self) -> io::Result<()> {
        self.failure().map_or(Ok(()), |kind| Err(kind.into()))
    }

    fn failure(&self) -> MutexGuard<'_, Option<io::ErrorKind>> {
        lock(&self.failure)
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        lock(&self.log)
    }

    fn memory(&self) -> RwLockReadGuard<'_, Memory> {
        self.memory.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn memory_mut(&self) -> RwLockWriteGuard<'_, Memory> {
        self.memory.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// sled, written anew if it is bloated.
fn open_base(folder: &Path, floor: u64) -> io::Result<Base> {
    let base = Base::open(folder, floor)?;
    if !base.is_bloated() {
        return Ok(base);
    }
    match rebuild::copy(folder, &base, floor).and_then(|copy| rebuild::seal(folder, &copy)) {
        Ok(()) => {
            drop(base);
            rebuild::swap(folder)?;
            Base::open(folder, floor)
        }
        Err(error) => {
            tracing::warn!(error = %error.kind(), "a bloated store could not be written anew; it is used as it is");
            rebuild::finish(folder)?;
            Ok(base)
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// When this returns, the names in `folder` are on disk.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) {
        fs::File::open(folder)?.sync_all()
    } else {
        Ok(())
    }
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

/// No log of sled's below this is bloated.
const BLOAT_FLOOR: u64 = 24 * 1024 * 1024;
/// A journal of this length is checkpointed.
const EPOCH_BYTES: u64 = 8 * 1024 * 1024;
/// At this length whoever writes waits for the checkpoint.
const MAX_EPOCH_BYTES: u64 = 32 * 1024 * 1024;

#[cfg(test)]
mod tests;
