//! Queues: our own on three mailboxes each, and a contact's as their card names them.

use crate::parcel::CardEntry;
use crate::time::{Backoff, Tick};
use outis_crypto::CryptoRng;
use outis_identity::Address;
use outis_mailbox::queue::{OwnedQueue, Pass, Place, QueueCard, QueueId};
use outis_wire::{NodeId, UnixMillis};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// One of our queues: for one contact, or for requests.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct OwnQueue {
    /// That of the card given out last; 0 if none was.
    sequence: u64,
    pub(crate) mailboxes: Vec<OwnMailbox>,
}

/// One of the mailboxes of a queue.
#[derive(Serialize, Deserialize)]
pub(crate) struct OwnMailbox {
    #[serde(with = "shared")]
    pub(crate) queue: Arc<OwnedQueue>,
    pub(crate) standing: Standing,
    /// Since when it stands so, by the clock on the wall.
    pub(crate) since: UnixMillis,
    #[serde(skip)]
    pub(crate) way: Backoff,
    /// Since when it cannot be reached.
    #[serde(skip)]
    pub(crate) failing_since: Option<Tick>,
    /// How often it was not reached since then though some other relay was.
    #[serde(skip)]
    pub(crate) failed_alone: u32,
    /// All that lay in it was pushed.
    #[serde(skip)]
    pub(crate) caught_up: bool,
    /// It was asked, and is left alone until then.
    #[serde(skip)]
    pub(crate) rests_until: Option<Tick>,
}

impl OwnMailbox {
    fn drawn(queue: Arc<OwnedQueue>, now: UnixMillis) -> Self {
        Self {
            standing: Standing::Drawn,
            since: now,
            ..Self::given_up(queue)
        }
    }

    /// One that is only to be deleted.
    pub(crate) fn given_up(queue: Arc<OwnedQueue>) -> Self {
        Self {
            queue,
            standing: Standing::Retired,
            since: UnixMillis::default(),
            way: Backoff::default(),
            failing_since: None,
            failed_alone: 0,
            caught_up: false,
            rests_until: None,
        }
    }
}

/// How far a mailbox is with us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Standing {
    /// Drawn; the queue is not there yet.
    Drawn,
    /// The queue is there, and no card names it yet.
    Created,
    /// A card names it.
    Named,
    /// A newer card does not name it any more; what is still in it is read.
    Retired,
}

impl OwnQueue {
    /// Mailboxes of a queue.
    pub(crate) const MAILBOXES: usize = 3;

    /// One that lies on one mailbox and stands on no card.
    pub(crate) fn of_one(queue: Arc<OwnedQueue>, now: UnixMillis) -> Self {
        Self {
            sequence: 0,
            mailboxes: vec![OwnMailbox::drawn(queue, now)],
        }
    }

    /// That of the card given out last.
    pub(crate) fn sequence(&self) -> u64 {
        self.sequence
    }

    /// The card given out last, for a contact: in our numbering, with passes to the request queue.
    pub(crate) fn card(&self, stream: u64, requests: &OwnQueue, contact: &Address) -> Option<CardEntry> {
        let card = outis_wire::encode(&self.named()?);
        Some(CardEntry {
            stream,
            card,
            passes: requests.passes(contact),
        })
    }

    /// The same as the mailbox crate's type.
    pub(crate) fn named(&self) -> Option<QueueCard> {
        let places = self
            .mailboxes
            .iter()
            .filter(|mailbox| mailbox.standing == Standing::Named)
            .map(|m| m.queue.place());
        QueueCard::new(self.sequence, places.collect()).ok()
    }

