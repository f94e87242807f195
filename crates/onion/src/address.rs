//! Where a relay can be reached.

use outis_wire::{Reader, Tagged};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// An address of a relay: an IP address, a port, and what is spoken there. Never a name, so nobody is asked for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RelayAddress {
    /// What is spoken there.
    pub link: Link,
    /// Where.
    pub socket: SocketAddr,
}

/// How two nodes are connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Link {
    /// QUIC version 1 over UDP.
    Quic,
    /// TCP with Noise and Yamux.
    Tcp,
}

/// Which addresses count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Only those that the whole internet can reach.
    Public,
    /// Private and loopback ones as well: a network of one house or one machine.
    Private,
}

impl RelayAddress {
    /// Whether a node of this scope may dial it.
    pub fn is_within(&self, scope: Scope) -> bool {
        let usable = !self.socket.ip().is_unspecified() && !self.socket.ip().is_multicast() && self.socket.port() != 0;
        usable && (scope == Scope::Private || is_public(self.socket.ip()))
    }

    /// | tag | body                          |
    /// |   1 | QUIC: IPv4 (4) ‖ port (2)     |
    /// |   2 | QUIC: IPv6 (16) ‖ port (2)    |
    /// |   3 | TCP: IPv4 (4) ‖ port (2)      |
    /// |   4 | TCP: IPv6 (16) ‖ port (2)     |
    pub(crate) fn to_tagged(self) -> Tagged {
        let tag = match (self.link, self.socket.ip()) {
            (Link::Quic, IpAddr::V4(_)) => 1,
            (Link::Quic, IpAddr::V6(_)) => 2,
            (Link::Tcp, IpAddr::V4(_)) => 3,
            (Link::Tcp, IpAddr::V6(_)) => 4,
        };
        let mut body = match self.socket.ip() {
            IpAddr::V4(ip) => ip.octets().to_vec(),
            IpAddr::V6(ip) => ip.octets().to_vec(),
        };
        body.extend(self.socket.port().to_be_bytes());
        Tagged { tag, body }
    }

    /// `Ok(None)` for a kind that this version does not know.
    pub(crate) fn from_tagged(tagged: &Tagged) -> Result<Option<Self>, BadAddress> {
        let mut reader = Reader::new(&tagged.body);
        let (link, ip) = match tagged.tag {
            1 | 3 => (
                tagged.tag,
                IpAddr::V4(Ipv4Addr::from(reader.array::<4>().map_err(|_| BadAddress)?)),
            ),
            2 | 4 => (
                tagged.tag,
                IpAddr::V6(Ipv6Addr::from(reader.array::<16>().map_err(|_| BadAddress)?)),
            ),
            _ => return Ok(None),
        };
        let link = if link <= 2 { Link::Quic } else { Link::Tcp };
        let port = reader.u16().map_err(|_| BadAddress)?;
        // An IPv4 address inside an IPv6 one would be a second spelling that slips past every rule about IPv4.
        let is_mapped = matches!(ip, IpAddr::V6(ip) if ip.to_ipv4_mapped().is_some());
        if !reader.is_empty() || is_mapped {
            return Err(BadAddress);
        }
        Ok(Some(Self {
            link,
            socket: SocketAddr::new(ip, port),
        }))
    }
}

/// An address of a known kind that is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct BadAddress;

/// Whether the whole internet can reach it, after the
/// [IANA special-purpose registries](https://www.iana.org/assignments/iana-ipv4-special-registry).
pub fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let special = ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_multicast()
        || ip.is_documentation()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (18..20).contains(&b));
    !special
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let [first, second, ..] = ip.segments();
    // Global unicast is 2000::/3; inside it are documentation, the 2001::/23 protocol assignments, and 6to4 (which hides
    // an IPv4 address).
    let global = (0x2000..0x4000).contains(&first);
    let special = (first == 0x2001 && (second == 0x0db8 || second < 0x0200))
        || first == 0x2002
        || (first == 0x3fff && second < 0x1000);
    global && !special
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_what_the_internet_can_reach_is_public() {
        for public in [
            "1.1.1.1",
            "100.128.0.1",
            "172.32.0.1",
            "198.20.0.1",
            "2a00:1450::1",
            "2600::1",
        ] {
            assert!(is_public(public.parse().expect("an address")), "{public}");
        }
        let private = "0.0.0.0 0.1.2.3 10.0.0.1 100.64.0.1 127.0.0.1 169.254.1.1 172.16.0.1 192.0.0.8 192.0.2.1 192.88.99.1 \
            192.168.1.1 198.18.0.1 198.51.100.1 203.0.113.1 224.0.0.1 240.0.0.1 255.255.255.255 :: ::1 ::ffff:1.1.1.1 \
            64:ff9b::1 100::1 2001::1 2001:db8::1 2002:0a00:0001::1 3fff::1 fc00::1 fe80::1 ff02::1";
        for private in private.split_whitespace() {
            assert!(!is_public(private.parse().expect("an address")), "{private}");
        }
    }

    #[test]
    fn a_private_address_counts_only_on_a_private_network() {
        let at = |socket: &str| RelayAddress {
            link: Link::Tcp,
            socket: socket.parse().expect("a socket"),
        };
        assert!(at("127.0.0.1:4001").is_within(Scope::Private));
        assert!(!at("127.0.0.1:4001").is_within(Scope::Public));
        assert!(at("1.1.1.1:4001").is_within(Scope::Public));
        for nowhere in ["0.0.0.0:4001", "1.1.1.1:0", "224.0.0.1:1", "[::]:4001"] {
            assert!(!at(nowhere).is_within(Scope::Private), "{nowhere}");
        }
    }

    #[test]
    fn an_unknown_kind_is_skipped_and_a_wrong_length_or_a_mapped_address_refused() {
        let of = |tag, body: &[u8]| {
            RelayAddress::from_tagged(&Tagged {
                tag,
                body: body.to_vec(),
            })
        };
        assert_eq!(of(99, b"whatever"), Ok(None));
        assert_eq!(of(1, &[1, 1, 1, 1, 0]), Err(BadAddress));
        assert_eq!(of(1, &[1, 1, 1, 1, 0, 80, 0]), Err(BadAddress));
        let mapped = "::ffff:10.0.0.1".parse::<Ipv6Addr>().expect("an address").octets();
        assert_eq!(of(2, &[&mapped[..], &[0, 80]].concat()), Err(BadAddress));
    }

    proptest! {
        #[test]
        fn an_address_survives_its_encoding(quic: bool, v4: Option<[u8; 4]>, v6: [u8; 16], port: u16) {
            let ip = v4.map_or(IpAddr::from(v6), IpAddr::from);
            prop_assume!(!matches!(ip, IpAddr::V6(ip) if ip.to_ipv4_mapped().is_some()));
            let link = if quic { Link::Quic } else { Link::Tcp };
            let address = RelayAddress { link, socket: SocketAddr::new(ip, port) };
            prop_assert_eq!(RelayAddress::from_tagged(&address.to_tagged()), Ok(Some(address)));
        }
    }
}
