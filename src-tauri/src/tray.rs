//! The icon in the tray: how much is unread, and a menu.

use crate::{renewal, shell::Shell, window};
use outis_app::{App, dto::ShellWords};
use std::{panic, panic::AssertUnwindSafe, sync::Arc};
use tauri::{
    AppHandle, Manager, Wry,
    image::Image,
    menu::{Menu, MenuItem},
    tray::{MouseButton, MouseButtonState, TrayIcon, TrayIconBuilder, TrayIconEvent},
};

/// A tray that is there.
pub(crate) struct Tray {
    icon: TrayIcon,
    open: MenuItem<Wry>,
    lock: MenuItem<Wry>,
    quit: MenuItem<Wry>,
}

impl Tray {
    /// `None` where nobody would show it.
    pub(crate) fn new(app: &AppHandle, words: &ShellWords) -> Option<Self> {
        if !somebody_shows_trays() {
            return None;
        }
        // The library below panics where the system's own for trays is missing.
        panic::catch_unwind(AssertUnwindSafe(|| Self::build(app, words)))
            .ok()?
            .ok()
    }

    fn build(app: &AppHandle, words: &ShellWords) -> tauri::Result<Self> {
        let item = |id: &str, text: &str| MenuItem::with_id(app, id, text, true, None::<&str>);
        let (open, lock, quit) = (
            item("open", &words.open)?,
            item("lock", &words.lock)?,
            item("quit", &words.quit)?,
        );
        let icon = TrayIconBuilder::with_id("outis")
            .icon(picture(false)?)
            .tooltip("Outis")
            .menu(&Menu::with_items(app, &[&open, &lock, &quit])?)
            .show_menu_on_left_click(false)
            .on_menu_event(|app, event| match event.id().as_ref() {
                "open" => window::show(app),
                "lock" => lock_account(app),
                "quit" => {
                    app.state::<Shell>().leave();
                    app.exit(0);
                }
                _ => {}
            })
            .on_tray_icon_event(|tray, event| {
                if let TrayIconEvent::Click {
                    button: MouseButton::Left,
                    button_state: MouseButtonState::Up,
                    ..
                } = event
                {
                    window::show(tray.app_handle());
                }
            })
            .build(app)?;
        Ok(Self { icon, open, lock, quit })
    }

    /// In another language.
    pub(crate) fn say(&self, words: &ShellWords) {
        let items = [
            (&self.open, &words.open),
            (&self.lock, &words.lock),
            (&self.quit, &words.quit),
        ];
        for (item, text) in items {
            // A menu that cannot be changed stays as it was.
            let _ = item.set_text(text);
        }
    }

    /// Shows how many messages wait: a number, never whose.
    pub(crate) fn show_unread(&self, unread: u64) {
        let shown = picture(unread > 0).and_then(|picture| self.icon.set_icon(Some(picture)));
        let text = label(unread);
        let titled = self.icon.set_title(text.as_deref());
        let tipped = self.icon.set_tooltip(Some(tooltip(unread)));
        // A tray that went away shows nothing, and nothing is lost by that.
        let _ = shown.and(titled).and(tipped);
    }
}

fn lock_account(app: &AppHandle) {
    let (core, app) = (Arc::clone(app.state::<Arc<App>>().inner()), app.clone());
    tauri::async_runtime::spawn(async move {
        // It fails where nothing is open, and then there is nothing to wipe.
        if core.account_lock(outis_app::dto::Nothing {}).await.is_ok() {
            renewal::begin(&app);
        }
    });
}

fn label(unread: u64) -> Option<String> {
    match unread {
        0 => None,
        1..=99 => Some(unread.to_string()),
        _ => Some("99+".to_owned()),
    }
}

fn tooltip(unread: u64) -> String {
    label(unread).map_or_else(|| "Outis".to_owned(), |label| format!("Outis ({label})"))
}

fn picture(unread: bool) -> tauri::Result<Image<'static>> {
    let bytes: &[u8] = if unread {
        include_bytes!("../../icons/tray-dark-unread.png")
    } else {
        include_bytes!("../../icons/tray-dark.png")
    };
    Image::from_bytes(bytes)
}

/// Whether a desktop is there that shows tray icons: without one, a hidden window could not be brought back.
#[cfg(target_os = "linux")]
fn somebody_shows_trays() -> bool {
    let asked = || {
        let bus = zbus::blocking::Connection::session()?;
        let names = zbus::blocking::fdo::DBusProxy::new(&bus)?;
        Ok::<_, zbus::Error>(names.name_has_owner("org.kde.StatusNotifierWatcher".try_into()?)?)
    };
    asked().unwrap_or(false)
}

#[cfg(not(target_os = "linux"))]
fn somebody_shows_trays() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tray_shows_a_number_and_nothing_else() {
        assert_eq!(label(0), None);
        assert_eq!(label(1).as_deref(), Some("1"));
        assert_eq!(label(99).as_deref(), Some("99"));
        assert_eq!(label(100).as_deref(), Some("99+"));
        assert_eq!(tooltip(3), "Outis (3)");
        assert_eq!(tooltip(0), "Outis");
    }
}
