//! When our queues are listened to. Whoever opens all of them the moment a machine is switched on tells their mailboxes that
//! they belong together, so after a start they open one after the other, in order of last use, at random delays. A queue
//! that nobody has used for a week is not listened to all the time, but asked now and then.

use crate::peer::Peer;
use crate::queue::{OwnMailbox, OwnQueue};
use crate::state::State;
use crate::time::Tick;
use outis_crypto::CryptoRng;
use outis_identity::Address;
use outis_mailbox::queue::QueueId;
use outis_wire::UnixMillis;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::Duration;

/// When the queues for contacts are opened since the loop began; those not named, at any time.
#[derive(Debug, Default)]
pub(crate) struct Opening {
    is_drawn: bool,
    from: BTreeMap<Address, Tick>,
}

impl Opening {
    /// When a contact's queue may be opened.
    pub(crate) fn from(&self, contact: &Address) -> Tick {
        self.from.get(contact).copied().unwrap_or_default()
    }

    /// Something is said to this contact: whoever looks sees them used now anyhow.
    pub(crate) fn at_once(&mut self, contact: &Address) {
        self.from.remove(contact);
    }

    /// Draws the times for contacts in order of last use.
    fn draw(&mut self, contacts: &[Address], now: Tick, rng: &mut impl CryptoRng) {
        let later = contacts.len().saturating_sub(AT_ONCE);
        let pause = PAUSE.min(ALL_WITHIN / u32::try_from(later.max(1)).unwrap_or(u32::MAX));
        let mut at = now;
        for contact in contacts.iter().skip(AT_ONCE) {
            let part = f64::from(rng.next_u32()) / f64::from(u32::MAX);
            at = at.plus(pause.mul_f64(part * 2.0));
            self.from.insert(*contact, at);
        }
        self.is_drawn = true;
    }
}

impl State {
    /// Once after each start.
    pub(crate) fn draw_opening(&mut self) {
        if self.opening.is_drawn {
            return;
        }
        let mut contacts = self.active();
        contacts.sort_by_key(|contact| Reverse(self.peers.get(contact).map(Peer::last_used)));
        self.opening.draw(&contacts, self.tick, &mut self.rng);
    }

    /// A new loop opens the queues anew.
    pub(crate) fn begin_again(&mut self) {
        self.running.clear();
        self.opening = Opening::default();
    }
}

impl Peer {
    fn last_used(&self) -> UnixMillis {
        self.record
            .last_message_at
            .unwrap_or_default()
            .max(self.record.created_at)
    }

    /// Nothing was said for a week, and nothing waits to be said.
    pub(crate) fn is_idle(&self, now: UnixMillis) -> bool {
        now.since(self.last_used()) >= IDLE && self.outbox.is_empty()
    }
}

impl OwnQueue {
    /// Nobody uses it: mailboxes that have pushed all they had are left alone for a while. Gives which to hang up on.
    pub(crate) fn rest(&mut self, now: Tick, rng: &mut impl CryptoRng) -> Vec<QueueId> {
        let mut resting = Vec::new();
        for mailbox in &mut self.mailboxes {
            if mailbox.caught_up && mailbox.rests_until.is_none_or(|until| until <= now) {
                let part = f64::from(rng.next_u32()) / f64::from(u32::MAX);
                mailbox.rests_until = Some(now.plus(ASKED_AGAIN.mul_f64(0.5 + part)));
                resting.push(mailbox.queue.id());
            }
        }
        resting
    }
}

impl OwnMailbox {
    /// When it is listened to (again).
    pub(crate) fn listen_from(&self, is_idle: bool) -> Tick {
        let rest = self.rests_until.filter(|_| is_idle).unwrap_or_default();
        self.way.until().max(rest)
    }
}

/// Contacts whose queues are opened at once.
const AT_ONCE: usize = 3;
/// Between two others, on average.
const PAUSE: Duration = Duration::from_secs(5);
/// However many there are.
const ALL_WITHIN: Duration = Duration::from_secs(5 * 60);
/// Without a message for so long a queue is asked now and then.
const IDLE: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// After half of this to one and a half.
const ASKED_AGAIN: Duration = Duration::from_secs(60 * 60);

#[cfg(test)]
mod tests {
    use super::*;
    use outis_crypto::signature::SigningKey;
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    fn drawn(count: usize, seed: u64) -> Vec<Duration> {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let contacts: Vec<Address> = (0..count)
            .map(|_| Address::new(SigningKey::generate(&mut rng).verifying_key()))
            .collect();
        let mut opening = Opening::default();
        opening.draw(&contacts, Tick::default(), &mut rng);
        contacts.iter().map(|contact| opening.from(contact).0).collect()
    }

    #[test]
    fn a_few_queues_open_at_once_and_the_others_in_order_at_delays_that_nobody_foresees() {
        let times = drawn(40, 1);
        assert!(times.iter().take(AT_ONCE).all(Duration::is_zero));
        assert!(times.windows(2).all(|pair| pair[0] <= pair[1]), "in order of last use");
        let pauses: Vec<Duration> = times.windows(2).skip(AT_ONCE).map(|pair| pair[1] - pair[0]).collect();
        let longest = pauses.iter().max().copied().unwrap_or_default();
        assert!(longest > PAUSE && longest <= PAUSE * 2, "{longest:?}");
        assert_ne!(times, drawn(40, 2), "another start, other delays");
    }

    #[test]
    fn however_many_contacts_there_are_all_queues_are_open_after_ten_minutes() {
        assert!(drawn(1_000, 3).iter().all(|at| *at <= ALL_WITHIN * 2));
    }
}
