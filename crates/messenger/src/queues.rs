//! Our own queues: drawn, created, listened to, replaced when their mailboxes die, and deleted.

use crate::plan::{PATIENCE_LONGEST, Plan, Role, isolation};
use crate::queue::{OwnQueue, Standing};
use crate::state::State;
use crate::store::{Changes, NOBODY, StoreError, table};
use crate::time::Tick;
use crate::work::{Job, Owner, Task};
use outis_identity::Address;
use outis_mailbox::Kind;
use outis_mailbox::queue::QueueId;
use std::sync::Arc;
use std::time::Duration;

impl State {
    /// A mailbox pushed everything that lay in our queue.
    pub(crate) fn caught_up(&mut self, owner: Owner, id: QueueId) {
        if let Some(mailbox) = self.queue_of(owner).and_then(|queue| queue.mailbox(id)) {
            mailbox.caught_up = true;
            mailbox.way.succeeded();
            mailbox.failing_since = None;
        }
    }

    pub(crate) fn plan_queue(&mut self, plan: &mut Plan, owner: Owner) -> Result<(), StoreError> {
        let tick = self.tick;
        let relays = std::mem::take(&mut self.relays);
        let known = match owner {
            Owner::Requests => u64::MAX,
            Owner::Contact(contact) => self.peers.get(&contact).map_or(0, |peer| peer.record.card_known),
        };
        let mut rng = self.rng.clone();
        let mut changed = false;
        if let Some(queue) = self.queue_of(owner) {
            changed |= queue.replace_dead(tick, known);
            changed |= queue.draw(&relays, &mut rng);
            if queue.wants_card() {
                queue.issue();
                changed = true;
            }
        }
        self.relays = relays;
        if changed {
            self.store_queue(owner)?;
            if owner == Owner::Requests {
                self.me.publication_wanted();
            }
        }
        let isolation = self.isolation(owner, Role::Own);
        let kind = if owner == Owner::Requests {
            Kind::Requests
        } else {
            Kind::CONTACT
        };
        let running = std::mem::take(&mut self.running);
        if let Some(queue) = self.queue_of(owner) {
            for mailbox in &queue.mailboxes {
                let id = mailbox.queue.id();
                let (task, job) = match mailbox.standing {
                    Standing::Drawn => (
                        Task::Create(owner, id),
                        Job::Create {
                            queue: Arc::clone(&mailbox.queue),
                            kind,
                            isolation,
                        },
                    ),
                    _ => (
                        Task::Listen(owner, id),
                        Job::Listen {
                            queue: Arc::clone(&mailbox.queue),
                            isolation,
                        },
                    ),
                };
                if !running.contains(&task) {
                    plan.at(mailbox.way.until(), tick, || (task, job));
                }
            }
        }
        self.running = running;
        Ok(())
    }

    pub(crate) fn queue_created(&mut self, owner: Owner, id: QueueId, created: bool) -> Result<(), StoreError> {
        if !created {
            self.mailbox_failed(owner, id);
            return Ok(());
        }
        if let Some(mailbox) = self.queue_of(owner).and_then(|queue| queue.mailbox(id)) {
            mailbox.standing = Standing::Created;
            mailbox.way.succeeded();
            mailbox.failing_since = None;
        }
        self.store_queue(owner)
    }

    pub(crate) fn mailbox_failed(&mut self, owner: Owner, id: QueueId) {
        let tick = self.tick;
        let mut rng = self.rng.clone();
        if let Some(mailbox) = self.queue_of(owner).and_then(|queue| queue.mailbox(id)) {
            mailbox.caught_up = false;
            mailbox.failing_since.get_or_insert(tick);
            mailbox.way.failed(tick, LISTEN_AGAIN, LISTEN_AGAIN_LONGEST, &mut rng);
        }
    }

    /// The relays that keep our queues, and whether they answer.
    pub(crate) fn mailboxes(&self) -> Vec<crate::Mailbox> {
        let queues = self.peers.values().map(|peer| &peer.queue).chain([&self.requests]);
        let named = queues
            .flat_map(|queue| &queue.mailboxes)
            .filter(|mailbox| mailbox.standing == Standing::Named);
        let mut healthy = std::collections::BTreeMap::new();
        for mailbox in named {
            let so_far = healthy.entry(mailbox.queue.node()).or_insert(true);
            *so_far &= mailbox.failing_since.is_none();
        }
        healthy
            .into_iter()
            .map(|(node, healthy)| crate::Mailbox { node, healthy })
            .collect()
    }

    pub(crate) fn queue_of(&mut self, owner: Owner) -> Option<&mut OwnQueue> {
        match owner {
            Owner::Requests => Some(&mut self.requests),
            Owner::Contact(contact) => self.peers.get_mut(&contact).map(|peer| &mut peer.queue),
        }
    }

    pub(crate) fn store_queue(&mut self, owner: Owner) -> Result<(), StoreError> {
        let mut changes = Changes::new();
        match owner {
            Owner::Requests => changes.put(table::QUEUES, &NOBODY, 0, &self.requests),
            Owner::Contact(contact) => {
                let Some(peer) = self.peers.get(&contact) else {
                    return Ok(());
                };
                changes.put(table::QUEUES, contact.as_bytes(), 0, &peer.queue);
            }
        }
        self.store.commit(changes)
    }

