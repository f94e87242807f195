//! One transfer: what is stored of it, what is in memory, what is shown.

use super::roads::{self, Live};
use crate::message::{Direction, MessageId, TransferId};
use crate::store::{Store, StoreError, table};
use crate::time::Backoff;
use outis_identity::Address;
use outis_transfer::{Offer, Outline, Receiver};
use serde::{Deserialize, Serialize};
use std::sync::{Arc, Mutex};

/// A file on its way, as shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer {
    /// Its name.
    pub id: TransferId,
    /// With whom.
    pub contact: Address,
    /// Who sends it.
    pub direction: Direction,
    /// Its line in the conversation.
    pub message: MessageId,
    /// What to call the file; safe to use as a file name.
    pub name: String,
    /// Bytes of the file.
    pub size: u64,
    /// Bytes that have arrived.
    pub done: u64,
    /// How far it is.
    pub state: TransferState,
    /// Bytes a second, now.
    pub rate: u64,
    /// The BLAKE3 hash of the file.
    pub blake3: [u8; 32],
}

/// How far a transfer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TransferState {
    /// The receiver has not said yes.
    Offered,
    /// Chunks are moving.
    Active,
    /// One of us wants it to rest.
    Paused,
    /// The other side is away.
    Waiting,
    /// The receiver has all of it.
    Complete,
    /// The receiver does not want it.
    Declined,
    /// Withdrawn by one of the two.
    Cancelled,
    /// The sender's file cannot be read any more, or has changed.
    Failed,
}

/// What is stored of a transfer. Beside it, from index 1: the sender's outline in pieces, or the receiver's record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TransferRecord {
    pub(crate) contact: Address,
    pub(crate) direction: Direction,
    pub(crate) position: u64,
    pub(crate) offer: Vec<u8>,
    pub(crate) phase: Phase,
    /// Where the sender reads it; where the receiver wants it saved.
    pub(crate) path: Option<String>,
    /// The number under which the receiver told its roads last.
    pub(crate) told: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Phase {
    Offered,
    /// The receiver said yes.
    Wanted,
    Paused,
    Complete,
    Declined,
    Cancelled,
    Failed,
}

/// A transfer in memory.
pub(crate) struct Known {
    pub(crate) record: TransferRecord,
    pub(crate) offer: Arc<Offer>,
    pub(crate) live: Arc<Live>,
    /// The receiver's chunks, over all roads; the sender's outline.
    pub(crate) side: Side,
    /// Before roads are drawn anew.
    pub(crate) again: Backoff,
    pub(crate) roads: u32,
    pub(crate) next_road: u32,
    /// Where it is to be saved now that it is complete.
    pub(crate) wish: Option<String>,
}

pub(crate) enum Side {
    Sending(Arc<Outline>),
    Receiving(Arc<Mutex<Receiver>>),
}

impl Known {
    pub(crate) fn new(record: TransferRecord, offer: Offer, side: Side) -> Self {
        let done = match &side {
            Side::Receiving(receiver) => roads::lock(receiver).progress().stored,
            Side::Sending(_) if record.phase == Phase::Complete => offer.geometry().size(),
            Side::Sending(_) => 0,
        };
        let live = Arc::new(Live::new(done));
        Self {
            record,
            offer: Arc::new(offer),
            live,
            side,
            again: Backoff::default(),
            roads: 0,
            next_road: 0,
            wish: None,
        }
    }

    /// Reads a transfer; `None` if its offer is of a newer version.
    pub(crate) fn load(store: &Store, id: &TransferId) -> Result<Option<Self>, StoreError> {
        let Some(record) = store.get::<TransferRecord>(table::TRANSFERS, &id.0, 0)? else {
            return Ok(None);
        };
        let Ok(offer) = Offer::decode(&record.offer) else {
            return Ok(None);
        };
        let pieces = store.range_bytes(table::TRANSFERS, &id.0, usize::MAX)?;
        let bytes: Vec<u8> = pieces
            .iter()
            .skip(1)
            .flat_map(|(_, piece)| piece.dangerously_expose().to_vec())
            .collect();
        let side = match record.direction {
            Direction::Out => match Outline::from_record(*offer.geometry(), &bytes) {
                Ok(outline) => Side::Sending(Arc::new(outline)),
                Err(_) => return Ok(None),
            },
            Direction::In if bytes.is_empty() => Side::Receiving(Arc::new(Mutex::new(Receiver::new(&offer)))),
            Direction::In => {
                let receiver = Receiver::resume(&offer, &bytes).unwrap_or_else(|_| Receiver::new(&offer));
                Side::Receiving(Arc::new(Mutex::new(receiver)))
            }
        };
        Ok(Some(Self::new(record, offer, side)))
    }

    /// Whether what came of it is kept in the container.
    pub(crate) fn keeps_file(&self) -> bool {
        self.record.direction == Direction::In
            && matches!(self.record.phase, Phase::Wanted | Phase::Paused | Phase::Complete)
    }

    pub(super) fn shown(&self, id: TransferId) -> Transfer {
        let state = match self.record.phase {
            Phase::Offered => TransferState::Offered,
            Phase::Wanted if self.live.roads() > 0 => TransferState::Active,
            Phase::Wanted => TransferState::Waiting,
            Phase::Paused => TransferState::Paused,
            Phase::Complete => TransferState::Complete,
            Phase::Declined => TransferState::Declined,
            Phase::Cancelled => TransferState::Cancelled,
            Phase::Failed => TransferState::Failed,
        };
        let size = self.offer.geometry().size();
        let done = if self.record.phase == Phase::Complete {
            size
        } else {
            self.live.done().min(size)
        };
        Transfer {
            id,
            contact: self.record.contact,
            direction: self.record.direction,
            message: MessageId {
                contact: self.record.contact,
                position: self.record.position,
            },
            name: self.offer.name().as_str().to_owned(),
            size,
            done,
            state,
            rate: if state == TransferState::Active {
                self.live.rate()
            } else {
                0
            },
            blake3: *self.offer.root().as_bytes(),
        }
    }
}
