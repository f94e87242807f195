//! What comes out of our queues: opened, stored and only then acknowledged.

use crate::amended::Amended;
use crate::contact::{ContactRecord, ContactState, TheirCard};
use crate::content::Content;
use crate::conversation::{self, Taken};
use crate::disappearing::Expiry;
use crate::event::Event;
use crate::files;
use crate::message::MessageId;
use crate::parcel::{CardEntry, CiphertextHash, Entry, Parcel};
use crate::payload::Payload;
use crate::peer::Peer;
use crate::queue::TheirQueue;
use crate::receipted::ReceiptEffect;
use crate::session::{self, Skipped};
use crate::state::State;
use crate::store::{Changes, StoreError};
use crate::work::Owner;
use outis_crypto::SecretBytes;
use outis_identity::Address;
use outis_mailbox::queue::QueueCard;
use outis_ratchet::{ReceiveError, Step};
use std::sync::Arc;

/// Whether the mailbox may forget an envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is stored here, was seen before, or will never open.
    Done,
    /// It may open later: it stays where it is.
    Later,
}

impl State {
    /// Something came in the queue of this contact.
    pub(crate) fn came(&mut self, contact: &Address, payload: &[u8]) -> Result<Verdict, StoreError> {
        match Payload::decode(payload) {
            Some(Payload::Initial(message)) => self.request_came(&message, 0),
            Some(Payload::Session(ciphertext)) => self.ciphertext_came(contact, &ciphertext),
            None => Ok(Verdict::Done),
        }
    }

    /// Something came in the request queue, for which so much work was done.
    pub(crate) fn came_to_requests(&mut self, payload: &[u8], work: u32) -> Result<Verdict, StoreError> {
        match Payload::decode(payload) {
            Some(Payload::Initial(message)) => self.request_came(&message, work),
            Some(Payload::Session(ciphertext)) => {
                // The way back: one of the sessions opens it.
                for contact in self.active() {
                    if let Opened::By(slot, opened) = self.open(&contact, &ciphertext)? {
                        self.take(&contact, slot, *opened, CiphertextHash::of(&ciphertext))?;
                        break;
                    }
                }
                Ok(Verdict::Done)
            }
            None => Ok(Verdict::Done),
        }
    }

    /// What came before its session did is tried again.
    pub(crate) fn retry_early(&mut self, contact: &Address) -> Result<(), StoreError> {
        let early = self
            .peers
            .get_mut(contact)
            .map(|peer| std::mem::take(&mut peer.lane.early))
            .unwrap_or_default();
        if !early.is_empty() {
            self.deaf.push(Owner::Contact(*contact));
        }
        for ciphertext in early {
            self.ciphertext_came(contact, &ciphertext)?;
        }
        Ok(())
    }

    fn ciphertext_came(&mut self, contact: &Address, ciphertext: &[u8]) -> Result<Verdict, StoreError> {
        let hash = CiphertextHash::of(ciphertext);
        let Some(peer) = self.peers.get(contact) else {
            return Ok(Verdict::Done);
        };
        if !matches!(peer.record.state, ContactState::Requested | ContactState::Accepted)
            || peer.lane.seen.contains(&hash)
        {
            return Ok(Verdict::Done);
        }
        match self.open(contact, ciphertext)? {
            Opened::By(slot, opened) => {
                self.take(contact, slot, *opened, hash)?;
                Ok(Verdict::Done)
            }
            Opened::Spent => {
                self.seen(contact, hash);
                Ok(Verdict::Done)
            }
            Opened::Not => Ok(self.did_not_open(contact, ciphertext, hash)),
        }
    }

    /// Nothing we have opens it. Either its session is still on its way to us, or it has to be encrypted anew.
    fn did_not_open(&mut self, contact: &Address, ciphertext: &[u8], hash: CiphertextHash) -> Verdict {
        let Some(peer) = self.peers.get_mut(contact) else {
            return Verdict::Done;
        };
        if peer.record.state == ContactState::Requested || peer.record.request.is_some() {
            if peer.lane.early.len() >= EARLY {
                peer.lane.early.pop_front();
            }
            peer.lane.early.push_back(Arc::new(ciphertext.to_vec()));
            return Verdict::Later;
        }
        peer.lane.seen.insert(hash);
        peer.lane.tear.did_not_open(self.tick);
        if peer.lane.cannot_open.len() < CANNOT_OPEN {
            peer.lane.cannot_open.insert(hash);
        }
        self.me.publishing.doubt();
        Verdict::Done
    }

