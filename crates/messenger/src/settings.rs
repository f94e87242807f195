//! What a person chose for one conversation.

use crate::contact::{ContactRecord, ContactState};
use crate::content::{Content, Timer};
use crate::message::{Body, Note};
use crate::parcel::Numbered;
use crate::state::State;
use crate::store::Changes;
use crate::{ContactError, SendError};
use outis_identity::Address;
use serde::{Deserialize, Serialize};

/// What a person chose for one conversation. Only the timer is told to the other side.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConversationSettings {
    /// Messages go by themselves after so many seconds. Either side chooses; the last choice holds.
    pub disappear_after: Option<u32>,
    /// No notifications.
    pub muted: bool,
    /// When the contact is told that something arrived.
    pub receipts: Receipts,
    /// The contact is told what was looked at.
    pub read_receipts: bool,
    /// The contact is told while something is being written.
    pub typing: bool,
    /// Shown above the others.
    pub pinned: bool,
    /// Shown apart from the others.
    pub archived: bool,
}

/// When a contact is told that something arrived: that tells too when this machine is on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Receipts {
    /// At once.
    #[default]
    AtOnce,
    /// Once an hour at most.
    Hourly,
}

/// Only what is to change.
#[derive(Debug, Clone, Copy, Default)]
#[allow(missing_docs)]
pub struct SettingsChange {
    /// `Some(None)` for ever.
    pub disappear_after: Option<Option<u32>>,
    pub muted: Option<bool>,
    pub receipts: Option<Receipts>,
    pub read_receipts: Option<bool>,
    pub typing: Option<bool>,
    pub pinned: Option<bool>,
    pub archived: Option<bool>,
}

impl ConversationSettings {
    fn apply(&mut self, change: &SettingsChange) {
        let SettingsChange {
            disappear_after,
            muted,
            receipts,
            read_receipts,
            typing,
            pinned,
            archived,
        } = change;
        let set = |flag: &mut bool, to: &Option<bool>| *flag = to.unwrap_or(*flag);
        self.disappear_after = disappear_after
            .unwrap_or(self.disappear_after)
            .filter(|after| *after > 0);
        self.receipts = receipts.unwrap_or(self.receipts);
        set(&mut self.muted, muted);
        set(&mut self.read_receipts, read_receipts);
        set(&mut self.typing, typing);
        set(&mut self.pinned, pinned);
        set(&mut self.archived, archived);
    }
}

impl State {
    /// Changes what is named and gives all of it. A new timer is told to the contact and shown as a note.
    pub(crate) fn set_conversation(
        &mut self,
        contact: &Address,
        change: &SettingsChange,
    ) -> Result<ConversationSettings, SendError> {
        if *contact == self.address() {
            let mut settings = self.me.record.notes;
            settings.apply(change);
            self.change_device(|_, record, _| record.notes = settings)?;
            return Ok(settings);
        }
        let known = self.peers.get(contact).ok_or(SendError::NotAContact)?;
        let (before, state) = (known.record.settings, known.record.state);
        let mut settings = before;
        settings.apply(change);
        if settings.disappear_after != before.disappear_after {
            if !matches!(state, ContactState::Requested | ContactState::Accepted) {
                return Err(SendError::NotAContact);
            }
            let count = known.record.timer.0.saturating_add(1);
            let own = known.record.outgoing.stream;
            let timer = Timer {
                count,
                after: settings.disappear_after,
            };
            let note = Body::Note(Note::Disappearing(timer.after));
            self.send_changed(contact, Content::Timer(timer), Some(note), Changes::new(), |record| {
                record.settings = settings;
                record.timer = (count, own);
            })?;
        } else {
            self.change(contact, |record, _| record.settings = settings)?;
        }
        Ok(settings)
    }

    /// What was chosen for a conversation.
    pub(crate) fn conversation_settings(&self, contact: &Address) -> Result<ConversationSettings, ContactError> {
        if *contact == self.address() {
            return Ok(self.me.record.notes);
        }
        let peer = self.peers.get(contact).ok_or(ContactError::NotFound)?;
        Ok(peer.record.settings)
    }
}

impl ContactRecord {
    /// Takes what a content says about how long messages stay. Gives whether it is to be shown: not if a later choice holds.
    pub(crate) fn takes_timer(&mut self, numbered: &Numbered) -> bool {
        let Content::Timer(timer) = &numbered.content else {
            return true;
        };
        let newer = self.is_newer_timer(timer, numbered.stream);
        if newer {
            self.settings.disappear_after = timer.after;
            self.timer = (timer.count, numbered.stream);
        }
        newer
    }

    /// Whether a choice of the contact's, told in the numbering `stream`, comes after the one that holds.
    fn is_newer_timer(&self, timer: &Timer, stream: u64) -> bool {
        let (count, from) = self.timer;
        timer.count <= count.saturating_add(LEAP) && (timer.count, stream) > (count, from)
    }
}

/// Nobody chooses so often that we have not heard of; a count at the end of its range would be the last choice ever.
const LEAP: u64 = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contact::ContactState;
    use outis_wire::UnixMillis;
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    #[test]
    fn of_two_choices_at_once_both_sides_take_the_same_and_no_count_is_the_last() {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let mut record = ContactRecord::new(ContactState::Accepted, UnixMillis(0), &mut rng);
        let timer = |count| Timer { count, after: Some(60) };
        record.timer = (3, 500);
        assert!(record.is_newer_timer(&timer(4), 1));
        assert!(record.is_newer_timer(&timer(3), 501));
        assert!(!record.is_newer_timer(&timer(3), 499));
        assert!(!record.is_newer_timer(&timer(2), 900));
        assert!(!record.is_newer_timer(&timer(u64::MAX), 900));
    }

    #[test]
    fn a_change_leaves_what_it_does_not_name_as_it_was() {
        let mut settings = ConversationSettings {
            muted: true,
            disappear_after: Some(60),
            ..ConversationSettings::default()
        };
        settings.apply(&SettingsChange {
            pinned: Some(true),
            ..SettingsChange::default()
        });
        assert!(settings.muted && settings.pinned && settings.disappear_after == Some(60));
        settings.apply(&SettingsChange {
            disappear_after: Some(None),
            muted: Some(false),
            ..SettingsChange::default()
        });
        assert!(!settings.muted && settings.pinned && settings.disappear_after.is_none());
    }
}
