//! What changed, told to whoever shows it.

use crate::message::{MessageId, TransferId};
use outis_identity::Address;
use std::collections::{BTreeSet, VecDeque};
use std::sync::{Mutex, PoisonError};
use tokio::sync::Notify;

/// Something changed. An event carries no state: whoever hears of it reads the state again, so that hearing of two changes
/// at once loses nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Event {
    /// A message came.
    MessageReceived(MessageId),
    /// A message is further, or a line is another one now.
    MessageUpdated(MessageId),
    /// Somebody asks to be a contact.
    ContactRequest(Address),
    /// A contact changed.
    ContactUpdated(Address),
    /// A contact is writing something just now.
    Typing(Address),
    /// A transfer moved.
    TransferUpdated(TransferId),
    /// Whether this account is known to the network, or published by us, changed.
    AccountUpdated,
    /// The account signed in elsewhere: nothing is sent from here any more.
    Superseded,
    /// So much changed that the single events were dropped: read everything again.
    Everything,
}

/// A bounded queue of events in which equal ones merge.
#[derive(Default)]
pub(crate) struct Events {
    waiting: Mutex<Waiting>,
    news: Notify,
}

#[derive(Default)]
struct Waiting {
    order: VecDeque<Event>,
    present: BTreeSet<Event>,
}

impl Events {
    /// More than this are one [`Event::Everything`].
    const LIMIT: usize = 4_096;

    pub(crate) fn push(&self, event: Event) {
        {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            if waiting.present.contains(&Event::Everything) && event != Event::Superseded {
                return;
            }
            if waiting.order.len() >= Self::LIMIT {
                let superseded = waiting.present.contains(&Event::Superseded);
                *waiting = Waiting::default();
                waiting.push(Event::Everything);
                if superseded {
                    waiting.push(Event::Superseded);
                }
            } else {
                waiting.push(event);
            }
        }
        self.news.notify_one();
    }

    /// Safe to drop: an event is taken only when it is given.
    pub(crate) async fn next(&self) -> Event {
        loop {
            if let Some(event) = self.try_next() {
                return event;
            }
            self.news.notified().await;
        }
    }

    pub(crate) fn try_next(&self) -> Option<Event> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let event = waiting.order.pop_front()?;
        waiting.present.remove(&event);
        Some(event)
    }
}

impl Waiting {
    fn push(&mut self, event: Event) {
        if self.present.insert(event) {
            self.order.push_back(event);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transfer(n: u32) -> Event {
        let mut id = [0; 32];
        id[..4].copy_from_slice(&n.to_be_bytes());
        Event::TransferUpdated(TransferId(id))
    }

    #[test]
    fn equal_events_merge_and_keep_their_order() {
        let events = Events::default();
        for n in [1, 2, 1, 3, 2] {
            events.push(transfer(n));
        }
        let seen: Vec<Event> = std::iter::from_fn(|| events.try_next()).collect();
        assert_eq!(seen, [transfer(1), transfer(2), transfer(3)]);
    }

    #[test]
    fn a_reader_that_is_too_slow_is_told_to_read_everything_and_never_misses_being_superseded() {
        let events = Events::default();
        events.push(Event::Superseded);
        for n in 0..10_000 {
            events.push(transfer(n));
        }
        let seen: Vec<Event> = std::iter::from_fn(|| events.try_next()).collect();
        assert_eq!(seen, [Event::Everything, Event::Superseded]);
    }
}
