mod alike;
mod tagging;

use super::*;
use crate::{
    Payload,
    testing::{circuit, rng},
};
use outis_crypto::Secret;
use outis_wire::Service;
use rand_chacha::{ChaCha20Rng, rand_core::Rng};

/// A circuit whose keys came from no handshake: layers only.
pub(super) fn bare(hops: usize, rng: &mut ChaCha20Rng) -> (ClientLayers, Vec<RelayLayers>) {
    let mut client = ClientLayers::new();
    let relays = (0..hops).map(|_| {
        let drawn = [(); 2].map(|()| (Secret::random(rng), Secret::random(rng)));
        let secrets = || {
            let [forward, backward] = drawn.each_ref().map(|(key, nonce)| DirectionSecrets {
                key: key.dangerously_duplicate(),
                nonce: nonce.dangerously_duplicate(),
            });
            HopSecrets { forward, backward }
        };
        client.push(secrets());
        RelayLayers::new(secrets())
    });
    let relays = relays.collect();
    (client, relays)
}

/// Passes a cell from relay to relay until one takes it.
fn forward(relays: &mut [RelayLayers], mut cell: Cell) -> Option<(usize, Command)> {
    for (hop, relay) in relays.iter_mut().enumerate() {
        match relay.forward(cell).ok()? {
            Forward::Mine(command) => return Some((hop, command)),
            Forward::NotMine(next) => cell = next,
        }
    }
    None
}

/// Passes a cell of relay `hop` back to the client.
fn backward(relays: &mut [RelayLayers], hop: usize, command: Command) -> Cell {
    let (before, last) = relays.split_at_mut(hop);
    let cell = last[0].originate(command);
    before.iter_mut().rev().fold(cell, |cell, relay| relay.backward(cell))
}

fn data(number: u64) -> Command {
    Command::Data(Payload::first_of(&number.to_be_bytes()))
}

#[test]
fn cells_reach_the_hop_they_are_for_and_come_back_from_the_one_that_made_them() {
    let (mut client, mut relays) = circuit(4, 1);
    let mut rng = rng(1);
    for number in 0..500 {
        let hop = rng.next_u32() as usize % 4;
        let cell = client.seal(hop, data(number)).unwrap();
        assert_eq!(forward(&mut relays, cell), Some((hop, data(number))));
        let hop = rng.next_u32() as usize % 4;
        let cell = backward(&mut relays, hop, data(!number));
        assert_eq!(client.open(cell), Ok((hop, data(!number))));
    }
}

#[test]
fn directions_do_not_wait_for_each_other() {
    let (mut client, mut relays) = circuit(3, 1);
    let out: Vec<Cell> = (0..20).map(|number| client.seal(2, data(number)).unwrap()).collect();
    let back: Vec<Cell> = (0..20).map(|number| backward(&mut relays, 2, data(number))).collect();
    for (number, (out, back)) in out.into_iter().zip(back).enumerate() {
        assert_eq!(forward(&mut relays, out), Some((2, data(number as u64))));
        assert_eq!(client.open(back), Ok((2, data(number as u64))));
    }
}

#[test]
fn a_circuit_grows_hop_by_hop() {
    let (mut client, mut relays) = (ClientLayers::new(), Vec::new());
    for hop in 0..4u8 {
        let (ours, theirs) = crate::testing::Hop::new(hop + 1).join(u64::from(hop) * 2);
        assert!(client.seal(usize::from(hop), Command::Padding).is_none());
        client.push(ours);
        relays.push(theirs);
        let last = usize::from(hop);
        let cell = client.seal(last, Command::Begin(Service::Mailbox)).unwrap();
        assert_eq!(
            forward(&mut relays, cell),
            Some((last, Command::Begin(Service::Mailbox)))
        );
        let cell = backward(&mut relays, last, Command::Connected);
        assert_eq!(client.open(cell), Ok((last, Command::Connected)));
    }
    assert_eq!(client.len(), 4);
}

/// Cells of the client, some of them changed on their way by `by`; how many of them are recognised.
fn recognised(by: impl FnOnce(&mut Vec<Cell>)) -> usize {
    let (mut client, mut relays) = circuit(3, 1);
    let mut cells: Vec<Cell> = (0..10).map(|number| client.seal(2, data(number)).unwrap()).collect();
    by(&mut cells);
    cells.into_iter().filter_map(|cell| forward(&mut relays, cell)).count()
}

