//! Beginning afresh with everybody, as a new device.
//!
//! When this folder turns out to be an old copy, or one of two, all that has steps is older here than with the contacts, or
//! in somebody else's hands too: sessions, numbers, queues, prekeys, the device's keys. So none of it is used again. What
//! people wrote stays, and what no contact has receipted is told again under new numbers.
//!
//! The same with one contact alone, and without a new device, when nothing that they say opens any more: then one of the two
//! is such a copy and has not noticed, since whoever keeps the descriptors withholds the one that would tell.

use crate::contact::{ContactRecord, ContactState, Outgoing};
use crate::conversation;
use crate::event::Event;
use crate::message::Note;
use crate::peer::Peer;
use crate::plan::Plan;
use crate::session;
use crate::state::State;
use crate::store::{Changes, LineRecord, NOBODY, OutboxRecord, StoreError, table};
use outis_crypto::CryptoRng;
use outis_identity::{Address, DeviceKeys};

impl State {
    /// Makes this installation a new device and asks every contact anew. The caller takes the next generation for it.
    pub(crate) fn begin_afresh(&mut self) -> Result<(), StoreError> {
        for contact in self.active() {
            self.retire_queue(&contact)?;
            self.forget_sessions(&contact)?;
        }
        self.revoke_invites()?;
        let keys = DeviceKeys::generate(&mut self.rng);
        let mut record = self.me.record.clone();
        record.keys = keys.to_record().dangerously_expose().to_vec();
        record.copied = false;
        let mut changes = Changes::new();
        changes.erase_all(table::PREKEYS, &NOBODY);
        changes.put(table::DEVICE, &NOBODY, 0, &record);
        self.store.commit(changes)?;
        self.me.keys = keys;
        self.me.record = record;
        Ok(())
    }

    /// Asks a contact anew whose words have not opened for a while, if any are such.
    pub(crate) fn mend(&mut self, plan: &mut Plan, contact: &Address) -> Result<(), StoreError> {
        let accepted = |peer: &&mut Peer| peer.record.state == ContactState::Accepted;
        let Some(peer) = self.peers.get_mut(contact).filter(accepted) else {
            return Ok(());
        };
        let Some(due) = peer.lane.tear.mend_from() else {
            return Ok(());
        };
        if !plan.is_due(due, self.tick) {
            return Ok(());
        }
        let mut tear = std::mem::take(&mut peer.lane.tear);
        tear.mended(self.tick, &mut self.rng);
        self.forget_sessions(contact)?;
        if let Some(peer) = self.peers.get_mut(contact) {
            peer.lane.tear = tear;
        }
        self.events.push(Event::ContactUpdated(*contact));
        Ok(())
    }

    fn forget_sessions(&mut self, contact: &Address) -> Result<(), StoreError> {
        let Some(peer) = self.peers.get(contact) else {
            return Ok(());
        };
        let owner = contact.as_bytes();
        let mut changes = Changes::new();
        for known in &peer.record.sessions {
            session::erase(&mut changes, contact, known.slot);
        }
        let mut record = peer.record.clone();
        record.ask_anew(&mut self.rng);
        let outbox = peer
            .outbox
            .keys()
            .map(|number| self.store.get(table::OUTBOX, owner, *number));
        let outbox: Vec<Option<OutboxRecord>> = outbox.collect::<Result<_, _>>()?;
        for table in [table::OUTBOX, table::SEALED, table::STORED, table::OUTGOING] {
            changes.erase_all(table, owner);
        }
        // What was said about a message names it by its number, which is another one now, or nobody's.
        let old: Vec<u64> = peer.outbox.keys().copied().collect();
        let renumbered = |number: u64| {
            old.binary_search(&number)
                .ok()
                .and_then(|at| u64::try_from(at + 1).ok())
        };
        for mut said in outbox.into_iter().flatten() {
            record.outgoing.last += 1;
            let number = record.outgoing.last;
            said.sealed = None;
            said.chained = None;
            said.content.renumber(renumbered);
            changes.put(table::OUTBOX, owner, number, &said);
            let Some(position) = said.position else { continue };
            changes.put(table::OUTGOING, owner, number, &position);
            if let Some(mut line) = self.store.get::<LineRecord>(table::LINES, owner, position)? {
                line.number = number;
                changes.put(table::LINES, owner, position, &line);
            }
        }
        // What came after the copy was made is not here, and whether there was anything nobody here can know.
        conversation::put_note(&mut changes, contact, &mut record, Note::NewSession, self.clock.now());
        changes.put_contact(contact, &record);
        self.store.commit(changes)?;
        let peer = Peer::load(&self.store, contact, record)?;
        self.peers.insert(*contact, peer);
        Ok(())
    }
}

impl ContactRecord {
    /// Leaves nothing of what has steps; whoever was a contact is asked again.
    pub(crate) fn ask_anew(&mut self, rng: &mut impl CryptoRng) {
        if self.state == ContactState::Accepted {
            self.state = ContactState::Requested;
        }
        self.sessions.clear();
        self.sending = None;
        self.request = None;
        self.outgoing = Outgoing {
            stream: rng.next_u64(),
            ..Outgoing::default()
        };
        self.their_read = 0;
        self.card_known = 0;
        self.owes_acceptance = false;
        self.owes_receipt = false;
    }
}
