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
use std::sync::Arc;
use std::sync::atomic::Ordering;

mod base;
mod checkpointer;
mod journal;
mod overlay;
mod rebuild;
mod recovery;
mod shared;

pub(crate) use base::MAX_VALUE;
use base::{Base, MARK};
use checkpointer::Checkpointer;
use journal::Journal;
pub(crate) use journal::{JOURNALS, is_journal};
use overlay::merge;
use shared::{EPOCH_BYTES, MAX_EPOCH_BYTES, Shared, lock};

/// An ordered map of bytes with atomic, durable batches.
pub(crate) struct Store {
    shared: Arc<Shared>,
    checkpointer: Checkpointer,
    /// Batches up to this one may be lost: applied before an earlier opening, and never synced.
    lost: u64,
    is_shut: bool,
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
        let epoch = base.epoch();
        let (journal, replayed) = Journal::open(folder.parent().unwrap_or(folder), epoch)?;
        let Progress { applied, lost } = progress;
        // A checkpoint that was cut short is made again, if the journal still has its epoch.
        let has_epoch = |epoch| {
            let is_frozen = replayed.frozen.as_ref().is_some_and(|(frozen, _)| *frozen == epoch);
            is_frozen || (journal.epoch() == epoch && journal.position() > 0)
        };
        let has_gap = replayed.has_gap || base.unfinished().is_some_and(|epoch| !has_epoch(epoch));
        let shared = Arc::new(Shared::new(base, journal, replayed, applied));
        let store = Self {
            checkpointer: Checkpointer::start(Arc::clone(&shared)),
            shared,
            lost,
            is_shut: false,
        };
        Ok((store, has_gap))
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

    /// Reads all that sled has, and says whether that is all that was stored there, as it was stored last.
    pub(crate) fn is_whole(&self) -> io::Result<bool> {
        let _one = lock(&self.shared.checkpointing);
        self.shared.base.is_whole()
    }

    /// From now on what sled has is all that was stored there.
    pub(crate) fn take_for_whole(&self) -> io::Result<()> {
        let _one = lock(&self.shared.checkpointing);
        self.shared.base.take_for_whole()
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
        let length = self.shared.length();
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
#[cfg(test)]
mod tests;
