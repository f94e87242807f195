//! Small files for somebody who is away: they wait as pieces in one-off queues, each on another mailbox.
//!
//! The sender draws such a queue, fills it, and then tells its secret in the session: from then on it is the recipient's,
//! who takes what they want and deletes it. Whoever of the two ends the transfer deletes what is left.

mod carry;

pub(crate) use carry::{FetchJob, Fetched, StoreJob, Stored};

use super::signal::{LockerKey, MAX_LOCKERS};
use super::{Phase, Side, Signal};
use crate::message::{Direction, TransferId};
use crate::plan::{Plan, Role, isolation};
use crate::queue::{OwnMailbox, sample};
use crate::state::State;
use crate::store::{Changes, NOBODY, StoreError, table};
use crate::time::Tick;
use crate::work::{Job, Task};
use outis_mailbox::queue::{OwnedQueue, QueueId};
use outis_wire::UnixMillis;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;

/// One queue with pieces of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Locker {
    pub(crate) key: LockerKey,
    /// So many of the first pieces are there.
    pub(crate) put: u32,
    /// All of them are, since then, and the recipient was told.
    pub(crate) full: Option<UnixMillis>,
}

impl State {
    /// The sender's: pieces to be put for somebody who is away.
    pub(super) fn plan_lockers(&mut self, plan: &mut Plan, id: &TransferId) -> Result<(), StoreError> {
        let (tick, now) = (self.tick, self.now());
        let Some(known) = self.transfers.get(id) else {
            return Ok(());
        };
        if known.offer.geometry().size() > LARGEST {
            return Ok(());
        }
        let away = match known.record.phase {
            Phase::Offered => !self.has_heard(known),
            Phase::Wanted => known.live.roads() == 0,
            _ => false,
        };
        let Some(known) = self.transfers.get_mut(id) else {
            return Ok(());
        };
        if !away {
            known.alone_since = None;
            return Ok(());
        }
        let since = *known.alone_since.get_or_insert(tick);
        if !plan.is_due(since.plus(GRACE), tick) || !plan.is_due(known.lockers.until(), tick) {
            return Ok(());
        }
        self.draw_lockers(id, now)?;
        let Some(known) = self.transfers.get(id) else {
            return Ok(());
        };
        let (Side::Sending(outline), Some(source)) = (&known.side, &known.record.source) else {
            return Ok(());
        };
        for locker in known.record.lockers.iter().filter(|locker| locker.full.is_none()) {
            let Some(queue) = locker.key.queue() else { continue };
            let task = Task::FillLocker(*id, queue.id());
            if self.running.contains(&task) {
                continue;
            }
            let job = StoreJob {
                id: *id,
                isolation: isolation(&self.me.record.isolation, &queue.id().0, Role::Theirs),
                queue,
                from: locker.put,
                offer: Arc::clone(&known.offer),
                outline: Arc::clone(outline),
                source: source.clone(),
                store: self.store.clone(),
                live: Arc::clone(&known.live),
                throttle: Arc::clone(&self.throttle),
            };
            plan.jobs.push((task, Job::FillLocker(Box::new(job))));
        }
        Ok(())
    }

    /// Draws queues until there are as many as there should be; those whose pieces the mailbox forgets soon do not count.
    fn draw_lockers(&mut self, id: &TransferId, now: UnixMillis) -> Result<(), StoreError> {
        let Some(known) = self.transfers.get(id) else {
            return Ok(());
        };
        let spent = |locker: &Locker| locker.full.is_some_and(|since| now.since(since) >= KEPT);
        let mut lockers = known.record.lockers.clone();
        lockers.retain(|locker| !spent(locker));
        let taken: Vec<_> = lockers
            .iter()
            .filter_map(|locker| Some(locker.key.queue()?.node()))
            .collect();
        let free: Vec<_> = self
            .relays
            .iter()
            .copied()
            .filter(|node| !taken.contains(node))
            .collect();
        for node in sample(&free, COPIES.saturating_sub(lockers.len()), &mut self.rng) {
            lockers.push(Locker {
                key: LockerKey::of(&OwnedQueue::generate(&mut self.rng, node)),
                put: 0,
                full: None,
            });
        }
        if lockers == known.record.lockers {
            return Ok(());
        }
        self.change_transfer(id, |record| record.lockers = lockers)
    }

    /// Some pieces were put, or not.
    pub(crate) fn locker_filled(&mut self, id: &TransferId, queue: QueueId, stored: Stored) -> Result<(), StoreError> {
        let (tick, now) = (self.tick, self.now());
        let Some(known) = self.transfers.get_mut(id).filter(|known| !known.record.phase.is_over()) else {
            return Ok(());
        };
        let (contact, chunks) = (known.record.contact, known.offer.geometry().chunks());
        let is_it = |locker: &&Locker| locker.key.queue().is_some_and(|this| this.id() == queue);
        let Some(locker) = known.record.lockers.iter().find(is_it).cloned() else {
            return Ok(());
        };
        match stored {
            Stored::Unavailable(fault) => self.fail(id, &contact, fault),
            Stored::Failed => {
                known.lockers.failed(tick, AGAIN, AGAIN_LONGEST, &mut self.rng);
                if known.lockers.failures() < ATTEMPTS {
                    return Ok(());
                }
                // This mailbox does not answer: another one is drawn.
                known.lockers.succeeded();
                self.drop_locker(id, &locker.key)
            }
            Stored::Lost => self.drop_locker(id, &locker.key),
            Stored::Put(put) if put < chunks => {
                known.lockers.succeeded();
                self.change_transfer(id, |record| {
                    let there = record.lockers.iter_mut().find(|other| other.key == locker.key);
                    there.into_iter().for_each(|there| there.put = put);
                })
            }
            Stored::Put(put) => {
                known.lockers.succeeded();
                self.signal(&contact, id, &Signal::Locker(locker.key.clone()), |record, _| {
                    let there = record.lockers.iter_mut().find(|other| other.key == locker.key);
                    there
                        .into_iter()
                        .for_each(|there| (there.put, there.full) = (put, Some(now)));
                })
            }
        }
    }

