//! Golden bytes for each format: changing one of them is a change of protocol.

use crate::{
    InitialMessage, Prekey, Session, SignedPrekey, SkippedId, SkippedKey, respond,
    testing::{Person, Side, now, rng},
};
use outis_wire::UnixMillis;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// The story behind the vectors: Alice writes to Bob; Bob answers twice, and the first answer is lost.
struct Story {
    alice: Side,
    bob: Side,
    initial: Vec<u8>,
    lost: Vec<u8>,
    message: Vec<u8>,
}

impl Story {
    fn told() -> Self {
        let (alice, bob) = (Person::new(1), Person::new(2));
        let (mut alice, initial) = alice.initiate(&bob, b"hello", 3);
        let (mut bob, _) = bob.respond(&initial, 4);
        let (lost, message) = (bob.send(b"lost"), bob.send(b"answer"));
        alice.receive(&message).unwrap();
        Self {
            alice,
            bob,
            initial: initial.to_bytes(),
            lost,
            message,
        }
    }
}

/// Lines of `name = hex`; `#` begins a comment.
fn vector(file: &str, name: &str) -> Vec<u8> {
    let line = file
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(" = "));
    hex::decode(line.unwrap_or_else(|| panic!("no vector called {name}"))).unwrap()
}

#[test]
fn prekeys_are_as_published() {
    let file = include_str!("../../../tests/vectors/ratchet-prekey.txt");
    let bob = Person::new(2);
    let (record, public) = (vector(file, "record"), vector(file, "signed prekey"));
    assert_eq!(bob.prekey.to_record().dangerously_expose(), record);
    assert_eq!(bob.prekey.public(&bob.keys).to_bytes(), public);
    assert_eq!(public.len(), SignedPrekey::SIZE);
    let read = Prekey::from_record(&record).unwrap();
    assert_eq!(read.to_record().dangerously_expose(), record);
    assert_eq!(SignedPrekey::from_bytes(&public).unwrap().to_bytes(), public);
    assert_eq!(
        outis_wire::decode::<SignedPrekey>(&outis_wire::encode(&read.public(&bob.keys)), 2_000)
            .unwrap()
            .to_bytes(),
        public
    );
}

#[test]
fn initial_messages_are_as_published() {
    let file = include_str!("../../../tests/vectors/ratchet-initial-message.txt");
    let bytes = vector(file, "initial message");
    assert_eq!(Story::told().initial, bytes);
    let message = InitialMessage::from_bytes(&bytes).unwrap();
    assert_eq!(message.to_bytes(), bytes);
    assert_eq!(message.hash().0, *vector(file, "handshake"));
    let bob = Person::new(2);
    let accepted = respond(&bob.local(), &bob.prekey, &message, now()).unwrap();
    assert_eq!(accepted.payload.dangerously_expose(), b"hello");
    assert_eq!(accepted.session.id().0, *vector(file, "session id"));
}

#[test]
fn messages_and_session_records_are_as_published() {
    let messages = include_str!("../../../tests/vectors/ratchet-message.txt");
    let records = include_str!("../../../tests/vectors/ratchet-session.txt");
    let story = Story::told();
    assert_eq!(story.message, vector(messages, "message"));
    assert_eq!(story.lost, vector(messages, "lost"));
    let (alice, bob) = (vector(records, "theirs"), vector(records, "ours"));
    assert_eq!(story.alice.session.to_record().dangerously_expose(), alice);
    assert_eq!(story.bob.session.to_record().dangerously_expose(), bob);

    // The published records go on talking.
    let read = |record: &[u8]| Session::from_record(record).unwrap();
    let skipped = BTreeMap::from([(
        SkippedId { chain: 0, number: 0 },
        vector(
            include_str!("../../../tests/vectors/ratchet-skipped.txt"),
            "skipped key",
        )
        .into(),
    )]);
    let (step, lost) = read(&alice)
        .receive(now(), &skipped, &vector(messages, "lost"))
        .unwrap();
    assert_eq!(lost.dangerously_expose(), b"lost");
    let (_, ciphertext) = step.session.send(&mut rng(9), b"and on").unwrap();
    let (_, text) = read(&bob).receive(now(), &skipped, &ciphertext).unwrap();
    assert_eq!(text.dangerously_expose(), b"and on");
}

#[test]
fn skipped_keys_are_as_published() {
    let record = vector(
        include_str!("../../../tests/vectors/ratchet-skipped.txt"),
        "skipped key",
    );
    let story = Story::told();
    let id = SkippedId { chain: 0, number: 0 };
    assert_eq!(story.alice.store[&id].dangerously_expose(), record);
    assert_eq!(
        SkippedKey::from_record(&record)
            .unwrap()
            .to_record()
            .dangerously_expose(),
        record
    );
    assert_eq!(SkippedId { chain: 1, number: 2 }.index(), 0x1_0000_0002);
}

