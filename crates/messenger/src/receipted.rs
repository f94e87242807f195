//! What the other side has: forgotten here, or told again.

use crate::contact::ContactRecord;
use crate::message::{Delivery, Step};
use crate::peer::Unreceipted;
use crate::receipt::Receipt;
use crate::state::State;
use crate::store::{Changes, OutboxRecord, StoreError, table};
use outis_identity::Address;
use std::time::Duration;

impl State {
    /// The other side says what it has.
    pub(crate) fn receipt_came(
        &self,
        contact: &Address,
        record: &mut ContactRecord,
        changes: &mut Changes,
        receipt: &Receipt,
    ) -> Result<ReceiptEffect, StoreError> {
        let owner = contact.as_bytes();
        let mut effect = ReceiptEffect::default();
        let Some(peer) = self.peers.get(contact) else {
            return Ok(effect);
        };
        if receipt.stream != record.outgoing.stream {
            // Nothing of ours has come there yet; what it says of our card holds all the same.
            self.card_is_known(contact, record, receipt.card);
            return Ok(effect);
        }
        let read = receipt.read.unwrap_or(0);
        for (number, unreceipted) in &peer.outbox {
            if receipt.covers(*number) {
                changes.erase(table::OUTBOX, owner, *number);
                changes.erase(table::SEALED, owner, *number);
                changes.erase(table::STORED, owner, *number);
                if let Some(position) = unreceipted.position {
                    let state = if *number <= read {
                        Delivery::Read
                    } else {
                        Delivery::Delivered
                    };
                    if self.advance(changes, contact, position, Some(state), [Step::Delivered])? {
                        effect.shown.push(position);
                    }
                }
                effect.delivered.push(*number);
            } else if *number < receipt.highest() && unreceipted.sealed.is_some() {
                let long_ago = unreceipted.put_at.is_some_and(|at| at.plus(REPEAT_PAUSE) <= self.tick);
                if long_ago {
                    effect.overtaken.push(*number);
                }
            }
        }
        if read > record.their_read {
            for number in record.their_read.saturating_add(1)..=read.min(record.outgoing.last) {
                let Some(position) = self.store.get::<u64>(table::OUTGOING, owner, number)? else {
                    continue;
                };
                let in_outbox = peer.outbox.contains_key(&number);
                if !in_outbox && self.advance(changes, contact, position, Some(Delivery::Read), [Step::Read])? {
                    effect.shown.push(position);
                }
            }
            record.their_read = read.min(record.outgoing.last);
        }
        self.card_is_known(contact, record, receipt.card);
        Ok(effect)
    }

    /// The other side says which of our cards it has.
    fn card_is_known(&self, contact: &Address, record: &mut ContactRecord, sequence: u64) {
        let ours = self.peers.get(contact).map_or(0, |peer| peer.queue.sequence());
        if sequence > record.card_known {
            record.card_known = sequence.min(ours);
            record.owes_acceptance = false;
        }
    }

    /// What a receipt changed becomes true in memory too; called after its commit.
    pub(crate) fn receipt_done(&mut self, contact: &Address, effect: ReceiptEffect) {
        let tick = self.tick;
        let Some(peer) = self.peers.get_mut(contact) else {
            return;
        };
        for number in &effect.delivered {
            peer.outbox.remove(number);
        }
        for number in &effect.overtaken {
            if let Some(unreceipted) = peer.outbox.get_mut(number) {
                unreceipted.stored.clear();
                unreceipted.put_at = Some(tick);
            }
        }
        if !effect.delivered.is_empty() {
            let waits = peer.outbox.values().any(|unreceipted| !unreceipted.stored.is_empty());
            peer.lane.waiting_since = waits.then_some(tick);
            peer.lane.look_up.patience.succeeded();
        }
        for position in effect.shown {
            self.updated(contact, position);
        }
    }

    /// Everything that is not receipted is told anew, under its old numbers: in a new session, or because one of the
    /// ciphertexts did not open. The caller commits, then calls [`renewed`](Self::renewed).
    pub(crate) fn renew(
        &self,
        contact: &Address,
        changes: &mut Changes,
        which: impl Fn(u64, &Unreceipted) -> bool,
    ) -> Result<Vec<u64>, StoreError> {
        let owner = contact.as_bytes();
        let Some(peer) = self.peers.get(contact) else {
            return Ok(Vec::new());
        };
        let mut renewed = Vec::new();
        for (number, unreceipted) in peer
            .outbox
            .iter()
            .filter(|(number, u)| u.sealed.is_some() && which(**number, u))
        {
            let Some(mut outbox) = self.store.get::<OutboxRecord>(table::OUTBOX, owner, *number)? else {
                continue;
            };
            outbox.sealed = None;
            changes.put(table::OUTBOX, owner, *number, &outbox);
            changes.erase(table::SEALED, owner, *number);
            changes.erase(table::STORED, owner, *number);
            if let Some(position) = unreceipted.position {
                self.advance(changes, contact, position, Some(Delivery::Queued), [Step::Renewed])?;
            }
            renewed.push(*number);
        }
        Ok(renewed)
    }

    /// After the commit of [`renew`](Self::renew).
    pub(crate) fn renewed(&mut self, contact: &Address, numbers: &[u64]) {
        let Some(peer) = self.peers.get_mut(contact) else {
            return;
        };
        let mut shown = Vec::new();
        for number in numbers {
            if let Some(unreceipted) = peer.outbox.get_mut(number) {
                *unreceipted = Unreceipted {
                    position: unreceipted.position,
                    ..Unreceipted::default()
                };
                shown.extend(unreceipted.position);
            }
        }
        peer.lane.waiting_since = None;
        for position in shown {
            self.updated(contact, position);
        }
    }

    /// The lowest number is told again, as it is: if it arrives, its receipt shows what else is missing.
    pub(crate) fn repeat_lowest(&mut self, contact: &Address) -> Result<(), StoreError> {
        let Some(peer) = self.peers.get(contact) else {
            return Ok(());
        };
        let Some((number, position)) = peer
            .outbox
            .iter()
            .find(|(_, u)| u.sealed.is_some())
            .map(|(n, u)| (*n, u.position))
        else {
            return Ok(());
        };
        let mut changes = Changes::new();
        changes.erase(table::STORED, contact.as_bytes(), number);
        if let Some(position) = position {
            self.advance(&mut changes, contact, position, None, [Step::LookedUp, Step::Repeated])?;
        }
        self.store.commit(changes)?;
        if let Some(unreceipted) = self
            .peers
            .get_mut(contact)
            .and_then(|peer| peer.outbox.get_mut(&number))
        {
            unreceipted.stored.clear();
        }
        Ok(())
    }
}

/// What a receipt changes.
#[derive(Debug, Default)]
pub(crate) struct ReceiptEffect {
    delivered: Vec<u64>,
    overtaken: Vec<u64>,
    shown: Vec<u64>,
}

impl ReceiptEffect {
    /// Whether it says that this number has arrived.
    pub(crate) fn has_delivered(&self, number: u64) -> bool {
        self.delivered.binary_search(&number).is_ok()
    }
}

/// Something overtaken is told again, but not more often than this.
const REPEAT_PAUSE: Duration = Duration::from_secs(5);
