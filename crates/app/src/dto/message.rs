//! `message.*`

use super::{Direction, Sensitive, Voice};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A text to send.
#[derive(Debug, Clone, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct SendMessage {
    /// To whom: `outis1…`; one's own address for the note to self.
    pub contact: String,
    /// At most 64 KiB of UTF-8.
    pub text: String,
    /// The message that it answers.
    #[serde(default)]
    #[ts(optional)]
    pub reply_to: Option<String>,
}

/// A page of a conversation: its end, or what one of the three says.
#[derive(Debug, Clone, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct ListMessages {
    /// Whose conversation.
    pub contact: String,
    /// Only what is older than this message.
    #[serde(default)]
    #[ts(optional)]
    pub before: Option<String>,
    /// Only what is newer than this message.
    #[serde(default)]
    #[ts(optional)]
    pub after: Option<String>,
    /// What stands around this message, and itself.
    #[serde(default)]
    #[ts(optional)]
    pub around: Option<String>,
    /// How many, 1 to 500; 50 if not said.
    #[serde(default)]
    #[ts(optional, as = "Option<u32>")]
    pub limit: Option<u32>,
}

/// Words that somebody looks for.
#[derive(Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct SearchMessages {
    /// Words or their beginnings, in any script; case and accents do not matter.
    pub query: Sensitive,
    /// Only in the conversation with this contact.
    #[serde(default)]
    #[ts(optional)]
    pub contact: Option<String>,
    /// How many, 1 to 500; 50 if not said.
    #[serde(default)]
    #[ts(optional, as = "Option<u32>")]
    pub limit: Option<u32>,
}

/// How far a person has read.
#[derive(Debug, Clone, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct MarkRead {
    /// Whose conversation.
    pub contact: String,
    /// The last message that was read.
    pub up_to: String,
}

/// A message by its id.
#[derive(Debug, Clone, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct MessageRef {
    /// The id.
    pub id: String,
}

/// A message to be deleted.
#[derive(Debug, Clone, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct DeleteMessage {
    /// The id.
    pub id: String,
    /// On the contact's computer too, as far as their program obeys; only one's own messages.
    #[serde(default)]
    #[ts(optional, as = "Option<bool>")]
    pub for_everyone: bool,
}

/// Another wording for one of one's own texts.
#[derive(Debug, Clone, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct EditMessage {
    /// The id.
    pub id: String,
    /// At most 64 KiB of UTF-8.
    pub text: String,
}

/// An emoji on a message, in place of one's last.
#[derive(Debug, Clone, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct ReactToMessage {
    /// The id.
    pub id: String,
    /// At most 64 bytes of UTF-8; empty to take it back.
    pub emoji: String,
}

/// The id of what was just made durable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct Sent {
    /// The id.
    pub id: String,
}

/// A part of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct MessagePage {
    /// Newest last; what was searched for, newest first.
    pub messages: Vec<Message>,
    /// Whether there are older ones.
    pub more: bool,
    /// Whether there are newer ones.
    pub newer: bool,
}

/// One message, as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct Message {
    /// Its id on this machine.
    pub id: String,
    /// Whose conversation it is in.
    pub contact: String,
    /// Which way it went.
    pub direction: Direction,
    /// What it says.
    pub body: MessageBody,
    /// When its sender sent it, by the sender's clock.
    pub sent_at: u64,
    /// When it came, by ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub received_at: Option<u64>,
    /// How far it got.
    pub state: MessageState,
    /// The message that it answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub reply_to: Option<String>,
    /// When it was last changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub edited_at: Option<u64>,
    /// Who reacted how.
    pub reactions: Vec<Reaction>,
    /// Seconds after which it goes by itself: from its first put, or from when it was looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub disappear_after: Option<u32>,
    /// When it goes, once that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub disappears_at: Option<u64>,
}

/// What a message says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum MessageBody {
    /// Plain text.
    Text {
        /// The text.
        text: String,
    },
    /// An offered file.
    File {
        /// Its transfer.
        transfer: String,
        /// Its name, made safe.
        name: String,
        /// Its size in bytes.
        size: u64,
        /// If it is something spoken.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        voice: Option<Voice>,
    },
    /// Messages that were sent and have not come.
    Gap {
        /// How many.
        count: u64,
    },
    /// A message that was deleted.
    Deleted,
    /// Something that happened.
    Note {
        /// What: `new_device`, `new_session`, `chain_broken` or `disappearing`.
        note: String,
        /// Of `disappearing`: the seconds; absent when messages stay from here on.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[ts(optional)]
        seconds: Option<u32>,
    },
    /// A kind that this version does not know.
    Unsupported,
}

/// A reaction to a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct Reaction {
    /// The emoji.
    pub emoji: String,
    /// Whose it is.
    pub direction: Direction,
}

/// How far a message got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum MessageState {
    /// Here, and nowhere else yet.
    Queued,
    /// In at least one of the recipient's mailboxes.
    Stored,
    /// Their device has it.
    Delivered,
    /// They have seen it.
    Read,
    /// It will not arrive; the flight record says why.
    Failed,
}

/// One step of a message's flight record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct StepRecord {
    /// When.
    pub at: u64,
    /// What happened, for a program.
    pub step: String,
    /// The same for a person.
    pub detail: String,
}
