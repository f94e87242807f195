//! Which roads there should be now.

use super::roads::{End, RoadEnd, RoadJob};
use super::signal::{Call, Fault};
use super::transfer::Rest;
use super::{Phase, Road, Side, Signal};
use crate::contact::ContactState;
use crate::event::Event;
use crate::message::{Direction, TransferId};
use crate::plan::Plan;
use crate::queue::sample;
use crate::state::State;
use crate::store::StoreError;
use crate::work::{Job, Task};
use outis_identity::Address;
use outis_mailbox::rendezvous::Cookie;
use outis_transfer::Geometry;
use std::sync::Arc;
use std::time::Duration;

impl State {
    /// Roads to open: those that we draw for what we want, and those that the other side told us of.
    pub(crate) fn plan_transfers(&mut self, plan: &mut Plan) -> Result<(), StoreError> {
        self.plan_wishes(plan);
        let going: Vec<(TransferId, Address, Direction, Phase)> = self
            .transfers
            .iter()
            .filter(|(_, known)| !known.record.phase.is_over() && !known.record.is_paused())
            .map(|(id, known)| (*id, known.record.contact, known.record.direction, known.record.phase))
            .collect();
        for (id, contact, direction, phase) in going {
            let accepted = |state: &Self| {
                let peer = state.peers.get(&contact);
                peer.is_some_and(|peer| peer.record.state == ContactState::Accepted)
            };
            if !accepted(self) {
                continue;
            }
            if direction == Direction::Out {
                self.plan_lockers(plan, &id)?;
            }
            if phase != Phase::Wanted {
                continue;
            }
            let open: usize = self.transfers.values().map(|known| known.roads).sum();
            let room = ROADS_IN_ALL.saturating_sub(open);
            let roads = match direction {
                Direction::Out => self.called_roads(&id, room),
                Direction::In => self.draw_roads(plan, &id, &contact, room)?,
            };
            for road in roads {
                if let Some(job) = self.road_job(&id, road) {
                    plan.jobs.push((Task::Road(id, job.number), Job::Road(Box::new(job))));
                }
            }
        }
        Ok(())
    }

    fn plan_wishes(&mut self, plan: &mut Plan) {
        let wishes: Vec<(TransferId, String)> = self
            .transfers
            .iter_mut()
            .filter_map(|(id, known)| Some((*id, known.wish.take()?)))
            .collect();
        for (id, path) in wishes {
            if let Ok(saving) = self.file_to_save(&id) {
                plan.jobs.push((Task::Save(id), Job::Save { saving, path }));
            }
        }
    }

    /// The sender's: where the receiver waits now.
    fn called_roads(&self, id: &TransferId, room: usize) -> Vec<Road> {
        self.transfers
            .get(id)
            .map(|known| known.live.expected(room.min(ROADS_OF_ONE.saturating_sub(known.roads))))
            .unwrap_or_default()
    }

    fn road_job(&mut self, id: &TransferId, road: Road) -> Option<RoadJob> {
        let isolation = self.fresh_isolation();
        let known = self.transfers.get_mut(id)?;
        let side = match (&known.side, &known.record.source) {
            (Side::Sending(outline), Some(source)) => End::Sending {
                outline: Arc::clone(outline),
                source: source.clone(),
                store: self.store.clone(),
            },
            (Side::Receiving(incoming), _) => End::Receiving(Arc::clone(incoming)),
            _ => return None,
        };
        known.next_road = known.next_road.wrapping_add(1);
        known.roads += 1;
        Some(RoadJob {
            id: *id,
            number: known.next_road,
            road,
            isolation,
            offer: Arc::clone(&known.offer),
            live: Arc::clone(&known.live),
            throttle: Arc::clone(&self.throttle),
            side,
            events: Arc::clone(&self.events),
        })
    }

