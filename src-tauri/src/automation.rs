//! Whether a program drives the window, as the tests do.
//!
//! WebDriver cannot attach to an incognito page and cannot answer a native dialog. Under automation, and only then, the
//! page is not incognito (its folder is deleted on exit all the same), and dialogs are answered by environment variables.

use std::{path::PathBuf, time::Duration};

/// The web view reads the same variable, and then lets itself be driven.
pub(crate) fn is_on() -> bool {
    std::env::var_os("TAURI_WEBVIEW_AUTOMATION").is_some_and(|value| value == "true")
}

/// What a person would have chosen in a dialog.
pub(crate) fn chosen(dialog: Dialog) -> Option<PathBuf> {
    let name = match dialog {
        Dialog::Open => "OUTIS_AUTOMATION_OPEN",
        Dialog::Save => "OUTIS_AUTOMATION_SAVE",
    };
    std::env::var_os(name).filter(|_| is_on()).map(PathBuf::from)
}

/// How soon the clipboard is cleared, for who cannot wait as long as a person.
pub(crate) fn clipboard_time() -> Option<Duration> {
    let milliseconds = std::env::var("OUTIS_AUTOMATION_CLIPBOARD_MS")
        .ok()
        .filter(|_| is_on())?;
    milliseconds.parse().ok().map(Duration::from_millis)
}

/// A native dialog.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Dialog {
    Open,
    Save,
}
