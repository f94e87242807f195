//! Streams between two nodes, as a libp2p behaviour of our own.
//!
//! `libp2p-stream` drops inbound streams when nobody reads fast enough, without a word, and never forgets a peer. Here each
//! protocol has a bounded queue of accepted streams, what finds it full is refused and counted, many streams are opened at
//! once, an open that nobody waits for any more is not made, and every stream gives back its memory when it is dropped.

mod ending;
mod handler;
mod stream;

pub(crate) use stream::{Remote, Stream};

use crate::{address::Prefix, budget::Budget};
use futures::channel::oneshot;
use handler::Handler;
use libp2p::{
    Multiaddr, PeerId, StreamProtocol,
    core::{Endpoint, transport::PortUse},
    swarm::{
        ConnectionClosed, ConnectionDenied, ConnectionId, DialError, DialFailure, FromSwarm, NetworkBehaviour,
        NotifyHandler, THandler, THandlerInEvent, THandlerOutEvent, ToSwarm,
        behaviour::ConnectionEstablished,
        dial_opts::{DialOpts, PeerCondition},
    },
};
use std::{
    collections::{HashMap, VecDeque},
    convert::Infallible,
    sync::{
        Arc, Weak,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};
use tokio::sync::{Semaphore, mpsc};

/// What bounds the streams of a swarm.
#[derive(Debug, Clone)]
pub(crate) struct StreamLimits {
    /// Inbound streams of ours that one connection may have open.
    pub(crate) inbound_per_connection: usize,
    /// Inbound streams of ours that all connections from one place on the internet may have open.
    pub(crate) inbound_per_prefix: usize,
    /// Streams being negotiated outwards on one connection; more wait.
    pub(crate) opening_per_connection: usize,
    /// Requests to open that wait, for one connection or one dial.
    pub(crate) waiting: usize,
    /// For the negotiation of one stream.
    pub(crate) negotiation: Duration,
    /// Bytes that one stream is charged with.
    pub(crate) memory_per_stream: usize,
}

/// An accepted protocol and how many of its streams may wait to be taken.
pub(crate) struct Accept {
    pub(crate) protocol: StreamProtocol,
    pub(crate) queue: usize,
}

/// Opens streams and accepts them. Dials where it must.
pub(crate) struct Behaviour {
    shared: Arc<Shared>,
    connected: HashMap<PeerId, Vec<ConnectionId>>,
    dialing: HashMap<PeerId, Vec<Request>>,
    /// What those from one place share, for as long as one of them is connected.
    shares: HashMap<Prefix, Weak<Semaphore>>,
    actions: VecDeque<ToSwarm<Infallible, Request>>,
}

/// What all connections of a swarm know.
#[derive(Debug)]
pub(crate) struct Shared {
    accepted: Vec<Accepted>,
    limits: StreamLimits,
    budget: Budget,
    counters: Arc<Counters>,
}

/// An accepted protocol and where its streams go.
#[derive(Debug)]
struct Accepted {
    protocol: StreamProtocol,
    queue: mpsc::Sender<Stream>,
}

/// What has happened and what is.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    refused: AtomicU64,
    open: AtomicUsize,
    read: AtomicU64,
    written: AtomicU64,
}

impl Counters {
    /// Inbound streams refused because a queue, a connection's share or the budget was full.
    pub(crate) fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Streams that exist, in both directions.
    pub(crate) fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// Bytes read from and written to streams.
    pub(crate) fn bytes(&self) -> (u64, u64) {
        (self.read.load(Ordering::Relaxed), self.written.load(Ordering::Relaxed))
    }
}

/// One stream asked for. Whoever drops the other end of `reply` no longer wants it.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) protocol: StreamProtocol,
    pub(crate) reply: oneshot::Sender<Result<Stream, OpenFailure>>,
}

impl Request {
    fn fail(self, failure: OpenFailure) {
        // An error here means that nobody waits any more, which is what cancelling is.
        let _ = self.reply.send(Err(failure));
    }
}

/// Why a stream could not be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OpenFailure {
    /// No address of the node answered.
    Unreachable,
    /// The node does not speak the protocol.
    Unsupported,
    /// The node took too long to answer.
    TimedOut,
    /// The connection broke while the stream was being opened.
    Lost,
    /// Too many requests wait already, or there is no memory for another stream.
    Busy,
    /// The swarm is gone.
    Closed,
}

impl Behaviour {
    /// Accepts the given protocols; each gets the receiving end of its queue, in the same order.
    pub(crate) fn new(
        accept: Vec<Accept>,
        limits: StreamLimits,
        budget: Budget,
    ) -> (Self, Vec<mpsc::Receiver<Stream>>) {
        let (accepted, receivers) = accept
            .into_iter()
            .map(|Accept { protocol, queue }| {
                let (sender, receiver) = mpsc::channel(queue);
                (
                    Accepted {
                        protocol,
                        queue: sender,
                    },
                    receiver,
                )
            })
            .unzip();
        let shared = Arc::new(Shared {
            accepted,
            limits,
            budget,
            counters: Arc::default(),
        });
        (
            Self {
                shared,
                connected: HashMap::new(),
                dialing: HashMap::new(),
                shares: HashMap::new(),
                actions: VecDeque::new(),
            },
            receivers,
        )
    }

