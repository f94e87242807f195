use super::*;
use crate::testing::*;
use outis_wire::{decode, encode};

const VECTORS: &str = include_str!("../../../../tests/vectors/mailbox-queue.txt");

#[test]
fn what_follows_from_a_queues_seed_has_not_changed() {
    let queue = OwnedQueue {
        node: NODE,
        seed: Secret::from_bytes([1; 32]),
        id: OnceLock::new(),
    };
    let pass = queue.pass(&[2; 32]);
    let card = QueueCard::new(7, vec![queue.place()]).expect("one place");
    check_vectors(
        VECTORS,
        &[
            ("owned-queue", encode(&queue)),
            ("owner-key", queue.owner_key().verifying_key().as_bytes().to_vec()),
            ("id", queue.id().0.to_vec()),
            ("send-key", queue.send_key().0.dangerously_expose().to_vec()),
            ("send-digest", queue.send_key().digest().to_vec()),
            ("seal-key", queue.seal_key().0.dangerously_expose().to_vec()),
            ("pass-key", queue.pass_key().0.dangerously_expose().to_vec()),
            ("pass", encode(&pass)),
            ("card", encode(&card)),
        ],
    );
    let owned: OwnedQueue = decode(&vector(VECTORS, "owned-queue"), 100).expect("an owned queue");
    assert_eq!(owned.id(), queue.id());
}

#[test]
fn a_pass_is_good_at_its_own_queue_and_differs_for_each_contact_and_mailbox() {
    let [queue, other] = [1, 2].map(|seed| OwnedQueue::generate(&mut rng(seed), NODE));
    let pass = queue.pass(&[1; 32]);
    assert!(queue.pass_key().made(&pass));
    assert!(!other.pass_key().made(&pass));
    assert!(!queue.pass_key().made(&Pass { name: [0; 16], ..pass }));
    assert!(pass == queue.pass(&[1; 32]) && pass != queue.pass(&[2; 32]));
    assert!(pass.name != other.pass(&[1; 32]).name);
}

#[test]
fn a_card_has_one_to_four_queues_each_on_another_mailbox() {
    let place = |node: u8| OwnedQueue::generate(&mut rng(u64::from(node)), NodeId([node; 32])).place();
    let card = |nodes: &[u8]| QueueCard::new(1, nodes.iter().map(|node| place(*node)).collect());
    assert!(card(&[1, 2, 3]).is_ok() && card(&[1]).is_ok());
    for bad in [&[][..], &[1, 1], &[1, 2, 3, 4, 5]] {
        assert!(card(bad).is_err(), "{bad:?}");
    }
    // What comes over the wire is held to the same.
    let places = |nodes: &[u8]| nodes.iter().map(|node| place(*node)).collect::<Vec<_>>();
    let good = encode(&(1_u64, places(&[1, 2])));
    assert!(decode::<QueueCard>(&good, QueueCard::MAX_ENCODED).is_ok());
    let twice = encode(&(1_u64, places(&[1, 1])));
    assert!(decode::<QueueCard>(&twice, QueueCard::MAX_ENCODED).is_err());
    let largest = encode(
        &card(&[1, 2, 3, 4])
            .map(|card| QueueCard {
                sequence: u64::MAX,
                ..card
            })
            .expect("four"),
    );
    assert_eq!(largest.len(), QueueCard::MAX_ENCODED);
    let token = encode(&place(1));
    assert_eq!(token.len(), Place::ENCODED);
    assert!(outis_identity::InviteToken::from_bytes(&token).is_some());
}
