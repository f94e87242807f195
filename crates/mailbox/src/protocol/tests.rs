use super::*;
use crate::{
    Envelope, OwnedQueue, QueueId, directory,
    queue::SendKey,
    testing::*,
    work::{Challenge, Hour, Purpose},
};
use outis_crypto::{Secret, signature::Signature};
use outis_wire::UnixMillis;
use proptest::prelude::*;

const VECTORS: &str = include_str!("../../../../tests/vectors/mailbox-frames.txt");

#[test]
fn frames_have_not_changed_and_come_back_as_they_were() {
    let frames = all_frames();
    check_vectors(VECTORS, &frames);
    for (name, frame) in &frames {
        if name.starts_with("request") {
            let (number, request) = Request::read(frame).expect("a request");
            assert_eq!(&request.write(number), frame, "{name}");
        } else {
            let (number, reply) = Reply::read(frame).expect("a reply");
            assert_eq!(&reply.write(number), frame, "{name}");
        }
    }
}

#[test]
fn a_put_of_a_small_envelope_fits_a_cell() {
    let queue = OwnedQueue::generate(&mut rng(1), NODE);
    let put = |postage| {
        let crate::Place { send, .. } = queue.place();
        let envelope = queue.place().seal(&mut rng(2), b"").expect("small");
        outis_wire::frame::PREFIX
            + Request::Put {
                queue: queue.id(),
                send,
                postage,
                envelope,
            }
            .write(1)
            .len()
    };
    // Cells have 4 608 bytes; their own header takes far less than what is left.
    assert_eq!(put(Postage::Free), 4_096 + 75);
    assert_eq!(put(Postage::Work(proof())), 4_096 + 75 + 40);
    assert_eq!(put(Postage::Pass(queue.pass(&[1; 32]))), 4_096 + 75 + 32);
}

#[test]
fn the_longest_frame_is_as_long_as_the_limit_says() {
    let queue = OwnedQueue::generate(&mut rng(1), NODE);
    let envelope = queue.place().seal(&mut rng(2), &[0; 60_000]).expect("large");
    let send = SendKey(Secret::from_bytes([1; 32]));
    let put = Request::Put {
        queue: queue.id(),
        send,
        postage: Postage::Work(proof()),
        envelope,
    };
    assert_eq!(put.write(1).len(), MAX_FRAME);
}

#[test]
fn no_frame_is_read_as_anything_else() {
    let frames = all_frames();
    for (name, frame) in &frames {
        assert_eq!(Request::read(frame).is_ok(), name.starts_with("request"), "{name}");
        assert_eq!(Reply::read(frame).is_ok(), name.starts_with("reply"), "{name}");
        assert!(!directory::reads_as_a_frame(frame), "{name}");
        assert!(directory::Record::from_bytes(frame).is_err(), "{name}");
        assert!(Envelope::from_bytes(frame.clone()).is_err(), "{name}");
    }
}

#[test]
fn a_frame_that_is_cut_or_goes_on_is_refused() {
    for (name, frame) in all_frames() {
        let read = |bytes: &[u8]| Request::read(bytes).is_ok() || Reply::read(bytes).is_ok();
        // An acknowledgement may be cut between two numbers: it is then a shorter acknowledgement.
        let stays = |length: usize| name == "request-acknowledge" && length == frame.len() - 8;
        for length in (0..frame.len().min(200)).filter(|length| !stays(*length)) {
            assert!(!read(frame.get(..length).expect("shorter")), "{name} cut to {length}");
        }
        let mut longer = frame.clone();
        longer.push(0);
        assert!(!read(&longer), "{name} with one byte more");
    }
}

