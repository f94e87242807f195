//! The one error that a face sees.

use serde::Serialize;
use std::fmt;
use ts_rs::TS;

/// A refusal: `code` for a program, `message` for a person. Nothing was changed or lost, and neither holds a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[ts(rename = "AppError")]
pub struct Error {
    /// What a caller acts on.
    pub code: ErrorCode,
    /// One plain English sentence.
    pub message: String,
}

impl Error {
    /// An error with its sentence.
    pub fn new(code: ErrorCode, message: impl fmt::Display) -> Self {
        Self {
            code,
            message: message.to_string(),
        }
    }

    /// A bug of ours, or a machine that fails in a way nobody can act on.
    pub fn internal(cause: impl fmt::Display) -> Self {
        tracing::error!(%cause, "internal error");
        Self::new(ErrorCode::Internal, cause)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

/// Every reason there is. A removed one stays reserved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// The request is malformed, or one of its values is out of range.
    InvalidParams,
    /// No account is unlocked.
    Locked,
    /// No container on this machine answers to this nickname and password.
    WrongCredentials,
    /// The password could be guessed.
    WeakPassword,
    /// The nickname is empty, too long or has characters that are not allowed.
    NicknameInvalid,
    /// This machine already holds this account.
    AccountExists,
    /// The account has been taken over by another device.
    AccountSuperseded,
    /// There is no such contact, message or transfer.
    NotFound,
    /// Not an address, invite or multiaddress.
    InvalidAddress,
    /// One's own address.
    SelfContact,
    /// Somebody who is not a contact, or not one yet.
    NotAContact,
    /// A blocked contact.
    Blocked,
    /// More than is allowed.
    TooLarge,
    /// The file cannot be read, or changed while it was.
    FileUnreadable,
    /// There is something at that path already.
    PathExists,
    /// The disk is full.
    DiskFull,
    /// Key derivation needs more memory than the machine can lend.
    TooLittleMemory,
    /// The container is damaged.
    ContainerDamaged,
    /// The container was written by a newer version.
    ContainerTooNew,
    /// Another process has the container open.
    ContainerInUse,
    /// Fewer relays are known than privacy needs.
    TooFewRelays,
    /// A bug of ours.
    Internal,
}