    /// Draws mailboxes until there are three that do not fail. Gives whether any was drawn.
    pub(crate) fn draw(&mut self, relays: &[NodeId], now: UnixMillis, rng: &mut impl CryptoRng) -> bool {
        let mut drew = false;
        while self
            .mailboxes
            .iter()
            .filter(|mailbox| mailbox.standing != Standing::Retired)
            .count()
            < Self::MAILBOXES
        {
            let free: Vec<NodeId> = relays
                .iter()
                .copied()
                .filter(|node| self.mailboxes.iter().all(|m| m.queue.node() != *node))
                .collect();
            let Some(node) = choose(&free, rng) else { break };
            let queue = Arc::new(OwnedQueue::generate(rng, node));
            self.mailboxes.push(OwnMailbox::drawn(queue, now));
            drew = true;
        }
        drew
    }

    /// Whether a new card is due: some mailbox is there that no card names, and none is still on its way.
    pub(crate) fn wants_card(&self) -> bool {
        let any = |standing| self.mailboxes.iter().any(|mailbox| mailbox.standing == standing);
        let drawn = self
            .mailboxes
            .iter()
            .any(|mailbox| mailbox.standing == Standing::Drawn && mailbox.way.failures() == 0);
        any(Standing::Created) && !drawn
    }

    /// Names all mailboxes that are there in a new card.
    pub(crate) fn issue(&mut self, now: UnixMillis) {
        self.sequence = self.sequence.saturating_add(1);
        for mailbox in &mut self.mailboxes {
            if mailbox.standing == Standing::Created {
                mailbox.stand(Standing::Named, now);
            }
        }
    }

    pub(crate) fn mailbox(&mut self, id: QueueId) -> Option<&mut OwnMailbox> {
        self.mailboxes.iter_mut().find(|mailbox| mailbox.queue.id() == id)
    }

    fn passes(&self, contact: &Address) -> Vec<(QueueId, [u8; 32])> {
        let named = self
            .mailboxes
            .iter()
            .filter(|mailbox| mailbox.standing == Standing::Named);
        let pass = |mailbox: &OwnMailbox| {
            outis_wire::encode(&mailbox.queue.pass(contact.as_bytes()))
                .try_into()
                .ok()
        };
        named
            .filter_map(|mailbox| Some((mailbox.queue.id(), pass(mailbox)?)))
            .collect()
    }
}

impl OwnMailbox {
    pub(crate) fn stand(&mut self, standing: Standing, now: UnixMillis) {
        self.standing = standing;
        self.since = now;
    }
}

/// A contact's queue.
#[derive(Clone)]
pub(crate) struct TheirQueue {
    card: Arc<QueueCard>,
    passes: Arc<Vec<(QueueId, [u8; 32])>>,
}

impl TheirQueue {
    /// Reads a card that a contact has sent.
    pub(crate) fn read(entry: &CardEntry) -> Option<Self> {
        let card: QueueCard = outis_wire::decode(&entry.card, QueueCard::MAX_ENCODED).ok()?;
        Some(Self {
            card: Arc::new(card),
            passes: Arc::new(entry.passes.clone()),
        })
    }

    /// The request queue of a descriptor.
    pub(crate) fn of(card: QueueCard) -> Self {
        Self {
            card: Arc::new(card),
            passes: Arc::default(),
        }
    }

    pub(crate) fn nodes(&self) -> impl Iterator<Item = NodeId> + '_ {
        self.card.places().iter().map(|place| place.node)
    }

    pub(crate) fn place(&self, node: NodeId) -> Option<&Place> {
        self.card.places().iter().find(|place| place.node == node)
    }

    /// A pass for one of their request queues.
    pub(crate) fn pass(&self, queue: QueueId) -> Option<Pass> {
        let (_, pass) = self.passes.iter().find(|(id, _)| *id == queue)?;
        outis_wire::decode(pass, Pass::SIZE).ok()
    }
}

/// A queue's secret is shared with the work that is done on it.
mod shared {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use std::sync::Arc;

    pub(super) fn serialize<T: Serialize, S: Serializer>(value: &Arc<T>, serializer: S) -> Result<S::Ok, S::Error> {
        value.as_ref().serialize(serializer)
    }

    pub(super) fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Arc<T>, D::Error> {
        T::deserialize(deserializer).map(Arc::new)
    }
}

