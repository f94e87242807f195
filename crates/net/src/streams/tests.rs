//! Two swarms on loopback, with a probe that also speaks identify.

use super::*;
use crate::{Limits, address::Scoping, limits, protocol, transport};
use futures::{AsyncReadExt, AsyncWriteExt, StreamExt};
use libp2p::{
    Swarm, identify,
    identity::Keypair,
    swarm::{NetworkBehaviour as Derive, SwarmEvent},
};
use outis_wire::NetworkName;
use std::future::Future;
use tokio::{task::JoinHandle, time::timeout};

#[derive(Derive)]
struct Probe {
    limits: limits::Behaviour,
    identify: identify::Behaviour,
    streams: Behaviour,
}

/// A swarm in a task of its own.
pub(crate) struct Node {
    peer: PeerId,
    address: Option<Multiaddr>,
    orders: mpsc::UnboundedSender<(PeerId, Vec<Multiaddr>, Request)>,
    seen: mpsc::UnboundedReceiver<identify::Info>,
    streams: Arc<Counters>,
    connections: Arc<limits::Counters>,
    accepted: Vec<mpsc::Receiver<Stream>>,
    task: JoinHandle<()>,
}

fn network() -> NetworkName {
    "test".parse().expect("a name")
}

fn served() -> StreamProtocol {
    protocol::directory(&network())
}

pub(crate) async fn soon<F: Future>(future: F) -> F::Output {
    timeout(Duration::from_secs(30), future).await.expect("the story hangs")
}

/// Serves if it listens.
pub(crate) async fn node(listen: Option<&str>, limits: Limits) -> Node {
    node_as(Keypair::generate_ed25519(), served(), listen, limits).await
}

/// Serves this, with that key.
pub(crate) async fn node_as(key: Keypair, served: StreamProtocol, listen: Option<&str>, limits: Limits) -> Node {
    let budget = Budget::new(limits.memory);
    let accept: Vec<_> = listen
        .iter()
        .map(|_| Accept {
            protocol: served.clone(),
            queue: limits.accept_queue,
        })
        .collect();
    let (streams, accepted) = Behaviour::new(accept, limits.streams(), budget.clone());
    let counters = streams.counters();
    let limited = limits::Behaviour::new(limits.clone(), budget);
    let connections = limited.counters();
    let probe = Probe {
        limits: limited,
        identify: protocol::identify(&network(), key.public()),
        streams,
    };
    let peer = key.public().to_peer_id();
    let transport = transport::build(&key, &limits, Scoping::of(&network(), [])).expect("a transport");
    let mut swarm = Swarm::new(transport, probe, peer, transport::swarm_config(&limits));
    let mut address = None;
    if let Some(listen) = listen {
        swarm.listen_on(listen.parse().expect("an address")).expect("listening");
        while address.is_none() {
            if let SwarmEvent::NewListenAddr { address: at, .. } = swarm.select_next_some().await {
                address = Some(at);
            }
        }
    }
    let (orders, mut todo) = mpsc::unbounded_channel::<(PeerId, Vec<Multiaddr>, Request)>();
    let (tell, seen) = mpsc::unbounded_channel();
    let task = tokio::spawn(async move {
        loop {
            tokio::select! {
                biased;
                order = todo.recv() => match order {
                    Some((peer, addresses, request)) => swarm.behaviour_mut().streams.open(peer, addresses, request),
                    None => break,
                },
                event = swarm.select_next_some() => {
                    if let SwarmEvent::Behaviour(ProbeEvent::Identify(identify::Event::Received { info, .. })) = event {
                        let _ = tell.send(info);
                    }
                }
            }
        }
    });
    Node {
        peer,
        address,
        orders,
        seen,
        streams: counters,
        connections,
        accepted,
        task,
    }
}

impl Node {
    fn ask(&self, other: &Node, protocol: StreamProtocol) -> oneshot::Receiver<Result<Stream, OpenFailure>> {
        self.ask_at(other.peer, other.address.iter().cloned().collect(), protocol)
    }

    pub(crate) fn ask_at(
        &self,
        peer: PeerId,
        addresses: Vec<Multiaddr>,
        protocol: StreamProtocol,
    ) -> oneshot::Receiver<Result<Stream, OpenFailure>> {
        let (reply, answer) = oneshot::channel();
        self.orders
            .send((peer, addresses, Request { protocol, reply }))
            .expect("running");
        answer
    }

    pub(crate) fn address(&self) -> &Multiaddr {
        self.address.as_ref().expect("it listens")
    }

