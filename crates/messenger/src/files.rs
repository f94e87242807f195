//! Files: offers, answers, and how far each transfer is. Chunks move in [`roads`].
//!
//! The receiver drives: it draws relays and cookies, tells them in the session, and opens its ends; the sender opens the
//! other ends when it hears of them. What breaks is begun anew by the receiver, and what was stored is never sent again. New
//! roads are told only when the last ones are known to have been heard of, so that somebody who is away finds one call and
//! not a thousand.

mod commands;
pub(crate) mod roads;
mod signal;
mod transfer;

pub use commands::FileError;
pub(crate) use commands::{Saving, outline};
pub(crate) use signal::{Road, Signal};
pub(crate) use transfer::{Known, Phase, Side, TransferRecord};
pub use transfer::{Transfer, TransferState};

use crate::contact::ContactState;
use crate::content::{Content, FileOffer, FileSignal};
use crate::event::Event;
use crate::message::{Direction, TransferId};
use crate::plan::Plan;
use crate::queue::sample;
use crate::state::State;
use crate::store::{Changes, StoreError, table};
use crate::work::{Job, Task};
use outis_identity::Address;
use outis_mailbox::rendezvous::Cookie;
use outis_transfer::Offer;
use outis_vault::FileId;
use roads::{RoadEnd, RoadJob};
use std::sync::Arc;
use std::time::Duration;

/// The transfer that an offer is about; `None` for an offer of a newer version.
pub(crate) fn transfer_of(offer: &FileOffer) -> Option<TransferId> {
    Offer::decode(&offer.offer).ok().map(|offer| TransferId(offer.id().0))
}

/// What is stored when an offer comes, in the commit of its message.
pub(crate) fn offer_came(changes: &mut Changes, contact: &Address, position: u64, offer: &FileOffer) {
    let Some(id) = transfer_of(offer) else { return };
    let record = TransferRecord {
        contact: *contact,
        direction: Direction::In,
        position,
        offer: offer.offer.clone(),
        phase: Phase::Offered,
        path: None,
        told: None,
    };
    changes.put(table::TRANSFERS, &id.0, 0, &record);
}

impl State {
    /// A content about files came and is stored.
    pub(crate) fn file_content_came(&mut self, contact: &Address, content: &Content) -> Result<(), StoreError> {
        match content {
            Content::FileOffer(offer) => {
                if let Some(id) = transfer_of(offer)
                    && !self.transfers.contains_key(&id)
                    && let Some(known) = Known::load(&self.store, &id)?
                {
                    self.transfers.insert(id, known);
                    self.events.push(Event::TransferUpdated(id));
                }
                Ok(())
            }
            Content::FileSignal(signal) => self.signal_came(contact, signal),
            _ => Ok(()),
        }
    }

    fn signal_came(&mut self, contact: &Address, signal: &FileSignal) -> Result<(), StoreError> {
        let id = TransferId(signal.transfer);
        let Some(known) = self.transfers.get(&id).filter(|known| known.record.contact == *contact) else {
            return Ok(());
        };
        let (direction, phase) = (known.record.direction, known.record.phase);
        let over = matches!(
            phase,
            Phase::Complete | Phase::Declined | Phase::Cancelled | Phase::Failed
        );
        match (Signal::from_tagged(&signal.signal), direction) {
            (Some(Signal::Roads(roads)), Direction::Out) if !over => {
                if phase == Phase::Offered {
                    self.set_phase(&id, Phase::Wanted)?;
                }
                if let Some(known) = self
                    .transfers
                    .get_mut(&id)
                    .filter(|known| known.record.phase == Phase::Wanted)
                {
                    known.live.expect(roads);
                }
                Ok(())
            }
            (Some(Signal::Complete), Direction::Out) if phase != Phase::Cancelled => {
                self.set_phase(&id, Phase::Complete)
            }
            (Some(Signal::Declined), Direction::Out) if !over => self.set_phase(&id, Phase::Declined),
            (Some(Signal::Cancelled), _) if !over => self.stop_transfer(&id, Phase::Cancelled),
            (Some(Signal::Unavailable), Direction::In) if !over => self.stop_transfer(&id, Phase::Failed),
            _ => Ok(()),
        }
    }

