//! What circuits cost: `cargo bench -p outis-onion`.
//!
//! On one core. A relay's row is all that a relay computes for one cell that it passes on or makes, a client's row all that a
//! client computes for one, over three relays and the endpoint. Payload is what a cell carries of a stream: 4 589 bytes.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a program that measures and prints"
)]

use outis_onion::{
    Cell, ClientLayers, Command, Forward, Link, OnionKeys, Payload, RelayAddress, RelayDescriptor, RelayLayers,
    ReplayFilter, Roles, Software, answer, begin,
};
use outis_wire::{Epoch, NetworkName, NodeId};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use std::time::{Duration, Instant};

const TODAY: Epoch = Epoch(20_000);

fn main() {
    println!("{:<48} {:>8} {:>10} {:>10}", "circuit", "µs", "a second", "MB/s");
    handshakes();
    let (mut client, mut relays) = layers(4);
    let data = || Command::Data(Payload::first_of(&[7; Payload::MAX]));
    let cell = Cell::from_bytes(Box::new([7; Cell::BYTES]));

    let mut passed = Some(cell.clone());
    let [guard, .., endpoint] = relays.as_mut_slice() else {
        return;
    };
    row("relay: a cell passed on, forward", ROUND, || {
        let Ok(Forward::NotMine(cell)) = guard.forward(passed.take().unwrap()) else {
            panic!("a cell of chance was recognised");
        };
        passed = Some(cell);
    });
    row("relay: a cell passed on, backward", ROUND, || {
        passed = Some(guard.backward(passed.take().unwrap()));
    });
    row("endpoint: a cell made", ROUND, || drop(endpoint.originate(data())));
    let (mut client_of_one, relay_of_one) = layers(1);
    let mut endpoint = relay_of_one.into_iter().next().unwrap();
    let mut cells: Vec<Cell> = Vec::new();
    cells.extend((0..ROUND as usize * ROUNDS).filter_map(|_| client_of_one.seal(0, data())));
    let mut cells = cells.into_iter();
    row("endpoint: a cell taken", ROUND, || {
        let cell = cells.next().unwrap();
        assert!(matches!(endpoint.forward(cell), Ok(Forward::Mine(_))));
    });
    row("client: a cell made, four layers", ROUND, || {
        drop(client.seal(3, data()))
    });
}

fn handshakes() {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let (network, keys, descriptor) = relay(&mut rng);
    let mut seen = ReplayFilter::new();
    row("handshake: client", 10, || {
        let (pending, create) = begin(&network, &descriptor, &mut rng);
        drop((pending, create));
    });
    let mut rng = ChaCha20Rng::seed_from_u64(2);
    let begun: Vec<_> = (0..10 * ROUNDS)
        .map(|_| begin(&network, &descriptor, &mut rng))
        .collect();
    let (pending, create): (Vec<_>, Vec<_>) = begun.into_iter().unzip();
    let mut create = create.into_iter();
    let mut created = Vec::new();
    row("handshake: relay", 10, || {
        let create = create.next().unwrap();
        created.push(
            answer(&network, descriptor.node, &keys, &create, &mut seen, &mut rng)
                .unwrap()
                .1,
        );
    });
    let mut answered = pending.into_iter().zip(created);
    row("handshake: client, the answer", 10, || {
        let (pending, created) = answered.next().unwrap();
        drop(pending.finish(&created).unwrap());
    });
}

fn relay(rng: &mut ChaCha20Rng) -> (NetworkName, OnionKeys, RelayDescriptor) {
    let mut keys = OnionKeys::empty();
    keys.rotate(TODAY, rng);
    let descriptor = RelayDescriptor {
        node: NodeId([7; 32]),
        epoch: TODAY,
        revision: 1,
        addresses: vec![RelayAddress {
            link: Link::Quic,
            socket: "1.2.3.4:4001".parse().unwrap(),
        }],
        onion_key: keys.public(TODAY).unwrap(),
        roles: Roles::HOP,
        software: Software::this(),
    };
    (NetworkName::default(), keys, descriptor)
}

fn layers(hops: usize) -> (ClientLayers, Vec<RelayLayers>) {
    let mut rng = ChaCha20Rng::seed_from_u64(3);
    let (mut client, mut relays) = (ClientLayers::new(), Vec::new());
    for _ in 0..hops {
        let (network, keys, descriptor) = relay(&mut rng);
        let (pending, create) = begin(&network, &descriptor, &mut rng);
        let mut seen = ReplayFilter::new();
        let (secrets, created) = answer(&network, descriptor.node, &keys, &create, &mut seen, &mut rng).unwrap();
        relays.push(RelayLayers::new(secrets));
        client.push(pending.finish(&created).unwrap());
    }
    (client, relays)
}

/// The median of many rounds, each shorter than a slice of the scheduler, so that other work on the machine counts little.
fn row(name: &str, times: u32, mut work: impl FnMut()) {
    let mut round = || {
        let start = Instant::now();
        (0..times).for_each(|_| work());
        start.elapsed() / times
    };
    let mut rounds: Vec<Duration> = (0..ROUNDS).map(|_| round()).collect();
    rounds.sort();
    let median = rounds.get(ROUNDS / 2).copied().unwrap_or_default().as_secs_f64();
    print!("{name:<48} {:>8.2} {:>10.0}", median * 1e6, 1.0 / median);
    if times == ROUND {
        print!(" {:>10.0}", Payload::MAX as f64 / median / 1e6);
    }
    println!();
}

const ROUND: u32 = 50;
const ROUNDS: usize = 401;
