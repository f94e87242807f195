//! What a message says: `(kind, bytes)`, where an unknown kind is shown as such and never an error.

use outis_wire::Tagged;
use serde::{Deserialize, Serialize};

/// The content of a numbered message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Tagged", into = "Tagged")]
pub enum Content {
    /// Something written.
    Text(Text),
    /// A file is offered.
    FileOffer(FileOffer),
    /// An answer to an offer, or a change of mind. Not shown as a message of its own.
    FileSignal(FileSignal),
    /// Withdrawn before it was told: closes the chain at its number.
    Tombstone(Tombstone),
    /// A kind that this version does not know, kept as it came so that a later version can read it.
    Unsupported(Tagged),
}

/// A text, and what it answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Text {
    /// At most [`Text::LIMIT`] bytes.
    pub text: String,
    /// The message that it answers.
    pub reply_to: Option<Reference>,
}

impl Text {
    /// Bytes of UTF-8 in one text.
    pub const LIMIT: usize = 64 * 1024;
}

/// A message as both sides can name it: by direction and number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reference {
    /// Who wrote it, seen from the writer of the reference.
    pub author: Author,
    /// Its number in that direction.
    pub number: u64,
}

/// One of the two, seen from the writer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Author {
    /// The writer.
    Me,
    /// The reader.
    You,
}

/// A file that its owner would send.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileOffer {
    /// The encoded [`outis_transfer::Offer`], key included. Its file id names the transfer.
    pub offer: Vec<u8>,
}

/// What one side tells the other about a transfer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileSignal {
    /// The transfer.
    pub transfer: [u8; 32],
    /// An encoded signal of the file driver.
    pub signal: Tagged,
}

/// Stands for a content that was withdrawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tombstone {
    /// The salted hash of what stood here.
    pub withdrawn: [u8; 32],
}

impl Content {
    /// Whether a person sees something of it in the conversation.
    pub fn is_shown(&self) -> bool {
        match self {
            Self::Text(_) | Self::FileOffer(_) => true,
            Self::FileSignal(_) | Self::Tombstone(_) => false,
            Self::Unsupported(tagged) => tagged.tag < kind::QUIET,
        }
    }
}

impl From<Content> for Tagged {
    fn from(content: Content) -> Self {
        match content {
            Content::Text(text) => Self {
                tag: kind::TEXT,
                body: outis_wire::encode(&text),
            },
            Content::FileOffer(offer) => Self {
                tag: kind::FILE_OFFER,
                body: outis_wire::encode(&offer),
            },
            Content::FileSignal(signal) => Self {
                tag: kind::FILE_SIGNAL,
                body: outis_wire::encode(&signal),
            },
            Content::Tombstone(tombstone) => Self {
                tag: kind::TOMBSTONE,
                body: outis_wire::encode(&tombstone),
            },
            Content::Unsupported(tagged) => tagged,
        }
    }
}

impl From<Tagged> for Content {
    /// A known kind whose body does not decode is a kind that this version does not know.
    fn from(tagged: Tagged) -> Self {
        let Tagged { tag, body } = &tagged;
        let known = match *tag {
            kind::TEXT => outis_wire::decode(body, BODY_LIMIT)
                .ok()
                .filter(|text: &Text| text.text.len() <= Text::LIMIT)
                .map(Self::Text),
            kind::FILE_OFFER => outis_wire::decode(body, BODY_LIMIT).ok().map(Self::FileOffer),
            kind::FILE_SIGNAL => outis_wire::decode(body, BODY_LIMIT).ok().map(Self::FileSignal),
            kind::TOMBSTONE => outis_wire::decode(body, BODY_LIMIT).ok().map(Self::Tombstone),
            _ => None,
        };
        known.unwrap_or(Self::Unsupported(tagged))
    }
}

/// A text of the largest size, with its reference and lengths.
const BODY_LIMIT: usize = Text::LIMIT + 64;

/// All kinds. 2 (edit), 3 (reaction), 4 (delete for everyone) and 5 (voice) are reserved; from [`QUIET`](kind::QUIET) on,
/// a kind that is not known shows nothing.
mod kind {
    pub(super) const TEXT: u16 = 1;
    pub(super) const FILE_OFFER: u16 = 16;
    pub(super) const QUIET: u16 = 0x8000;
    pub(super) const FILE_SIGNAL: u16 = 0x8001;
    pub(super) const TOMBSTONE: u16 = 0x8002;
}
