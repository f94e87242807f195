//! A client's side of the network: it dials relays and opens streams to their services, and does nothing else.

mod circuit;
mod decoys;
mod drive;
mod keeper;
#[cfg(test)]
mod line;
mod opener;
mod paths;
mod pool;
mod task;
mod ways;

pub use pool::CircuitStatus;
pub use ways::Ways;

use crate::{
    Limits, PeerAddress,
    address::{self, Scoping},
    budget::Budget,
    circuit::Near,
    clock::now,
    known::{ClientState, Known, Lookup},
    limits, protocol, streams, transport,
};
use futures::io::{AsyncRead, AsyncWrite};
use libp2p::{Swarm, identity::Keypair};
use opener::Opener;
use outis_crypto::{Secret, os_rng};
use outis_onion::{Roles, SignedDescriptor};
use outis_wire::{Destination, Isolation, NetworkName, NodeId, Purpose};
use paths::Paths;
use pool::{Pool, Way};
use std::{
    io::{self, IoSlice, IoSliceMut},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};
use task::Command;
use tokio::{
    sync::{Notify, mpsc, watch},
    task::JoinHandle,
};

/// How a client takes part.
#[derive(Debug, Clone)]
pub struct ClientConfig {
    /// Which network.
    pub network: NetworkName,
    /// Relays whose addresses a person typed or an invite carried. Asked only where no remembered relay answers.
    pub bootstrap: Vec<PeerAddress>,
    /// What [`Network::state`] gave last time.
    pub state: ClientState,
    /// The relay on this machine, which no circuit of ours goes over.
    pub own_relay: Option<NodeId>,
    /// Over how many relays circuits go.
    pub ways: Ways,
    /// The time between two decoys, in the mean; none are played without.
    pub decoys: Option<Duration>,
    /// What bounds the swarm.
    pub limits: Limits,
}

/// A running client. Clones are handles to the same one; dropping them all, or [`Network::shutdown`], ends it.
#[derive(Clone)]
pub struct Network {
    shared: Arc<Shared>,
    commands: mpsc::Sender<Command>,
    tasks: Arc<Mutex<Option<Tasks>>>,
}

struct Tasks {
    swarm: JoinHandle<()>,
    keepers: Vec<JoinHandle<()>>,
}

/// What the tasks of a client and its handles have in common. No lock in it is held across an await.
struct Shared {
    network: NetworkName,
    scope: Scoping,
    known: Mutex<Known>,
    status: watch::Sender<Status>,
    streams: Arc<streams::Counters>,
    own_relay: Option<NodeId>,
    ways: Ways,
    paths: Mutex<Paths>,
    pool: Pool,
    /// Wakes who stores what is counted of circuits.
    counts: watch::Sender<()>,
    /// Wakes who finds relays: there is a new one to ask.
    hinted: Notify,
    /// Wakes who builds circuits: there are new relays to go over.
    learned: Notify,
}

/// How a client is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status {
    /// Whether the last relay that was tried answered.
    pub online: bool,
    /// The client's own node id: fresh at each start, and nobody's name.
    pub node: NodeId,
    /// Relays connected to.
    pub peers: usize,
    /// Relays known.
    pub relays_known: usize,
    /// Bytes read from streams.
    pub bytes_in: u64,
    /// Bytes written to streams.
    pub bytes_out: u64,
}

/// A way to a service and back, over a circuit. Dropping it unclosed gives it up.
#[derive(Debug)]
pub struct Stream(Near);

/// Why a client did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The key of this start could not be used.
    #[error("could not make a transport")]
    Transport(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Why there is no stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// So few relays are known that a circuit would hide nothing. It is not built, and nothing goes another way.
    #[error("too few relays are known")]
    TooFewRelays,
    /// Nobody we asked knows where that relay is.
    #[error("the relay is not known")]
    UnknownRelay,
    /// The relay does not answer, or did not a moment ago, or no circuit leads to it.
    #[error("the relay does not answer")]
    Unreachable,
    /// The network is being left.
    #[error("the network was left")]
    Closed,
}