#[test]
fn an_acknowledgement_names_each_number_once_and_in_order() {
    let write = |numbers: &[u64]| {
        Request::Acknowledge {
            queue: QueueId([1; 32]),
            numbers: numbers.to_vec(),
        }
        .write(1)
    };
    assert!(Request::read(&write(&[1, 2, 9])).is_ok());
    for bad in [&[][..], &[2, 1], &[1, 1], &(0..65).collect::<Vec<_>>()] {
        assert!(Request::read(&write(bad)).is_err(), "{bad:?}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_at_most_one_frame_that_is_written_alike(tag in any::<(u8, u8)>(), body in proptest::collection::vec(any::<u8>(), 0..300)) {
        let frame = [&[0, 0, 0, 1, tag.0 % 4, tag.1], body.as_slice()].concat();
        if let Ok((number, request)) = Request::read(&frame) {
            prop_assert_eq!(request.write(number), frame.clone());
        }
        if let Ok((number, reply)) = Reply::read(&frame) {
            prop_assert_eq!(reply.write(number), frame);
        }
    }
}

/// One of each, with contents that follow from small seeds.
fn all_frames() -> Vec<(&'static str, Vec<u8>)> {
    let queue = OwnedQueue::generate(&mut rng(1), NODE);
    let place = queue.place();
    let envelope = || place.seal(&mut rng(2), b"text").expect("small");
    let order = || Order {
        owner: queue.owner_key().verifying_key(),
        kind: Kind::CONTACT,
        send: place.send.digest(),
        pass: queue.pass_key(),
    };
    let context = Context {
        network: network(),
        node: NODE,
        nonce: Nonce([3; 32]),
    };
    let key = queue.owner_key();
    let send = || SendKey(place.send.0.dangerously_duplicate());
    let put = |postage| Request::Put {
        queue: queue.id(),
        send: send(),
        postage,
        envelope: envelope(),
    };
    let quote = Quote {
        effort: 8,
        hour: Hour::of(NOW),
    };
    let until = UnixMillis(NOW.0 + DAY);
    vec![
        (
            "request-quote-queue",
            Request::QuoteQueue { kind: Kind::Requests }.write(1),
        ),
        ("request-quote-put", Request::QuotePut { queue: queue.id() }.write(2)),
        (
            "request-create",
            Request::Create {
                order: order(),
                proof: proof(),
                signature: context.sign_order(&key, &order()),
            }
            .write(3),
        ),
        (
            "request-open",
            Request::Open {
                owner: key.verifying_key(),
                mode: Mode::Subscribe,
                signature: context.sign_open(&key, Mode::Subscribe),
            }
            .write(4),
        ),
        ("request-put", put(Postage::Free).write(5)),
        ("request-put-work", put(Postage::Work(proof())).write(6)),
        ("request-put-pass", put(Postage::Pass(queue.pass(&[1; 32]))).write(7)),
        (
            "request-acknowledge",
            Request::Acknowledge {
                queue: queue.id(),
                numbers: vec![1, 5],
            }
            .write(8),
        ),
        ("request-delete", Request::Delete { queue: queue.id() }.write(9)),
        ("reply-hello", Reply::Hello { nonce: Nonce([3; 32]) }.write(0)),
        ("reply-quoted", Reply::Quoted(quote).write(1)),
        ("reply-created", Reply::Created { until }.write(2)),
        ("reply-opened", Reply::Opened { until }.write(3)),
        ("reply-stored", Reply::Stored.write(4)),
        ("reply-acknowledged", Reply::Acknowledged.write(5)),
        ("reply-deleted", Reply::Deleted.write(6)),
        (
            "reply-refused-no-such-queue",
            Reply::Refused(Refusal::NoSuchQueue).write(7),
        ),
        ("reply-refused-queue-full", Reply::Refused(Refusal::QueueFull).write(8)),
        ("reply-refused-store-full", Reply::Refused(Refusal::StoreFull).write(9)),
        ("reply-refused-work", Reply::Refused(Refusal::Work(quote)).write(10)),
        (
            "reply-refused-not-allowed",
            Reply::Refused(Refusal::NotAllowed).write(11),
        ),
        ("reply-refused-too-many", Reply::Refused(Refusal::TooMany).write(12)),
        ("reply-refused-failed", Reply::Refused(Refusal::Failed).write(13)),
        (
            "reply-delivered",
            Reply::Delivered(Delivered {
                number: 7,
                paid: None,
                envelope: envelope(),
            })
            .write(14),
        ),
        (
            "reply-delivered-paid",
            Reply::Delivered(Delivered {
                number: 7,
                paid: Some(proof()),
                envelope: envelope(),
            })
            .write(17),
        ),
        ("reply-caught-up", Reply::CaughtUp.write(15)),
        ("reply-ended", Reply::Ended.write(16)),
    ]
}

fn proof() -> Proof {
    Challenge {
        network: &network(),
        purpose: Purpose::Queue,
        target: NODE.0,
        content: [5; 32],
    }
    .solve(Hour(498_720), 1, &mut rng(3))
}

#[test]
fn a_signature_over_an_order_does_not_open_and_one_for_another_network_or_relay_holds_nowhere() {
    let queue = OwnedQueue::generate(&mut rng(1), NODE);
    let key = queue.owner_key();
    let own = Context {
        network: network(),
        node: NODE,
        nonce: Nonce([3; 32]),
    };
    let open = own.sign_open(&key, Mode::Quiet);
    let holds =
        |context: &Context, mode, signature: &Signature| context.signed_open(&key.verifying_key(), mode, signature);
    assert!(holds(&own, Mode::Quiet, &open));
    assert!(!holds(&own, Mode::Subscribe, &open));
    assert!(!holds(
        &Context {
            network: "main".parse().expect("a name"),
            ..own.clone()
        },
        Mode::Quiet,
        &open
    ));
    assert!(!holds(
        &Context {
            node: outis_wire::NodeId([1; 32]),
            ..own.clone()
        },
        Mode::Quiet,
        &open
    ));
    assert!(!holds(
        &Context {
            nonce: Nonce([4; 32]),
            ..own.clone()
        },
        Mode::Quiet,
        &open
    ));
    let order = Order {
        owner: key.verifying_key(),
        kind: Kind::INVITE,
        send: [1; 32],
        pass: queue.pass_key(),
    };
    let created = own.sign_order(&key, &order);
    assert!(own.signed_order(&order, &created));
    assert!(!holds(&own, Mode::Quiet, &created));
    assert!(!own.signed_order(&order, &open));
    assert!(!own.signed_order(
        &Order {
            kind: Kind::CONTACT,
            ..order
        },
        &created
    ));
}
