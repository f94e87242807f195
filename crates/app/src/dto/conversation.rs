//! `conversation.*`

use super::Sensitive;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What a person chose for one conversation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, TS)]
pub struct ConversationSettings {
    /// Messages go by themselves after so many seconds; `null`: they stay. Either side chooses, the last choice holds.
    pub disappear_after: Option<u32>,
    /// No notifications.
    pub muted: bool,
    /// When the contact is told that something arrived.
    pub receipts: Receipts,
    /// Whether the contact is told what was looked at.
    pub read_receipts: bool,
    /// Whether the contact is told while something is being written.
    pub typing: bool,
    /// Shown above the others.
    pub pinned: bool,
    /// Shown apart from the others, until something comes, unless it is muted.
    pub archived: bool,
}

/// When a contact is told that something arrived, and so that this computer is on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Receipts {
    /// At once.
    #[default]
    AtOnce,
    /// Once an hour at most.
    Hourly,
}

/// What is to change in a conversation; what is not named stays.
#[derive(Debug, Clone, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct SetConversation {
    /// Whose: `outis1…`; one's own address for the notes to self.
    pub contact: String,
    /// Seconds; `null` or 0 for ever.
    #[serde(default, deserialize_with = "present")]
    #[ts(optional, type = "number | null")]
    pub disappear_after: Option<Option<u32>>,
    /// No notifications.
    #[serde(default)]
    #[ts(optional)]
    pub muted: Option<bool>,
    /// When the contact is told that something arrived.
    #[serde(default)]
    #[ts(optional)]
    pub receipts: Option<Receipts>,
    /// Whether the contact is told what was looked at.
    #[serde(default)]
    #[ts(optional)]
    pub read_receipts: Option<bool>,
    /// Whether the contact is told while something is being written.
    #[serde(default)]
    #[ts(optional)]
    pub typing: Option<bool>,
    /// Shown above the others.
    #[serde(default)]
    #[ts(optional)]
    pub pinned: Option<bool>,
    /// Shown apart from the others.
    #[serde(default)]
    #[ts(optional)]
    pub archived: Option<bool>,
}

/// A conversation by its contact.
#[derive(Debug, Clone, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct ConversationRef {
    /// Whose: `outis1…`
    pub contact: String,
}

/// What was begun to be written, or the question for it.
#[derive(Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct KeepDraft {
    /// To whom: `outis1…`; one's own address for the note to self.
    pub contact: String,
    /// What to keep in place of what was kept, at most 64 KiB of UTF-8; empty to forget it. Left out, nothing changes.
    #[serde(default)]
    #[ts(optional)]
    pub text: Option<Sensitive>,
}

/// What was begun to be written and not sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct Draft {
    /// Empty if there is nothing.
    pub text: String,
}

/// Tells `null` from absent.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Option<u32>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}
