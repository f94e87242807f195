//! A relay: it listens, serves mailboxes, the directory and rendezvous, and makes itself known.

mod check;
mod circuit;
mod circuits;
mod directory;
mod finder;
mod hop;
mod key;
mod mailbox;
mod queries;
mod rates;
mod records;
mod rendezvous;
mod services;
mod shared;
mod shelf;
mod swarm;
mod task;
mod throttle;

use crate::{
    Limits, ListenAddress, PeerAddress,
    address::{self, Scoping},
    clock::now,
    known::Known,
    limits,
    streams::{self, Stream},
};
use check::Judge;
use circuit::Extender;
use circuits::Circuits;
use directory::{Answerer, Asker};
use finder::Finder;
use hop::Hop;
use key::Identity;
use libp2p::identity::Keypair;
use outis_mailbox::{Server, Shelf, ShelfError};
use outis_onion::{Link, ReplayFilter, Scope};
use outis_wire::{NetworkName, NodeId};
use rates::{Rate, Rates};
use records::Records;
use rendezvous::Rendezvous;
use services::Services;
use shared::{Shared, lock};
use shelf::SharedShelf;
use std::{
    future::Future,
    io,
    net::{SocketAddr, UdpSocket},
    sync::{Arc, Mutex},
    time::Duration,
};
use task::{Command, Task};
use throttle::Throttle;
use tokio::{
    sync::{Notify, Semaphore, mpsc, oneshot, watch},
    task::{JoinHandle, JoinSet},
    time,
};

/// How a relay takes part.
pub struct RelayConfig {
    /// Which network.
    pub network: NetworkName,
    /// Where to listen; port 0 stands for any.
    pub listen: Vec<ListenAddress>,
    /// Relays whose addresses a person typed.
    pub bootstrap: Vec<PeerAddress>,
    /// What the relay keeps: its key, mailboxes, records of the directory.
    pub shelf: Arc<dyn Shelf>,
    /// What its mailbox gives.
    pub mailbox: outis_mailbox::Limits,
    /// Bytes of directory records that it keeps.
    pub directory_quota: u64,
    /// What bounds the swarm.
    pub limits: Limits,
}

/// A running relay. Dropping it ends it without a goodbye; [`Relay::shutdown`] is kinder.
pub struct Relay {
    shared: Arc<Shared>,
    commands: mpsc::Sender<Command>,
    counters: Counters,
    mailbox: Server<SharedShelf>,
    rendezvous: Rendezvous,
    circuits: Circuits,
    tasks: Mutex<Option<Tasks>>,
}

struct Counters {
    streams: Arc<streams::Counters>,
    connections: Arc<limits::Counters>,
}

struct Tasks {
    swarm: JoinHandle<()>,
    /// Those that end when they are told to.
    helpers: JoinSet<()>,
    /// Those that end when what they wait for is gone.
    writer: JoinHandle<()>,
    mailbox: oneshot::Receiver<()>,
}

/// How a relay is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RelayStatus {
    /// Connections in both directions.
    pub connections: usize,
    /// Streams in both directions.
    pub streams: usize,
    /// Streams refused because something was full.
    pub refused_streams: u64,
    /// Connections refused because something was full.
    pub refused_connections: u64,
    /// Bytes read from streams.
    pub bytes_in: u64,
    /// Bytes written to streams.
    pub bytes_out: u64,
    /// Bytes carried from one stream to another by rendezvous.
    pub bytes_carried: u64,
    /// Circuits that this relay takes part in.
    pub circuits: usize,
    /// Circuits refused because there were too many.
    pub refused_circuits: u64,
    /// Circuits ended because what waited in all of them was too much.
    pub ended_circuits: u64,
    /// Bytes that wait in circuits.
    pub held: usize,
    /// Cells passed on, in both directions.
    pub cells: u64,
    /// Other relays known.
    pub relays_known: usize,
    /// Bytes on the shelf, about.
    pub stored: u64,
    /// Bytes promised to queues.
    pub reserved: u64,
}

