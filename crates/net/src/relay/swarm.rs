//! A relay's swarm: what it speaks, and where it listens.

use super::{StartError, records::Records, task};
use crate::{
    Limits, ListenAddress,
    address::{self, Scoping},
    budget::Budget,
    limits, protocol,
    streams::{self, Accept, Stream},
    transport,
};
use futures::StreamExt;
use libp2p::{Swarm, identity::Keypair, kad, swarm::SwarmEvent};
use outis_onion::{Link, RelayAddress};
use outis_wire::NetworkName;
use std::{collections::BTreeSet, io, time::Duration};
use tokio::{sync::mpsc, time};

/// The streams that a relay accepts.
pub(super) struct Accepted {
    pub(super) circuits: mpsc::Receiver<Stream>,
    /// From other relays, and from clients that know too few relays for a circuit.
    pub(super) directories: mpsc::Receiver<Stream>,
}

/// A relay's swarm, and the streams that it accepts.
pub(super) fn build(
    key: &Keypair,
    network: &NetworkName,
    scope: Scoping,
    limits: Limits,
    records: Records,
) -> Result<(Swarm<task::Behaviour>, Accepted), StartError> {
    let transport = transport::build(key, &limits, scope).map_err(|error| StartError::Transport(error.into()))?;
    let config = transport::swarm_config(&limits);
    let budget = Budget::new(limits.memory);
    let protocols = [protocol::circuit(network), protocol::directory(network)];
    let accept = protocols.map(|protocol| Accept {
        protocol,
        queue: limits.accept_queue,
    });
    let (streams, receivers) = streams::Behaviour::new(accept.into(), limits.streams(), budget.clone());
    let [circuits, directories] = <[_; 2]>::try_from(receivers).expect("one queue for each of two protocols");
    let peer = key.public().to_peer_id();
    let mut kad = kad::Behaviour::with_config(peer, records, kademlia(network));
    kad.set_mode(Some(kad::Mode::Server));
    let behaviour = task::Behaviour {
        limits: limits::Behaviour::new(limits, budget),
        identify: protocol::identify(network, key.public()),
        ping: protocol::ping(),
        kad,
        streams,
    };
    let accepted = Accepted { circuits, directories };
    Ok((Swarm::new(transport, behaviour, peer, config), accepted))
}

fn kademlia(network: &NetworkName) -> kad::Config {
    let mut config = kad::Config::new(protocol::kademlia(network));
    config
        .set_record_filtering(kad::StoreInserts::FilterBoth)
        .set_kbucket_inserts(kad::BucketInserts::Manual)
        .set_caching(kad::Caching::Disabled)
        .set_replication_interval(None)
        .set_publication_interval(None)
        .set_provider_publication_interval(None)
        .set_periodic_bootstrap_interval(Some(WALK_EVERY))
        .set_query_timeout(QUERY)
        .set_substreams_timeout(SUBSTREAM)
        .set_max_packet_size(PACKET);
    config
}

/// Listens on all of them and waits for their real ports.
pub(super) async fn listen_everywhere(
    swarm: &mut Swarm<task::Behaviour>,
    listen: &[ListenAddress],
) -> Result<BTreeSet<RelayAddress>, StartError> {
    let failed = |address: ListenAddress, source: io::Error| StartError::Listen { address, source };
    let mut waiting = Vec::new();
    for address in listen {
        must_be_free(&address.0).map_err(|source| failed(*address, source))?;
    }
    for address in listen {
        let listener = swarm
            .listen_on(address::to_multiaddr(&address.0))
            .map_err(|error| failed(*address, io::Error::other(error)))?;
        waiting.push((listener, *address));
    }
    let mut listening = BTreeSet::new();
    while let Some((_, first)) = waiting.first().copied() {
        let event = time::timeout(LISTENING, swarm.select_next_some());
        match event.await.map_err(|_| failed(first, io::ErrorKind::TimedOut.into()))? {
            SwarmEvent::NewListenAddr { listener_id, address } => {
                if let Ok((at, _)) = address::from_multiaddr(&address) {
                    listening.insert(at);
                }
                waiting.retain(|(listener, _)| *listener != listener_id);
            }
            SwarmEvent::ListenerClosed {
                listener_id, reason, ..
            } => {
                let closed = waiting.iter().find(|(listener, _)| *listener == listener_id);
                if let Some((_, address)) = closed {
                    return Err(failed(
                        *address,
                        reason.err().unwrap_or_else(|| io::ErrorKind::AddrNotAvailable.into()),
                    ));
                }
            }
            _ => {}
        }
    }
    Ok(listening)
}

/// libp2p lets sockets of TCP share a port (`SO_REUSEPORT`), also with another relay of the same user: connections would then
/// reach one of the two by chance. One that asks for the port alone is refused if it is taken.
fn must_be_free(address: &RelayAddress) -> io::Result<()> {
    match address.link {
        Link::Tcp => std::net::TcpListener::bind(address.socket).map(drop),
        Link::Quic => Ok(()),
    }
}

/// For an address to be bound.
const LISTENING: Duration = Duration::from_secs(5);

/// Between two walks that keep Kademlia's table fresh.
const WALK_EVERY: Duration = Duration::from_secs(15 * 60);

/// For one look-up in Kademlia.
const QUERY: Duration = Duration::from_secs(10);

/// For one question to one node.
const SUBSTREAM: Duration = Duration::from_secs(5);

/// The longest record and what is around it; an answer lists twenty nodes of up to eight addresses.
const PACKET: usize = 24 * 1024;