impl Network {
    /// Joins the network. Needs a tokio runtime around it.
    ///
    /// # Errors
    /// See [`StartError`]. That no relay answers is not one: the client goes on trying.
    pub fn start(config: ClientConfig) -> Result<Self, StartError> {
        let ClientConfig {
            network,
            bootstrap,
            state,
            own_relay,
            ways,
            decoys,
            limits,
        } = config;
        let ways = ways.on(&network);
        let key = fresh_key();
        let scope = Scoping::of(&network, bootstrap.iter().map(|peer| &peer.at));
        let (mut known, relays, kept) = Known::from_state(&state, &network, &scope, now());
        let mut paths = Paths::new(&network, scope.scope(), own_relay, &kept);
        relays.iter().for_each(|relay| paths.learn(relay));
        bootstrap.into_iter().for_each(|peer| known.hint(peer));

        let (swarm, streams) = swarm(&key, &network, scope.clone(), limits)?;
        let node = address::node_of(swarm.local_peer_id()).expect("an Ed25519 key was made above");
        let relays_known = known.len();
        let status = Status {
            online: false,
            node,
            peers: 0,
            relays_known,
            bytes_in: 0,
            bytes_out: 0,
        };
        let shared = Arc::new(Shared {
            network,
            scope,
            known: Mutex::new(known),
            status: watch::Sender::new(status),
            streams,
            own_relay,
            ways,
            paths: Mutex::new(paths),
            pool: Pool::default(),
            counts: watch::Sender::new(()),
            hinted: Notify::new(),
            learned: Notify::new(),
        });
        let (commands, receiver) = mpsc::channel(COMMANDS);
        let swarm = tokio::spawn(task::run(swarm, receiver, Arc::clone(&shared)));
        let opener = Opener {
            shared: Arc::clone(&shared),
            commands: commands.downgrade(),
        };
        let mut keepers = vec![
            tokio::spawn(keeper::find(opener.clone())),
            tokio::spawn(keeper::stock(opener.clone())),
        ];
        keepers.extend(decoys.map(|mean| tokio::spawn(decoys::play(opener, mean))));
        let tasks = Tasks { swarm, keepers };
        Ok(Self {
            shared,
            commands,
            tasks: Arc::new(Mutex::new(Some(tasks))),
        })
    }

    /// A new stream to `to`, over a circuit of three relays. Streams with different `isolation` or `purpose` never share one.
    ///
    /// It is there when the circuit has reached `to`; whether `to` takes it shows in the stream. Dropping the future gives the
    /// stream up.
    ///
    /// # Errors
    /// See [`OpenError`]; each of them may pass.
    pub async fn open(&self, to: Destination, purpose: Purpose, isolation: Isolation) -> Result<Stream, OpenError> {
        let way = Way { to, purpose, isolation };
        self.opener().open(way).await
    }

    /// The relays with all of these roles that are not known to be away.
    pub fn relays(&self, roles: Roles) -> Vec<NodeId> {
        self.shared.known().with_roles(roles)
    }

    /// Where up to `count` relays are that may answer, drawn at random: for an invite to somebody who knows none.
    pub fn addresses(&self, count: usize) -> Vec<PeerAddress> {
        let mut nodes = self.shared.known().askable(now());
        crate::random::shuffle(&mut nodes);
        let first = |node: NodeId| match self.shared.known().addresses(&node, now()) {
            Lookup::At(addresses) => addresses.first().map(|at| PeerAddress { node, at: *at }),
            Lookup::BackingOff | Lookup::Unknown => None,
        };
        nodes.into_iter().filter_map(first).take(count).collect()
    }

    /// Learns where a relay is, from a person.
    pub fn add_peer(&self, peer: PeerAddress) {
        self.shared.scope.given(&peer.at);
        self.shared.known().hint(peer);
        self.shared.hinted.notify_one();
    }

    /// The circuits that there are now.
    pub fn circuits(&self) -> Vec<CircuitStatus> {
        self.shared.pool.shown()
    }

    /// Whether so many relays are known that circuits can be built. Until then nothing is sent.
    pub fn knows_enough(&self) -> bool {
        self.shared.enough().is_ok()
    }

    /// How many circuits there are; wakes when one comes, goes or is put to use.
    pub fn circuit_changes(&self) -> watch::Receiver<usize> {
        self.shared.pool.count()
    }

    /// The relays that circuits begin with now, the preferred first: none but they learn this client's address.
    pub fn guards(&self) -> Vec<NodeId> {
        self.shared.paths().guards()
    }

    /// How it is doing now.
    pub fn status(&self) -> Status {
        let counted = *self.shared.status.borrow();
        let (bytes_in, bytes_out) = self.shared.streams.bytes();
        Status {
            relays_known: self.shared.known().len(),
            bytes_in,
            bytes_out,
            ..counted
        }
    }

