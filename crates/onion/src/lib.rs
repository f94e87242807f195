//! Relays and circuits, as pure state.
//!
//! A relay publishes a [`RelayDescriptor`] under its own key: where it can be reached, what it does, and the key that a
//! circuit's hop is encrypted to. [`OnionKeys`] are the secret halves of those keys, one a day. A circuit is a way over
//! three relays to an endpoint: with each of the four its owner shares the keys of a layer, and each sees its neighbours.
//!
//! It is *not* a network: nothing here dials, stores or asks for the time.
//!
//! Types to know: [`SignedDescriptor`] (bytes from a stranger), [`RelayDescriptor`] (what they say once verified),
//! [`RelayAddress`] and [`Scope`] (where a relay is, and whether such a place counts); [`Guards`], [`Relays`] and [`Path`]
//! (which relays); [`begin`] and [`answer`] (one handshake a hop); [`ClientLayers`] and [`RelayLayers`] (what becomes of
//! each [`Cell`] and the [`Command`] in it); [`credit`] and [`Backoff`] (how much, and how often).
//!
//! Invariants:
//! - a [`RelayDescriptor`] read from outside was signed by the node it names, for this network, for about today;
//! - on the public network no descriptor leads to a private address: nobody can make us knock on doors in our own house;
//! - an onion key older than three days no longer exists;
//! - whoever passes a cell on learns nothing from it, and whoever changes, repeats, drops or moves one makes noise of it and
//!   of all that comes after it, for everybody;
//! - a path has three relays before its endpoint, or there is none.

mod address;
mod backoff;
mod cell;
pub mod credit;
pub mod decoders;
mod descriptor;
mod draw;
mod guards;
mod handshake;
mod keys;
mod layers;
mod padding;
mod path;
#[cfg(test)]
mod testing;

pub use address::{Link, RelayAddress, Scope, is_public};
pub use backoff::{Backoff, BackoffRecordError, Wait};
pub use cell::{BadCommand, Cell, Command, Extend, Payload, Refusal};
pub use descriptor::{DescriptorError, RelayDescriptor, Roles, SignError, SignedDescriptor, Software};
pub use guards::{Guards, GuardsRecordError, NoPath};
pub use handshake::{
    AnswerError, BadMessage, Create, Created, FinishError, HopSecrets, Pending, ReplayFilter, answer, begin,
};
pub use keys::{OnionKey, OnionKeys, RecordError};
pub use layers::{Broken, ClientLayers, Forward, RelayLayers};
pub use padding::Decoys;
pub use path::{Path, Relays};
