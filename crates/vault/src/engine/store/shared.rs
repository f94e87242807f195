//! What the threads of a store share: sled, the journal, and what is in memory between the two.
//!
//! Locks are taken in this order: `checkpointing`, `log`, `memory`.

use std::io;
use std::ops::Bound;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::base::Base;
use super::journal::{Journal, Replayed};
use super::overlay::Overlay;

/// A store without its thread.
pub(super) struct Shared {
    pub(super) base: Base,
    memory: RwLock<Memory>,
    log: Mutex<Log>,
    /// How far the journal is on disk, for those who wait for it.
    durable: Mutex<Durable>,
    progressed: Condvar,
    /// How long the journal's epoch has become, about.
    length: AtomicU64,
    /// One checkpoint at a time.
    pub(super) checkpointing: Mutex<()>,
    /// sled is being copied, so nothing may change in it.
    pub(super) is_copied: AtomicBool,
    /// After one failure nobody knows what the system has dropped, whatever it says later.
    failure: Mutex<Option<io::ErrorKind>>,
}

/// What has been applied.
pub(super) struct Memory {
    pub(super) overlay: Overlay,
    /// The body of the journal's next frame.
    pub(super) pending: Vec<u8>,
    /// The number of the last batch.
    pub(super) applied: u64,
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

impl Shared {
    /// With what the journal has that sled has not; batches go on after the one with this number.
    pub(super) fn new(base: Base, journal: Journal, replayed: Replayed, applied: u64) -> Self {
        Self {
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
        }
    }

    /// One of those who wait writes for all of them, who are then woken together.
    pub(super) fn sync(&self, number: u64) -> io::Result<()> {
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

    /// How long the journal has become, about.
    pub(super) fn length(&self) -> u64 {
        self.length.load(Ordering::Relaxed)
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
    pub(super) fn checkpoint(&self) -> io::Result<()> {
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
    pub(super) fn checkpoint_all(&self) -> io::Result<()> {
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
    pub(super) fn freeze(&self) -> io::Result<()> {
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
    pub(super) fn tell(&self, copy: &Base) -> io::Result<()> {
        let (log, memory) = (self.log(), self.memory());
        copy.checkpoint(memory.overlay.from(&Bound::Unbounded), log.journal.epoch())
    }

    pub(super) fn fail(&self, kind: io::ErrorKind) {
        self.failure().get_or_insert(kind);
    }

    pub(super) fn check(&self) -> io::Result<()> {
        self.failure().map_or(Ok(()), |kind| Err(kind.into()))
    }

    pub(super) fn failure(&self) -> MutexGuard<'_, Option<io::ErrorKind>> {
        lock(&self.failure)
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        lock(&self.log)
    }

    pub(super) fn memory(&self) -> RwLockReadGuard<'_, Memory> {
        self.memory.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn memory_mut(&self) -> RwLockWriteGuard<'_, Memory> {
        self.memory.write().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A journal of this length is checkpointed.
pub(super) const EPOCH_BYTES: u64 = 8 * 1024 * 1024;
/// At this length whoever writes waits for the checkpoint.
pub(super) const MAX_EPOCH_BYTES: u64 = 32 * 1024 * 1024;
