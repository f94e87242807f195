//! What a person can do. Each command is durable when it returns, online or not.

use crate::amending::is_message;
use crate::contact::{Contact, ContactRecord, ContactState};
use crate::content::{Author, Content, Reference, Text};
use crate::disappearing::Expiry;
use crate::event::Event;
use crate::message::{Body, Delivery, Direction, Flight, FlightStep, Message, MessageId, Step};
use crate::payload::Request;
use crate::peer::Peer;
use crate::sending::enqueue;
use crate::state::State;
use crate::store::{Changes, LineRecord, Reacted, StatusRecord, StoreError, table};
use outis_identity::{Address, InviteToken};
use outis_vault::Order;

impl State {
    pub(crate) fn add_contact(
        &mut self,
        contact: Address,
        alias: Option<String>,
        greeting: Option<String>,
        token: Option<&InviteToken>,
    ) -> Result<Contact, ContactError> {
        let token = token.map(|token| token.as_bytes().to_vec());
        if contact == self.address() {
            return Err(ContactError::SelfContact);
        }
        if greeting
            .as_ref()
            .is_some_and(|greeting| greeting.len() > Request::GREETING)
        {
            return Err(ContactError::TooLarge);
        }
        match self.peers.get(&contact).map(|peer| peer.record.state) {
            None => {}
            Some(ContactState::Blocked) => return Err(ContactError::Blocked),
            // Asking somebody who asked us is saying yes.
            Some(ContactState::Incoming | ContactState::Declined) => {
                self.accept_contact(&contact)?;
                return if alias.is_some() {
                    self.rename_contact(&contact, alias)
                } else {
                    self.contact(&contact)
                };
            }
            Some(ContactState::Requested) => {
                if token.is_some() {
                    self.ask_with(&contact, token)?;
                }
                return self.contact(&contact);
            }
            Some(ContactState::Accepted) => return self.contact(&contact),
        }
        let now = self.now();
        let mut record = ContactRecord::new(ContactState::Requested, now, &mut self.rng);
        record.alias = alias;
        record.greeting = greeting;
        record.token = token;
        let mut changes = Changes::new();
        changes.put_contact(&contact, &record);
        self.store.commit(changes)?;
        self.peers.insert(contact, Peer::new(record));
        self.events.push(Event::ContactUpdated(contact));
        self.contact(&contact)
    }

    pub(crate) fn contact(&self, contact: &Address) -> Result<Contact, ContactError> {
        self.peers
            .get(contact)
            .ok_or(ContactError::NotFound)
            .and_then(|peer| Ok(peer.record.shown(*contact, self.last_message(contact)?)))
    }

    pub(crate) fn contacts(&self) -> Vec<Contact> {
        self.peers
            .iter()
            // What cannot be read now is shown when it is asked for.
            .map(|(address, peer)| {
                peer.record
                    .shown(*address, self.last_message(address).unwrap_or_default())
            })
            .collect()
    }

    pub(crate) fn accept_contact(&mut self, contact: &Address) -> Result<Contact, ContactError> {
        self.change_if(contact, |record| match record.state {
            ContactState::Incoming | ContactState::Declined => {
                record.state = ContactState::Accepted;
                record.owes_acceptance = true;
                Ok(())
            }
            ContactState::Accepted => Ok(()),
            ContactState::Requested => Err(ContactError::NotAsked),
            ContactState::Blocked => Err(ContactError::Blocked),
        })
    }

    pub(crate) fn decline_contact(&mut self, contact: &Address) -> Result<Contact, ContactError> {
        self.change_if(contact, |record| match record.state {
            ContactState::Incoming | ContactState::Declined => {
                record.state = ContactState::Declined;
                Ok(())
            }
            _ => Err(ContactError::NotAsked),
        })
    }

    pub(crate) fn block_contact(&mut self, contact: &Address) -> Result<Contact, ContactError> {
        self.change_if(contact, |record| {
            if record.state != ContactState::Blocked {
                record.before_block = Some(record.state);
                record.state = ContactState::Blocked;
            }
            Ok(())
        })?;
        self.retire_queue(contact)?;
        self.contact(contact)
    }

    pub(crate) fn unblock_contact(&mut self, contact: &Address) -> Result<Contact, ContactError> {
        self.change_if(contact, |record| {
            if record.state == ContactState::Blocked {
                record.state = record.before_block.take().unwrap_or(ContactState::Declined);
            }
            Ok(())
        })
    }

