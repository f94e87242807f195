//! Taking lines out of a conversation, with all that hangs on them: where they stand in the outbox, what was transferred,
//! their timers. Everything that erases a line goes through here, and whoever forgets a contact.

use crate::amending::is_message;
use crate::chain::{Salt, salted_hash};
use crate::commands::ContactError;
use crate::contact::ContactRecord;
use crate::content::{Content, Tombstone};
use crate::event::Event;
use crate::message::{Body, Direction, MessageId, TransferId};
use crate::peer::Unreceipted;
use crate::search;
use crate::session;
use crate::state::State;
use crate::store::{Changes, LineRecord, OutboxRecord, StoreError, table};
use outis_identity::Address;
use std::collections::BTreeMap;

/// What stands in the place of an erased line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leave {
    /// Nothing: it is gone from here, and whoever has it keeps it.
    Nothing,
    /// A line that says that something was deleted: its writer wants it gone everywhere.
    Mark,
}

/// A line that a commit erases; what is left to be done after it.
pub(crate) struct Erased {
    contact: Address,
    position: u64,
    leave: Leave,
    transfer: Option<TransferId>,
    outbox: Outbox,
}

/// What the line was to the outbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outbox {
    /// Not there: theirs, or receipted.
    Nothing,
    /// Never told: only a tombstone will be.
    Untold(u64),
    /// Told and not receipted: they may have it.
    Told(u64),
}

impl Erased {
    /// Whether it may be on the contact's device, now or later.
    pub(crate) fn is_with_them(&self) -> bool {
        !matches!(self.outbox, Outbox::Untold(_))
    }
}

impl State {
    /// Forgets a contact, the conversation and all keys. They are not told.
    pub(crate) fn remove_contact(&mut self, contact: &Address) -> Result<(), ContactError> {
        let Some(peer) = self.peers.get(contact) else {
            return Err(ContactError::NotFound);
        };
        let slots: Vec<u64> = peer.record.sessions.iter().map(|known| known.slot).collect();
        self.retire_queue(contact)?;
        let mut changes = Changes::new();
        for slot in slots {
            session::erase(&mut changes, contact, slot);
        }
        for transfer in self.shown_transfers(Some(contact)) {
            self.bury_lockers(&transfer.id)?;
            changes.erase_all(table::TRANSFERS, &transfer.id.0);
            if let Some(known) = self.transfers.remove(&transfer.id) {
                known.live.stop();
            }
            let _ = self.store.vault().files().remove(outis_vault::FileId(transfer.id.0));
        }
        search::forget_conversation(&self.store, &mut changes, contact)?;
        for table in table::OF_A_CONTACT {
            changes.erase_all(table, contact.as_bytes());
        }
        // What of their queues still lies on mailboxes is remembered without their name.
        changes.erase_all(table::QUEUES, contact.as_bytes());
        self.store.commit(changes)?;
        self.peers.remove(contact);
        self.expiring.remove_all(contact);
        self.events.push(Event::ContactUpdated(*contact));
        Ok(())
    }

    /// One line of a conversation.
    pub(crate) fn line(&self, contact: &Address, position: u64) -> Result<Option<LineRecord>, StoreError> {
        self.store.get(table::LINES, contact.as_bytes(), position)
    }

    /// Erases lines in one commit.
    pub(crate) fn erase_lines(&mut self, lines: &[(Address, u64)], leave: Leave) -> Result<(), StoreError> {
        let mut changes = Changes::new();
        let mut records: BTreeMap<Address, ContactRecord> = BTreeMap::new();
        let mut erased = Vec::new();
        for (contact, position) in lines {
            match self.line(contact, *position)? {
                Some(line) => {
                    if let Some(peer) = self.peers.get(contact) {
                        let record = records.entry(*contact).or_insert_with(|| peer.record.clone());
                        record.forget_unread(*position, &line);
                    }
                    erased.push(self.erase_line(&mut changes, contact, *position, line, leave)?);
                }
                None => {
                    changes.erase(table::EXPIRING, contact.as_bytes(), *position);
                    self.expiring.remove(contact, *position);
                }
            }
        }
        records.retain(|contact, record| self.peers.get(contact).is_some_and(|peer| peer.record != *record));
        for (contact, record) in &records {
            changes.put_contact(contact, record);
        }
        self.store.commit(changes)?;
        for (contact, record) in records {
            if let Some(peer) = self.peers.get_mut(&contact) {
                peer.record = record;
            }
        }
        for erased in erased {
            self.erased(erased);
        }
        Ok(())
    }

