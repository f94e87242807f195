//! What a person can do with files. Reading and writing the person's own files happens outside the state's lock, before and
//! after.

use super::prepare::Prepared;
use super::saving::Saving;
use super::source::MANIFEST;
use super::transfer::Rest;
use super::{Known, Phase, Side, Signal, Transfer, TransferRecord};
use crate::commands::SendError;
use crate::contact::ContactState;
use crate::content::{Content, FileOffer};
use crate::message::{Body, Direction, TransferId};
use crate::state::State;
use crate::store::{Changes, StoreError, table};
use outis_identity::Address;
use outis_vault::{FileId, Layout};
use std::io;
use std::path::PathBuf;
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
    /// It is an image, and what a camera wrote into it cannot be told, so that it can only be sent as it is.
    #[error("what is in this image cannot be told; it can only be sent as it is")]
    Metadata,
    /// What has come as a folder is none.
    #[error("this is no folder")]
    Folder,
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

impl State {
    pub(crate) fn offer_file(&mut self, contact: &Address, prepared: Prepared) -> Result<Transfer, FileError> {
        if *contact == self.address() {
            return Err(FileError::Send(SendError::NotAContact));
        }
        let Prepared {
            offer,
            outline,
            source,
            manifest,
            ..
        } = prepared;
        let id = TransferId(offer.id().0);
        let encoded = offer.encode().dangerously_expose().to_vec();
        let content = Content::FileOffer(FileOffer { offer: encoded.clone() });
        let mut record = TransferRecord {
            contact: *contact,
            direction: Direction::Out,
            position: 0,
            offer: encoded,
            phase: Phase::Offered,
            paused_here: None,
            paused_there: false,
            source: Some(source),
            save_to: None,
            told: None,
            called: None,
            lockers: Vec::new(),
        };
        let (outlines, manifests) = (outline.to_record(), manifest.unwrap_or_default());
        let outlines = (1..).zip(outlines.chunks(PIECE));
        let pieces = outlines.chain((MANIFEST..).zip(manifests.chunks(PIECE)));
        self.send_content(contact, content, Some(Body::File(id)), |changes, position| {
            record.position = position;
            changes.put(table::TRANSFERS, &id.0, 0, &record);
            for (index, piece) in pieces {
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
        let over = known.record.phase.is_over() && known.record.phase != Phase::Complete;
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
            record.save_to = path;
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
        self.tell_and_end(&contact, id, &Signal::Declined, Phase::Declined)?;
        self.told_of(id)
    }

    pub(crate) fn cancel_file(&mut self, id: &TransferId) -> Result<Transfer, FileError> {
        let known = self.transfers.get(id).ok_or(FileError::NotFound)?;
        if known.record.phase.is_over() {
            return Err(FileError::WrongState);
        }
        let contact = known.record.contact;
        self.tell_and_end(&contact, id, &Signal::Cancelled, Phase::Cancelled)?;
        self.told_of(id)
    }

    pub(crate) fn pause_file(&mut self, id: &TransferId) -> Result<Transfer, FileError> {
        let known = self.transfers.get(id).ok_or(FileError::NotFound)?;
        if known.record.phase != Phase::Wanted || known.record.paused_here.is_some() {
            return Err(FileError::WrongState);
        }
        self.rest_transfer(id, Rest::Asked)?;
        self.told_of(id)
    }

    pub(crate) fn resume_file(&mut self, id: &TransferId) -> Result<Transfer, FileError> {
        let known = self.transfers.get(id).ok_or(FileError::NotFound)?;
        if known.record.phase != Phase::Wanted || known.record.paused_here.is_none() {
            return Err(FileError::WrongState);
        }
        let contact = known.record.contact;
        self.signal(&contact, id, &Signal::Resumed, |record, _| record.paused_here = None)?;
        self.rest_or_go_on(id);
        self.told_of(id)
    }

    /// What saving needs, to be done outside the lock.
    pub(crate) fn file_to_save(&self, id: &TransferId) -> Result<Saving, FileError> {
        let known = self.transfers.get(id).ok_or(FileError::NotFound)?;
        if !known.record.is_whole() {
            return Err(FileError::WrongState);
        }
        Ok(Saving {
            vault: Arc::clone(self.store.vault()),
            id: FileId(id.0),
            geometry: *known.offer.geometry(),
            kind: known.offer.kind(),
        })
    }

    /// The same, for who looks at it here: only what an accepted contact sent, or we did.
    pub(crate) fn file_to_show(&self, id: &TransferId) -> Result<Saving, FileError> {
        let known = self.transfers.get(id).ok_or(FileError::NotFound)?;
        let peer = self.peers.get(&known.record.contact);
        let accepted = peer.is_some_and(|peer| peer.record.state == ContactState::Accepted);
        if known.record.direction == Direction::In && !accepted {
            return Err(FileError::WrongState);
        }
        self.file_to_save(id)
    }

    fn told_of(&self, id: &TransferId) -> Result<Transfer, FileError> {
        self.events.push(crate::Event::TransferUpdated(*id));
        self.shown_transfer(id).ok_or(FileError::NotFound)
    }
}

/// Bytes of an outline or a manifest in one record.
const PIECE: usize = 96 * 1024;