#[test]
fn a_replayed_dropped_moved_or_changed_cell_is_noise_to_all_and_so_is_all_after_it() {
    assert_eq!(recognised(|_| ()), 10, "the control");
    assert_eq!(
        recognised(|cells| cells.insert(5, cells[4].clone())),
        5,
        "replayed at once"
    );
    assert_eq!(
        recognised(|cells| cells.insert(5, cells[0].clone())),
        5,
        "replayed later"
    );
    assert_eq!(recognised(|cells| drop(cells.remove(5))), 5, "dropped");
    assert_eq!(recognised(|cells| cells.swap(5, 6)), 5, "moved");
    assert_eq!(recognised(|cells| cells[5].block()[2_000] ^= 1), 5, "changed");
    assert_eq!(recognised(|cells| cells[5].block()[0] ^= 1), 5, "its tag changed");
    assert_eq!(recognised(|cells| cells[5] = Cell::zeroed()), 5, "made up");
}

#[test]
fn the_same_holds_on_the_way_back() {
    let opened = |by: fn(&mut Vec<Cell>)| {
        let (mut client, mut relays) = circuit(3, 1);
        let mut cells: Vec<Cell> = (0..10).map(|number| backward(&mut relays, 2, data(number))).collect();
        by(&mut cells);
        cells
            .into_iter()
            .filter(|cell| client.open(cell.clone()).is_ok())
            .count()
    };
    assert_eq!(opened(|_| ()), 10, "the control");
    assert_eq!(opened(|cells| cells.insert(5, cells[4].clone())), 5, "replayed at once");
    assert_eq!(opened(|cells| cells.insert(5, cells[0].clone())), 5, "replayed later");
    assert_eq!(opened(|cells| drop(cells.remove(5))), 5, "dropped");
    assert_eq!(opened(|cells| cells.swap(5, 6)), 5, "moved");
    assert_eq!(opened(|cells| cells[5].block()[2_000] ^= 1), 5, "changed");
    assert_eq!(opened(|cells| cells[5].block()[0] ^= 1), 5, "its tag changed");
}

#[test]
fn a_relay_cannot_speak_for_one_behind_it_or_send_to_it() {
    let (mut client, mut relays) = circuit(3, 1);
    // What the second relay makes is taken for its own, whatever it says.
    let cell = backward(&mut relays, 1, data(1));
    assert_eq!(client.open(cell), Ok((1, data(1))));
    // What it sends towards the third is recognised there by nobody.
    let (_, last) = relays.split_at_mut(2);
    let made_up = data(1).into_cell();
    assert!(matches!(last[0].forward(made_up), Ok(Forward::NotMine(_))));
}

#[test]
fn each_command_is_one_cell_of_the_one_size() {
    let (mut client, mut relays) = circuit(3, 1);
    for length in [0, 1, 7, 512, 1_024, Payload::MAX] {
        let command = Command::Data(Payload::first_of(&vec![7; length]));
        let cell = client.seal(2, command.clone()).unwrap();
        assert_eq!(cell.as_bytes().len(), 4_608);
        assert_eq!(forward(&mut relays, cell), Some((2, command)));
    }
}

/// The golden bytes: of three layers with keys of one byte each, the first cells in each direction.
#[test]
fn the_bytes_are_those_of_the_vectors() {
    let secrets = |hop: u8| {
        let direction = |byte| DirectionSecrets {
            key: Secret::from_bytes([byte; 96]),
            nonce: Secret::from_bytes([byte + 1; TAG]),
        };
        HopSecrets {
            forward: direction(hop * 4),
            backward: direction(hop * 4 + 2),
        }
    };
    let mut client = ClientLayers::new();
    (1..=3).for_each(|hop| client.push(secrets(hop)));
    let mut relays: Vec<RelayLayers> = (1..=3).map(|hop| RelayLayers::new(secrets(hop))).collect();
    let mut lines = Vec::new();
    let mut line = |name: &str, number: usize, cell: &Cell| {
        // All of the first, and of the others enough to tell.
        let shown = if number == 0 { Cell::BYTES } else { 64 };
        lines.push(format!(
            "{name} {number} = {}\n",
            hex::encode(&cell.as_bytes()[..shown])
        ));
    };
    for (number, hop) in [2, 0, 1, 2].into_iter().enumerate() {
        line("forward", number, &client.seal(hop, data(number as u64)).unwrap());
        line("backward", number, &backward(&mut relays, hop, data(number as u64)));
    }
    let written = lines.concat();
    let golden = include_str!("../../../../tests/vectors/onion-layers.txt");
    assert_eq!(written, golden.replace("\r\n", "\n"), "{written}");
}
