//! What the two tell each other about a transfer.

use outis_mailbox::queue::OwnedQueue;
use outis_mailbox::rendezvous::Cookie;
use outis_wire::{NodeId, Tagged};
use serde::{Deserialize, Serialize};

/// What the two tell each other about a transfer, inside the session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Signal {
    /// The receiver wants it, and waits there.
    Roads(Call),
    /// The receiver does not want it.
    Declined,
    /// Either side does not want it any more.
    Cancelled,
    /// The receiver has all of it.
    Complete,
    /// The sender cannot send it.
    Unavailable(Fault),
    /// Either side wants it to rest.
    Paused,
    /// Whoever wanted it to rest does not any more.
    Resumed,
    /// All of it waits as pieces in this queue, which belongs to the recipient from now on.
    Locker(LockerKey),
}

/// Where the receiver waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Call {
    pub(crate) roads: Vec<Road>,
    /// How many bytes the receiver has.
    pub(crate) stored: u64,
}

/// A relay where two streams are joined, and what they show there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Road {
    pub(crate) node: NodeId,
    pub(crate) cookie: Cookie,
}

/// Why a sender cannot send what it offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Fault {
    /// It is not there, or may not be read.
    Unreadable,
    /// It is another file now.
    Changed,
}

/// An encoded [`OwnedQueue`]: whoever has it owns the queue.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LockerKey(Vec<u8>);

impl LockerKey {
    pub(crate) fn of(queue: &OwnedQueue) -> Self {
        Self(outis_wire::encode(queue))
    }

    pub(crate) fn queue(&self) -> Option<OwnedQueue> {
        outis_wire::decode(&self.0, MAX_LOCKER_KEY).ok()
    }
}

/// Shows nothing: it opens a queue.
impl std::fmt::Debug for LockerKey {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self(_) = self;
        out.write_str("LockerKey(..)")
    }
}

impl Signal {
    pub(crate) fn to_tagged(&self) -> Tagged {
        let (tag, body) = match self {
            Self::Roads(call) => (1, outis_wire::encode(call)),
            Self::Declined => (2, Vec::new()),
            Self::Cancelled => (3, Vec::new()),
            Self::Complete => (4, Vec::new()),
            Self::Unavailable(fault) => (5, outis_wire::encode(fault)),
            Self::Paused => (6, Vec::new()),
            Self::Resumed => (7, Vec::new()),
            Self::Locker(key) => (8, key.0.clone()),
        };
        Tagged { tag, body }
    }

    pub(crate) fn from_tagged(tagged: &Tagged) -> Option<Self> {
        match (tagged.tag, tagged.body.as_slice()) {
            (1, body) => {
                let call: Call = outis_wire::decode(body, MAX_ROADS * 72 + 10).ok()?;
                (call.roads.len() <= MAX_ROADS).then_some(Self::Roads(call))
            }
            (2, []) => Some(Self::Declined),
            (3, []) => Some(Self::Cancelled),
            (4, []) => Some(Self::Complete),
            (5, body) => outis_wire::decode(body, 1).ok().map(Self::Unavailable),
            (6, []) => Some(Self::Paused),
            (7, []) => Some(Self::Resumed),
            (8, body) => {
                let key = LockerKey(body.to_vec());
                key.queue().is_some().then_some(Self::Locker(key))
            }
            _ => None,
        }
    }
}

/// Roads in one call, at most.
pub(super) const MAX_ROADS: usize = 4;

/// Queues with pieces of one file, at most.
pub(super) const MAX_LOCKERS: usize = 4;

const MAX_LOCKER_KEY: usize = 32 + 33;

#[cfg(test)]
mod tests;
