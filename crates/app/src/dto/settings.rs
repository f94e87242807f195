//! `settings.*`

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What an account's owner has chosen.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The window's colours.
    pub theme: Theme,
    /// A language tag such as `de`; `null` follows the system.
    pub language: Option<String>,
}

/// Only what is to change.
#[derive(Debug, Clone, Default, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct SettingsChange {
    /// The window's colours.
    #[serde(default)]
    #[ts(optional)]
    pub theme: Option<Theme>,
    /// A language tag, or `null`.
    #[serde(default, deserialize_with = "present")]
    #[ts(optional, type = "string | null")]
    pub language: Option<Option<String>>,
}

/// The window's colours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Theme {
    /// As the system has them.
    #[default]
    System,
    /// Ink on paper.
    Light,
    /// Paper on ink.
    Dark,
}

/// Tells `null` from absent.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}