    /// Tries the contact's sessions, the one we send in first.
    fn open(&self, contact: &Address, ciphertext: &[u8]) -> Result<Opened, StoreError> {
        let Some(peer) = self.peers.get(contact) else {
            return Ok(Opened::Not);
        };
        let mut slots: Vec<u64> = peer.record.sessions.iter().rev().map(|known| known.slot).collect();
        slots.sort_by_key(|slot| Some(*slot) != peer.record.sending);
        let mut spent = false;
        for slot in slots {
            let Some(session) = session::load(&self.store, contact, slot)? else {
                continue;
            };
            match session.receive(self.now(), &Skipped::of(&self.store, contact, slot), ciphertext) {
                Ok(opened) => return Ok(Opened::By(slot, Box::new(opened))),
                Err(ReceiveError::Store(error)) => return Err(error),
                Err(ReceiveError::Spent) => spent = true,
                Err(_) => {}
            }
        }
        Ok(if spent { Opened::Spent } else { Opened::Not })
    }

    /// One commit: the session's step, what the parcel says, and what is owed for it.
    fn take(
        &mut self,
        contact: &Address,
        slot: u64,
        (step, plaintext): (Step, SecretBytes),
        hash: CiphertextHash,
    ) -> Result<(), StoreError> {
        let now = self.now();
        let Some(peer) = self.peers.get(contact) else {
            return Ok(());
        };
        let mut record = peer.record.clone();
        let mut changes = Changes::new();
        let mut news = News::default();
        session::apply(&mut changes, contact, slot, &step);
        if record.state == ContactState::Requested || record.request.is_some() {
            // Whoever can speak in this session has read our request and wants it.
            record.state = ContactState::Accepted;
            record.request = None;
            record.sending = Some(slot);
            record.device = record.slot(slot).map(|known| known.device);
            news.contact = true;
            news.accepted = true;
        }
        // A parcel that does not read was authenticated: a newer version, or a broken one. It is not told again.
        let parcel = Parcel::decode(plaintext.dangerously_expose()).unwrap_or_default();
        for entry in &parcel.entries {
            self.take_entry(contact, slot, entry, &mut record, &mut changes, &mut news, now)?;
        }
        changes.put_contact(contact, &record);
        self.store.commit(changes)?;
        if let Some(peer) = self.peers.get_mut(contact) {
            peer.record = record;
            peer.lane.seen.insert(hash);
            peer.lane.tear.opened();
            if news.numbered {
                peer.lane.came += 1;
            }
            if news.card {
                peer.use_card();
            }
        }
        self.tell(contact, news)
    }

    #[allow(clippy::too_many_arguments)]
    fn take_entry(
        &mut self,
        contact: &Address,
        slot: u64,
        entry: &Entry,
        record: &mut ContactRecord,
        changes: &mut Changes,
        news: &mut News,
        now: outis_wire::UnixMillis,
    ) -> Result<(), StoreError> {
        match entry {
            Entry::Numbered(numbered) => {
                // What was seen is receipted again: the sender would not send it if it had our receipt.
                record.owes_receipt = true;
                news.numbered = true;
                let taken = conversation::take(&self.store, changes, contact, record, slot, numbered, now)?;
                let is_new = matches!(taken, Taken::New { .. });
                news.amended = self.amended(contact, record, changes, numbered, is_new)?;
                if let Taken::New {
                    line,
                    changed,
                    disappear_after,
                } = taken
                {
                    news.contact |= line.is_some();
                    news.disappear_after = disappear_after;
                    if let (Content::FileOffer(offer), Some(position)) = (&numbered.content, line)
                        && !files::transfer_of(offer).is_some_and(|id| self.transfers.contains_key(&id))
                    {
                        files::offer_came(changes, contact, position, offer);
                    }
                    news.line = line;
                    news.changed.extend(changed);
                    news.content = Some(numbered.content.clone());
                }
            }
            Entry::Receipt(receipt) => news.receipt = Some(self.receipt_came(contact, record, changes, receipt)?),
            Entry::Card(entry) => news.card |= take_card(record, slot, entry),
            Entry::CannotOpen(hash) => {
                // What a receipt beside it covers came by another copy, and is not in the outbox any more.
                let receipted = news.receipt.as_ref();
                let renewed = self.renew(contact, changes, |number, u| {
                    u.sealed.is_some_and(|sealed| sealed.hash == *hash)
                        && !receipted.is_some_and(|effect| effect.has_delivered(number))
                })?;
                news.renewed.extend(renewed);
            }
            Entry::Accepted(accepted) => {
                if accepted.nickname.len() <= crate::parcel::NICKNAME_LIMIT {
                    record.nickname.clone_from(&accepted.nickname);
                    news.contact = true;
                }
                // The answer to an answer is our card, which a receipt tells of.
                record.owes_receipt = true;
                news.numbered = true;
            }
            Entry::Typing => news.typing = true,
            Entry::Unknown(_) => {}
        }
        Ok(())
    }

