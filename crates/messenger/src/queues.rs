//! Our own queues: drawn, created, listened to, replaced when their mailboxes die, and deleted.

use crate::plan::{PATIENCE_LONGEST, Plan, Role, at, isolation};
use crate::queue::{OwnMailbox, OwnQueue, Standing};
use crate::state::State;
use crate::store::{Changes, NOBODY, StoreError, table};
use crate::time::Tick;
use crate::work::{Job, Owner, Task};
use outis_identity::Address;
use outis_mailbox::queue::QueueId;
use outis_wire::UnixMillis;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

impl State {
    /// A mailbox pushed everything that lay in our queue.
    pub(crate) fn caught_up(&mut self, owner: Owner, id: QueueId) {
        if self.is_cut_off() {
            // Whoever was away may have missed that the account was signed in to elsewhere.
            self.me.publishing.reconnected();
        }
        if let Some(mailbox) = self.queue_of(owner).and_then(|queue| queue.mailbox(id)) {
            mailbox.caught_up = true;
            mailbox.way.succeeded();
            mailbox.failing_since = None;
        }
    }

    /// Whether not one of the relays that keep our queues can be reached.
    fn is_cut_off(&self) -> bool {
        let queues = self.peers.values().map(|peer| &peer.queue).chain([&self.requests]);
        let mut named = queues
            .flat_map(|queue| &queue.mailboxes)
            .filter(|mailbox| mailbox.standing == Standing::Named)
            .peekable();
        named.peek().is_some() && named.all(|mailbox| mailbox.failing_since.is_some())
    }

    /// Listening ended: because we hung up, or because the mailbox or the way is gone.
    pub(crate) fn deaf_to(&mut self, owner: Owner, id: QueueId) {
        let mailbox = self.queue_of(owner).and_then(|queue| queue.mailbox(id));
        match mailbox {
            Some(mailbox) if mailbox.caught_up && mailbox.rests_until.is_some() => mailbox.caught_up = false,
            _ => self.mailbox_failed(owner, id),
        }
    }