    /// Wakes whenever relays come, go or become known. (Bytes alone wake nobody.)
    pub fn changes(&self) -> watch::Receiver<Status> {
        self.shared.status.subscribe()
    }

    /// Wakes whenever a circuit was counted against what its destination may have: then [`Self::state`] is worth storing, for
    /// whoever is made to crash must not have more.
    pub fn counts(&self) -> watch::Receiver<()> {
        self.shared.counts.subscribe()
    }

    /// What is worth remembering for the next start.
    pub fn state(&self) -> ClientState {
        let kept = self.shared.paths().kept(now());
        self.shared.known().to_state(&self.shared.scope, kept)
    }

    /// Leaves the network: returns when all connections are closed. Streams that are still open fail.
    pub async fn shutdown(&self) {
        let tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(Tasks { swarm, keepers }) = tasks else { return };
        keepers.iter().for_each(JoinHandle::abort);
        self.shared.pool.clear();
        // Fails only if the task has ended already.
        let _ = self.commands.send(Command::Shutdown).await;
        let _ = swarm.await;
        for keeper in keepers {
            // Aborted above.
            let _ = keeper.await;
        }
    }

    fn opener(&self) -> Opener {
        Opener {
            shared: Arc::clone(&self.shared),
            commands: self.commands.downgrade(),
        }
    }
}

impl Shared {
    fn known(&self) -> MutexGuard<'_, Known> {
        // Nothing that holds the lock panics half-way through a change.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether circuits can be built.
    fn enough(&self) -> Result<(), OpenError> {
        let enough = if self.ways.is_direct() {
            self.known().len() > 0
        } else {
            self.paths().is_enough()
        };
        if enough { Ok(()) } else { Err(OpenError::TooFewRelays) }
    }

    /// Keeps the descriptors that verify.
    fn learn(&self, found: Vec<SignedDescriptor>) {
        let today = now().epoch();
        let relays_known = {
            let mut known = self.known();
            for signed in found {
                if known.holds(&signed) {
                    continue;
                }
                if let Ok(descriptor) = signed.verify(&self.network, self.scope.scope(), today) {
                    self.paths().learn(&descriptor);
                    known.learn(descriptor, signed);
                }
            }
            known.len()
        };
        self.update(|status| status.relays_known = relays_known);
    }

    fn reached(&self, node: &NodeId) {
        let was_offline = !self.status.borrow().online;
        {
            let mut known = self.known();
            if was_offline {
                // While nobody could be reached, failures said nothing about relays.
                known.forgive();
            }
            known.reached(node);
        }
        self.update(|status| status.online = true);
    }

    fn failed(&self, node: &NodeId) {
        self.known().failed(node, now());
        self.update(|status| status.online = status.peers > 0);
    }

    fn connections(&self, peers: usize) {
        self.update(|status| status.peers = peers);
    }

    fn update(&self, change: impl FnOnce(&mut Status)) {
        self.status.send_if_modified(|status| {
            let before = *status;
            change(status);
            *status != before
        });
    }
}

impl AsyncRead for Stream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }

    fn poll_read_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_read_vectored(cx, bufs)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(cx, bufs)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_close(cx)
    }
}

/// A key for this start only, so that two starts cannot be told to be the same person's.
fn fresh_key() -> Keypair {
    let seed = Secret::<32>::random(&mut os_rng());
    Keypair::ed25519_from_bytes(*seed.dangerously_expose()).expect("any 32 bytes are an Ed25519 seed")
}

fn swarm(
    key: &Keypair,
    network: &NetworkName,
    scope: Scoping,
    limits: Limits,
) -> Result<(Swarm<task::Behaviour>, Arc<streams::Counters>), StartError> {
    let transport = transport::build(key, &limits, scope).map_err(|error| StartError::Transport(error.into()))?;
    let config = transport::swarm_config(&limits);
    let budget = Budget::new(limits.memory);
    let (streams, _nothing_accepted) = streams::Behaviour::new(Vec::new(), limits.streams(), budget.clone());
    let counters = streams.counters();
    let behaviour = task::Behaviour {
        limits: limits::Behaviour::new(limits, budget),
        identify: protocol::identify(network, key.public()),
        ping: protocol::ping(),
        streams,
    };
    Ok((
        Swarm::new(transport, behaviour, key.public().to_peer_id(), config),
        counters,
    ))
}

/// Streams being asked for at once.
const COMMANDS: usize = 256;
