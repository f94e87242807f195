//! The container against a real disk: killed, without room, and searched by a thief.

mod canary;
mod full;
mod kill;
mod writer;