    /// Writes into `changes` that a line is erased. After their commit, [`erased`](Self::erased) is to be called.
    pub(crate) fn erase_line(
        &self,
        changes: &mut Changes,
        contact: &Address,
        position: u64,
        mut line: LineRecord,
        leave: Leave,
    ) -> Result<Erased, StoreError> {
        let owner = contact.as_bytes();
        let mut outbox = Outbox::Nothing;
        if line.direction == Direction::Out && is_message(&line.body) {
            outbox = self.withdraw(changes, contact, line.number, position, leave)?;
        }
        let transfer = match line.body {
            Body::File(id) => Some(id),
            _ => None,
        };
        if let Some(id) = transfer {
            changes.erase_all(table::TRANSFERS, &id.0);
        }
        if let Body::Text(text) = &line.body {
            search::forget(changes, contact, position, text);
        }
        changes.erase(table::EXPIRING, owner, position);
        match leave {
            Leave::Nothing => {
                changes.erase(table::LINES, owner, position);
                changes.erase(table::STATUS, owner, position);
                let numbers = match line.direction {
                    Direction::Out => table::OUTGOING,
                    Direction::In => table::INCOMING,
                };
                if line.number > 0 && !matches!(line.body, Body::Gap(_)) {
                    changes.erase(numbers, owner, line.number);
                }
            }
            Leave::Mark => {
                line.body = Body::Deleted;
                line.reply_to = None;
                line.edited = None;
                line.reactions.clear();
                changes.put(table::LINES, owner, position, &line);
            }
        }
        Ok(Erased {
            contact: *contact,
            position,
            leave,
            transfer,
            outbox,
        })
    }

    /// What a commit erased is erased in memory too, and told.
    pub(crate) fn erased(&mut self, erased: Erased) {
        let Erased {
            contact,
            position,
            leave,
            transfer,
            outbox,
        } = erased;
        self.expiring.remove(&contact, position);
        if let Some(id) = transfer {
            if let Some(known) = self.transfers.remove(&id) {
                known.live.stop();
            }
            // Bytes that cannot be removed now are swept when the container is opened next.
            let _ = self.store.vault().files().remove(outis_vault::FileId(id.0));
        }
        if let Outbox::Untold(number) | Outbox::Told(number) = outbox
            && let Some(peer) = self.peers.get_mut(&contact)
        {
            let unreceipted = Unreceipted {
                position: (leave == Leave::Mark).then_some(position),
                ..Unreceipted::default()
            };
            peer.outbox.insert(number, unreceipted);
        }
        self.updated(&contact, position);
        self.events.push(Event::ContactUpdated(contact));
    }

    /// A content that is not receipted becomes a tombstone under its number, encrypted as new; its salt goes with it.
    fn withdraw(
        &self,
        changes: &mut Changes,
        contact: &Address,
        number: u64,
        position: u64,
        leave: Leave,
    ) -> Result<Outbox, StoreError> {
        let owner = contact.as_bytes();
        if !self
            .peers
            .get(contact)
            .is_some_and(|peer| peer.outbox.contains_key(&number))
        {
            return Ok(Outbox::Nothing);
        }
        let Some(mut outbox) = self.store.get::<OutboxRecord>(table::OUTBOX, owner, number)? else {
            return Ok(Outbox::Nothing);
        };
        let was_told = outbox.chained.is_some();
        outbox.content = Content::Tombstone(Tombstone {
            withdrawn: salted_hash(outbox.salt, &outbox.content),
            for_everyone: leave == Leave::Mark,
        });
        outbox.salt = Salt::default();
        outbox.position = (leave == Leave::Mark).then_some(position);
        outbox.disappear_after = None;
        outbox.sealed = None;
        changes.put(table::OUTBOX, owner, number, &outbox);
        changes.erase(table::SEALED, owner, number);
        changes.erase(table::STORED, owner, number);
        Ok(if was_told {
            Outbox::Told(number)
        } else {
            Outbox::Untold(number)
        })
    }
}

impl MessageId {
    pub(crate) fn new(contact: &Address, position: u64) -> Self {
        Self {
            contact: *contact,
            position,
        }
    }
}
