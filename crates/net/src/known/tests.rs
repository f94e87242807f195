use super::*;
use outis_crypto::{Secret, signature::SigningKey};
use outis_onion::{Link, OnionKeys, Software};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

const NOW: UnixMillis = UnixMillis(1_700_000_000_000);

fn network() -> NetworkName {
    "test".parse().expect("a name")
}

fn at(port: u16) -> RelayAddress {
    RelayAddress {
        link: Link::Tcp,
        socket: ([127, 0, 0, 1], port).into(),
    }
}

/// The descriptor of relay number `n` in revision `revision`, at port `n` + 1.
fn relay(n: u16, revision: u32) -> (RelayDescriptor, SignedDescriptor) {
    let mut seed = [0; 32];
    seed[..2].copy_from_slice(&n.to_be_bytes());
    let key = SigningKey::from_seed(&Secret::from_bytes(seed));
    let mut onion = OnionKeys::empty();
    onion.rotate(NOW.epoch(), &mut ChaCha20Rng::seed_from_u64(1));
    let descriptor = RelayDescriptor {
        node: NodeId(*key.verifying_key().as_bytes()),
        epoch: NOW.epoch(),
        revision,
        addresses: vec![at(n + 1)],
        onion_key: onion.public(NOW.epoch()).expect("made above"),
        roles: Roles::DIRECTORY.and(Roles::MAILBOX),
        software: Software::this(),
    };
    let signed = descriptor.sign(&key, &network()).expect("its own key");
    (descriptor, signed)
}

fn learn(known: &mut Known, n: u16, revision: u32) -> NodeId {
    let (descriptor, signed) = relay(n, revision);
    let node = descriptor.node;
    known.learn(descriptor, signed);
    node
}

#[test]
fn a_failing_relay_is_left_alone_longer_each_time_and_one_success_forgives_all() {
    let mut known = Known::default();
    let node = learn(&mut known, 1, 0);
    let mut waits = Vec::new();
    let mut now = NOW;
    for _ in 0..9 {
        known.failed(&node, now);
        assert_eq!(known.addresses(&node, now), Lookup::BackingOff);
        let retry = known.next_retry(now).expect("backing off");
        waits.push(retry.since(now));
        now = retry;
        assert_eq!(known.addresses(&node, now), Lookup::At(vec![at(2)]));
    }
    assert!(waits.windows(2).all(|pair| pair[0] <= pair[1]), "{waits:?}");
    assert_eq!(
        (waits.first(), waits.last()),
        (Some(&SHORTEST_BACK_OFF), Some(&LONGEST_BACK_OFF))
    );
    assert_eq!(known.with_roles(Roles::MAILBOX), [], "not offered while it is away");
    known.reached(&node);
    assert_eq!(known.with_roles(Roles::MAILBOX), [node]);
}

#[test]
fn a_new_word_of_a_relay_and_our_own_return_forgive_its_failures() {
    let mut known = Known::default();
    let node = learn(&mut known, 1, 0);
    let fail = |known: &mut Known| (0..AWAY_AFTER).for_each(|_| known.failed(&node, NOW));
    fail(&mut known);
    assert_eq!(known.with_roles(Roles::MAILBOX), []);
    learn(&mut known, 1, 1);
    assert_eq!(known.with_roles(Roles::MAILBOX), [node]);
    fail(&mut known);
    known.forgive();
    assert_eq!(known.with_roles(Roles::MAILBOX), [node]);
}

#[test]
fn only_a_later_word_of_a_relay_replaces_an_earlier_one() {
    let mut known = Known::default();
    let (descriptor, signed) = relay(1, 5);
    assert!(known.learn(descriptor.clone(), signed.clone()));
    assert!(known.holds(&signed));
    assert!(!known.learn(descriptor, signed), "the same again");
    let (older, signed) = relay(1, 4);
    assert!(!known.learn(older, signed));
    let (newer, signed) = relay(1, 6);
    assert!(!known.holds(&signed));
    assert!(known.learn(newer, signed));
    assert_eq!(known.len(), 1);
}

#[test]
fn a_typed_address_counts_until_a_descriptor_is_there_and_forgives() {
    let mut known = Known::default();
    let node = relay(1, 0).0.node;
    known.hint(PeerAddress { node, at: at(9) });
    assert_eq!(known.askable(NOW), [node]);
    assert_eq!(known.addresses(&node, NOW), Lookup::At(vec![at(9)]));
    known.failed(&node, NOW);
    assert!(known.askable(NOW).is_empty());
    known.hint(PeerAddress { node, at: at(9) });
    assert_eq!(known.askable(NOW), [node]);
    learn(&mut known, 1, 0);
    assert_eq!(known.addresses(&node, NOW), Lookup::At(vec![at(2), at(9)]));
}

#[test]
fn what_is_remembered_comes_back_and_a_damaged_memory_is_an_empty_one() {
    let mut known = Known::default();
    let nodes = [learn(&mut known, 1, 0), learn(&mut known, 2, 0)];
    let typed = relay(3, 0).0.node;
    known.hint(PeerAddress { node: typed, at: at(9) });
    known.failed(&nodes[0], NOW);
    let private = Scoping::of(&network(), []);
    let state = known.to_state(&private, Kept::default());
    let again = |state: &ClientState, now| Known::from_state(state, &network(), &private, now).0;
    let read = again(&state, NOW);
    assert_eq!(read.len(), 2);
    assert_eq!(read.addresses(&nodes[0], NOW), Lookup::BackingOff);
    assert_eq!(read.addresses(&nodes[1], NOW), Lookup::At(vec![at(3)]));
    assert_eq!(read.addresses(&typed, NOW), Lookup::At(vec![at(9)]));
    assert_eq!(
        again(&state, NOW.plus(Duration::from_secs(7 * 24 * 3600))).len(),
        0,
        "their days are over"
    );
    let other = "other".parse().expect("a name");
    assert_eq!(Known::from_state(&state, &other, &private, NOW).0.len(), 0);
    assert_eq!(again(&ClientState::default(), NOW).len(), 0);
    assert_eq!(again(&ClientState(vec![0xff; 1_000]), NOW).len(), 0);
}

#[test]
fn that_private_addresses_count_is_remembered_with_the_relays() {
    let main = NetworkName::default();
    for typed_private in [true, false] {
        let scope = Scoping::of(&main, []);
        if typed_private {
            scope.given(&at(9));
        }
        let state = Known::default().to_state(&scope, Kept::default());
        let next_start = Scoping::of(&main, []);
        Known::from_state(&state, &main, &next_start, NOW);
        assert_eq!(next_start.scope() == Scope::Private, typed_private);
    }
}

#[test]
fn memory_is_bounded_and_room_is_made_only_by_those_that_are_away() {
    let mut known = Known::default();
    for n in 0..Known::MOST as u16 {
        learn(&mut known, n, 0);
    }
    let late = relay(5_000, 0);
    assert!(!known.learn(late.0.clone(), late.1.clone()));
    let away = relay(7, 0).0.node;
    (0..AWAY_AFTER).for_each(|_| known.failed(&away, NOW));
    assert!(known.learn(late.0, late.1));
    assert_eq!(
        (known.len(), known.addresses(&away, NOW)),
        (Known::MOST, Lookup::Unknown)
    );
    assert!(known.to_state(&Scoping::of(&network(), []), Kept::default()).0.len() <= STATE_MOST);
}
