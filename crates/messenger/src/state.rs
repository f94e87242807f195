//! All that the messenger knows. Commands and the loop take turns on it; it is never held across a wait.

use crate::contact::{ContactRecord, ContactState};
use crate::dark::Dark;
use crate::disappearing::Expiring;
use crate::event::{Event, Events};
use crate::files::{Known, Throttle};
use crate::invites::InviteRecord;
use crate::message::{Delivery, MessageId, Step, TransferId};
use crate::opening::Opening;
use crate::own::Me;
use crate::peer::Peer;
use crate::queue::OwnQueue;
use crate::randomness::Randomness;
use crate::store::{Changes, StatusRecord, Store, StoreError, table};
use crate::time::Tick;
use crate::transport::Clock;
use crate::work::{Owner, Running};
use outis_identity::Address;
use outis_mailbox::queue::QueueId;
use outis_wire::{NetworkName, NodeId, Service, UnixMillis};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::time::Instant;

pub(crate) struct State {
    pub(crate) network: NetworkName,
    pub(crate) store: Store,
    pub(crate) me: Me,
    pub(crate) rng: Randomness,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) events: Arc<Events>,
    pub(crate) peers: BTreeMap<Address, Peer>,
    /// Where strangers' requests arrive.
    pub(crate) requests: OwnQueue,
    /// Invites that nobody has used.
    pub(crate) invites: BTreeMap<u64, InviteRecord>,
    /// Relays that join streams, as last seen by the loop, in order.
    pub(crate) rendezvous: Vec<NodeId>,
    pub(crate) transfers: BTreeMap<TransferId, Known>,
    /// What files may take of the line.
    pub(crate) throttle: Arc<Throttle>,
    /// Relays that did not answer lately.
    pub(crate) dark: Dark,
    /// When queues are opened after a start.
    pub(crate) opening: Opening,
    /// Lines that go by themselves.
    pub(crate) expiring: Expiring,
    pub(crate) running: Running,
    /// Now, by the loop.
    pub(crate) tick: Tick,
    /// Queues that were given up and still lie on mailboxes.
    pub(crate) graves: OwnQueue,
    /// Relays that offer mailboxes, as last seen by the loop, in order.
    pub(crate) relays: Vec<NodeId>,
    /// Relays that answer for the directory, as last seen by the loop, in order.
    pub(crate) directories: Vec<NodeId>,
    pub(crate) next_loose: u64,
    /// Lines that the search index has looked at, as far as we know since we started.
    pub(crate) lines_indexed: u64,
    /// Queues to be subscribed to anew: what was left there for later can be taken now.
    pub(crate) deaf: Vec<Owner>,
    /// Queues that were asked, and are left alone for a while.
    pub(crate) resting: Vec<(Owner, QueueId)>,
}

impl State {
    /// The relays there are now.
    pub(crate) fn see(&mut self, relays: impl Fn(Service) -> Vec<NodeId>) {
        let now = Instant::now();
        let sorted = |service| {
            let mut nodes = relays(service);
            nodes.sort_unstable();
            self.dark.lit(nodes, now)
        };
        self.relays = sorted(Service::Mailbox);
        self.directories = sorted(Service::Directory);
        self.rendezvous = sorted(Service::Rendezvous);
    }

    pub(crate) fn now(&self) -> UnixMillis {
        self.clock.now()
    }

    pub(crate) fn address(&self) -> Address {
        self.me.address
    }

    /// Stores a contact's record as `change` leaves it. If the store fails, nothing has changed.
    pub(crate) fn change<R>(
        &mut self,
        contact: &Address,
        change: impl FnOnce(&mut ContactRecord, &mut Changes) -> R,
    ) -> Result<Option<R>, StoreError> {
        let Some(peer) = self.peers.get_mut(contact) else {
            return Ok(None);
        };
        let mut record = peer.record.clone();
        let mut changes = Changes::new();
        let result = change(&mut record, &mut changes);
        changes.put_contact(contact, &record);
        self.store.commit(changes)?;
        peer.record = record;
        self.events.push(Event::ContactUpdated(*contact));
        Ok(Some(result))
    }

    /// Writes a line's new state and its flight steps into `changes`. Gives whether the line shows a change.
    pub(crate) fn advance(
        &self,
        changes: &mut Changes,
        contact: &Address,
        position: u64,
        state: Option<Delivery>,
        steps: impl IntoIterator<Item = Step>,
    ) -> Result<bool, StoreError> {
        let owner = contact.as_bytes();
        let Some(mut status) = self.store.get::<StatusRecord>(table::STATUS, owner, position)? else {
            return Ok(false);
        };
        for step in steps {
            status.flight.log(self.now(), step);
        }
        let changed = state.is_some_and(|state| state != status.state);
        status.state = state.unwrap_or(status.state);
        changes.put(table::STATUS, owner, position, &status);
        Ok(changed)
    }

    pub(crate) fn updated(&self, contact: &Address, position: u64) {
        self.events
            .push(Event::MessageUpdated(MessageId::new(contact, position)));
    }

    /// Whether this device may speak for its account now.
    pub(crate) fn may_speak(&self) -> bool {
        self.me.may_speak()
    }

    /// Contacts that something can be told or asked of.
    pub(crate) fn active(&self) -> Vec<Address> {
        let active = |peer: &Peer| matches!(peer.record.state, ContactState::Requested | ContactState::Accepted);
        self.peers
            .iter()
            .filter(|(_, peer)| active(peer))
            .map(|(address, _)| *address)
            .collect()
    }
}
