//! `contact.*`

use super::{ConversationSettings, Message};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Somebody to write to.
#[derive(Debug, Clone, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct AddContact {
    /// An address (`outis1…`) or an invite link (`outis:…`).
    pub address: String,
    /// What we call them.
    #[serde(default)]
    #[ts(optional)]
    pub alias: Option<String>,
    /// What they read before they decide; at most 500 characters.
    #[serde(default)]
    #[ts(optional)]
    pub greeting: Option<String>,
}

/// A contact by its address.
#[derive(Debug, Clone, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct ContactAddress {
    /// `outis1…`
    pub address: String,
}

/// A new name for a contact.
#[derive(Debug, Clone, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct RenameContact {
    /// `outis1…`
    pub address: String,
    /// What we call them; empty for their own nickname.
    pub alias: String,
}

/// The word of a person who has compared the safety number.
#[derive(Debug, Clone, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct VerifyContact {
    /// `outis1…`
    pub address: String,
    /// Whether it matched. `true` also confirms a changed device.
    pub verified: bool,
}

/// Somebody whom we asked, who asked us, or with whom we talk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct Contact {
    /// `outis1…`
    pub address: String,
    /// What they call themselves; empty until they have said so.
    pub nickname: String,
    /// What we call them.
    pub alias: Option<String>,
    /// Where we stand.
    pub state: ContactState,
    /// Whether a person has compared the safety number.
    pub verified: bool,
    /// Whether they have signed in on a new device since then.
    pub device_changed: bool,
    /// 60 digits in twelve groups of five.
    pub safety_number: String,
    /// Messages that have not been read.
    pub unread: u64,
    /// When the last message was sent or came.
    pub last_message_at: Option<u64>,
    /// What they wrote with their request.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub greeting: Option<String>,
    /// A request from somebody who says that we were in contact before.
    pub returning: bool,
    /// When they became a contact, or asked.
    pub added_at: u64,
    /// The last message of the conversation, its text cut to 200 characters.
    pub last_message: Option<Message>,
    /// What was begun to be written to them, cut to 200 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub draft: Option<String>,
    /// What was chosen for the conversation.
    pub conversation: ConversationSettings,
}

/// Where we stand with somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ContactState {
    /// We asked.
    Requested,
    /// They asked.
    Incoming,
    /// We talk.
    Accepted,
    /// We declined.
    Declined,
    /// We want to hear nothing from them.
    Blocked,
}

/// What kind of invite.
#[derive(Debug, Clone, Default, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct MakeInvite {
    /// One that one person can use once: they pay no work, and are heard however many strangers wait.
    #[serde(default)]
    #[ts(optional, as = "Option<bool>")]
    pub once: bool,
}

/// A way to find us.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct Invite {
    /// `outis:<address>?…`
    pub link: String,
    /// The link as a QR code.
    pub qr_svg: String,
    /// If it can be used once: as what it is listed until then.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub once: Option<OpenInvite>,
}

/// An invite for one that nobody has used yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct OpenInvite {
    /// Names it on this machine.
    pub id: u64,
    /// When it was made.
    pub made_at: u64,
    /// When it ends by itself.
    pub expires_at: u64,
}

/// An invite by its id.
#[derive(Debug, Clone, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct InviteRef {
    /// The invite.
    pub id: u64,
}
