//! A contact as the loop works with it: the stored record, and what of its outbox and its ways is in memory.

use crate::contact::ContactRecord;
use crate::parcel::CiphertextHash;
use crate::queue::{OwnQueue, TheirQueue};
use crate::store::{OutboxRecord, Sealed, Store, StoreError, table};
use crate::time::{Backoff, Pace, Tick};
use outis_crypto::CryptoRng;
use outis_identity::Address;
use outis_vault::Order;
use outis_wire::NodeId;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

pub(crate) struct Peer {
    pub(crate) record: ContactRecord,
    /// What is not receipted, by number. The texts and ciphertexts stay in the store.
    pub(crate) outbox: BTreeMap<u64, Unreceipted>,
    /// Our queue for this contact.
    pub(crate) queue: OwnQueue,
    /// Theirs for us, read from their card.
    pub(crate) theirs: Option<TheirQueue>,
    pub(crate) lane: Lane,
}

/// Something we said that is not receipted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Unreceipted {
    pub(crate) position: Option<u64>,
    pub(crate) sealed: Option<Sealed>,
    /// Mailboxes that have it.
    pub(crate) stored: BTreeSet<NodeId>,
    /// Mailboxes that it is on its way to.
    pub(crate) flying: BTreeSet<NodeId>,
    /// When it was last stored somewhere.
    pub(crate) put_at: Option<Tick>,
}

/// The way to a contact: all that need not outlive the process.
#[derive(Default)]
pub(crate) struct Lane {
    /// How putting into their mailboxes goes.
    pub(crate) mailboxes: BTreeMap<NodeId, Backoff>,
    /// Ciphertexts that are told once, if they arrive: receipts, cards, answers.
    pub(crate) loose: VecDeque<Loose>,
    /// Ciphertexts of theirs that did not open, to be told.
    pub(crate) cannot_open: BTreeSet<CiphertextHash>,
    /// How it goes with them.
    pub(crate) tear: Tear,
    /// Ciphertexts that were read lately, so that the copies from other mailboxes cost nothing.
    pub(crate) seen: Seen,
    /// Ciphertexts that came before the session they are of.
    pub(crate) early: VecDeque<Arc<Vec<u8>>>,
    pub(crate) receipts: Pace,
    /// Something is being written here: just said, and since when they are to be told.
    pub(crate) types: bool,
    pub(crate) typing: Option<Tick>,
    pub(crate) typing_told: Option<Tick>,
    /// Counts what came, to know whether a receipt on its way tells of all of it.
    pub(crate) came: u64,
    pub(crate) card_told: Backoff,
    /// Since when something is stored and nothing is receipted.
    pub(crate) waiting_since: Option<Tick>,
    pub(crate) look_up: LookUpPlan,
    /// Where requests to them go, from the last look-up.
    pub(crate) request_queue: Option<TheirQueue>,
    pub(crate) request_price: u32,
    pub(crate) request_put: Backoff,
}

/// When the contact's descriptor is read (again).
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct LookUpPlan {
    /// Wanted, whatever the back-off of receipts says.
    pub(crate) wanted: bool,
    /// After failures.
    pub(crate) backoff: Backoff,
    /// After look-ups for a missing receipt that brought nothing new.
    pub(crate) patience: Backoff,
    /// After sending a card by the request queue.
    pub(crate) way_back: Backoff,
}

/// A ciphertext outside the numbering.
#[derive(Debug, Clone)]
pub(crate) struct Loose {
    pub(crate) id: u64,
    pub(crate) payload: Arc<Vec<u8>>,
    pub(crate) made_at: Tick,
    pub(crate) done: BTreeSet<NodeId>,
    pub(crate) flying: BTreeSet<NodeId>,
    pub(crate) told: Told,
}

/// What a loose ciphertext says, and so what is not owed any more when a mailbox has it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Told {
    /// All that had come when it was made, by [`Lane::came`].
    pub(crate) receipt: Option<u64>,
    /// It is worth nothing after so long.
    pub(crate) fleeting: Option<Duration>,
}

/// The last hashes of what was read, bounded.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    order: VecDeque<CiphertextHash>,
    present: BTreeSet<CiphertextHash>,
}

/// What came and did not open, since anything did. One such may be told anew; when nothing opens any more, neither does what
/// is said of it on the other side, and without a bound two would tell each other so for ever.
#[derive(Debug, Default)]
pub(crate) struct Tear {
    count: u32,
    since: Option<Tick>,
    told: Backoff,
    mended: Backoff,
}

impl Tear {
    /// Told of as they come; then less and less often.
    const FREELY: u32 = 4;
    const TOLD_AGAIN: Duration = Duration::from_secs(10);
    const TOLD_LONGEST: Duration = Duration::from_secs(60 * 60);

