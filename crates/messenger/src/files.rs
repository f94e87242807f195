//! Files: offers, answers, and how far each transfer is. Chunks move in [`roads`].
//!
//! The receiver drives: it draws relays and cookies, tells them in the session, and opens its ends; the sender opens the
//! other ends when it hears of them. What breaks is begun anew by the receiver, and what was stored is never sent again. New
//! roads are told only when the last ones are known to have been heard of, so that somebody who is away finds one call and
//! not a thousand.

mod commands;
mod contents;
mod incoming;
mod live;
pub(crate) mod lockers;
mod plan;
mod prepare;
pub(crate) mod roads;
mod saving;
mod signal;
mod source;
mod throttle;
mod transfer;

pub use commands::FileError;
pub(crate) use prepare::Prepared;
pub use prepare::{Given, Metadata};
pub(crate) use saving::Saving;
pub(crate) use signal::{Fault, Road, Signal};
pub(crate) use throttle::Throttle;
pub(crate) use transfer::{Known, Phase, Side, TransferRecord};
pub use transfer::{Transfer, TransferState, Why};

use crate::content::{Content, FileOffer, FileSignal};
use crate::event::Event;
use crate::message::{Direction, TransferId};
use crate::state::State;
use crate::store::{Changes, StoreError, table};
use outis_identity::Address;
use outis_transfer::Offer;
use outis_vault::FileId;

/// The transfer that an offer is about; `None` for an offer of a newer version.
pub(crate) fn transfer_of(offer: &FileOffer) -> Option<TransferId> {
    Offer::decode(&offer.offer).ok().map(|offer| TransferId(offer.id().0))
}

/// What is stored when an offer comes, in the commit of its message.
pub(crate) fn offer_came(changes: &mut Changes, contact: &Address, position: u64, offer: &FileOffer) {
    let Some(id) = transfer_of(offer) else { return };
    let record = TransferRecord {
        contact: *contact,
        direction: Direction::In,
        position,
        offer: offer.offer.clone(),
        phase: Phase::Offered,
        paused_here: None,
        paused_there: false,
        source: None,
        save_to: None,
        told: None,
        called: None,
        lockers: Vec::new(),
    };
    changes.put(table::TRANSFERS, &id.0, 0, &record);
}

impl State {
    /// A content about files came and is stored.
    pub(crate) fn file_content_came(&mut self, contact: &Address, content: &Content) -> Result<(), StoreError> {
        match content {
            Content::FileOffer(offer) => {
                if let Some(id) = transfer_of(offer)
                    && !self.transfers.contains_key(&id)
                    && let Some(known) = Known::load(&self.store, &id)?
                {
                    self.transfers.insert(id, known);
                    self.events.push(Event::TransferUpdated(id));
                }
                Ok(())
            }
            Content::FileSignal(signal) => self.signal_came(contact, signal),
            _ => Ok(()),
        }
    }