/// One of them at random.
pub(crate) fn choose<T: Copy>(among: &[T], rng: &mut impl CryptoRng) -> Option<T> {
    let count = u64::try_from(among.len()).ok().filter(|count| *count > 0)?;
    // The bias of a remainder of 64 bits by a few thousand is beyond notice.
    let at = usize::try_from(rng.next_u64() % count).ok()?;
    among.get(at).copied()
}

/// `count` different ones at random.
pub(crate) fn sample<T: Copy + PartialEq>(among: &[T], count: usize, rng: &mut impl CryptoRng) -> Vec<T> {
    let mut left = among.to_vec();
    let mut drawn = Vec::new();
    while drawn.len() < count
        && let Some(one) = choose(&left, rng)
    {
        left.retain(|other| *other != one);
        drawn.push(one);
    }
    drawn
}

#[cfg(test)]
mod tests {
    use super::*;
    use outis_crypto::signature::SigningKey;
    use outis_identity::Address;
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    const NOW: UnixMillis = UnixMillis(0);

    fn relays(count: u8) -> Vec<NodeId> {
        (1..=count).map(|byte| NodeId([byte; 32])).collect()
    }

    fn drawn(count: u8) -> OwnQueue {
        let mut queue = OwnQueue::default();
        queue.draw(&relays(count), NOW, &mut ChaCha20Rng::seed_from_u64(1));
        queue
    }

    fn create_all(queue: &mut OwnQueue) {
        for mailbox in &mut queue.mailboxes {
            mailbox.standing = Standing::Created;
        }
    }

    #[test]
    fn three_mailboxes_are_drawn_each_on_another_relay_and_not_more_than_there_are() {
        for (count, expected) in [(0, 0), (1, 1), (2, 2), (3, 3), (20, 3)] {
            let queue = drawn(count);
            let mut nodes: Vec<NodeId> = queue.mailboxes.iter().map(|mailbox| mailbox.queue.node()).collect();
            nodes.sort_unstable();
            nodes.dedup();
            assert_eq!(nodes.len(), expected, "of {count}");
        }
    }

    #[test]
    fn a_card_is_given_out_when_nothing_is_on_its_way_and_the_next_one_has_a_higher_number() {
        let mut queue = drawn(3);
        assert!(!queue.wants_card(), "the queues are not there yet");
        create_all(&mut queue);
        assert!(queue.wants_card());
        queue.issue(NOW);
        assert!(!queue.wants_card());
        assert_eq!(
            queue.named().map(|card| (card.sequence(), card.places().len())),
            Some((1, 3))
        );
        queue.mailboxes[0].standing = Standing::Retired;
        queue.draw(&relays(4), NOW, &mut ChaCha20Rng::seed_from_u64(2));
        create_all(&mut queue);
        queue.issue(NOW);
        assert_eq!(queue.sequence(), 2);
    }

    #[test]
    fn a_contact_reads_the_card_and_finds_a_pass_for_each_request_queue_and_for_no_other() {
        let (mut queue, mut requests) = (drawn(3), OwnQueue::default());
        requests.draw(&relays(3), NOW, &mut ChaCha20Rng::seed_from_u64(3));
        for queue in [&mut queue, &mut requests] {
            create_all(queue);
            queue.issue(NOW);
        }
        let contact = Address::new(SigningKey::generate(&mut ChaCha20Rng::seed_from_u64(4)).verifying_key());
        let theirs = TheirQueue::read(&queue.card(7, &requests, &contact).expect("is named")).expect("reads");
        assert_eq!(theirs.nodes().count(), 3);
        assert!(
            requests
                .mailboxes
                .iter()
                .all(|mailbox| theirs.pass(mailbox.queue.id()).is_some())
        );
        assert!(
            queue
                .mailboxes
                .iter()
                .all(|mailbox| theirs.pass(mailbox.queue.id()).is_none())
        );
    }
}
