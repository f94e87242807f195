use super::*;
use crate::{OwnedQueue, testing::*};

const VECTORS: &str = include_str!("../../../../tests/vectors/mailbox-envelope.txt");

#[test]
fn an_envelope_has_not_changed_and_still_opens() {
    let queue = OwnedQueue::generate(&mut rng(1), NODE);
    let envelope = queue.place().seal(&mut rng(2), b"text").expect("small");
    check_vectors(VECTORS, &[("small", envelope.as_bytes().to_vec())]);
    let golden = Envelope::from_bytes(vector(VECTORS, "small")).expect("an envelope");
    assert_eq!(
        queue.open(&golden).expect("for this queue").dangerously_expose(),
        b"text"
    );
}

#[test]
fn the_smallest_size_that_holds_it_is_taken_and_every_byte_comes_back() {
    let queue = OwnedQueue::generate(&mut rng(1), NODE);
    for size in Size::ALL {
        for length in [0, 1, size.capacity() - 1, size.capacity()] {
            let payload: Vec<u8> = (0..length).map(|i| u8::try_from(i % 251).expect("below 251")).collect();
            let envelope = queue.place().seal(&mut rng(2), &payload).expect("fits");
            assert_eq!(Some(envelope.size()), Size::for_payload(length));
            assert_eq!(envelope.as_bytes().len(), envelope.size().bytes());
            assert_eq!(
                queue.open(&envelope).expect("for this queue").dangerously_expose(),
                payload
            );
        }
        let over = queue
            .place()
            .seal(&mut rng(2), &vec![0; size.capacity() + 1])
            .map(|envelope| envelope.size());
        assert_eq!(over.ok(), Size::ALL.into_iter().find(|larger| *larger > size));
    }
}

#[test]
fn it_opens_for_its_queue_alone() {
    let [queue, other] = [1, 2].map(|seed| OwnedQueue::generate(&mut rng(seed), NODE));
    let envelope = queue.place().seal(&mut rng(2), b"text").expect("small");
    assert!(other.open(&envelope).is_err());
    assert!(
        envelope.open(&other.id(), &queue.place().seal).is_err(),
        "moved to another queue"
    );
    for (at, bit) in [(0, 1), (23, 128), (24, 1), (2_000, 4), (4_095, 1)] {
        let mut bytes = envelope.as_bytes().to_vec();
        if let Some(byte) = bytes.get_mut(at) {
            *byte ^= bit;
        }
        assert!(
            queue.open(&Envelope::from_bytes(bytes).expect("same size")).is_err(),
            "byte {at}"
        );
    }
    assert!(queue.open(&envelope).is_ok());
}

#[test]
fn only_the_three_sizes_are_envelopes_and_padding_has_one_form() {
    for length in [0, 1, 4_095, 4_097, 16_383, 69_633, 1_000_000] {
        assert_eq!(Envelope::from_bytes(vec![0; length]).err(), Some(NotAnEnvelope));
    }
    let queue = OwnedQueue::generate(&mut rng(1), NODE);
    let seal = |plain: &[u8]| {
        Envelope(aead::seal(
            &queue.place().seal.0,
            &mut rng(3),
            &associated(&queue.id()),
            plain,
        ))
    };
    let mut plain = vec![0; LENGTH + Size::Small.capacity()];
    assert!(
        queue.open(&seal(&plain)).is_ok(),
        "the control: empty, padded with zeros"
    );
    *plain.last_mut().expect("not empty") = 1;
    assert!(queue.open(&seal(&plain)).is_err(), "padding that says something");
    plain = vec![0; LENGTH + Size::Medium.capacity()];
    assert!(queue.open(&seal(&plain)).is_err(), "larger than it need be");
    plain = vec![0xff; LENGTH + Size::Small.capacity()];
    assert!(queue.open(&seal(&plain)).is_err(), "a length beyond the end");
}

#[test]
fn copies_of_one_payload_share_no_eight_bytes() {
    let mut rng = rng(4);
    let queues: Vec<OwnedQueue> = (0..3).map(|_| OwnedQueue::generate(&mut rng, NODE)).collect();
    let mut seen = std::collections::BTreeSet::new();
    let mut total = 0;
    for _ in 0..20 {
        for queue in &queues {
            let envelope = queue.place().seal(&mut rng, b"the same payload").expect("small");
            total += envelope.as_bytes().windows(8).count();
            seen.extend(envelope.as_bytes().windows(8).map(<[u8]>::to_vec));
        }
    }
    assert_eq!(seen.len(), total);
}
