//! Says that something has come: one sentence, the same for everybody, and a click that shows the window.

use crate::{shell::Shell, window};
use outis_app::{App, Event, dto::ShellWords};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tauri::{AppHandle, Manager};

/// What may be said outside the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Notice {
    /// A message has come.
    Message,
    /// Somebody wants to talk.
    Request,
    /// The program goes on without its window.
    Hidden,
}

impl Notice {
    /// What an event is worth saying. No field of it is looked at.
    fn of(event: &Event) -> Option<Self> {
        match event {
            Event::MessageReceived { .. } => Some(Self::Message),
            Event::ContactRequest { .. } => Some(Self::Request),
            _ => None,
        }
    }

    fn text(self, words: &ShellWords) -> &str {
        match self {
            Self::Message => &words.message,
            Self::Request => &words.request,
            Self::Hidden => &words.hidden,
        }
    }

    /// Says it. Whoever clicks on it is shown the window.
    pub(crate) fn say(self, app: &AppHandle) {
        let words = app.state::<Shell>().words();
        let text = self.text(&words).to_owned();
        let app = app.clone();
        // Waits for a click, so on a thread of its own; the notification's end ends it.
        tauri::async_runtime::spawn_blocking(move || show(&app, &text));
    }
}

/// Follows the core's events: says what may be said while nobody looks, and keeps the tray's number right.
pub(crate) async fn follow(app: AppHandle, core: Arc<App>) {
    let mut events = core.events();
    let mut said: Option<Instant> = None;
    loop {
        let event = events.next().await;
        if matches!(event, Event::ContactUpdated { .. } | Event::MessageReceived { .. }) {
            count_unread(&app, &core).await;
        }
        let Some(notice) = Notice::of(&event) else { continue };
        let wanted = app.state::<Shell>().record().notifications && !window::is_looked_at(&app);
        // A burst of messages is one sentence.
        if wanted && said.is_none_or(|said| said.elapsed() >= PAUSE) {
            said = Some(Instant::now());
            notice.say(&app);
        }
    }
}

async fn count_unread(app: &AppHandle, core: &App) {
    if app.state::<Shell>().tray().is_none() {
        return;
    }
    let contacts = core.contact_list(outis_app::dto::Nothing {}).await.unwrap_or_default();
    let unread = contacts.iter().map(|contact| contact.unread).sum();
    if let Some(tray) = app.state::<Shell>().tray() {
        tray.show_unread(unread);
    }
}

#[cfg(target_os = "linux")]
fn show(app: &AppHandle, text: &str) {
    let shown = notify_rust::Notification::new()
        .appname("Outis")
        .summary("Outis")
        .body(text)
        .icon("org.outis.desktop")
        .action("default", "default")
        .timeout(SHOWN)
        .show();
    // Where nobody shows notifications, nobody misses this one.
    let Ok(shown) = shown else { return };
    shown.wait_for_action(|action| {
        if action == "default" {
            window::show(app);
        }
    });
}

#[cfg(not(target_os = "linux"))]
fn show(_: &AppHandle, text: &str) {
    // Where nobody shows notifications, nobody misses this one.
    let _ = notify_rust::Notification::new()
        .appname("Outis")
        .summary("Outis")
        .body(text)
        .show();
}

/// Between two sentences.
const PAUSE: Duration = Duration::from_secs(5);

/// How long one is shown.
#[cfg(target_os = "linux")]
const SHOWN: notify_rust::Timeout = notify_rust::Timeout::Milliseconds(8_000);

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    /// A notice has no room for anything of anybody: its text is chosen among three sentences.
    #[test]
    fn a_notice_is_one_of_three_sentences() {
        assert_eq!(size_of::<Notice>(), 1);
        let words = Shell::open(Path::new("/nowhere")).words();
        let said = [Notice::Message, Notice::Request, Notice::Hidden].map(|notice| notice.text(&words).to_owned());
        assert_eq!(said, [words.message, words.request, words.hidden]);
        assert_eq!(Notice::of(&Event::AccountSuperseded {}), None);
    }
}