    /// Roads to open: those that we draw for what we want, and those that the other side told us of.
    pub(crate) fn plan_transfers(&mut self, plan: &mut Plan) -> Result<(), StoreError> {
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
        let ids: Vec<TransferId> = self
            .transfers
            .iter()
            .filter(|(_, known)| known.record.phase == Phase::Wanted)
            .map(|(id, _)| *id)
            .collect();
        for id in ids {
            let Some(known) = self.transfers.get(&id) else { continue };
            let contact = known.record.contact;
            if self
                .peers
                .get(&contact)
                .is_none_or(|peer| peer.record.state != ContactState::Accepted)
            {
                continue;
            }
            let roads = match known.record.direction {
                Direction::Out => known.live.expected(),
                Direction::In => self.draw_roads(plan, &id, &contact)?,
            };
            for road in roads {
                let isolation = self.fresh_isolation();
                let Some(known) = self.transfers.get_mut(&id) else {
                    continue;
                };
                known.next_road = known.next_road.wrapping_add(1);
                known.roads += 1;
                let task = Task::Road(id, known.next_road);
                let job = RoadJob {
                    id,
                    road,
                    isolation,
                    offer: Arc::clone(&known.offer),
                    live: Arc::clone(&known.live),
                    side: match &known.side {
                        Side::Sending(outline) => roads::End::Sending {
                            outline: Arc::clone(outline),
                            path: known.record.path.clone().unwrap_or_default(),
                        },
                        Side::Receiving(receiver) => roads::End::Receiving {
                            receiver: Arc::clone(receiver),
                            store: self.store.clone(),
                        },
                    },
                    events: Arc::clone(&self.events),
                };
                plan.jobs.push((task, Job::Road(Box::new(job))));
            }
        }
        Ok(())
    }

    /// The receiver's call: only while no road is there and the last call was heard.
    fn draw_roads(&mut self, plan: &mut Plan, id: &TransferId, contact: &Address) -> Result<Vec<Road>, StoreError> {
        let tick = self.tick;
        let Some(known) = self.transfers.get(id) else {
            return Ok(Vec::new());
        };
        if let Side::Receiving(receiver) = &known.side
            && roads::lock(receiver).is_complete()
        {
            // The last chunk came to rest, and then we stopped before that was said.
            self.arrived(contact, id)?;
            plan.next = tick;
            return Ok(Vec::new());
        }
        let unheard = known.record.told.is_some_and(|number| {
            self.peers
                .get(contact)
                .is_some_and(|peer| peer.outbox.contains_key(&number))
        });
        if known.roads > 0 || unheard || !plan.is_due(known.again.until(), tick) {
            return Ok(Vec::new());
        }
        let nodes = sample(&self.rendezvous, ROADS, &mut self.rng);
        let roads: Vec<Road> = nodes
            .into_iter()
            .map(|node| Road {
                node,
                cookie: Cookie::random(&mut self.rng),
            })
            .collect();
        if roads.is_empty() {
            return Ok(Vec::new());
        }
        self.signal(contact, id, &Signal::Roads(roads.clone()), |record, number| {
            record.told = Some(number)
        })?;
        if let Some(known) = self.transfers.get_mut(id) {
            known.again.failed(tick, AGAIN, AGAIN_LONGEST, &mut self.rng);
        }
        // What was just put into the outbox is sealed and sent when the plan is made again, at once.
        plan.next = tick;
        Ok(roads)
    }

