//! The domain: contacts, conversations, the outbox, and how a message gets from one person to another.
//!
//! It is *not* a network: it declares [`Transport`], which the application fills with circuits and tests with a simulation.
//! It is *not* a screen either: it tells by [`Event`]s what changed, and whoever shows it reads the state again.
//!
//! Types to know: [`Messenger`] (the handle: commands from any thread, and [`Messenger::run`], the one loop that does what
//! is to be done on the network), [`Contact`] and [`Message`] (what is shown), [`Event`].
//!
//! Invariants:
//! - a command is durable when it returns, whether or not there is a network;
//! - what came is stored in one commit (session, message, receipt that is owed) before a mailbox may forget it;
//! - a session's step is stored before its ciphertext leaves, and what is told again is the same ciphertext;
//! - a message is on the wire at least once and on the screen exactly once, in its sender's numbering; what is missing shows
//!   as a gap and fills when it comes;
//! - a device that was superseded sends and receipts nothing;
//! - no clock, no randomness and no network but those handed in; the lock on the state is never held across a wait.
//!
//! The formats stand byte by byte in `docs/protocol/messenger.md`.

mod afresh;
mod amended;
mod amending;
mod archive;
mod chain;
mod commands;
mod contact;
mod content;
mod conversation;
mod dark;
#[doc(hidden)]
pub mod decoders;
mod descriptor;
mod disappearing;
mod drafts;
mod erasing;
mod event;
mod execute;
mod files;
mod invites;
mod kept;
mod meeting;
mod message;
mod messenger;
mod opening;
mod own;
mod pages;
mod parcel;
mod payload;
mod peer;
mod plan;
mod queue;
mod queues;
mod randomness;
mod receipt;
mod receipted;
mod receiving;
mod run;
mod search;
mod sending;
mod session;
mod settings;
mod state;
mod store;
mod strangers;
mod time;
mod transport;
mod work;

pub use amending::Scope;
pub use archive::{ExportError, ITEM as ARCHIVE_ITEM, ImportError};
pub use commands::{ContactError, SendError, Verification};
pub use contact::{Contact, ContactState};
pub use event::Event;
pub use files::{FileError, Given, Metadata, Transfer, TransferState, Why};
pub use invites::{InviteError, OpenInvite};
pub use message::{
    Body, Delivery, Direction, Failure, FlightStep, Message, MessageId, MessageIdError, Note, Step, TransferId,
};
pub use messenger::{Config, Mailbox, Messenger};
pub use own::{Known, Origin};
pub use pages::{At, Page};
pub use settings::{ConversationSettings, Receipts, SettingsChange};
pub use store::StoreError;
pub use transport::{Clock, OpenError, Transport};

pub use outis_transfer::{NoPicture, Picture, Voice};

pub(crate) use messenger::Shared;
