//! Sessions in the store: reading them, and writing what a step changed.

use crate::store::{Changes, Store, StoreError, table};
use outis_crypto::{hash, label};
use outis_identity::Address;
use outis_ratchet::{Session, SkippedId, SkippedKey, SkippedKeys, Step};

/// The session of a contact in a slot.
pub(crate) fn load(store: &Store, contact: &Address, slot: u64) -> Result<Option<Session>, StoreError> {
    let Some(record) = store.get_bytes(table::SESSIONS, contact.as_bytes(), slot)? else {
        return Ok(None);
    };
    Session::from_record(record.dangerously_expose())
        .map(Some)
        .map_err(StoreError::Session)
}

/// Stores a session that has just begun.
pub(crate) fn put(changes: &mut Changes, contact: &Address, slot: u64, session: &Session) {
    let record = session.to_record();
    changes.put_bytes(
        table::SESSIONS,
        contact.as_bytes(),
        slot,
        record.dangerously_expose().to_vec(),
    );
}

/// Stores what a step changed.
pub(crate) fn apply(changes: &mut Changes, contact: &Address, slot: u64, step: &Step) {
    put(changes, contact, slot, &step.session);
    let owner = skipped_owner(contact, slot);
    for (id, key) in &step.added {
        changes.put_bytes(
            table::SKIPPED,
            &owner,
            id.index(),
            key.to_record().dangerously_expose().to_vec(),
        );
    }
    for id in &step.removed {
        changes.erase(table::SKIPPED, &owner, id.index());
    }
}

/// Forgets a session and the keys that it skipped.
pub(crate) fn erase(changes: &mut Changes, contact: &Address, slot: u64) {
    changes.erase(table::SESSIONS, contact.as_bytes(), slot);
    changes.erase_all(table::SKIPPED, &skipped_owner(contact, slot));
}

/// Skipped keys of one session, as the ratchet reads them.
pub(crate) struct Skipped<'a> {
    pub(crate) store: &'a Store,
    pub(crate) owner: [u8; 32],
}

impl<'a> Skipped<'a> {
    pub(crate) fn of(store: &'a Store, contact: &Address, slot: u64) -> Self {
        Self {
            store,
            owner: skipped_owner(contact, slot),
        }
    }
}

impl SkippedKeys for Skipped<'_> {
    type Error = StoreError;

    fn find(&self, id: SkippedId) -> Result<Option<SkippedKey>, StoreError> {
        let Some(record) = self.store.get_bytes(table::SKIPPED, &self.owner, id.index())? else {
            return Ok(None);
        };
        SkippedKey::from_record(record.dangerously_expose())
            .map(Some)
            .map_err(StoreError::Session)
    }
}

/// Skipped keys are erased by session, so each session owns its own.
fn skipped_owner(contact: &Address, slot: u64) -> [u8; 32] {
    hash(label::MESSENGER_SKIPPED, &[contact.as_bytes(), &slot.to_be_bytes()])
}
