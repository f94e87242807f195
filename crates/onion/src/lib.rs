//! What a relay says of itself, as pure state.
//!
//! A relay publishes a [`RelayDescriptor`] under its own key: where it can be reached, what it does, and the key that a
//! circuit's hop is encrypted to. [`OnionKeys`] are the secret halves of those keys, one a day.
//!
//! It is *not* a network: nothing here dials, stores or asks for the time.
//!
//! Types to know: [`SignedDescriptor`] (bytes from a stranger), [`RelayDescriptor`] (what they say once verified),
//! [`RelayAddress`] and [`Scope`] (where a relay is, and whether such a place counts), [`OnionKeys`].
//!
//! Invariants:
//! - a [`RelayDescriptor`] read from outside was signed by the node it names, for this network, for about today;
//! - on the public network no descriptor leads to a private address: nobody can make us knock on doors in our own house;
//! - an onion key older than three days no longer exists.

mod address;
mod cell;
pub mod credit;
mod descriptor;
mod handshake;
mod keys;
mod layers;

pub use address::{Link, RelayAddress, Scope, is_public};
pub use cell::{BadCommand, Cell, Command, Extend, Payload, Refusal};
pub use descriptor::{DescriptorError, RelayDescriptor, Roles, SignError, SignedDescriptor, Software};
pub use handshake::{
    AnswerError, BadMessage, Create, Created, FinishError, HopSecrets, Pending, ReplayFilter, answer, begin,
};
pub use keys::{OnionKey, OnionKeys, RecordError};
#[cfg(test)]
mod testing;

pub use layers::{Broken, ClientLayers, Forward, RelayLayers};
