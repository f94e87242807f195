//! The relays that a node knows, and how they behaved. Pure: the time is given.

use crate::{PeerAddress, address::Scoping};
use outis_onion::{RelayAddress, RelayDescriptor, Roles, Scope, SignedDescriptor};
use outis_wire::{Epoch, NetworkName, NodeId, UnixMillis, decode, encode};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// Relays by id. Bounded: beyond [`Known::MOST`] a new one takes the place of one that does not answer, or none.
#[derive(Debug, Default)]
pub(crate) struct Known {
    relays: BTreeMap<NodeId, Relay>,
    hints: BTreeMap<NodeId, Hint>,
}

/// A relay that we have a descriptor of.
#[derive(Debug, Clone)]
struct Relay {
    descriptor: SignedDescriptor,
    epoch: Epoch,
    revision: u32,
    addresses: Vec<RelayAddress>,
    roles: Roles,
    health: Health,
}

/// An address that somebody gave us for a node.
#[derive(Debug, Clone, Default)]
struct Hint {
    addresses: BTreeSet<RelayAddress>,
    health: Health,
}

/// How attempts to reach a node went.
#[derive(Debug, Clone, Copy, Default)]
struct Health {
    failures: u32,
    retry_at: UnixMillis,
}

/// What a client remembers from one start to the next. Opaque to all others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClientState(pub Vec<u8>);

impl Known {
    /// Relays remembered.
    pub(crate) const MOST: usize = 2_000;

    /// Reads what [`Self::to_state`] wrote. Whatever no longer verifies is left out: a remembered relay is only a saving.
    ///
    /// Gives also what the relays say, and what is kept of circuits.
    pub(crate) fn from_state(
        state: &ClientState,
        network: &NetworkName,
        scope: &Scoping,
        now: UnixMillis,
    ) -> (Self, Vec<RelayDescriptor>, Kept) {
        let mut known = Self::default();
        let mut verified = Vec::new();
        let Ok((STATE_VERSION, memory)) = decode::<(u8, Memory)>(&state.0, STATE_MOST) else {
            return (known, verified, Kept::default());
        };
        let Memory {
            private,
            hints,
            relays,
            circuits,
        } = memory;
        if private {
            scope.widen();
        }
        hints
            .iter()
            .filter_map(|hint| hint.parse().ok())
            .for_each(|hint| known.hint(hint));
        for Remembered {
            descriptor,
            failures,
            retry_at,
        } in relays
        {
            let Ok(signed) = SignedDescriptor::from_bytes(&descriptor) else {
                continue;
            };
            let Ok(descriptor) = signed.verify(network, scope.scope(), now.epoch()) else {
                continue;
            };
            let node = descriptor.node;
            verified.push(descriptor.clone());
            known.learn(descriptor, signed);
            if let Some(relay) = known.relays.get_mut(&node) {
                // A clock that was wrong must not lock a relay out for long.
                relay.health = Health {
                    failures,
                    retry_at: retry_at.min(now.plus(LONGEST_BACK_OFF)),
                };
            }
        }
        (known, verified, circuits)
    }

    /// What is worth remembering: what a person typed, what is kept of circuits, then the relays, those that answer first, as
    /// many as fit.
    pub(crate) fn to_state(&self, scope: &Scoping, circuits: Kept) -> ClientState {
        let mut hints = Vec::new();
        for (node, hint) in &self.hints {
            hints.extend(
                hint.addresses
                    .iter()
                    .map(|at| PeerAddress { node: *node, at: *at }.to_string()),
            );
        }
        hints.truncate(HINTS_MOST);
        let mut relays: Vec<_> = self.relays.values().collect();
        relays.sort_by_key(|relay| relay.health.failures);
        let frames: usize = hints.iter().map(|hint| hint.len() + LENGTH).sum();
        let circuits = circuits.within(STATE_MOST - STATE_FRAME - frames);
        let mut left = STATE_MOST - STATE_FRAME - frames - circuits.len();
        let mut remembered = Vec::new();
        for relay in relays {
            let descriptor = relay.descriptor.to_bytes();
            let Some(rest) = left.checked_sub(descriptor.len() + REMEMBERED_FRAME) else {
                break;
            };
            left = rest;
            let Health { failures, retry_at } = relay.health;
            remembered.push(Remembered {
                descriptor,
                failures,
                retry_at,
            });
        }
        let private = scope.scope() == Scope::Private;
        ClientState(encode(&(
            STATE_VERSION,
            Memory {
                private,
                hints,
                relays: remembered,
                circuits,
            },
        )))
    }

