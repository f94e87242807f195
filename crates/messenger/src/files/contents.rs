//! What lies in the container and nowhere else: bytes that are sent without a file of their own, parts of what came for who
//! looks at it here, and the small pictures that were made of it.

use super::prepare::{Given, Prepared};
use super::source::MANIFEST;
use super::{FileError, Metadata, Transfer};
use crate::Messenger;
use crate::message::TransferId;
use crate::store::{Changes, table};
use outis_crypto::SecretBytes;
use outis_identity::Address;
use outis_transfer::{NoPicture, Picture};
use std::sync::Arc;

impl Messenger {
    /// Offers what lies in no file. It is sealed in the container, and stays there for as long as its message.
    #[allow(clippy::missing_errors_doc)]
    pub fn send_bytes(&self, contact: &Address, given: Given, metadata: Metadata) -> Result<Transfer, FileError> {
        let (vault, mut rng) = {
            let state = self.shared.state();
            (Arc::clone(state.store.vault()), state.rng.clone())
        };
        let prepared = Prepared::given(given, metadata, &mut rng)?;
        prepared.keep(&vault)?;
        self.command(|state| state.offer_file(contact, prepared))
    }

    /// A complete file that lies in the container, if it is no larger than this, and if who sent it is a contact still.
    #[allow(clippy::missing_errors_doc)]
    pub fn read_file(&self, id: &TransferId, most: u64) -> Result<SecretBytes, FileError> {
        let saving = self.shared.state().file_to_show(id)?;
        saving.read(most)
    }

    /// A part of such a file, of any size: so many bytes from there on, fewer at its end.
    #[allow(clippy::missing_errors_doc)]
    pub fn read_file_part(&self, id: &TransferId, offset: u64, most: usize) -> Result<SecretBytes, FileError> {
        let saving = self.shared.state().file_to_show(id)?;
        saving.part(offset, most)
    }

    /// The small picture that was made of such a file, or that there is none; nothing if it was not tried.
    #[allow(clippy::missing_errors_doc)]
    pub fn kept_picture(&self, id: &TransferId) -> Result<Option<Result<Picture, NoPicture>>, FileError> {
        let state = self.shared.state();
        state.file_to_show(id)?;
        let record = state.store.get_bytes(table::TRANSFERS, &id.0, PICTURE)?;
        Ok(record.and_then(|record| Picture::from_record(record.dangerously_expose())))
    }

    /// Makes a small picture of such a file and keeps it, sealed, for as long as the file; also that there is none. This may
    /// take a while and a hundred megabytes, and what decodes it may panic.
    #[allow(clippy::missing_errors_doc)]
    pub fn make_picture(&self, id: &TransferId) -> Result<Result<Picture, NoPicture>, FileError> {
        let made = match self.read_file(id, Picture::MAX_FILE) {
            Ok(file) => Picture::of(file.dangerously_expose()),
            Err(FileError::TooLarge) => Err(NoPicture::TooMuch),
            Err(error) => return Err(error),
        };
        let state = self.shared.state();
        // It may have been deleted meanwhile.
        state.file_to_show(id)?;
        let mut changes = Changes::new();
        changes.put_bytes(table::TRANSFERS, &id.0, PICTURE, Picture::to_record(&made));
        state.store.commit(changes)?;
        Ok(made)
    }
}

/// Where a picture stands beside a transfer's record: behind everything else.
const PICTURE: u64 = MANIFEST << 1;
