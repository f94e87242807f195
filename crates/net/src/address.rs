//! Addresses as text and as libp2p has them, and the few of them that we use.

use libp2p::{Multiaddr, PeerId, identity, multiaddr::Protocol};
use outis_onion::{Link, RelayAddress, Scope, is_public};
use outis_wire::{NetworkName, NodeId};
use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    str::FromStr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// Where a given relay is: `/ip4/…/udp/…/quic-v1/p2p/12D3KooW…` or `/ip6/…/tcp/…/p2p/12D3KooW…`.
///
/// The node id is part of it: an address alone would be whoever sits there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PeerAddress {
    /// The relay.
    pub node: NodeId,
    /// Where it is.
    pub at: RelayAddress,
}

/// Where to listen: as a [`PeerAddress`] without its node id; port 0 stands for any.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ListenAddress(pub RelayAddress);

/// Not an address of the kind asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Not a multiaddr of an IP address with QUIC or TCP. Names are not looked up: that would tell others.
    #[error("expected /ip4/<address>/udp/<port>/quic-v1 or /ip4/<address>/tcp/<port> (or ip6)")]
    Form,
    /// The `/p2p/<node id>` at the end is missing or not that of an Ed25519 key.
    #[error("the address must end in /p2p/<node id>")]
    NodeId,
    /// There is a `/p2p/` where none belongs.
    #[error("a listening address has no node id")]
    UnexpectedNodeId,
}

impl FromStr for PeerAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let (at, node) = parse(text)?;
        Ok(Self {
            at,
            node: node.ok_or(AddressError::NodeId)?,
        })
    }
}

impl fmt::Display for PeerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/p2p/{}", to_multiaddr(&self.at), self.node)
    }
}

impl FromStr for ListenAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        match parse(text)? {
            (at, None) => Ok(Self(at)),
            (_, Some(_)) => Err(AddressError::UnexpectedNodeId),
        }
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        to_multiaddr(&self.0).fmt(f)
    }
}

/// Which addresses count for a node. Clones are the same; it only ever gets wider, by its owner's word.
///
/// Private addresses count on every network but the public one, and there only for those whose owner typed one: nobody
/// else can make them knock on doors in their own house.
#[derive(Debug, Clone)]
pub(crate) struct Scoping(Arc<AtomicBool>);

impl Scoping {
    /// For somebody who was given these.
    pub(crate) fn of<'a>(network: &NetworkName, given: impl IntoIterator<Item = &'a RelayAddress>) -> Self {
        let private = *network != NetworkName::default() || given.into_iter().any(is_private);
        Self(Arc::new(AtomicBool::new(private)))
    }

    /// The owner has typed one more.
    pub(crate) fn given(&self, address: &RelayAddress) {
        if is_private(address) {
            self.widen();
        }
    }

    /// Lets private addresses count from now on.
    pub(crate) fn widen(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Which addresses count now.
    pub(crate) fn scope(&self) -> Scope {
        if self.0.load(Ordering::Relaxed) {
            Scope::Private
        } else {
            Scope::Public
        }
    }
}

/// A place in somebody's house. (All places at once are none.)
pub(crate) fn is_private(address: &RelayAddress) -> bool {
    !address.socket.ip().is_unspecified() && !is_public(address.socket.ip())
}

/// The multiaddr of a relay's address.
pub(crate) fn to_multiaddr(address: &RelayAddress) -> Multiaddr {
    let ip = match address.socket.ip() {
        IpAddr::V4(ip) => Multiaddr::from(ip),
        IpAddr::V6(ip) => Multiaddr::from(ip),
    };
    match address.link {
        Link::Quic => ip.with(Protocol::Udp(address.socket.port())).with(Protocol::QuicV1),
        Link::Tcp => ip.with(Protocol::Tcp(address.socket.port())),
    }
}

/// Reads the forms that we use, and no other: no names, no proxies, no relayed ways.
pub(crate) fn from_multiaddr(address: &Multiaddr) -> Result<(RelayAddress, Option<NodeId>), AddressError> {
    let mut parts = address.iter();
    let ip = match parts.next() {
        Some(Protocol::Ip4(ip)) => IpAddr::V4(ip),
        Some(Protocol::Ip6(ip)) if ip.to_ipv4_mapped().is_none() => IpAddr::V6(ip),
        _ => return Err(AddressError::Form),
    };
    let (link, port) = match parts.next() {
        Some(Protocol::Tcp(port)) => (Link::Tcp, port),
        Some(Protocol::Udp(port)) if parts.next() == Some(Protocol::QuicV1) => (Link::Quic, port),
        _ => return Err(AddressError::Form),
    };
    let node = match parts.next() {
        None => None,
        Some(Protocol::P2p(peer)) => Some(node_of(&peer).ok_or(AddressError::NodeId)?),
        Some(_) => return Err(AddressError::Form),
    };
    if parts.next().is_some() {
        return Err(AddressError::Form);
    }
    Ok((
        RelayAddress {
            link,
            socket: SocketAddr::new(ip, port),
        },
        node,
    ))
}

/// The node whose key a peer id holds; only Ed25519 keys are node ids.
pub(crate) fn node_of(peer: &PeerId) -> Option<NodeId> {
    peer.to_string().parse().ok()
}