    /// Takes a verified descriptor. Says whether it told anything new.
    pub(crate) fn learn(&mut self, descriptor: RelayDescriptor, signed: SignedDescriptor) -> bool {
        let RelayDescriptor {
            node,
            epoch,
            revision,
            addresses,
            roles,
            ..
        } = descriptor;
        if !self.relays.contains_key(&node) && !self.make_room() {
            return false;
        }
        let health = match self.relays.get(&node) {
            Some(known) if (known.epoch, known.revision) >= (epoch, revision) => return false,
            // A new word is a sign of life, and perhaps of another place.
            Some(_) => Health::default(),
            None => self.hints.get(&node).map(|hint| hint.health).unwrap_or_default(),
        };
        let relay = Relay {
            descriptor: signed,
            epoch,
            revision,
            addresses,
            roles,
            health,
        };
        self.relays.insert(node, relay);
        true
    }

    /// Whether this very descriptor was verified before: then it need not be again.
    pub(crate) fn holds(&self, signed: &SignedDescriptor) -> bool {
        let known = signed.claimed_node().and_then(|node| self.relays.get(&node));
        known.is_some_and(|relay| relay.descriptor == *signed)
    }

    /// Takes an address that a person typed or an invite carried.
    pub(crate) fn hint(&mut self, PeerAddress { node, at }: PeerAddress) {
        if self.hints.len() >= HINTS_MOST && !self.hints.contains_key(&node) {
            return;
        }
        let hint = self.hints.entry(node).or_default();
        if hint.addresses.len() < RelayDescriptor::MAX_ADDRESSES {
            hint.addresses.insert(at);
        }
        // Somebody vouches for it anew.
        hint.health = Health::default();
        if let Some(relay) = self.relays.get_mut(&node) {
            relay.health = Health::default();
        }
    }

    /// Where to dial a node.
    pub(crate) fn addresses(&self, node: &NodeId, now: UnixMillis) -> Lookup {
        let relay = self.relays.get(node);
        let hint = self.hints.get(node);
        let Some(health) = relay.map(|relay| relay.health).or(hint.map(|hint| hint.health)) else {
            return Lookup::Unknown;
        };
        if health.retry_at > now {
            return Lookup::BackingOff;
        }
        let mut addresses = relay.map(|relay| relay.addresses.clone()).unwrap_or_default();
        let hinted = hint.into_iter().flat_map(|hint| hint.addresses.iter().copied());
        for address in hinted {
            if !addresses.contains(&address) {
                addresses.push(address);
            }
        }
        Lookup::At(addresses)
    }

    /// Notes that a node was reached.
    pub(crate) fn reached(&mut self, node: &NodeId) {
        self.health(node, |health| *health = Health::default());
    }

    /// Forgets all failures: they were ours.
    pub(crate) fn forgive(&mut self) {
        self.relays
            .values_mut()
            .for_each(|relay| relay.health = Health::default());
        self.hints.values_mut().for_each(|hint| hint.health = Health::default());
    }

    /// Notes that a node was not reached: it is left alone for a while, longer each time.
    pub(crate) fn failed(&mut self, node: &NodeId, now: UnixMillis) {
        self.health(node, |health| {
            let wait = SHORTEST_BACK_OFF
                .saturating_mul(1 << health.failures.min(10))
                .min(LONGEST_BACK_OFF);
            *health = Health {
                failures: health.failures.saturating_add(1),
                retry_at: now.plus(wait),
            };
        });
    }

    /// Relays with all of these roles that are not known to be away.
    pub(crate) fn with_roles(&self, roles: Roles) -> Vec<NodeId> {
        let fits = |relay: &Relay| relay.roles.contains(roles) && relay.health.failures < AWAY_AFTER;
        self.relays
            .iter()
            .filter(|(_, relay)| fits(relay))
            .map(|(node, _)| *node)
            .collect()
    }

    /// Those one may ask now: relays if there are any, else hints.
    pub(crate) fn askable(&self, now: UnixMillis) -> Vec<NodeId> {
        let ready = |health: &Health| health.retry_at <= now;
        let relays: Vec<NodeId> = (self.relays.iter())
            .filter(|(_, relay)| ready(&relay.health) && relay.roles.contains(Roles::DIRECTORY))
            .map(|(node, _)| *node)
            .collect();
        if !relays.is_empty() {
            return relays;
        }
        self.hints
            .iter()
            .filter(|(_, hint)| ready(&hint.health))
            .map(|(node, _)| *node)
            .collect()
    }

    /// All relays with their addresses that may be tried now, and the hints among them.
    pub(crate) fn reachable(&self, now: UnixMillis) -> Vec<(NodeId, Vec<RelayAddress>)> {
        let nodes: BTreeSet<NodeId> = self.relays.keys().chain(self.hints.keys()).copied().collect();
        let at = |node: NodeId| match self.addresses(&node, now) {
            Lookup::At(addresses) => Some((node, addresses)),
            Lookup::BackingOff | Lookup::Unknown => None,
        };
        nodes.into_iter().filter_map(at).collect()
    }

