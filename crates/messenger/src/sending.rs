//! From a text to ciphertexts in mailboxes, until the receipt comes.

use crate::chain::{Salt, salted_hash};
use crate::contact::{ContactRecord, ContactState};
use crate::content::Content;
use crate::event::Event;
use crate::message::{Delivery, Step};
use crate::parcel::{Accepted, CiphertextHash, Entry, Numbered, Parcel};
use crate::payload::Payload;
use crate::peer::{Loose, Told, Unreceipted};
use crate::receipt::Receipt;
use crate::session;
use crate::state::State;
use crate::store::{Changes, OutboxRecord, Sealed, StoreError, table};
use outis_identity::Address;
use outis_wire::{NodeId, UnixMillis};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// Not more than this for one contact is encrypted and unreceipted at a time.
pub(crate) const UNRECEIPTED: usize = 500;

/// Receipts to one contact are at least this far apart.
pub(crate) const RECEIPT_PAUSE: Duration = Duration::from_millis(200);

/// A loose ciphertext that some mailbox has not taken by then is not brought there any more.
const LOOSE_LIFE: Duration = Duration::from_secs(30);

/// Something overtaken is told again, but not more often than this.
const REPEAT_PAUSE: Duration = Duration::from_secs(5);

/// Puts a content into the outbox: gives its number. The caller commits.
pub(crate) fn enqueue(
    record: &mut ContactRecord,
    changes: &mut Changes,
    contact: &Address,
    content: Content,
    position: Option<u64>,
    now: UnixMillis,
    rng: &mut impl outis_crypto::CryptoRng,
) -> (u64, Unreceipted) {
    let number = record.outgoing.last.saturating_add(1);
    record.outgoing.last = number;
    let outbox = OutboxRecord {
        position,
        sent_at: now,
        salt: Salt::random(rng),
        content,
        sealed: None,
    };
    changes.put(table::OUTBOX, contact.as_bytes(), number, &outbox);
    if let Some(position) = position {
        changes.put(table::OUTGOING, contact.as_bytes(), number, &position);
    }
    (
        number,
        Unreceipted {
            position,
            ..Unreceipted::default()
        },
    )
}

impl State {
    /// Encrypts what waits for this contact, in the order of its numbers, a few at a time. Gives whether there is more.
    pub(crate) fn seal_waiting(&mut self, contact: &Address) -> Result<bool, StoreError> {
        if !self.may_speak() {
            return Ok(false);
        }
        let Some(peer) = self.peers.get(contact) else {
            return Ok(false);
        };
        let Some(slot) = peer
            .record
            .sending
            .filter(|_| peer.record.may_send() && peer.theirs.is_some())
        else {
            return Ok(false);
        };
        let room = UNRECEIPTED.saturating_sub(peer.sealed());
        let waiting: Vec<u64> = peer
            .outbox
            .iter()
            .filter(|(_, u)| u.sealed.is_none())
            .map(|(number, _)| *number)
            .take(room.min(AT_ONCE))
            .collect();
        if waiting.is_empty() {
            return Ok(false);
        }
        let Some(mut current) = session::load(&self.store, contact, slot)? else {
            return Ok(false);
        };
        let from = peer.outbox.keys().next().copied().unwrap_or(1);
        let mut record = peer.record.clone();
        let mut changes = Changes::new();
        let mut sealed = Vec::new();
        let mut shown = Vec::new();
        for number in waiting {
            let Some(mut outbox) = self
                .store
                .get::<OutboxRecord>(table::OUTBOX, contact.as_bytes(), number)?
            else {
                continue;
            };
            let previous = record.outgoing.previous(slot, number);
            let link = previous.next(number, salted_hash(outbox.salt, &outbox.content));
            let entry = Entry::Numbered(Numbered {
                stream: record.outgoing.stream,
                number,
                from,
                sent_at: outbox.sent_at,
                salt: outbox.salt,
                previous,
                content: outbox.content.clone(),
            });
            let Ok((step, ciphertext)) = current.send(&mut self.rng, &Parcel::of(entry).encode()) else {
                break;
            };
            session::apply(&mut changes, contact, slot, &step);
            current = step.session;
            let told = Sealed {
                slot,
                previous,
                hash: CiphertextHash::of(&ciphertext),
            };
            outbox.sealed = Some(told);
            // A number that is told again in the same session stays where the chain had it.
            if record
                .outgoing
                .end
                .is_none_or(|(end_slot, end, _)| end_slot != slot || end < number)
            {
                record.outgoing.end = Some((slot, number, link));
            }
            changes.put(table::OUTBOX, contact.as_bytes(), number, &outbox);
            changes.put_bytes(table::SEALED, contact.as_bytes(), number, ciphertext);
            if let Some(position) = outbox.position
                && self.advance(&mut changes, contact, position, None, Step::Encrypted)?
            {
                shown.push(position);
            }
            sealed.push((number, told));
        }
        changes.put_contact(contact, &record);
        self.store.commit(changes)?;
        let Some(peer) = self.peers.get_mut(contact) else {
            return Ok(false);
        };
        peer.record = record;
        let progress = !sealed.is_empty();
        for (number, told) in sealed {
            if let Some(unreceipted) = peer.outbox.get_mut(&number) {
                unreceipted.sealed = Some(told);
            }
        }
        for position in shown {
            self.updated(contact, position);
        }
        Ok(progress)
    }