/// Why a relay did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An address that cannot be listened on.
    #[error("could not listen on {address}")]
    Listen {
        /// Which.
        address: ListenAddress,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Its store could not be read or written.
    #[error("the relay's store failed")]
    Shelf(#[source] ShelfError),
    /// What it stored is not what it wrote.
    #[error("the relay's store is damaged: {0}")]
    Damaged(&'static str),
    /// The key could not be used.
    #[error("could not make a transport")]
    Transport(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The machine has no thread left.
    #[error("could not start a thread")]
    Thread(#[source] io::Error),
}

impl Relay {
    /// Starts a relay and returns when it listens everywhere it was told to. Needs a tokio runtime around it.
    ///
    /// # Errors
    /// See [`StartError`]. That no other relay answers is not one.
    pub async fn start(config: RelayConfig) -> Result<Self, StartError> {
        let RelayConfig {
            network,
            listen,
            bootstrap,
            shelf,
            mailbox,
            directory_quota,
            limits,
        } = config;
        let shelf = SharedShelf(shelf);
        let identity = Identity::load(&shelf)?;
        let node = NodeId(*identity.key.verifying_key().as_bytes());
        let given = listen
            .iter()
            .map(|listen| &listen.0)
            .chain(bootstrap.iter().map(|peer| &peer.at));
        let scope = Scoping::of(&network, given);
        let limits = if scope.scope() == Scope::Private {
            limits.on_one_machine()
        } else {
            limits
        };
        let throttle = Arc::new(Throttle::new(limits.bandwidth));
        let circuits = Circuits::new(circuits::Bounds {
            circuits: limits.circuits,
            per_neighbour: limits.circuits_per_neighbour,
            memory: limits.circuit_memory,
        });
        let queue = limits.accept_queue;
        let judge = Judge::new(network.clone(), scope.clone());

        let keypair = Keypair::ed25519_from_bytes(*identity.key.seed().dangerously_expose())
            .expect("any 32 bytes are an Ed25519 seed");
        let peer = keypair.public().to_peer_id();
        let (records, writer) =
            Records::open(shelf.clone(), peer, directory_quota, now()).map_err(StartError::Shelf)?;
        let mut known = remembered(&records, &judge);
        bootstrap.iter().for_each(|peer| known.hint(*peer));
        let mailbox = Server::open(shelf.clone(), mailbox, network.clone(), node).map_err(StartError::Shelf)?;

        let (mut swarm, accepted) = swarm::build(&keypair, &network, scope.clone(), limits.clone(), records)?;
        let counters = Counters {
            streams: swarm.behaviour().streams.counters(),
            connections: swarm.behaviour().limits.counters(),
        };
        let listening = swarm::listen_everywhere(&mut swarm, &listen).await?;
        // Told to listen everywhere, on a machine that the internet does not reach, with nobody out there to talk to: the
        // network of a house.
        if listening.iter().all(address::is_private) && bootstrap.iter().all(|peer| address::is_private(&peer.at)) {
            scope.widen();
        }

        let (commands, receiver) = mpsc::channel(COMMANDS);
        let relays_known = known.len();
        let shared = Arc::new(Shared {
            network,
            scope,
            node,
            shelf,
            known: Mutex::new(known),
            identity: Mutex::new(identity),
            listening: Mutex::new(listening),
            own: watch::Sender::new(None),
            relays_known: watch::Sender::new(relays_known),
            learned: Notify::new(),
        });
        shared.renew(now());

        let rendezvous = Rendezvous::new(rendezvous::Bounds::default(), Arc::clone(&throttle));
        let answerer = Answerer {
            shared: Arc::clone(&shared),
            judge: judge.clone(),
            commands: commands.downgrade(),
            at_once: Arc::new(Semaphore::new(ANSWERS_AT_ONCE)),
            rates: Arc::new(Mutex::new(Rates::new(Rate::DIRECTORY))),
        };
        let finder = Finder {
            shared: Arc::clone(&shared),
            judge: judge.clone(),
            commands: commands.downgrade(),
        };
        let (mailboxes, for_mailboxes) = mpsc::channel(queue);
        let (directories, for_directories) = mpsc::channel(queue);
        let (meetings, for_meetings) = mpsc::channel(queue);
        let hop = Hop {
            shared: Arc::clone(&shared),
            circuits: circuits.clone(),
            extender: Extender {
                shared: Arc::clone(&shared),
                commands: commands.downgrade(),
            },
            services: Services {
                mailboxes,
                directories,
                meetings,
            },
            throttle,
            replays: Arc::new(Mutex::new(ReplayFilter::new())),
            rates: Arc::new(Mutex::new(Rates::new(Rate::CIRCUITS))),
        };
        let (ended, mailbox_ended) = oneshot::channel();
        mailbox::start(mailbox.clone(), for_mailboxes, ended)?;

        let mut helpers = JoinSet::new();
        helpers.spawn(finder.run());
        helpers.spawn(each(accepted.circuits, move |stream| hop.clone().serve(stream)));
        let asked = answerer.clone();
        helpers.spawn(each(accepted.directories, move |stream: Stream| {
            let (answerer, asker) = (asked.clone(), Asker::direct(stream.remote()));
            async move { answerer.serve(stream, asker).await }
        }));
        helpers.spawn(each(for_directories, move |(stream, asker)| {
            let answerer = answerer.clone();
            async move { answerer.serve(stream, asker).await }
        }));
        let meeting_place = rendezvous.clone();
        helpers.spawn(each(for_meetings, move |stream| {
            let rendezvous = meeting_place.clone();
            async move { rendezvous.serve(stream).await }
        }));
        let task = Task {
            swarm,
            commands: receiver,
            own_commands: commands.downgrade(),
            shared: Arc::clone(&shared),
            judge,
            queries: Default::default(),
            offers: Rates::new(Rate::DIRECTORY),
            repaired: None,
        };
        let tasks = Tasks {
            swarm: tokio::spawn(task.run()),
            helpers,
            writer: tokio::spawn(writer.run()),
            mailbox: mailbox_ended,
        };
        Ok(Self {
            shared,
            commands,
            counters,
            mailbox,
            rendezvous,
            circuits,
            tasks: Mutex::new(Some(tasks)),
        })
    }

    /// Its name.
    pub fn node(&self) -> NodeId {
        self.shared.node
    }

    /// Where it listens, with the ports that it got.
    pub fn addresses(&self) -> Vec<PeerAddress> {
        self.shared
            .listens()
            .into_iter()
            .map(|at| PeerAddress {
                node: self.shared.node,
                at,
            })
            .collect()
    }

    /// Whether others are told where it is: it listens at an address that counts on this network.
    pub fn is_announced(&self) -> bool {
        self.shared.own_descriptor().is_some()
    }

    /// Learns where another relay is, from a person.
    pub fn add_peer(&self, peer: PeerAddress) {
        self.shared.scope.given(&peer.at);
        self.shared.known().hint(peer);
        self.shared.learned.notify_one();
    }

    /// How many other relays it knows; wakes when that changes.
    pub fn relays_known(&self) -> watch::Receiver<usize> {
        self.shared.relays_known.subscribe()
    }

    /// How it is doing now.
    pub fn status(&self) -> RelayStatus {
        let Counters { streams, connections } = &self.counters;
        let (bytes_in, bytes_out) = streams.bytes();
        RelayStatus {
            connections: connections.established(),
            streams: streams.open(),
            refused_streams: streams.refused(),
            refused_connections: connections.denied(),
            bytes_in,
            bytes_out,
            bytes_carried: self.rendezvous.carried(),
            circuits: self.circuits.count(),
            refused_circuits: self.circuits.refused(),
            ended_circuits: self.circuits.condemned(),
            held: self.circuits.held(),
            cells: self.circuits.cells(),
            relays_known: self.shared.known().len(),
            stored: self.shared.shelf.size(),
            reserved: self.mailbox.usage().reserved,
        }
    }

    /// Stops: returns when all connections are closed, everything is written and, in the ordinary case, the ports are free.
    pub async fn shutdown(&self) {
        let Some(Tasks {
            swarm,
            mut helpers,
            writer,
            mailbox,
        }) = lock(&self.tasks).take()
        else {
            return;
        };
        helpers.shutdown().await;
        // Each fails only if the other side has ended already.
        let _ = self.commands.send(Command::Shutdown).await;
        let _ = swarm.await;
        let _ = writer.await;
        let _ = mailbox.await;
        let listening = lock(&self.shared.listening).clone();
        let quic = listening.iter().filter(|at| at.link == Link::Quic).map(|at| at.socket);
        // A dial that was under way may hold one for some seconds more: that is not worth waiting for.
        let _ = time::timeout(RELEASED, released(quic.collect())).await;
    }
}

/// Returns when nobody holds the UDP ports: QUIC keeps one for as long as late packets of a closed connection may come.
async fn released(sockets: Vec<SocketAddr>) {
    for socket in sockets {
        while UdpSocket::bind(socket).is_err() {
            time::sleep(RELEASING).await;
        }
    }
}

/// The relays whose descriptors are among the records kept.
fn remembered(records: &Records, judge: &Judge) -> Known {
    let mut known = Known::default();
    for key in records.keys_after(None, Known::MOST) {
        let Some(record) = records.record(&key) else { continue };
        if let Ok(judged) = judge.judge_bytes(&key.0, &record, now())
            && let Some((descriptor, signed)) = judged.relay
        {
            known.learn(descriptor, signed);
        }
    }
    known
}

/// Serves each stream of a queue in a task of its own, until the queue ends.
async fn each<S, F>(mut streams: mpsc::Receiver<S>, serve: impl Fn(S) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let mut serving = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            Some(_) = serving.join_next(), if !serving.is_empty() => {}
            stream = streams.recv() => match stream {
                Some(stream) => {
                    serving.spawn(serve(stream));
                }
                None => break,
            },
        }
    }
    serving.shutdown().await;
}

/// Requests to the task that wait.
const COMMANDS: usize = 256;

/// Directory requests being answered.
const ANSWERS_AT_ONCE: usize = 128;

/// Between two looks at a port.
const RELEASING: Duration = Duration::from_millis(20);

/// For closed connections to let go of a port.
const RELEASED: Duration = Duration::from_millis(500);
