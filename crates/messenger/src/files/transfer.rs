//! One transfer: what is stored of it, what is in memory, what is shown.

use super::incoming::{Incoming, RECORD};
use super::live::Live;
use super::lockers::{Alone, Locker};
use super::roads::MEETING;
use super::signal::{Fault, Road};
use super::source::{MANIFEST, Source};
use crate::message::{Direction, MessageId, TransferId};
use crate::store::{Store, StoreError, table};
use crate::time::Backoff;
use outis_identity::Address;
use outis_transfer::{Kind, Offer, Outline, Receiver, Voice};
use outis_wire::UnixMillis;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

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
    /// Whether it is a folder.
    pub folder: bool,
    /// What its sender says of something spoken.
    pub voice: Option<Voice>,
    /// Bytes of the file.
    pub size: u64,
    /// Bytes that have arrived.
    pub done: u64,
    /// How far it is.
    pub state: TransferState,
    /// Why it is no further, where that is not plain.
    pub why: Option<Why>,
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
    /// It cannot go on.
    Failed,
}

/// Why a transfer is no further.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// We paused it.
    PausedHere,
    /// They paused it.
    PausedThere,
    /// We paused it, for there is no room on the disk.
    DiskFull,
    /// They are away, and it waits for them in mailboxes.
    InMailbox,
    /// They have not heard of it yet, and it waits here until they are there.
    InOutbox,
    /// The sender's file is gone, or may not be read.
    Unreadable,
    /// The sender's file is another one now.
    Changed,
}

/// What is stored of a transfer. Beside it, from index 1: the sender's outline in pieces, or the receiver's record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TransferRecord {
    pub(crate) contact: Address,
    pub(crate) direction: Direction,
    pub(crate) position: u64,
    pub(crate) offer: Vec<u8>,
    pub(crate) phase: Phase,
    /// We want it to rest.
    pub(crate) paused_here: Option<Rest>,
    /// They want it to rest.
    pub(crate) paused_there: bool,
    /// Where the sender reads it.
    pub(crate) source: Option<Source>,
    /// Where the receiver wants it saved.
    pub(crate) save_to: Option<String>,
    /// The number under which the receiver told its roads last.
    pub(crate) told: Option<u64>,
    /// Where the receiver said last that it waits, and when: a sender who was killed before it came goes there first.
    pub(crate) called: Option<(UnixMillis, Vec<Road>)>,
    /// Queues with its pieces.
    pub(crate) lockers: Vec<Locker>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Phase {
    Offered,
    /// The receiver said yes.
    Wanted,
    Complete,
    Declined,
    Cancelled,
    Failed(Fault),
}

/// Why we want a transfer to rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Rest {
    Asked,
    DiskFull,
}

/// A transfer in memory.
pub(crate) struct Known {
    pub(crate) record: TransferRecord,
    pub(crate) offer: Arc<Offer>,
    pub(crate) live: Arc<Live>,
    pub(crate) side: Side,
    /// Before roads are drawn anew.
    pub(crate) again: Backoff,
    /// Before a road that is missing is drawn beside others.
    pub(crate) replace: Backoff,
    /// Roads were told of, and it is not known yet whether the other side has heard.
    pub(crate) called: bool,
    /// Since when the other side is not there to take it.
    pub(super) alone_since: Alone,
    /// How putting or taking pieces goes.
    pub(crate) lockers: Backoff,
    /// The disk had no room for what came last.
    pub(crate) disk_full: bool,
    pub(crate) roads: usize,
    pub(crate) next_road: u32,
    /// Where it is to be saved now that it is complete.
    pub(crate) wish: Option<String>,
}

/// What a transfer in memory needs.
pub(crate) enum Side {
    Sending(Arc<Outline>),
    Receiving(Arc<Incoming>),
    /// Nothing any more: it is over.
    Over,
}

impl Phase {
    /// Nothing moves any more.
    pub(crate) fn is_over(self) -> bool {
        !matches!(self, Self::Offered | Self::Wanted)
    }
}

impl TransferRecord {
    /// Whether one of the two wants it to rest.
    pub(crate) fn is_paused(&self) -> bool {
        self.paused_here.is_some() || self.paused_there
    }

    /// Whether its bytes lie in the container, as long as they do.
    pub(crate) fn is_sealed(&self) -> bool {
        self.direction == Direction::In || matches!(self.source, Some(Source::Kept | Source::Given))
    }

    /// Whether a file of the container belongs to it.
    pub(crate) fn keeps_file(&self) -> bool {
        match (self.direction, &self.source) {
            (Direction::In, _) => matches!(self.phase, Phase::Wanted | Phase::Complete),
            (Direction::Out, Some(Source::Kept)) => !self.phase.is_over(),
            (Direction::Out, Some(Source::Given)) => !self.phase.is_over() || self.phase == Phase::Complete,
            (Direction::Out, _) => false,
        }
    }