/// Every record and message, fed to every decoder but its own.
#[test]
fn no_decoder_reads_another_s_format() {
    let story = Story::told();
    let bob = Person::new(2);
    let formats = [
        ("prekey record", bob.prekey.to_record().dangerously_expose().to_vec()),
        ("signed prekey", bob.prekey.public(&bob.keys).to_bytes()),
        (
            "session record",
            story.alice.session.to_record().dangerously_expose().to_vec(),
        ),
        (
            "session record",
            story.bob.session.to_record().dangerously_expose().to_vec(),
        ),
        (
            "skipped key",
            story.alice.store[&SkippedId { chain: 0, number: 0 }]
                .dangerously_expose()
                .to_vec(),
        ),
        ("initial message", story.initial.clone()),
        ("message", story.message.clone()),
    ];
    let reads = |decoder: &str, bytes: &[u8]| match decoder {
        "prekey record" => Prekey::from_record(bytes).is_ok(),
        "signed prekey" => SignedPrekey::from_bytes(bytes).is_ok(),
        "session record" => Session::from_record(bytes).is_ok(),
        "skipped key" => SkippedKey::from_record(bytes).is_ok(),
        "initial message" => InitialMessage::from_bytes(bytes)
            .is_ok_and(|message| respond(&bob.local(), &bob.prekey, &message, now()).is_ok()),
        _ => Story::told()
            .alice
            .session
            .receive(now(), &BTreeMap::new(), bytes)
            .is_ok(),
    };
    for (format, bytes) in &formats {
        for (decoder, _) in &formats {
            // Alice has read the message already, so that not even its own decoder takes it.
            let expected = format == decoder && *format != "message";
            assert_eq!(reads(decoder, bytes), expected, "{format} as {decoder}");
        }
        let (newer, longer) = ([&[2], &bytes[1..]].concat(), [bytes.as_slice(), &[0]].concat());
        assert!(!reads(format, &newer) && !reads(format, &longer) && !reads(format, &bytes[..bytes.len() - 1]));
    }
}

#[test]
fn a_session_record_that_no_session_wrote_is_refused() {
    let record = Story::told().alice.session.to_record();
    let good = record.dangerously_expose();
    assert!(Session::from_record(good).is_ok());
    // Whose turn; whether the peer has a chain; a gap that is empty, ahead of its chain, or without its bytes.
    let turn = 1 + 4 * 32;
    let open = turn + 1 + 32 + 1184 + 4;
    let gaps = open + 1 + 4 + 32 + 32 + 4;
    for (at, bytes) in [
        (turn, vec![3]),
        (open, vec![0]),
        (open, vec![2]),
        (gaps, vec![0, 0, 0, 9]),
        (gaps, vec![0xff; 4]),
        (gaps + 4, vec![0, 0, 0, 1]),
        (gaps + 8, vec![0, 0, 0, 0]),
        (gaps + 8, vec![0, 0, 0, 9]),
        (good.len() - 1, vec![6]),
    ] {
        let mut bad = good.to_vec();
        bad[at..at + bytes.len()].copy_from_slice(&bytes);
        assert!(Session::from_record(&bad).is_err(), "{bytes:?} at {at}");
    }
}

#[test]
fn a_prekey_is_over_at_the_end_of_the_sixteenth_day_after_its_epoch() {
    let prekey = Person::new(2).prekey;
    let end = prekey.epoch().offset(Prekey::LIFETIME_DAYS).end();
    assert_eq!(
        end,
        prekey
            .epoch()
            .start()
            .plus(std::time::Duration::from_secs(17 * 24 * 60 * 60))
    );
    assert!(!prekey.is_over(UnixMillis(end.0 - 1)) && prekey.is_over(end));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is read, is read without a panic and has no other spelling.
    #[test]
    fn damaged_records_are_refused_or_are_other_records(
        which in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
        mask in 1_u8..,
        cut in any::<Option<prop::sample::Index>>(),
    ) {
        let story = Story::told();
        let records = [
            Person::new(2).prekey.to_record(),
            story.alice.session.to_record(),
            story.bob.session.to_record(),
            story.alice.store[&SkippedId { chain: 0, number: 0 }].dangerously_expose().to_vec().into(),
        ];
        let mut bytes = which.get(&records).dangerously_expose().to_vec();
        let at = at.index(bytes.len());
        bytes[at] ^= mask;
        bytes.truncate(cut.map_or(bytes.len(), |cut| cut.index(bytes.len())));
        if let Ok(read) = Prekey::from_record(&bytes) {
            let written = read.to_record();
            prop_assert_eq!(written.dangerously_expose(), &bytes);
        }
        if let Ok(read) = Session::from_record(&bytes) {
            let written = read.to_record();
            prop_assert_eq!(written.dangerously_expose(), &bytes);
        }
        if let Ok(read) = SkippedKey::from_record(&bytes) {
            let written = read.to_record();
            prop_assert_eq!(written.dangerously_expose(), &bytes);
        }
        let _ = (SignedPrekey::from_bytes(&bytes), InitialMessage::from_bytes(&bytes));
    }
}
