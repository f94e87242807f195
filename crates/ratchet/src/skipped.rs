//! Keys of messages that have not come yet, kept one by one outside the session.

use crate::{RecordError, keys::MessageKey, record};
use outis_crypto::{Secret, SecretBytes};
use std::{collections::BTreeMap, convert::Infallible};

/// Names a skipped key within its session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SkippedId {
    /// Which of the peer's chains, counted from 0.
    pub chain: u32,
    /// The message's number in it.
    pub number: u32,
}

impl SkippedId {
    /// The id as one number; the order is the same. For stores whose records are numbered.
    pub fn index(self) -> u64 {
        u64::from(self.chain) << 32 | u64::from(self.number)
    }
}

/// The key of one message that has not come yet.
pub struct SkippedKey(Secret<32>);

impl SkippedKey {
    pub(crate) fn new(key: &MessageKey) -> Self {
        Self(Secret::from_bytes(*key.for_record()))
    }

    pub(crate) fn into_key(self) -> MessageKey {
        MessageKey::new(self.0)
    }

    /// For the vault, and for nothing else.
    ///
    /// | offset | size | field       |
    /// |      0 |    1 | version = 1 |
    /// |      1 |   32 | message key |
    pub fn to_record(&self) -> SecretBytes {
        let mut record = record::Writer::new(33, VERSION);
        record.bytes(self.0.dangerously_expose());
        record.finish()
    }

    /// Reads what [`Self::to_record`] wrote.
    ///
    /// # Errors
    /// An unknown version or a wrong length.
    pub fn from_record(bytes: &[u8]) -> Result<Self, RecordError> {
        let mut reader = record::open(bytes, VERSION)?;
        let key = record::secret(&mut reader)?;
        record::close(reader)?;
        Ok(Self(key))
    }
}

/// Where the caller keeps skipped keys. A session only reads there; what is to be written stands in its
/// [`Step`](crate::Step)s.
pub trait SkippedKeys {
    /// Why reading failed.
    type Error;

    /// The key with this id, if it is there.
    ///
    /// # Errors
    /// The store's own.
    fn find(&self, id: SkippedId) -> Result<Option<SkippedKey>, Self::Error>;
}

/// In memory, as records.
impl SkippedKeys for BTreeMap<SkippedId, SecretBytes> {
    type Error = Infallible;

    fn find(&self, id: SkippedId) -> Result<Option<SkippedKey>, Infallible> {
        Ok(self
            .get(&id)
            .and_then(|record| SkippedKey::from_record(record.dangerously_expose()).ok()))
    }
}

const VERSION: u8 = 1;
