//! What was seen on a host's link, added up.

use super::packet::{Kind, Packet, Way};
use crate::canary::Needles;
use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
};

/// All that went over one host's link in some time.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Traffic {
    /// Who exchanged what with whom.
    pub flows: BTreeMap<Flow, Volume>,
    /// What is neither a flow nor talk between neighbouring kernels.
    pub other: BTreeSet<String>,
    /// Needles in the payloads of what left the host.
    pub found: BTreeSet<String>,
}

/// Two sockets that exchange packets, seen from one host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Flow {
    /// `udp`, `tcp`, or `icmp` where a kernel said that a packet reached nobody.
    pub over: &'static str,
    /// The host's own end.
    pub local: SocketAddr,
    /// The other end.
    pub remote: SocketAddr,
}

/// How much went each way.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Volume {
    /// Packets that left, and the bytes in them.
    pub sent: (u64, u64),
    /// Packets that came, and the bytes in them.
    pub received: (u64, u64),
}

impl Traffic {
    /// Adds a packet, looking for needles in what leaves.
    pub fn add(&mut self, packet: &Packet, needles: &Needles) {
        let (over, from, to, length) = match &packet.kind {
            Kind::Neighbours => return,
            Kind::Other(what) => {
                self.other.insert(what.clone());
                return;
            }
            Kind::Unreachable { from, to } => ("icmp", SocketAddr::new(*from, 0), SocketAddr::new(*to, 0), 0),
            Kind::Datagram(datagram) => {
                if packet.way == Way::Out {
                    let found = needles.in_bytes(&datagram.payload);
                    self.found.extend(found.into_iter().map(str::to_owned));
                }
                (datagram.over, datagram.from, datagram.to, datagram.payload.len())
            }
        };
        let (local, remote) = match packet.way {
            Way::Out => (from, to),
            Way::In => (to, from),
        };
        let volume = self.flows.entry(Flow { over, local, remote }).or_default();
        let (packets, bytes) = match packet.way {
            Way::Out => &mut volume.sent,
            Way::In => &mut volume.received,
        };
        *packets += 1;
        *bytes += length as u64;
    }

    /// The same host's traffic of another time too.
    pub fn join(&mut self, other: &Self) {
        for (flow, volume) in &other.flows {
            let here = self.flows.entry(*flow).or_default();
            here.sent = (here.sent.0 + volume.sent.0, here.sent.1 + volume.sent.1);
            here.received = (here.received.0 + volume.received.0, here.received.1 + volume.received.1);
        }
        self.other.extend(other.other.iter().cloned());
        self.found.extend(other.found.iter().cloned());
    }
}
