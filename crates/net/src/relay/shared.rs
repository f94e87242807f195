//! What the tasks of a relay have in common, and how it issues its descriptor.

use super::{StartError, key::Identity, shelf::SharedShelf};
use crate::{
    address::{self, Scoping},
    clock::now,
    known::Known,
};
use libp2p::Multiaddr;
use outis_onion::{Link, RelayAddress, RelayDescriptor, Roles, SignedDescriptor, Software};
use outis_wire::{Epoch, NetworkName, NodeId, UnixMillis};
use std::{
    collections::BTreeSet,
    sync::{Mutex, MutexGuard, PoisonError},
};
use tokio::sync::{Notify, watch};

/// What the tasks of a relay have in common. No lock in it is held across an await.
pub(super) struct Shared {
    pub(super) network: NetworkName,
    pub(super) scope: Scoping,
    pub(super) node: NodeId,
    pub(super) shelf: SharedShelf,
    pub(super) known: Mutex<Known>,
    pub(super) identity: Mutex<Identity>,
    /// Where the swarm listens, ports filled in.
    pub(super) listening: Mutex<BTreeSet<RelayAddress>>,
    pub(super) own: watch::Sender<Option<SignedDescriptor>>,
    pub(super) relays_known: watch::Sender<usize>,
    /// Wakes the finder: there is somebody to meet.
    pub(super) learned: Notify,
}

impl Shared {
    pub(super) fn known(&self) -> MutexGuard<'_, Known> {
        lock(&self.known)
    }

    pub(super) fn own_descriptor(&self) -> Option<SignedDescriptor> {
        self.own.borrow().clone()
    }

    /// Keeps a verified descriptor of another relay.
    pub(super) fn learn(&self, descriptor: RelayDescriptor, signed: SignedDescriptor) {
        if descriptor.node == self.node {
            return;
        }
        let (is_new, relays_known) = {
            let mut known = self.known();
            (known.learn(descriptor, signed), known.len())
        };
        if is_new {
            self.learned.notify_one();
        }
        self.relays_known
            .send_if_modified(|count| std::mem::replace(count, relays_known) != relays_known);
    }

    pub(super) fn listening(&self, address: &Multiaddr) {
        let Ok((at, _)) = address::from_multiaddr(address) else {
            return;
        };
        if lock(&self.listening).insert(at) {
            self.issue(now().epoch());
        }
    }

    pub(super) fn not_listening(&self, address: &Multiaddr) {
        let Ok((at, _)) = address::from_multiaddr(address) else {
            return;
        };
        if lock(&self.listening).remove(&at) {
            self.issue(now().epoch());
        }
    }

    /// Issues the day's descriptor, if it has not been.
    pub(super) fn renew(&self, now: UnixMillis) {
        let issued = lock(&self.identity).issued.0;
        if self.own_descriptor().is_none() || issued != now.epoch() {
            self.issue(now.epoch());
        }
    }

    fn issue(&self, today: Epoch) {
        match self.sign(today) {
            Ok(descriptor) => {
                self.own.send_replace(descriptor);
            }
            // The old one counts for days yet.
            Err(_) => tracing::error!("could not issue a relay descriptor"),
        }
    }

    /// Where it listens, best first: see [`crate::transport`].
    pub(super) fn listens(&self) -> Vec<RelayAddress> {
        let mut listening: Vec<_> = lock(&self.listening).iter().copied().collect();
        listening.sort_by_key(|at| at.link != Link::Tcp);
        listening
    }

    /// Nothing if it listens nowhere that counts.
    fn sign(&self, today: Epoch) -> Result<Option<SignedDescriptor>, StartError> {
        let listening = self.listens();
        let mut addresses: Vec<_> = listening
            .into_iter()
            .filter(|at| at.is_within(self.scope.scope()))
            .collect();
        addresses.truncate(RelayDescriptor::MAX_ADDRESSES);
        if addresses.is_empty() {
            return Ok(None);
        }
        let mut identity = lock(&self.identity);
        let revision = identity.issue(&self.shelf, today)?;
        let onion_key = identity
            .onion
            .public(today)
            .ok_or(StartError::Damaged("today's onion key"))?;
        let descriptor = RelayDescriptor {
            node: self.node,
            epoch: today,
            revision,
            addresses,
            onion_key,
            roles: ROLES,
            software: Software::this(),
        };
        descriptor
            .sign(&identity.key, &self.network)
            .map(Some)
            .map_err(|_| StartError::Damaged("the relay's key"))
    }
}

/// Takes one of a relay's locks.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing that holds one of a relay's locks panics half-way through a change.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What every relay of this version does.
const ROLES: Roles = Roles::HOP
    .and(Roles::GUARD)
    .and(Roles::MAILBOX)
    .and(Roles::DIRECTORY)
    .and(Roles::RENDEZVOUS);
