use super::{Guards, sample, seconds};
use outis_wire::{DecodeError, decode, encode};
use std::collections::BTreeSet;

impl Guards {
    /// All of it, for the account's own container only: it says where all its circuits begin.
    pub fn to_record(&self) -> Vec<u8> {
        encode(&(VERSION, &self.sample, &self.seconds))
    }

    /// Reads [`Self::to_record`]'s bytes.
    ///
    /// # Errors
    /// The record is damaged or of a later version.
    pub fn from_record(record: &[u8]) -> Result<Self, GuardsRecordError> {
        if let Some(version) = record.first().filter(|version| **version != VERSION) {
            return Err(GuardsRecordError::Version(*version));
        }
        let (_, sample, seconds): (u8, sample::Sample, seconds::Seconds) =
            decode(record, LIMIT).map_err(GuardsRecordError::Damaged)?;
        let guards: BTreeSet<_> = sample.guards.iter().map(|guard| guard.node).collect();
        let hops: BTreeSet<_> = seconds.set.iter().map(|hop| hop.node).collect();
        let sizes = guards.len() <= 2 * sample::SIZE && hops.len() <= seconds::SIZE;
        let are_unique = guards.len() == sample.guards.len() && hops.len() == seconds.set.len();
        let via = seconds.set.iter().all(|hop| hop.failures.len() <= seconds::VIA);
        if sizes && are_unique && via {
            Ok(Self { sample, seconds })
        } else {
            Err(GuardsRecordError::Contradictory)
        }
    }
}

/// Why a record gives no guards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum GuardsRecordError {
    /// Not what was written.
    #[error("the record of guards is damaged")]
    Damaged(#[source] DecodeError),
    /// Written by a later version.
    #[error("guards record version {0}")]
    Version(u8),
    /// Too many relays, or one twice.
    #[error("the record of guards contradicts itself")]
    Contradictory,
}

const VERSION: u8 = 1;

const LIMIT: usize = 16 << 10;
