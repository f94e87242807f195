//! Opens streams: over circuits, to relays that are known and to those that others have to be asked about.

use super::{
    OpenError, Shared, Stream,
    circuit::{BuildError, Circuit, Hop},
    drive,
    pool::{Order, Orders, Refused, Way},
    task::Command,
};
use crate::{
    address,
    circuit::Near,
    clock::now,
    directory::{self, Question},
    known::Lookup,
    protocol, random,
    streams::{self, OpenFailure},
};
use futures::{
    FutureExt,
    channel::oneshot,
    future::BoxFuture,
    io::{AsyncRead, AsyncWrite},
};
use libp2p::{PeerId, StreamProtocol};
use outis_mailbox::descriptor::DirectoryKey;
use outis_onion::{RelayAddress, RelayDescriptor, Roles, SignedDescriptor};
use outis_wire::{Destination, Isolation, NodeId, Purpose, Service};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{sync::mpsc, time};

/// Opens streams for handles and for the keeper, without keeping the swarm alive.
#[derive(Clone)]
pub(super) struct Opener {
    pub(super) shared: Arc<Shared>,
    pub(super) commands: mpsc::WeakSender<Command>,
}

/// Why one try gave no stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failure {
    /// The relay at the end, says the one before it.
    Endpoint,
    /// Something before that.
    Way,
    /// It is not worth another try now.
    Settled(OpenError),
}

impl From<BuildError> for Failure {
    fn from(error: BuildError) -> Self {
        match error {
            BuildError::Ours => Self::Settled(OpenError::Closed),
            BuildError::Silent | BuildError::Broken => Self::Way,
        }
    }
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        Self::Settled(error)
    }
}

impl From<Refused> for Failure {
    fn from(Refused { by_endpoint }: Refused) -> Self {
        if by_endpoint { Self::Endpoint } else { Self::Way }
    }
}

impl Opener {
    /// A stream to a service of a relay, which is looked up if it is not known. Safe to drop.
    pub(super) async fn open(&self, way: Way) -> Result<Stream, OpenError> {
        if let Some(stream) = self.again(&way).await {
            return Ok(Stream(stream));
        }
        self.shared.enough()?;
        let endpoint = match self.shared.hop(&way.to.node) {
            Some(endpoint) => endpoint,
            None => self.resolve(way.to.node).await?,
        };
        if self.shared.known().addresses(&way.to.node, now()) == Lookup::BackingOff {
            return Err(OpenError::Unreachable);
        }
        for _ in 0..TRIES {
            match self.try_once(way, &endpoint).await {
                Ok(stream) => {
                    self.shared.known().reached(&way.to.node);
                    return Ok(Stream(stream));
                }
                Err(Failure::Endpoint) => self.shared.failed(&way.to.node),
                Err(Failure::Way) => {}
                Err(Failure::Settled(error)) => return Err(error),
            }
        }
        Err(OpenError::Unreachable)
    }

    /// Over a circuit that served this way before.
    async fn again(&self, way: &Way) -> Option<Near> {
        while let Some(orders) = self.shared.pool.parked(way) {
            if let Some(Ok(stream)) = order(orders, *way, None).await {
                return Some(stream);
            }
        }
        None
    }

    /// Over a circuit that waits, or a new one.
    async fn try_once(&self, way: Way, endpoint: &Hop) -> Result<Near, Failure> {
        self.shared.may_begin(&way)?;
        if self.shared.ways.is_direct() {
            let circuit = Circuit::build(self, std::slice::from_ref(endpoint)).await;
            let circuit = circuit.map_err(|(_, error)| Failure::from(error))?;
            let entry = self.shared.pool.enter(None, Duration::ZERO);
            let orders = drive::start(circuit, None, entry, &self.shared);
            self.shared.begin(&way)?;
            return order(orders, way, None)
                .await
                .unwrap_or(Err(Refused::ON_THE_WAY))
                .map_err(Failure::from);
        }
        let waiting = {
            let paths = self.shared.paths();
            self.shared.pool.take(|path| paths.fits(path, way.to.node))
        };
        let orders = match waiting {
            Some(orders) => orders,
            None => self.build(Some(way.to.node)).await?,
        };
        self.shared.begin(&way)?;
        let outcome = order(orders, way, Some(Box::new(endpoint.clone()))).await;
        outcome.unwrap_or(Err(Refused::ON_THE_WAY)).map_err(Failure::from)
    }

    /// A new circuit, which may end at `endpoint` or, without one, anywhere. Safe to drop.
    pub(super) async fn build(&self, endpoint: Option<NodeId>) -> Result<Orders, Failure> {
        let (path, hops) = self.shared.path(endpoint)?;
        let started = Instant::now();
        let built = Circuit::build(self, &hops).await;
        self.shared
            .built(&path, built.as_ref().map(|_| ()).map_err(|error| *error));
        let circuit = built.map_err(|(_, error)| error)?;
        let entry = self.shared.pool.enter(Some(path), started.elapsed());
        Ok(drive::start(circuit, Some(path), entry, &self.shared))
    }

    /// Whether a guard answers: with a circuit of one relay, over which nothing goes.
    pub(super) async fn try_guard(&self, guard: NodeId) {
        let Some(hop) = self.shared.hop(&guard) else { return };
        match Circuit::build(self, &[hop]).await {
            Ok(circuit) => {
                self.shared.guard_tried(guard, true);
                circuit.close().await;
            }
            Err((_, BuildError::Ours)) => {}
            Err(_) => self.shared.guard_tried(guard, false),
        }
    }