    pub(crate) fn plan_queue(&mut self, plan: &mut Plan, owner: Owner) -> Result<(), StoreError> {
        let (now, tick) = (self.now(), self.tick);
        let relays = std::mem::take(&mut self.relays);
        // Who knows the newest card, how long an older one may still be in somebody's hands, and from when it is read.
        let (known, kept, from, is_idle) = match owner {
            Owner::Requests | Owner::Invite(_) => (u64::MAX, KEPT_FOR_REQUESTS, Tick::default(), false),
            Owner::Contact(contact) => {
                let peer = self.peers.get(&contact);
                let known = peer.map_or(0, |peer| peer.record.card_known);
                let is_idle = peer.is_some_and(|peer| peer.is_idle(now));
                (known, KEPT, self.opening.from(&contact), is_idle)
            }
        };
        let mut rng = self.rng.clone();
        let mut changed = false;
        let mut over = Vec::new();
        if let Some(queue) = self.queue_of(owner) {
            changed |= queue.replace_dead(tick, now, known);
            if let Some(due) = queue.next_death() {
                plan.wake(due, tick);
            }
            changed |= queue.rotate(now, known);
            over = queue.take_over(now, known, kept);
            changed |= queue.draw(&relays, now, &mut rng);
            if queue.wants_card() {
                queue.issue(now);
                changed = true;
            }
        }
        self.relays = relays;
        changed |= !over.is_empty();
        self.graves.mailboxes.extend(over);
        if changed {
            self.store_queue(owner)?;
            if owner == Owner::Requests {
                self.me.publication_wanted();
            }
        }
        let isolation = self.isolation(owner, Role::Own);
        let kind = owner.kind();
        let running = std::mem::take(&mut self.running);
        let mut resting = Vec::new();
        if let Some(queue) = self.queue_of(owner) {
            if is_idle {
                resting = queue.rest(tick, &mut rng);
            }
            for mailbox in &queue.mailboxes {
                let id = mailbox.queue.id();
                let isolation = at(isolation, mailbox.queue.node());
                let due = match mailbox.standing {
                    Standing::Drawn => mailbox.way.until(),
                    _ => mailbox.listen_from(is_idle).max(from),
                };
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
                    plan.at(due, tick, || (task, job));
                }
            }
        }
        self.running = running;
        self.resting.extend(resting.into_iter().map(|id| (owner, id)));
        Ok(())
    }

    pub(crate) fn queue_created(&mut self, owner: Owner, id: QueueId, created: bool) -> Result<(), StoreError> {
        if !created {
            self.mailbox_failed(owner, id);
            return Ok(());
        }
        let now = self.now();
        if let Some(mailbox) = self.queue_of(owner).and_then(|queue| queue.mailbox(id)) {
            mailbox.stand(Standing::Created, now);
            mailbox.way.succeeded();
            mailbox.failing_since = None;
        }
        self.store_queue(owner)
    }

    pub(crate) fn mailbox_failed(&mut self, owner: Owner, id: QueueId) {
        let tick = self.tick;
        let mut rng = self.rng.clone();
        let heard = self.dark.heard(Instant::now()).map(|ago| tick.ago(ago));
        if let Some(mailbox) = self.queue_of(owner).and_then(|queue| queue.mailbox(id)) {
            mailbox.caught_up = false;
            match mailbox.failing_since {
                None => (mailbox.failing_since, mailbox.failed_alone) = (Some(tick), 0),
                Some(since) if heard > Some(since) => mailbox.failed_alone = mailbox.failed_alone.saturating_add(1),
                Some(_) => {}
            }
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
            Owner::Invite(id) => self.invites.get_mut(&id).map(|invite| &mut invite.queue),
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
            Owner::Invite(id) => return self.store_invite(id),
        }
        // What was given up lies there until its mailbox was told.
        changes.put(table::QUEUES, &NOBODY, 1, &self.graves);
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
            let isolation = isolation(&self.me.record.isolation, &mailbox.queue.id().0, Role::Own);
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
    /// Replaces mailboxes that have failed for long: nothing is drawn here, only made room for. Where all of them fail while
    /// other relays answer, nobody can reach us, and it is done sooner.
    fn replace_dead(&mut self, tick: Tick, now: UnixMillis, known: u64) -> bool {
        let mut changed = false;
        let sequence = self.sequence();
        let cut_off = self
            .cut_off_since()
            .is_some_and(|since| tick.since(since) >= DEAD_TOGETHER);
        let dead = |since: Option<Tick>| since.is_some_and(|since| cut_off || tick.since(since) >= DEAD);
        for mailbox in &mut self.mailboxes {
            if mailbox.standing == Standing::Named && dead(mailbox.failing_since) {
                mailbox.stand(Standing::Retired, now);
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

    /// When the next of them has failed for so long that it may be taken to be dead.
    fn next_death(&self) -> Option<Tick> {
        let each = self.mailboxes.iter().filter_map(|mailbox| mailbox.failing_since);
        let together = self.cut_off_since().map(|since| since.plus(DEAD_TOGETHER));
        each.map(|since| since.plus(DEAD)).chain(together).min()
    }

    /// Since when not one of those that are named can be reached, though others can. (The first time that one fails after
    /// another relay has answered, it may have been tried before.)
    fn cut_off_since(&self) -> Option<Tick> {
        let named = self.mailboxes.iter().filter(|m| m.standing == Standing::Named);
        let failing = named.map(|mailbox| mailbox.failing_since.filter(|_| mailbox.failed_alone >= 2));
        failing.collect::<Option<Vec<Tick>>>()?.into_iter().max()
    }

    /// Retires one mailbox that has been in use for weeks, if all is well: whoever watches a queue sees it end.
    fn rotate(&mut self, now: UnixMillis, known: u64) -> bool {
        let is_well = |mailbox: &OwnMailbox| match mailbox.standing {
            Standing::Named => mailbox.failing_since.is_none(),
            Standing::Drawn | Standing::Created => false,
            Standing::Retired => true,
        };
        if known < self.sequence() || !self.mailboxes.iter().all(is_well) {
            return false;
        }
        let old = |mailbox: &&mut OwnMailbox| {
            mailbox.standing == Standing::Named && now.since(mailbox.since) >= lifetime(mailbox)
        };
        match self.mailboxes.iter_mut().find(old) {
            Some(mailbox) => {
                mailbox.stand(Standing::Retired, now);
                true
            }
            None => false,
        }
    }

    /// Takes out what nobody writes to any more, to be deleted where it lies.
    fn take_over(&mut self, now: UnixMillis, known: u64, kept: Duration) -> Vec<OwnMailbox> {
        let sequence = self.sequence();
        let is_over = |mailbox: &OwnMailbox| {
            mailbox.standing == Standing::Retired && known >= sequence && now.since(mailbox.since) >= kept
        };
        let (over, kept) = std::mem::take(&mut self.mailboxes).into_iter().partition(is_over);
        self.mailboxes = kept;
        over
    }
}

/// Three to five weeks, so that the mailboxes of a queue do not end together.
fn lifetime(mailbox: &OwnMailbox) -> Duration {
    let [byte, ..] = mailbox.queue.id().0;
    DAY * (21 + u32::from(byte % 15))
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// After the contact has the new card, what it put before may still be on its way.
const KEPT: Duration = Duration::from_secs(2 * 24 * 60 * 60);

/// The descriptors of the next two weeks name the old request queue; who was away finds them.
const KEPT_FOR_REQUESTS: Duration = Duration::from_secs(17 * 24 * 60 * 60);

const LISTEN_AGAIN: Duration = Duration::from_secs(1);
const LISTEN_AGAIN_LONGEST: Duration = Duration::from_secs(60);
const DELETE_AGAIN: Duration = Duration::from_secs(60);
/// A mailbox that cannot be reached for so long is replaced,
const DEAD: Duration = Duration::from_secs(3 * 60);
/// and all of a queue when none can be for so long.
const DEAD_TOGETHER: Duration = Duration::from_secs(30);
const DRAWN_ATTEMPTS: u32 = 3;
const RETIRED_ATTEMPTS: u32 = 20;
const DELETE_ATTEMPTS: u32 = 20;

#[cfg(test)]
mod tests {
    use super::*;
    use outis_wire::NodeId;
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    const NOW: UnixMillis = UnixMillis(0);

    #[test]
    fn mailboxes_rotate_one_by_one_after_weeks_and_the_old_one_is_deleted_when_the_contact_has_the_new_card() {
        let mut rng = ChaCha20Rng::seed_from_u64(2);
        let nodes: Vec<NodeId> = (1..=20).map(|byte| NodeId([byte; 32])).collect();
        let mut queue = OwnQueue::default();
        let (mut now, mut deleted) = (NOW, Vec::new());
        let mut used: Vec<QueueId> = Vec::new();
        for _ in 0..120 {
            queue.rotate(now, queue.sequence());
            queue.draw(&nodes, now, &mut rng);
            let named = |queue: &OwnQueue| queue.mailboxes.iter().filter(|m| m.standing == Standing::Named).count();
            assert!(queue.sequence() == 0 || named(&queue) >= 2, "never two at once");
            for mailbox in queue.mailboxes.iter_mut().filter(|m| m.standing == Standing::Drawn) {
                mailbox.stand(Standing::Created, now);
                used.push(mailbox.queue.id());
            }
            if queue.wants_card() {
                queue.issue(now);
            }
            // The contact has not heard of the card: the old one is kept.
            assert!(
                queue
                    .take_over(now.plus(KEPT * 10), queue.sequence() - 1, KEPT)
                    .is_empty()
            );
            deleted.extend(
                queue
                    .take_over(now, queue.sequence(), KEPT)
                    .iter()
                    .map(|m| m.queue.id()),
            );
            now = now.plus(DAY);
        }
        assert!((9..=18).contains(&used.len()), "{} in four months", used.len());
        assert!(deleted.len() + 4 >= used.len() && deleted.len() + 3 <= used.len());
    }

    #[test]
    fn a_mailbox_that_cannot_be_reached_for_long_makes_room_for_another_and_is_read_on_until_the_new_card_is_known() {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let nodes: Vec<NodeId> = (1..=5).map(|byte| NodeId([byte; 32])).collect();
        let mut queue = OwnQueue::default();
        queue.draw(&nodes, NOW, &mut rng);
        for mailbox in &mut queue.mailboxes {
            mailbox.standing = Standing::Created;
        }
        queue.issue(NOW);
        let began = Tick::default();
        queue.mailboxes[1].failing_since = Some(began);
        assert!(!queue.replace_dead(began.plus(DEAD / 2), NOW, 1), "it may come back");
        assert!(queue.replace_dead(began.plus(DEAD), NOW, 1));
        assert_eq!(queue.mailboxes[1].standing, Standing::Retired);
        assert!(queue.draw(&nodes, NOW, &mut rng));
        assert_eq!(queue.mailboxes.len(), 4);
        queue.mailboxes[3].standing = Standing::Created;
        queue.issue(NOW);

        queue.mailboxes[1].failing_since = Some(began);
        assert!(
            !queue.replace_dead(began.plus(DEAD), NOW, 1),
            "the contact may still write there"
        );
        assert!(
            queue.replace_dead(began.plus(DEAD), NOW, 2),
            "the contact has the new card"
        );
        assert_eq!(queue.mailboxes.len(), 3);
        assert!(
            queue
                .mailboxes
                .iter()
                .all(|mailbox| mailbox.standing == Standing::Named)
        );
    }

    #[test]
    fn all_mailboxes_at_once_are_replaced_soon_if_others_answer_and_not_when_it_may_be_our_own_line() {
        let mut rng = ChaCha20Rng::seed_from_u64(3);
        let nodes: Vec<NodeId> = (1..=9).map(|byte| NodeId([byte; 32])).collect();
        let began = Tick::default();
        for (failing, alone, replaced) in [(3, 2, 3), (2, 2, 0), (3, 1, 0)] {
            let mut queue = OwnQueue::default();
            queue.draw(&nodes, NOW, &mut rng);
            for mailbox in &mut queue.mailboxes {
                mailbox.standing = Standing::Created;
            }
            queue.issue(NOW);
            for mailbox in queue.mailboxes.iter_mut().take(failing) {
                mailbox.failing_since = Some(began);
                mailbox.failed_alone = alone;
            }
            queue.replace_dead(began.plus(DEAD_TOGETHER / 2), NOW, 1);
            let retired = |queue: &OwnQueue| {
                let retired = queue.mailboxes.iter().filter(|m| m.standing == Standing::Retired);
                retired.count()
            };
            assert_eq!(retired(&queue), 0, "they may come back");
            queue.replace_dead(began.plus(DEAD_TOGETHER), NOW, 1);
            assert_eq!(retired(&queue), replaced, "{failing} failing, {alone} alone");
            queue.replace_dead(began.plus(DEAD), NOW, 1);
            assert_eq!(
                retired(&queue),
                failing,
                "control: in the end they are, however it came"
            );
        }
    }
}
