//! `account.*`

use super::Sensitive;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Nickname and password of a new account.
#[derive(Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct CreateAccount {
    /// As others see it.
    pub nickname: String,
    /// The password, or a passphrase.
    pub password: Sensitive,
}

/// Nickname and password of an account.
#[derive(Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct UnlockAccount {
    /// As when it was created, give or take case and width.
    pub nickname: String,
    /// What opens this machine's container.
    pub password: Sensitive,
    /// Make a container here if there is none: a new machine, or a reinstall.
    #[serde(default)]
    #[ts(optional, as = "Option<bool>")]
    pub restore: bool,
}

/// The password that opens this machine's container, and the one that shall.
#[derive(Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct ChangePassword {
    /// The present one.
    pub old: Sensitive,
    /// The next one.
    pub new: Sensitive,
}

/// The word of an account's owner that its container on this machine shall be gone.
#[derive(Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct DeleteAccount {
    /// The one that opens the container.
    pub password: Sensitive,
}

/// Where an account's archive is to be written.
#[derive(Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct ExportAccount {
    /// A file that is not there yet.
    pub path: String,
}

/// An archive, and what opens it.
#[derive(Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct ImportAccount {
    /// The file.
    pub path: String,
    /// The account's.
    pub nickname: String,
    /// The one that opened the account's container when the archive was written.
    pub password: Sensitive,
}

/// A nickname and a password that somebody thinks of taking.
#[derive(Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct CheckPassword {
    /// Counts as known to whoever guesses.
    pub nickname: String,
    /// The candidate.
    pub password: Sensitive,
}

/// An account, seen by its owner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct Account {
    /// `outis1…`
    pub address: String,
    /// As typed.
    pub nickname: String,
    /// When this machine's container was made.
    pub created_at: u64,
}

/// What unlocking gives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct Unlocked {
    /// The account.
    #[serde(flatten)]
    pub account: Account,
    /// Whether the network knows this account: only where it was restored.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub known: Option<Known>,
}

/// Whether the network knows an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(untagged)]
pub enum Known {
    /// Its descriptor was found, or all who were asked say that there is none.
    Answered(bool),
    /// Nobody could be asked.
    Unanswered(Unreachable),
}

/// `"unreachable"`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Unreachable {
    /// Nobody could be asked.
    Unreachable,
}

/// Whether an account is unlocked, and which.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct AccountStatus {
    /// The state.
    pub state: AccountState,
    /// The account, unless locked.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[ts(optional)]
    pub account: Option<Account>,
    /// This machine may write what is in memory to a disk, keys too: it has swap, and did not let us lock our pages.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[ts(optional, as = "Option<bool>")]
    pub may_be_swapped: bool,
}

/// What can be done with the account right now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum AccountState {
    /// Nothing.
    Locked,
    /// Everything.
    Unlocked,
    /// Reading: another device has taken over.
    Superseded,
}

/// A passphrase that nobody has had before.
#[derive(Serialize, TS)]
pub struct Suggestion {
    /// Seven words.
    #[serde(serialize_with = "expose")]
    #[ts(type = "string")]
    pub passphrase: Sensitive,
    /// Its entropy.
    pub bits: u32,
}

fn expose<S: serde::Serializer>(text: &Sensitive, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(text.dangerously_expose())
}

/// What a password is worth.
#[derive(Debug, Clone, PartialEq, Serialize, TS)]
pub struct PasswordStrength {
    /// Logarithm to base 2 of the guesses that an informed attacker needs.
    pub bits: f64,
    /// Whether an account can be created with it.
    pub acceptable: bool,
    /// What would make it better.
    pub advice: Vec<String>,
}
