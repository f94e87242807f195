use super::*;
use crate::{
    MAX_PLAINTEXT, MalformedPrekey, SignedPrekey,
    testing::{EPOCH, Person, now, rng},
};
use outis_identity::{Generation, SafetyNumber};
use std::{collections::BTreeSet, time::Duration};

struct WithoutParties;

impl Schedule for WithoutParties {
    fn party(_: Party) -> Party {
        Party::of(&Person::new(99).device())
    }
}

struct WithoutInitiatorsAgreement;

impl Schedule for WithoutInitiatorsAgreement {
    fn by_initiator(_: Secret<32>) -> Secret<32> {
        Secret::from_bytes([0; 32])
    }
}

struct WithoutRespondersAgreement;

impl Schedule for WithoutRespondersAgreement {
    fn by_responder(_: Secret<32>) -> Secret<32> {
        Secret::from_bytes([0; 32])
    }
}

fn three() -> (Person, Person, Person) {
    (Person::new(1), Person::new(2), Person::new(3))
}

fn refused(result: Result<Accepted, RespondError>) -> Option<RespondError> {
    result.err()
}

fn hidden_in(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

#[test]
fn the_responder_learns_who_wrote_what() {
    let (alice, bob, _) = three();
    let (a, message) = alice.initiate(&bob, b"hello", 1);
    let message = InitialMessage::from_bytes(&message.to_bytes()).unwrap();
    let accepted = respond(&bob.local(), &bob.prekey, &message, now()).unwrap();
    assert_eq!(accepted.payload.dangerously_expose(), b"hello");
    assert_eq!(accepted.device, alice.device());
    assert_eq!(accepted.certificate, alice.certificate);
    assert_eq!(accepted.session.id(), a.session.id());
}

#[test]
fn a_payload_is_as_long_as_the_largest_envelope_allows_and_no_longer() {
    let (alice, bob, _) = three();
    let (_, message) = alice.initiate(&bob, &vec![7; MAX_INITIAL_PAYLOAD], 1);
    assert_eq!(message.to_bytes().len(), 68 * 1024);
    assert_eq!(bob.respond(&message, 2).1.len(), MAX_INITIAL_PAYLOAD);
    let too_long = initiate(
        &mut rng(1),
        &alice.local(),
        &bob.remote(),
        &vec![7; MAX_INITIAL_PAYLOAD + 1],
    );
    assert_eq!(too_long.err(), Some(InitiateError::TooLong));
    const { assert!(MAX_INITIAL_PAYLOAD < MAX_PLAINTEXT) }
}

#[test]
fn both_may_begin_at_once_and_begin_anew_later() {
    let (alice, bob, _) = three();
    let ((mut a, to_bob), (mut b, to_alice)) = (alice.initiate(&bob, b"a", 1), bob.initiate(&alice, b"b", 2));
    let ((mut b2, _), (mut a2, _)) = (bob.respond(&to_bob, 3), alice.respond(&to_alice, 4));
    let (mut a3, again) = alice.initiate(&bob, b"again", 5);
    let (mut b3, _) = bob.respond(&again, 6);
    for (left, right) in [(&mut a, &mut b2), (&mut b, &mut a2), (&mut a3, &mut b3)] {
        let ciphertext = right.send(b"text");
        assert_eq!(left.receive(&ciphertext), Ok(b"text".to_vec()));
    }
    assert_eq!(
        BTreeSet::from([*a.session.id(), *b.session.id(), *a3.session.id()]).len(),
        3
    );
}

#[test]
fn only_the_device_and_prekey_that_it_was_made_for_answer() {
    let (alice, bob, carol) = three();
    let (_, message) = alice.initiate(&bob, b"hello", 1);
    assert_eq!(
        refused(respond(&carol.local(), &carol.prekey, &message, now())),
        Some(RespondError::NotForThisDevice)
    );
    let other_epoch = Prekey::generate(&mut rng(9), EPOCH.offset(1));
    assert_eq!(
        refused(respond(&bob.local(), &other_epoch, &message, now())),
        Some(RespondError::OtherPrekey)
    );
    let same_epoch = Prekey::generate(&mut rng(9), EPOCH);
    assert_eq!(
        refused(respond(&bob.local(), &same_epoch, &message, now())),
        Some(RespondError::NotForThisDevice)
    );
    // Whoever has the prekey and not the device, or the device and not the prekey, has nothing.
    let prekey_only = respond(&carol.local(), &bob.prekey, &message, now());
    assert_eq!(refused(prekey_only), Some(RespondError::NotForThisDevice));
}

#[test]
fn an_initiator_whose_certificate_has_expired_is_refused() {
    let (alice, bob, _) = three();
    let (_, message) = alice.initiate(&bob, b"hello", 1);
    let later = now().plus(DeviceCertificate::LIFETIME + Duration::from_secs(3 * 24 * 60 * 60));
    let expires = later.plus(Duration::from_secs(1));
    let renewed = bob.account.certify(bob.keys.public(), Generation(2), expires);
    let local = Local::new(&bob.keys, &renewed, later).unwrap();
    let expected = RespondError::Certificate(CertificateError::Expired);
    assert_eq!(refused(respond(&local, &bob.prekey, &message, later)), Some(expected));
    // And the control: the renewed certificate itself is no obstacle.
    assert!(respond(&local, &bob.prekey, &message, now()).is_ok());
}

#[test]
fn keys_and_certificate_have_to_belong_together() {
    let (alice, bob, _) = three();
    assert_eq!(
        Local::new(&bob.keys, &alice.certificate, now()).err(),
        Some(LocalError::OtherDevice)
    );
    let expired = now().plus(2 * DeviceCertificate::LIFETIME);
    assert!(matches!(
        Local::new(&bob.keys, &bob.certificate, expired),
        Err(LocalError::Certificate(_))
    ));
}

#[test]
fn a_thousand_replays_make_one_session() {
    let (alice, bob, _) = three();
    let (_, message) = alice.initiate(&bob, b"hello", 1);
    let bytes = message.to_bytes();
    let (mut remembered, mut sessions) = (BTreeSet::new(), 0);
    for _ in 0..1_000 {
        let replayed = InitialMessage::from_bytes(&bytes).unwrap();
        if !remembered.insert(replayed.hash()) {
            continue;
        }
        bob.respond(&replayed, 2);
        sessions += 1;
    }
    assert_eq!(sessions, 1);
    // The control: it is remembering that does it.
    bob.respond(&message, 2);
    // Another handshake of the same two is another one.
    assert!(remembered.insert(alice.initiate(&bob, b"hello", 2).1.hash()));
}

#[test]
fn a_changed_initial_message_begins_nothing() {
    let (alice, bob, _) = three();
    let (_, message) = alice.initiate(&bob, b"hello", 1);
    let bytes = message.to_bytes();
    let answered = |bytes: &[u8]| match InitialMessage::from_bytes(bytes) {
        Ok(message) => respond(&bob.local(), &bob.prekey, &message, now()).is_ok(),
        Err(MalformedInitialMessage) => false,
    };
    assert!(answered(&bytes));
    // Every field, and within the long ones every 16th byte.
    let fields = [0, 1, 4, 5, 36, 37, 1124, 1125, 1388, 1389, 1390, INITIAL_OVERHEAD - 1];
    for at in fields.into_iter().chain((0..bytes.len()).step_by(16)) {
        let mut changed = bytes.clone();
        changed[at] ^= 0x40;
        assert!(!answered(&changed), "byte {at}");
    }
    assert!(!answered(&bytes[..bytes.len() - 1]));
    assert!(!answered(&[bytes.as_slice(), &[0]].concat()));
    assert!(!answered(&[]));
}

#[test]
fn parts_of_two_initial_messages_do_not_go_together() {
    let (alice, bob, carol) = three();
    let (one, two) = (alice.initiate(&bob, b"one", 1).1, carol.initiate(&bob, b"two", 2).1);
    let (one, two) = (one.to_bytes(), two.to_bytes());
    for cut in [37, 1125, 1389] {
        let mixed = InitialMessage::from_bytes(&[&one[..cut], &two[cut..]].concat()).unwrap();
        assert!(
            respond(&bob.local(), &bob.prekey, &mixed, now()).is_err(),
            "cut at {cut}"
        );
    }
}

#[test]
fn a_prekey_that_the_device_did_not_sign_is_refused() {
    let (_, bob, mallory) = three();
    let foreign = mallory.prekey.public(&mallory.keys);
    assert!(Remote::new(bob.device(), &foreign).is_err());
    let mut bytes = bob.prekey.public(&bob.keys).to_bytes();
    bytes[4] ^= 1; // the epoch
    assert!(Remote::new(bob.device(), &SignedPrekey::from_bytes(&bytes).unwrap()).is_err());
}

#[test]
fn a_prekey_without_its_post_quantum_half_or_with_bad_keys_is_refused() {
    let bob = Person::new(2);
    let good = bob.prekey.public(&bob.keys).to_bytes();
    assert!(SignedPrekey::from_bytes(&good).is_ok());
    let without = [&good[..37], &good[37 + 1184..]].concat();
    let zero_agreement = [&good[..5], &[0; 32], &good[37..]].concat();
    let out_of_range = [&good[..37], &[0xff; 1184], &good[37 + 1184..]].concat();
    let newer = [&[2], &good[1..]].concat();
    for bad in [
        without,
        zero_agreement,
        out_of_range,
        newer,
        good[..good.len() - 1].to_vec(),
        Vec::new(),
    ] {
        assert_eq!(SignedPrekey::from_bytes(&bad).err(), Some(MalformedPrekey));
    }
    // The KEM key is signed and bound: another's in its place is noticed.
    let other = Person::new(3).prekey.public(&bob.keys).to_bytes();
    let swapped = [&good[..37], &other[37..37 + 1184], &good[37 + 1184..]].concat();
    assert!(Remote::new(bob.device(), &SignedPrekey::from_bytes(&swapped).unwrap()).is_err());
}

#[test]
fn a_man_in_the_middle_is_refused_or_shows_in_the_safety_number() {
    let (alice, bob, mallory) = three();
    // Mallory answers a look-up of Bob with his own device and prekey. He can certify it only by his own account…
    let posing = mallory.device();
    assert_ne!(posing.account(), bob.device().account());
    let number = |other: &Person| SafetyNumber::between(alice.device().account(), other.device().account()).to_string();
    assert_ne!(number(&bob), number(&mallory));
    // … and what Alice sends to Bob he neither reads nor passes on as his own.
    let (_, message) = alice.initiate(&bob, b"hello", 1);
    assert!(respond(&mallory.local(), &mallory.prekey, &message, now()).is_err());
}

/// Mallory certifies Bob's device and prekey as his own, and passes on to Bob what Alice sends to Mallory, so that Bob
/// thinks that it was meant for him.
fn unknown_key_share<S: Schedule>() -> Result<Accepted, RespondError> {
    let (alice, bob, mallory) = three();
    let stolen = mallory.account.certify(bob.keys.public(), Generation::FIRST, now());
    let posing = Remote::new(stolen.verify(now()).unwrap(), &bob.prekey.public(&bob.keys)).unwrap();
    let (_, message) = initiate_by::<S>(&mut rng(1), &alice.local(), &posing, b"for mallory").unwrap();
    respond_by::<S>(&bob.local(), &bob.prekey, &message, now())
}

#[test]
fn an_unknown_key_share_is_refused() {
    assert_eq!(
        refused(unknown_key_share::<Pqxdh>()),
        Some(RespondError::NotForThisDevice)
    );
}

#[test]
fn control_without_the_parties_in_the_keys_an_unknown_key_share_succeeds() {
    assert_eq!(
        unknown_key_share::<WithoutParties>()
            .unwrap()
            .payload
            .dangerously_expose(),
        b"for mallory"
    );
}

/// Mallory, who holds all of Bob's long-lived keys, writes to Bob as Alice.
fn impersonate_the_initiator_to_the_victim<S: Schedule>() -> Result<Accepted, RespondError> {
    let (alice, bob, mallory) = three();
    // Alice's certificate is public. Bob's keys are of no more use here than Mallory's own: try both.
    let attempt = |keys| {
        let posing = Local {
            keys,
            certificate: &alice.certificate,
            party: Party::of(&alice.device()),
        };
        let (_, message) = initiate_by::<S>(&mut rng(1), &posing, &bob.remote(), b"it is me, alice").unwrap();
        respond_by::<S>(&bob.local(), &bob.prekey, &message, now())
    };
    attempt(&mallory.keys).or_else(|_| attempt(&bob.keys))
}

#[test]
fn who_holds_the_responder_s_account_and_device_cannot_be_anybody_to_them() {
    assert_eq!(
        refused(impersonate_the_initiator_to_the_victim::<Pqxdh>()),
        Some(RespondError::Forged)
    );
}

#[test]
fn control_without_the_initiator_s_agreement_anybody_can_be_anybody() {
    let accepted = impersonate_the_initiator_to_the_victim::<WithoutInitiatorsAgreement>().unwrap();
    assert_eq!(accepted.device, Person::new(1).device());
}

#[test]
fn who_holds_the_initiator_s_account_and_device_cannot_answer_for_the_responder() {
    let (alice, bob, mallory) = three();
    let (_, message) = alice.initiate(&bob, b"hello", 1);
    for (keys, prekey) in [
        (&alice.keys, &mallory.prekey),
        (&alice.keys, &alice.prekey),
        (&mallory.keys, &mallory.prekey),
    ] {
        let posing = Local {
            keys,
            certificate: &bob.certificate,
            party: Party::of(&bob.device()),
        };
        assert_eq!(
            refused(respond(&posing, prekey, &message, now())),
            Some(RespondError::NotForThisDevice)
        );
    }
}

/// Mallory has stolen the key by which Bob's device signs, and not the one by which it agrees: he publishes a prekey of his
/// own for Bob, and reads what Alice sends.
fn answer_with_a_stolen_signing_key<S: Schedule>() -> Result<Accepted, RespondError> {
    let (alice, bob, mallory) = three();
    let forged = Remote::new(bob.device(), &mallory.prekey.public(&bob.keys)).unwrap();
    let (_, message) = initiate_by::<S>(&mut rng(1), &alice.local(), &forged, b"for bob").unwrap();
    let posing = Local {
        keys: &mallory.keys,
        certificate: &bob.certificate,
        party: Party::of(&bob.device()),
    };
    respond_by::<S>(&posing, &mallory.prekey, &message, now())
}

#[test]
fn a_stolen_signing_key_does_not_answer_for_the_responder() {
    assert_eq!(
        refused(answer_with_a_stolen_signing_key::<Pqxdh>()),
        Some(RespondError::NotForThisDevice)
    );
}

#[test]
fn control_without_the_responder_s_agreement_a_stolen_signing_key_is_enough() {
    assert!(answer_with_a_stolen_signing_key::<WithoutRespondersAgreement>().is_ok());
}

#[test]
fn an_initial_message_names_nobody() {
    let (alice, bob, _) = three();
    let named = |person: &Person| {
        let (device, prekey) = (person.device(), person.prekey.public(&person.keys).to_bytes());
        let (account, keys, id) = (*device.account(), *device.keys(), person.prekey.id().0);
        let mut names = vec![account.as_bytes().to_vec(), id.to_vec(), device.id().0.to_vec()];
        names.extend([keys.signing.as_bytes().to_vec(), keys.agreement.as_bytes().to_vec()]);
        names.extend(prekey[5..].chunks(32).map(<[u8]>::to_vec));
        names
    };
    let (_, message) = alice.initiate(&bob, b"hello", 1);
    let bytes = message.to_bytes();
    let found = |bytes: &[u8]| {
        named(&alice)
            .iter()
            .chain(&named(&bob))
            .any(|name| hidden_in(bytes, name))
    };
    assert!(!found(&bytes));
    // The control: the certificate in the clear would be found.
    assert!(found(&[bytes, sealed_sender::pad(&alice.certificate)].concat()));
}

#[test]
fn initial_messages_of_the_same_and_of_different_people_look_alike() {
    let (alice, bob, carol) = three();
    let messages = [
        (&alice, &bob, 1),
        (&alice, &bob, 2),
        (&carol, &bob, 3),
        (&alice, &carol, 4),
    ]
    .map(|(from, to, seed)| from.initiate(to, b"hello", seed).1.to_bytes());
    let mut seen = BTreeSet::new();
    for message in &messages {
        assert_eq!(message.len(), messages[0].len());
        let own: BTreeSet<&[u8]> = message[5..].windows(8).collect();
        assert!(
            own.iter().all(|window| seen.insert(*window)),
            "8 bytes occur in two messages"
        );
    }
}
