//! What a person has begun to write and not sent: kept sealed, so that it is there again after a lock.

use crate::content::Text;
use crate::state::State;
use crate::store::{Changes, StoreError, table};
use crate::{ContactError, Messenger};
use outis_identity::Address;

impl Messenger {
    /// Keeps what was begun to be written to a contact, or as a note to self, in place of what was kept before. Nothing, and
    /// it is erased.
    #[allow(clippy::missing_errors_doc)]
    pub fn set_draft(&self, contact: &Address, text: &str) -> Result<(), ContactError> {
        self.shared.state().set_draft(contact, text)
    }

    /// What was begun to be written to a contact.
    #[allow(clippy::missing_errors_doc)]
    pub fn draft(&self, contact: &Address) -> Result<Option<String>, StoreError> {
        let state = self.shared.state();
        state.store.get(table::DRAFTS, contact.as_bytes(), 0)
    }
}

impl State {
    fn set_draft(&self, contact: &Address, text: &str) -> Result<(), ContactError> {
        if *contact != self.address() && !self.peers.contains_key(contact) {
            return Err(ContactError::NotFound);
        }
        if text.len() > Text::LIMIT {
            return Err(ContactError::TooLarge);
        }
        let mut changes = Changes::new();
        if text.is_empty() {
            changes.erase(table::DRAFTS, contact.as_bytes(), 0);
        } else {
            changes.put(table::DRAFTS, contact.as_bytes(), 0, &text);
        }
        Ok(self.store.commit(changes)?)
    }
}
