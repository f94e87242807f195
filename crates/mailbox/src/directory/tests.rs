use super::*;
use crate::{
    descriptor::{AccountDescriptor, ListedDevice, Revision, SealedDescriptor},
    limits::Efforts,
    queue::{OwnedQueue, QueueCard},
    testing::*,
    work::WorkError,
};
use futures::{AsyncWriteExt, executor::block_on, future::join};
use outis_identity::{DeviceKeys, Generation, Identity};
use outis_wire::{Epoch, NetworkName, UnixMillis};
use proptest::prelude::*;
use std::{cell::RefCell, collections::BTreeMap};

const VECTORS: &str = include_str!("../../../../tests/vectors/mailbox-directory.txt");
const EFFORTS: Efforts = Efforts {
    request: 1,
    descriptor: 1,
    queue: 1,
};

#[test]
fn frames_have_not_changed_and_come_back_as_they_were() {
    let frames = all_frames();
    check_vectors(VECTORS, &frames);
    for (name, frame) in &frames {
        if name.starts_with("request") {
            let (number, request) = Request::read(frame).expect("a request");
            assert_eq!(&request.write(number), frame, "{name}");
            assert!(Reply::read(frame).is_err() && frame.len() <= MAX_REQUEST, "{name}");
        } else {
            let (number, reply) = Reply::read(frame).expect("a reply");
            assert_eq!(&reply.write(number), frame, "{name}");
            assert!(Request::read(frame).is_err() && frame.len() <= MAX_REPLY, "{name}");
        }
        assert!(!crate::protocol::reads_as_a_frame(frame), "{name}");
        assert!(Record::from_bytes(frame).is_err(), "{name}");
    }
}

#[test]
fn alice_publishes_and_bob_finds_her_through_a_relay_that_checks() {
    let (near, far) = pipe(1_000);
    let records = RefCell::new(BTreeMap::new());
    let relay = serve(far, |request| {
        let reply = match request {
            Request::Put(Record::Account(record)) => match record.check(&network(), &EFFORTS, NOW) {
                Ok(checked) => {
                    records.borrow_mut().insert(checked.key, Record::Account(record));
                    Reply::Stored(1)
                }
                Err(_) => Reply::Refused(Refusal::Invalid),
            },
            Request::Get(key) => Reply::Found(records.borrow().get(&key).cloned().into_iter().collect()),
            Request::Sample(count) => Reply::Relays(vec![vec![7; MAX_RELAY_DESCRIPTOR]; usize::from(count)]),
            Request::Announce(_) => Reply::Stored(1),
            Request::Put(Record::Relay(_)) => Reply::Refused(Refusal::Unavailable),
        };
        async { reply }
    });
    let story = async {
        let mut directory = Directory::new(near);
        let alice = identity(1);
        let record = pay(sealed(&alice, NOW.epoch()), 1);
        assert_eq!(directory.put(Record::Account(record.clone())).await.expect("stored"), 1);
        let key = DirectoryKey::of(&network(), &alice.account_key(), NOW.epoch()).expect("prime order");
        let found = directory.get(key).await.expect("an answer");
        let found = found.into_iter().filter_map(|record| match record {
            Record::Account(record) => Some(record.into_descriptor()),
            Record::Relay(_) => None,
        });
        let found = crate::descriptor::newest(found, &network(), &alice.account_key(), NOW.epoch());
        assert_eq!(found.expect("hers").revision.counter, 1);
        assert_eq!(directory.get(DirectoryKey([0; 32])).await.expect("an answer"), []);
        let unpaid = AccountRecord::new(sealed(&alice, NOW.epoch().offset(1)), proof_of(&record));
        let refused = directory.put(Record::Account(unpaid)).await;
        assert!(matches!(refused, Err(LookupError::Refused(Refusal::Invalid))));
        assert_eq!(
            directory.sample(200).await.expect("relays").len(),
            usize::from(MAX_SAMPLE)
        );
        directory.announce(vec![1; 2_000]).await.expect("heard");
    };
    let ((), served) = block_on(join(story, relay));
    served.expect("she hung up between two requests");
}

#[test]
fn what_a_holder_stores_is_signed_paid_and_of_these_days() {
    let account = identity(1);
    let today = NOW.epoch();
    let record = pay(sealed(&account, today), 1);
    let check = |record: &AccountRecord, now| record.check(&network(), &EFFORTS, now);
    let checked = check(&record, NOW).expect("valid");
    assert_eq!(
        checked.key,
        DirectoryKey::of(&network(), &account.account_key(), today).expect("prime order")
    );
    assert_eq!(checked.expires, today.offset(5).start());
    // Until it expires a holder whose clock is right accepts it again, when records move; and two weeks before.
    let at = |day: i32| check(&record, today.offset(day).start()).map(drop);
    assert_eq!([at(-16), at(-14), at(2), at(4)], [Ok(()); 4]);
    assert_eq!([at(-17), at(5)], [Err(RecordError::WrongEpoch); 2]);

    let dear = Efforts {
        descriptor: 2,
        ..EFFORTS
    };
    assert_eq!(
        record.check(&network(), &dear, NOW),
        Err(RecordError::Work(WorkError::TooCheap { minimum: 2 }))
    );
    assert_eq!(
        record.check(&NetworkName::default(), &EFFORTS, NOW),
        Err(RecordError::BadSignature)
    );
    let swapped = AccountRecord::new(sealed(&identity(2), today), proof_of(&record));
    assert_eq!(check(&swapped, NOW), Err(RecordError::Work(WorkError::NotAProof)));
    let later = AccountRecord::new(sealed(&account, today.offset(1)), proof_of(&record));
    assert_eq!(check(&later, NOW), Err(RecordError::Work(WorkError::WrongHour)));
}

