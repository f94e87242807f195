//! `settings.*`

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What an account's owner has chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// The window's colours.
    pub theme: Theme,
    /// A language tag such as `de`; `null` follows the system.
    pub language: Option<String>,
    /// How large text is, in percent: 80 to 200.
    pub text_zoom: u16,
    /// Nothing moves on the screen, whatever the system says.
    pub reduce_motion: bool,
    /// Minutes without a hand on mouse or keyboard after which the account locks itself; `null` for never.
    pub lock_after: Option<u32>,
    /// What the desktop is told when a message comes.
    pub notifications: Notifications,
    /// Bytes a second that files may take, each way; `null` for as much as there is.
    #[serde(default)]
    pub file_rate: Option<u64>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            theme: Theme::default(),
            language: None,
            text_zoom: 100,
            reduce_motion: false,
            lock_after: None,
            notifications: Notifications::default(),
            file_rate: None,
        }
    }
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
    /// How large text is, in percent: 80 to 200.
    #[serde(default)]
    #[ts(optional)]
    pub text_zoom: Option<u16>,
    /// Nothing moves on the screen.
    #[serde(default)]
    #[ts(optional)]
    pub reduce_motion: Option<bool>,
    /// Minutes, 1 to 1440, or `null`.
    #[serde(default, deserialize_with = "present")]
    #[ts(optional, type = "number | null")]
    pub lock_after: Option<Option<u32>>,
    /// What the desktop is told when a message comes.
    #[serde(default)]
    #[ts(optional)]
    pub notifications: Option<Notifications>,
    /// Bytes a second for files, or `null`.
    #[serde(default, deserialize_with = "present")]
    #[ts(optional, type = "number | null")]
    pub file_rate: Option<Option<u64>>,
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

/// What the desktop is told when a message comes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Notifications {
    /// Nothing.
    Off,
    /// That there is one.
    #[default]
    Plain,
    /// Who wrote, and what.
    Content,
}

/// Tells `null` from absent.
fn present<'de, T, D>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    T: Deserialize<'de>,
    D: serde::Deserializer<'de>,
{
    Option::deserialize(deserializer).map(Some)
}
