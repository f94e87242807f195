use super::*;
use crate::{
    Cell, Command, Forward, RelayLayers,
    testing::{Hop, TODAY, network, rng},
};

fn same(ours: &HopSecrets, theirs: &HopSecrets) -> bool {
    let pairs = [(&ours.forward, &theirs.forward), (&ours.backward, &theirs.backward)];
    pairs
        .iter()
        .all(|(ours, theirs)| ours.key.ct_eq(&theirs.key) && ours.nonce.ct_eq(&theirs.nonce))
}

#[test]
fn both_ends_have_the_same_keys_and_each_direction_its_own() {
    let mut hop = Hop::new(1);
    let (pending, create) = hop.begin(1);
    let (theirs, created) = hop.answer(&create, 2).unwrap();
    let ours = pending.finish(&created).unwrap();
    assert!(same(&ours, &theirs));
    assert!(!ours.forward.key.ct_eq(&ours.backward.key));
    assert!(!ours.forward.nonce.ct_eq(&ours.backward.nonce));
}

#[test]
fn both_messages_travel_as_the_first_cells_of_a_stream() {
    let mut hop = Hop::new(1);
    let (_, create) = hop.begin(1);
    let (_, created) = hop.answer(&create, 2).unwrap();
    assert_eq!(Create::from_cell(&create.to_cell()), Ok(create.clone()));
    assert_eq!(Created::from_cell(&created.to_cell()), Ok(created));
    let mut cell = create.to_cell();
    cell.block()[Cell::BYTES - 1] = 1;
    assert_eq!(Create::from_cell(&cell), Err(BadMessage));
    assert_eq!(Create::from_bytes(&create.as_bytes()[1..]), Err(BadMessage));
}

#[test]
fn a_beginning_that_was_changed_in_any_byte_is_not_answered() {
    let mut hop = Hop::new(1);
    let (_, create) = hop.begin(1);
    for byte in 0..Create::BYTES {
        let mut changed = create.clone();
        changed.0[byte] ^= 1;
        assert!(hop.answer(&changed, 2).is_err(), "byte {byte}");
    }
    assert!(hop.answer(&create, 2).is_ok(), "the control");
}

#[test]
fn an_answer_that_was_changed_in_any_byte_is_not_believed() {
    let mut hop = Hop::new(1);
    let (_, create) = hop.begin(1);
    let (_, created) = hop.answer(&create, 2).unwrap();
    for byte in 0..Created::BYTES {
        let mut changed = created.clone();
        changed.0[byte] ^= 1;
        assert!(hop.begin(1).0.finish(&changed).is_err(), "byte {byte}");
    }
    assert!(hop.begin(1).0.finish(&created).is_ok(), "the control");
}

#[test]
fn what_was_made_for_another_relay_key_day_or_network_is_refused() {
    let mut hop = Hop::new(1);
    let other = Hop::new(2);
    let named = |descriptor: &RelayDescriptor| begin(&network(), descriptor, &mut rng(1)).1;
    let another_key = RelayDescriptor {
        onion_key: other.descriptor().onion_key,
        ..hop.descriptor()
    };
    let another_node = RelayDescriptor {
        node: other.node(),
        ..hop.descriptor()
    };
    let another_day = RelayDescriptor {
        epoch: TODAY.offset(1),
        ..hop.descriptor()
    };
    assert_eq!(hop.answer(&named(&another_key), 2).err(), Some(AnswerError::NotForUs));
    assert_eq!(hop.answer(&named(&another_node), 2).err(), Some(AnswerError::NotForUs));
    assert_eq!(hop.answer(&named(&another_day), 2).err(), Some(AnswerError::NoKey));
    let elsewhere = begin(&NetworkName::default(), &hop.descriptor(), &mut rng(1)).1;
    assert_eq!(hop.answer(&elsewhere, 2).err(), Some(AnswerError::NotForUs));
    assert!(hop.answer(&named(&hop.descriptor()), 2).is_ok(), "the control");
}

#[test]
fn a_key_answers_for_four_days_and_then_is_gone() {
    let mut hop = Hop::new(1);
    let [first, second] = [1, 2].map(|seed| hop.begin(seed).1);
    hop.keys.rotate(TODAY.offset(3), &mut rng(9));
    assert!(hop.answer(&first, 2).is_ok());
    hop.keys.rotate(TODAY.offset(4), &mut rng(9));
    assert_eq!(hop.answer(&second, 2).err(), Some(AnswerError::NoKey));
}

#[test]
fn points_of_small_order_are_refused_from_either_side() {
    let mut hop = Hop::new(1);
    let (_, create) = hop.begin(1);
    let (_, created) = hop.answer(&create, 2).unwrap();
    for point in [[0; 32], {
        let mut one = [0; 32];
        one[0] = 1;
        one
    }] {
        let mut bad = create.clone();
        bad.0[5..37].copy_from_slice(&point);
        assert_eq!(hop.answer(&bad, 2).err(), Some(AnswerError::Malformed));
        let mut bad = created.clone();
        bad.0[..32].copy_from_slice(&point);
        assert!(hop.begin(1).0.finish(&bad).is_err());
    }
}

