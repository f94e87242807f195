//! What stands inside one ciphertext of a session: a few entries. The envelope around it pads.
//!
//! | offset | size | field                              |
//! |-------:|-----:|------------------------------------|
//! |      0 |    1 | version = 1                        |
//! |      1 | rest | entries: a list of (u16 tag, body) |

use crate::chain::{Link, Salt};
use crate::content::Content;
use crate::receipt::Receipt;
use outis_crypto::hash;
use outis_crypto::label;
use outis_mailbox::queue::QueueId;
use outis_wire::{DecodeError, Tagged, UnixMillis};
use serde::{Deserialize, Serialize};

/// The entries of one ciphertext, at most [`Parcel::ENTRIES`]. A parcel has one number, receipt, card or acceptance at most:
/// they are worked out from what is stored, and stored together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Parcel {
    pub(crate) entries: Vec<Entry>,
}

/// One thing that is told. Unknown tags are skipped: a newer version may say more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Entry {
    /// A content with a number in its direction: told until it is receipted, shown once, in order.
    Numbered(Numbered),
    /// Which numbers of the other direction have arrived. Cumulative, never receipted.
    Receipt(Receipt),
    /// Where to write from now on.
    Card(CardEntry),
    /// A ciphertext came that the session could not open.
    CannotOpen(CiphertextHash),
    /// The answer to a request.
    Accepted(Accepted),
    /// Something is being written. Never receipted, and worth nothing soon.
    Typing,
    /// A tag of a newer version.
    Unknown(u16),
}

/// A content and its place in the sender's direction of the conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Numbered {
    /// Names the sender's numbering: who starts to count anew (after a reinstall, or after removing the contact) draws
    /// another name.
    pub(crate) stream: u64,
    /// From 1, without a hole, over all sessions with this contact.
    pub(crate) number: u64,
    /// Whatever is below is settled: somebody who has nothing of this stream begins here.
    pub(crate) from: u64,
    /// When its writer wrote it, by the writer's clock.
    pub(crate) sent_at: UnixMillis,
    /// Makes the hash in the chain say nothing about a text once the salt is erased.
    pub(crate) salt: Salt,
    /// The link of the number before it; the zero link for the first one told in a session.
    pub(crate) previous: Link,
    /// Seconds for which it stays, from when it is first put here and from when it is looked at there; nothing for ever.
    pub(crate) disappear_after: Option<u32>,
    /// What it is.
    pub(crate) content: Content,
}

/// A card as the other side sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CardEntry {
    /// The sender's numbering: whoever starts anew counts cards anew too.
    pub(crate) stream: u64,
    /// The encoded [`outis_mailbox::QueueCard`].
    pub(crate) card: Vec<u8>,
    /// Encoded passes for the queues of the request queue, by queue id: for the way back.
    pub(crate) passes: Vec<(QueueId, [u8; 32])>,
}

/// Who accepted, in their own words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Accepted {
    pub(crate) nickname: String,
}

/// Names a ciphertext between the two who know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct CiphertextHash(pub(crate) [u8; 32]);

impl CiphertextHash {
    pub(crate) fn of(ciphertext: &[u8]) -> Self {
        Self(hash(label::MESSENGER_CIPHERTEXT, &[ciphertext]))
    }
}

impl Parcel {
    /// More than this in one ciphertext is refused.
    pub(crate) const ENTRIES: usize = 32;

    /// A parcel with one entry.
    pub(crate) fn of(entry: Entry) -> Self {
        Self { entries: vec![entry] }
    }

    /// Its bytes.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let entries: Vec<Tagged> = self.entries.iter().map(Entry::to_tagged).collect();
        let mut bytes = vec![VERSION];
        bytes.extend_from_slice(&outis_wire::encode(&entries));
        bytes
    }

    /// Reads what [`encode`](Self::encode) wrote.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, ParcelError> {
        let (version, body) = bytes.split_first().ok_or(ParcelError::Malformed)?;
        if *version != VERSION {
            return Err(ParcelError::Version(*version));
        }
        let entries: Vec<Tagged> = outis_wire::decode(body, Self::LIMIT)?;
        let is_repeated = |at: usize, tag: u16| entries.iter().take(at).any(|before| before.tag == tag);
        let repeats = |(at, entry): (usize, &Tagged)| tag::ONCE.contains(&entry.tag) && is_repeated(at, entry.tag);
        if entries.len() > Self::ENTRIES || entries.iter().enumerate().any(repeats) {
            return Err(ParcelError::Malformed);
        }
        let entries = entries.into_iter().map(Entry::from_tagged).collect::<Result<_, _>>()?;
        Ok(Self { entries })
    }

    /// No parcel is larger: it would not fit the largest envelope.
    const LIMIT: usize = 69_632;
}

impl Entry {
    fn to_tagged(&self) -> Tagged {
        let (tag, body) = match self {
            Self::Numbered(numbered) => (tag::NUMBERED, outis_wire::encode(numbered)),
            Self::Receipt(receipt) => (tag::RECEIPT, outis_wire::encode(receipt)),
            Self::Card(card) => (tag::CARD, outis_wire::encode(card)),
            Self::CannotOpen(hash) => (tag::CANNOT_OPEN, outis_wire::encode(hash)),
            Self::Accepted(accepted) => (tag::ACCEPTED, outis_wire::encode(accepted)),
            Self::Typing => (tag::TYPING, Vec::new()),
            Self::Unknown(tag) => (*tag, Vec::new()),
        };
        Tagged { tag, body }
    }

    fn from_tagged(Tagged { tag, body }: Tagged) -> Result<Self, ParcelError> {
        Ok(match tag {
            tag::NUMBERED => Self::Numbered(outis_wire::decode(&body, Parcel::LIMIT)?),
            tag::RECEIPT => {
                let receipt: Receipt = outis_wire::decode(&body, Receipt::LIMIT)?;
                Self::Receipt(receipt.checked().ok_or(ParcelError::Malformed)?)
            }
            tag::CARD => Self::Card(outis_wire::decode(&body, CARD_LIMIT)?),
            tag::CANNOT_OPEN => Self::CannotOpen(outis_wire::decode(&body, 32)?),
            tag::ACCEPTED => Self::Accepted(outis_wire::decode(&body, NICKNAME_LIMIT + 8)?),
            tag::TYPING if body.is_empty() => Self::Typing,
            tag::TYPING => return Err(ParcelError::Malformed),
            other => Self::Unknown(other),
        })
    }
}

/// A nickname in bytes, as received; longer ones are refused.
pub(crate) const NICKNAME_LIMIT: usize = 512;

/// An encoded card entry.
pub(crate) const CARD_LIMIT: usize = 2_048;

const VERSION: u8 = 1;

/// All tags of entries.
mod tag {
    pub(super) const NUMBERED: u16 = 1;
    pub(super) const RECEIPT: u16 = 2;
    pub(super) const CARD: u16 = 3;
    pub(super) const CANNOT_OPEN: u16 = 4;
    pub(super) const ACCEPTED: u16 = 5;
    pub(super) const TYPING: u16 = 6;

    /// Those of which a parcel has one at most.
    pub(super) const ONCE: [u16; 5] = [NUMBERED, RECEIPT, CARD, ACCEPTED, TYPING];
}

/// Why a plaintext is not a parcel. It was authenticated, so this is a fault or a newer version of the other side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ParcelError {
    #[error("parcel version {0} is not known")]
    Version(u8),
    #[error("malformed parcel")]
    Malformed,
    #[error("malformed entry")]
    Decode(#[from] DecodeError),
}

#[cfg(test)]
mod tests;
