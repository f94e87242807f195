//! What both ends and the middle of a circuit have in common.
//!
//! Each hop of a circuit is one stream between two neighbours, and on it travel cells of one size and nothing else. What a
//! cell says is `outis-onion`'s affair; here they are moved, counted and bounded.

pub(crate) mod flow;
pub(crate) mod link;
pub(crate) mod pipe;

pub(crate) use flow::{Flow, Say};
pub(crate) use link::Link;
pub(crate) use pipe::Near;