    /// Makes one ciphertext of all that is owed outside the numbering, if it is time.
    pub(crate) fn seal_loose(&mut self, contact: &Address) -> Result<(), StoreError> {
        let tick = self.tick;
        if !self.may_speak() {
            return Ok(());
        }
        let Some(peer) = self.peers.get_mut(contact) else {
            return Ok(());
        };
        peer.lane
            .loose
            .retain(|loose| tick.since(loose.made_at) < LOOSE_LIFE || loose.done.is_empty());
        let Some(slot) = peer
            .record
            .sending
            .filter(|_| peer.record.may_send() && peer.theirs.is_some())
        else {
            return Ok(());
        };
        if peer.lane.loose.len() >= LOOSE_AT_ONCE {
            return Ok(());
        }
        let flying = |told: fn(&Told) -> bool| {
            peer.lane
                .loose
                .iter()
                .any(|loose| loose.done.is_empty() && told(&loose.told))
        };
        let receipt = peer.record.owes_receipt
            && !flying(|told| told.receipt.is_some())
            && peer
                .lane
                .last_receipt
                .is_none_or(|last| last.plus(RECEIPT_PAUSE) <= tick);
        let tell_card = peer.queue.sequence() > peer.record.card_known && peer.lane.card_told.is_over(tick);
        let card = if tell_card {
            peer.queue.card(peer.record.outgoing.stream, &self.requests, contact)
        } else {
            None
        };
        let acceptance = peer.record.owes_acceptance && card.is_some();
        let hashes = std::mem::take(&mut peer.lane.cannot_open);
        if !receipt && card.is_none() && hashes.is_empty() {
            return Ok(());
        }
        let mut entries = Vec::new();
        if acceptance {
            entries.push(Entry::Accepted(Accepted {
                nickname: self.me.nickname.clone(),
            }));
        }
        let tells_card = card.is_some();
        entries.extend(card.map(Entry::Card));
        entries.push(Entry::Receipt(Receipt::of(
            peer.record.stream.map_or(0, |(stream, _)| stream),
            &peer.record.arrived,
            None,
            peer.record.their_card(),
        )));
        entries.extend(
            hashes
                .iter()
                .take(Parcel::ENTRIES / 2)
                .map(|hash| Entry::CannotOpen(*hash)),
        );
        let Some(current) = session::load(&self.store, contact, slot)? else {
            return Ok(());
        };
        let Ok((step, ciphertext)) = current.send(&mut self.rng, &Parcel { entries }.encode()) else {
            return Ok(());
        };
        let mut changes = Changes::new();
        session::apply(&mut changes, contact, slot, &step);
        self.store.commit(changes)?;
        peer.lane.last_receipt = Some(tick);
        if tells_card {
            peer.lane
                .card_told
                .failed(tick, CARD_PAUSE, CARD_PAUSE_LONGEST, &mut self.rng);
        }
        self.next_loose += 1;
        peer.lane.loose.push_back(Loose {
            id: self.next_loose,
            payload: Arc::new(Payload::Session(ciphertext).encode()),
            made_at: tick,
            done: BTreeSet::new(),
            flying: BTreeSet::new(),
            told: Told {
                receipt: Some(peer.lane.came),
            },
        });
        Ok(())
    }

