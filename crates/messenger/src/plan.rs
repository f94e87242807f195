//! What there is to do now. Called after everything that happens; what it says depends on the state alone.

use crate::contact::ContactState;
use crate::event::Event;
use crate::files::roads::RoadEnd;
use crate::invites::place_of;
use crate::parcel::{Entry, Parcel};
use crate::payload::Payload;
use crate::peer::Peer;
use crate::queue::TheirQueue;
use crate::receipt::Receipt;
use crate::session;
use crate::state::State;
use crate::store::{Changes, NOBODY, StoreError, table};
use crate::time::Tick;
use crate::work::{Item, Job, Outcome, Owner, Paying, Task};
use outis_crypto::{hash, label};
use outis_identity::Address;
use outis_wire::{Isolation, NodeId};
use rand_core::Rng;
use std::sync::Arc;
use std::time::Duration;

impl State {
    /// Work to begin now, and when to ask again at the latest.
    pub(crate) fn plan(&mut self) -> Result<(Vec<(Task, Job)>, Tick), StoreError> {
        let mut plan = Plan {
            jobs: Vec::new(),
            next: self.tick.plus(LONGEST),
        };
        if self.index_some()? {
            plan.next = self.tick;
        }
        if let Some(next) = self.expire()? {
            plan.wake(next, self.tick);
        }
        if self.relays.is_empty() || self.me.is_superseded() {
            return Ok((plan.jobs, plan.next));
        }
        self.plan_self(&mut plan)?;
        if self.me.may_publish() {
            self.plan_queue(&mut plan, Owner::Requests)?;
        }
        if self.may_speak() {
            self.plan_invites(&mut plan)?;
            self.draw_opening();
            for contact in self.active() {
                self.plan_queue(&mut plan, Owner::Contact(contact))?;
                self.plan_contact(&mut plan, &contact)?;
            }
            self.plan_transfers(&mut plan)?;
        }
        self.plan_deletions(&mut plan);
        for (task, _) in &plan.jobs {
            self.running.insert(*task);
        }
        Ok((plan.jobs, plan.next))
    }

    /// What came of a piece of work.
    pub(crate) fn finished(&mut self, outcome: Outcome) -> Result<(), StoreError> {
        let task = outcome.task();
        self.running.remove(&task);
        match (task, outcome) {
            (Task::Create(owner, id), Outcome::Created { created, .. }) => self.queue_created(owner, id, created)?,
            (Task::Listen(owner, id), Outcome::Deaf { .. }) => self.deaf_to(owner, id),
            (Task::Delete(id), Outcome::Deleted { deleted, .. }) => self.queue_deleted(id, deleted)?,
            (Task::Put(contact, node), Outcome::Put { results, .. }) => self.put_done(&contact, node, &results)?,
            (Task::Request(contact), Outcome::Requested { stored, .. }) => self.request_put(&contact, stored > 0)?,
            (Task::WayBack(contact), Outcome::Requested { stored, .. }) => self.way_back_done(&contact, stored > 0),
            (Task::LookUp(contact), Outcome::LookedUp { found, .. }) => {
                let tick = self.tick;
                if let Some(peer) = self.peers.get_mut(&contact) {
                    let plan = &mut peer.lane.look_up;
                    if matches!(found, Ok(Some(_))) {
                        plan.wanted = false;
                        plan.backoff.succeeded();
                    } else {
                        plan.backoff
                            .failed(tick, LOOK_UP_AGAIN, LOOK_UP_AGAIN_LONGEST, &mut self.rng);
                    }
                }
                if let Ok(Some(found)) = found {
                    self.found(&contact, *found)?;
                }
            }
            (Task::LookUpSelf, Outcome::LookedUpSelf { found, .. }) => self.found_self(found)?,
            (Task::Road(id, _), Outcome::RoadEnded { end, .. }) => self.road_ended(&id, end)?,
            (Task::FillLocker(id, queue), Outcome::LockerFilled { stored, .. }) => {
                self.locker_filled(&id, queue, stored)?;
            }
            (Task::EmptyLocker(id), Outcome::LockerEmptied { fetched, .. }) => self.locker_emptied(&id, fetched)?,
            (Task::Road(id, _), Outcome::Lost { .. }) => self.road_ended(&id, RoadEnd::Broken)?,
            (Task::Save(id), Outcome::Saved { .. }) => self.events.push(Event::TransferUpdated(id)),
            (Task::Publish, Outcome::Published { published, .. }) => self.published(published)?,
            _ => {}
        }
        Ok(())
    }