    /// When so many did not open for so long, the session is beyond help.
    const TORN: u32 = 4;
    const TORN_FOR: Duration = Duration::from_secs(60);

    const MENDED_AGAIN: Duration = Duration::from_secs(10 * 60);
    const MENDED_LONGEST: Duration = Duration::from_secs(6 * 60 * 60);

    pub(crate) fn did_not_open(&mut self, now: Tick) {
        self.count = self.count.saturating_add(1);
        self.since.get_or_insert(now);
    }

    pub(crate) fn opened(&mut self) {
        self.count = 0;
        self.since = None;
        self.told.succeeded();
    }

    /// When the other side may be told of the next.
    pub(crate) fn tell_from(&self) -> Tick {
        self.told.until()
    }

    pub(crate) fn told(&mut self, now: Tick, rng: &mut impl CryptoRng) {
        if self.count > Self::FREELY {
            self.told.failed(now, Self::TOLD_AGAIN, Self::TOLD_LONGEST, rng);
        }
    }

    /// From when on a new session is the only way, if it is torn.
    pub(crate) fn mend_from(&self) -> Option<Tick> {
        let since = self.since.filter(|_| self.count >= Self::TORN)?;
        Some(since.plus(Self::TORN_FOR).max(self.mended.until()))
    }

    pub(crate) fn mended(&mut self, now: Tick, rng: &mut impl CryptoRng) {
        self.opened();
        self.mended.failed(now, Self::MENDED_AGAIN, Self::MENDED_LONGEST, rng);
    }
}

impl Seen {
    const LIMIT: usize = 2_048;

    pub(crate) fn contains(&self, hash: &CiphertextHash) -> bool {
        self.present.contains(hash)
    }

    pub(crate) fn insert(&mut self, hash: CiphertextHash) {
        if self.present.insert(hash) {
            self.order.push_back(hash);
        }
        if self.order.len() > Self::LIMIT
            && let Some(oldest) = self.order.pop_front()
        {
            self.present.remove(&oldest);
        }
    }
}

impl Lane {
    /// How putting into a mailbox of theirs goes.
    pub(crate) fn way(&mut self, node: NodeId) -> &mut Backoff {
        self.mailboxes.entry(node).or_default()
    }
}

impl Peer {
    /// A contact that has just become one.
    pub(crate) fn new(record: ContactRecord) -> Self {
        let theirs = record.card.as_ref().and_then(|card| TheirQueue::read(&card.entry));
        Self {
            record,
            outbox: BTreeMap::new(),
            queue: OwnQueue::default(),
            theirs,
            lane: Lane::default(),
        }
    }

    /// Reads a contact and its outbox.
    pub(crate) fn load(store: &Store, contact: &Address, record: ContactRecord) -> Result<Self, StoreError> {
        let mut peer = Self::new(record);
        let owner = contact.as_bytes();
        peer.queue = store.get(table::QUEUES, owner, 0)?.unwrap_or_default();
        for (number, outbox) in
            store.range::<OutboxRecord>(table::OUTBOX, owner, 0..u64::MAX, Order::Ascending, usize::MAX)?
        {
            let unreceipted = Unreceipted {
                position: outbox.position,
                sealed: outbox.sealed,
                ..Unreceipted::default()
            };
            peer.outbox.insert(number, unreceipted);
        }
        for (number, nodes) in
            store.range::<Vec<NodeId>>(table::STORED, owner, 0..u64::MAX, Order::Ascending, usize::MAX)?
        {
            if let Some(unreceipted) = peer.outbox.get_mut(&number) {
                unreceipted.stored = nodes.into_iter().collect();
                // How long it lies there already nobody knows: their mailboxes or their device may be gone meanwhile.
                peer.lane.waiting_since = Some(Tick::default());
            }
        }
        Ok(peer)
    }

    /// How many are encrypted and not receipted.
    pub(crate) fn sealed(&self) -> usize {
        self.outbox
            .values()
            .filter(|unreceipted| unreceipted.sealed.is_some())
            .count()
    }

    /// Whether something is to be put for them that no mailbox has yet.
    pub(crate) fn says_something(&self) -> bool {
        !self.lane.loose.is_empty() || self.outbox.values().any(|unreceipted| unreceipted.stored.is_empty())
    }

    /// Whether all of their mailboxes have failed again and again.
    pub(crate) fn is_cut_off(&self) -> bool {
        self.theirs.as_ref().is_some_and(|queue| {
            queue.nodes().all(|node| {
                self.lane
                    .mailboxes
                    .get(&node)
                    .is_some_and(|way| way.failures() >= Self::CUT_OFF)
            })
        })
    }

    const CUT_OFF: u32 = 3;
}
