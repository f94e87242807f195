//! `conversation.*`

use crate::{App, Error, contact::parse_address, dto::*};
use outis_messenger as messenger;

impl App {
    /// Changes what is named for a conversation and gives all of it.
    pub async fn conversation_set(&self, params: SetConversation) -> Result<ConversationSettings, Error> {
        let SetConversation {
            contact,
            disappear_after,
            muted,
            receipts,
            read_receipts,
            typing,
            pinned,
            archived,
        } = params;
        let contact = parse_address(&contact)?;
        let change = messenger::SettingsChange {
            disappear_after,
            muted,
            receipts: receipts.map(Into::into),
            read_receipts,
            typing,
            pinned,
            archived,
        };
        let settings = self.unlocked()?.messenger.set_conversation(&contact, &change)?;
        Ok(settings.into())
    }

    /// Keeps what was begun to be written, if it is given, and gives what is kept.
    pub async fn conversation_draft(&self, params: KeepDraft) -> Result<Draft, Error> {
        let KeepDraft { contact, text } = params;
        let contact = parse_address(&contact)?;
        let open = self.unlocked()?;
        if let Some(text) = text {
            open.messenger.set_draft(&contact, text.dangerously_expose())?;
        } else if contact != open.address {
            open.messenger.contact(&contact)?;
        }
        let text = open.messenger.draft(&contact)?.unwrap_or_default();
        Ok(Draft { text })
    }

    /// Something is being written: the contact is told, if they are to be told.
    pub async fn conversation_typing(&self, params: ConversationRef) -> Result<Nothing, Error> {
        let contact = parse_address(&params.contact)?;
        self.unlocked()?.messenger.typing(&contact)?;
        Ok(Nothing {})
    }
}

impl From<messenger::ConversationSettings> for ConversationSettings {
    fn from(settings: messenger::ConversationSettings) -> Self {
        let messenger::ConversationSettings {
            disappear_after,
            muted,
            receipts,
            read_receipts,
            typing,
            pinned,
            archived,
        } = settings;
        Self {
            disappear_after,
            muted,
            receipts: match receipts {
                messenger::Receipts::AtOnce => Receipts::AtOnce,
                messenger::Receipts::Hourly => Receipts::Hourly,
            },
            read_receipts,
            typing,
            pinned,
            archived,
        }
    }
}

impl From<Receipts> for messenger::Receipts {
    fn from(receipts: Receipts) -> Self {
        match receipts {
            Receipts::AtOnce => Self::AtOnce,
            Receipts::Hourly => Self::Hourly,
        }
    }
}
