mod network;
mod secrecy;

use super::*;
use crate::{
    MAX_AHEAD, MAX_OLD_CHAINS, MAX_SKIPPED, OVERHEAD, SKIPPED_LIFETIME,
    keys::steps,
    testing::{Side, pair},
};
use std::{convert::Infallible, time::Duration};

/// Sends, and loses, `count` messages.
fn lose(side: &mut Side, count: u32) {
    for _ in 0..count {
        side.send(b"lost");
    }
}

#[test]
fn two_talk_in_turns() {
    let (mut alice, mut bob) = pair(1);
    for round in 0..10_u8 {
        let there = bob.send(&[round; 3]);
        assert_eq!(alice.receive(&there), Ok(vec![round; 3]));
        let back = alice.send(&[round; 4]);
        assert_eq!(bob.receive(&back), Ok(vec![round; 4]));
    }
}

#[test]
fn the_initiator_need_not_wait_for_an_answer() {
    let (mut alice, mut bob) = pair(1);
    assert!(!alice.session.has_heard() && bob.session.has_heard());
    let more = [alice.send(b"one"), alice.send(b"two")];
    let answer = bob.send(b"answer");
    assert_eq!(alice.receive(&answer), Ok(b"answer".to_vec()));
    assert_eq!(bob.receive(&more[1]), Ok(b"two".to_vec()));
    assert_eq!(bob.receive(&more[0]), Ok(b"one".to_vec()));
    assert!(alice.session.has_heard());
}

#[test]
fn both_may_speak_at_once() {
    let (mut alice, mut bob) = pair(1);
    for _ in 0..5 {
        let (there, back) = (alice.send(b"there"), bob.send(b"back"));
        assert_eq!(alice.receive(&back), Ok(b"back".to_vec()));
        assert_eq!(bob.receive(&there), Ok(b"there".to_vec()));
    }
}

#[test]
fn a_message_with_a_text_of_a_kibibyte_fits_the_smallest_envelope_with_room_to_spare() {
    let (mut alice, _) = pair(1);
    assert_eq!(alice.send(&[0; 1024]).len(), OVERHEAD + 1024);
    assert_eq!(OVERHEAD, 2457);
}

#[test]
fn what_is_too_long_is_not_sent() {
    let (alice, _) = pair(1);
    let mut rng = crate::testing::rng(1);
    assert!(alice.session.send(&mut rng, &vec![0; MAX_PLAINTEXT]).is_ok());
    assert_eq!(
        alice.session.send(&mut rng, &vec![0; MAX_PLAINTEXT + 1]).err(),
        Some(SendError::TooLong)
    );
}

#[test]
fn a_message_is_read_once() {
    let (mut alice, mut bob) = pair(1);
    let (first, second) = (bob.send(b"first"), bob.send(b"second"));
    alice.receive(&second).unwrap();
    alice.receive(&first).unwrap();
    assert_eq!(alice.receive(&first), Err(ReceiveError::Spent));
    assert_eq!(alice.receive(&second), Err(ReceiveError::Spent));
}

#[test]
fn a_skip_of_2_to_the_31_is_refused_before_any_derivation() {
    let (mut alice, mut bob) = pair(1);
    let first = bob.send(b"");
    alice.receive(&first).unwrap();
    // A peer that holds the keys and lies about the number, in the current chain…
    let Turn::Ours(chain) = &mut bob.session.turn else {
        panic!("bob spoke last")
    };
    chain.next = 1 << 31;
    let lie = bob.send(b"");
    let (taken, refused) = steps::taken_by(|| alice.receive(&lie));
    assert_eq!(
        (taken, refused),
        (0, Err(ReceiveError::TooFarAhead { ahead: (1 << 31) - 1 }))
    );

    // … in a new one, and about how long the one before it was.
    for (previous, number, ahead) in [
        (1, 1 << 31, 1 << 31),
        (1 << 31, 0, (1 << 31) - 1),
        (1_u32 << 31, 1 << 31, u32::MAX),
    ] {
        let (mut alice, mut bob) = pair(1);
        let first = bob.send(b"");
        alice.receive(&first).unwrap();
        let back = alice.send(b"");
        bob.receive(&back).unwrap();
        let honest = bob.send(b"honest");
        let Turn::Ours(chain) = &mut bob.session.turn else {
            panic!("bob spoke last")
        };
        (chain.previous, chain.next) = (previous, number);
        let lie = bob.send(b"");
        let (taken, refused) = steps::taken_by(|| alice.receive(&lie));
        assert_eq!(
            (taken, refused),
            (
                0,
                Err(ReceiveError::TooFarAhead {
                    ahead: u64::from(ahead)
                })
            )
        );
        assert_eq!(
            alice.receive(&honest),
            Ok(b"honest".to_vec()),
            "the lie changed nothing"
        );
    }
}

