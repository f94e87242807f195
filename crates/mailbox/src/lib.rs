//! Meeting without meeting: account descriptors, mailboxes and the directory, over any byte stream.
//!
//! It is *not* the network: streams are given to it, and where the directory's records lie is not its affair. It is not the
//! messenger either: what is in an envelope, and when to put it where, is decided above.
//!
//! Types to know: [`Server`] and [`Mailbox`] (the two ends of a mailbox's stream), [`OwnedQueue`] and [`QueueCard`] (what an
//! owner keeps, what a contact is given), [`Envelope`], [`descriptor::AccountDescriptor`], [`directory::Directory`],
//! [`work::Challenge`].
//!
//! Invariants:
//! - no clock and no randomness of its own: `now`, a clock and `rng` are handed in; no runtime: any executor will do;
//! - what a mailbox has answered is on its shelf, and a repeated request changes nothing;
//! - an accepted envelope is never dropped for a new one (but in a request queue for a dearer one);
//! - two queues of one owner share no bytes on two mailboxes, and two copies of one payload none in two envelopes;
//! - whatever the other side sends, memory stays bounded and nothing panics.

pub mod client;
#[doc(hidden)]
pub mod decoders;
pub mod descriptor;
pub mod directory;
mod envelope;
mod frames;
mod limits;
mod protocol;
pub mod queue;
pub mod rendezvous;
pub mod server;
mod shelf;
#[cfg(test)]
mod testing;
pub mod work;

pub use client::Mailbox;
pub use envelope::{Envelope, NotAnEnvelope, NotForThisQueue, Size, TooLarge};
pub use limits::{Efforts, Limits};
pub use protocol::{Kind, Nonce, Postage, Quote, Refusal};
pub use queue::{OwnedQueue, Pass, Place, QueueCard, QueueId};
pub use server::Server;
pub use shelf::{Change, Entry, MemoryShelf, Shelf, ShelfError};
