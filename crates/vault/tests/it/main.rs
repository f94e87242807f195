//! The container against a real disk: killed, without room, and searched by a thief.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that panics has failed"
)]

mod canary;
mod full;
mod kill;
mod writer;