    fn plan_contact(&mut self, plan: &mut Plan, contact: &Address) -> Result<(), StoreError> {
        let tick = self.tick;
        self.mend(plan, contact)?;
        while self.seal_waiting(contact)? {}
        self.seal_loose(contact)?;
        if self.peers.get(contact).is_some_and(Peer::says_something) {
            self.opening.at_once(contact);
        }
        self.plan_request(plan, contact)?;
        self.plan_puts(plan, contact)?;
        self.plan_way_back(plan, contact)?;
        let isolation = self.isolation(Owner::Contact(*contact), Role::LookUp);
        let receipt_due = self.receipt_due(contact);
        let mut in_doubt = false;
        let Some(peer) = self.peers.get_mut(contact) else {
            return Ok(());
        };
        let lane = &mut peer.lane;
        if peer.record.owes_receipt {
            plan.wake(receipt_due, tick);
        }
        if !lane.cannot_open.is_empty() {
            plan.wake(lane.tear.tell_from(), tick);
        }
        if peer.queue.sequence() > peer.record.card_known {
            plan.wake(lane.card_told.until(), tick);
        }
        // No receipt for a while: perhaps they have a new device, or we talk to mailboxes that forget.
        if let Some(since) = lane.waiting_since {
            let due = since.plus(PATIENCE).max(lane.look_up.patience.until());
            if due <= tick {
                lane.look_up.wanted = true;
                lane.look_up
                    .patience
                    .failed(tick, PATIENCE_AGAIN, PATIENCE_LONGEST, &mut self.rng);
                in_doubt = true;
                self.repeat_lowest(contact)?;
                self.plan_puts(plan, contact)?;
            } else {
                plan.wake(due, tick);
            }
        }
        let Some(peer) = self.peers.get_mut(contact) else {
            return Ok(());
        };
        let look_up = peer.lane.look_up;
        if in_doubt {
            // Perhaps it is we who have a new device, and they listen to that.
            self.me.publishing.doubt();
        }
        let task = Task::LookUp(*contact);
        if look_up.wanted && !self.running.contains(&task) && plan.is_due(look_up.backoff.until(), tick) {
            let job = self.look_up(contact, isolation);
            plan.jobs.push((task, job));
        }
        Ok(())
    }

    /// A request that was not put, or not answered for a week; before it is made, their descriptor is read.
    fn plan_request(&mut self, plan: &mut Plan, contact: &Address) -> Result<(), StoreError> {
        let (now, tick) = (self.now(), self.tick);
        let isolation = self.isolation(Owner::Contact(*contact), Role::Requests);
        let Some(peer) = self.peers.get_mut(contact) else {
            return Ok(());
        };
        let record = &peer.record;
        let requested = record.state == ContactState::Requested;
        if !requested && record.request.is_none() {
            return Ok(());
        }
        if peer.queue.sequence() == 0 {
            return Ok(());
        }
        let due = record.request.as_ref().is_none_or(|request| {
            request
                .put_at
                .is_none_or(|at| now.since(at) >= crate::meeting::REQUEST_REPEAT || at.since(now) > CLOCK_JUMP)
        });
        if !due || self.running.contains(&Task::Request(*contact)) || !plan.is_due(peer.lane.request_put.until(), tick)
        {
            return Ok(());
        }
        let (Some(request), Some(to)) = (&record.request, peer.lane.request_queue.clone()) else {
            peer.lane.look_up.wanted = true;
            return Ok(());
        };
        let payload = request.message.clone();
        let (to, paying) = match record.token.as_deref().and_then(place_of) {
            Some(place) => (place, Paying::Invited),
            None => (to, Paying::Work(peer.lane.request_price)),
        };
        let Some(job) = self.request_job(to, paying, isolation, &payload) else {
            return Ok(());
        };
        plan.jobs.push((Task::Request(*contact), job));
        Ok(())
    }