    /// A road has ended.
    pub(crate) fn road_ended(&mut self, id: &TransferId, end: RoadEnd) -> Result<(), StoreError> {
        let Some(known) = self.transfers.get_mut(id) else {
            return Ok(());
        };
        known.roads = known.roads.saturating_sub(1);
        let (direction, phase, contact) = (known.record.direction, known.record.phase, known.record.contact);
        if known.live.moved() {
            known.again.succeeded();
        }
        self.events.push(Event::TransferUpdated(*id));
        if phase != Phase::Wanted {
            return Ok(());
        }
        match (end, direction) {
            (RoadEnd::Complete, Direction::Out) => self.set_phase(id, Phase::Complete),
            (RoadEnd::Complete, Direction::In) => self.arrived(&contact, id),
            (RoadEnd::Cancelled, _) => self.stop_transfer(id, Phase::Cancelled),
            (RoadEnd::Unreadable, Direction::Out) => {
                self.signal(&contact, id, &Signal::Unavailable, |record, _| {
                    record.phase = Phase::Failed
                })?;
                self.stop_transfer(id, Phase::Failed)
            }
            _ => Ok(()),
        }
    }

    /// All of it rests in the container.
    fn arrived(&mut self, contact: &Address, id: &TransferId) -> Result<(), StoreError> {
        self.signal(contact, id, &Signal::Complete, |record, _| {
            record.phase = Phase::Complete
        })?;
        if let Some(known) = self.transfers.get_mut(id) {
            known.wish = known.record.path.clone();
        }
        Ok(())
    }

    /// Tells the other side, and changes the record in the same commit.
    fn signal(
        &mut self,
        contact: &Address,
        id: &TransferId,
        signal: &Signal,
        change: impl FnOnce(&mut TransferRecord, u64),
    ) -> Result<(), StoreError> {
        let now = self.now();
        let (Some(known), Some(peer)) = (self.transfers.get_mut(id), self.peers.get_mut(contact)) else {
            return Ok(());
        };
        let content = Content::FileSignal(FileSignal {
            transfer: id.0,
            signal: signal.to_tagged(),
        });
        let mut contact_record = peer.record.clone();
        let mut record = known.record.clone();
        let mut changes = Changes::new();
        let (number, unreceipted) = crate::sending::enqueue(
            &mut contact_record,
            &mut changes,
            contact,
            content,
            None,
            now,
            &mut self.rng,
        );
        change(&mut record, number);
        changes.put_contact(contact, &contact_record);
        changes.put(table::TRANSFERS, &id.0, 0, &record);
        self.store.commit(changes)?;
        peer.record = contact_record;
        peer.outbox.insert(number, unreceipted);
        known.record = record;
        self.events.push(Event::TransferUpdated(*id));
        Ok(())
    }

    fn set_phase(&mut self, id: &TransferId, phase: Phase) -> Result<(), StoreError> {
        let Some(known) = self.transfers.get_mut(id) else {
            return Ok(());
        };
        let mut record = known.record.clone();
        record.phase = phase;
        let mut changes = Changes::new();
        changes.put(table::TRANSFERS, &id.0, 0, &record);
        self.store.commit(changes)?;
        known.record = record;
        self.events.push(Event::TransferUpdated(*id));
        Ok(())
    }

    /// Ends a transfer for good; what had come of an unfinished file is erased.
    fn stop_transfer(&mut self, id: &TransferId, phase: Phase) -> Result<(), StoreError> {
        self.set_phase(id, phase)?;
        let Some(known) = self.transfers.get(id) else {
            return Ok(());
        };
        known.live.stop();
        if known.record.direction == Direction::In {
            // Bytes that cannot be removed now are swept when the container is opened next.
            let _ = self.store.vault().files().remove(FileId(id.0));
        }
        Ok(())
    }

    /// All transfers, or those with one contact.
    pub(crate) fn shown_transfers(&self, contact: Option<&Address>) -> Vec<Transfer> {
        let with = |known: &Known| contact.is_none_or(|contact| known.record.contact == *contact);
        self.transfers
            .iter()
            .filter(|(_, known)| with(known))
            .map(|(id, known)| known.shown(*id))
            .collect()
    }

    /// One transfer.
    pub(crate) fn shown_transfer(&self, id: &TransferId) -> Option<Transfer> {
        self.transfers.get(id).map(|known| known.shown(*id))
    }
}

/// Roads that a receiver draws at once.
const ROADS: usize = 2;

/// After roads that came to nothing, others are drawn.
const AGAIN: Duration = Duration::from_secs(2);
const AGAIN_LONGEST: Duration = Duration::from_secs(60);
