//! What a thief of the state does not get, and what a quantum computer does not get.

use super::*;
use crate::{
    keys::Turned,
    testing::{Person, rng},
    turn::{Head, HeadBytes},
};
use outis_crypto::Secret;
use rand_chacha::rand_core::Rng;
use std::sync::Arc;

#[test]
fn a_copied_state_reads_nothing_earlier() {
    let (mut alice, mut bob) = pair(1);
    let mut earlier = Vec::new();
    for round in 0..4_u8 {
        for text in [[round, 0], [round, 1]] {
            let before = bob.stolen();
            let ciphertext = alice.send(&text);
            bob.receive(&ciphertext).unwrap();
            earlier.push((ciphertext, before));
        }
        let back = bob.send(b"back");
        alice.receive(&back).unwrap();
    }
    for (ciphertext, mut before) in earlier {
        assert!(bob.stolen().receive(&ciphertext).is_err());
        assert!(
            alice.stolen().receive(&ciphertext).is_err(),
            "the sender forgets as well"
        );
        // The control: stolen one message before, the state does read it.
        assert!(before.receive(&ciphertext).is_ok());
    }
}

#[test]
fn a_copied_state_reads_nothing_after_one_round_trip() {
    let (mut alice, mut bob) = pair(1);
    let there = alice.send(b"there");
    bob.receive(&there).unwrap();
    let mut thief = bob.stolen();

    // The control: until Bob has spoken, the thief reads along.
    let still = alice.send(b"still");
    bob.receive(&still).unwrap();
    assert_eq!(thief.receive(&still), Ok(b"still".to_vec()));

    let back = bob.send(b"back");
    alice.receive(&back).unwrap();
    let healed = alice.send(b"healed");
    for mut attempt in [thief.stolen(), alice.stolen()] {
        assert!(attempt.receive(&back).is_err());
        assert!(attempt.receive(&healed).is_err());
        // Not even after speaking in Bob's name, with keys of the thief's own.
        attempt.send(b"mine");
        assert!(attempt.receive(&healed).is_err());
    }
    assert_eq!(bob.receive(&healed), Ok(b"healed".to_vec()));
}

#[test]
fn what_a_thief_sends_does_not_come_between_the_two_once_they_have_spoken() {
    let (mut alice, mut bob) = pair(1);
    let mut thief = bob.stolen();
    let back = bob.send(b"back");
    alice.receive(&back).unwrap();
    let forged = thief.send(b"forged");
    assert!(alice.receive(&forged).is_err());
}

/// Which problems somebody can solve.
#[derive(Clone, Copy)]
struct Breaks {
    x25519: bool,
    ml_kem: bool,
}

impl Breaks {
    /// What comes out of a turn for somebody who knows the root key and sees the turn's header. What they cannot compute
    /// they have to guess.
    fn turn(self, root: &RootKey, receiver: &OwnKeys, header: &Header) -> Turned {
        let head = Head::read(header.head()).unwrap();
        let guess = || Secret::from_bytes([0; 32]);
        let agreed = if self.x25519 {
            receiver.agreement().agree(&head.peer.agreement).unwrap()
        } else {
            guess()
        };
        let shared = if self.ml_kem {
            receiver.decapsulation().decapsulate(&head.ciphertext)
        } else {
            guess()
        };
        root.turn(&agreed, &shared, header.head())
    }
}

/// Somebody stole Bob's whole state before he spoke, and records everything. Gives whether they read what Bob says next,
/// and what Alice answers.
fn eavesdrop(breaks: Breaks) -> (bool, bool) {
    let (mut alice, mut bob) = pair(1);
    let thief = bob.stolen().session;
    let Turn::Ours(SendingChain { own: alices, .. }) = &alice.session.turn else {
        panic!("alice spoke last")
    };
    let alices = Arc::clone(alices);
    let back = bob.send(b"back");
    alice.receive(&back).unwrap();
    let Turn::Ours(SendingChain { own: bobs, .. }) = &bob.session.turn else {
        panic!("bob spoke last")
    };
    let bobs = Arc::clone(bobs);
    let there = alice.send(b"there");

    let read = |root: &RootKey, header_key: &HeaderKey, receiver: &OwnKeys, ciphertext: &[u8]| {
        let message = Message::read(ciphertext).unwrap();
        let header = message
            .open_header(header_key)
            .expect("this header key is in what was stolen");
        let turned = breaks.turn(root, receiver, &header);
        let (_, key) = turned.chain.step();
        (message.open(thief.id(), &header, key).is_some(), turned)
    };
    let (first, turned) = read(&thief.root, &thief.next_sending, &alices, &back);
    let (second, _) = read(&turned.root, &thief.next_receiving, &bobs, &there);
    (first, second)
}