    pub(crate) fn rename_contact(&mut self, contact: &Address, alias: Option<String>) -> Result<Contact, ContactError> {
        if alias.as_ref().is_some_and(|alias| alias.len() > ALIAS) {
            return Err(ContactError::TooLarge);
        }
        self.change_if(contact, |record| {
            record.alias = alias.filter(|alias| !alias.is_empty());
            Ok(())
        })
    }

    /// Says whether the safety numbers were compared. Saying yes also confirms a new device.
    pub(crate) fn verify_contact(
        &mut self,
        contact: &Address,
        verified: Verification,
    ) -> Result<Contact, ContactError> {
        self.change_if(contact, |record| {
            record.verified = verified == Verification::Compared;
            record.unconfirmed = false;
            Ok(())
        })
    }

    pub(crate) fn send_text(
        &mut self,
        contact: &Address,
        text: String,
        reply_to: Option<MessageId>,
    ) -> Result<MessageId, SendError> {
        if text.len() > Text::LIMIT {
            return Err(SendError::TooLarge);
        }
        let reply_to = match reply_to {
            Some(id) if id.contact != *contact => return Err(SendError::NotFound),
            Some(id) => Some(self.reference(&id)?),
            None => None,
        };
        if *contact == self.address() {
            return self.note_to_self(text, reply_to);
        }
        let body = Body::Text(text.clone());
        self.send_content(contact, Content::Text(Text { text, reply_to }), Some(body), |_, _| {})
    }

    /// Puts a content at the end of the conversation (if it shows as `body`) and into the outbox, in one commit with what
    /// `more` adds for its position.
    pub(crate) fn send_content(
        &mut self,
        contact: &Address,
        content: Content,
        body: Option<Body>,
        more: impl FnOnce(&mut Changes, u64),
    ) -> Result<MessageId, SendError> {
        let position = self.peers.get(contact).map_or(0, |peer| peer.record.next_position);
        let mut changes = Changes::new();
        more(&mut changes, position);
        self.send_changed(contact, content, body, changes, |_| {})
    }

    /// The same, in one commit with `changes` and with what `change` does to the contact's record.
    pub(crate) fn send_changed(
        &mut self,
        contact: &Address,
        content: Content,
        body: Option<Body>,
        mut changes: Changes,
        change: impl FnOnce(&mut ContactRecord),
    ) -> Result<MessageId, SendError> {
        if self.me.is_superseded() {
            return Err(SendError::Superseded);
        }
        let now = self.now();
        let Some(peer) = self.peers.get_mut(contact) else {
            return Err(SendError::NotAContact);
        };
        match peer.record.state {
            ContactState::Requested | ContactState::Accepted => {}
            ContactState::Incoming | ContactState::Declined => return Err(SendError::NotAContact),
            ContactState::Blocked => return Err(SendError::Blocked),
        }
        let mut record = peer.record.clone();
        let position = body.as_ref().map(|_| record.take_positions(1));
        let reply_to = match &content {
            Content::Text(text) => text.reply_to,
            _ => None,
        };
        let expiry = record
            .settings
            .disappear_after
            .filter(|_| content.disappears())
            .map(Expiry::new);
        change(&mut record);
        let (number, unreceipted) = enqueue(
            &mut record,
            &mut changes,
            contact,
            content,
            position,
            now,
            &mut self.rng,
        );
        if let (Some(position), Some(body)) = (position, body) {
            let line = LineRecord {
                direction: Direction::Out,
                number,
                sent_at: now,
                received_at: None,
                body,
                reply_to,
                edited: None,
                reactions: Vec::new(),
            };
            let mut flight = Flight::default();
            flight.log(now, Step::Queued);
            changes.put_line(
                contact,
                position,
                &line,
                &StatusRecord {
                    state: Delivery::Queued,
                    flight,
                },
            );
            if is_message(&line.body) {
                record.last_message_at = Some(now);
            }
            if let Some(expiry) = expiry {
                changes.put(table::EXPIRING, contact.as_bytes(), position, &expiry);
            }
        }
        changes.put_contact(contact, &record);
        self.store.commit(changes)?;
        peer.record = record;
        peer.outbox.insert(number, unreceipted);
        if let (Some(position), Some(expiry)) = (position, expiry) {
            self.expiring.insert(*contact, position, expiry);
        }
        if let Some(position) = position {
            self.updated(contact, position);
            self.events.push(Event::ContactUpdated(*contact));
        }
        Ok(MessageId::new(contact, position.unwrap_or(0)))
    }

