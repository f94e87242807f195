//! What there is to do on the network, as values: the state says what, the loop does it, and the state hears what came of it.

use crate::descriptor::{LookUp, Publication, SelfLookUp};
use crate::files::Saving;
use crate::files::lockers::{FetchJob, Fetched, StoreJob, Stored};
use crate::files::roads::{RoadEnd, RoadJob};
use crate::meeting::Found;
use crate::message::TransferId;
use crate::queue::TheirQueue;
use outis_identity::Address;
use outis_mailbox::queue::{OwnedQueue, QueueId};
use outis_mailbox::{Envelope, Kind};
use outis_wire::{Isolation, NodeId};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Whose queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Owner {
    /// Ours, for strangers.
    Requests,
    /// Ours, for this contact.
    Contact(Address),
    /// Ours, for whoever has this invite.
    Invite(u64),
}

impl Owner {
    /// What kind of queue a mailbox is asked for.
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::Requests => Kind::Requests,
            Self::Contact(_) => Kind::CONTACT,
            Self::Invite(_) => Kind::INVITE,
        }
    }
}

/// Names a piece of work. The same work is never under way twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Task {
    Create(Owner, QueueId),
    Listen(Owner, QueueId),
    Delete(QueueId),
    Put(Address, NodeId),
    Request(Address),
    WayBack(Address),
    LookUp(Address),
    LookUpSelf,
    Publish,
    Road(TransferId, u32),
    Save(TransferId),
    FillLocker(TransferId, QueueId),
    EmptyLocker(TransferId),
}

/// What is under way.
pub(crate) type Running = BTreeSet<Task>;

/// A piece of work, with all that it needs.
pub(crate) enum Job {
    Create {
        queue: Arc<OwnedQueue>,
        kind: Kind,
        isolation: Isolation,
    },
    Listen {
        queue: Arc<OwnedQueue>,
        isolation: Isolation,
    },
    Delete {
        queue: Arc<OwnedQueue>,
        isolation: Isolation,
    },
    Put {
        to: TheirQueue,
        node: NodeId,
        isolation: Isolation,
        items: Vec<(Item, Envelope)>,
    },
    /// Into a request queue: to each of its mailboxes.
    Request {
        to: TheirQueue,
        paying: Paying,
        isolation: Isolation,
        envelopes: Vec<(NodeId, Envelope)>,
    },
    LookUp(LookUp),
    LookUpSelf(SelfLookUp),
    Publish(Publication),
    Road(Box<RoadJob>),
    FillLocker(Box<StoreJob>),
    EmptyLocker(Box<FetchJob>),
    /// Where the person wanted a file when they said yes.
    Save {
        saving: Saving,
        path: String,
    },
}

impl Job {
    /// Whether it moves so much that messages must not share a thread with it.
    pub(crate) fn is_heavy(&self) -> bool {
        matches!(
            self,
            Self::Road(_) | Self::Save { .. } | Self::FillLocker(_) | Self::EmptyLocker(_)
        )
    }
}

/// What a request is paid with.
pub(crate) enum Paying {
    /// Nothing: the queue is that of an invite.
    Invited,
    /// A pass, where there is one that is good.
    Passes(Option<TheirQueue>),
    /// Work: at least so much.
    Work(u32),
}

/// What an envelope is a copy of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Item {
    Numbered(u64),
    Loose(u64),
}

/// What came of a piece of work.
pub(crate) enum Outcome {
    Created {
        task: Task,
        created: bool,
    },
    /// Listening ended.
    Deaf {
        task: Task,
    },
    Deleted {
        task: Task,
        deleted: bool,
    },
    Put {
        task: Task,
        results: Vec<(Item, bool)>,
    },
    Requested {
        task: Task,
        stored: usize,
    },
    LookedUp {
        task: Task,
        found: Result<Option<Box<Found>>, Unreachable>,
    },
    LookedUpSelf {
        task: Task,
        found: Result<Option<crate::descriptor::FoundSelf>, Unreachable>,
    },
    Published {
        task: Task,
        published: bool,
    },
    RoadEnded {
        task: Task,
        end: RoadEnd,
    },
    Saved {
        task: Task,
    },
    LockerFilled {
        task: Task,
        stored: Stored,
    },
    LockerEmptied {
        task: Task,
        fetched: Fetched,
    },
    /// It ended without saying how.
    Lost {
        task: Task,
    },
}

impl Outcome {
    pub(crate) fn task(&self) -> Task {
        match self {
            Self::Created { task, .. }
            | Self::Deaf { task }
            | Self::Deleted { task, .. }
            | Self::Put { task, .. }
            | Self::Requested { task, .. }
            | Self::LookedUp { task, .. }
            | Self::LookedUpSelf { task, .. }
            | Self::Published { task, .. }
            | Self::RoadEnded { task, .. }
            | Self::LockerFilled { task, .. }
            | Self::LockerEmptied { task, .. }
            | Self::Saved { task }
            | Self::Lost { task } => *task,
        }
    }
}

/// Nobody who could know was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unreachable;
