//! `settings.*`

use crate::{App, Error, ErrorCode, dto::*, records};

impl App {
    /// What the account's owner has chosen.
    pub async fn settings_get(&self, _: Nothing) -> Result<Settings, Error> {
        records::settings(&self.unlocked()?.vault)
    }

    /// Changes what is named and gives all of it.
    pub async fn settings_set(&self, params: SettingsChange) -> Result<Settings, Error> {
        let open = self.unlocked()?;
        let mut settings = records::settings(&open.vault)?;
        let SettingsChange {
            theme,
            language,
            text_zoom,
            reduce_motion,
            lock_after,
            notifications,
            file_rate,
        } = params;
        if let Some(theme) = theme {
            settings.theme = theme;
        }
        if let Some(language) = language {
            if language.as_deref().is_some_and(|tag| !is_language_tag(tag)) {
                return Err(Error::new(ErrorCode::InvalidParams, "this is not a language tag"));
            }
            settings.language = language;
        }
        if let Some(percent) = text_zoom {
            if !(80..=200).contains(&percent) {
                return Err(Error::new(ErrorCode::InvalidParams, "text_zoom is 80 to 200"));
            }
            settings.text_zoom = percent;
        }
        if let Some(minutes) = lock_after {
            if minutes.is_some_and(|minutes| !(1..=1_440).contains(&minutes)) {
                return Err(Error::new(ErrorCode::InvalidParams, "lock_after is 1 to 1440 minutes"));
            }
            settings.lock_after = minutes;
        }
        settings.reduce_motion = reduce_motion.unwrap_or(settings.reduce_motion);
        settings.notifications = notifications.unwrap_or(settings.notifications);
        if let Some(file_rate) = file_rate {
            if file_rate.is_some_and(|rate| rate < LEAST_FILE_RATE) {
                return Err(Error::new(
                    ErrorCode::InvalidParams,
                    "files need at least 1 kB a second; pause them instead",
                ));
            }
            settings.file_rate = file_rate;
            open.messenger.limit_files(file_rate);
        }
        records::put_settings(&open.vault, &settings)?;
        open.to_keep.notify_one();
        self.inner.idle.lock_after(settings.lock_after);
        Ok(settings)
    }
}

/// Less is no transfer any more.
const LEAST_FILE_RATE: u64 = 1_000;

fn is_language_tag(text: &str) -> bool {
    (2..=35).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}