    /// The receiver's: as many as are worth it at first, and one for each that broke or was given up since. Only when the
    /// last call was heard.
    fn draw_roads(
        &mut self,
        plan: &mut Plan,
        id: &TransferId,
        contact: &Address,
        room: usize,
    ) -> Result<Vec<Road>, StoreError> {
        let tick = self.tick;
        let Some(Side::Receiving(incoming)) = self.transfers.get(id).map(|known| &known.side) else {
            return Ok(Vec::new());
        };
        let progress = incoming.receiver().progress();
        if incoming.is_complete() {
            // The last chunk came to rest, and then we stopped before that was said.
            self.arrived(contact, id)?;
            plan.next = tick;
            return Ok(Vec::new());
        }
        if self.plan_fetch(plan, id) {
            return Ok(Vec::new());
        }
        let Some(known) = self.transfers.get_mut(id) else {
            return Ok(Vec::new());
        };
        let unheard = known.record.told.is_some_and(|number| {
            let peer = self.peers.get(contact);
            peer.is_some_and(|peer| peer.outbox.contains_key(&number))
        });
        if unheard {
            return Ok(Vec::new());
        }
        if std::mem::take(&mut known.called) && known.roads == 0 {
            // They have only just come, and we had stopped waiting there.
            known.again.succeeded();
        }
        let worth = worth(known.offer.geometry(), progress.stored);
        let due = if known.roads == 0 {
            known.again.until()
        } else {
            known.live.give_up_slow(progress.size.saturating_sub(progress.stored));
            plan.wake(tick.plus(LOOK_ROUND), tick);
            known.replace.until()
        };
        if known.roads >= worth || room == 0 || !plan.is_due(due, tick) {
            return Ok(Vec::new());
        }
        let nodes = sample(&self.rendezvous, (worth - known.roads).min(room), &mut self.rng);
        let mut road = |node| Road {
            node,
            cookie: Cookie::random(&mut self.rng),
        };
        let roads: Vec<Road> = nodes.into_iter().map(&mut road).collect();
        if roads.is_empty() {
            return Ok(Vec::new());
        }
        let (tried, longest) = if known.roads == 0 {
            (&mut known.again, AGAIN_LONGEST)
        } else {
            (&mut known.replace, REPLACE_LONGEST)
        };
        tried.failed(tick, AGAIN, longest, &mut self.rng);
        known.called = true;
        let call = Call {
            roads: roads.clone(),
            stored: progress.stored,
        };
        self.signal(contact, id, &Signal::Roads(call), |record, number| {
            record.told = Some(number)
        })?;
        // What was just put into the outbox is sealed and sent when the plan is made again, at once.
        plan.next = tick;
        Ok(roads)
    }

    /// A road has ended.
    pub(crate) fn road_ended(&mut self, id: &TransferId, end: RoadEnd) -> Result<(), StoreError> {
        let tick = self.tick;
        let Some(known) = self.transfers.get_mut(id) else {
            return Ok(());
        };
        known.roads = known.roads.saturating_sub(1);
        let (direction, phase, contact) = (known.record.direction, known.record.phase, known.record.contact);
        let paused = known.record.paused_here.is_some();
        if known.live.moved() && end != RoadEnd::DiskFull {
            known.again.succeeded();
            known.disk_full = false;
        }
        self.events.push(Event::TransferUpdated(*id));
        if phase != Phase::Wanted {
            return Ok(());
        }
        match (end, direction) {
            (RoadEnd::Complete, Direction::Out) => self.end_transfer(id, Phase::Complete),
            (RoadEnd::Complete, Direction::In) => self.arrived(&contact, id),
            (RoadEnd::Cancelled, _) => self.end_transfer(id, Phase::Cancelled),
            (RoadEnd::Unavailable(fault), Direction::Out) => self.fail(id, &contact, fault),
            (RoadEnd::DiskFull, Direction::In) if !paused => {
                known.disk_full = true;
                known.again.failed(tick, AGAIN_LONGEST, AGAIN_LONGEST, &mut self.rng);
                // Where not even that can be stored, it is tried again, now and then.
                self.rest_transfer(id, Rest::DiskFull)
            }
            _ => Ok(()),
        }
    }

    pub(super) fn fail(&mut self, id: &TransferId, contact: &Address, fault: Fault) -> Result<(), StoreError> {
        self.tell_and_end(contact, id, &Signal::Unavailable(fault), Phase::Failed(fault))
    }

    /// Lets a transfer rest, and tells the other side.
    pub(super) fn rest_transfer(&mut self, id: &TransferId, rest: Rest) -> Result<(), StoreError> {
        let Some(contact) = self.transfers.get(id).map(|known| known.record.contact) else {
            return Ok(());
        };
        self.signal(&contact, id, &Signal::Paused, |record, _| {
            record.paused_here = Some(rest)
        })?;
        self.rest_or_go_on(id);
        Ok(())
    }
}

/// Roads that are worth their trouble for what is left.
fn worth(geometry: &Geometry, stored: u64) -> usize {
    match geometry.size().saturating_sub(stored) {
        0..SMALL => 1,
        SMALL..MEDIUM => 2,
        _ => super::signal::MAX_ROADS,
    }
}

const SMALL: u64 = 1024 * 1024;
const MEDIUM: u64 = 8 * 1024 * 1024;

/// Roads of one transfer on which a sender waits or works at once: those of a call, and of the one before.
const ROADS_OF_ONE: usize = 2 * super::signal::MAX_ROADS;

/// Roads of all transfers at once.
const ROADS_IN_ALL: usize = 32;

/// After roads that came to nothing, others are drawn.
const AGAIN: Duration = Duration::from_secs(2);
const AGAIN_LONGEST: Duration = Duration::from_secs(60);
const REPLACE_LONGEST: Duration = Duration::from_secs(5 * 60);

/// How often roads are compared.
const LOOK_ROUND: Duration = Duration::from_secs(5);
