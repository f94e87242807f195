//! What was recorded on a link, read as it comes: Ethernet, IPv4 and IPv6, UDP and TCP.
//!
//! Strict where it matters: what is not understood is not skipped but told, so that it counts as traffic.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// One packet on a host's link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    /// In or out, as the host sees it.
    pub way: Way,
    /// What it is.
    pub kind: Kind,
}

/// Which way a packet goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// To the host.
    In,
    /// From the host.
    Out,
}

/// What a packet is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// Between two sockets.
    Datagram(Datagram),
    /// What kernels say to their neighbours on a link, by which no program speaks: ARP, neighbour and multicast discovery.
    Neighbours,
    /// A kernel says that a packet of a program reached nobody (ICMP, type 3).
    Unreachable {
        /// Who says it.
        from: IpAddr,
        /// To whom.
        to: IpAddr,
    },
    /// All else, in words.
    Other(String),
}

/// A UDP datagram or a TCP segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Datagram {
    /// `udp` or `tcp`.
    pub over: &'static str,
    /// Who sends it.
    pub from: SocketAddr,
    /// To whom.
    pub to: SocketAddr,
    /// What is in it.
    pub payload: Vec<u8>,
}

/// Reads what `outis-record` writes, in pieces of any size: frames of Ethernet, each behind its length (4, big-endian).
pub struct Reader {
    own: IpAddr,
    kept: Vec<u8>,
}

impl Reader {
    /// For the link of the host that has this address.
    pub fn of(own: IpAddr) -> Self {
        Self { own, kept: Vec::new() }
    }

    /// The packets that are whole now.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<Packet> {
        self.kept.extend_from_slice(bytes);
        let (mut packets, mut at) = (Vec::new(), 0);
        while let Some(length) = self.kept.get(at..at + 4) {
            let length = u32::from_be_bytes([length[0], length[1], length[2], length[3]]) as usize;
            let Some(frame) = self.kept.get(at + 4..at + 4 + length) else {
                break;
            };
            packets.push(self.of_frame(frame));
            at += 4 + length;
        }
        self.kept.drain(..at);
        packets
    }

    /// Ethernet: to (6), from (6), type (2).
    fn of_frame(&self, frame: &[u8]) -> Packet {
        let body = &frame[14..];
        let kind = match half(frame, 12) {
            0x0806 => Kind::Neighbours,
            0x0800 => of_ipv4(body),
            0x86dd => of_ipv6(body),
            other => Kind::Other(format!("an Ethernet frame of type {other:#06x}")),
        };
        let from = match &kind {
            Kind::Datagram(datagram) => Some(datagram.from.ip()),
            Kind::Unreachable { from, .. } => Some(*from),
            Kind::Neighbours | Kind::Other(_) => None,
        };
        let is_own = from.is_some_and(|from| from == self.own || from.is_loopback());
        let way = if is_own { Way::Out } else { Way::In };
        Packet { way, kind }
    }
}

fn of_ipv4(packet: &[u8]) -> Kind {
    let address = |at: usize| {
        IpAddr::V4(Ipv4Addr::new(
            packet[at],
            packet[at + 1],
            packet[at + 2],
            packet[at + 3],
        ))
    };
    let (header, total) = (usize::from(packet[0] & 15) * 4, usize::from(half(packet, 2)));
    let (from, to) = (address(12), address(16));
    // More fragments, or not the first.
    if half(packet, 6) & 0x3fff != 0 {
        return Kind::Other(format!("a fragment from {from} to {to}"));
    }
    // Offloading leaves the length of what is longer than a packet may be at zero.
    let end = if total == 0 { packet.len() } else { total };
    let body = &packet[header..end];
    if packet[9] == 1 && body[0] == 3 {
        return Kind::Unreachable { from, to };
    }
    of_transport(packet[9], from, to, body)
}

fn of_ipv6(packet: &[u8]) -> Kind {
    let address = |at: usize| {
        let octets: [u8; 16] = packet[at..at + 16].try_into().expect("sixteen bytes");
        IpAddr::V6(Ipv6Addr::from(octets))
    };
    let (from, to) = (address(8), address(24));
    let (mut next, mut body) = (packet[6], &packet[40..]);
    // Hop-by-hop options, as before a multicast report.
    if next == 0 {
        next = body[0];
        body = &body[8 + usize::from(body[1]) * 8..];
    }
    match (next, body[0]) {
        // RFC 4861 (solicitations and advertisements) and RFC 3810 (multicast reports).
        (58, 130..=136 | 143) => Kind::Neighbours,
        _ => of_transport(next, from, to, body),
    }
}

fn of_transport(protocol: u8, from: IpAddr, to: IpAddr, body: &[u8]) -> Kind {
    let (over, header) = match protocol {
        17 => ("udp", 8),
        6 => ("tcp", usize::from(body[12] >> 4) * 4),
        _ => return Kind::Other(format!("protocol {protocol} from {from} to {to}")),
    };
    Kind::Datagram(Datagram {
        over,
        from: SocketAddr::new(from, half(body, 0)),
        to: SocketAddr::new(to, half(body, 2)),
        payload: body[header..].to_vec(),
    })
}

fn half(bytes: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([bytes[at], bytes[at + 1]])
}
