//! Files between two people: what is offered, which chunks are there, what is said on a road.
//!
//! It is *not* where files lie (that is the vault), nor how two people meet (rendezvous are the messenger's), and it does
//! no I/O: frames go in and come out as bytes, chunks are handed in by whoever reads the disk.
//!
//! Types to know: [`Offer`] (a file as one person tells another of it), [`Outline`] (the sender's hash tree),
//! [`Receiver`] (which chunks are there and which are asked for, over all roads), [`ReceivingRoad`] and [`SendingRoad`]
//! (the two ends of one stream); [`Manifest`] (a folder as one file) [`Bare`] (an image without what a
//! camera wrote) and [`Picture`] (a small one of an image that came).
//!
//! How a file goes: the sender hashes it once into an [`Outline`], and sends an [`Offer`] inside the session. Later, and as
//! often as it takes, roads are opened. On each one the receiver asks for chunks and gets them, each with the nodes that
//! join it to the offer's root. It stores a chunk, tells the [`Receiver`], and keeps the receiver's record beside it: that
//! record and the offer are all that it takes to go on after a restart. The sender keeps no state at all.
//!
//! Invariants:
//! - a chunk that is handed out is a chunk of the file that was offered: it has been checked against the root;
//! - one [`FileId`] is one content, for everybody who ever gets it, whatever the sender does;
//! - a stranger on the road (the relay in the middle) sees how much goes by and when, can cut it off, and can do no more;
//! - neither side holds more than a window of chunks for a road, whatever the other does;
//! - a name that comes out of [`Offer::name`] or [`Entry::name`] is one plain file name on every system.
//!
//! The formats stand byte by byte in `docs/protocol/transfer.md`.

mod bare;
mod carried;
#[doc(hidden)]
pub mod decoders;
mod geometry;
mod manifest;
mod name;
mod offer;
mod outline;
mod picture;
mod piece;
mod proof;
mod ranges;
mod receiver;
mod road;
mod voice;

pub use bare::{Bare, BrokenImage};
pub use carried::{SourceChanged, Verified};
pub use geometry::{Geometry, MAX_CHUNKS, TooLarge};
pub use manifest::{Entry, Folder, Manifest, ManifestError};
pub use name::SafeName;
pub use offer::{FileId, Kind, Offer, OfferError};
pub use outline::{Outline, OutlineError, Outliner};
pub use picture::{NoPicture, Picture};
pub use piece::{PIECE, PieceError, open_piece, seal_piece};
pub use ranges::Ranges;
pub use receiver::{Progress, Receiver, RecordError, RoadId};
pub use road::{Arrival, Asked, MAX_FRAME, MAX_REQUEST, Received, ReceivingRoad, RoadError, SendingRoad};
pub use voice::Voice;