    /// The sender says where pieces wait for us.
    pub(super) fn locker_came(&mut self, id: &TransferId, key: LockerKey) -> Result<(), StoreError> {
        self.change_transfer(id, |record| {
            let known = record.lockers.iter().any(|locker| locker.key == key);
            if !known && record.lockers.len() < MAX_LOCKERS && key.queue().is_some() {
                record.lockers.push(Locker {
                    key,
                    put: 0,
                    full: None,
                });
            }
        })
    }

    /// The receiver's: pieces to be taken out of a queue. `false` if there is none.
    pub(super) fn plan_fetch(&mut self, plan: &mut Plan, id: &TransferId) -> bool {
        let tick = self.tick;
        let task = Task::EmptyLocker(*id);
        let Some(known) = self.transfers.get(id) else {
            return false;
        };
        let (Some(locker), Side::Receiving(incoming)) = (known.record.lockers.first(), &known.side) else {
            return false;
        };
        let Some(queue) = locker.key.queue() else { return false };
        let running = self.running.contains(&task);
        if !running && known.live.roads() > 0 {
            // It is coming.
            return false;
        }
        if !running && plan.is_due(known.lockers.until(), tick) {
            let job = FetchJob {
                id: *id,
                isolation: isolation(&self.me.record.isolation, &queue.id().0, Role::Own),
                queue,
                offer: Arc::clone(&known.offer),
                incoming: Arc::clone(incoming),
                live: Arc::clone(&known.live),
                throttle: Arc::clone(&self.throttle),
                events: Arc::clone(&self.events),
            };
            plan.jobs.push((task, Job::EmptyLocker(Box::new(job))));
        }
        true
    }

    /// Pieces were taken out of a queue, or not.
    pub(crate) fn locker_emptied(&mut self, id: &TransferId, fetched: Fetched) -> Result<(), StoreError> {
        let tick = self.tick;
        let Some(known) = self
            .transfers
            .get_mut(id)
            .filter(|known| known.record.phase == Phase::Wanted)
        else {
            return Ok(());
        };
        let contact = known.record.contact;
        let Some(locker) = known.record.lockers.first().cloned() else {
            return Ok(());
        };
        match fetched {
            Fetched::Complete => self.arrived(&contact, id),
            Fetched::DiskFull => self.rest_transfer(id, super::transfer::Rest::DiskFull),
            // It was not all, or nothing: perhaps the next queue has it, and else roads bring it.
            Fetched::Empty => self.drop_locker(id, &locker.key),
            Fetched::Failed => {
                known.lockers.failed(tick, AGAIN, AGAIN_LONGEST, &mut self.rng);
                if known.lockers.failures() < ATTEMPTS {
                    return Ok(());
                }
                known.lockers.succeeded();
                self.drop_locker(id, &locker.key)
            }
            Fetched::Stopped => Ok(()),
        }
    }

    fn drop_locker(&mut self, id: &TransferId, key: &LockerKey) -> Result<(), StoreError> {
        self.bury([key.clone()])?;
        self.change_transfer(id, |record| record.lockers.retain(|locker| locker.key != *key))
    }

    /// Queues of a transfer that is over are deleted where they lie.
    pub(crate) fn bury_lockers(&mut self, id: &TransferId) -> Result<(), StoreError> {
        let keys: Vec<LockerKey> = match self.transfers.get(id) {
            // What was never told, and never begun, is not there.
            Some(known) => {
                let there = |locker: &&Locker| known.record.direction == Direction::In || locker.put > 0;
                known
                    .record
                    .lockers
                    .iter()
                    .filter(there)
                    .map(|locker| locker.key.clone())
                    .collect()
            }
            None => return Ok(()),
        };
        if keys.is_empty() {
            return Ok(());
        }
        self.bury(keys)?;
        self.change_transfer(id, |record| record.lockers.clear())
    }

    fn bury(&mut self, keys: impl IntoIterator<Item = LockerKey>) -> Result<(), StoreError> {
        let queues = keys.into_iter().filter_map(|key| key.queue());
        self.graves
            .mailboxes
            .extend(queues.map(|queue| OwnMailbox::given_up(Arc::new(queue))));
        let mut changes = Changes::new();
        changes.put(table::QUEUES, &NOBODY, 1, &self.graves);
        self.store.commit(changes)
    }
}

/// Since when the other side is not there.
pub(super) type Alone = Option<Tick>;

/// What waits in mailboxes; a larger file waits in the outbox.
pub(super) const LARGEST: u64 = 16 * 1024 * 1024;

/// Queues for one file.
const COPIES: usize = 2;

/// Before somebody counts as away.
const GRACE: Duration = Duration::from_secs(20);

/// A day less than mailboxes keep an envelope.
const KEPT: Duration = Duration::from_secs(13 * 24 * 60 * 60);

const AGAIN: Duration = Duration::from_secs(2);
const AGAIN_LONGEST: Duration = Duration::from_secs(60);

/// A mailbox that fails so often is left.
const ATTEMPTS: u32 = 4;