    pub(crate) async fn open(&self, other: &Node) -> Result<Stream, OpenFailure> {
        soon(self.ask(other, served())).await.unwrap_or(Err(OpenFailure::Lost))
    }

    pub(crate) async fn take(&mut self) -> Stream {
        soon(self.accepted[0].recv()).await.expect("a stream")
    }
}

pub(crate) const QUIC: &str = "/ip4/127.0.0.1/udp/0/quic-v1";
const TCP: &str = "/ip4/127.0.0.1/tcp/0";

/// Sends a byte and waits for it to come back: after that both sides have settled.
async fn echo(one: &mut Stream, other: &mut Stream) {
    let mut byte = [0];
    one.write_all(&[7]).await.expect("written");
    one.flush().await.expect("flushed");
    other.read_exact(&mut byte).await.expect("read");
    other.write_all(&byte).await.expect("written");
    other.flush().await.expect("flushed");
    one.read_exact(&mut byte).await.expect("read");
    assert_eq!(byte, [7]);
}

#[tokio::test]
async fn an_unknown_protocol_is_refused_and_the_connection_stays_good() {
    for listen in [QUIC, TCP] {
        let mut relay = node(Some(listen), Limits::relay()).await;
        let client = node(None, Limits::client()).await;
        let unknown = StreamProtocol::new("/outis/other/mailbox/1");
        let outcome = soon(client.ask(&relay, unknown)).await.expect("an answer");
        assert_eq!(outcome.err(), Some(OpenFailure::Unsupported));
        let (mut one, mut other) = (client.open(&relay).await.expect("open"), relay.take().await);
        soon(echo(&mut one, &mut other)).await;
        assert_eq!(client.connections.established(), 1, "the same connection");
    }
}

#[tokio::test]
async fn streams_beyond_the_queue_are_refused_counted_and_free_their_place() {
    let limits = Limits {
        accept_queue: 4,
        ..Limits::relay()
    };
    let mut relay = node(Some(QUIC), limits).await;
    let client = node(None, Limits::client()).await;
    let mut opened = Vec::new();
    for _ in 0..10 {
        opened.push(client.open(&relay).await.expect("negotiated"));
    }
    // The first four wait in the queue; the others end.
    for stream in &mut opened[4..] {
        let mut byte = [0];
        assert!(soon(stream.read(&mut byte)).await.map_or(true, |read| read == 0));
    }
    assert_eq!(relay.streams.refused(), 6);
    for _ in 0..4 {
        drop(relay.take().await);
    }
    let (mut one, mut other) = (client.open(&relay).await.expect("open"), relay.take().await);
    soon(echo(&mut one, &mut other)).await;
}

#[tokio::test]
async fn a_thousand_streams_leave_nothing_behind() {
    for listen in [QUIC, TCP] {
        let mut relay = node(Some(listen), Limits::relay()).await;
        let client = node(None, Limits::client()).await;
        for n in 0..1_000 {
            let (mut one, mut other) = (client.open(&relay).await.expect("open"), relay.take().await);
            // Closed properly, dropped by either side first, or dropped at once.
            match n % 4 {
                0 => {
                    one.close().await.expect("closed");
                    let mut rest = Vec::new();
                    soon(other.read_to_end(&mut rest)).await.expect("ended");
                }
                1 => drop(one),
                2 => drop(other),
                _ => {}
            }
        }
        assert_eq!((client.streams.open(), relay.streams.open()), (0, 0));
        assert_eq!(
            (client.connections.established(), relay.connections.established()),
            (1, 1)
        );
        assert_eq!(relay.streams.refused(), 0);
    }
}

#[tokio::test]
async fn many_opens_at_once_all_succeed_on_one_connection() {
    let mut relay = node(Some(QUIC), Limits::relay()).await;
    let client = node(None, Limits::client()).await;
    let answers: Vec<_> = (0..200).map(|_| client.ask(&relay, served())).collect();
    let mut streams = Vec::new();
    for answer in answers {
        streams.push(soon(answer).await.expect("an answer").expect("open"));
        streams.push(relay.take().await);
    }
    assert_eq!(client.connections.established(), 1);
    assert_eq!(client.streams.open() + relay.streams.open(), 400);
}

#[tokio::test]
async fn an_open_that_nobody_waits_for_is_not_made() {
    let mut relay = node(Some(QUIC), Limits::relay()).await;
    let client = node(None, Limits::client()).await;
    drop(client.ask(&relay, served()));
    let (mut one, mut other) = (client.open(&relay).await.expect("open"), relay.take().await);
    soon(echo(&mut one, &mut other)).await;
    assert_eq!(relay.streams.open(), 1, "only the one that was waited for");
}

