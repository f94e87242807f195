//! Nodes that mean harm.

use crate::support::{client, knows_relays, network, open, relay, relay_config, soon, try_open};
use futures::{StreamExt, future::join_all};
use libp2p::{
    Multiaddr, PeerId, StreamProtocol, Swarm, SwarmBuilder,
    kad::{self, QueryResult, Quorum, RecordKey, store::MemoryStore},
    noise,
    swarm::SwarmEvent,
    tcp, yamux,
};
use outis_mailbox::{
    MemoryShelf,
    descriptor::DirectoryKey,
    directory::{Directory, Record},
};
use outis_net::{Limits, Relay, RelayConfig};
use outis_onion::Link;
use outis_wire::Service;
use std::sync::Arc;

/// A node that speaks Kademlia and nothing else, and offers whatever it likes.
struct Poisoner {
    swarm: Swarm<kad::Behaviour<MemoryStore>>,
    victim: PeerId,
}

impl Poisoner {
    fn of(relay: &Relay) -> Self {
        let config = kad::Config::new(StreamProtocol::new("/outis/test/kad/1"));
        let mut swarm = SwarmBuilder::with_new_identity()
            .with_tokio()
            .with_tcp(tcp::Config::default(), noise::Config::new, yamux::Config::default)
            .expect("a transport")
            .with_behaviour(|key| {
                let peer = key.public().to_peer_id();
                kad::Behaviour::with_config(peer, MemoryStore::new(peer), config)
            })
            .expect("a behaviour")
            .build();
        let victim = relay.node().to_string().parse().expect("a peer id");
        let address = relay
            .addresses()
            .into_iter()
            .find(|address| address.at.link == Link::Tcp)
            .expect("it listens");
        let address: Multiaddr = address.to_string().parse().expect("a multiaddr");
        swarm.behaviour_mut().add_address(&victim, address);
        Self { swarm, victim }
    }

    /// Returns when the relay has said that it got it. (Kademlia says so whatever becomes of it.)
    async fn offer(&mut self, key: DirectoryKey, value: Vec<u8>) {
        let record = kad::Record::new(RecordKey::new(&key.0), value);
        let to = std::iter::once(self.victim);
        self.swarm.behaviour_mut().put_record_to(record, to, Quorum::One);
        soon(async {
            loop {
                if let SwarmEvent::Behaviour(kad::Event::OutboundQueryProgressed {
                    result: QueryResult::PutRecord(outcome),
                    ..
                }) = self.swarm.select_next_some().await
                {
                    return outcome.expect("offered");
                }
            }
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_poisons_the_directory_stores_nothing() {
    let (victim, stranger) = (relay(&[]).await, relay(&[]).await);
    let reader = client(&victim.addresses()).await;
    let teller = client(&stranger.addresses()).await;
    let mut at_stranger = Directory::new(open(&teller, stranger.node(), Service::Directory).await);
    let descriptor = soon(at_stranger.sample(1)).await.expect("an answer").remove(0);
    let key = DirectoryKey::relay(&network(), &stranger.node());
    let valid = Record::Relay(descriptor.clone()).to_bytes();
    let mut forged = valid.clone();
    if let Some(byte) = forged.get_mut(50) {
        *byte ^= 1;
    }

    let mut poisoner = Poisoner::of(&victim);
    poisoner.offer(key, b"not a record".to_vec()).await;
    poisoner.offer(key, forged).await;
    poisoner.offer(DirectoryKey([7; 32]), valid.clone()).await;
    let mut at_victim = Directory::new(open(&reader, victim.node(), Service::Directory).await);
    assert_eq!(soon(at_victim.get(key)).await.expect("an answer"), []);
    assert_eq!(soon(at_victim.get(DirectoryKey([7; 32]))).await.expect("an answer"), []);

    // The control: the same way in is open to what is true.
    poisoner.offer(key, valid).await;
    assert_eq!(
        soon(at_victim.get(key)).await.expect("an answer"),
        [Record::Relay(descriptor)]
    );
    for network in [reader, teller] {
        soon(network.shutdown()).await;
    }
    for relay in [victim, stranger] {
        soon(relay.shutdown()).await;
    }
}

/// R24, in its short form.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_who_takes_all_circuits_he_can_leaves_enough_to_others() {
    let limits = Limits {
        circuits_per_neighbour: 64,
        ..Limits::relay()
    };
    let config = RelayConfig {
        limits,
        ..relay_config(Arc::new(MemoryShelf::default()), &[])
    };
    let relay = Relay::start(config).await.expect("a relay");
    let greedy = client(&relay.addresses()).await;
    let honest = client(&relay.addresses()).await;
    let mut held = Vec::new();
    for _ in 0..60 {
        held.push(open(&greedy, relay.node(), Service::Rendezvous).await);
    }
    // Those beyond a neighbour's share are not granted.
    let further = tokio::spawn({
        let (greedy, node) = (greedy.clone(), relay.node());
        async move { join_all((0..40).map(|_| try_open(&greedy, node, Service::Rendezvous))).await }
    });
    let mut directory = Directory::new(open(&honest, relay.node(), Service::Directory).await);
    soon(directory.sample(1)).await.expect("served");
    knows_relays(&honest, 1).await;
    // The honest one has its stream, and may just be asking for relays by itself.
    assert!(relay.status().circuits <= 64 + 2, "{}", relay.status().circuits);
    further.abort();
    soon(greedy.shutdown()).await;
    soon(honest.shutdown()).await;
    soon(relay.shutdown()).await;
}
