//! What all records have in common: `version ‖ fields`, big-endian, one encoding per value, nothing after the last field.

use outis_crypto::{Secret, SecretBytes};
use outis_wire::{Reader, Truncated};

/// Why bytes are not a record of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// Written by a newer version of Outis.
    #[error("ratchet record of unknown version {0}")]
    UnknownVersion(u8),
    /// Damaged, or not such a record.
    #[error("malformed ratchet record")]
    Malformed,
}

impl From<Truncated> for RecordError {
    fn from(Truncated: Truncated) -> Self {
        Self::Malformed
    }
}

/// Writes a record into memory that is wiped, and never grows it: growing would leave a copy of secrets behind.
pub(crate) struct Writer {
    bytes: Vec<u8>,
    size: usize,
}

impl Writer {
    /// For exactly `size` bytes, of which the first is the version.
    pub(crate) fn new(size: usize, version: u8) -> Self {
        let mut bytes = Vec::with_capacity(size);
        bytes.push(version);
        Self { bytes, size }
    }

    pub(crate) fn u8(&mut self, value: u8) {
        self.bytes(&[value]);
    }

    pub(crate) fn u32(&mut self, value: u32) {
        self.bytes(&value.to_be_bytes());
    }

    pub(crate) fn u64(&mut self, value: u64) {
        self.bytes(&value.to_be_bytes());
    }

    /// A count of things that the caps keep far below 2^32.
    pub(crate) fn count(&mut self, value: usize) {
        self.u32(u32::try_from(value).expect("counts of what is kept are capped at a few thousand"));
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    pub(crate) fn finish(self) -> SecretBytes {
        let Self { bytes, size } = self;
        debug_assert_eq!(bytes.len(), size, "the size was computed wrongly");
        SecretBytes::from(bytes)
    }
}

pub(crate) fn open(bytes: &[u8], version: u8) -> Result<Reader<'_>, RecordError> {
    let mut reader = Reader::new(bytes);
    match reader.u8()? {
        found if found == version => Ok(reader),
        found => Err(RecordError::UnknownVersion(found)),
    }
}

pub(crate) fn close(reader: Reader<'_>) -> Result<(), RecordError> {
    if reader.is_empty() {
        Ok(())
    } else {
        Err(RecordError::Malformed)
    }
}

pub(crate) fn secret<const N: usize>(reader: &mut Reader<'_>) -> Result<Secret<N>, RecordError> {
    Secret::from_slice(reader.bytes(N)?).ok_or(RecordError::Malformed)
}
