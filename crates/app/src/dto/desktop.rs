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
