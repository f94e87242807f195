//! Which relays may stand in one circuit.

use crate::{RelayDescriptor, Roles, Scope, draw::one_of, is_public};
use outis_crypto::CryptoRng;
use outis_wire::NodeId;
use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

/// The relays that circuits are drawn from: those of which a current descriptor was verified.
#[derive(Debug, Clone)]
pub struct Relays {
    scope: Scope,
    own: BTreeSet<NodeId>,
    known: BTreeMap<NodeId, Standing>,
    /// Those that are known, to draw from.
    nodes: Vec<NodeId>,
}

/// The three relays of a circuit, before its endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Path {
    /// Who sees our address.
    pub guard: NodeId,
    /// Out of a small set.
    pub second: NodeId,
    /// Who is seen by the endpoint.
    pub third: NodeId,
}

impl Relays {
    /// So many relays that pass circuits on are needed before any circuit is built.
    pub const LEAST: usize = 6;

    /// None known yet. In [`Scope::Private`] two relays may stand in one network of addresses: all of them do.
    pub fn new(scope: Scope) -> Self {
        Self {
            scope,
            own: BTreeSet::new(),
            known: BTreeMap::new(),
            nodes: Vec::new(),
        }
    }

    /// A relay of our own, which never stands in a circuit of ours.
    pub fn exclude(&mut self, own: NodeId) {
        self.own.insert(own);
    }

    /// One relay more, or what it says now.
    pub fn insert(&mut self, descriptor: &RelayDescriptor) {
        let networks = descriptor
            .addresses
            .iter()
            .map(|address| Network::of(address.socket.ip()));
        let standing = Standing {
            roles: descriptor.roles,
            networks: networks.collect(),
        };
        if self.known.insert(descriptor.node, standing).is_none() {
            self.nodes.push(descriptor.node);
        }
    }

    /// One relay less: its descriptor is over.
    pub fn remove(&mut self, node: NodeId) {
        if self.known.remove(&node).is_some() {
            self.nodes.retain(|other| *other != node);
        }
    }

    /// Whether enough are known for a circuit to hide anything.
    pub fn is_enough(&self) -> bool {
        self.hops().count() >= Self::LEAST
    }

    /// Whether this relay is known to pass circuits on, and not our own.
    pub fn is_hop(&self, node: NodeId) -> bool {
        self.has(node, Roles::HOP)
    }

    /// Whether it may be the first of a circuit.
    pub fn is_guard(&self, node: NodeId) -> bool {
        self.has(node, Roles::HOP.and(Roles::GUARD))
    }

    /// Whether a circuit over `path` may end at `endpoint`. Its own standing is no matter but for where it is: we do not choose
    /// it.
    pub fn fits(&self, path: &Path, endpoint: NodeId) -> bool {
        let Path { guard, second, third } = *path;
        self.known.contains_key(&endpoint) && self.are_apart(endpoint, &[guard, second, third])
    }

    /// Relays that pass circuits on, in order of their ids.
    pub(crate) fn hops(&self) -> impl Iterator<Item = NodeId> {
        self.known.keys().copied().filter(|node| self.is_hop(*node))
    }

    /// Relays that may be guards, in order of their ids.
    pub(crate) fn guards(&self) -> impl Iterator<Item = NodeId> {
        self.known.keys().copied().filter(|node| self.is_guard(*node))
    }

    /// Any hop that may stand together with these, each as likely as the others.
    pub(crate) fn draw_apart(&self, others: &[NodeId], rng: &mut impl CryptoRng) -> Option<NodeId> {
        let may = |node: &NodeId| self.is_hop(*node) && self.are_apart(*node, others);
        let drawn = (0..QUICK_DRAWS).find_map(|_| one_of(&self.nodes, rng).copied().filter(may));
        // Where few may, one of these few.
        drawn.or_else(|| {
            let few: Vec<NodeId> = self.nodes.iter().copied().filter(may).collect();
            one_of(&few, rng).copied()
        })
    }

    /// Whether the relay is none of `others` and, where that counts, in no network with one of them.
    pub(crate) fn are_apart(&self, node: NodeId, others: &[NodeId]) -> bool {
        let networks = |node| self.known.get(node).map(|standing| &standing.networks);
        others.iter().all(|other| {
            let shares = match (networks(&node), networks(other)) {
                (Some(ours), Some(theirs)) => !ours.is_disjoint(theirs),
                _ => false,
            };
            node != *other && (self.scope == Scope::Private || !shares)
        })
    }

    pub(crate) fn is_known(&self, node: NodeId) -> bool {
        self.known.contains_key(&node)
    }

    fn has(&self, node: NodeId, roles: Roles) -> bool {
        let known = self
            .known
            .get(&node)
            .is_some_and(|standing| standing.roles.contains(roles));
        known && !self.own.contains(&node)
    }
}

/// Draws before all are looked through.
const QUICK_DRAWS: usize = 16;

#[derive(Debug, Clone)]
struct Standing {
    roles: Roles,
    networks: BTreeSet<Network>,
}

/// A network of addresses that one hand may well hold: /16 of IPv4, /32 of IPv6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Network {
    V4([u8; 2]),
    V6([u8; 4]),
    /// Of private addresses, which say nothing about where one is: apart from all others.
    Private(IpAddr),
}

impl Network {
    fn of(ip: IpAddr) -> Self {
        if !is_public(ip) {
            return Self::Private(ip);
        }
        match ip {
            IpAddr::V4(ip) => {
                let [a, b, ..] = ip.octets();
                Self::V4([a, b])
            }
            IpAddr::V6(ip) => {
                let [a, b, c, d, ..] = ip.octets();
                Self::V6([a, b, c, d])
            }
        }
    }
}

#[cfg(test)]
mod tests;
