//! A locked account leaves no memory behind: the program begins anew in its own place.
//!
//! Wiping what we allocated is not enough: the web view and its library have seen names, texts and the passphrase too, keep
//! copies in buffers of theirs, and offer no way to wipe them. A new program has none of it.

use crate::{HIDDEN, shell::Shell, window};
use std::process::Command;
use tauri::{AppHandle, Manager};

/// Ends the program, to begin anew once everything is closed in good order.
pub(crate) fn begin(app: &AppHandle) {
    let window = window::current(app);
    if let Some(window) = &window {
        window::remember_place(window);
    }
    let hidden = window.is_some_and(|window| !window.is_visible().unwrap_or(true));
    app.state::<Shell>().renew(hidden);
    app.exit(0);
}

/// The last thing that an ending program does. Returns where nothing is to be renewed, or nothing can be.
pub(crate) fn finish(app: &AppHandle) {
    let Some(hidden) = app.state::<Shell>().renewing() else {
        return;
    };
    let Ok(program) = std::env::current_exe() else { return };
    let mut anew = Command::new(program);
    if hidden {
        anew.arg(HIDDEN);
    }
    replace(anew);
}

/// Notices the end of what the program before this one had begun: the processes of its web view are this one's children now,
/// and end by and by. Somebody has to take note, or the system keeps their numbers for as long as this program runs.
#[cfg(target_os = "linux")]
pub(crate) fn bury() {
    // At its very beginning a program has no children of its own. Where the system does not tell, they stay.
    let left = std::fs::read_to_string("/proc/thread-self/children").unwrap_or_default();
    let left: Vec<_> = left
        .split_whitespace()
        .filter_map(|id| rustix::process::Pid::from_raw(id.parse().ok()?))
        .collect();
    if left.is_empty() {
        return;
    }
    let waiting = move || {
        for id in left {
            // It fails for one that is nobody's child any more, which is just as well.
            let _ = rustix::process::waitpid(Some(id), rustix::process::WaitOptions::empty());
        }
    };
    // Without a thread they stay as they are.
    let _ = std::thread::Builder::new().name("burial".to_owned()).spawn(waiting);
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn bury() {}

/// The same process with another memory.
#[cfg(unix)]
fn replace(mut program: Command) {
    use std::os::unix::process::CommandExt;
    // Returns only if it fails, and then the program ends, which wipes as well.
    let error = program.exec();
    tracing::error!(error = %error.kind(), "the program could not begin anew");
}

#[cfg(not(unix))]
fn replace(mut program: Command) {
    if let Err(error) = program.spawn() {
        tracing::error!(error = %error.kind(), "the program could not begin anew");
    }
}
