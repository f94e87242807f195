//! Which connections a swarm takes. Every number is here; none is left at a default of libp2p's.

use crate::{
    address::Prefix,
    budget::{Budget, Reservation},
    streams::StreamLimits,
};
use libp2p::{
    Multiaddr, PeerId,
    core::{Endpoint, transport::PortUse},
    swarm::{
        ConnectionClosed, ConnectionDenied, ConnectionId, DialFailure, FromSwarm, ListenFailure, NetworkBehaviour,
        THandler, THandlerInEvent, THandlerOutEvent, ToSwarm, dummy,
    },
};
use std::{
    collections::HashMap,
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

/// What bounds a swarm. [`Limits::client`] and [`Limits::relay`] are the two sets in use.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Inbound connections that are still in their handshake.
    pub pending_inbound: usize,
    /// Inbound connections.
    pub inbound: usize,
    /// Outbound connections, those being dialled included.
    pub outbound: usize,
    /// Connections with one node.
    pub per_peer: usize,
    /// Inbound connections from one IPv4 /24 or IPv6 /48, those in their handshake included: counted before it.
    pub per_prefix: usize,
    /// Streams of one connection (in each direction with QUIC, together with Yamux).
    pub streams_per_connection: u32,
    /// Inbound streams from one IPv4 /24 or IPv6 /48 of the internet.
    pub streams_per_prefix: usize,
    /// Inbound streams of one connection whose protocol is still being negotiated.
    pub negotiating_per_connection: usize,
    /// Streams waiting to be taken, for each protocol.
    pub accept_queue: usize,
    /// Bytes in flight towards us on one stream.
    pub stream_window: u32,
    /// Bytes in flight towards us on all streams of one connection.
    pub connection_window: u32,
    /// Bytes that connections and streams together may be charged with.
    pub memory: usize,
    /// Until a connection that carries no stream is closed.
    pub idle: Duration,
    /// For a handshake, and for the negotiation of a stream.
    pub handshake: Duration,
    /// Circuits that a relay takes part in.
    pub circuits: usize,
    /// Those of them that come from one neighbour: one node, or on the internet one IPv4 /24 or IPv6 /48.
    pub circuits_per_neighbour: usize,
    /// Bytes that wait in all circuits of a relay together.
    pub circuit_memory: usize,
    /// Bytes a second that a relay carries for others at most.
    pub bandwidth: Option<u64>,
}

impl Limits {
    /// For a swarm that only dials.
    pub fn client() -> Self {
        Self {
            pending_inbound: 0,
            inbound: 0,
            outbound: 256,
            per_prefix: 0,
            accept_queue: 1,
            memory: 256 * MIB,
            ..Self::relay()
        }
    }

    /// For a swarm that serves.
    pub fn relay() -> Self {
        Self {
            pending_inbound: 128,
            inbound: 2_048,
            outbound: 512,
            per_peer: 4,
            per_prefix: 64,
            streams_per_connection: 2_048,
            streams_per_prefix: 2_048,
            negotiating_per_connection: 128,
            accept_queue: 256,
            stream_window: 512 * 1024,
            connection_window: 2 * 1024 * 1024,
            memory: 512 * MIB,
            idle: Duration::from_secs(60),
            handshake: Duration::from_secs(10),
            circuits: 4_096,
            circuits_per_neighbour: 1_024,
            circuit_memory: 48 * MIB,
            bandwidth: None,
        }
    }

    /// The part of it that bounds streams.
    pub(crate) fn streams(&self) -> StreamLimits {
        StreamLimits {
            inbound_per_connection: usize::try_from(self.streams_per_connection).unwrap_or(usize::MAX),
            inbound_per_prefix: self.streams_per_prefix,
            opening_per_connection: self.negotiating_per_connection / 2,
            waiting: WAITING,
            negotiation: self.handshake,
            memory_per_stream: MEMORY_PER_STREAM,
        }
    }

    /// The same, where a whole network lives at one address.
    #[must_use]
    pub fn on_one_machine(self) -> Self {
        Self {
            per_prefix: self.inbound,
            ..self
        }
    }
}

/// Refuses connections beyond the [`Limits`], those from one place before their handshake.
pub(crate) struct Behaviour {
    limits: Limits,
    budget: Budget,
    connections: HashMap<ConnectionId, Connection>,
    per_prefix: HashMap<Prefix, usize>,
    per_peer: HashMap<PeerId, usize>,
    counters: Arc<Counters>,
}

/// What has happened and what is.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    denied: AtomicU64,
    established: AtomicUsize,
}

impl Counters {
    /// Connections refused.
    pub(crate) fn denied(&self) -> u64 {
        self.denied.load(Ordering::Relaxed)
    }

    /// Connections that exist.
    pub(crate) fn established(&self) -> usize {
        self.established.load(Ordering::Relaxed)
    }
}

/// A connection that was let in, or is being made.
struct Connection {
    direction: Direction,
    stage: Stage,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Inbound(Option<Prefix>),
    Outbound,
}

enum Stage {
    Pending,
    Established {
        peer: PeerId,
        #[expect(dead_code, reason = "held for its drop")]
        memory: Reservation,
    },
}

