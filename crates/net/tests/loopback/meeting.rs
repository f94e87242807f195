//! Relays find one another, and clients find relays.

use crate::support::{
    client, client_config, knows, knows_relays, network, open, relay, relay_config, relays, shutdown, soon, try_open,
};
use outis_mailbox::{
    MemoryShelf,
    descriptor::DirectoryKey,
    directory::{Directory, Record},
};
use outis_net::{ClientConfig, ClientState, Network, OpenError, Relay, RelayConfig};
use outis_onion::{Roles, Scope, SignedDescriptor};
use outis_wire::{NetworkName, NodeId, Service, UnixMillis};
use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn six_relays_that_know_one_address_find_one_another() {
    let started = Instant::now();
    let relays = relays(6).await;
    for relay in &relays {
        knows(relay, 5).await;
    }
    println!("all met after {:?}", started.elapsed());
    shutdown(relays).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_learns_all_relays_and_finds_each_one_again_from_memory() {
    let relays = relays(4).await;
    let first = client(&relays[0].addresses()).await;
    knows_relays(&first, 4).await;
    let expected: BTreeSet<NodeId> = relays.iter().map(Relay::node).collect();
    assert_eq!(
        first.relays(Roles::MAILBOX).into_iter().collect::<BTreeSet<_>>(),
        expected
    );
    assert!(first.status().online);
    let state = first.state();
    soon(first.shutdown()).await;

    let again = Network::start(ClientConfig {
        state,
        ..client_config(&[])
    })
    .expect("a client");
    assert_eq!(again.status().relays_known, 4, "remembered without a word to anybody");
    assert_ne!(again.status().node, first.status().node, "a fresh key at each start");
    let mut directory = Directory::new(open(&again, relays[3].node(), Service::Directory).await);
    assert!(!soon(directory.sample(24)).await.expect("an answer").is_empty());
    soon(again.shutdown()).await;
    shutdown(relays).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_relay_stores_another_finds() {
    let relays = relays(3).await;
    for relay in &relays {
        knows(relay, 2).await;
    }
    let client = client(&relays[0].addresses()).await;
    knows_relays(&client, 3).await;
    let mut one = Directory::new(open(&client, relays[1].node(), Service::Directory).await);
    let own = soon(one.sample(1)).await.expect("an answer").remove(0);
    assert!(soon(one.put(Record::Relay(own.clone()))).await.expect("stored") >= 1);
    let mut other = Directory::new(open(&client, relays[2].node(), Service::Directory).await);
    let key = DirectoryKey::relay(&network(), &relays[1].node());
    let found = soon(other.get(key)).await.expect("an answer");
    assert!(found.contains(&Record::Relay(own)));
    let nothing = soon(other.get(DirectoryKey([9; 32]))).await.expect("an answer");
    assert!(nothing.is_empty());
    soon(client.shutdown()).await;
    shutdown(relays).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_signed_or_not_for_this_network_is_not_stored() {
    let relays = relays(2).await;
    let client = client(&relays[0].addresses()).await;
    knows_relays(&client, 1).await;
    let mut directory = Directory::new(open(&client, relays[0].node(), Service::Directory).await);
    let mut forged = soon(directory.sample(1)).await.expect("an answer").remove(0);
    if let Some(byte) = forged.get_mut(40) {
        *byte ^= 1;
    }
    assert!(soon(directory.put(Record::Relay(forged.clone()))).await.is_err());
    assert!(soon(directory.announce(forged)).await.is_err());
    // Somebody else's true descriptor is no announcement either: the connection says who speaks.
    let mut true_one = soon(directory.sample(1)).await.expect("an answer");
    assert!(soon(directory.announce(true_one.remove(0))).await.is_err());
    soon(client.shutdown()).await;
    shutdown(relays).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_keeps_its_name_and_its_friends_over_a_restart() {
    let other = relay(&[]).await;
    let shelf = Arc::new(MemoryShelf::default());
    let first = Relay::start(relay_config(Arc::clone(&shelf) as _, &other.addresses()))
        .await
        .expect("a relay");
    knows(&first, 1).await;
    let node = first.node();
    knows(&other, 1).await;
    let issued = descriptor_of(&first).await;
    soon(first.shutdown()).await;
    drop(first);

    let again = Relay::start(relay_config(shelf, &[])).await.expect("a relay");
    assert_eq!(again.node(), node);
    let reissued = descriptor_of(&again).await;
    assert_ne!(issued, reissued);
    let today = today();
    let read = |bytes: &[u8]| {
        let signed = SignedDescriptor::from_bytes(bytes).expect("a descriptor");
        signed.verify(&network(), Scope::Private, today).expect("its own")
    };
    assert!(read(&reissued).supersedes(&read(&issued)));
    assert_eq!(
        read(&reissued).onion_key,
        read(&issued).onion_key,
        "the day's key is kept"
    );
    soon(again.shutdown()).await;
    soon(other.shutdown()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_that_nobody_told_us_of_is_looked_up_by_its_id() {
    let relays = relays(3).await;
    for relay in &relays {
        knows(relay, 2).await;
    }
    let client = client(&relays[0].addresses()).await;
    knows_relays(&client, 1).await;
    for relay in &relays {
        drop(open(&client, relay.node(), Service::Directory).await);
    }
    let outcome = try_open(&client, NodeId([3; 32]), Service::Mailbox).await;
    assert!(matches!(outcome, Err(OpenError::UnknownRelay)), "{outcome:?}");
    soon(client.shutdown()).await;
    shutdown(relays).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn networks_of_different_names_have_nothing_to_say_to_each_other() {
    let relay = relay(&[]).await;
    let other = ClientConfig {
        network: "other".parse().expect("a name"),
        ..client_config(&relay.addresses())
    };
    let client = Network::start(other).expect("a client");
    let outcome = try_open(&client, relay.node(), Service::Directory).await;
    assert!(matches!(outcome, Err(OpenError::TooFewRelays)), "{outcome:?}");
    assert_eq!(client.status().relays_known, 0);
    soon(client.shutdown()).await;
    soon(relay.shutdown()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_the_public_network_a_private_address_counts_once_a_person_has_typed_it() {
    let main = NetworkName::default();
    let config = RelayConfig {
        network: main.clone(),
        ..relay_config(Arc::new(MemoryShelf::default()), &[])
    };
    let relay = Relay::start(config).await.expect("a relay");
    let start = |state: ClientState| {
        let config = ClientConfig {
            network: main.clone(),
            state,
            ..client_config(&[])
        };
        Network::start(config).expect("a client")
    };
    let client = start(ClientState::default());
    assert_eq!(client.status().relays_known, 0);
    relay
        .addresses()
        .into_iter()
        .for_each(|address| client.add_peer(address));
    knows_relays(&client, 1).await;
    let state = client.state();
    soon(client.shutdown()).await;
    let again = start(state);
    assert_eq!(again.status().relays_known, 1, "remembered, private as it is");
    soon(again.changes().wait_for(|status| status.online))
        .await
        .expect("running");
    soon(again.shutdown()).await;
    soon(relay.shutdown()).await;
}

async fn descriptor_of(relay: &Relay) -> Vec<u8> {
    let client = client(&relay.addresses()).await;
    let mut directory = Directory::new(open(&client, relay.node(), Service::Directory).await);
    let own = soon(directory.sample(1)).await.expect("an answer").remove(0);
    soon(client.shutdown()).await;
    own
}

fn today() -> outis_wire::Epoch {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    UnixMillis(since.as_millis() as u64).epoch()
}
