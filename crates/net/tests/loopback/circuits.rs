//! Streams over three relays.

use crate::support::{
    client, client_config, hidden, hidden_config, knows, knows_relays, open, relays, shutdown, soon, try_open,
};
use futures::{AsyncReadExt, AsyncWriteExt};
use outis_mailbox::directory::Directory;
use outis_net::{CircuitStatus, ClientConfig, Network, OpenError, Relay};
use outis_wire::{Destination, Isolation, NodeId, Purpose, Service};
use std::collections::BTreeSet;

/// Six that know one another.
async fn six() -> Vec<Relay> {
    let relays = relays(6).await;
    for relay in &relays {
        knows(relay, 5).await;
    }
    relays
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_goes_over_three_relays_that_are_not_its_end() {
    let relays = six().await;
    let client = hidden(&relays[0].addresses()).await;
    for relay in &relays {
        let mut directory = Directory::new(open(&client, relay.node(), Service::Directory).await);
        let answer = soon(directory.sample(24)).await.expect("an answer");
        assert_eq!(answer.len(), 6, "its own descriptor and those of the others");
        let used: Vec<_> = (client.circuits().into_iter())
            .filter(|circuit| circuit.purpose.is_some())
            .collect();
        assert!(used.iter().any(|circuit| {
            let hops: BTreeSet<NodeId> = circuit.hops.iter().copied().collect();
            hops.len() == 3 && !hops.contains(&relay.node())
        }));
    }
    soon(client.shutdown()).await;
    shutdown(relays).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_five_relays_nothing_is_sent_and_the_state_says_why() {
    let relays = relays(5).await;
    for relay in &relays {
        knows(relay, 4).await;
    }
    let started = Network::start(hidden_config(&relays[0].addresses())).expect("a client");
    knows_relays(&started, 5).await;
    let outcome = try_open(&started, relays[1].node(), Service::Directory).await;
    assert!(matches!(outcome, Err(OpenError::TooFewRelays)), "{outcome:?}");
    assert_eq!(started.circuits(), []);
    let direct = client(&relays[0].addresses()).await;
    drop(open(&direct, relays[0].node(), Service::Directory).await);
    soon(started.shutdown()).await;
    soon(direct.shutdown()).await;
    shutdown(relays).await;
}

/// R8, where no packets are captured: whom a client is connected with.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_remembers_relays_is_connected_with_its_guards_and_nobody_else() {
    let relays = six().await;
    let first = hidden(&relays[0].addresses()).await;
    let guards = soon(async {
        while first.circuits().is_empty() {
            tokio::task::yield_now().await;
        }
        first.guards()
    })
    .await;
    assert_eq!(guards.len(), 2);
    let state = first.state();
    soon(first.shutdown()).await;

    let config = ClientConfig {
        state: state.clone(),
        ..hidden_config(&[])
    };
    let again = Network::start(config).expect("a client");
    let mut most = 0;
    for relay in &relays {
        let mut directory = Directory::new(open(&again, relay.node(), Service::Directory).await);
        soon(directory.sample(1)).await.expect("an answer");
        most = most.max(again.status().peers);
    }
    assert!((1..=2).contains(&most), "{most}");
    assert_eq!(again.guards(), guards, "the same as last time");
    let begins = |circuit: &CircuitStatus| circuit.hops.first().is_some_and(|first| guards.contains(first));
    assert!(again.circuits().iter().all(begins));

    // The control: who goes straight to them is connected with them.
    let config = ClientConfig {
        state,
        ..client_config(&[])
    };
    let direct = Network::start(config).expect("a client");
    for relay in &relays {
        drop(open(&direct, relay.node(), Service::Directory).await);
    }
    assert_eq!(direct.status().peers, 6);
    soon(again.shutdown()).await;
    soon(direct.shutdown()).await;
    shutdown(relays).await;
}

/// Opens a mailbox stream, waits for its greeting, closes it, and says over which circuit it went.
async fn greeting(client: &Network, node: NodeId, isolation: u8) -> u64 {
    let before: BTreeSet<u64> = used(client);
    let to = Destination {
        node,
        service: Service::Mailbox,
    };
    let opening = client.open(to, Purpose::Mailbox, Isolation([isolation; 32]));
    let mut stream = soon(opening).await.expect("a stream");
    soon(stream.read_exact(&mut [0; 4])).await.expect("a greeting");
    let fresh: Vec<u64> = used(client).difference(&before).copied().collect();
    soon(stream.close()).await.expect("closed");
    soon(stream.read_to_end(&mut Vec::new()))
        .await
        .expect("the mailbox closes as well");
    fresh.first().copied().unwrap_or(AGAIN)
}

/// No circuit that was not used before.
const AGAIN: u64 = u64::MAX;

fn used(client: &Network) -> BTreeSet<u64> {
    let circuits = client.circuits().into_iter();
    circuits
        .filter(|circuit| circuit.purpose.is_some())
        .map(|circuit| circuit.id)
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_isolations_never_share_a_circuit_and_one_comes_again_on_its_own() {
    let relays = six().await;
    let client = hidden(&relays[0].addresses()).await;
    let mut circuits = BTreeSet::new();
    for isolation in 0..6 {
        let circuit = greeting(&client, relays[1].node(), isolation).await;
        assert!(circuit != AGAIN && circuits.insert(circuit), "one of its own");
    }
    let elsewhere = greeting(&client, relays[2].node(), 0).await;
    assert!(
        elsewhere != AGAIN && circuits.insert(elsewhere),
        "the same isolation to another relay"
    );
    // When its end was heard on both sides, a circuit is free for more of its own way.
    soon(async { while greeting(&client, relays[1].node(), 3).await != AGAIN {} }).await;
    soon(client.shutdown()).await;
    shutdown(relays).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_whose_guard_dies_goes_on_over_another() {
    let mut relays = relays(7).await;
    for relay in &relays {
        knows(relay, 6).await;
    }
    let client = hidden(&relays[0].addresses()).await;
    drop(open(&client, relays[0].node(), Service::Directory).await);
    let guards = client.guards();
    let dying = relays
        .iter()
        .position(|relay| guards.first() == Some(&relay.node()))
        .expect("one of them");
    soon(relays.remove(dying).shutdown()).await;
    let end = relays
        .iter()
        .find(|relay| !guards.contains(&relay.node()))
        .expect("more than guards");
    soon(async {
        while try_open(&client, end.node(), Service::Directory).await.is_err() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    soon(client.shutdown()).await;
    shutdown(relays).await;
}