    fn tell(&mut self, contact: &Address, mut news: News) -> Result<(), StoreError> {
        self.renewed(contact, &news.renewed);
        // What lay in a mailbox is not being written any more.
        let fresh = |peer: &Peer| peer.queue.mailboxes.iter().any(|mailbox| mailbox.caught_up);
        if news.typing && self.peers.get(contact).is_some_and(fresh) {
            self.events.push(Event::Typing(*contact));
        }
        if let Some(effect) = news.receipt {
            self.receipt_done(contact, effect);
        }
        if let Some(position) = news.line {
            if let Some(after) = news.disappear_after {
                self.expiring.insert(*contact, position, Expiry::new(after));
            }
            let id = MessageId::new(contact, position);
            self.events.push(match news.content {
                // Something happened; nothing came that somebody wrote.
                Some(Content::Timer(_)) => Event::MessageUpdated(id),
                _ => Event::MessageReceived(id),
            });
        }
        match news.amended {
            Some(Amended::Line(position)) => {
                self.updated(contact, position);
                news.contact = true;
            }
            Some(Amended::Erased(erased)) => self.erased(erased),
            None => {}
        }
        for position in news.changed {
            self.updated(contact, position);
        }
        if news.contact {
            self.events.push(Event::ContactUpdated(*contact));
        }
        if news.accepted
            && let Some(peer) = self.peers.get_mut(contact)
        {
            peer.lane.request_queue = None;
        }
        if news.accepted {
            self.retry_early(contact)?;
        }
        match news.content {
            Some(content) => self.file_content_came(contact, &content),
            None => Ok(()),
        }
    }

    fn seen(&mut self, contact: &Address, hash: CiphertextHash) {
        if let Some(peer) = self.peers.get_mut(contact) {
            peer.lane.seen.insert(hash);
        }
    }
}

/// Whether the card was newer than the one in use. A card of another numbering replaces it, unless it comes out of a session
/// that is older than the numbering in use.
pub(crate) fn take_card(record: &mut ContactRecord, slot: u64, entry: &CardEntry) -> bool {
    let Ok(card) = outis_wire::decode::<QueueCard>(&entry.card, QueueCard::MAX_ENCODED) else {
        return false;
    };
    // Whatever it is, a receipt says which one we use.
    record.owes_receipt = true;
    let sequence = card.sequence();
    let since = match &record.card {
        Some(known) if known.entry.stream == entry.stream && sequence <= known.sequence => return false,
        Some(known) if known.entry.stream == entry.stream => known.since,
        Some(known) if slot < known.since => return false,
        _ => slot,
    };
    record.card = Some(TheirCard {
        since,
        sequence,
        entry: entry.clone(),
    });
    true
}

impl Peer {
    /// After a new card: what is not receipted goes to its mailboxes too.
    pub(crate) fn use_card(&mut self) {
        self.theirs = self.record.card.as_ref().and_then(|card| TheirQueue::read(&card.entry));
        let nodes: Vec<_> = self
            .theirs
            .iter()
            .flat_map(|queue| queue.nodes().collect::<Vec<_>>())
            .collect();
        self.lane.mailboxes.retain(|node, _| nodes.contains(node));
        for unreceipted in self.outbox.values_mut() {
            unreceipted.stored.retain(|node| nodes.contains(node));
        }
    }
}

enum Opened {
    By(u64, Box<(Step, SecretBytes)>),
    Spent,
    Not,
}

/// What is told after the commit.
#[derive(Default)]
struct News {
    accepted: bool,
    contact: bool,
    numbered: bool,
    typing: bool,
    card: bool,
    line: Option<u64>,
    changed: Vec<u64>,
    content: Option<Content>,
    disappear_after: Option<u32>,
    amended: Option<Amended>,
    receipt: Option<ReceiptEffect>,
    renewed: Vec<u64>,
}

/// Ciphertexts that wait for their session.
const EARLY: usize = 16;

/// Ciphertexts that did not open and were not told of yet.
const CANNOT_OPEN: usize = 64;
