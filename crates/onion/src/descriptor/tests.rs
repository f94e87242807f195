use super::*;
use crate::{Link, OnionKeys};
use outis_crypto::Secret;
use proptest::prelude::*;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

const TODAY: Epoch = Epoch(20_000);

fn network() -> NetworkName {
    NetworkName::default()
}

fn key() -> SigningKey {
    SigningKey::from_seed(&Secret::from_bytes([7; 32]))
}

fn address(link: Link, socket: &str) -> RelayAddress {
    RelayAddress {
        link,
        socket: socket.parse().expect("a socket address"),
    }
}

fn descriptor() -> RelayDescriptor {
    let mut keys = OnionKeys::empty();
    keys.rotate(TODAY, &mut ChaCha20Rng::seed_from_u64(7));
    RelayDescriptor {
        node: NodeId(*key().verifying_key().as_bytes()),
        epoch: TODAY,
        revision: 300,
        addresses: vec![
            address(Link::Quic, "1.2.3.4:4001"),
            address(Link::Tcp, "[2a00:1450::1]:4002"),
        ],
        onion_key: keys.public(TODAY).expect("made above"),
        roles: Roles::HOP.and(Roles::MAILBOX),
        software: Software { major: 0, minor: 1 },
    }
}

fn signed_by_hand(body: &Body) -> SignedDescriptor {
    let body = encode(body);
    let signature = key().sign(label::RELAY_DESCRIPTOR, &signed(&network(), &body));
    SignedDescriptor { body, signature }
}

fn verify(signed: &SignedDescriptor) -> Result<RelayDescriptor, DescriptorError> {
    signed.verify(&network(), Scope::Public, TODAY)
}

#[test]
fn a_descriptor_survives_its_encoding_and_verifies() {
    let signed = descriptor().sign(&key(), &network()).expect("its own key");
    let read = SignedDescriptor::from_bytes(&signed.to_bytes()).expect("just written");
    assert_eq!(verify(&read), Ok(descriptor()));
}

#[test]
fn the_node_it_claims_to_be_of_can_be_read_without_believing_it() {
    let signed = descriptor().sign(&key(), &network()).expect("its own key");
    assert_eq!(signed.claimed_node(), Some(descriptor().node));
    let empty = SignedDescriptor {
        body: vec![VERSION],
        signature: signed.signature,
    };
    assert_eq!(empty.claimed_node(), None);
}

#[test]
fn the_golden_vector_holds() {
    let signed = descriptor().sign(&key(), &network()).expect("its own key");
    let golden = include_str!("../../../../tests/vectors/onion-relay-descriptor.txt");
    assert_eq!(hex::encode(signed.to_bytes()), golden.trim());
}

#[test]
fn no_changed_byte_is_believed() {
    let bytes = descriptor().sign(&key(), &network()).expect("its own key").to_bytes();
    for index in 0..bytes.len() {
        let mut changed = bytes.clone();
        if let Some(byte) = changed.get_mut(index) {
            *byte ^= 1;
        }
        let believed = SignedDescriptor::from_bytes(&changed).map(|signed| verify(&signed));
        assert!(!matches!(believed, Ok(Ok(_))), "byte {index}");
    }
}

#[test]
fn a_descriptor_of_another_network_says_nothing_here() {
    let other: NetworkName = "test".parse().expect("a name");
    let signed = descriptor().sign(&key(), &other).expect("its own key");
    assert_eq!(verify(&signed), Err(DescriptorError::Signature));
    assert!(signed.verify(&other, Scope::Public, TODAY).is_ok(), "control");
}

#[test]
fn nobody_signs_for_another_node() {
    let other = SigningKey::from_seed(&Secret::from_bytes([8; 32]));
    assert_eq!(descriptor().sign(&other, &network()), Err(SignError::AnotherNode));
    let body = encode(&Body::from(&descriptor()));
    let signature = other.sign(label::RELAY_DESCRIPTOR, &signed(&network(), &body));
    assert_eq!(
        verify(&SignedDescriptor { body, signature }),
        Err(DescriptorError::Signature)
    );
}

