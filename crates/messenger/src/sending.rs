//! From a text to ciphertexts in mailboxes, until the receipt comes.

use crate::ContactError;
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
use crate::settings::Receipts;
use crate::state::State;
use crate::store::{Changes, OutboxRecord, Sealed, StoreError, table};
use crate::time::Tick;
use outis_identity::Address;
use outis_wire::{NodeId, UnixMillis};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// Not more than this for one contact is encrypted and unreceipted at a time.
pub(crate) const UNRECEIPTED: usize = 500;

/// Who is told once an hour is not told before then.
const HOURLY: Duration = Duration::from_secs(60 * 60);

/// Whoever writes is told of this often at most, and it is worth nothing after as long.
const TYPING_PAUSE: Duration = Duration::from_secs(4);

/// A loose ciphertext that some mailbox has not taken by then is not brought there any more.
const LOOSE_LIFE: Duration = Duration::from_secs(30);

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
    let disappear_after = record.settings.disappear_after.filter(|_| content.disappears());
    let outbox = OutboxRecord {
        position,
        sent_at: now,
        salt: Salt::random(rng),
        content,
        disappear_after,
        chained: None,
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
            let before = outbox.chained.filter(|(chained, _)| *chained == slot);
            let previous = before.map_or_else(|| record.outgoing.previous(slot, number), |(_, previous)| previous);
            let link = previous.next(number, salted_hash(outbox.salt, &outbox.content));
            let entry = Entry::Numbered(Numbered {
                stream: record.outgoing.stream,
                number,
                from,
                sent_at: outbox.sent_at,
                salt: outbox.salt,
                previous,
                disappear_after: outbox.disappear_after,
                content: outbox.content.clone(),
            });
            let Ok((step, ciphertext)) = current.send(&mut self.rng, &Parcel::of(entry).encode()) else {
                break;
            };
            session::apply(&mut changes, contact, slot, &step);
            current = step.session;
            outbox.chained = Some((slot, previous));
            let told = Sealed {
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
                && self.advance(&mut changes, contact, position, None, [Step::Encrypted])?
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
        let (now, tick) = (self.now(), self.tick);
        if !self.may_speak() {
            return Ok(());
        }
        let receipt_due = self.receipt_due(contact);
        let Some(peer) = self.peers.get_mut(contact) else {
            return Ok(());
        };
        peer.lane.loose.retain(|loose| {
            let age = tick.since(loose.made_at);
            match loose.told.fleeting {
                Some(life) => age < life,
                None => age < LOOSE_LIFE || loose.done.is_empty(),
            }
        });
        if std::mem::take(&mut peer.lane.types) {
            peer.lane.typing = Some(tick);
        }
        peer.lane.typing = peer.lane.typing.filter(|since| tick.since(*since) < TYPING_PAUSE);
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
        let receipt = peer.record.owes_receipt && !flying(|told| told.receipt.is_some()) && receipt_due <= tick;
        let told_typing = peer.lane.typing_told;
        let typing = peer.lane.typing.is_some() && told_typing.is_none_or(|at| at.plus(TYPING_PAUSE) <= tick);
        let tell_card = peer.queue.sequence() > peer.record.card_known && peer.lane.card_told.is_over(tick);
        let card = if tell_card {
            peer.queue.card(peer.record.outgoing.stream, &self.requests, contact)
        } else {
            None
        };
        // Also before there is a card: whoever asked should not see a contact without a name meanwhile.
        let acceptance = peer.record.owes_acceptance;
        let hashes = if peer.lane.tear.tell_from() <= tick {
            std::mem::take(&mut peer.lane.cannot_open)
        } else {
            BTreeSet::new()
        };
        let matters = receipt || card.is_some() || !hashes.is_empty();
        if !matters && !typing {
            return Ok(());
        }
        // Something else may be owed before an hour is over: it does not tell what arrived meanwhile.
        let hourly = peer.record.settings.receipts == Receipts::Hourly;
        let tells_receipt = receipt || matters && !hourly;
        let mut entries = Vec::new();
        if typing {
            entries.push(Entry::Typing);
        }
        if acceptance && matters {
            entries.push(Entry::Accepted(Accepted {
                nickname: self.me.nickname.clone(),
            }));
        }
        let tells_card = card.is_some();
        entries.extend(card.map(Entry::Card));
        if tells_receipt {
            entries.push(Entry::Receipt(Receipt::of(
                peer.record.stream.map_or(0, |(stream, _)| stream),
                &peer.record.arrived,
                peer.record.told_read(),
                peer.record.their_card(),
            )));
        }
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
        let mut record = peer.record.clone();
        if tells_receipt && hourly {
            record.receipted_at = Some(now);
            changes.put_contact(contact, &record);
        }
        self.store.commit(changes)?;
        peer.record = record;
        if tells_receipt {
            peer.lane.receipts.go(tick);
        }
        if !hashes.is_empty() {
            peer.lane.tear.told(tick, &mut self.rng);
        }
        if typing {
            peer.lane.typing = None;
            peer.lane.typing_told = Some(tick);
        }
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
                receipt: tells_receipt.then_some(peer.lane.came),
                fleeting: (!matters).then_some(TYPING_PAUSE),
            },
        });
        Ok(())
    }

    /// When a receipt that is owed may go.
    pub(crate) fn receipt_due(&self, contact: &Address) -> Tick {
        let Some(peer) = self.peers.get(contact) else {
            return self.tick;
        };
        let due = peer.lane.receipts.due();
        let hourly = peer.record.settings.receipts == Receipts::Hourly;
        match peer.record.receipted_at.filter(|_| hourly) {
            // A clock that was set back does not silence us.
            Some(at) if at <= self.now() => {
                let left = HOURLY.saturating_sub(self.now().since(at));
                due.max(self.tick.plus(left))
            }
            _ => due,
        }
    }

    /// Something is being written to this contact: they are told, if they are to be told.
    pub(crate) fn typing(&mut self, contact: &Address) -> Result<(), ContactError> {
        let peer = self.peers.get_mut(contact).ok_or(ContactError::NotFound)?;
        if peer.record.settings.typing && peer.record.state == ContactState::Accepted {
            peer.lane.types = true;
        }
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
        let mut started = Vec::new();
        let Some(peer) = self.peers.get(contact) else {
            return Ok(());
        };
        for (number, stored) in results {
            // What was encrypted anew meanwhile is not there yet.
            let Some(unreceipted) = peer.outbox.get(number).filter(|u| u.flying.contains(&node)) else {
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
                        [Step::Stored(node)],
                    )?
                {
                    shown.push(position);
                }
                if let Some(position) = unreceipted.position
                    && let Some(expiry) = self.expiring.get(contact, position).filter(|e| e.at.is_none())
                {
                    let expiry = expiry.started(self.now());
                    changes.put(table::EXPIRING, contact.as_bytes(), position, &expiry);
                    started.push((position, expiry));
                }
                stored_now.push((*number, nodes));
            } else if let Some(position) = unreceipted.position {
                self.advance(&mut changes, contact, position, None, [Step::NotStored(node)])?;
            }
        }
        self.store.commit(changes)?;
        for (position, expiry) in started {
            self.expiring.insert(*contact, position, expiry);
        }
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

    /// Tells of a contact that changed.
    pub(crate) fn contact_updated(&self, contact: &Address, state: ContactState) {
        self.events.push(match state {
            ContactState::Incoming => Event::ContactRequest(*contact),
            _ => Event::ContactUpdated(*contact),
        });
    }
}

/// Encrypted in one commit.
const AT_ONCE: usize = 16;

/// Loose ciphertexts on their way to one contact.
const LOOSE_AT_ONCE: usize = 8;

/// A card that is not known to have arrived is told again.
const CARD_PAUSE: Duration = Duration::from_secs(60);
const CARD_PAUSE_LONGEST: Duration = Duration::from_secs(6 * 60 * 60);
