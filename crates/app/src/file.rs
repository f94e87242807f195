//! `file.*`

use crate::{App, Error, ErrorCode, contact::parse_address, dto::*, unlocked::Unlocked as Open};
use outis_messenger::{self as messenger, FileError, Given, Messenger, Metadata, NoPicture, Picture, TransferId};
use std::{
    fmt::Write,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

impl App {
    /// Offers a file. Reads all of it once, to know what it is.
    pub async fn file_send(&self, params: SendFile) -> Result<Transfer, Error> {
        let contact = parse_address(&params.contact)?;
        let transfer = self.with_files(move |messenger| {
            let metadata = metadata(params.keep_metadata);
            messenger.send_file_with(&contact, Path::new(&params.path), metadata)
        });
        Ok(shown(transfer.await?))
    }

    /// Takes bytes that are to be sent and do not fit into one call.
    pub async fn file_put_bytes(&self, params: PutBytes) -> Result<Upload, Error> {
        let PutBytes { upload, bytes } = params;
        let open = self.unlocked()?;
        let (upload, size) = open.uploads().put(upload.as_deref(), bytes.dangerously_expose())?;
        Ok(Upload {
            upload,
            size: size as u64,
        })
    }

    /// Offers bytes that lie in no file.
    pub async fn file_send_bytes(&self, params: SendBytes) -> Result<Transfer, Error> {
        let SendBytes {
            contact,
            name,
            upload,
            bytes,
            keep_metadata,
            voice,
        } = params;
        let contact = parse_address(&contact)?;
        let voice = voice.map(|Voice { ms, waveform }| {
            let voice = messenger::Voice::new(ms, waveform);
            voice.ok_or_else(|| Error::new(ErrorCode::InvalidParams, "a waveform has at most 64 steps"))
        });
        let voice = voice.transpose()?;
        if upload.is_none() && bytes.is_none() {
            return Err(Error::new(ErrorCode::InvalidParams, "there are no bytes"));
        }
        let last = bytes.as_ref().map(Bytes::dangerously_expose).unwrap_or_default();
        let bytes = self.unlocked()?.uploads().take(upload.as_deref(), last)?;
        let given = Given {
            name,
            bytes: bytes.into(),
            voice,
        };
        let sent = self.with_files(move |messenger| messenger.send_bytes(&contact, given, metadata(keep_metadata)));
        Ok(shown(sent.await?))
    }

    /// Says yes to an offer.
    pub async fn file_accept(&self, params: AcceptFile) -> Result<Transfer, Error> {
        let id = parse_id(&params.id)?;
        let transfer = self.with_files(move |messenger| messenger.accept_file(&id, params.save_to.map(PathBuf::from)));
        Ok(shown(transfer.await?))
    }

    /// Says no to an offer.
    pub async fn file_decline(&self, params: TransferRef) -> Result<Transfer, Error> {
        self.change_transfer(&params, Messenger::decline_file).await
    }

    /// Stops a transfer for now.
    pub async fn file_pause(&self, params: TransferRef) -> Result<Transfer, Error> {
        self.change_transfer(&params, Messenger::pause_file).await
    }

    /// Goes on with it.
    pub async fn file_resume(&self, params: TransferRef) -> Result<Transfer, Error> {
        self.change_transfer(&params, Messenger::resume_file).await
    }

    /// Stops a transfer for good.
    pub async fn file_cancel(&self, params: TransferRef) -> Result<Transfer, Error> {
        self.change_transfer(&params, Messenger::cancel_file).await
    }

    /// Writes a received file to where a person wants it.
    pub async fn file_save(&self, params: SaveFile) -> Result<Nothing, Error> {
        let id = parse_id(&params.id)?;
        self.with_files(move |messenger| messenger.save_file(&id, Path::new(&params.path)))
            .await?;
        Ok(Nothing {})
    }

    /// A part of a complete file, for who shows or plays it.
    pub async fn file_read(&self, params: ReadFile) -> Result<FilePart, Error> {
        let ReadFile { id, offset } = params;
        let id = parse_id(&id)?;
        let part = self.with_files(move |messenger| {
            let part = messenger.read_file_part(&id, offset, PART)?;
            Ok((part, messenger.transfer(&id)))
        });
        let (bytes, transfer) = part.await?;
        Ok(FilePart {
            bytes: bytes.dangerously_expose().to_vec().into(),
            size: transfer.map_or(0, |transfer| transfer.size),
        })
    }

    /// A small picture of an image that came: made once, and kept sealed.
    pub async fn file_thumbnail(&self, params: TransferRef) -> Result<Thumbnail, Error> {
        let id = parse_id(&params.id)?;
        let kept = self.with_files(move |messenger| messenger.kept_picture(&id)).await?;
        let picture = match kept {
            Some(made) => made,
            None => self.make_picture(id).await?,
        };
        let picture = picture.map_err(|error| Error::new(ErrorCode::InvalidParams, error))?;
        let (width, height) = picture.size();
        Ok(Thumbnail {
            mime: picture.mime().to_owned(),
            data: picture.bytes().to_vec().into(),
            width,
            height,
        })
    }

    /// One at a time; who waits too long goes without, and finds what was made when they ask again.
    async fn make_picture(&self, id: TransferId) -> Result<Result<Picture, NoPicture>, Error> {
        let pictures = Arc::clone(&self.inner.pictures);
        let made = async {
            let turn = pictures.lock_owned().await;
            let make = move |messenger: &Messenger| {
                let _turn = turn;
                messenger.make_picture(&id)
            };
            self.with_files(make).await
        };
        tokio::time::timeout(PATIENCE, made)
            .await
            .unwrap_or(Ok(Err(NoPicture::TooMuch)))
    }

    /// All transfers, or those with one contact.
    pub async fn file_list(&self, params: ListFiles) -> Result<Vec<Transfer>, Error> {
        let contact = params.contact.map(|contact| parse_address(&contact)).transpose()?;
        Ok(self
            .unlocked()?
            .messenger
            .transfers(contact.as_ref())
            .into_iter()
            .map(shown)
            .collect())
    }

    async fn change_transfer(
        &self,
        params: &TransferRef,
        change: impl FnOnce(&Messenger, &TransferId) -> Result<messenger::Transfer, FileError> + Send + 'static,
    ) -> Result<Transfer, Error> {
        let id = parse_id(&params.id)?;
        Ok(shown(self.with_files(move |messenger| change(messenger, &id)).await?))
    }

    /// What reads or writes whole files has a thread of its own.
    async fn with_files<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Messenger) -> Result<T, FileError> + Send + 'static,
    ) -> Result<T, Error> {
        let open: Arc<Open> = self.unlocked()?;
        let done = tokio::task::spawn_blocking(move || work(&open.messenger)).await;
        Ok(done.map_err(Error::internal)??)
    }
}