#[test]
fn private_addresses_count_only_on_a_private_network() {
    let mut descriptor = descriptor();
    descriptor.addresses.push(address(Link::Tcp, "192.168.1.1:80"));
    let signed = descriptor.sign(&key(), &network()).expect("its own key");
    assert_eq!(verify(&signed), Err(DescriptorError::Private));
    assert_eq!(signed.verify(&network(), Scope::Private, TODAY), Ok(descriptor));
}

#[test]
fn a_descriptor_counts_for_three_days_and_for_clocks_two_days_wrong() {
    let signed = descriptor().sign(&key(), &network()).expect("its own key");
    let on = |days: i32| signed.verify(&network(), Scope::Public, TODAY.offset(days)).map(|_| ());
    assert_eq!(on(3), Ok(()));
    assert_eq!(on(4), Err(DescriptorError::Stale));
    assert_eq!(on(-2), Ok(()));
    assert_eq!(on(-3), Err(DescriptorError::Stale));
}

#[test]
fn addresses_are_few_different_and_at_least_one_is_known() {
    let with = |addresses: Vec<Tagged>| {
        verify(&signed_by_hand(&Body {
            addresses,
            ..Body::from(&descriptor())
        }))
    };
    let known = address(Link::Quic, "1.2.3.4:1").to_tagged();
    let unknown = Tagged {
        tag: 900,
        body: b"carrier pigeon".to_vec(),
    };
    assert_eq!(with(vec![]).map(|_| ()), Err(DescriptorError::Addresses));
    assert_eq!(with(vec![unknown.clone()]).map(|_| ()), Err(DescriptorError::Addresses));
    assert_eq!(
        with(vec![known.clone(), known.clone()]).map(|_| ()),
        Err(DescriptorError::Addresses)
    );
    assert_eq!(
        with(vec![unknown.clone(); 9]).map(|_| ()),
        Err(DescriptorError::Addresses)
    );
    let read = with(vec![unknown, known]).expect("the unknown one is skipped");
    assert_eq!(read.addresses, [address(Link::Quic, "1.2.3.4:1")]);
}

#[test]
fn unknown_roles_are_kept_and_an_unknown_version_is_refused() {
    let roles = Roles(0x8000_0001);
    let read = verify(&signed_by_hand(&Body {
        roles,
        ..Body::from(&descriptor())
    }))
    .expect("tolerated");
    assert!(read.roles.contains(Roles::HOP) && !read.roles.contains(Roles::MAILBOX));
    let later = verify(&signed_by_hand(&Body {
        version: 2,
        ..Body::from(&descriptor())
    }));
    assert_eq!(later, Err(DescriptorError::Version(2)));
}

#[test]
fn the_later_word_counts() {
    let earlier = descriptor();
    let same_day = RelayDescriptor {
        revision: 301,
        ..descriptor()
    };
    let next_day = RelayDescriptor {
        epoch: TODAY.offset(1),
        revision: 0,
        ..descriptor()
    };
    assert!(same_day.supersedes(&earlier) && next_day.supersedes(&same_day));
    assert!(!earlier.supersedes(&earlier) && !earlier.supersedes(&same_day));
}

#[test]
fn even_the_longest_descriptor_fits() {
    let sockets = (0..8).map(|n| address(Link::Tcp, &format!("[2a00:1450:ffff:ffff:ffff:ffff:ffff:{n}]:65535")));
    let longest = RelayDescriptor {
        addresses: sockets.collect(),
        revision: u32::MAX,
        roles: Roles(u32::MAX),
        software: Software { major: 255, minor: 255 },
        ..descriptor()
    };
    let bytes = longest.sign(&key(), &network()).expect("its own key").to_bytes();
    assert!(bytes.len() <= SignedDescriptor::MAX_BYTES, "{}", bytes.len());
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_a_panic_and_never_believed(bytes in proptest::collection::vec(any::<u8>(), 0..2_100)) {
        let believed = SignedDescriptor::from_bytes(&bytes).map(|signed| verify(&signed));
        prop_assert!(!matches!(believed, Ok(Ok(_))));
    }
}