    /// Whether all of it lies in the container.
    pub(crate) fn is_whole(&self) -> bool {
        match self.direction {
            Direction::In => self.phase == Phase::Complete,
            Direction::Out => self.is_sealed() && self.keeps_file(),
        }
    }
}

impl Known {
    pub(crate) fn new(record: TransferRecord, offer: Offer, side: Side) -> Self {
        let done = match &side {
            Side::Receiving(incoming) => incoming.receiver().progress().stored,
            Side::Sending(_) | Side::Over => 0,
        };
        Self {
            record,
            offer: Arc::new(offer),
            live: Arc::new(Live::new(done)),
            side,
            again: Backoff::default(),
            replace: Backoff::default(),
            called: false,
            alone_since: None,
            lockers: Backoff::default(),
            disk_full: false,
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
        let side = match record.direction {
            _ if record.phase.is_over() => Side::Over,
            Direction::Out => {
                let pieces = store.range_bytes(table::TRANSFERS, &id.0, usize::MAX)?;
                let bytes: Vec<u8> = pieces
                    .iter()
                    .filter(|(index, _)| (1..MANIFEST).contains(index))
                    .flat_map(|(_, piece)| piece.dangerously_expose().to_vec())
                    .collect();
                match Outline::from_record(*offer.geometry(), &bytes) {
                    Ok(outline) => Side::Sending(Arc::new(outline)),
                    Err(_) => return Ok(None),
                }
            }
            Direction::In => {
                let stored = store.get_bytes(table::TRANSFERS, &id.0, RECORD)?;
                let receiver = stored.and_then(|stored| Receiver::resume(&offer, stored.dangerously_expose()).ok());
                let receiver = receiver.unwrap_or_else(|| Receiver::new(&offer));
                let incoming = Incoming::new(*id, store.clone(), receiver);
                if record.phase == Phase::Wanted {
                    incoming.find();
                }
                Side::Receiving(Arc::new(incoming))
            }
        };
        Ok(Some(Self::new(record, offer, side)))
    }

    /// After a start: the receiver may wait still where it said so shortly before.
    pub(crate) fn hear_again(&self, now: UnixMillis) {
        if let Some((since, roads)) = &self.record.called
            && now.since(*since) < MEETING
        {
            self.live.expect(roads.clone());
        }
    }

    /// As it is shown; `heard` says whether the other side is known to have the offer.
    pub(super) fn shown(&self, id: TransferId, heard: bool) -> Transfer {
        let record = &self.record;
        let in_mailbox =
            record.direction == Direction::Out && record.lockers.iter().any(|locker| locker.full.is_some());
        let (state, why) = match record.phase {
            Phase::Offered if in_mailbox && !heard => (TransferState::Offered, Some(Why::InMailbox)),
            Phase::Offered if record.direction == Direction::Out && !heard => {
                (TransferState::Offered, Some(Why::InOutbox))
            }
            Phase::Offered => (TransferState::Offered, None),
            Phase::Wanted if record.is_paused() => {
                let why = match record.paused_here {
                    Some(Rest::DiskFull) => Why::DiskFull,
                    Some(Rest::Asked) => Why::PausedHere,
                    None => Why::PausedThere,
                };
                (TransferState::Paused, Some(why))
            }
            Phase::Wanted if self.live.roads() > 0 => (TransferState::Active, None),
            Phase::Wanted if self.disk_full => (TransferState::Waiting, Some(Why::DiskFull)),
            Phase::Wanted => (TransferState::Waiting, in_mailbox.then_some(Why::InMailbox)),
            Phase::Complete => (TransferState::Complete, None),
            Phase::Declined => (TransferState::Declined, None),
            Phase::Cancelled => (TransferState::Cancelled, None),
            Phase::Failed(Fault::Unreadable) => (TransferState::Failed, Some(Why::Unreadable)),
            Phase::Failed(Fault::Changed) => (TransferState::Failed, Some(Why::Changed)),
        };
        let size = self.offer.geometry().size();
        let done = match state {
            TransferState::Complete => size,
            _ => self.live.done().min(size),
        };
        let rate = match state {
            TransferState::Active => self.live.rate(),
            _ => 0,
        };
        Transfer {
            id,
            contact: record.contact,
            direction: record.direction,
            message: MessageId {
                contact: record.contact,
                position: record.position,
            },
            name: self.offer.name().as_str().to_owned(),
            folder: self.offer.kind() == Kind::Folder,
            voice: self.offer.voice().cloned(),
            size,
            done,
            state,
            why,
            rate,
            blake3: *self.offer.root().as_bytes(),
        }
    }
}
