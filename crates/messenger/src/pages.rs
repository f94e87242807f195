//! Pages of a conversation: its end, what stands before or after a line, or around it.

use crate::Messenger;
use crate::message::{Message, MessageId};
use crate::state::State;
use crate::store::{LineRecord, StoreError, table};
use outis_identity::Address;
use outis_vault::Order;
use std::ops::Range;

/// Where a page stands in its conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// Its last lines are the newest.
    End,
    /// It ends before this line.
    Before(MessageId),
    /// It begins after this line.
    After(MessageId),
    /// This line, or where it would be, is in its middle.
    Around(MessageId),
}

/// A part of a conversation, oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The lines.
    pub messages: Vec<Message>,
    /// Whether there are older ones.
    pub older: bool,
    /// Whether there are newer ones.
    pub newer: bool,
}

impl Messenger {
    /// A page of a conversation, newest last, of at most `limit` messages that end before `before`; and whether there are
    /// older ones.
    #[allow(clippy::missing_errors_doc)]
    pub fn messages(
        &self,
        contact: &Address,
        before: Option<MessageId>,
        limit: usize,
    ) -> Result<(Vec<Message>, bool), StoreError> {
        let page = self.page(contact, before.map_or(At::End, At::Before), limit)?;
        Ok((page.messages, page.older))
    }

    /// A page of a conversation of at most `limit` messages.
    #[allow(clippy::missing_errors_doc)]
    pub fn page(&self, contact: &Address, at: At, limit: usize) -> Result<Page, StoreError> {
        self.shared.state().page(contact, at, limit)
    }
}

impl State {
    pub(crate) fn page(&self, contact: &Address, at: At, limit: usize) -> Result<Page, StoreError> {
        let (middle, above, below) = match at {
            At::End => (u64::MAX, limit, 0),
            At::Before(id) => (id.position, limit, 0),
            At::After(id) => (id.position.saturating_add(1), 0, limit),
            At::Around(id) => (id.position, limit / 2, limit - limit / 2),
        };
        // One more on either side tells whether there is more.
        let mut lines = self.lines(contact, 0..middle, Order::Descending, above.saturating_add(1))?;
        let older = lines.len() > above;
        lines.truncate(above);
        lines.reverse();
        let mut after = self.lines(contact, middle..u64::MAX, Order::Ascending, below.saturating_add(1))?;
        let newer = after.len() > below;
        after.truncate(below);
        lines.append(&mut after);
        let messages = lines
            .into_iter()
            .map(|(position, line)| self.shown(contact, position, line))
            .collect::<Result<_, _>>()?;
        Ok(Page { messages, older, newer })
    }

    /// The last lines of a conversation before a position, newest first.
    pub(crate) fn lines_before(
        &self,
        contact: &Address,
        end: u64,
        limit: usize,
    ) -> Result<Vec<(u64, LineRecord)>, StoreError> {
        self.lines(contact, 0..end, Order::Descending, limit)
    }

    fn lines(
        &self,
        contact: &Address,
        positions: Range<u64>,
        order: Order,
        limit: usize,
    ) -> Result<Vec<(u64, LineRecord)>, StoreError> {
        self.store
            .range(table::LINES, contact.as_bytes(), positions, order, limit)
    }
}
