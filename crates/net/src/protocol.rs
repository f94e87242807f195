//! The names of our protocols. All of them carry the network's name, so nodes of two networks have nothing to say to each
//! other. (The two that libp2p names itself, identify and ping, carry nothing of ours.)

use libp2p::{PeerId, StreamProtocol, identify, identity::PublicKey, ping};
use outis_wire::NetworkName;
use std::time::Duration;

/// The directory, asked directly: by relays, and by clients that know too few relays for a circuit.
pub(crate) fn directory(network: &NetworkName) -> StreamProtocol {
    named(network, "directory")
}

/// Circuits.
pub(crate) fn circuit(network: &NetworkName) -> StreamProtocol {
    named(network, "circuit")
}

/// Kademlia between relays.
pub(crate) fn kademlia(network: &NetworkName) -> StreamProtocol {
    named(network, "kad")
}

/// Identify that says the same for every node of a role: no version, no addresses of ours (a relay's are in its descriptor,
/// a client has none), no signed record.
pub(crate) fn identify(network: &NetworkName, key: PublicKey) -> identify::Behaviour {
    let config = identify::Config::new(network.protocol_id("node", VERSION), key)
        .with_agent_version(AGENT.to_owned())
        .with_hide_listen_addrs(true)
        .with_push_listen_addr_updates(false)
        .with_cache_size(0)
        .with_interval(IDENTIFY_EVERY);
    identify::Behaviour::new(config)
}

/// Notices a TCP connection whose other end is gone without a word. (QUIC does so by itself.)
pub(crate) fn ping() -> ping::Behaviour {
    ping::Behaviour::new(ping::Config::new().with_interval(PING_EVERY).with_timeout(PING_TIMEOUT))
}

/// The connections to close when a ping failed: the peer, unless it just does not speak ping.
pub(crate) fn gone(event: &ping::Event) -> Option<PeerId> {
    match &event.result {
        Err(ping::Failure::Timeout | ping::Failure::Other { .. }) => Some(event.peer),
        Ok(_) | Err(ping::Failure::Unsupported) => None,
    }
}

fn named(network: &NetworkName, protocol: &str) -> StreamProtocol {
    StreamProtocol::try_from_owned(network.protocol_id(protocol, VERSION)).expect("a protocol id begins with a slash")
}

const VERSION: u8 = 1;

/// All that a node says of its program.
const AGENT: &str = "outis";

/// Nothing that identify tells ever changes.
const IDENTIFY_EVERY: Duration = Duration::from_secs(24 * 60 * 60);

const PING_EVERY: Duration = Duration::from_secs(15);
const PING_TIMEOUT: Duration = Duration::from_secs(10);
