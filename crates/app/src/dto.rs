//! The shapes that cross between the core and a face, named as the headless interface names them
//! (`docs/protocol/rpc.md`). The window's TypeScript types are generated from these.
//!
//! Times are Unix milliseconds. What is absent is left out of the JSON, except where a type says `null`.

mod account;
mod bytes;
mod contact;
mod conversation;
mod desktop;
mod file;
mod message;
mod network;
mod settings;

pub use account::*;
pub use bytes::*;
pub use contact::*;
pub use conversation::*;
pub use desktop::*;
pub use file::*;
pub use message::*;
pub use network::*;
pub use settings::*;

use serde::{Deserialize, Serialize};
use ts_rs::TS;
use zeroize::Zeroizing;

/// No parameters, or nothing to say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// Text that must not linger: a password as it was typed. Wiped when dropped; cannot be printed.
#[derive(Clone, Deserialize, TS)]
#[serde(from = "String")]
#[ts(type = "string")]
pub struct Sensitive(Zeroizing<String>);

impl Sensitive {
    /// The text.
    pub fn dangerously_expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Sensitive {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

/// Which way something went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// From us.
    Out,
    /// To us.
    In,
}
