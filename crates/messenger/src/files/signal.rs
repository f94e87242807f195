//! What the two tell each other about a transfer.

use outis_mailbox::rendezvous::Cookie;
use outis_wire::{NodeId, Tagged};
use serde::{Deserialize, Serialize};

/// What the two tell each other about a transfer, inside the session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Signal {
    /// The receiver wants it, and waits there.
    Roads(Vec<Road>),
    /// The receiver does not want it.
    Declined,
    /// Either side does not want it any more.
    Cancelled,
    /// The receiver has all of it.
    Complete,
    /// The sender cannot read it.
    Unavailable,
}

/// A relay where two streams are joined, and what they show there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Road {
    pub(crate) node: NodeId,
    pub(crate) cookie: Cookie,
}

impl Signal {
    pub(crate) fn to_tagged(&self) -> Tagged {
        let (tag, body) = match self {
            Self::Roads(roads) => (1, outis_wire::encode(roads)),
            Self::Declined => (2, Vec::new()),
            Self::Cancelled => (3, Vec::new()),
            Self::Complete => (4, Vec::new()),
            Self::Unavailable => (5, Vec::new()),
        };
        Tagged { tag, body }
    }

    pub(crate) fn from_tagged(tagged: &Tagged) -> Option<Self> {
        match (tagged.tag, tagged.body.as_slice()) {
            (1, body) => {
                let roads: Vec<Road> = outis_wire::decode(body, MAX_ROADS * 72).ok()?;
                (roads.len() <= MAX_ROADS).then_some(Self::Roads(roads))
            }
            (2, []) => Some(Self::Declined),
            (3, []) => Some(Self::Cancelled),
            (4, []) => Some(Self::Complete),
            (5, []) => Some(Self::Unavailable),
            _ => None,
        }
    }
}

/// Roads in one call, at most.
pub(super) const MAX_ROADS: usize = 4;

#[cfg(test)]
mod tests;