#[test]
fn a_stolen_state_heals_against_whoever_breaks_only_one_half() {
    let (broken, whole) = (true, false);
    assert_eq!(
        eavesdrop(Breaks {
            x25519: broken,
            ml_kem: whole
        }),
        (false, false),
        "a quantum computer"
    );
    assert_eq!(
        eavesdrop(Breaks {
            x25519: whole,
            ml_kem: broken
        }),
        (false, false),
        "a break of the lattice"
    );
    assert_eq!(
        eavesdrop(Breaks {
            x25519: whole,
            ml_kem: whole
        }),
        (false, false)
    );
    // The control: who breaks both reads both.
    assert_eq!(
        eavesdrop(Breaks {
            x25519: broken,
            ml_kem: broken
        }),
        (true, true)
    );
}

#[test]
fn a_mutated_message_is_refused_and_changes_nothing() {
    let (mut alice, mut bob) = pair(1);
    let back = bob.send(b"back");
    alice.receive(&back).unwrap();
    let (old, new) = (bob.send(b"same chain"), {
        let there = alice.send(b"there");
        bob.receive(&there).unwrap();
        bob.send(b"new chain")
    });
    let before = alice.state();
    for ciphertext in [&old, &new] {
        // Every field of the layout, and every 8th byte between; and every way of being cut.
        let fields = [
            0,
            1,
            24,
            25,
            56,
            57,
            2368,
            2369,
            2384,
            2385,
            2408,
            2409,
            2440,
            2441,
            ciphertext.len() - 1,
        ];
        for at in fields.into_iter().chain((0..ciphertext.len()).step_by(8)) {
            let mut changed = ciphertext.clone();
            changed[at] ^= 0x80;
            assert!(alice.receive(&changed).is_err(), "byte {at}");
            assert!(alice.receive(&ciphertext[..at]).is_err(), "cut at {at}");
        }
        assert!(alice.receive(&[ciphertext.as_slice(), &[0]].concat()).is_err());
    }
    // And many more, in one field each: of the turn's keys, of the header, of the body, or where a nonce stands.
    let fields = [
        0..1,
        1..25,
        25..57,
        57..2369,
        2369..2385,
        2385..2409,
        2409..2441,
        2441..new.len(),
    ];
    let mut rng = rng(9);
    for nth in 0..if std::env::var_os("OUTIS_SOAK").is_some() {
        100_000
    } else {
        1_000
    } {
        let mut changed = if nth % 2 == 0 { old.clone() } else { new.clone() };
        let field = fields[nth % fields.len()].clone();
        for _ in 0..=rng.next_u32() % 8 {
            let at = field.start + rng.next_u32() as usize % (field.end.min(changed.len()) - field.start);
            changed[at] ^= 1 << (rng.next_u32() % 8);
        }
        if changed != old && changed != new {
            assert!(alice.receive(&changed).is_err(), "{nth}");
        }
    }
    // The header of one with the body of the other.
    assert!(alice.receive(&[&old[..2385], &new[2385..]].concat()).is_err());
    assert!(alice.receive(&[&new[..2385], &old[2385..]].concat()).is_err());
    assert_eq!(alice.state(), before);
    assert_eq!(alice.receive(&new), Ok(b"new chain".to_vec()));
    assert_eq!(alice.receive(&old), Ok(b"same chain".to_vec()));
}

