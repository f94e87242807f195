//! What a message says: `(kind, bytes)`, where an unknown kind is shown as such and never an error.

use outis_wire::Tagged;
use serde::{Deserialize, Serialize};

/// The content of a numbered message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Tagged", into = "Tagged")]
pub enum Content {
    /// Something written.
    Text(Text),
    /// One of the writer's own texts says something else now.
    Edit(Edit),
    /// How the writer feels about a message.
    Reaction(Reaction),
    /// One of the writer's own messages is to be deleted on both sides.
    Delete(Delete),
    /// How long messages of this conversation stay from now on. Shown as a note.
    Timer(Timer),
    /// A file is offered.
    FileOffer(FileOffer),
    /// An answer to an offer, or a change of mind. Not shown as a message of its own.
    FileSignal(FileSignal),
    /// Withdrawn: closes the chain at its number.
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

/// A new text for one of the writer's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edit {
    /// The number of the text, in the writer's direction.
    pub number: u64,
    /// At most [`Text::LIMIT`] bytes.
    pub text: String,
}

/// One emoji of the writer's on a message, in place of the one before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reaction {
    /// The message.
    pub to: Reference,
    /// At most [`Reaction::LIMIT`] bytes; nothing takes it back.
    pub emoji: Option<String>,
}

impl Reaction {
    /// Bytes of UTF-8 of one emoji: families and flags are long.
    pub const LIMIT: usize = 64;
}

/// Takes one of the writer's own messages back, which the reader may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delete {
    /// Its number in the writer's direction.
    pub number: u64,
}

/// A choice of how long messages stay. Both may choose: the one with the higher count holds, and of two with the same count
/// that of the numbering with the greater name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timer {
    /// One more than the last choice that the writer knew of.
    pub count: u64,
    /// Seconds; nothing for ever.
    pub after: Option<u32>,
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
    /// Whoever has the content already is to delete it.
    pub for_everyone: bool,
}

impl Content {
    /// Whether a person sees something of it in the conversation.
    pub fn is_shown(&self) -> bool {
        match self {
            Self::Text(_) | Self::FileOffer(_) | Self::Timer(_) => true,
            Self::Edit(_) | Self::Reaction(_) | Self::Delete(_) | Self::FileSignal(_) | Self::Tombstone(_) => false,
            Self::Unsupported(tagged) => tagged.tag < kind::QUIET,
        }
    }

    /// Names the writer's own messages by other numbers; what is about one that has none any more is withdrawn.
    pub(crate) fn renumber(&mut self, to: impl Fn(u64) -> Option<u64>) {
        let named = match self {
            Self::Edit(edit) => &mut edit.number,
            Self::Delete(delete) => &mut delete.number,
            Self::Reaction(reaction) if reaction.to.author == Author::Me => &mut reaction.to.number,
            _ => return,
        };
        match to(*named) {
            Some(number) => *named = number,
            None => {
                *self = Self::Tombstone(Tombstone {
                    withdrawn: [0; 32],
                    for_everyone: false,
                });
            }
        }
    }

    /// Whether it goes by itself in a conversation with a timer: what a person wrote does, what happened does not.
    pub(crate) fn disappears(&self) -> bool {
        match self {
            Self::Text(_) | Self::FileOffer(_) => true,
            Self::Unsupported(_) => self.is_shown(),
            Self::Edit(_)
            | Self::Reaction(_)
            | Self::Delete(_)
            | Self::Timer(_)
            | Self::FileSignal(_)
            | Self::Tombstone(_) => false,
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
            Content::Edit(edit) => Self {
                tag: kind::EDIT,
                body: outis_wire::encode(&edit),
            },
            Content::Reaction(reaction) => Self {
                tag: kind::REACTION,
                body: outis_wire::encode(&reaction),
            },
            Content::Delete(delete) => Self {
                tag: kind::DELETE,
                body: outis_wire::encode(&delete),
            },
            Content::Timer(timer) => Self {
                tag: kind::TIMER,
                body: outis_wire::encode(&timer),
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
            kind::EDIT => outis_wire::decode(body, BODY_LIMIT)
                .ok()
                .filter(|edit: &Edit| edit.text.len() <= Text::LIMIT)
                .map(Self::Edit),
            kind::REACTION => outis_wire::decode(body, BODY_LIMIT)
                .ok()
                .filter(|reaction: &Reaction| {
                    let emoji = reaction.emoji.as_ref();
                    emoji.is_none_or(|emoji| (1..=Reaction::LIMIT).contains(&emoji.len()))
                })
                .map(Self::Reaction),
            kind::DELETE => outis_wire::decode(body, BODY_LIMIT).ok().map(Self::Delete),
            kind::TIMER => outis_wire::decode(body, BODY_LIMIT)
                .ok()
                .filter(|timer: &Timer| timer.after != Some(0))
                .map(Self::Timer),
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

/// All kinds. 5 (voice) is reserved; from [`QUIET`](kind::QUIET) on, a kind that is not known shows nothing.
mod kind {
    pub(super) const TEXT: u16 = 1;
    pub(super) const EDIT: u16 = 2;
    pub(super) const REACTION: u16 = 3;
    pub(super) const DELETE: u16 = 4;
    pub(super) const TIMER: u16 = 6;
    pub(super) const FILE_OFFER: u16 = 16;
    pub(super) const QUIET: u16 = 0x8000;
    pub(super) const FILE_SIGNAL: u16 = 0x8001;
    pub(super) const TOMBSTONE: u16 = 0x8002;
}