/// Why a connection was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("refused: {0} is at its limit")]
pub(crate) struct Refused(&'static str);

impl Behaviour {
    pub(crate) fn new(limits: Limits, budget: Budget) -> Self {
        Self {
            limits,
            budget,
            connections: HashMap::new(),
            per_prefix: HashMap::new(),
            per_peer: HashMap::new(),
            counters: Arc::default(),
        }
    }

    /// Counts, for a status.
    pub(crate) fn counters(&self) -> Arc<Counters> {
        Arc::clone(&self.counters)
    }

    fn begin(&mut self, id: ConnectionId, direction: Direction) -> Result<(), Refused> {
        let count = |wanted: fn(&Connection) -> bool| self.connections.values().filter(|c| wanted(c)).count();
        match direction {
            Direction::Inbound(prefix) => {
                let pending = |c: &Connection| c.is_inbound() && matches!(c.stage, Stage::Pending);
                if count(pending) >= self.limits.pending_inbound {
                    return Err(Refused("the number of handshakes"));
                }
                if count(Connection::is_inbound) >= self.limits.inbound {
                    return Err(Refused("the number of inbound connections"));
                }
                if let Some(prefix) = prefix {
                    let from_there = self.per_prefix.entry(prefix).or_default();
                    if *from_there >= self.limits.per_prefix {
                        return Err(Refused("the number of connections from one place"));
                    }
                    *from_there += 1;
                }
            }
            Direction::Outbound => {
                if count(|c| !c.is_inbound()) >= self.limits.outbound {
                    return Err(Refused("the number of outbound connections"));
                }
            }
        }
        self.connections.insert(
            id,
            Connection {
                direction,
                stage: Stage::Pending,
            },
        );
        Ok(())
    }

    fn establish(&mut self, id: ConnectionId, peer: PeerId) -> Result<(), Refused> {
        if self.per_peer.get(&peer).copied().unwrap_or_default() >= self.limits.per_peer {
            return Err(Refused("the number of connections with one node"));
        }
        let memory = self.budget.reserve(MEMORY_PER_CONNECTION).ok_or(Refused("memory"))?;
        let connection = self.connections.get_mut(&id).ok_or(Refused("an unknown connection"))?;
        connection.stage = Stage::Established { peer, memory };
        *self.per_peer.entry(peer).or_default() += 1;
        self.counters.established.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn end(&mut self, id: ConnectionId) {
        let Some(connection) = self.connections.remove(&id) else {
            return;
        };
        if let Direction::Inbound(Some(prefix)) = connection.direction {
            decrement(&mut self.per_prefix, &prefix);
        }
        if let Stage::Established { peer, .. } = connection.stage {
            decrement(&mut self.per_peer, &peer);
            self.counters.established.fetch_sub(1, Ordering::Relaxed);
        }
    }

    fn count_refusal(&self, refused: Refused) -> ConnectionDenied {
        self.counters.denied.fetch_add(1, Ordering::Relaxed);
        ConnectionDenied::new(refused)
    }
}

impl Connection {
    fn is_inbound(&self) -> bool {
        matches!(self.direction, Direction::Inbound(_))
    }
}

impl NetworkBehaviour for Behaviour {
    type ConnectionHandler = dummy::ConnectionHandler;
    type ToSwarm = Infallible;

    fn handle_pending_inbound_connection(
        &mut self,
        id: ConnectionId,
        _: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<(), ConnectionDenied> {
        self.begin(id, Direction::Inbound(Prefix::of(remote)))
            .map_err(|refused| self.count_refusal(refused))
    }

    fn handle_established_inbound_connection(
        &mut self,
        id: ConnectionId,
        peer: PeerId,
        _: &Multiaddr,
        _: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.establish(id, peer)
            .map_err(|refused| self.count_refusal(refused))?;
        Ok(dummy::ConnectionHandler)
    }

    fn handle_pending_outbound_connection(
        &mut self,
        id: ConnectionId,
        _: Option<PeerId>,
        _: &[Multiaddr],
        _: Endpoint,
    ) -> Result<Vec<Multiaddr>, ConnectionDenied> {
        self.begin(id, Direction::Outbound)
            .map_err(|refused| self.count_refusal(refused))?;
        Ok(Vec::new())
    }

    fn handle_established_outbound_connection(
        &mut self,
        id: ConnectionId,
        peer: PeerId,
        _: &Multiaddr,
        _: Endpoint,
        _: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        self.establish(id, peer)
            .map_err(|refused| self.count_refusal(refused))?;
        Ok(dummy::ConnectionHandler)
    }

    fn on_swarm_event(&mut self, event: FromSwarm) {
        match event {
            FromSwarm::ConnectionClosed(ConnectionClosed { connection_id, .. })
            | FromSwarm::DialFailure(DialFailure { connection_id, .. })
            | FromSwarm::ListenFailure(ListenFailure { connection_id, .. }) => self.end(connection_id),
            _ => {}
        }
    }

    fn on_connection_handler_event(&mut self, _: PeerId, _: ConnectionId, event: THandlerOutEvent<Self>) {
        match event {}
    }

    fn poll(&mut self, _: &mut Context<'_>) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        Poll::Pending
    }
}

fn decrement<K: std::hash::Hash + Eq>(counts: &mut HashMap<K, usize>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count = count.saturating_sub(1);
        if *count == 0 {
            counts.remove(key);
        }
    }
}

const MIB: usize = 1024 * 1024;

/// What a connection is charged with: its handshake state, its tasks, its socket buffers.
const MEMORY_PER_CONNECTION: usize = 64 * 1024;

/// What a stream is charged with: what is on its way in and out and the buffer of whoever serves it.
const MEMORY_PER_STREAM: usize = 64 * 1024;

/// Requests to open a stream that wait for one connection or one dial.
const WAITING: usize = 256;
