//! Messages that go by themselves: the sender's copy counts from its first put, the recipient's from when it is looked at.
//!
//! Deadlines are times on the wall clock, since they outlive the process. A clock that is set back does not lengthen a
//! message's time beyond what was chosen, counted from when that is noticed.

use crate::erasing::Leave;
use crate::state::State;
use crate::store::{Changes, Store, StoreError, table};
use crate::time::Tick;
use outis_identity::Address;
use outis_vault::Order;
use outis_wire::UnixMillis;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// When a line goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Expiry {
    /// Seconds.
    pub(crate) after: u32,
    /// Once its time runs.
    pub(crate) at: Option<UnixMillis>,
}

impl Expiry {
    pub(crate) fn new(after: u32) -> Self {
        Self { after, at: None }
    }

    fn lasts(self) -> Duration {
        Duration::from_secs(u64::from(self.after))
    }

    pub(crate) fn started(self, now: UnixMillis) -> Self {
        Self {
            at: Some(now.plus(self.lasts())),
            ..self
        }
    }
}

/// All lines that go by themselves, and the order in which they do.
#[derive(Default)]
pub(crate) struct Expiring {
    lines: BTreeMap<(Address, u64), Expiry>,
    due: BTreeSet<(UnixMillis, Address, u64)>,
    /// What the clock showed last, to notice that it was set back.
    seen: Option<UnixMillis>,
}

impl Expiring {
    /// Reads them all.
    pub(crate) fn load(store: &Store) -> Result<Self, StoreError> {
        let mut expiring = Self::default();
        for owner in store.owners(table::EXPIRING)? {
            let Ok(key) = outis_crypto::signature::VerifyingKey::from_bytes(owner) else {
                continue;
            };
            let lines = store.range(table::EXPIRING, &owner, 0..u64::MAX, Order::Ascending, usize::MAX)?;
            for (position, expiry) in lines {
                expiring.insert(Address::new(key), position, expiry);
            }
        }
        Ok(expiring)
    }

    pub(crate) fn get(&self, contact: &Address, position: u64) -> Option<Expiry> {
        self.lines.get(&(*contact, position)).copied()
    }

    pub(crate) fn insert(&mut self, contact: Address, position: u64, expiry: Expiry) {
        self.remove(&contact, position);
        self.lines.insert((contact, position), expiry);
        if let Some(at) = expiry.at {
            self.due.insert((at, contact, position));
        }
    }

    pub(crate) fn remove(&mut self, contact: &Address, position: u64) {
        if let Some(Expiry { at: Some(at), .. }) = self.lines.remove(&(*contact, position)) {
            self.due.remove(&(at, *contact, position));
        }
    }

    pub(crate) fn remove_all(&mut self, contact: &Address) {
        let positions: Vec<u64> = self.of(contact, u64::MAX).map(|(position, _)| position).collect();
        for position in positions {
            self.remove(contact, position);
        }
    }

    /// Those of a conversation up to a line.
    pub(crate) fn of(&self, contact: &Address, up_to: u64) -> impl Iterator<Item = (u64, Expiry)> + '_ {
        self.lines
            .range((*contact, 0)..=(*contact, up_to))
            .map(|((_, position), expiry)| (*position, *expiry))
    }

    /// Whatever would stay longer than was chosen, because the clock was set back, counts from now.
    fn see(&mut self, now: UnixMillis) {
        // Nobody knows by what clock the deadlines were stored that were just read.
        if self.seen.is_none_or(|seen| now < seen) {
            let late: Vec<(Address, u64, Expiry)> = self
                .lines
                .iter()
                .filter(|(_, expiry)| expiry.at.is_some_and(|at| at > now.plus(expiry.lasts())))
                .map(|((contact, position), expiry)| (*contact, *position, expiry.started(now)))
                .collect();
            for (contact, position, expiry) in late {
                self.insert(contact, position, expiry);
            }
        }
        self.seen = Some(now);
    }

    /// Some of those whose time is over.
    fn over(&self, now: UnixMillis) -> Vec<(Address, u64)> {
        self.due
            .iter()
            .take_while(|(at, _, _)| *at <= now)
            .map(|(_, contact, position)| (*contact, *position))
            .take(AT_ONCE)
            .collect()
    }

    fn next(&self) -> Option<UnixMillis> {
        self.due.first().map(|(at, _, _)| *at)
    }
}

impl State {
    /// Erases what is over; gives when to look again.
    pub(crate) fn expire(&mut self) -> Result<Option<Tick>, StoreError> {
        let now = self.now();
        self.expiring.see(now);
        loop {
            let over = self.expiring.over(now);
            if over.is_empty() {
                break;
            }
            self.erase_lines(&over, Leave::Nothing)?;
        }
        let next = self.expiring.next();
        Ok(next.map(|at| self.tick.plus(at.since(now))))
    }

    /// The contact's messages up to this line are being looked at.
    pub(crate) fn displayed(&mut self, contact: &Address, up_to: u64) -> Result<(), StoreError> {
        let now = self.now();
        let started: Vec<(u64, Expiry)> = self
            .expiring
            .of(contact, up_to)
            .filter(|(_, expiry)| expiry.at.is_none())
            .collect();
        let mut changes = Changes::new();
        let mut shown = Vec::new();
        for (position, expiry) in started {
            let line = self.line(contact, position)?;
            if line.is_some_and(|line| line.direction == crate::Direction::In) {
                let expiry = expiry.started(now);
                changes.put(table::EXPIRING, contact.as_bytes(), position, &expiry);
                shown.push((position, expiry));
            }
        }
        if shown.is_empty() {
            return Ok(());
        }
        self.store.commit(changes)?;
        for (position, expiry) in shown {
            self.expiring.insert(*contact, position, expiry);
            self.updated(contact, position);
        }
        Ok(())
    }
}

/// Lines that are erased in one commit.
const AT_ONCE: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use outis_crypto::signature::SigningKey;
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    fn somebody() -> Address {
        Address::new(SigningKey::generate(&mut ChaCha20Rng::seed_from_u64(1)).verifying_key())
    }

    #[test]
    fn what_is_over_is_found_in_order_and_what_has_not_begun_never_is() {
        let (contact, mut expiring) = (somebody(), Expiring::default());
        let now = UnixMillis(1_000_000);
        expiring.insert(contact, 1, Expiry::new(60));
        expiring.insert(contact, 2, Expiry::new(60).started(now));
        expiring.insert(contact, 3, Expiry::new(30).started(now));
        assert_eq!(expiring.over(now.plus(Duration::from_secs(30))), [(contact, 3)]);
        assert_eq!(
            expiring.over(now.plus(Duration::from_secs(60))),
            [(contact, 3), (contact, 2)]
        );
        expiring.remove(&contact, 3);
        assert_eq!(expiring.next(), Some(now.plus(Duration::from_secs(60))));
        expiring.remove_all(&contact);
        assert_eq!((expiring.next(), expiring.get(&contact, 1)), (None, None));
    }

    #[test]
    fn a_clock_that_is_set_back_does_not_keep_a_message_longer_than_was_chosen() {
        let (contact, mut expiring) = (somebody(), Expiring::default());
        let now = UnixMillis(1_000_000_000);
        expiring.insert(contact, 1, Expiry::new(60).started(now));
        expiring.see(now);
        let back = UnixMillis(1_000_000);
        expiring.see(back);
        assert!(expiring.over(back.plus(Duration::from_secs(59))).is_empty());
        assert_eq!(expiring.over(back.plus(Duration::from_secs(60))), [(contact, 1)]);
    }
}