    /// A stream to a guard, for a circuit to begin with.
    pub(super) async fn guard(&self, guard: &RelayDescriptor) -> Result<streams::Stream, OpenFailure> {
        let peer = address::peer_of(&guard.node).ok_or(OpenFailure::Unreachable)?;
        let protocol = protocol::circuit(&self.shared.network);
        self.request(peer, protocol, &guard.addresses).await
    }

    async fn request(
        &self,
        peer: PeerId,
        protocol: StreamProtocol,
        addresses: &[RelayAddress],
    ) -> Result<streams::Stream, OpenFailure> {
        let first = self.request_once(peer, &protocol, addresses).await;
        // The connection may have died unnoticed just before: one more try, on a new one.
        match first {
            Err(OpenFailure::Lost) => self.request_once(peer, &protocol, addresses).await,
            settled => settled,
        }
    }

    async fn request_once(
        &self,
        peer: PeerId,
        protocol: &StreamProtocol,
        addresses: &[RelayAddress],
    ) -> Result<streams::Stream, OpenFailure> {
        let (reply, answer) = oneshot::channel();
        let addresses = addresses.iter().map(address::to_multiaddr).collect();
        let commands = self.commands.upgrade().ok_or(OpenFailure::Closed)?;
        let command = Command::Open {
            peer,
            addresses,
            protocol: protocol.clone(),
            reply,
        };
        commands.send(command).await.map_err(|_| OpenFailure::Closed)?;
        drop(commands);
        // The reply is dropped unanswered when the connection dies at the wrong moment.
        time::timeout(OPENING, answer)
            .await
            .map_err(|_| OpenFailure::TimedOut)?
            .unwrap_or(Err(OpenFailure::Lost))
    }

    /// Asks relays that are known where another one is, each over a circuit of its own.
    fn resolve(&self, node: NodeId) -> BoxFuture<'_, Result<Hop, OpenError>> {
        async move {
            let key = DirectoryKey::relay(&self.shared.network, &node);
            for asked in self.some_to_ask() {
                let Ok(found) = self.ask(asked, Question::Get(key)).await else {
                    continue;
                };
                self.shared.learn(found);
                if let Some(hop) = self.shared.hop(&node) {
                    return Ok(hop);
                }
            }
            Err(OpenError::UnknownRelay)
        }
        .boxed()
    }

    /// What one relay's directory says, asked over a circuit that nothing else is asked over.
    pub(super) async fn ask(&self, node: NodeId, question: Question) -> Result<Vec<SignedDescriptor>, OpenError> {
        let to = Destination {
            node,
            service: Service::Directory,
        };
        let way = Way {
            to,
            purpose: Purpose::Directory,
            isolation: Isolation(random::bytes()),
        };
        let asking = async { question_over(self.open(way).await?, question).await };
        time::timeout(ASKING, asking)
            .await
            .unwrap_or(Err(OpenError::Unreachable))
    }

    /// The same, asked directly: for the first relays, before there can be a circuit.
    pub(super) async fn ask_directly(&self, node: NodeId) -> Result<Vec<SignedDescriptor>, OpenError> {
        let Lookup::At(addresses) = self.shared.known().addresses(&node, now()) else {
            return Err(OpenError::Unreachable);
        };
        let asking = async {
            let peer = address::peer_of(&node).ok_or(OpenError::UnknownRelay)?;
            let protocol = protocol::directory(&self.shared.network);
            let stream = self.request(peer, protocol, &addresses).await;
            let found = question_over(stream.map_err(|_| OpenError::Unreachable)?, Question::Sample).await?;
            self.shared.first_answered(node);
            Ok(found)
        };
        time::timeout(ASKING, asking)
            .await
            .unwrap_or(Err(OpenError::Unreachable))
    }

    /// Up to three relays, drawn at random from those that may answer for the directory.
    pub(super) fn some_to_ask(&self) -> Vec<NodeId> {
        let mut askable = self.shared.known().with_roles(Roles::DIRECTORY);
        askable.retain(|node| Some(*node) != self.shared.own_relay);
        random::shuffle(&mut askable);
        askable.truncate(ASKED_AT_ONCE);
        askable
    }
}

async fn question_over(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    question: Question,
) -> Result<Vec<SignedDescriptor>, OpenError> {
    directory::ask(stream, question)
        .await
        .map_err(|_| OpenError::Unreachable)
}

/// Asks a circuit for a stream. Nothing if it has ended in the meantime.
async fn order(orders: Orders, way: Way, extend: Option<Box<Hop>>) -> Option<Result<Near, Refused>> {
    let (reply, answer) = oneshot::channel();
    let order = Order { way, extend, reply };
    orders.sender.try_send(order).ok()?;
    answer.await.ok()
}

/// Circuits tried for one stream.
const TRIES: usize = 2;

/// For dialling and negotiating one stream.
const OPENING: Duration = Duration::from_secs(15);

/// For one answer of a directory, circuit included.
const ASKING: Duration = Duration::from_secs(30);

/// Bootstrap relays asked, and relays asked for one look-up.
pub(super) const ASKED_AT_ONCE: usize = 3;
