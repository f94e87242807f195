//! What only the window asks: this machine's dialogs, clipboard and browser.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// About the running program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct AppInfo {
    /// The version.
    pub version: String,
    /// Whether everything here is a sandbox and gone on exit.
    pub sandbox: bool,
    /// Whether a program drives the window.
    pub automation: bool,
}

/// A file that a person picked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct PickedFile {
    /// Where it is.
    pub path: String,
    /// What it is called.
    pub name: String,
    /// Its size in bytes.
    pub size: u64,
}

/// What a file to save might be called.
#[derive(Debug, Clone, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct SuggestedName {
    /// The name.
    pub suggested_name: String,
}

/// Text for the clipboard.
#[derive(Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct CopyText {
    /// The text.
    pub text: super::Sensitive,
}

/// A link that a person wants to follow.
#[derive(Debug, Clone, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct OpenLink {
    /// An https address.
    pub url: String,
}

/// How the program behaves on this machine, whoever signs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
pub struct ShellSettings {
    /// It starts, without a window, when the person signs in to the system.
    pub autostart: bool,
    /// Whether there is a tray that closing the window hides to. Found out, not chosen.
    pub tray: bool,
}

/// Only what is to change.
#[derive(Debug, Clone, Copy, Default, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct ShellChange {
    /// Whether it starts with the system.
    #[serde(default)]
    #[ts(optional)]
    pub autostart: Option<bool>,
}

/// Words for what stands outside the page, in the page's language.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct ShellWords {
    /// In the tray: shows the window.
    pub open: String,
    /// In the tray: locks the account.
    pub lock: String,
    /// In the tray: ends the program.
    pub quit: String,
    /// Notification: a message has come.
    pub message: String,
    /// Notification: somebody wants to talk.
    pub request: String,
    /// Notification, once: the window is closed, the program goes on.
    pub hidden: String,
}
