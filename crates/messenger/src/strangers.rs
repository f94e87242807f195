//! Strangers who wait for an answer: how many, which of them make room, and what it costs to be one.
//!
//! Requests are paid for with work, and a flood pays too. So that it neither fills the list for good nor clears it, the half
//! that has waited longest stays; of the rest the one that cost least makes room for one that cost more. Mailboxes do not
//! know how many are waiting here, and quote the price of an empty queue: what would be let in is therefore said in the
//! account's descriptor.

use crate::ContactError;
use crate::contact::ContactState;
use crate::invites::INVITED;
use crate::meeting::INCOMING;
use crate::state::State;
use crate::store::{Changes, StoreError, table};
use outis_identity::Address;
use outis_wire::UnixMillis;
use std::cmp::Reverse;
use std::time::Duration;

/// Whether a request is let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Room {
    /// Fewer wait than may.
    Free,
    /// In this one's place.
    InPlaceOf(Address),
    /// All who wait did more, or have waited longer. It is repeated in a week.
    None,
}

struct Waiting {
    since: UnixMillis,
    work: u32,
    who: Address,
}

impl State {
    /// Where somebody who was never heard of would stand with so much work.
    pub(crate) fn room_for(&self, from: &Address, work: u32) -> Room {
        if work == INVITED || self.peers.contains_key(from) {
            return Room::Free;
        }
        match self.next_to_go() {
            None => Room::Free,
            Some(waiting) if work > waiting.work => Room::InPlaceOf(waiting.who),
            Some(_) => Room::None,
        }
    }

    /// What a request has to cost to be let in: nothing beyond the mailboxes' quotes while there is room. In powers of two,
    /// so that a flood makes us publish a few times and not each time.
    pub(crate) fn asking_price(&self) -> u32 {
        self.next_to_go().map_or(0, |waiting| {
            let least = waiting.work.saturating_add(1);
            least.checked_next_power_of_two().unwrap_or(u32::MAX)
        })
    }

    /// Forgets somebody who waited, as if they had never asked: the same request would be heard again.
    pub(crate) fn push_out(&mut self, who: &Address) -> Result<(), StoreError> {
        let request = self.peers.get(who).and_then(|peer| peer.record.request_name);
        if let Err(ContactError::Store(error)) = self.remove_contact(who) {
            return Err(error);
        }
        let Some(name) = request else { return Ok(()) };
        let mut changes = Changes::new();
        changes.erase(table::REQUESTS, &name, 0);
        self.store.commit(changes)
    }

    /// Who would make room for the next one, if there is none.
    fn next_to_go(&self) -> Option<Waiting> {
        let now = self.now();
        let mut waiting: Vec<Waiting> = self
            .peers
            .iter()
            // Whoever was invited is no stranger, and takes no stranger's place.
            .filter(|(_, peer)| peer.record.state == ContactState::Incoming && peer.record.work != INVITED)
            .map(|(who, peer)| Waiting {
                since: peer.record.created_at,
                work: peer.record.work,
                who: *who,
            })
            .collect();
        if waiting.len() < INCOMING {
            return None;
        }
        waiting.sort_by_key(|waiting| (waiting.since, waiting.who));
        if waiting.first().is_some_and(|first| now.since(first.since) >= STALE) {
            return waiting.into_iter().next().map(|first| Waiting { work: 0, ..first });
        }
        let younger = waiting.into_iter().skip(INCOMING / 2);
        younger.min_by_key(|waiting| (waiting.work, Reverse(waiting.since)))
    }
}

/// After this long a request that nobody answered makes room for any other: its sender has repeated it, or has given up.
const STALE: Duration = Duration::from_secs(14 * 24 * 60 * 60);