#[test]
fn a_head_with_bad_keys_is_refused_even_from_the_peer() {
    let (mut alice, mut bob) = pair(1);
    let honest = bob.send(b"honest");
    let Turn::Ours(chain) = &bob.session.turn else {
        panic!("bob spoke last")
    };
    let good = chain.head.as_slice();
    let zero_agreement = [&[0; 32], &good[32..]].concat();
    let out_of_range = [&good[..32], &[0xff; 1184], &good[32 + 1184..]].concat();
    for head in [zero_agreement, out_of_range] {
        let header = Header::new(&HeadBytes(head.into()), 0, 0);
        let (_, key) = chain.key.step();
        let ciphertext = Message::seal(bob.session.id(), &header, &chain.header, key, b"", &mut rng(7));
        assert_eq!(alice.receive(&ciphertext), Err(ReceiveError::Nonsense));
    }
    assert_eq!(alice.receive(&honest), Ok(b"honest".to_vec()));
}

/// Whether any 8 bytes occur in two of them. Looks at a part of all windows at a time, so that many fit the memory.
fn common_bytes(messages: &[Vec<u8>]) -> bool {
    let parts = messages.len() as u64 / 1_000 + 1;
    (0..parts).any(|part| {
        let mut windows = Vec::new();
        for (nth, message) in messages.iter().enumerate() {
            let of_this = message
                .windows(8)
                .map(|window| u64::from_be_bytes(window.try_into().unwrap()));
            windows.extend(
                of_this
                    .filter(|window| window % parts == part)
                    .map(|window| (window, nth)),
            );
        }
        windows.sort_unstable();
        windows
            .windows(2)
            .any(|pair| pair[0].0 == pair[1].0 && pair[0].1 != pair[1].1)
    })
}

#[test]
fn ciphertexts_of_a_session_have_nothing_in_common() {
    let (mut alice, mut bob) = pair(1);
    let mut messages = Vec::new();
    let count = if std::env::var_os("OUTIS_SOAK").is_some() {
        10_000
    } else {
        1_000
    };
    while messages.len() < count {
        messages.extend((0..9).map(|_| alice.send(b"the same text")));
        bob.receive(messages.last().unwrap()).unwrap();
        let back = bob.send(b"the same text");
        alice.receive(&back).unwrap();
        messages.push(back);
    }
    assert!(!common_bytes(&messages));
    // The control: eight bytes of one in the middle of another, of all these.
    let (from, into) = (messages[17][1_000..1_008].to_vec(), count - 3);
    messages[into][500..508].copy_from_slice(&from);
    assert!(common_bytes(&messages));
    assert!(messages.iter().all(|message| message.len() == messages[0].len()));
    // Another: headers in the clear have almost everything in common.
    let Turn::Ours(chain) = &bob.session.turn else {
        panic!("bob spoke last")
    };
    assert!(common_bytes(
        &[0, 1].map(|number| Header::new(&chain.head, 0, number).head().to_vec())
    ));
}

#[test]
fn the_same_text_from_the_same_state_is_sealed_under_another_nonce() {
    // A machine that was rolled back: both copies of Alice come to the same key, and must not come to the same nonce.
    let (alice, _) = pair(1);
    let (mut one, mut two) = (alice.stolen(), alice.stolen());
    (one.rng, two.rng) = (rng(1), rng(2));
    let (one, two) = (one.send(b"one"), two.send(b"two"));
    for nonce in [1..25, 2385..2409] {
        assert_ne!(one[nonce.clone()], two[nonce]);
    }
}

#[test]
fn a_session_does_not_outlive_its_prekey_as_a_secret() {
    // The prekey is in no record of a session, so that erasing it is enough.
    let (alice, bob) = (Person::new(1), Person::new(2));
    let (_, message) = alice.initiate(&bob, b"hello", 1);
    let (side, _) = bob.respond(&message, 2);
    let (state, prekey) = (side.state(), bob.prekey.to_record());
    let secrets = [
        &prekey.dangerously_expose()[5..37],
        &prekey.dangerously_expose()[37..101],
    ];
    assert!(
        secrets
            .iter()
            .all(|secret| !state.windows(secret.len()).any(|window| window == *secret))
    );
}
