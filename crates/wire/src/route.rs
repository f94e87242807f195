//! Where a stream goes and which streams may share a way.

use crate::NodeId;
use serde::{Deserialize, Serialize};

/// What a relay does at the end of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Service {
    /// Keeps queues.
    Mailbox,
    /// Answers for the distributed directory.
    Directory,
    /// Joins two streams that bring the same cookie.
    Rendezvous,
}

impl Service {
    /// The protocol's name inside a protocol id.
    pub fn protocol(self) -> &'static str {
        match self {
            Self::Mailbox => "mailbox",
            Self::Directory => "directory",
            Self::Rendezvous => "rendezvous",
        }
    }
}

/// The end of a stream: a relay and what is wanted of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Destination {
    /// The relay.
    pub node: NodeId,
    /// What it is to do.
    pub service: Service,
}

/// What a way through the network is for. Streams of different purposes never share one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Purpose {
    /// Putting into and reading from queues.
    Mailbox,
    /// Looking up and publishing.
    Directory,
    /// Carrying a file.
    File,
}

/// Streams share a way through the network only if they carry the same value: one a contact and role, drawn at random.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Isolation(pub [u8; 32]);
