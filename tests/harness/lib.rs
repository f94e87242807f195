//! What whole stories are told with.
//!
//! Types to know: [`sim::SimNet`] (a network in one thread, on simulated time) and [`sim::TestPeer`] (a person on it);
//! [`process::Relay`] and [`process::Person`] (the real program over real sockets);
//! [`window::Window`] (the real window on a display of its own).

#![allow(clippy::missing_errors_doc, clippy::missing_panics_doc)]
// A test whose ground gives way panics, and says where.
#![allow(clippy::indexing_slicing)]

pub mod process;
pub mod sim;
pub mod window;
