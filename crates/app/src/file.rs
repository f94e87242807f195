//! `file.*`

use crate::{App, Error, ErrorCode, contact::parse_address, dto::*, unlocked::Unlocked as Open};
use outis_messenger::{self as messenger, FileError, Messenger, Metadata, TransferId};
use std::{
    fmt::Write,
    path::{Path, PathBuf},
    sync::Arc,
};

impl App {
    /// Offers a file. Reads all of it once, to know what it is.
    pub async fn file_send(&self, params: SendFile) -> Result<Transfer, Error> {
        let contact = parse_address(&params.contact)?;
        let transfer = self.with_files(move |messenger| {
            let metadata = if params.keep_metadata {
                Metadata::Kept
            } else {
                Metadata::Removed
            };
            messenger.send_file_with(&contact, Path::new(&params.path), metadata)
        });
        Ok(shown(transfer.await?))
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

pub(crate) fn shown(transfer: messenger::Transfer) -> Transfer {
    let messenger::Transfer {
        id,
        contact,
        direction,
        message: _,
        name,
        folder,
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
