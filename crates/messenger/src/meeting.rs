//! How two become contacts: requests, ours and theirs, and what a contact's descriptor tells.

use crate::contact::{ContactRecord, ContactState, KnownDevice, OurRequest, SessionSlot, Side};
use crate::conversation;
use crate::event::Event;
use crate::message::Note;
use crate::payload::{Payload, Request};
use crate::peer::Peer;
use crate::queue::TheirQueue;
use crate::receiving::{Verdict, take_card};
use crate::session;
use crate::state::State;
use crate::store::{Changes, StoreError, table};
use crate::strangers::Room;
use outis_crypto::{hash, label};
use outis_identity::{Address, Standing};
use outis_ratchet::{InitialMessage, Prekey, Remote, initiate, respond};
use outis_wire::UnixMillis;
use std::time::Duration;

/// A request is told again after this long without an answer.
pub(crate) const REQUEST_REPEAT: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// A request is made anew, for a newer prekey, when its own is so many days old: its prekey lives for 16.
const REQUEST_RENEWAL: u32 = 8;

/// Requests that wait for an answer.
pub(crate) const INCOMING: usize = 64;

/// What somebody's descriptor says, checked against their address.
pub(crate) struct Found {
    pub(crate) remote: Remote,
    pub(crate) requests: TheirQueue,
    /// What a request has to cost at least.
    pub(crate) price: u32,
}

impl State {
    /// Somebody began a session with us, and did so much work for it.
    pub(crate) fn request_came(&mut self, bytes: &[u8], work: u32) -> Result<Verdict, StoreError> {
        let now = self.now();
        let Ok(message) = InitialMessage::from_bytes(bytes) else {
            return Ok(Verdict::Done);
        };
        let name = request_name(&message);
        if self.store.get::<u32>(table::REQUESTS, &name, 0)?.is_some() {
            return Ok(Verdict::Done);
        }
        let epoch = message.epoch();
        let Some(prekey) = self
            .store
            .get_bytes(table::PREKEYS, &crate::store::NOBODY, u64::from(epoch.0))?
        else {
            return Ok(Verdict::Done);
        };
        let prekey = Prekey::from_record(prekey.dangerously_expose()).map_err(StoreError::Session)?;
        let Some(local) = self.me.local(now) else {
            return Ok(Verdict::Later);
        };
        let Ok(accepted) = respond(&local, &prekey, &message, now) else {
            return Ok(Verdict::Done);
        };
        let Ok(request) = Request::decode(accepted.payload.dangerously_expose()) else {
            return Ok(Verdict::Done);
        };
        let from = *accepted.device.account();
        let device = KnownDevice {
            generation: accepted.device.generation(),
            id: accepted.device.id(),
        };
        let room = self.room_for(&from, work);
        if room == Room::None {
            return Ok(Verdict::Done);
        }
        let mut changes = Changes::new();
        changes.put(table::REQUESTS, &name, 0, &epoch.offset(Prekey::LIFETIME_DAYS + 1).0);
        let known = self.peers.get(&from).map(|peer| peer.record.clone());
        let new = known.is_none();
        let mut record = known.unwrap_or_else(|| ContactRecord::new(ContactState::Incoming, now, &mut self.rng));
        if from == self.address() || record.state == ContactState::Blocked {
            self.store.commit(changes)?;
            return Ok(Verdict::Done);
        }
        let standing = record.device.map_or(Standing::Same, |known| {
            Standing::of((device.generation, device.id), (known.generation, known.id))
        });
        if standing == Standing::Superseded {
            self.store.commit(changes)?;
            return Ok(Verdict::Done);
        }
        let slot = record.open_slot(Side::Them, device);
        session::put(&mut changes, &from, slot, &accepted.session);
        take_card(&mut record, slot, &request.card);
        record.nickname.clone_from(&request.nickname);
        // Whoever begins anew may have forgotten which card of ours they had.
        record.card_known = 0;
        let mut renewed = Vec::new();
        match record.state {
            ContactState::Incoming | ContactState::Declined => {
                record.greeting.clone_from(&request.greeting);
                record.work = record.work.max(work);
                record.request_name = Some(name);
                record.says_known = request.known && new;
                record.device = Some(device);
                record.sending = Some(slot);
            }
            ContactState::Requested => {
                // Both asked, so both have accepted; the session begun by the smaller account key stays.
                let ours = record.sending.filter(|_| record.request.is_some());
                record.state = ContactState::Accepted;
                record.request = None;
                record.owes_acceptance = true;
                record.device = Some(device);
                record.sending = if self.address() < from {
                    ours.or(Some(slot))
                } else {
                    Some(slot)
                };
            }
            ContactState::Accepted | ContactState::Blocked => {
                renewed = self.new_session(&from, &mut record, &mut changes, slot, device, standing, now)?;
                record.request = None;
                record.owes_acceptance = true;
            }
        }
        for dropped in record.trim_sessions() {
            session::erase(&mut changes, &from, dropped);
        }
        changes.put_contact(&from, &record);
        self.store.commit(changes)?;
        let state = record.state;
        if let Some(peer) = self.peers.get_mut(&from) {
            peer.record = record;
            peer.lane.came += 1;
            peer.lane.card_told.succeeded();
            peer.use_card();
        } else {
            self.peers.insert(from, Peer::new(record));
        }
        if let Room::InPlaceOf(other) = room {
            self.push_out(&other)?;
        }
        if self.asking_price() > self.me.publishing.asked {
            self.me.publication_wanted();
        }
        self.renewed(&from, &renewed);
        self.contact_updated(&from, state);
        self.retry_early(&from)?;
        Ok(Verdict::Done)
    }