/// The peer id of a node, unless its 32 bytes are no key.
pub(crate) fn peer_of(node: &NodeId) -> Option<PeerId> {
    let key = identity::ed25519::PublicKey::try_from_bytes(&node.0).ok()?;
    Some(identity::PublicKey::from(key).to_peer_id())
}

/// A neighbourhood of addresses that one owner may well have whole: an IPv4 /24 or an IPv6 /48.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Prefix {
    V4([u8; 3]),
    V6([u8; 6]),
}

impl Prefix {
    /// Of the address in front of a multiaddr, if the internet can reach it.
    pub(crate) fn of_public(address: &Multiaddr) -> Option<Self> {
        let (at, _) = from_multiaddr(address).ok()?;
        if is_public(at.socket.ip()) {
            Self::of(address)
        } else {
            None
        }
    }

    /// Of the address in front of a multiaddr.
    pub(crate) fn of(address: &Multiaddr) -> Option<Self> {
        match address.iter().next()? {
            Protocol::Ip4(ip) => ip.octets().first_chunk().copied().map(Self::V4),
            Protocol::Ip6(ip) => ip.octets().first_chunk().copied().map(Self::V6),
            _ => None,
        }
    }
}

fn parse(text: &str) -> Result<(RelayAddress, Option<NodeId>), AddressError> {
    if text.len() > TEXT_LIMIT {
        return Err(AddressError::Form);
    }
    from_multiaddr(&text.parse().map_err(|_| AddressError::Form)?)
}

/// The longest of our forms has about 130 characters.
const TEXT_LIMIT: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    const NODE: &str = "12D3KooWBmAwcd4PJNJvfV89HwE48nwkRmAgo8Vy3uQEyNNHBox2";

    #[test]
    fn our_forms_are_read_and_written_alike() {
        for text in [
            "/ip4/127.0.0.1/udp/4001/quic-v1",
            "/ip4/1.2.3.4/tcp/1",
            "/ip6/::1/tcp/0",
            "/ip6/2600::1/udp/9/quic-v1",
        ] {
            assert_eq!(text.parse::<ListenAddress>().map(|a| a.to_string()), Ok(text.into()));
            let with_node = format!("{text}/p2p/{NODE}");
            assert_eq!(
                with_node.parse::<PeerAddress>().map(|a| a.to_string()),
                Ok(with_node.clone())
            );
            assert_eq!(text.parse::<PeerAddress>(), Err(AddressError::NodeId));
            assert_eq!(with_node.parse::<ListenAddress>(), Err(AddressError::UnexpectedNodeId));
        }
    }

    #[test]
    fn names_other_transports_and_relayed_ways_are_refused() {
        let long = format!("/ip4/1.2.3.4/tcp/1{}", "/p2p-circuit".repeat(40));
        for text in [
            "",
            "1.2.3.4:80",
            "/dns4/example.org/tcp/1",
            "/ip4/1.2.3.4/udp/1",
            "/ip4/1.2.3.4/udp/1/quic",
            "/ip4/1.2.3.4/tcp/1/ws",
            "/ip4/1.2.3.4/tcp/1/p2p-circuit",
            "/ip6/::ffff:10.0.0.1/tcp/1",
            "/ip4/1.2.3.4",
            "/memory/1",
            &long,
        ] {
            assert_eq!(text.parse::<ListenAddress>(), Err(AddressError::Form), "{text}");
        }
        let twice = format!("/ip4/1.2.3.4/tcp/1/p2p/{NODE}/p2p/{NODE}");
        assert_eq!(twice.parse::<PeerAddress>(), Err(AddressError::Form));
        let other_key = "/ip4/1.2.3.4/tcp/1/p2p/QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N";
        assert_eq!(other_key.parse::<PeerAddress>(), Err(AddressError::NodeId));
    }

    #[test]
    fn node_ids_and_peer_ids_are_the_same_thing() {
        let node: NodeId = NODE.parse().expect("a node id");
        let peer = peer_of(&node).expect("a key");
        assert_eq!(peer.to_string(), NODE);
        assert_eq!(node_of(&peer), Some(node));
    }

    #[test]
    fn private_addresses_count_where_they_were_asked_for() {
        let at = |text: &str| text.parse::<ListenAddress>().expect("an address").0;
        let main = NetworkName::default();
        let test: NetworkName = "test".parse().expect("a name");
        let scope = |network, given: &[RelayAddress]| Scoping::of(network, given).scope();
        assert_eq!(scope(&main, &[]), Scope::Public);
        assert_eq!(
            scope(&main, &[at("/ip4/0.0.0.0/tcp/1"), at("/ip4/1.2.3.4/tcp/1")]),
            Scope::Public
        );
        assert_eq!(scope(&main, &[at("/ip4/127.0.0.1/tcp/1")]), Scope::Private);
        assert_eq!(scope(&test, &[]), Scope::Private);
        let later = Scoping::of(&main, []);
        later.given(&at("/ip4/1.2.3.4/tcp/1"));
        assert_eq!(later.scope(), Scope::Public);
        later.clone().given(&at("/ip4/192.168.1.2/tcp/1"));
        assert_eq!(later.scope(), Scope::Private);
    }
}
