//! R59 on real circuits: in cells, a line shows the same of a decoy as of a few words to somebody who is away.

use super::*;
use crate::{
    ClientConfig, ClientState, Limits, Network, Relay, RelayConfig, Ways, client::line::Line, streams::tests::soon,
};
use outis_mailbox::{Envelope, MemoryShelf, OwnedQueue, Postage, client::creation_challenge};
use outis_wire::NetworkName;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use std::{ops::RangeInclusive, sync::Arc};

/// Cells out and in where three circuits of the stock are used, and three are built in their place: extend, begin, the word
/// and the end of each, and create and two extends of its successor; extended, connected, greeting, answer and end, and
/// three answers. A greeting may share a cell with what comes right behind it.
const FIRST: (u64, RangeInclusive<u64>) = (21, 18..=24);

/// The same over circuits that wait for more: begin, the word and the end; connected, greeting, answer and end.
const NEXT: (u64, RangeInclusive<u64>) = (9, 6..=12);

fn network() -> NetworkName {
    "test".parse().expect("a name")
}

async fn relay(bootstrap: &[crate::PeerAddress]) -> Relay {
    let config = RelayConfig {
        network: network(),
        listen: vec!["/ip4/127.0.0.1/udp/0/quic-v1".parse().expect("an address")],
        bootstrap: bootstrap.to_vec(),
        shelf: Arc::new(MemoryShelf::default()),
        mailbox: outis_mailbox::Limits::new(&network(), 64 << 20),
        directory_quota: 1 << 20,
        limits: Limits::relay(),
    };
    Relay::start(config).await.expect("a relay")
}

/// Somebody who knows them all.
async fn client(relays: &[Relay]) -> Network {
    let config = ClientConfig {
        network: network(),
        bootstrap: relays[0].addresses(),
        state: ClientState::default(),
        own_relay: None,
        ways: Ways::default(),
        decoys: None,
        limits: Limits::client(),
    };
    let client = Network::start(config).expect("a client");
    let known = soon(async {
        let mut changes = client.changes();
        changes
            .wait_for(|status| status.relays_known >= relays.len())
            .await
            .is_ok()
    });
    assert!(known.await);
    client
}

async fn mailbox(client: &Network, way: Way) -> (outis_mailbox::Mailbox, impl Future<Output = ()>) {
    let stream = client.opener().open(way).await.expect("a stream");
    let (mailbox, driver) = connect(stream, network(), way.to.node);
    (mailbox, async move {
        // However it ends.
        let _ = driver.await;
    })
}

/// A queue for a contact, made by a way that nothing else goes.
async fn queue(client: &Network, node: NodeId, seed: u64) -> OwnedQueue {
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    let queue = OwnedQueue::generate(&mut rng, node);
    let (mut mailbox, driver) = mailbox(client, way(node)).await;
    let network = network();
    let making = async {
        let quote = mailbox.quote_queue(Kind::CONTACT).await.expect("a quote");
        let challenge = creation_challenge(&network, &queue, Kind::CONTACT);
        let mut search = challenge.search(quote.hour, quote.effort, &mut rng);
        let proof = loop {
            if let Some(proof) = search.step() {
                break proof;
            }
        };
        mailbox.create(&queue, Kind::CONTACT, proof).await.expect("a queue");
    };
    pin_mut!(driver);
    select(Box::pin(making), driver).await;
    queue
}

/// A short message, as the messenger puts it.
async fn put(client: &Network, way: Way, queue: &OwnedQueue, words: &[u8]) {
    let envelope: Envelope = queue.place().seal(&mut os_rng(), words).expect("it fits");
    let (mut mailbox, driver) = mailbox(client, way).await;
    let place = queue.place();
    let putting = async { mailbox.put(&place, envelope, Postage::Free).await.expect("stored") };
    pin_mut!(putting, driver);
    select(putting, driver).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_decoy_shows_the_cells_of_a_few_words_put_into_three_mailboxes() {
    let mut relays = vec![relay(&[]).await];
    let first = relays[0].addresses();
    while relays.len() < 8 {
        relays.push(relay(&first).await);
    }
    let client = client(&relays).await;
    let line = Line::of(&client, 6);
    let mut queues = Vec::new();
    for (seed, relay) in (0..).zip(&relays[..3]) {
        queues.push((way(relay.node()), queue(&client, relay.node(), seed).await));
    }
    let mut words = Vec::new();
    for text in ["Yes.", "No, and I will tell you why when we meet."] {
        let puts = queues
            .iter()
            .map(|(way, queue)| put(&client, *way, queue, text.as_bytes()));
        words.push(line.shown(join_all(puts)).await);
    }
    as_expected(&words);

    let mut company = Company::default();
    company.meet(&client.opener());
    let mut decoys = Vec::new();
    for _ in 0..2 {
        let before = company.ways.clone();
        company.meet(&client.opener());
        assert!(company.ways == before, "for a while it is the same");
        decoys.push(line.shown(company.talk(&client.opener())).await);
    }
    as_expected(&decoys);

    // The control: what is not like words is seen.
    let longer = vec![7; 5_000];
    let long = put(&client, queues[0].0, &queues[0].1, &longer);
    let long = line.shown(long).await;
    assert!(long.0 > NEXT.0 / 3, "a long message has more cells: {long:?}");
    soon(client.shutdown()).await;
    for relay in relays {
        soon(relay.shutdown()).await;
    }
}

fn as_expected(shown: &[(u64, u64)]) {
    let is = |((out, back), expected): (&(u64, u64), (u64, RangeInclusive<u64>))| {
        *out == expected.0 && expected.1.contains(back)
    };
    assert!(shown.len() == 2 && shown.iter().zip([FIRST, NEXT]).all(is), "{shown:?}");
}