#[test]
fn a_thousand_may_be_missing_and_one_more_is_too_many() {
    let (mut alice, mut bob) = pair(1);
    let missing = bob.send(b"missing");
    lose(&mut bob, MAX_AHEAD - 1);
    let (last, after) = (bob.send(b"last"), bob.send(b"after"));
    let untouched = alice.state();
    assert_eq!(alice.receive(&after), Err(ReceiveError::TooFarAhead { ahead: 1_001 }));
    assert_eq!(alice.state(), untouched);
    assert_eq!(alice.receive(&last), Ok(b"last".to_vec()));
    assert_eq!(alice.store.len(), 1_000);
    assert_eq!(alice.receive(&after), Ok(b"after".to_vec()));
    assert_eq!(alice.receive(&missing), Ok(b"missing".to_vec()));
}

#[test]
fn the_oldest_of_more_than_two_thousand_skipped_keys_go() {
    let (mut alice, mut bob) = pair(1);
    let (first, mut last) = (bob.send(b"first"), Vec::new());
    for _ in 0..3 {
        lose(&mut bob, 900);
        last = bob.send(b"last");
        alice.receive(&last).unwrap();
    }
    assert_eq!(alice.store.len(), MAX_SKIPPED);
    assert_eq!(alice.receive(&first), Err(ReceiveError::Spent));
    assert_eq!(alice.receive(&last), Err(ReceiveError::Spent));
}

#[test]
fn the_oldest_of_more_than_five_old_chains_goes() {
    let (mut alice, mut bob) = pair(1);
    let mut missing = Vec::new();
    for _ in 0..=MAX_OLD_CHAINS + 1 {
        missing.push(bob.send(b"missing"));
        let come = bob.send(b"come");
        alice.receive(&come).unwrap();
        let back = alice.send(b"back");
        bob.receive(&back).unwrap();
    }
    // The first was given up, the others are there: five in old chains, one in the current.
    assert_eq!(alice.store.len(), MAX_OLD_CHAINS + 1);
    assert_eq!(alice.receive(&missing[0]), Err(ReceiveError::NotForThisSession));
    for ciphertext in &missing[1..] {
        assert_eq!(alice.receive(ciphertext), Ok(b"missing".to_vec()));
    }
    assert!(alice.store.is_empty());
}

#[test]
fn a_skipped_key_lives_for_thirty_days() {
    let (mut alice, mut bob) = pair(1);
    let missing = [bob.send(b"zero"), bob.send(b"one")];
    let come = bob.send(b"come");
    alice.receive(&come).unwrap();
    alice.wait(SKIPPED_LIFETIME);
    assert!(alice.session.expire(alice.now).is_none());
    assert_eq!(alice.receive(&missing[0]), Ok(b"zero".to_vec()));
    alice.wait(Duration::from_millis(1));
    let step = alice.session.expire(alice.now).unwrap();
    assert_eq!(step.removed, [SkippedId { chain: 0, number: 1 }]);
    assert_eq!(step.session.skipped(), 0);
    // Receiving does the same.
    let next = bob.send(b"next");
    alice.receive(&next).unwrap();
    assert!(alice.store.is_empty());
    assert_eq!(alice.receive(&missing[1]), Err(ReceiveError::Spent));
}

#[test]
fn a_key_that_the_store_has_lost_is_reported_and_changes_nothing() {
    let (mut alice, mut bob) = pair(1);
    let (missing, come) = (bob.send(b""), bob.send(b""));
    alice.receive(&come).unwrap();
    let id = SkippedId { chain: 0, number: 0 };
    alice.store.clear();
    assert_eq!(alice.receive(&missing), Err(ReceiveError::KeyLost(id)));
}

#[test]
fn what_one_sends_cannot_be_sent_back_to_them() {
    let (mut alice, mut bob) = pair(1);
    let there = bob.send(b"there");
    assert_eq!(bob.receive(&there), Err(ReceiveError::NotForThisSession));
    alice.receive(&there).unwrap();
    let back = alice.send(b"back");
    assert_eq!(alice.receive(&back), Err(ReceiveError::NotForThisSession));
}

#[test]
fn sessions_do_not_read_each_other_s_messages() {
    let ((mut alice, _), (_, mut other)) = (pair(1), pair(3));
    let foreign = other.send(b"foreign");
    assert_eq!(
        alice.receive(&foreign),
        Err(ReceiveError::<Infallible>::NotForThisSession)
    );
}
