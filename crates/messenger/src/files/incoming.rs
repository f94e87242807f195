//! What comes of a file: written chunk by chunk, and brought to rest many chunks at a time.
//!
//! The receiver's record says only what rests on the disk. What was written after it is found again when a transfer goes on
//! ([`Incoming::find`]): a slot that opens was sealed by us, and only what was checked is ever sealed. So a killed process
//! loses nothing that had come whole, although not every chunk is synced for itself.

use super::roads::{lock, on_the_disk};
use crate::message::TransferId;
use crate::store::{Changes, Store, table};
use outis_transfer::{Receiver, Verified};
use outis_vault::{FileError, FileId};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::sync::futures::Notified;
use tokio::time::Instant;

/// The receiving side of one transfer, over all its roads and pieces.
pub(crate) struct Incoming {
    id: TransferId,
    store: Store,
    receiver: Mutex<Receiver>,
    written: Mutex<Written>,
    /// Held while chunks are brought to rest.
    resting: Mutex<()>,
    /// Something was freed, or all is there.
    changed: Notify,
}

/// Written, and not at rest.
#[derive(Default)]
struct Written {
    chunks: Vec<u32>,
    bytes: u64,
    since: Option<Instant>,
}

/// Why a chunk was not kept; it is asked for again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unkept {
    DiskFull,
    Failed,
}

impl Incoming {
    pub(crate) fn new(id: TransferId, store: Store, receiver: Receiver) -> Self {
        Self {
            id,
            store,
            receiver: Mutex::new(receiver),
            written: Mutex::default(),
            resting: Mutex::default(),
            changed: Notify::new(),
        }
    }

    pub(crate) fn receiver(&self) -> MutexGuard<'_, Receiver> {
        lock(&self.receiver)
    }

    pub(crate) fn is_complete(&self) -> bool {
        self.receiver().is_complete()
    }

    /// Ends when there may be something to ask for that was not there before, or nothing any more, from this call on.
    pub(crate) fn changed(&self) -> Notified<'_> {
        self.changed.notified()
    }

    pub(crate) fn has_changed(&self) {
        self.changed.notify_waiters();
    }

    /// Looks for chunks that were written after the record. Stops where nothing was written for long: chunks come roughly in
    /// order.
    pub(crate) fn find(&self) {
        let missing = self.receiver().missing(FAR);
        let mut found = Vec::new();
        let mut empty = 0;
        for chunk in missing {
            match self.store.vault().files().read_chunk(self.file(), u64::from(chunk)) {
                Ok(_) => found.push(chunk),
                Err(FileError::Unwritten | FileError::Damaged { .. }) => empty += 1,
                Err(_) => return,
            }
            if empty > GAP {
                break;
            }
        }
        if found.is_empty() || self.store.vault().files().sync(self.file()).is_err() {
            return;
        }
        let mut receiver = self.receiver();
        found.into_iter().for_each(|chunk| receiver.stored(chunk));
    }

    /// Writes a chunk that was admitted, and brings everything to rest when it is much or the last.
    pub(crate) fn keep(&self, chunk: &Verified) -> Result<(), Unkept> {
        let bytes = chunk.dangerously_expose();
        let write = || {
            self.store
                .vault()
                .files()
                .write_chunk(self.file(), u64::from(chunk.index()), bytes)
        };
        if let Err(error) = write() {
            self.receiver().lost(chunk.index());
            return Err(unkept(&error));
        }
        {
            let mut written = lock(&self.written);
            written.chunks.push(chunk.index());
            written.bytes = written.bytes.saturating_add(bytes.len() as u64);
            written.since.get_or_insert_with(Instant::now);
        }
        if self.receiver().has_arrived() {
            self.rest()
        } else {
            self.rest_if_due()
        }
    }

    /// Brings what was written to rest if it is much, or long ago.
    pub(crate) fn rest_if_due(&self) -> Result<(), Unkept> {
        let due = {
            let written = lock(&self.written);
            written.bytes >= AT_ONCE || written.since.is_some_and(|since| since.elapsed() >= WHILE)
        };
        if due { self.rest() } else { Ok(()) }
    }

    /// Brings what was written to rest, and says so.
    pub(crate) fn rest(&self) -> Result<(), Unkept> {
        on_the_disk(|| self.rest_now())
    }

    fn rest_now(&self) -> Result<(), Unkept> {
        let _turn = lock(&self.resting);
        let Written { chunks, .. } = std::mem::take(&mut *lock(&self.written));
        if chunks.is_empty() {
            return Ok(());
        }
        if let Err(error) = self.store.vault().files().sync(self.file()) {
            let mut receiver = self.receiver();
            chunks.into_iter().for_each(|chunk| receiver.lost(chunk));
            return Err(unkept(&error));
        }
        let (record, complete) = {
            let mut receiver = self.receiver();
            chunks.into_iter().for_each(|chunk| receiver.stored(chunk));
            (receiver.to_record(), receiver.is_complete())
        };
        let mut changes = Changes::new();
        changes.put_bytes(table::TRANSFERS, &self.id.0, RECORD, record);
        let stored = self.store.commit(changes).map_err(|_| Unkept::Failed);
        if complete {
            self.has_changed();
        }
        stored
    }

    fn file(&self) -> FileId {
        FileId(self.id.0)
    }
}

fn unkept(error: &FileError) -> Unkept {
    match error {
        FileError::DiskFull => Unkept::DiskFull,
        _ => Unkept::Failed,
    }
}

/// Where the receiver's record stands beside the transfer's own.
pub(super) const RECORD: u64 = 1;

/// Bytes that are brought to rest together, and for how long they may wait for it.
const AT_ONCE: u64 = 16 * 1024 * 1024;
const WHILE: Duration = Duration::from_secs(2);

/// Chunks that are looked for after a restart: what may have been written since the record, on all roads.
const FAR: usize = 1_024;
const GAP: usize = 320;
