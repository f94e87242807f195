//! `file.*`

use super::{Bytes, Direction};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A file to offer.
#[derive(Debug, Clone, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct SendFile {
    /// To whom.
    pub contact: String,
    /// Where it lies on this machine; a folder is sent with all that is in it.
    pub path: String,
    /// Send images with what a camera wrote into them: where and when, with what.
    #[serde(default)]
    #[ts(optional, as = "Option<bool>")]
    pub keep_metadata: bool,
}

/// Bytes to hand over before they are sent: those of a large picture do not fit into one call.
#[derive(Clone, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct PutBytes {
    /// What they are to be added to; a new upload without it.
    #[serde(default)]
    #[ts(optional)]
    pub upload: Option<String>,
    /// The next of them.
    pub bytes: Bytes,
}

/// Bytes that were handed over and wait to be sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct Upload {
    /// Its name, until it is sent or the account is locked.
    pub upload: String,
    /// How many bytes there are.
    pub size: u64,
}

/// Bytes to offer that lie in no file: something pasted, or spoken.
#[derive(Clone, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct SendBytes {
    /// To whom.
    pub contact: String,
    /// What to call them; made safe.
    pub name: String,
    /// What was handed over before.
    #[serde(default)]
    #[ts(optional)]
    pub upload: Option<String>,
    /// The bytes, or the last of them. At most 16 MiB in all.
    #[serde(default)]
    #[ts(optional)]
    pub bytes: Option<Bytes>,
    /// Send an image with what a camera wrote into it.
    #[serde(default)]
    #[ts(optional, as = "Option<bool>")]
    pub keep_metadata: bool,
    /// It is something spoken.
    #[serde(default)]
    #[ts(optional)]
    pub voice: Option<Voice>,
}

/// What is said of something spoken, so that it can be shown before it is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct Voice {
    /// How long it is, in milliseconds.
    pub ms: u32,
    /// How loud it is, 0 to 255, in at most 64 even steps from its beginning to its end.
    pub waveform: Vec<u8>,
}

/// A part of a complete file.
#[derive(Debug, Clone, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct ReadFile {
    /// The transfer.
    pub id: String,
    /// Where to begin; at the beginning if not said.
    #[serde(default)]
    #[ts(optional, as = "Option<u64>")]
    pub offset: u64,
}

/// So many bytes of a file.
#[derive(Clone, Serialize, TS)]
pub struct FilePart {
    /// From the offset on, at most 1 MiB.
    pub bytes: Bytes,
    /// Of the whole file.
    pub size: u64,
}

/// A small picture of an image.
#[derive(Clone, Serialize, TS)]
pub struct Thumbnail {
    /// `image/jpeg` or `image/png`.
    pub mime: String,
    /// In base64.
    pub data: Bytes,
    /// Pixels from side to side.
    pub width: u32,
    /// Pixels from top to bottom.
    pub height: u32,
}

/// An offer to accept.
#[derive(Debug, Clone, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct AcceptFile {
    /// The transfer.
    pub id: String,
    /// Where to save it once it is complete; without it the file stays sealed in the container.
    #[serde(default)]
    #[ts(optional)]
    pub save_to: Option<String>,
}

/// A transfer by its id.
#[derive(Debug, Clone, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct TransferRef {
    /// The transfer.
    pub id: String,
}

/// Where to save a received file.
#[derive(Debug, Clone, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct SaveFile {
    /// The transfer.
    pub id: String,
    /// Where to; nothing there is overwritten.
    pub path: String,
}

/// Which transfers to list.
#[derive(Debug, Clone, Default, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct ListFiles {
    /// Only those with this contact.
    #[serde(default)]
    #[ts(optional)]
    pub contact: Option<String>,
}

/// A file on its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct Transfer {
    /// Its id on this machine.
    pub id: String,
    /// With whom.
    pub contact: String,
    /// Which way it goes.
    pub direction: Direction,
    /// The file's name, made safe.
    pub name: String,
    /// Whether it is a folder: saved as one.
    pub folder: bool,
    /// If it is something spoken.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub voice: Option<Voice>,
    /// Its size in bytes.
    pub size: u64,
    /// How many of them are there.
    pub done: u64,
    /// How far it got.
    pub state: TransferState,
    /// Why it is no further, where its state alone does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub why: Option<TransferReason>,
    /// Bytes a second just now.
    pub rate: u64,
    /// BLAKE3 of the whole file, in hex.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub blake3: Option<String>,
}

/// How far a transfer got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum TransferState {
    /// Nobody has decided yet.
    Offered,
    /// Bytes move.
    Active,
    /// Stopped for now by one of the two.
    Paused,
    /// The other side is away.
    Waiting,
    /// All of it is there, and it is what was offered.
    Complete,
    /// Not wanted.
    Declined,
    /// Stopped for good by one of the two.
    Cancelled,
    /// It cannot go on: the file vanished or changed.
    Failed,
}

/// Why a transfer is no further.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum TransferReason {
    /// Paused by us.
    PausedHere,
    /// Paused by them.
    PausedThere,
    /// Paused, for there is no room on this machine's disk.
    DiskFull,
    /// They are away; it waits for them in mailboxes.
    InMailbox,
    /// They have not heard of it yet; it waits on this machine until they are there.
    InOutbox,
    /// The sender's file is gone, or may not be read.
    Unreadable,
    /// The sender's file is not what was offered any more.
    Changed,
}