    fn plan_puts(&mut self, plan: &mut Plan, contact: &Address) -> Result<(), StoreError> {
        let tick = self.tick;
        let isolation = self.isolation(Owner::Contact(*contact), Role::Theirs);
        let Some(peer) = self.peers.get(contact) else {
            return Ok(());
        };
        let Some(to) = peer.theirs.clone() else { return Ok(()) };
        for node in to.nodes().collect::<Vec<_>>() {
            let task = Task::Put(*contact, node);
            let Some(peer) = self.peers.get_mut(contact) else {
                return Ok(());
            };
            if self.running.contains(&task) || plan.has(&task) {
                continue;
            }
            let until = peer.lane.way(node).until();
            let loose: Vec<(u64, Arc<Vec<u8>>)> = peer
                .lane
                .loose
                .iter()
                .filter(|loose| !loose.done.contains(&node))
                .map(|loose| (loose.id, Arc::clone(&loose.payload)))
                .collect();
            let numbered: Vec<u64> = peer
                .outbox
                .iter()
                .filter(|(_, u)| u.sealed.is_some() && !u.stored.contains(&node))
                .map(|(number, _)| *number)
                .take(PUTS)
                .collect();
            if loose.is_empty() && numbered.is_empty() || !plan.is_due(until, tick) {
                continue;
            }
            let Some(place) = to.place(node) else { continue };
            let mut items = Vec::new();
            for (id, payload) in loose {
                if let Ok(envelope) = place.seal(&mut self.rng, &payload) {
                    items.push((Item::Loose(id), envelope));
                }
            }
            let mut flying = Vec::new();
            let mut bytes = 0;
            for number in numbered {
                let Some(ciphertext) = self.store.get_bytes(table::SEALED, contact.as_bytes(), number)? else {
                    continue;
                };
                let payload = Payload::Session(ciphertext.dangerously_expose().to_vec()).encode();
                bytes += payload.len();
                if let Ok(envelope) = place.seal(&mut self.rng, &payload) {
                    items.push((Item::Numbered(number), envelope));
                    flying.push(number);
                }
                if bytes > PUT_BYTES {
                    break;
                }
            }
            let Some(peer) = self.peers.get_mut(contact) else {
                return Ok(());
            };
            for number in flying {
                if let Some(unreceipted) = peer.outbox.get_mut(&number) {
                    unreceipted.flying.insert(node);
                }
            }
            plan.jobs.push((
                task,
                Job::Put {
                    to: to.clone(),
                    node,
                    isolation: at(isolation, node),
                    items,
                },
            ));
        }
        Ok(())
    }

    /// All of their mailboxes fail: they are told where we are through their request queue, in the session.
    fn plan_way_back(&mut self, plan: &mut Plan, contact: &Address) -> Result<(), StoreError> {
        let tick = self.tick;
        let isolation = self.isolation(Owner::Contact(*contact), Role::Requests);
        let Some(peer) = self.peers.get_mut(contact) else {
            return Ok(());
        };
        let task = Task::WayBack(*contact);
        if !peer.record.may_send() || !peer.is_cut_off() || self.running.contains(&task) {
            return Ok(());
        }
        if !plan.is_due(peer.lane.look_up.way_back.until(), tick) {
            return Ok(());
        }
        let Some(to) = peer.lane.request_queue.clone() else {
            peer.lane.look_up.wanted = true;
            return Ok(());
        };
        let passes = Paying::Passes(peer.theirs.clone());
        let Some(payload) = self.seal_way_back(contact)? else {
            return Ok(());
        };
        let Some(job) = self.request_job(to, passes, isolation, &payload) else {
            return Ok(());
        };
        plan.jobs.push((task, job));
        Ok(())
    }

    /// Our card and what we have, as one message of the session.
    fn seal_way_back(&mut self, contact: &Address) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(peer) = self.peers.get(contact) else {
            return Ok(None);
        };
        let (Some(slot), Some(card)) = (
            peer.record.sending,
            peer.queue.card(peer.record.outgoing.stream, &self.requests, contact),
        ) else {
            return Ok(None);
        };
        let Some(current) = session::load(&self.store, contact, slot)? else {
            return Ok(None);
        };
        let stream = peer.record.stream.map_or(0, |(stream, _)| stream);
        let receipt = Receipt::of(
            stream,
            &peer.record.arrived,
            peer.record.told_read(),
            peer.record.their_card(),
        );
        let parcel = Parcel {
            entries: vec![Entry::Card(card), Entry::Receipt(receipt)],
        };
        let Ok((step, ciphertext)) = current.send(&mut self.rng, &parcel.encode()) else {
            return Ok(None);
        };
        let mut changes = Changes::new();
        session::apply(&mut changes, contact, slot, &step);
        self.store.commit(changes)?;
        Ok(Some(Payload::Session(ciphertext).encode()))
    }

    fn way_back_done(&mut self, contact: &Address, stored: bool) {
        let tick = self.tick;
        let Some(peer) = self.peers.get_mut(contact) else {
            return;
        };
        // Either way the descriptor is read again before the next time: their request queue may have moved too.
        peer.lane.request_queue = None;
        let first = if stored { WAY_BACK_AGAIN } else { WAY_BACK_FAILED };
        peer.lane
            .look_up
            .way_back
            .failed(tick, first, PATIENCE_LONGEST, &mut self.rng);
    }

    fn request_job(&mut self, to: TheirQueue, paying: Paying, isolation: Isolation, payload: &[u8]) -> Option<Job> {
        let mut envelopes = Vec::new();
        for node in to.nodes() {
            envelopes.push((node, to.place(node)?.seal(&mut self.rng, payload).ok()?));
        }
        Some(Job::Request {
            to,
            paying,
            isolation,
            envelopes,
        })
    }

    fn put_done(&mut self, contact: &Address, node: NodeId, results: &[(Item, bool)]) -> Result<(), StoreError> {
        let tick = self.tick;
        let reached = results.iter().any(|(_, stored)| *stored);
        let all = results.iter().all(|(_, stored)| *stored);
        if let Some(peer) = self.peers.get_mut(contact) {
            let way = peer.lane.way(node);
            if all {
                way.succeeded();
            } else {
                way.failed(
                    tick,
                    PUT_AGAIN,
                    if reached { PUT_AGAIN } else { PUT_AGAIN_LONGEST },
                    &mut self.rng,
                );
            }
            if reached {
                peer.lane.look_up.way_back.succeeded();
            }
        }
        let numbered: Vec<(u64, bool)> = results
            .iter()
            .filter_map(|(item, stored)| match item {
                Item::Numbered(number) => Some((*number, *stored)),
                Item::Loose(_) => None,
            })
            .collect();
        for (item, stored) in results {
            if let Item::Loose(id) = item {
                self.put_loose(contact, node, *id, *stored)?;
            }
        }
        if numbered.is_empty() {
            Ok(())
        } else {
            self.put_numbered(contact, node, &numbered)
        }
    }

    pub(crate) fn isolation(&self, owner: Owner, role: Role) -> Isolation {
        let whose = match owner {
            Owner::Requests | Owner::Invite(_) => &NOBODY,
            Owner::Contact(ref contact) => contact.as_bytes(),
        };
        isolation(&self.me.record.isolation, whose, role)
    }

    /// A value that no stream had before.
    pub(crate) fn fresh_isolation(&mut self) -> Isolation {
        let mut bytes = [0; 32];
        self.rng.fill_bytes(&mut bytes);
        Isolation(bytes)
    }
}

