//! What client and mailbox say to each other, byte by byte.
//!
//! A frame is its length (4, big-endian), a number (4), a tag (2) and a body. The client numbers its requests; replies and
//! pushes carry the number of the request that they belong to. The mailbox speaks first: [`Reply::Hello`], number 0.

mod order;
mod reply;
mod request;

pub use order::Kind;
pub(crate) use order::{Context, Order};
pub(crate) use reply::{Delivered, Reply};
pub use reply::{Quote, Refusal};
pub use request::Postage;
pub(crate) use request::{Mode, Request};

use crate::work::Proof;
use outis_crypto::CryptoRng;
use outis_wire::Truncated;

/// All tags of the mailbox protocol. Requests are below 128, replies above. A removed tag stays reserved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
pub(crate) enum Tag {
    Quote = 0x0101,
    Create = 0x0102,
    Open = 0x0103,
    Put = 0x0104,
    Acknowledge = 0x0105,
    Delete = 0x0106,
    Hello = 0x0181,
    Quoted = 0x0182,
    Created = 0x0183,
    Opened = 0x0184,
    Stored = 0x0185,
    Acknowledged = 0x0186,
    Deleted = 0x0187,
    Refused = 0x0188,
    Delivered = 0x0189,
    CaughtUp = 0x018a,
    Ended = 0x018b,
}

impl Tag {
    fn read(value: u16) -> Option<Self> {
        const ALL: [Tag; 17] = [
            Tag::Quote,
            Tag::Create,
            Tag::Open,
            Tag::Put,
            Tag::Acknowledge,
            Tag::Delete,
            Tag::Hello,
            Tag::Quoted,
            Tag::Created,
            Tag::Opened,
            Tag::Stored,
            Tag::Acknowledged,
            Tag::Deleted,
            Tag::Refused,
            Tag::Delivered,
            Tag::CaughtUp,
            Tag::Ended,
        ];
        ALL.into_iter().find(|tag| *tag as u16 == value)
    }
}

/// The longest frame either side sends, without its length: a put of the largest envelope with work.
pub(crate) const MAX_FRAME: usize = 4 + 2 + 32 + 32 + 1 + Proof::SIZE + crate::Size::Large.bytes();

/// Envelopes acknowledged by one request, at most.
pub(crate) const MAX_ACKNOWLEDGED: usize = 64;

/// Drawn by the mailbox for each connection: an owner's signature is good for one connection only.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Nonce(pub(crate) [u8; 32]);

impl Nonce {
    /// A fresh one.
    pub fn random(rng: &mut impl CryptoRng) -> Self {
        let mut bytes = [0; 32];
        rng.fill_bytes(&mut bytes);
        Self(bytes)
    }
}

/// Not a frame of this protocol. Whoever sends one is not talked to any further.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a frame of this protocol")]
pub(crate) struct BadFrame;

impl From<Truncated> for BadFrame {
    fn from(_: Truncated) -> Self {
        Self
    }
}

fn header(number: u32, tag: Tag) -> Vec<u8> {
    let mut out = Vec::with_capacity(128);
    out.extend_from_slice(&number.to_be_bytes());
    out.extend_from_slice(&(tag as u16).to_be_bytes());
    out
}

/// Whether `bytes` are a frame of this protocol, in either direction: other protocols' tests ask.
#[cfg(test)]
pub(crate) fn reads_as_a_frame(bytes: &[u8]) -> bool {
    Request::read(bytes).is_ok() || Reply::read(bytes).is_ok()
}

#[cfg(test)]
mod tests;
