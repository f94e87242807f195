//! What a person can do with files. Reading and writing the person's own files happens outside the state's lock.

use super::{Known, Phase, Side, Signal, Transfer, TransferRecord};
use crate::commands::SendError;
use crate::content::{Content, FileOffer};
use crate::message::{Body, Direction, TransferId};
use crate::state::State;
use crate::store::{Changes, StoreError, table};
use outis_identity::Address;
use outis_transfer::{Geometry, Offer, Outline, Outliner};
use outis_vault::{FileId, Layout, Vault};
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Why nothing was done with a file.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The person's file cannot be read, or changes while it is read.
    #[error("the file cannot be read")]
    Unreadable(#[source] io::Error),
    /// Larger than can be sent.
    #[error("the file is too large")]
    TooLarge,
    /// It cannot be sent to this contact now.
    #[error(transparent)]
    Send(SendError),
    /// No such transfer.
    #[error("there is no such transfer")]
    NotFound,
    /// Not for a transfer that is this far, or in this direction.
    #[error("this transfer is at another stage")]
    WrongState,
    /// Something is there already; nothing is overwritten.
    #[error("there is a file of this name already")]
    PathExists,
    /// There is no room for it.
    #[error("the disk is full")]
    DiskFull,
    /// It cannot be written there.
    #[error("the file cannot be written")]
    Unwritable(#[source] io::Error),
    /// What is kept of it cannot be read.
    #[error("the container's file cannot be read")]
    Sealed(#[source] outis_vault::FileError),
    /// The store failed; nothing changed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Reads a file once, to its end, and gives its hash tree.
pub(crate) fn outline(path: &Path) -> Result<Outline, FileError> {
    let mut file = File::open(path).map_err(FileError::Unreadable)?;
    let metadata = file.metadata().map_err(FileError::Unreadable)?;
    if !metadata.is_file() {
        return Err(FileError::Unreadable(io::ErrorKind::InvalidInput.into()));
    }
    let geometry = Geometry::of(metadata.len()).map_err(|_| FileError::TooLarge)?;
    let mut outliner = Outliner::new(geometry);
    let mut buffer = Vec::new();
    for chunk in 0..geometry.chunks() {
        buffer.resize(geometry.length(chunk).unwrap_or_default(), 0);
        file.read_exact(&mut buffer).map_err(FileError::Unreadable)?;
        outliner
            .chunk(&buffer)
            .map_err(|_| FileError::Unreadable(io::ErrorKind::InvalidData.into()))?;
    }
    outliner
        .finish()
        .map_err(|_| FileError::Unreadable(io::ErrorKind::InvalidData.into()))
}

impl State {
    pub(crate) fn offer_file(
        &mut self,
        contact: &Address,
        path: &Path,
        outline: Outline,
    ) -> Result<Transfer, FileError> {
        let readable = path.to_str().zip(path.file_name().and_then(|name| name.to_str()));
        let (path, name) = readable.ok_or_else(|| FileError::Unreadable(io::ErrorKind::InvalidInput.into()))?;
        if *contact == self.address() {
            return Err(FileError::Send(SendError::NotAContact));
        }
        let offer = Offer::new(name, &outline, &mut self.rng);
        let id = TransferId(offer.id().0);
        let encoded = offer.encode().dangerously_expose().to_vec();
        let content = Content::FileOffer(FileOffer { offer: encoded.clone() });
        let mut record = TransferRecord {
            contact: *contact,
            direction: Direction::Out,
            position: 0,
            offer: encoded,
            phase: Phase::Offered,
            path: Some(path.to_owned()),
            told: None,
        };
        let pieces = outline.to_record();
        self.send_content(contact, content, Some(Body::File(id)), |changes, position| {
            record.position = position;
            changes.put(table::TRANSFERS, &id.0, 0, &record);
            for (index, piece) in (1..).zip(pieces.chunks(PIECE)) {
                changes.put_bytes(table::TRANSFERS, &id.0, index, piece.to_vec());
            }
        })
        .map_err(FileError::Send)?;
        self.transfers
            .insert(id, Known::new(record, offer, Side::Sending(Arc::new(outline))));
        self.shown_transfer(&id).ok_or(FileError::NotFound)
    }

    pub(crate) fn accept_file(&mut self, id: &TransferId, save_to: Option<PathBuf>) -> Result<Transfer, FileError> {
        let known = self.transfers.get_mut(id).ok_or(FileError::NotFound)?;
        let over = matches!(known.record.phase, Phase::Declined | Phase::Cancelled | Phase::Failed);
        if known.record.direction != Direction::In || over {
            return Err(FileError::WrongState);
        }
        if known.record.phase == Phase::Offered {
            let path = match save_to {
                Some(path) if path.symlink_metadata().is_ok() => return Err(FileError::PathExists),
                Some(path) => Some(
                    path.to_str()
                        .ok_or_else(|| FileError::Unwritable(io::ErrorKind::InvalidInput.into()))?
                        .to_owned(),
                ),
                None => None,
            };
            let geometry = known.offer.geometry();
            let chunk_bytes = u32::try_from(geometry.chunk_size()).map_err(|_| FileError::TooLarge)?;
            let layout = Layout {
                chunk_bytes,
                chunks: u64::from(geometry.chunks()),
            };
            self.store
                .vault()
                .files()
                .create(FileId(id.0), layout)
                .map_err(|error| match error {
                    outis_vault::FileError::DiskFull => FileError::DiskFull,
                    other => FileError::Sealed(other),
                })?;
            let mut record = known.record.clone();
            record.phase = Phase::Wanted;
            record.path = path;
            let mut changes = Changes::new();
            changes.put(table::TRANSFERS, &id.0, 0, &record);
            self.store.commit(changes)?;
            known.record = record;
        }
        self.told_of(id)
    }

    pub(crate) fn decline_file(&mut self, id: &TransferId) -> Result<Transfer, FileError> {
        let known = self.transfers.get(id).ok_or(FileError::NotFound)?;
        if known.record.direction != Direction::In || known.record.phase != Phase::Offered {
            return Err(FileError::WrongState);
        }
        let contact = known.record.contact;
        self.signal(&contact, id, &Signal::Declined, |record, _| {
            record.phase = Phase::Declined
        })?;
        self.told_of(id)
    }

    pub(crate) fn cancel_file(&mut self, id: &TransferId) -> Result<Transfer, FileError> {
        let known = self.transfers.get(id).ok_or(FileError::NotFound)?;
        if !matches!(known.record.phase, Phase::Offered | Phase::Wanted | Phase::Paused) {
            return Err(FileError::WrongState);
        }
        let contact = known.record.contact;
        self.signal(&contact, id, &Signal::Cancelled, |record, _| {
            record.phase = Phase::Cancelled
        })?;
        self.stop_transfer(id, Phase::Cancelled)?;
        self.told_of(id)
    }

    pub(crate) fn pause_file(&mut self, id: &TransferId) -> Result<Transfer, FileError> {
        let known = self.transfers.get(id).ok_or(FileError::NotFound)?;
        if known.record.phase != Phase::Wanted {
            return Err(FileError::WrongState);
        }
        self.set_phase(id, Phase::Paused)?;
        if let Some(known) = self.transfers.get(id) {
            known.live.stop();
        }
        self.told_of(id)
    }

    pub(crate) fn resume_file(&mut self, id: &TransferId) -> Result<Transfer, FileError> {
        let known = self.transfers.get_mut(id).ok_or(FileError::NotFound)?;
        if known.record.phase != Phase::Paused {
            return Err(FileError::WrongState);
        }
        known.live.go_on();
        known.again.succeeded();
        self.set_phase(id, Phase::Wanted)?;
        self.told_of(id)
    }

    /// What saving needs, to be done outside the lock.
    pub(crate) fn file_to_save(&self, id: &TransferId) -> Result<Saving, FileError> {
        let known = self.transfers.get(id).ok_or(FileError::NotFound)?;
        if known.record.direction != Direction::In || known.record.phase != Phase::Complete {
            return Err(FileError::WrongState);
        }
        Ok(Saving {
            vault: Arc::clone(self.store.vault()),
            id: FileId(id.0),
            chunks: known.offer.geometry().chunks(),
        })
    }

    fn told_of(&self, id: &TransferId) -> Result<Transfer, FileError> {
        self.events.push(crate::Event::TransferUpdated(*id));
        self.shown_transfer(id).ok_or(FileError::NotFound)
    }
}

/// A complete file in the container.
pub(crate) struct Saving {
    vault: Arc<Vault>,
    id: FileId,
    chunks: u32,
}

impl Saving {
    /// Writes it where nothing was before; leaves nothing behind if that fails.
    pub(crate) fn save(&self, path: &Path) -> Result<(), FileError> {
        let mut file = Half::create(path)?;
        for chunk in 0..self.chunks {
            self.copy(chunk, &mut file)?;
        }
        file.finish()
    }

    /// The same, and lets others have their turn between chunks. Dropped half-way, it leaves nothing behind either.
    pub(crate) async fn save_slowly(&self, path: &Path) -> Result<(), FileError> {
        let mut file = Half::create(path)?;
        for chunk in 0..self.chunks {
            self.copy(chunk, &mut file)?;
            tokio::task::yield_now().await;
        }
        file.finish()
    }

    fn copy(&self, chunk: u32, to: &mut Half<'_>) -> Result<(), FileError> {
        let bytes = self
            .vault
            .files()
            .read_chunk(self.id, u64::from(chunk))
            .map_err(FileError::Sealed)?;
        to.file.write_all(bytes.dangerously_expose()).map_err(unwritable)
    }
}

/// A file that is removed again unless it is finished.
struct Half<'a> {
    file: File,
    path: &'a Path,
    finished: bool,
}

impl<'a> Half<'a> {
    fn create(path: &'a Path) -> Result<Self, FileError> {
        let file = File::create_new(path).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => FileError::PathExists,
            _ => unwritable(error),
        })?;
        Ok(Self {
            file,
            path,
            finished: false,
        })
    }

    fn finish(mut self) -> Result<(), FileError> {
        self.file.sync_all().map_err(unwritable)?;
        self.finished = true;
        Ok(())
    }
}

impl Drop for Half<'_> {
    fn drop(&mut self) {
        if !self.finished {
            // Nobody else can have made it: it was created new.
            let _ = std::fs::remove_file(self.path);
        }
    }
}

fn unwritable(error: io::Error) -> FileError {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => FileError::DiskFull,
        _ => FileError::Unwritable(error),
    }
}

/// Bytes of an outline in one record.
const PIECE: usize = 96 * 1024;
