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
        let SettingsChange { theme, language } = params;
        if let Some(theme) = theme {
            settings.theme = theme;
        }
        if let Some(language) = language {
            if language.as_deref().is_some_and(|tag| !is_language_tag(tag)) {
                return Err(Error::new(ErrorCode::InvalidParams, "this is not a language tag"));
            }
            settings.language = language;
        }
        records::put_settings(&open.vault, &settings)?;
        Ok(settings)
    }
}

fn is_language_tag(text: &str) -> bool {
    (2..=35).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}
