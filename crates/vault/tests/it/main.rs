//! The container against a real disk: killed, cut off from power, without room, and searched by a thief.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that panics has failed"
)]

mod canary;
mod damage;
mod full;
#[cfg(target_os = "linux")]
mod images;
mod kill;
#[cfg(target_os = "linux")]
mod overwrite;
mod primitives;
#[cfg(target_os = "linux")]
mod same;
#[cfg(target_os = "linux")]
mod trace;
mod writer;
