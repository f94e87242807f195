//! Commands that are this machine's: dialogs, clipboard, browser.

use crate::{
    automation::{self, Dialog},
    shell::Shell,
};
use outis_app::{App, Error, ErrorCode, dto::*};
use std::{path::PathBuf, sync::Arc, time::Duration};
use tauri::{AppHandle, Manager, State, command};
use tauri_plugin_autostart::ManagerExt;
use tauri_plugin_clipboard_manager::ClipboardExt;
use tauri_plugin_dialog::{DialogExt, FilePath};
use tauri_plugin_opener::OpenerExt;

#[command]
pub(crate) async fn app_info(app: State<'_, Arc<App>>, params: Nothing) -> Result<AppInfo, Error> {
    let Nothing {} = params;
    Ok(AppInfo {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        sandbox: app.is_sandbox().await,
        automation: automation::is_on(),
    })
}

#[command]
pub(crate) async fn pick_file(handle: AppHandle, params: Nothing) -> Result<Option<PickedFile>, Error> {
    let Nothing {} = params;
    let chosen = match automation::chosen(Dialog::Open) {
        Some(path) => Some(path),
        None => blocking(move || handle.dialog().file().blocking_pick_file()).await?,
    };
    chosen.map(picked).transpose()
}

#[command]
pub(crate) async fn pick_save(handle: AppHandle, params: SuggestedName) -> Result<Option<String>, Error> {
    let chosen = match automation::chosen(Dialog::Save) {
        Some(path) => Some(path),
        None => {
            let dialog = move || {
                handle
                    .dialog()
                    .file()
                    .set_file_name(params.suggested_name)
                    .blocking_save_file()
            };
            blocking(dialog).await?
        }
    };
    chosen.map(text).transpose()
}

/// What is copied here is cleared after a minute, unless something else was copied meanwhile.
#[command]
pub(crate) async fn clipboard_copy(handle: AppHandle, params: CopyText) -> Result<Nothing, Error> {
    let text = params.text;
    handle
        .clipboard()
        .write_text(text.dangerously_expose())
        .map_err(Error::internal)?;
    tauri::async_runtime::spawn(async move {
        tokio::time::sleep(automation::clipboard_time().unwrap_or(CLEARED_AFTER)).await;
        let there = handle.clipboard().read_text();
        if there.is_ok_and(|there| there == *text.dangerously_expose()) {
            // A clipboard that is gone holds nothing.
            let _ = handle.clipboard().clear();
        }
    });
    Ok(Nothing {})
}

#[command]
pub(crate) async fn shell_get(handle: AppHandle, params: Nothing) -> Result<ShellSettings, Error> {
    let Nothing {} = params;
    let shell = handle.state::<Shell>();
    Ok(ShellSettings {
        // A system that has no such thing has it off.
        autostart: handle.autolaunch().is_enabled().unwrap_or(false),
        tray: shell.tray().is_some(),
    })
}

#[command]
pub(crate) async fn shell_set(handle: AppHandle, params: ShellChange) -> Result<ShellSettings, Error> {
    let ShellChange { autostart } = params;
    match autostart {
        Some(true) => handle.autolaunch().enable().map_err(Error::internal)?,
        Some(false) if handle.autolaunch().is_enabled().unwrap_or(false) => {
            handle.autolaunch().disable().map_err(Error::internal)?;
        }
        Some(false) | None => {}
    }
    shell_get(handle, Nothing {}).await
}

#[command]
pub(crate) async fn shell_words(handle: AppHandle, params: ShellWords) -> Result<Nothing, Error> {
    handle.state::<Shell>().say(params);
    tracing::debug!("the page has spoken");
    Ok(Nothing {})
}

/// Opens a link in the person's browser, after they confirmed it. Nothing but https leaves here.
#[command]
pub(crate) async fn open_link(handle: AppHandle, params: OpenLink) -> Result<Nothing, Error> {
    let url = checked_link(&params.url)?;
    handle
        .opener()
        .open_url(url.as_str(), None::<&str>)
        .map_err(Error::internal)?;
    Ok(Nothing {})
}

fn checked_link(text: &str) -> Result<url::Url, Error> {
    let refused = || Error::new(ErrorCode::InvalidParams, "only https links are opened");
    let url = url::Url::parse(text).map_err(|_| refused())?;
    let plain = url.scheme() == "https" && url.has_host() && url.username().is_empty() && url.password().is_none();
    if plain { Ok(url) } else { Err(refused()) }
}

/// A dialog waits for a person, so it waits on a thread of its own.
async fn blocking(dialog: impl FnOnce() -> Option<FilePath> + Send + 'static) -> Result<Option<PathBuf>, Error> {
    let chosen = tauri::async_runtime::spawn_blocking(dialog)
        .await
        .map_err(Error::internal)?;
    chosen.map(FilePath::into_path).transpose().map_err(Error::internal)
}

fn picked(path: PathBuf) -> Result<PickedFile, Error> {
    let unreadable = || Error::new(ErrorCode::FileUnreadable, "this file cannot be read");
    let size = std::fs::metadata(&path).map_err(|_| unreadable())?.len();
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .ok_or_else(unreadable)?;
    Ok(PickedFile {
        name,
        size,
        path: text(path)?,
    })
}

fn text(path: PathBuf) -> Result<String, Error> {
    let odd = || Error::new(ErrorCode::InvalidParams, "this path is not Unicode text");
    path.into_os_string().into_string().map_err(|_| odd())
}

/// How long what was copied here stays on the clipboard.
const CLEARED_AFTER: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_links_are_opened() {
        assert!(checked_link("https://example.org/a?b#c").is_ok());
        for scheme in [
            "http",
            "file",
            "javascript",
            "data",
            "ftp",
            "smb",
            "ssh",
            "telnet",
            "mailto",
            "tel",
            "sms",
            "magnet",
            "outis",
            "tauri",
            "ipc",
            "about",
            "blob",
            "view-source",
            "ws",
            "wss",
            "steam",
            "vscode",
            "ms-msdt",
            "search-ms",
            "ldap",
            "gopher",
            "irc",
            "news",
            "nfs",
            "sftp",
            "git",
            "chrome",
            "resource",
            "jar",
            "vbscript",
            "x-apple",
            "intent",
            "itms",
            "market",
            "facetime",
            "skype",
            "zoommtg",
            "slack",
            "spotify",
            "xmpp",
            "sip",
            "bitcoin",
            "geo",
            "webcal",
            "dav",
            "afp",
        ] {
            for url in [format!("{scheme}://example.org/"), format!("{scheme}:alert(1)")] {
                assert!(checked_link(&url).is_err(), "{url}");
            }
        }
        for odd in [
            "https://user:pass@example.org",
            "https://",
            "https:",
            "",
            "example.org",
            " javascript:alert(1)",
        ] {
            assert!(checked_link(odd).is_err(), "{odd:?}");
        }
    }
}