fn metadata(kept: bool) -> Metadata {
    if kept { Metadata::Kept } else { Metadata::Removed }
}

pub(crate) fn shown(transfer: messenger::Transfer) -> Transfer {
    let messenger::Transfer {
        id,
        contact,
        direction,
        message: _,
        name,
        folder,
        voice,
        size,
        done,
        state,
        why,
        rate,
        blake3,
    } = transfer;
    Transfer {
        id: id.to_string(),
        contact: contact.to_string(),
        direction: match direction {
            messenger::Direction::Out => Direction::Out,
            messenger::Direction::In => Direction::In,
        },
        name,
        folder,
        voice: voice.as_ref().map(shown_voice),
        size,
        done,
        state: match state {
            messenger::TransferState::Offered => TransferState::Offered,
            messenger::TransferState::Active => TransferState::Active,
            messenger::TransferState::Paused => TransferState::Paused,
            messenger::TransferState::Waiting => TransferState::Waiting,
            messenger::TransferState::Complete => TransferState::Complete,
            messenger::TransferState::Declined => TransferState::Declined,
            messenger::TransferState::Cancelled => TransferState::Cancelled,
            messenger::TransferState::Failed => TransferState::Failed,
        },
        why: why.map(|why| match why {
            messenger::Why::PausedHere => TransferReason::PausedHere,
            messenger::Why::PausedThere => TransferReason::PausedThere,
            messenger::Why::DiskFull => TransferReason::DiskFull,
            messenger::Why::InMailbox => TransferReason::InMailbox,
            messenger::Why::InOutbox => TransferReason::InOutbox,
            messenger::Why::Unreadable => TransferReason::Unreadable,
            messenger::Why::Changed => TransferReason::Changed,
        }),
        rate,
        blake3: Some(hex(&blake3)),
    }
}

pub(crate) fn shown_voice(voice: &messenger::Voice) -> Voice {
    Voice {
        ms: voice.ms(),
        waveform: voice.waveform().to_vec(),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn parse_id(text: &str) -> Result<TransferId, Error> {
    text.parse()
        .map_err(|_| Error::new(ErrorCode::NotFound, "there is no such transfer"))
}

/// Bytes of a file in one answer.
const PART: usize = 1024 * 1024;

/// How long somebody waits for a small picture.
const PATIENCE: Duration = Duration::from_secs(20);
