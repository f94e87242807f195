//! Says that something has come: one sentence, the same for everybody, and a click that shows the window. Who wrote, and
//! what, is said only where the account's owner chose that.

use crate::{shell::Shell, window};
use outis_app::{
    App, Event,
    dto::{Contact, MessageBody, Nothing, Notifications, ShellWords},
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tauri::{AppHandle, Manager};

/// What is said outside the window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Notice {
    /// A message has come.
    Message,
    /// Somebody wants to talk.
    Request,
    /// The program goes on without its window.
    Hidden,
    /// A message, by its writer's name.
    Written { name: String, text: String },
}

/// Who wrote, as their contact is called here, and whether one wants to hear of it.
#[derive(Debug, Clone, Copy)]
struct Writer<'a> {
    name: &'a str,
    muted: bool,
}

impl<'a> Writer<'a> {
    fn of(event: &Event, contacts: &'a [Contact]) -> Option<Self> {
        let Event::MessageReceived { message } = event else {
            return None;
        };
        let contact = contacts.iter().find(|contact| contact.address == message.contact)?;
        Some(Self {
            name: contact.alias.as_ref().unwrap_or(&contact.nickname),
            muted: contact.conversation.muted,
        })
    }
}

impl Notice {
    /// What an event is worth saying.
    fn of(event: &Event, writer: Option<Writer<'_>>, chosen: Notifications) -> Option<Self> {
        if chosen == Notifications::Off || writer.is_some_and(|writer| writer.muted) {
            return None;
        }
        match event {
            Event::ContactRequest { .. } => Some(Self::Request),
            Event::MessageReceived { message } => match (chosen, &message.body, writer) {
                (Notifications::Content, MessageBody::Text { text }, Some(writer)) => Some(Self::Written {
                    name: writer.name.to_owned(),
                    text: text.chars().take(LONGEST).collect(),
                }),
                _ => Some(Self::Message),
            },
            _ => None,
        }
    }

    fn text(self, words: ShellWords) -> String {
        match self {
            Self::Message => words.message,
            Self::Request => words.request,
            Self::Hidden => words.hidden,
            Self::Written { name, text } => format!("{name}: {text}"),
        }
    }

    /// Says it. Whoever clicks on it is shown the window.
    pub(crate) fn say(self, app: &AppHandle) {
        let text = self.text(app.state::<Shell>().words());
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
        if !matches!(
            event,
            Event::ContactUpdated { .. } | Event::MessageReceived { .. } | Event::ContactRequest { .. }
        ) {
            continue;
        }
        // Fails only where the account was locked a moment ago; then nothing is said of it.
        let Ok(contacts) = core.contact_list(Nothing {}).await else {
            continue;
        };
        if let Some(tray) = app.state::<Shell>().tray() {
            tray.show_unread(contacts.iter().map(|contact| contact.unread).sum());
        }
        let Ok(settings) = core.settings_get(Nothing {}).await else {
            continue;
        };
        let Some(notice) = Notice::of(&event, Writer::of(&event, &contacts), settings.notifications) else {
            continue;
        };
        // A burst of messages is one sentence.
        if !window::is_looked_at(&app) && said.is_none_or(|said| said.elapsed() >= PAUSE) {
            said = Some(Instant::now());
            notice.say(&app);
        }
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

/// Characters of a message that are shown.
const LONGEST: usize = 120;

/// Between two sentences.
const PAUSE: Duration = Duration::from_secs(5);

/// How long one is shown.
#[cfg(target_os = "linux")]
const SHOWN: notify_rust::Timeout = notify_rust::Timeout::Milliseconds(8_000);

#[cfg(test)]
mod tests {
    use super::*;
    use outis_app::dto::{Direction, Message, MessageState};
    use std::path::Path;

    fn received(text: &str) -> Event {
        Event::MessageReceived {
            message: Message {
                id: "1".to_owned(),
                contact: "outis1of-ada".to_owned(),
                direction: Direction::In,
                body: MessageBody::Text { text: text.to_owned() },
                sent_at: 1,
                received_at: Some(2),
                state: MessageState::Delivered,
                reply_to: None,
                edited_at: None,
                reactions: Vec::new(),
                disappear_after: None,
                disappears_at: None,
            },
        }
    }

    fn said(writer: Option<Writer<'_>>, chosen: Notifications) -> Option<String> {
        let words = Shell::open(Path::new("/nowhere")).words();
        Notice::of(&received("meet me at nine"), writer, chosen).map(|notice| notice.text(words))
    }

    const ADA: Writer<'static> = Writer {
        name: "Ada",
        muted: false,
    };

    #[test]
    fn a_notice_says_neither_who_wrote_nor_what_unless_that_was_chosen() {
        let words = Shell::open(Path::new("/nowhere")).words();
        assert_eq!(said(Some(ADA), Notifications::Plain), Some(words.message.clone()));
        assert_eq!(said(None, Notifications::Content), Some(words.message));
        assert_eq!(said(Some(ADA), Notifications::Off), None);
        assert_eq!(
            said(Some(ADA), Notifications::Content).as_deref(),
            Some("Ada: meet me at nine")
        );
    }

    #[test]
    fn a_muted_conversation_brings_none() {
        let muted = Writer { muted: true, ..ADA };
        for chosen in [Notifications::Plain, Notifications::Content] {
            assert_eq!(said(Some(muted), chosen), None);
            assert!(said(Some(ADA), chosen).is_some(), "the same unmuted does");
        }
    }
}