    /// When the next of those that are left alone may be tried again.
    pub(crate) fn next_retry(&self, now: UnixMillis) -> Option<UnixMillis> {
        let healths = self
            .relays
            .values()
            .map(|r| &r.health)
            .chain(self.hints.values().map(|h| &h.health));
        healths.map(|health| health.retry_at).filter(|at| *at > now).min()
    }

    /// The descriptors of relays that are not known to be away.
    pub(crate) fn descriptors(&self) -> Vec<&SignedDescriptor> {
        let here = self.relays.values().filter(|relay| relay.health.failures < AWAY_AFTER);
        here.map(|relay| &relay.descriptor).collect()
    }

    /// Forgets descriptors whose days are over.
    pub(crate) fn forget_old(&mut self, today: Epoch) {
        self.relays
            .retain(|_, relay| today.offset(-RelayDescriptor::DAYS_KEPT) <= relay.epoch);
    }

    /// Whether it has not answered for a while.
    pub(crate) fn is_away(&self, node: &NodeId) -> bool {
        self.relays
            .get(node)
            .is_some_and(|relay| relay.health.failures >= AWAY_AFTER)
    }

    /// Whether there is a descriptor of it.
    pub(crate) fn knows(&self, node: &NodeId) -> bool {
        self.relays.contains_key(node)
    }

    /// Its descriptor.
    pub(crate) fn signed(&self, node: &NodeId) -> Option<SignedDescriptor> {
        self.relays.get(node).map(|relay| relay.descriptor.clone())
    }

    /// Those whose addresses a person typed or an invite carried.
    pub(crate) fn hinted(&self) -> Vec<NodeId> {
        self.hints.keys().copied().collect()
    }

    /// Whether it did not answer when it was last tried.
    pub(crate) fn is_silent(&self, node: &NodeId) -> bool {
        let relay = self.relays.get(node).map(|relay| relay.health);
        let hint = self.hints.get(node).map(|hint| hint.health);
        relay.or(hint).is_some_and(|health| health.failures > 0)
    }

    /// How many relays are known.
    pub(crate) fn len(&self) -> usize {
        self.relays.len()
    }

    fn health(&mut self, node: &NodeId, change: impl Fn(&mut Health)) {
        if let Some(relay) = self.relays.get_mut(node) {
            change(&mut relay.health);
        }
        if let Some(hint) = self.hints.get_mut(node) {
            change(&mut hint.health);
        }
    }

    fn make_room(&mut self) -> bool {
        if self.relays.len() < Self::MOST {
            return true;
        }
        let away = self.relays.iter().max_by_key(|(_, relay)| relay.health.failures);
        let Some((node, relay)) = away else { return true };
        if relay.health.failures < AWAY_AFTER {
            return false;
        }
        let node = *node;
        self.relays.remove(&node);
        true
    }
}

/// What is known of a node's whereabouts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Lookup {
    /// Dial these.
    At(Vec<RelayAddress>),
    /// It did not answer a moment ago.
    BackingOff,
    /// Nothing.
    Unknown,
}

/// What rests from one start to the next.
#[derive(Serialize, Deserialize)]
struct Memory {
    /// Whether its owner has let private addresses count.
    private: bool,
    hints: Vec<String>,
    relays: Vec<Remembered>,
    circuits: Kept,
}

/// What is kept of circuits, each as a record of its own.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Kept {
    pub(crate) guards: Vec<u8>,
    /// Circuits to one relay.
    pub(crate) ends: Vec<u8>,
    /// Circuits of one way.
    pub(crate) ways: Vec<u8>,
}

impl Kept {
    /// As much of it as fits: without guards an account would draw new ones, so they come first.
    fn within(mut self, most: usize) -> Self {
        let mut left = most;
        for record in [&mut self.guards, &mut self.ends, &mut self.ways] {
            match left.checked_sub(record.len()) {
                Some(rest) => left = rest,
                None => record.clear(),
            }
        }
        self
    }

    fn len(&self) -> usize {
        self.guards.len() + self.ends.len() + self.ways.len()
    }
}

#[derive(Serialize, Deserialize)]
struct Remembered {
    descriptor: Vec<u8>,
    failures: u32,
    retry_at: UnixMillis,
}

/// Nobody types more.
const HINTS_MOST: usize = 64;

/// After so many failures in a row a relay is not offered any more until it answers or is vouched for.
const AWAY_AFTER: u32 = 3;

const SHORTEST_BACK_OFF: Duration = Duration::from_millis(250);

/// Short, since dialling costs little, and a relay that comes back should be found soon.
const LONGEST_BACK_OFF: Duration = Duration::from_secs(10);

const STATE_VERSION: u8 = 1;

/// Small enough to rest in one record of a container.
const STATE_MOST: usize = 120 * 1024;

/// Version, flag and counts.
const STATE_FRAME: usize = 20;

/// Of a hint.
const LENGTH: usize = 2;

/// Length, failures and time of one remembered relay.
const REMEMBERED_FRAME: usize = 20;

#[cfg(test)]
mod tests;