/// Mallory stands before the relay and answers with keys of her own.
#[test]
fn who_does_not_hold_the_onion_key_cannot_answer_for_the_relay() {
    let (hop, mallory) = (Hop::new(1), Hop::new(66));
    let (pending, create) = hop.begin(1);
    let as_the_relay = |keys: &OnionKeys| {
        let mut seen = ReplayFilter::new();
        answer(&network(), hop.node(), keys, &create, &mut seen, &mut rng(3))
    };
    assert_eq!(as_the_relay(&mallory.keys).err(), Some(AnswerError::NotForUs));
    // She leaves out the checks, and answers from the fresh keys alone.
    let question = Question::read(&create).unwrap();
    let agreement = agreement::SecretKey::generate(&mut rng(3));
    let (ciphertext, encapsulated) = question.kem.encapsulate(&mut rng(4));
    let fresh = [agreement.agree(&question.agreement).unwrap(), encapsulated];
    let guessed = [Secret::from_bytes([0; 32]), Secret::from_bytes([0; 32])];
    let relay = Relay {
        network: network(),
        node: hop.node(),
        epoch: TODAY,
        key: hop.descriptor().onion_key,
    };
    let mut forged = Answer {
        agreement: agreement.public(),
        ciphertext,
        confirmation: [0; PROOF],
    };
    forged.confirmation = *relay.keys(&guessed, &fresh, &create, &forged).1.dangerously_expose();
    assert!(pending.finish(&forged.write()).is_err());
    // The control: with the onion key stolen, she would have passed.
    let (_, created) = as_the_relay(&hop.keys).unwrap();
    assert!(hop.begin(1).0.finish(&created).is_ok());
}

#[test]
fn a_replayed_handshake_is_refused_while_it_is_remembered() {
    let mut hop = Hop::new(1);
    let (_, create) = hop.begin(1);
    assert!(hop.answer(&create, 2).is_ok());
    for seed in 3..10 {
        assert_eq!(hop.answer(&create, seed).err(), Some(AnswerError::Replayed));
    }
    assert!(hop.answer(&hop.begin(2).1, 3).is_ok());
}

#[test]
fn a_handshake_replayed_after_a_restart_gives_no_usable_circuit() {
    let mut hop = Hop::new(1);
    let (pending, create) = hop.begin(1);
    let (theirs, created) = hop.answer(&create, 2).unwrap();
    let mut client = crate::ClientLayers::new();
    client.push(pending.finish(&created).unwrap());
    let recorded: Vec<Cell> = (0..3).filter_map(|_| client.seal(0, Command::Padding)).collect();
    let mine = |layers: &mut RelayLayers, cell: &Cell| matches!(layers.forward(cell.clone()), Ok(Forward::Mine(_)));

    // The control: these cells are good, where they belong.
    let mut first = RelayLayers::new(theirs);
    assert!(recorded.iter().all(|cell| mine(&mut first, cell)));

    hop.seen = ReplayFilter::new();
    let (again, answered) = hop.answer(&create, 3).expect("a relay that restarted has forgotten");
    assert_ne!(answered, created);
    let mut second = RelayLayers::new(again);
    assert!(!recorded.iter().any(|cell| mine(&mut second, cell)));
    assert!(hop.answer(&create, 4).is_err());
}

#[test]
fn the_filter_forgets_the_oldest_and_stays_within_its_bounds() {
    let mut seen = ReplayFilter::new();
    let proof = |number: u64| {
        let mut proof = [0; 32];
        proof[..8].copy_from_slice(&number.to_be_bytes());
        proof
    };
    let count = 3 * ReplayFilter::REMEMBERED as u64;
    assert!((0..count).all(|number| seen.is_new(&proof(number))));
    assert!(!seen.is_new(&proof(count - ReplayFilter::REMEMBERED as u64)));
    assert!(seen.is_new(&proof(0)), "otherwise it would grow without end");
}

/// The golden bytes: of seeds, both messages and all keys.
#[test]
fn the_bytes_are_those_of_the_vectors() {
    let mut hop = Hop::new(1);
    let (pending, create) = hop.begin(1);
    let (_, created) = hop.answer(&create, 2).unwrap();
    let secrets = pending.finish(&created).unwrap();
    let lines = [
        ("beginning", hex::encode(create.as_bytes())),
        ("answer", hex::encode(created.as_bytes())),
        ("forward key", hex::encode(secrets.forward.key.dangerously_expose())),
        ("forward nonce", hex::encode(secrets.forward.nonce.dangerously_expose())),
        ("backward key", hex::encode(secrets.backward.key.dangerously_expose())),
        (
            "backward nonce",
            hex::encode(secrets.backward.nonce.dangerously_expose()),
        ),
    ];
    let written: String = lines
        .iter()
        .map(|(name, value)| format!("{name} = {value}\n"))
        .collect();
    let golden = include_str!("../../../../tests/vectors/onion-handshake.txt");
    assert_eq!(written, golden.replace("\r\n", "\n"), "{written}");
}