    /// Gives up our queue for a contact: its mailboxes are told to delete it when they can be reached.
    pub(crate) fn retire_queue(&mut self, contact: &Address) -> Result<(), StoreError> {
        let Some(peer) = self.peers.get_mut(contact) else {
            return Ok(());
        };
        let mailboxes = std::mem::take(&mut peer.queue.mailboxes);
        self.graves.mailboxes.extend(
            mailboxes
                .into_iter()
                .filter(|mailbox| mailbox.standing != Standing::Drawn),
        );
        let mut changes = Changes::new();
        changes.put(table::QUEUES, contact.as_bytes(), 0, &peer.queue);
        changes.put(table::QUEUES, &NOBODY, 1, &self.graves);
        self.store.commit(changes)
    }

    pub(crate) fn plan_deletions(&mut self, plan: &mut Plan) {
        let tick = self.tick;
        for mailbox in &self.graves.mailboxes {
            let task = Task::Delete(mailbox.queue.id());
            let isolation = isolation(&self.me.isolation, &mailbox.queue.id().0, Role::Own);
            if !self.running.contains(&task) {
                plan.at(mailbox.way.until(), tick, || {
                    (
                        task,
                        Job::Delete {
                            queue: Arc::clone(&mailbox.queue),
                            isolation,
                        },
                    )
                });
            }
        }
    }

    pub(crate) fn queue_deleted(&mut self, id: QueueId, deleted: bool) -> Result<(), StoreError> {
        let tick = self.tick;
        let mut rng = self.rng.clone();
        let Some(mailbox) = self.graves.mailbox(id) else {
            return Ok(());
        };
        mailbox.way.failed(tick, DELETE_AGAIN, PATIENCE_LONGEST, &mut rng);
        // A mailbox that is gone for good lets the queue lapse by itself.
        if deleted || mailbox.way.failures() > DELETE_ATTEMPTS {
            self.graves.mailboxes.retain(|mailbox| mailbox.queue.id() != id);
            let mut changes = Changes::new();
            changes.put(table::QUEUES, &NOBODY, 1, &self.graves);
            self.store.commit(changes)?;
        }
        Ok(())
    }
}

impl OwnQueue {
    /// Replaces mailboxes that have failed for long: nothing is drawn here, only made room for.
    fn replace_dead(&mut self, tick: Tick, known: u64) -> bool {
        let mut changed = false;
        let sequence = self.sequence();
        let dead = |since: Option<Tick>| since.is_some_and(|since| tick.since(since) >= DEAD);
        for mailbox in &mut self.mailboxes {
            if mailbox.standing == Standing::Named && dead(mailbox.failing_since) {
                mailbox.standing = Standing::Retired;
                mailbox.failing_since = None;
                changed = true;
            }
        }
        let before = self.mailboxes.len();
        self.mailboxes.retain(|mailbox| match mailbox.standing {
            Standing::Drawn => mailbox.way.failures() < DRAWN_ATTEMPTS,
            Standing::Created => !dead(mailbox.failing_since),
            Standing::Named => true,
            // It is read until nobody writes there any more, or until it is as good as gone.
            Standing::Retired => {
                !(dead(mailbox.failing_since) && known >= sequence) && mailbox.way.failures() < RETIRED_ATTEMPTS
            }
        });
        changed || before != self.mailboxes.len()
    }
}

const LISTEN_AGAIN: Duration = Duration::from_secs(1);
const LISTEN_AGAIN_LONGEST: Duration = Duration::from_secs(60);
const DELETE_AGAIN: Duration = Duration::from_secs(60);
/// A mailbox that cannot be reached for so long is replaced.
const DEAD: Duration = Duration::from_secs(3 * 60);
const DRAWN_ATTEMPTS: u32 = 3;
const RETIRED_ATTEMPTS: u32 = 20;
const DELETE_ATTEMPTS: u32 = 20;

#[cfg(test)]
mod tests {
    use super::*;
    use outis_wire::NodeId;
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    #[test]
    fn a_mailbox_that_cannot_be_reached_for_long_makes_room_for_another_and_is_read_on_until_the_new_card_is_known() {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let nodes: Vec<NodeId> = (1..=5).map(|byte| NodeId([byte; 32])).collect();
        let mut queue = OwnQueue::default();
        queue.draw(&nodes, &mut rng);
        for mailbox in &mut queue.mailboxes {
            mailbox.standing = Standing::Created;
        }
        queue.issue();
        let began = Tick::default();
        queue.mailboxes[1].failing_since = Some(began);
        assert!(!queue.replace_dead(began.plus(DEAD / 2), 1), "it may come back");
        assert!(queue.replace_dead(began.plus(DEAD), 1));
        assert_eq!(queue.mailboxes[1].standing, Standing::Retired);
        assert!(queue.draw(&nodes, &mut rng));
        assert_eq!(queue.mailboxes.len(), 4);
        queue.mailboxes[3].standing = Standing::Created;
        queue.issue();

        queue.mailboxes[1].failing_since = Some(began);
        assert!(
            !queue.replace_dead(began.plus(DEAD), 1),
            "the contact may still write there"
        );
        assert!(queue.replace_dead(began.plus(DEAD), 2), "the contact has the new card");
        assert_eq!(queue.mailboxes.len(), 3);
        assert!(
            queue
                .mailboxes
                .iter()
                .all(|mailbox| mailbox.standing == Standing::Named)
        );
    }
}
