//! The one window.

use crate::{
    automation,
    notices::Notice,
    place::Place,
    shell::{Closing, Shell},
};
use std::{
    path::PathBuf,
    sync::{Mutex, PoisonError},
};
use tauri::{
    AppHandle, Manager, WebviewUrl, WebviewWindow, WebviewWindowBuilder, WindowEvent,
    webview::{PermissionKind, PermissionResponse},
};
use tempfile::TempDir;

/// Whether a new window is to be seen at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    Shown,
    /// In the tray, as at the start of the system.
    Hidden,
}

/// Opens it. The page keeps nothing on disk: it is incognito, and may go nowhere but to itself.
pub(crate) fn open(app: &AppHandle, start: Start) -> tauri::Result<()> {
    let mut window = WebviewWindowBuilder::new(app, NAME, WebviewUrl::App("index.html".into()))
        .title("Outis")
        .inner_size(1280.0, 800.0)
        .min_inner_size(640.0, 480.0)
        .visible(false)
        .proxy_url(NOWHERE.parse().expect("an address"))
        .on_permission_request(|_, kind| answer(kind))
        .on_navigation(is_own_page);
    // The web view's library opens a folder even for a page that may keep nothing, and puts random numbers there.
    let folder = tempfile::Builder::new()
        .prefix("outis-window-")
        .tempdir_in(volatile())?;
    window = window
        .data_directory(folder.path().to_owned())
        .incognito(!automation::is_on());
    app.manage(Folder(Mutex::new(Some(folder))));
    let window = window.build()?;
    let_it_hear(&window)?;
    if let Some(place) = app.state::<Shell>().record().place {
        place.restore(&window)?;
    }
    if start == Start::Shown {
        window.show()?;
    }
    window.on_window_event({
        let window = window.clone();
        move |event| {
            if let WindowEvent::CloseRequested { api, .. } = event {
                remember_place(&window);
                if let Closing::Hides { tell } = window.state::<Shell>().closing() {
                    api.prevent_close();
                    hide(&window, tell);
                }
            }
        }
    });
    Ok(())
}

/// Shows the window to its person.
pub(crate) fn show(app: &AppHandle) {
    let Some(window) = current(app) else { return };
    // A window manager may refuse any of these; there is nobody to tell.
    let _ = window.unminimize();
    let _ = window.show();
    let _ = window.set_focus();
}

/// Whether a person has it before them.
pub(crate) fn is_looked_at(app: &AppHandle) -> bool {
    current(app).is_some_and(|window| window.is_visible().unwrap_or(false) && window.is_focused().unwrap_or(false))
}

/// Keeps where it is for the next start.
pub(crate) fn remember_place(window: &WebviewWindow) {
    let Some(place) = Place::of(window) else { return };
    // It opens in its usual place then.
    let _ = window.state::<Shell>().remember(|record| record.place = Some(place));
}

/// The window, if it is there.
pub(crate) fn current(app: &AppHandle) -> Option<WebviewWindow> {
    app.get_webview_window(NAME)
}

/// Where everything ends that the web view would send by itself. The policy lets the page ask for nothing, but a web view
/// opens a connection before it asks whether it may go somewhere. Nobody listens there, and nothing of ours needs it: pages
/// and commands have schemes of their own.
const NOWHERE: &str = "socks5://127.0.0.1:1";

/// As the capability has it.
const NAME: &str = "main";

fn hide(window: &WebviewWindow, tell: bool) {
    // What cannot be hidden stays to be seen.
    let _ = window.hide();
    if tell {
        // If that cannot be kept it is said again another time.
        let _ = window.state::<Shell>().remember(|record| record.told_of_tray = true);
        Notice::Hidden.say(window.app_handle());
    }
}

/// A folder in memory, where the system has one for the person who is signed in.
fn volatile() -> PathBuf {
    let in_memory = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    in_memory
        .filter(|folder| folder.is_dir())
        .unwrap_or_else(std::env::temp_dir)
}

/// What the web view keeps, until the end.
struct Folder(Mutex<Option<TempDir>>);

/// Deletes it.
pub(crate) fn clean_up(app: &AppHandle) {
    if let Some(folder) = app.try_state::<Folder>() {
        // What cannot be deleted lies in a temporary folder and holds nothing of a page, but where a test typed it.
        drop(folder.0.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}

/// The page may use the microphone, once a person speaks into it, and nothing else that a machine has.
fn answer(kind: PermissionKind) -> PermissionResponse {
    match kind {
        PermissionKind::Microphone => PermissionResponse::Allow,
        _ => PermissionResponse::Deny,
    }
}

/// Here the web view has no microphone unless it is told so. Who drives it gets one that hums.
#[cfg(target_os = "linux")]
fn let_it_hear(window: &WebviewWindow) -> tauri::Result<()> {
    use webkit2gtk::{SettingsExt, WebViewExt};
    window.with_webview(|view| {
        if let Some(settings) = view.inner().settings() {
            settings.set_enable_media_stream(true);
            settings.set_enable_mock_capture_devices(automation::is_on());
        }
    })
}

#[cfg(not(target_os = "linux"))]
fn let_it_hear(_: &WebviewWindow) -> tauri::Result<()> {
    Ok(())
}

/// The bundled page, under the scheme that each system has for it.
fn is_own_page(url: &url::Url) -> bool {
    match url.scheme() {
        "tauri" => url.host_str() == Some("localhost"),
        "http" | "https" => url.host_str() == Some("tauri.localhost"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_may_hear_and_neither_see_nor_know_where_it_is() {
        assert!(matches!(answer(PermissionKind::Microphone), PermissionResponse::Allow));
        for other in [
            PermissionKind::Camera,
            PermissionKind::Geolocation,
            PermissionKind::Notifications,
            PermissionKind::ClipboardRead,
            PermissionKind::DisplayCapture,
        ] {
            assert!(matches!(answer(other), PermissionResponse::Deny), "{other:?}");
        }
    }

    #[test]
    fn the_page_can_go_nowhere_but_to_itself() {
        let own = |url: &str| is_own_page(&url.parse().unwrap());
        assert!(own("tauri://localhost/index.html"));
        for url in [
            "https://example.org",
            "http://localhost:1420",
            "file:///etc/passwd",
            "data:text/html,x",
            "about:blank",
        ] {
            assert!(!own(url), "{url}");
        }
    }
}
