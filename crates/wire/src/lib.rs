//! Bytes to values and back.
//!
//! Everything that crosses a wire or rests on a disk is written and read by this crate or stands as a fixed layout beside
//! its type. It is *not* a place for domain types: only what every room names (times, node ids, destinations) lives here.
//!
//! Types to know: [`encode`] and [`decode`] (the codec), [`Tagged`] (an enum that may grow), [`Reader`] (fixed layouts),
//! [`frame`] (length-prefixed frames over a stream).
//!
//! Invariants:
//! - decoding is strict: the input is bounded before anything is allocated, one value has one encoding, nothing may trail;
//! - nothing here panics on any input;
//! - no input or output of its own, no clock, no randomness.

mod codec;
pub mod frame;
mod layout;
mod network;
mod node;
mod route;
mod time;

pub use codec::{DecodeError, Tagged, decode, encode};
pub use layout::{Reader, Truncated};
pub use network::{NetworkName, NetworkNameError};
pub use node::{NodeId, NodeIdError};
pub use route::{Destination, Isolation, Purpose, Service};
pub use time::{Epoch, UnixMillis};