    /// A mailbox has taken these, or has not.
    pub(crate) fn put_numbered(
        &mut self,
        contact: &Address,
        node: NodeId,
        results: &[(u64, bool)],
    ) -> Result<(), StoreError> {
        let tick = self.tick;
        let mut changes = Changes::new();
        let mut shown = Vec::new();
        let mut stored_now = Vec::new();
        let Some(peer) = self.peers.get(contact) else {
            return Ok(());
        };
        for (number, stored) in results {
            let Some(unreceipted) = peer.outbox.get(number) else {
                continue;
            };
            if *stored {
                let mut nodes = unreceipted.stored.clone();
                nodes.insert(node);
                let copies = u8::try_from(nodes.len()).unwrap_or(u8::MAX);
                changes.put(
                    table::STORED,
                    contact.as_bytes(),
                    *number,
                    &nodes.iter().copied().collect::<Vec<_>>(),
                );
                if let Some(position) = unreceipted.position
                    && self.advance(
                        &mut changes,
                        contact,
                        position,
                        Some(Delivery::Stored(copies)),
                        Step::Stored(node),
                    )?
                {
                    shown.push(position);
                }
                stored_now.push((*number, nodes));
            } else if let Some(position) = unreceipted.position {
                self.advance(&mut changes, contact, position, None, Step::NotStored(node))?;
            }
        }
        self.store.commit(changes)?;
        let Some(peer) = self.peers.get_mut(contact) else {
            return Ok(());
        };
        for (number, _) in results {
            if let Some(unreceipted) = peer.outbox.get_mut(number) {
                unreceipted.flying.remove(&node);
            }
        }
        for (number, nodes) in stored_now {
            if let Some(unreceipted) = peer.outbox.get_mut(&number) {
                unreceipted.stored = nodes;
                unreceipted.put_at = Some(tick);
            }
            peer.lane.waiting_since.get_or_insert(tick);
        }
        for position in shown {
            self.updated(contact, position);
        }
        Ok(())
    }

    /// A mailbox has taken a loose ciphertext, or has not.
    pub(crate) fn put_loose(
        &mut self,
        contact: &Address,
        node: NodeId,
        id: u64,
        stored: bool,
    ) -> Result<(), StoreError> {
        let Some(peer) = self.peers.get_mut(contact) else {
            return Ok(());
        };
        let Some(loose) = peer.lane.loose.iter_mut().find(|loose| loose.id == id) else {
            return Ok(());
        };
        loose.flying.remove(&node);
        if !stored {
            return Ok(());
        }
        let first = loose.done.is_empty();
        loose.done.insert(node);
        let told = loose.told.clone();
        let everywhere = peer
            .theirs
            .as_ref()
            .is_some_and(|queue| queue.nodes().all(|node| loose.done.contains(&node)));
        if everywhere {
            peer.lane.loose.retain(|loose| loose.id != id);
        }
        if first && told.receipt == Some(peer.lane.came) && peer.record.owes_receipt {
            let mut record = peer.record.clone();
            record.owes_receipt = false;
            let mut changes = Changes::new();
            changes.put_contact(contact, &record);
            self.store.commit(changes)?;
            peer.record = record;
        }
        Ok(())
    }

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
                    if self.advance(changes, contact, position, Some(state), Step::Delivered)? {
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
                if !in_outbox && self.advance(changes, contact, position, Some(Delivery::Read), Step::Read)? {
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
                self.advance(changes, contact, position, Some(Delivery::Queued), Step::Renewed)?;
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
            self.advance(&mut changes, contact, position, None, Step::Repeated)?;
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

    /// Tells of a contact that changed.
    pub(crate) fn contact_updated(&self, contact: &Address, state: ContactState) {
        self.events.push(match state {
            ContactState::Incoming => Event::ContactRequest(*contact),
            _ => Event::ContactUpdated(*contact),
        });
    }
}

/// What a receipt changes.
#[derive(Debug, Default)]
pub(crate) struct ReceiptEffect {
    delivered: Vec<u64>,
    overtaken: Vec<u64>,
    shown: Vec<u64>,
}

/// Encrypted in one commit.
const AT_ONCE: usize = 16;

/// Loose ciphertexts on their way to one contact.
const LOOSE_AT_ONCE: usize = 8;

/// A card that is not known to have arrived is told again.
const CARD_PAUSE: Duration = Duration::from_secs(60);
const CARD_PAUSE_LONGEST: Duration = Duration::from_secs(6 * 60 * 60);