#[test]
fn garbage_and_frames_over_their_limit_end_the_stream() {
    for bytes in [
        &[0xff; 32][..],
        &[0, 0, 0, 6, 0, 0, 0, 1, 0, 0],
        &[0, 0, 0, 7, 0, 0, 0, 1, 2, 3, 25],
        b"GET / HTTP/1.1\r\n\r\n",
    ] {
        let served = block_on(async {
            let (mut near, far) = pipe(64);
            near.write_all(bytes).await.expect("room");
            serve(far, async |_| Reply::Stored(1)).await
        });
        assert!(matches!(served, Err(ServeError::Protocol)), "{bytes:?}");
    }
}

#[test]
fn an_answer_to_another_question_is_not_taken() {
    let lies = [
        Reply::Stored(1).write(2),
        Reply::Relays(Vec::new()).write(1),
        Reply::Found(Vec::new()).write(7),
    ];
    for lie in lies {
        let (near, mut far) = pipe(1_000);
        let liar = async {
            outis_wire::frame::write(&mut far, &lie).await.expect("room");
        };
        let mut directory = Directory::new(near);
        let (answer, ()) = block_on(join(directory.put(Record::Relay(vec![1])), liar));
        assert!(matches!(answer, Err(LookupError::Protocol)));
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

    #[test]
    fn any_bytes_are_at_most_one_record(kind in 0..4_u8, body in proptest::collection::vec(any::<u8>(), 0..300)) {
        let bytes = [&[kind], body.as_slice()].concat();
        if let Ok(record) = Record::from_bytes(&bytes) {
            prop_assert_eq!(record.to_bytes(), bytes);
        }
    }
}

fn all_frames() -> Vec<(&'static str, Vec<u8>)> {
    let record = Record::Account(pay(sealed(&identity(1), Epoch(20_780)), 2));
    vec![
        ("request-put-account", Request::Put(record.clone()).write(1)),
        ("request-put-relay", Request::Put(Record::Relay(vec![1, 2, 3])).write(2)),
        ("request-get", Request::Get(DirectoryKey([4; 32])).write(3)),
        ("request-sample", Request::Sample(24).write(4)),
        ("request-announce", Request::Announce(vec![1, 2, 3]).write(5)),
        ("reply-stored", Reply::Stored(3).write(1)),
        ("reply-found-nothing", Reply::Found(Vec::new()).write(2)),
        (
            "reply-found",
            Reply::Found(vec![Record::Relay(vec![1]), Record::Relay(vec![2, 3])]).write(3),
        ),
        ("reply-relays", Reply::Relays(vec![vec![1, 2], vec![3]]).write(4)),
        ("reply-refused-invalid", Reply::Refused(Refusal::Invalid).write(5)),
        ("reply-refused-outdated", Reply::Refused(Refusal::Outdated).write(6)),
        (
            "reply-refused-unavailable",
            Reply::Refused(Refusal::Unavailable).write(7),
        ),
    ]
}

fn pay(descriptor: SealedDescriptor, effort: u32) -> AccountRecord {
    let mut search = AccountRecord::search(&descriptor, &network(), effort, &mut rng(3)).expect("signed");
    loop {
        if let Some(proof) = search.step() {
            return AccountRecord::new(descriptor, proof);
        }
    }
}

fn proof_of(record: &AccountRecord) -> crate::work::Proof {
    let bytes = Record::Account(record.clone()).to_bytes();
    let mut reader = Reader::new(bytes.get(1 + SealedDescriptor::SIZE..).expect("a proof"));
    crate::work::Proof::read(&mut reader).expect("a proof")
}

fn identity(seed: u8) -> Identity {
    Identity::from_record(&[&[1], [seed; 32].as_slice()].concat()).expect("a record")
}

fn sealed(account: &Identity, epoch: Epoch) -> SealedDescriptor {
    let device = DeviceKeys::generate(&mut rng(5));
    let certificate = account.certify(device.public(), Generation(1), UnixMillis(NOW.0 + 90 * DAY));
    let place = OwnedQueue::generate(&mut rng(7), NODE).place();
    AccountDescriptor {
        revision: Revision {
            generation: Generation(1),
            counter: 1,
        },
        devices: vec![ListedDevice {
            certificate,
            prekey: vec![4; 1_300],
        }],
        requests: QueueCard::new(1, vec![place]).expect("one"),
        witness: Vec::new(),
        more: Vec::new(),
    }
    .seal(
        &mut rng(u64::from(epoch.0)),
        &network(),
        epoch,
        account.dangerously_signing_key(),
    )
    .expect("it fits")
}
