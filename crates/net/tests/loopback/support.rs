//! Relays and clients on this machine.

use outis_mailbox::{MemoryShelf, Shelf};
use outis_net::{ClientConfig, ClientState, Limits, Network, OpenError, PeerAddress, Relay, RelayConfig, Ways};
use outis_wire::{Destination, Isolation, NetworkName, NodeId, Purpose, Service};
use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{sync::watch, time::timeout};

pub(crate) fn network() -> NetworkName {
    "test".parse().expect("a name")
}

/// A whole story has this long; one that takes longer hangs.
pub(crate) async fn soon<F: Future>(future: F) -> F::Output {
    timeout(Duration::from_secs(30), future).await.expect("the story hangs")
}

pub(crate) fn relay_config(shelf: Arc<dyn Shelf>, bootstrap: &[PeerAddress]) -> RelayConfig {
    RelayConfig {
        network: network(),
        listen: ["/ip4/127.0.0.1/udp/0/quic-v1", "/ip4/127.0.0.1/tcp/0"]
            .map(|at| at.parse().expect("an address"))
            .into(),
        bootstrap: bootstrap.to_vec(),
        shelf,
        mailbox: outis_mailbox::Limits::new(&network(), 64 << 20),
        directory_quota: 64 << 20,
        limits: Limits::relay(),
    }
}

pub(crate) async fn relay(bootstrap: &[PeerAddress]) -> Relay {
    let shelf = Arc::new(MemoryShelf::default());
    Relay::start(relay_config(shelf, bootstrap)).await.expect("a relay")
}

/// Somebody who asks relays directly, which is what most of these stories are about.
pub(crate) fn client_config(bootstrap: &[PeerAddress]) -> ClientConfig {
    ClientConfig {
        network: network(),
        bootstrap: bootstrap.to_vec(),
        state: ClientState::default(),
        own_relay: None,
        decoys: None,
        ways: Ways::dangerously_direct(&network()).expect("a network for tests"),
        limits: Limits::client(),
    }
}

pub(crate) async fn client(bootstrap: &[PeerAddress]) -> Network {
    let client = Network::start(client_config(bootstrap)).expect("a client");
    knows_relays(&client, 1).await;
    client
}

/// Somebody whose circuits go over three relays.
pub(crate) fn hidden_config(bootstrap: &[PeerAddress]) -> ClientConfig {
    ClientConfig {
        ways: Ways::default(),
        ..client_config(bootstrap)
    }
}

/// Such a client, who knows six relays.
pub(crate) async fn hidden(bootstrap: &[PeerAddress]) -> Network {
    let client = Network::start(hidden_config(bootstrap)).expect("a client");
    knows_relays(&client, 6).await;
    client
}

/// Relays of which all know the first one's address.
pub(crate) async fn relays(count: usize) -> Vec<Relay> {
    let first = relay(&[]).await;
    let known = first.addresses();
    let mut relays = vec![first];
    for _ in 1..count {
        relays.push(relay(&known).await);
    }
    relays
}

pub(crate) async fn knows(relay: &Relay, others: usize) {
    until(&mut relay.relays_known(), |known| *known >= others).await;
}

pub(crate) async fn knows_relays(client: &Network, count: usize) {
    until(&mut client.changes(), |status| status.relays_known >= count).await;
}

async fn until<T>(receiver: &mut watch::Receiver<T>, wanted: impl FnMut(&T) -> bool) {
    soon(receiver.wait_for(wanted)).await.expect("still running");
}

pub(crate) async fn open(client: &Network, node: NodeId, service: Service) -> outis_net::Stream {
    try_open(client, node, service).await.expect("a stream")
}

/// On a task of its own, as the messenger will.
pub(crate) async fn try_open(client: &Network, node: NodeId, service: Service) -> Result<outis_net::Stream, OpenError> {
    let client = client.clone();
    let to = Destination { node, service };
    // Each by a way of its own: one way has a ration.
    let mut isolation = [0; 32];
    isolation[..8].copy_from_slice(&OPENED.fetch_add(1, Ordering::Relaxed).to_be_bytes());
    let opening = tokio::spawn(async move { client.open(to, Purpose::Directory, Isolation(isolation)).await });
    soon(opening).await.expect("no panic")
}

static OPENED: AtomicU64 = AtomicU64::new(0);

pub(crate) async fn shutdown(relays: Vec<Relay>) {
    for relay in relays {
        soon(relay.shutdown()).await;
    }
}