/// Streams of different roles share no way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Own = 0,
    Theirs = 1,
    Requests = 2,
    LookUp = 3,
}

/// The mailboxes of one queue are reached by ways of their own: whoever sees two of them must not see that they are one's.
pub(crate) fn at(isolation: Isolation, node: NodeId) -> Isolation {
    Isolation(hash(label::MESSENGER_ISOLATION, &[&isolation.0, &node.0]))
}

pub(crate) fn isolation(secret: &[u8; 32], whose: &[u8; 32], role: Role) -> Isolation {
    Isolation(hash(label::MESSENGER_ISOLATION, &[secret, whose, &[role as u8]]))
}

/// Work that was found, and when something else becomes due.
pub(crate) struct Plan {
    pub(crate) jobs: Vec<(Task, Job)>,
    pub(crate) next: Tick,
}

impl Plan {
    pub(crate) fn at(&mut self, due: Tick, now: Tick, job: impl FnOnce() -> (Task, Job)) {
        if self.is_due(due, now) {
            self.jobs.push(job());
        }
    }

    /// Whether `due` has come; if not, the plan is made again then.
    pub(crate) fn is_due(&mut self, due: Tick, now: Tick) -> bool {
        self.wake(due, now);
        due <= now
    }

    pub(crate) fn wake(&mut self, due: Tick, now: Tick) {
        if due > now {
            self.next = self.next.min(due);
        }
    }

    fn has(&self, task: &Task) -> bool {
        self.jobs.iter().any(|(planned, _)| planned == task)
    }
}

/// The loop looks round at least this often.
const LONGEST: Duration = Duration::from_secs(60);

/// Without a receipt for so long, a contact's descriptor is read again.
const PATIENCE: Duration = Duration::from_secs(60);
const PATIENCE_AGAIN: Duration = Duration::from_secs(10 * 60);
pub(crate) const PATIENCE_LONGEST: Duration = Duration::from_secs(6 * 60 * 60);

const LOOK_UP_AGAIN: Duration = Duration::from_secs(2);
const LOOK_UP_AGAIN_LONGEST: Duration = Duration::from_secs(30 * 60);
const PUT_AGAIN: Duration = Duration::from_secs(1);
const PUT_AGAIN_LONGEST: Duration = Duration::from_secs(5 * 60);
const WAY_BACK_AGAIN: Duration = Duration::from_secs(60);
const WAY_BACK_FAILED: Duration = Duration::from_secs(10);

/// Envelopes in one piece of work.
const PUTS: usize = 16;
const PUT_BYTES: usize = 512 * 1024;

/// The wall clock went back by more than clocks differ: what it said then means nothing now.
const CLOCK_JUMP: Duration = Duration::from_secs(4 * 24 * 60 * 60);
