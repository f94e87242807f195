//! The composition root: everything that a face of Outis sees.
//!
//! It puts the vault, the network and the messenger together behind one type, [`App`], whose methods are the headless
//! interface's (`docs/protocol/rpc.md`), one for one. It is *not* where anything is decided about messages, contacts or
//! relays: that is in the crates below.
//!
//! Types to know: [`App`] (one person at one machine), [`dto`] (the shapes of requests and replies), [`Event`] (what
//! changed), [`Error`] (a code for a program, a sentence for a person), [`Relay`] (what `outis node` runs), [`Sandbox`]
//! (a small network in this process, for the window's *Try it here* and for `outis demo`).
//!
//! Invariants:
//! - at most one account is unlocked; locking it wipes its keys and leaves the network;
//! - a face never sees a key, and nothing here decides by what a face says is true;
//! - a person's client and this machine's relay never share a key, a swarm or a folder.

mod account;
mod app;
mod archive;
#[cfg(test)]
mod bindings;
mod config;
mod contact;
mod conversation;
mod descriptors;
pub mod dto;
mod echo;
mod error;
mod event;
mod events;
mod file;
mod idle;
mod keepsake;
mod memory;
mod message;
mod network;
mod records;
mod refusal;
mod relay;
mod sandbox;
mod search;
mod settings;
mod shelf;
mod transport;
mod unlocked;
mod uploads;

pub use app::App;
pub use config::{Config, RelayConfig};
pub use descriptors::open_many;
pub use error::{Error, ErrorCode};
pub use event::Event;
pub use events::Events;
pub use memory::shield;
pub use relay::Relay;
pub use sandbox::Sandbox;