    /// One's own notes lie in a conversation that no queue is ever made for.
    fn note_to_self(&mut self, text: String, reply_to: Option<Reference>) -> Result<MessageId, SendError> {
        let now = self.now();
        let contact = self.address();
        let position = self.me.record.next_note.max(1);
        let mut changes = Changes::new();
        let line = LineRecord {
            direction: Direction::Out,
            number: position,
            sent_at: now,
            received_at: Some(now),
            body: Body::Text(text),
            reply_to,
            edited: None,
            reactions: Vec::new(),
        };
        let expiry = self
            .me
            .record
            .notes
            .disappear_after
            .map(|after| Expiry::new(after).started(now));
        if let Some(expiry) = expiry {
            changes.put(table::EXPIRING, contact.as_bytes(), position, &expiry);
        }
        changes.put_line(
            &contact,
            position,
            &line,
            &StatusRecord {
                state: Delivery::Read,
                flight: Flight::default(),
            },
        );
        changes.put(table::OUTGOING, contact.as_bytes(), position, &position);
        let mut record = self.me.record.clone();
        record.next_note = position + 1;
        changes.put(table::DEVICE, &crate::store::NOBODY, 0, &record);
        self.store.commit(changes)?;
        self.me.record = record;
        if let Some(expiry) = expiry {
            self.expiring.insert(contact, position, expiry);
        }
        let id = MessageId { contact, position };
        self.events.push(Event::MessageUpdated(id));
        Ok(id)
    }

    pub(crate) fn message(&self, id: &MessageId) -> Result<Option<Message>, StoreError> {
        let line = self
            .store
            .get::<LineRecord>(table::LINES, id.contact.as_bytes(), id.position)?;
        line.map(|line| self.shown(&id.contact, id.position, line)).transpose()
    }

    pub(crate) fn flight(&self, id: &MessageId) -> Result<Option<Vec<FlightStep>>, StoreError> {
        let status = self
            .store
            .get::<StatusRecord>(table::STATUS, id.contact.as_bytes(), id.position)?;
        Ok(status.map(|status| status.flight.into_steps()))
    }

    pub(crate) fn mark_read(&mut self, up_to: &MessageId) -> Result<(), ContactError> {
        if up_to.contact == self.address() {
            return Ok(());
        }
        let Some(peer) = self.peers.get(&up_to.contact) else {
            return Err(ContactError::NotFound);
        };
        let position = up_to.position.min(peer.record.next_position.saturating_sub(1));
        self.displayed(&up_to.contact, position)?;
        let Some(peer) = self.peers.get(&up_to.contact) else {
            return Err(ContactError::NotFound);
        };
        if position <= peer.record.read_position {
            return Ok(());
        }
        let after = self.store.range::<LineRecord>(
            table::LINES,
            up_to.contact.as_bytes(),
            position + 1..u64::MAX,
            Order::Ascending,
            usize::MAX,
        )?;
        let looked_at = self.store.range::<LineRecord>(
            table::LINES,
            up_to.contact.as_bytes(),
            0..position + 1,
            Order::Descending,
            LOOK_BACK,
        )?;
        let theirs = looked_at
            .iter()
            .find(|(_, line)| line.direction == Direction::In && line.number > 0 && is_message(&line.body));
        let read_number = theirs.map_or(0, |(_, line)| line.number);
        let unread = after
            .iter()
            .filter(|(_, line)| line.direction == Direction::In && line.received_at.is_some() && is_message(&line.body))
            .count();
        self.change(&up_to.contact, |record, _| {
            record.read_position = position;
            record.unread = unread as u64;
            // What is missing before it was not looked at.
            let read_number = read_number.min(record.arrived.up_to());
            if read_number > record.read_number {
                record.read_number = read_number;
                // Whoever is told nothing of it is sent nothing for it either.
                record.owes_receipt |= record.settings.read_receipts;
            }
        })?;
        Ok(())
    }