    /// Whether this very request was read before, whatever became of it.
    pub(crate) fn was_heard(&self, bytes: &[u8]) -> Result<bool, StoreError> {
        let Ok(message) = InitialMessage::from_bytes(bytes) else {
            return Ok(false);
        };
        let known = self.store.get::<u32>(table::REQUESTS, &request_name(&message), 0)?;
        Ok(known.is_some())
    }

    /// The contact's side of the session is new: what they have not receipted is told in it.
    #[allow(clippy::too_many_arguments)]
    fn new_session(
        &mut self,
        contact: &Address,
        record: &mut ContactRecord,
        changes: &mut Changes,
        slot: u64,
        device: KnownDevice,
        standing: Standing,
        now: UnixMillis,
    ) -> Result<Vec<u64>, StoreError> {
        let successor = standing == Standing::Successor;
        if successor {
            for dropped in record.forget_other_devices(device) {
                session::erase(changes, contact, dropped);
            }
            record.unconfirmed = record.verified;
        }
        let note = if successor { Note::NewDevice } else { Note::NewSession };
        let position = conversation::put_note(changes, contact, record, note, now);
        record.device = Some(device);
        record.sending = Some(slot);
        self.updated(contact, position);
        self.renew(contact, changes, |_, _| true)
    }

    /// A contact's descriptor was read.
    pub(crate) fn found(&mut self, contact: &Address, found: Found) -> Result<(), StoreError> {
        let now = self.now();
        let Some(peer) = self.peers.get_mut(contact) else {
            return Ok(());
        };
        peer.lane.request_queue = Some(found.requests.clone());
        peer.lane.request_price = found.price;
        let device = KnownDevice {
            generation: found.remote.device().generation(),
            id: found.remote.device().id(),
        };
        let standing = peer
            .record
            .device
            .map(|known| Standing::of((device.generation, device.id), (known.generation, known.id)));
        let state = peer.record.state;
        let unanswered = peer.record.request.as_ref().map(|request| {
            let age = now.epoch().0.saturating_sub(request.made_for.0);
            age > REQUEST_RENEWAL
        });
        let begin = match (state, standing) {
            (_, Some(Standing::Superseded)) => false,
            (ContactState::Requested, Some(Standing::Same)) => unanswered.unwrap_or(true),
            (ContactState::Requested, _) => true,
            (ContactState::Accepted, Some(Standing::Successor)) => true,
            (ContactState::Accepted, Some(Standing::Same)) => unanswered == Some(true),
            _ => false,
        };
        if begin {
            self.begin_session(contact, &found.remote, device, standing, now)
        } else {
            Ok(())
        }
    }