#[tokio::test]
async fn nobody_there_is_an_error_and_not_for_ever() {
    let gone = node(Some(TCP), Limits::relay()).await;
    gone.task.abort();
    let Node {
        peer,
        address,
        orders,
        seen,
        streams,
        connections,
        accepted,
        task,
    } = gone;
    let _ = task.await;
    let gone = Node {
        peer,
        address,
        orders,
        seen,
        streams,
        connections,
        accepted,
        task: tokio::spawn(async {}),
    };
    let client = node(None, Limits::client()).await;
    assert_eq!(client.open(&gone).await.err(), Some(OpenFailure::Unreachable));
}

#[tokio::test]
async fn streams_fail_when_their_connection_does() {
    let mut relay = node(Some(QUIC), Limits::relay()).await;
    let client = node(None, Limits::client()).await;
    let (mut one, mut other) = (client.open(&relay).await.expect("open"), relay.take().await);
    soon(echo(&mut one, &mut other)).await;
    drop((client, one));
    let mut byte = [0];
    assert!(soon(other.read(&mut byte)).await.map_or(true, |read| read == 0));
    drop(other);
    assert_eq!(relay.streams.open(), 0);
}

#[tokio::test]
async fn connections_from_one_place_are_counted_before_the_handshake() {
    let limits = Limits {
        per_prefix: 3,
        ..Limits::relay()
    };
    let relay = node(Some(TCP), limits).await;
    let mut clients = Vec::new();
    let mut outcomes = Vec::new();
    for _ in 0..5 {
        let client = node(None, Limits::client()).await;
        outcomes.push(client.open(&relay).await.is_ok());
        clients.push(client);
    }
    assert_eq!(outcomes, [true, true, true, false, false]);
    assert_eq!((relay.connections.established(), relay.connections.denied()), (3, 2));
    let machine = Limits {
        per_prefix: 3,
        ..Limits::relay()
    }
    .on_one_machine();
    assert!(
        machine.per_prefix > 1_000,
        "a whole network on one machine is not stopped"
    );
}

#[tokio::test]
async fn no_stream_is_made_beyond_the_memory_budget() {
    let limits = Limits {
        memory: 64 * 1024 + 3 * 64 * 1024,
        ..Limits::relay()
    };
    let mut relay = node(Some(QUIC), limits).await;
    let client = node(None, Limits::client()).await;
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push((client.open(&relay).await.expect("open"), relay.take().await));
    }
    let mut fourth = client.open(&relay).await.expect("negotiated");
    let mut byte = [0];
    assert!(
        soon(fourth.read(&mut byte)).await.map_or(true, |read| read == 0),
        "refused"
    );
    assert_eq!(relay.streams.refused(), 1);
    held.clear();
    assert!(client.open(&relay).await.is_ok());
    let _again = relay.take().await;
}

/// R25: two clients cannot be told apart by what they say of themselves, and say nothing of where they are.
#[tokio::test]
async fn clients_say_the_same_of_themselves_and_nothing_personal() {
    let mut relay = node(Some(QUIC), Limits::relay()).await;
    let mut said = Vec::new();
    for _ in 0..2 {
        let client = node(None, Limits::client()).await;
        let _stream = client.open(&relay).await.expect("open");
        let info = soon(relay.seen.recv()).await.expect("identified");
        assert_eq!(info.public_key.to_peer_id(), client.peer);
        // libp2p sends them in an order of its own, new for each message.
        let mut protocols = info.protocols;
        protocols.sort_unstable_by_key(ToString::to_string);
        said.push((
            info.protocol_version,
            info.agent_version,
            info.listen_addrs,
            protocols,
            info.signed_peer_record.is_some(),
        ));
    }
    assert_eq!(said[0], said[1]);
    let (version, agent, addresses, protocols, signed) = &said[0];
    assert_eq!(
        (version.as_str(), agent.as_str(), *signed),
        ("/outis/test/node/1", "outis", false)
    );
    assert!(addresses.is_empty());
    assert!(
        protocols.iter().all(|p| p.as_ref().starts_with("/ipfs/id/")),
        "{protocols:?}"
    );

    // The same check catches a client that speaks of itself: the control.
    let leaky = identify::Config::new("/outis/test/node/1".into(), Keypair::generate_ed25519().public())
        .with_agent_version("outis on ada's laptop".into());
    assert_ne!(leaky.agent_version(), agent);
}
