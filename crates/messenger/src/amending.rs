//! Changing what was said: deleting, editing, reacting. Only one's own messages are edited or deleted for everyone.

use crate::SendError;
use crate::content::{Author, Content, Delete, Edit, Reaction, Reference, Text};
use crate::erasing::Leave;
use crate::event::Event;
use crate::message::{Body, Direction, Message, MessageId};
use crate::search;
use crate::state::State;
use crate::store::{Changes, Edited, LineRecord, Reacted, StoreError, table};

/// Where a message is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// On this machine. One that was not told yet is not told any more.
    Here,
    /// On the contact's machine too; only one's own messages, and only as far as their program obeys.
    Everyone,
}

impl State {
    pub(crate) fn delete_message(&mut self, id: &MessageId, scope: Scope) -> Result<(), SendError> {
        let MessageId { contact, position } = *id;
        let line = self.line(&contact, position)?.ok_or(SendError::NotFound)?;
        if scope == Scope::Here || contact == self.address() {
            return Ok(self.erase_lines(&[(contact, position)], Leave::Nothing)?);
        }
        if !is_ours(&line) {
            return Err(SendError::NotYours);
        }
        let number = line.number;
        let mut changes = Changes::new();
        let erased = self.erase_line(&mut changes, &contact, position, line, Leave::Mark)?;
        if erased.is_with_them() {
            // A receipt for the text may be on its way: the tombstone under its number could be taken for delivered then.
            self.send_changed(&contact, Content::Delete(Delete { number }), None, changes, |_| {})?;
        } else {
            self.store.commit(changes)?;
        }
        self.erased(erased);
        Ok(())
    }

    pub(crate) fn edit_message(&mut self, id: &MessageId, text: String) -> Result<Message, SendError> {
        if text.len() > Text::LIMIT {
            return Err(SendError::TooLarge);
        }
        let MessageId { contact, position } = *id;
        let mut line = self.line(&contact, position)?.ok_or(SendError::NotFound)?;
        if !is_ours(&line) || !matches!(line.body, Body::Text(_)) {
            return Err(SendError::NotYours);
        }
        let edit = Edit {
            number: line.number,
            text: text.clone(),
        };
        let mut changes = Changes::new();
        if let Body::Text(before) = &line.body {
            search::update(&mut changes, &contact, position, before);
        }
        line.body = Body::Text(text);
        line.edited = Some(Edited {
            number: self.next_number(id),
            at: self.now(),
        });
        self.amend(id, &line, changes, Content::Edit(edit))
    }

    /// With an empty emoji, takes the last one back.
    pub(crate) fn react_to_message(&mut self, id: &MessageId, emoji: &str) -> Result<Message, SendError> {
        let emoji = Some(emoji.to_owned()).filter(|emoji| !emoji.is_empty());
        if emoji.as_ref().is_some_and(|emoji| emoji.len() > Reaction::LIMIT) {
            return Err(SendError::TooLarge);
        }
        let MessageId { contact, position } = *id;
        let mut line = self.line(&contact, position)?.ok_or(SendError::NotFound)?;
        if line.number == 0 || !is_message(&line.body) {
            return Err(SendError::NotFound);
        }
        let author = match line.direction {
            Direction::Out => Author::Me,
            Direction::In => Author::You,
        };
        let to = Reference {
            author,
            number: line.number,
        };
        line.react(Reacted {
            direction: Direction::Out,
            number: self.next_number(id),
            emoji: emoji.clone(),
        });
        self.amend(id, &line, Changes::new(), Content::Reaction(Reaction { to, emoji }))
    }

    /// Stores a changed line and tells of it, in one commit. A note to self is told to nobody.
    fn amend(
        &mut self,
        id: &MessageId,
        line: &LineRecord,
        mut changes: Changes,
        content: Content,
    ) -> Result<Message, SendError> {
        changes.put(table::LINES, id.contact.as_bytes(), id.position, line);
        if id.contact == self.address() {
            self.store.commit(changes)?;
        } else {
            self.send_changed(&id.contact, content, None, changes, |_| {})?;
        }
        self.updated(&id.contact, id.position);
        self.events.push(Event::ContactUpdated(id.contact));
        self.message(id)?.ok_or(SendError::NotFound)
    }

    /// The number under which a change will be told.
    fn next_number(&self, id: &MessageId) -> u64 {
        let last = self.peers.get(&id.contact).map_or(0, |peer| peer.record.outgoing.last);
        last.saturating_add(1)
    }

    /// The newest line that a list of conversations shows.
    pub(crate) fn last_message(&self, contact: &outis_identity::Address) -> Result<Option<Message>, StoreError> {
        for limit in [1, LOOK_BACK] {
            let lines = self.lines_before(contact, u64::MAX, limit)?;
            let shown = |line: &LineRecord| is_message(&line.body) || line.body == Body::Deleted;
            if let Some((position, line)) = lines.into_iter().find(|(_, line)| shown(line)) {
                return self.shown(contact, position, line).map(Some);
            }
        }
        Ok(None)
    }
}

impl LineRecord {
    /// Puts a reaction in place of the last one of its side, unless that is newer.
    pub(crate) fn react(&mut self, reacted: Reacted) -> bool {
        let known = self
            .reactions
            .iter()
            .position(|known| known.direction == reacted.direction);
        match known.and_then(|at| self.reactions.get_mut(at)) {
            // Notes to self are not numbered: the last one counts.
            Some(known) if known.number > reacted.number => false,
            Some(known) => {
                *known = reacted;
                true
            }
            None => {
                self.reactions.push(reacted);
                true
            }
        }
    }
}

/// Whether a person wrote it, and it is still there.
pub(crate) fn is_message(body: &Body) -> bool {
    matches!(body, Body::Text(_) | Body::File(_) | Body::Unsupported(_))
}

fn is_ours(line: &LineRecord) -> bool {
    line.direction == Direction::Out && line.number > 0 && is_message(&line.body)
}

/// Notes and gaps that may stand below the last message.
const LOOK_BACK: usize = 32;