    /// Opens a stream on a connection to `peer`, dialling `addresses` first if there is none.
    pub(crate) fn open(&mut self, peer: PeerId, addresses: Vec<Multiaddr>, request: Request) {
        if let Some(connection) = self.connected.get(&peer).and_then(|all| all.first()) {
            self.actions.push_back(notify(peer, *connection, request));
            return;
        }
        let waiting = self.dialing.entry(peer).or_default();
        if waiting.len() >= self.shared.limits.waiting {
            return request.fail(OpenFailure::Busy);
        }
        waiting.push(request);
        if waiting.len() == 1 {
            let options = DialOpts::peer_id(peer)
                .condition(PeerCondition::DisconnectedAndNotDialing)
                .addresses(addresses)
                .extend_addresses_through_behaviour()
                .build();
            self.actions.push_back(ToSwarm::Dial { opts: options });
        }
    }

    /// Counts, for a status.
    pub(crate) fn counters(&self) -> Arc<Counters> {
        Arc::clone(&self.shared.counters)
    }

    fn handler(&mut self, peer: PeerId, address: &Multiaddr) -> Handler {
        let share = self.share(address);
        Handler::new(
            Arc::clone(&self.shared),
            Remote {
                peer,
                address: address.clone(),
            },
            share,
        )
    }

    /// Nothing for private addresses: on one machine everybody comes from one place.
    fn share(&mut self, address: &Multiaddr) -> Option<Arc<Semaphore>> {
        let prefix = Prefix::of_public(address)?;
        if let Some(share) = self.shares.get(&prefix).and_then(Weak::upgrade) {
            return Some(share);
        }
        self.shares.retain(|_, share| share.strong_count() > 0);
        let share = Arc::new(Semaphore::new(self.shared.limits.inbound_per_prefix));
        self.shares.insert(prefix, Arc::downgrade(&share));
        Some(share)
    }

    fn established(&mut self, peer: PeerId, connection: ConnectionId) {
        self.connected.entry(peer).or_default().push(connection);
        for request in self.dialing.remove(&peer).unwrap_or_default() {
            self.actions.push_back(notify(peer, connection, request));
        }
    }

    fn closed(&mut self, peer: PeerId, connection: ConnectionId) {
        let Some(connections) = self.connected.get_mut(&peer) else {
            return;
        };
        connections.retain(|id| *id != connection);
        if connections.is_empty() {
            self.connected.remove(&peer);
        }
    }

    fn dial_failed(&mut self, peer: PeerId, error: &DialError) {
        // Somebody else is dialling the same node: its end is ours too.
        if matches!(error, DialError::DialPeerConditionFalse(_)) {
            return;
        }
        for request in self.dialing.remove(&peer).unwrap_or_default() {
            request.fail(OpenFailure::Unreachable);
        }
    }
}

impl NetworkBehaviour for Behaviour {
    type ConnectionHandler = Handler;
    type ToSwarm = Infallible;

    fn handle_established_inbound_connection(
        &mut self,
        _: ConnectionId,
        peer: PeerId,
        _: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(self.handler(peer, remote))
    }

    fn handle_established_outbound_connection(
        &mut self,
        _: ConnectionId,
        peer: PeerId,
        address: &Multiaddr,
        _: Endpoint,
        _: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(self.handler(peer, address))
    }

    fn on_swarm_event(&mut self, event: FromSwarm) {
        match event {
            FromSwarm::ConnectionEstablished(ConnectionEstablished {
                peer_id, connection_id, ..
            }) => {
                self.established(peer_id, connection_id);
            }
            FromSwarm::ConnectionClosed(ConnectionClosed {
                peer_id, connection_id, ..
            }) => {
                self.closed(peer_id, connection_id);
            }
            FromSwarm::DialFailure(DialFailure {
                peer_id: Some(peer),
                error,
                ..
            }) => self.dial_failed(peer, error),
            _ => {}
        }
    }

    fn on_connection_handler_event(&mut self, _: PeerId, _: ConnectionId, event: THandlerOutEvent<Self>) {
        match event {}
    }

    fn poll(&mut self, _: &mut Context<'_>) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        // No waker is kept: only the task that polls the swarm adds actions, and it polls again after each command.
        self.actions.pop_front().map_or(Poll::Pending, Poll::Ready)
    }
}

fn notify(peer: PeerId, connection: ConnectionId, request: Request) -> ToSwarm<Infallible, Request> {
    ToSwarm::NotifyHandler {
        peer_id: peer,
        handler: NotifyHandler::One(connection),
        event: request,
    }
}

#[cfg(test)]
pub(crate) mod tests;