    fn begin_session(
        &mut self,
        contact: &Address,
        remote: &Remote,
        device: KnownDevice,
        standing: Option<Standing>,
        now: UnixMillis,
    ) -> Result<(), StoreError> {
        let Some(peer) = self.peers.get(contact) else {
            return Ok(());
        };
        let Some(card) = peer.queue.card(peer.record.outgoing.stream, &self.requests, contact) else {
            return Ok(());
        };
        let mut record = peer.record.clone();
        let accepted = record.state == ContactState::Accepted;
        let request = Request {
            version: Request::VERSION,
            nickname: self.me.nickname.clone(),
            greeting: record.greeting.clone().filter(|_| !accepted),
            known: accepted,
            card,
        };
        let Some(local) = self.me.local(now) else { return Ok(()) };
        let Ok((session, message)) = initiate(&mut self.rng, &local, remote, &request.encode()) else {
            return Ok(());
        };
        let mut changes = Changes::new();
        let slot = record.open_slot(Side::Us, device);
        session::put(&mut changes, contact, slot, &session);
        let mut renewed = Vec::new();
        if accepted {
            renewed = self.new_session(
                contact,
                &mut record,
                &mut changes,
                slot,
                device,
                standing.unwrap_or(Standing::Same),
                now,
            )?;
        } else {
            record.device = Some(device);
            record.sending = Some(slot);
        }
        record.request = Some(OurRequest {
            message: Payload::Initial(message.to_bytes()).encode(),
            made_for: message.epoch(),
            put_at: None,
        });
        for dropped in record.trim_sessions() {
            session::erase(&mut changes, contact, dropped);
        }
        changes.put_contact(contact, &record);
        self.store.commit(changes)?;
        if let Some(peer) = self.peers.get_mut(contact) {
            peer.record = record;
        }
        self.renewed(contact, &renewed);
        self.events.push(Event::ContactUpdated(*contact));
        Ok(())
    }

    /// Our request lies in a mailbox of theirs, or in none.
    pub(crate) fn request_put(&mut self, contact: &Address, stored: bool) -> Result<(), StoreError> {
        let now = self.now();
        let tick = self.tick;
        let invited = self.peers.get(contact).is_some_and(|peer| peer.record.token.is_some());
        if invited {
            // Good for one try, whatever came of it: from now on we ask as strangers do.
            self.change(contact, |record, _| record.token = None)?;
        }
        let Some(peer) = self.peers.get_mut(contact) else {
            return Ok(());
        };
        if !stored && invited {
            return Ok(());
        }
        if !stored {
            peer.lane
                .request_put
                .failed(tick, Duration::from_secs(10), Duration::from_secs(3_600), &mut self.rng);
            peer.lane.request_queue = None;
            return Ok(());
        }
        peer.lane.request_put.succeeded();
        // Before it is repeated, their descriptor is read again: device, prekey and queue may be others by then.
        peer.lane.request_queue = None;
        self.change(contact, |record, _| {
            if let Some(request) = &mut record.request {
                request.put_at = Some(now);
            }
        })?;
        Ok(())
    }
}

/// Under which name a request is remembered.
fn request_name(message: &InitialMessage) -> [u8; 32] {
    hash(label::MESSENGER_REQUEST, &[&message.hash().0])
}

impl ContactRecord {
    fn open_slot(&mut self, begun_by: Side, device: KnownDevice) -> u64 {
        let slot = self.next_slot;
        self.next_slot = slot.saturating_add(1);
        self.sessions.push(SessionSlot { slot, begun_by, device });
        slot
    }

    /// Takes the oldest sessions that are too many off the list, never the one that is sent in.
    fn trim_sessions(&mut self) -> Vec<u64> {
        let mut dropped = Vec::new();
        while self.sessions.len() > Self::SESSIONS {
            let Some(at) = self.sessions.iter().position(|known| Some(known.slot) != self.sending) else {
                break;
            };
            dropped.push(self.sessions.remove(at).slot);
        }
        dropped
    }

    /// Takes the sessions with other devices off the list: a superseded device is never listened to again.
    fn forget_other_devices(&mut self, device: KnownDevice) -> Vec<u64> {
        let (kept, dropped): (Vec<_>, Vec<_>) = self.sessions.iter().partition(|known| known.device.id == device.id);
        self.sessions = kept;
        dropped.iter().map(|known| known.slot).collect()
    }
}

#[cfg(test)]
mod tests;
