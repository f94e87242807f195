//! The one window.

use crate::automation;
use tauri::{AppHandle, Manager, WebviewUrl, WebviewWindowBuilder};
use tempfile::TempDir;

/// Opens it. The page keeps nothing on disk: it is incognito, and may go nowhere but to itself.
pub(crate) fn open(app: &AppHandle) -> tauri::Result<()> {
    let mut window = WebviewWindowBuilder::new(app, "main", WebviewUrl::App("index.html".into()))
        .title("Outis")
        .inner_size(1280.0, 800.0)
        .min_inner_size(640.0, 480.0)
        .on_navigation(is_own_page);
    window = if automation::is_on() {
        let folder = tempfile::Builder::new().prefix("outis-window-").tempdir()?;
        let window = window.data_directory(folder.path().to_owned());
        app.manage(AutomationFolder(folder));
        window
    } else {
        window.incognito(true)
    };
    window.build()?;
    Ok(())
}

/// Deletes what automation left behind.
pub(crate) fn clean_up(app: &AppHandle) {
    if let Some(folder) = app.try_state::<AutomationFolder>() {
        // What cannot be deleted lies in the system's temporary folder and holds what a test typed.
        let _ = std::fs::remove_dir_all(folder.0.path());
    }
}

struct AutomationFolder(TempDir);

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