    fn signal_came(&mut self, contact: &Address, signal: &FileSignal) -> Result<(), StoreError> {
        let id = TransferId(signal.transfer);
        let Some(known) = self.transfers.get(&id).filter(|known| known.record.contact == *contact) else {
            return Ok(());
        };
        let Some(signal) = Signal::from_tagged(&signal.signal) else {
            return Ok(());
        };
        let (direction, phase) = (known.record.direction, known.record.phase);
        match (signal, direction) {
            // It may have come over the last road while we cancelled.
            (Signal::Complete, Direction::Out) if phase != Phase::Cancelled => self.end_transfer(&id, Phase::Complete),
            _ if phase.is_over() => Ok(()),
            (Signal::Roads(call), Direction::Out) => {
                let now = self.now();
                self.change_transfer(&id, |record| {
                    record.phase = Phase::Wanted;
                    record.called = Some((now, call.roads.clone()));
                })?;
                if let Some(known) = self.transfers.get(&id).filter(|known| !known.record.is_paused()) {
                    known.live.set_done(call.stored);
                    known.live.expect(call.roads);
                }
                Ok(())
            }
            (Signal::Declined, Direction::Out) => self.end_transfer(&id, Phase::Declined),
            (Signal::Cancelled, _) => self.end_transfer(&id, Phase::Cancelled),
            (Signal::Unavailable(fault), Direction::In) => self.end_transfer(&id, Phase::Failed(fault)),
            (Signal::Locker(key), Direction::In) => self.locker_came(&id, key),
            (Signal::Paused, _) => {
                self.change_transfer(&id, |record| record.paused_there = true)?;
                self.rest_or_go_on(&id);
                Ok(())
            }
            (Signal::Resumed, _) => {
                self.change_transfer(&id, |record| record.paused_there = false)?;
                self.rest_or_go_on(&id);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Roads are ended while one of the two wants a transfer to rest, and may be opened when none does.
    fn rest_or_go_on(&mut self, id: &TransferId) {
        let Some(known) = self.transfers.get_mut(id) else {
            return;
        };
        if known.record.is_paused() {
            known.live.stop();
        } else {
            known.live.go_on();
            known.again.succeeded();
            known.replace.succeeded();
        }
    }

    /// All of it rests in the container.
    fn arrived(&mut self, contact: &Address, id: &TransferId) -> Result<(), StoreError> {
        self.tell_and_end(contact, id, &Signal::Complete, Phase::Complete)?;
        if let Some(known) = self.transfers.get_mut(id) {
            known.wish.clone_from(&known.record.save_to);
        }
        Ok(())
    }

    /// Tells the other side, and changes the record in the same commit.
    fn signal(
        &mut self,
        contact: &Address,
        id: &TransferId,
        signal: &Signal,
        change: impl FnOnce(&mut TransferRecord, u64),
    ) -> Result<(), StoreError> {
        let now = self.now();
        let (Some(known), Some(peer)) = (self.transfers.get_mut(id), self.peers.get_mut(contact)) else {
            return Ok(());
        };
        let content = Content::FileSignal(FileSignal {
            transfer: id.0,
            signal: signal.to_tagged(),
        });
        let mut contact_record = peer.record.clone();
        let mut record = known.record.clone();
        let mut changes = Changes::new();
        let (number, unreceipted) = crate::sending::enqueue(
            &mut contact_record,
            &mut changes,
            contact,
            content,
            None,
            now,
            &mut self.rng,
        );
        change(&mut record, number);
        changes.put_contact(contact, &contact_record);
        write_record(&mut changes, id, &record);
        self.store.commit(changes)?;
        peer.record = contact_record;
        peer.outbox.insert(number, unreceipted);
        known.record = record;
        self.events.push(Event::TransferUpdated(*id));
        Ok(())
    }

    /// Changes the record alone.
    fn change_transfer(&mut self, id: &TransferId, change: impl FnOnce(&mut TransferRecord)) -> Result<(), StoreError> {
        let Some(known) = self.transfers.get_mut(id) else {
            return Ok(());
        };
        let mut record = known.record.clone();
        change(&mut record);
        let mut changes = Changes::new();
        write_record(&mut changes, id, &record);
        self.store.commit(changes)?;
        known.record = record;
        self.events.push(Event::TransferUpdated(*id));
        Ok(())
    }

    /// Ends a transfer, for good, because the other side said so.
    fn end_transfer(&mut self, id: &TransferId, phase: Phase) -> Result<(), StoreError> {
        self.change_transfer(id, |record| record.phase = phase)?;
        self.let_go(id)
    }

    /// Ends a transfer, for good, and tells the other side.
    fn tell_and_end(
        &mut self,
        contact: &Address,
        id: &TransferId,
        signal: &Signal,
        phase: Phase,
    ) -> Result<(), StoreError> {
        self.signal(contact, id, signal, |record, _| record.phase = phase)?;
        self.let_go(id)
    }

    /// Forgets what a transfer that is over needed; what had come of an unfinished file is erased.
    fn let_go(&mut self, id: &TransferId) -> Result<(), StoreError> {
        let Some(known) = self.transfers.get_mut(id) else {
            return Ok(());
        };
        known.live.stop();
        known.side = Side::Over;
        if known.record.is_sealed() && !known.record.keeps_file() {
            // Bytes that cannot be removed now are swept when the container is opened next.
            let _ = self.store.vault().files().remove(FileId(id.0));
        }
        self.bury_lockers(id)
    }

    /// All transfers, or those with one contact.
    pub(crate) fn shown_transfers(&self, contact: Option<&Address>) -> Vec<Transfer> {
        let with = |known: &Known| contact.is_none_or(|contact| known.record.contact == *contact);
        self.transfers
            .iter()
            .filter(|(_, known)| with(known))
            .map(|(id, known)| known.shown(*id, self.has_heard(known)))
            .collect()
    }

    /// One transfer.
    pub(crate) fn shown_transfer(&self, id: &TransferId) -> Option<Transfer> {
        let known = self.transfers.get(id)?;
        Some(known.shown(*id, self.has_heard(known)))
    }

    /// Whether the other side is known to have the offer's message.
    fn has_heard(&self, known: &Known) -> bool {
        let unreceipted = self.peers.get(&known.record.contact).is_some_and(|peer| {
            let position = Some(known.record.position);
            peer.outbox.values().any(|unreceipted| unreceipted.position == position)
        });
        !unreceipted
    }
}

/// What stands beside the record is erased with the end.
fn write_record(changes: &mut Changes, id: &TransferId, record: &TransferRecord) {
    if record.phase.is_over() {
        changes.erase_all(table::TRANSFERS, &id.0);
    }
    changes.put(table::TRANSFERS, &id.0, 0, record);
}
