//! The composition root: everything that a face of Outis sees.

pub mod dto;
mod error;
mod event;

#[cfg(test)]
mod bindings;

pub use error::{Error, ErrorCode};
pub use event::Event;
