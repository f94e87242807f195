//! What whole stories are told with.
//!
//! Types to know: [`sim::SimNet`] (a network in one thread, on simulated time) and [`sim::TestPeer`] (a person on it);
//! [`process::Relay`] and [`process::Person`] (the real program over real sockets);
//! [`window::Window`] (the real window on a display of its own); [`lab::Lab`] (hosts in network namespaces, each link
//! recorded); [`canary::Needles`] (what must be nowhere).

#![allow(clippy::missing_errors_doc, clippy::missing_panics_doc)]
// A test whose ground gives way panics, and says where.
#![allow(clippy::indexing_slicing)]

pub mod bench;
pub mod canary;
pub mod guess;
pub mod lab;
pub mod process;
pub mod sim;
pub mod window;
