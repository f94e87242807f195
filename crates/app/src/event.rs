//! What the core pushes to a face.

use crate::dto::{Contact, Message, NetworkStatus, Transfer};
use serde::Serialize;
use ts_rs::TS;

/// Something has changed. Events are for showing, not for keeping: whoever missed some is told so and reads the state again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[serde(tag = "type")]
pub enum Event {
    /// A message has come.
    #[serde(rename = "message.received")]
    MessageReceived {
        /// The message.
        message: Message,
    },
    /// A message has a new state.
    #[serde(rename = "message.updated")]
    MessageUpdated {
        /// The message.
        message: Message,
    },
    /// A message is gone: deleted, or its time was over.
    #[serde(rename = "message.removed")]
    MessageRemoved {
        /// Whose conversation it was in.
        contact: String,
        /// Its id.
        id: String,
    },
    /// Somebody wants to talk.
    #[serde(rename = "contact.request")]
    ContactRequest {
        /// Who.
        contact: Contact,
    },
    /// A contact has changed.
    #[serde(rename = "contact.updated")]
    ContactUpdated {
        /// Who.
        contact: Contact,
    },
    /// Somebody is no contact any more: removed, or a stranger who made room for one who did more work.
    #[serde(rename = "contact.removed")]
    ContactRemoved {
        /// Who.
        contact: String,
    },
    /// A contact is writing something just now. There is no event for stopping: it is over after some seconds.
    #[serde(rename = "contact.typing")]
    ContactTyping {
        /// Who.
        contact: String,
    },
    /// A transfer has moved; at most ten of these a second and transfer.
    #[serde(rename = "transfer.updated")]
    TransferUpdated {
        /// The transfer.
        transfer: Transfer,
    },
    /// The network has changed.
    #[serde(rename = "network.updated")]
    NetworkUpdated {
        /// How it is now.
        status: NetworkStatus,
    },
    /// Long work goes on.
    #[serde(rename = "progress")]
    Progress {
        /// Which method it belongs to.
        operation: String,
        /// How much of it is done.
        done: u64,
        /// Of how much, where that is known.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        total: Option<u64>,
    },
    /// Events came faster than they were read, and some were dropped: what is shown may be old.
    #[serde(rename = "events.missed")]
    EventsMissed {},
    /// Nobody was there for as long as the settings say, so the account was locked.
    #[serde(rename = "account.locked")]
    AccountLocked {},
    /// Another device has taken the account over.
    #[serde(rename = "account.superseded")]
    AccountSuperseded {},
}