    pub(crate) fn shown(&self, contact: &Address, position: u64, line: LineRecord) -> Result<Message, StoreError> {
        let status = self
            .store
            .get::<StatusRecord>(table::STATUS, contact.as_bytes(), position)?;
        let mut state = status.map_or(Delivery::Delivered, |status| status.state);
        let read = self
            .peers
            .get(contact)
            .is_some_and(|peer| position <= peer.record.read_position);
        if line.direction == Direction::In && read {
            state = Delivery::Read;
        }
        let reply_to = match line.reply_to {
            Some(reference) => self.referenced(contact, reference, line.direction)?,
            None => None,
        };
        let expiry = self.expiring.get(contact, position);
        let emoji = |reacted: Reacted| Some((reacted.direction, reacted.emoji?));
        Ok(Message {
            id: MessageId::new(contact, position),
            direction: line.direction,
            body: line.body,
            sent_at: line.sent_at,
            received_at: line.received_at,
            state,
            reply_to,
            edited_at: line.edited.map(|edited| edited.at),
            reactions: line.reactions.into_iter().filter_map(emoji).collect(),
            disappear_after: expiry.map(|expiry| expiry.after),
            disappears_at: expiry.and_then(|expiry| expiry.at),
        })
    }

    /// How a message is named to the other side.
    fn reference(&self, id: &MessageId) -> Result<Reference, SendError> {
        let line = self
            .store
            .get::<LineRecord>(table::LINES, id.contact.as_bytes(), id.position)?;
        let line = line
            .filter(|line| line.number > 0 && is_message(&line.body))
            .ok_or(SendError::NotFound)?;
        let author = if line.direction == Direction::Out {
            Author::Me
        } else {
            Author::You
        };
        let reference = Reference {
            author,
            number: line.number,
        };
        // A number of an older numbering names another message now, or none.
        if self.referenced(&id.contact, reference, Direction::Out)? == Some(*id) {
            Ok(reference)
        } else {
            Err(SendError::NotFound)
        }
    }

    fn referenced(
        &self,
        contact: &Address,
        reference: Reference,
        writer: Direction,
    ) -> Result<Option<MessageId>, StoreError> {
        let table = match Direction::of(reference.author, writer) {
            Direction::Out => table::OUTGOING,
            Direction::In => table::INCOMING,
        };
        let position = self.store.get::<u64>(table, contact.as_bytes(), reference.number)?;
        Ok(position.map(|position| MessageId {
            contact: *contact,
            position,
        }))
    }

    fn change_if(
        &mut self,
        contact: &Address,
        change: impl FnOnce(&mut ContactRecord) -> Result<(), ContactError>,
    ) -> Result<Contact, ContactError> {
        let mut record = self.peers.get(contact).ok_or(ContactError::NotFound)?.record.clone();
        change(&mut record)?;
        self.change(contact, |stored, _| *stored = record)?;
        self.contact(contact)
    }
}

/// Whether the safety numbers of two people were compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verification {
    /// They were, and they are the same.
    Compared,
    /// They were not, or that is taken back.
    NotCompared,
}

/// Why a contact did not change.
#[derive(Debug, thiserror::Error)]
pub enum ContactError {
    /// One's own address.
    #[error("this is your own address")]
    SelfContact,
    /// No such contact.
    #[error("there is no such contact")]
    NotFound,
    /// They did not ask.
    #[error("this contact did not ask")]
    NotAsked,
    /// Blocked: unblock first.
    #[error("this contact is blocked")]
    Blocked,
    /// The greeting or the alias is too long.
    #[error("too long")]
    TooLarge,
    /// The store failed; nothing changed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why nothing was sent.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// Not a contact, or not one that was accepted.
    #[error("this is not a contact")]
    NotAContact,
    /// Blocked: unblock first.
    #[error("this contact is blocked")]
    Blocked,
    /// Longer than a message may be.
    #[error("longer than {} bytes", Text::LIMIT)]
    TooLarge,
    /// The message that it answers is not in this conversation, or the one to be changed is not there.
    #[error("there is no such message")]
    NotFound,
    /// Only what one wrote oneself is edited, or deleted for everyone.
    #[error("this is not your own message")]
    NotYours,
    /// The account signed in elsewhere.
    #[error("the account is in use on another device")]
    Superseded,
    /// The store failed; nothing was sent.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Lines of ours, notes and gaps that may stand below the last message of theirs.
const LOOK_BACK: usize = 64;

/// Bytes of an alias.
const ALIAS: usize = 256;
