//! What the other side says about messages that are here, or still on their way.

use crate::amending::is_message;
use crate::chain::Place;
use crate::contact::ContactRecord;
use crate::content::{Content, Tombstone};
use crate::erasing::{Erased, Leave};
use crate::message::{Body, Direction};
use crate::parcel::Numbered;
use crate::search;
use crate::state::State;
use crate::store::{Changes, Edited, LineRecord, Reacted, Store, StoreError, table};
use outis_identity::Address;
use serde::{Deserialize, Serialize};

/// What was said about a message before it came.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Amendment {
    deleted: bool,
    edit: Option<(Edited, String)>,
    reaction: Option<Reacted>,
}

/// What became of it.
pub(crate) enum Amended {
    /// A line says something else.
    Line(u64),
    /// A line is gone.
    Erased(Erased),
}

impl Amendment {
    /// Takes what was said about a number that has come now.
    pub(crate) fn of(
        store: &Store,
        changes: &mut Changes,
        contact: &Address,
        record: &mut ContactRecord,
        number: u64,
    ) -> Result<Self, StoreError> {
        if !record.awaited.remove(&number) {
            return Ok(Self::default());
        }
        changes.erase(table::AMENDMENTS, contact.as_bytes(), number);
        let known = store.get(table::AMENDMENTS, contact.as_bytes(), number)?;
        Ok(known.unwrap_or_default())
    }

    /// Whether it was taken back before it came.
    pub(crate) fn is_deleted(&self) -> bool {
        self.deleted
    }

    /// Changes the line that has come.
    pub(crate) fn apply(self, line: &mut LineRecord) {
        if let Some((edited, text)) = self.edit {
            line.edit(edited, text);
        }
        if let Some(reacted) = self.reaction {
            line.react(reacted);
        }
    }
}

impl State {
    /// Applies what a content says about another message; `is_new` unless its number was here before. The caller commits.
    pub(crate) fn amended(
        &self,
        contact: &Address,
        record: &mut ContactRecord,
        changes: &mut Changes,
        numbered: &Numbered,
        is_new: bool,
    ) -> Result<Option<Amended>, StoreError> {
        let of_this_stream = record.stream.is_some_and(|(stream, _)| stream == numbered.stream);
        if !of_this_stream {
            return Ok(None);
        }
        let edited = Edited {
            number: numbered.number,
            at: numbered.sent_at,
        };
        match &numbered.content {
            Content::Edit(edit) if is_new => self.amend_line(
                contact,
                record,
                changes,
                (Direction::In, edit.number),
                |line| line.edit(edited, edit.text.clone()),
                |amendment| {
                    if amendment
                        .edit
                        .as_ref()
                        .is_none_or(|(known, _)| known.number < edited.number)
                    {
                        amendment.edit = Some((edited, edit.text.clone()));
                    }
                },
            ),
            Content::Reaction(reaction) if is_new => {
                let reacted = Reacted {
                    direction: Direction::In,
                    number: numbered.number,
                    emoji: reaction.emoji.clone(),
                };
                let target = (Direction::of(reaction.to.author, Direction::In), reaction.to.number);
                self.amend_line(
                    contact,
                    record,
                    changes,
                    target,
                    |line| is_message(&line.body) && line.react(reacted.clone()),
                    |amendment| {
                        if amendment
                            .reaction
                            .as_ref()
                            .is_none_or(|known| known.number < reacted.number)
                        {
                            amendment.reaction = Some(reacted.clone());
                        }
                    },
                )
            }
            Content::Delete(delete) if is_new => self.delete_theirs(contact, record, changes, delete.number),
            // The text was here first.
            Content::Tombstone(Tombstone { for_everyone: true, .. }) if !is_new => {
                self.delete_theirs(contact, record, changes, numbered.number)
            }
            _ => Ok(None),
        }
    }

    fn delete_theirs(
        &self,
        contact: &Address,
        record: &mut ContactRecord,
        changes: &mut Changes,
        number: u64,
    ) -> Result<Option<Amended>, StoreError> {
        if self.awaits(contact, record, changes, number, |amendment| amendment.deleted = true)? {
            return Ok(None);
        }
        let Some((position, line)) = self.numbered_line(contact, Direction::In, number)? else {
            return Ok(None);
        };
        if !is_message(&line.body) {
            return Ok(None);
        }
        record.forget_unread(position, &line);
        let erased = self.erase_line(changes, contact, position, line, Leave::Mark)?;
        Ok(Some(Amended::Erased(erased)))
    }

    fn amend_line(
        &self,
        contact: &Address,
        record: &mut ContactRecord,
        changes: &mut Changes,
        (direction, number): (Direction, u64),
        amend: impl FnOnce(&mut LineRecord) -> bool,
        remember: impl FnOnce(&mut Amendment),
    ) -> Result<Option<Amended>, StoreError> {
        if direction == Direction::In && self.awaits(contact, record, changes, number, remember)? {
            return Ok(None);
        }
        let Some((position, mut line)) = self.numbered_line(contact, direction, number)? else {
            return Ok(None);
        };
        let before = line.body.clone();
        if !amend(&mut line) {
            return Ok(None);
        }
        if let Body::Text(before) = before
            && line.body != Body::Text(before.clone())
        {
            search::update(changes, contact, position, &before);
        }
        changes.put(table::LINES, contact.as_bytes(), position, &line);
        Ok(Some(Amended::Line(position)))
    }

    /// Remembers something about a number that is still to come; `false` if it is not.
    fn awaits(
        &self,
        contact: &Address,
        record: &mut ContactRecord,
        changes: &mut Changes,
        number: u64,
        remember: impl FnOnce(&mut Amendment),
    ) -> Result<bool, StoreError> {
        if !matches!(record.arrived.place(number), Place::Fills(_)) {
            return Ok(false);
        }
        let owner = contact.as_bytes();
        if !record.awaited.contains(&number) && record.awaited.len() >= ContactRecord::AWAITED {
            return Ok(true);
        }
        let mut amendment: Amendment = self.store.get(table::AMENDMENTS, owner, number)?.unwrap_or_default();
        remember(&mut amendment);
        record.awaited.insert(number);
        changes.put(table::AMENDMENTS, owner, number, &amendment);
        Ok(true)
    }

    fn numbered_line(
        &self,
        contact: &Address,
        direction: Direction,
        number: u64,
    ) -> Result<Option<(u64, LineRecord)>, StoreError> {
        let table = match direction {
            Direction::Out => table::OUTGOING,
            Direction::In => table::INCOMING,
        };
        let Some(position) = self.store.get::<u64>(table, contact.as_bytes(), number)? else {
            return Ok(None);
        };
        let line = self.line(contact, position)?;
        Ok(line
            .filter(|line| line.direction == direction && line.number == number)
            .map(|line| (position, line)))
    }
}

impl LineRecord {
    /// Says something else, unless it was changed later than that.
    fn edit(&mut self, edited: Edited, text: String) -> bool {
        let is_older = self.edited.is_some_and(|known| known.number >= edited.number);
        if is_older || !matches!(self.body, Body::Text(_)) {
            return false;
        }
        self.body = Body::Text(text);
        self.edited = Some(edited);
        true
    }
}

impl ContactRecord {
    /// Messages that are on their way and were spoken about; about more nothing is remembered.
    const AWAITED: usize = 256;

    /// A line goes that was perhaps not looked at.
    pub(crate) fn forget_unread(&mut self, position: u64, line: &LineRecord) {
        if line.direction == Direction::In && position > self.read_position && is_message(&line.body) {
            self.unread = self.unread.saturating_sub(1);
        }
    }
}
