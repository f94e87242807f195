//! The task that owns a client's swarm. Everything else talks to it by commands.

use super::Shared;
use crate::{
    address, limits, protocol,
    streams::{self, OpenFailure, Request, Stream},
};
use futures::{StreamExt, channel::oneshot};
use libp2p::{
    Multiaddr, PeerId, StreamProtocol, Swarm, identify, ping,
    swarm::{NetworkBehaviour, SwarmEvent},
};
use std::{sync::Arc, time::Duration};
use tokio::{sync::mpsc, time};

/// What a client's swarm does: nothing but open streams, and say the same of itself as all clients.
#[derive(NetworkBehaviour)]
pub(super) struct Behaviour {
    pub(super) limits: limits::Behaviour,
    pub(super) identify: identify::Behaviour,
    pub(super) ping: ping::Behaviour,
    pub(super) streams: streams::Behaviour,
}

/// What the task is asked to do.
pub(super) enum Command {
    /// Open a stream, dialling if need be.
    Open {
        peer: PeerId,
        addresses: Vec<Multiaddr>,
        protocol: StreamProtocol,
        reply: Reply,
    },
    /// Close all connections and end.
    Shutdown,
}

type Reply = oneshot::Sender<Result<Stream, OpenFailure>>;

/// Runs until told to shut down or until nobody can tell any more.
pub(super) async fn run(mut swarm: Swarm<Behaviour>, mut commands: mpsc::Receiver<Command>, shared: Arc<Shared>) {
    loop {
        tokio::select! {
            biased;
            command = commands.recv() => match command {
                Some(Command::Open { peer, addresses, protocol, reply }) => {
                    swarm.behaviour_mut().streams.open(peer, addresses, Request { protocol, reply });
                }
                Some(Command::Shutdown) | None => break,
            },
            event = swarm.select_next_some() => on_event(&mut swarm, event, &shared),
        }
    }
    drop(commands);
    // Saying goodbye spares the relays a timeout.
    let peers: Vec<PeerId> = swarm.connected_peers().copied().collect();
    for peer in peers {
        // Fails only for a peer that is gone already.
        let _ = swarm.disconnect_peer_id(peer);
    }
    let goodbye = async {
        while swarm.connected_peers().next().is_some() {
            swarm.select_next_some().await;
        }
    };
    // A relay that does not answer is left behind.
    let _ = time::timeout(GOODBYE, goodbye).await;
}

fn on_event(swarm: &mut Swarm<Behaviour>, event: SwarmEvent<BehaviourEvent>, shared: &Shared) {
    match event {
        SwarmEvent::ConnectionEstablished { peer_id, .. } => {
            if let Some(node) = address::node_of(&peer_id) {
                shared.reached(&node);
            }
            shared.connections(swarm.connected_peers().count());
        }
        SwarmEvent::ConnectionClosed { .. } => shared.connections(swarm.connected_peers().count()),
        SwarmEvent::OutgoingConnectionError {
            peer_id: Some(peer), ..
        } => {
            if let Some(node) = address::node_of(&peer)
                && !swarm.is_connected(&peer)
            {
                shared.failed(&node);
            }
        }
        SwarmEvent::Behaviour(BehaviourEvent::Ping(event)) => {
            if let Some(peer) = protocol::gone(&event) {
                // Fails only for a peer that is gone already.
                let _ = swarm.disconnect_peer_id(peer);
            }
        }
        _ => {}
    }
}

const GOODBYE: Duration = Duration::from_secs(1);
