//! What is said about messages, in whatever order it comes.

use super::*;
use crate::SendError;
use crate::amending::Scope;
use crate::content::{Delete, Edit};
use crate::message::MessageId;
use crate::parcel::{CiphertextHash, Entry, Parcel};
use crate::receipt::Receipt;

fn payload(state: &State, to: &Address, number: u64) -> Vec<u8> {
    let sealed = state
        .store
        .get_bytes(table::SEALED, to.as_bytes(), number)
        .expect("reads")
        .expect("is there");
    Payload::Session(sealed.dangerously_expose().to_vec()).encode()
}

/// Seals all that waits and hands it over in this order.
fn hand_over(from: &mut State, to: &mut State, order: impl IntoIterator<Item = u64>) {
    let (sender, recipient) = (from.address(), to.address());
    while from.seal_waiting(&recipient).expect("is sealed") {}
    for number in order {
        to.came(&sender, &payload(from, &recipient, number)).expect("is stored");
    }
}

#[test]
fn what_overtakes_the_message_that_it_is_about_waits_for_it() {
    let (mut alice, mut bob) = friends();
    let (to, from) = (bob.address(), alice.address());
    let first = alice.send_text(&to, "at once".into(), None).expect("is sent");
    alice.send_text(&to, "a slip".into(), None).expect("is sent");
    alice.edit_message(&first, "in time".into()).expect("is edited");
    alice.edit_message(&first, "first".into()).expect("is edited");
    alice.react_to_message(&first, "👆").expect("is sent");
    alice
        .send_content(&to, Content::Delete(Delete { number: 2 }), None, |_, _| {})
        .expect("is sent");
    hand_over(&mut alice, &mut bob, [6, 5, 4, 3, 2, 1]);
    assert_eq!(bodies(&bob, &from), [Body::Text("first".into())]);
    let line = bob.page(&from, crate::At::End, 1).expect("reads").messages.remove(0);
    assert!(line.edited_at.is_some());
    assert_eq!(line.reactions, [(crate::Direction::In, "👆".to_owned())]);
    assert!(bob.peers[&from].record.awaited.is_empty());
    assert_eq!(bob.contact(&from).expect("is known").unread, 1);
}

#[test]
fn an_older_edit_that_comes_later_changes_nothing_and_nobody_edits_what_is_not_theirs() {
    let (mut alice, mut bob) = friends();
    let (to, from) = (bob.address(), alice.address());
    let said = alice.send_text(&to, "one".into(), None).expect("is sent");
    alice.edit_message(&said, "two".into()).expect("is edited");
    alice.edit_message(&said, "three".into()).expect("is edited");
    hand_over(&mut alice, &mut bob, [1, 3, 2]);
    assert_eq!(bodies(&bob, &from), [Body::Text("three".into())]);

    // Numbers are of the writer's own direction: there is no way to name somebody else's message.
    bob.send_text(&from, "mine".into(), None).expect("is sent");
    hand_over(&mut bob, &mut alice, [1]);
    let theirs = MessageId::new(&to, alice.peers[&to].record.next_position - 1);
    assert!(matches!(
        alice.edit_message(&theirs, "yours".into()),
        Err(SendError::NotYours)
    ));
    let edit = Edit {
        number: 1,
        text: "yours".into(),
    };
    alice
        .send_content(&to, Content::Edit(edit), None, |_, _| {})
        .expect("is sent");
    hand_over(&mut alice, &mut bob, [4]);
    assert_eq!(
        bodies(&bob, &from),
        [Body::Text("yours".into()), Body::Text("mine".into())],
        "it is the writer's own first message that says something else"
    );
}

#[test]
fn a_contact_cannot_make_us_remember_more_than_a_few_things_about_what_never_comes() {
    let (mut alice, mut bob) = friends();
    let (to, from) = (bob.address(), alice.address());
    for _ in 0..301 {
        alice.send_text(&to, "x".into(), None).expect("is sent");
    }
    for number in 1..=300 {
        alice
            .send_content(&to, Content::Delete(Delete { number }), None, |_, _| {})
            .expect("is sent");
    }
    while alice.seal_waiting(&to).expect("is sealed") {}
    for number in [301].into_iter().chain(302..=500) {
        bob.came(&from, &payload(&alice, &to, number)).expect("is stored");
    }
    // What was sealed is receipted here as if it had arrived, so that the rest is sealed.
    assert_eq!(bob.peers[&from].record.awaited.len(), 199);
    let record = &mut bob.peers.get_mut(&from).expect("is there").record;
    record.awaited.extend(1_000..1_057);
    assert_eq!(record.awaited.len(), 256);
    alice
        .peers
        .get_mut(&to)
        .expect("is there")
        .outbox
        .retain(|number, _| *number > 500);
    while alice.seal_waiting(&to).expect("is sealed") {}
    for number in 501..=601 {
        bob.came(&from, &payload(&alice, &to, number)).expect("is stored");
    }
    assert_eq!(bob.peers[&from].record.awaited.len(), 256);
}

#[test]
fn what_is_encrypted_anew_in_the_same_session_tells_the_same_story() {
    let (mut alice, mut bob) = friends();
    let (to, from) = (bob.address(), alice.address());
    for text in ["before", "precious", "after"] {
        alice.send_text(&to, text.into(), None).expect("is sent");
    }
    hand_over(&mut alice, &mut bob, [1, 3]);
    let lost = payload(&alice, &to, 2);
    let lane = &mut bob.peers.get_mut(&from).expect("is there").lane;
    lane.cannot_open = [CiphertextHash::of(&lost[1..])].into();
    carry(&mut bob, &mut alice);
    hand_over(&mut alice, &mut bob, [2]);
    let texts = ["before", "precious", "after"].map(|text| Body::Text(text.into()));
    assert_eq!(bodies(&bob, &from), texts, "and no note of two stories");
}

#[test]
fn a_receipt_beside_a_complaint_about_the_same_number_leaves_nothing_in_the_outbox() {
    let (mut alice, mut bob) = friends();
    let (to, from) = (bob.address(), alice.address());
    let said = alice.send_text(&to, "twice".into(), None).expect("is sent");
    hand_over(&mut alice, &mut bob, [1]);
    let ciphertext = payload(&alice, &to, 1);
    // Bob has it, and another copy of it did not open.
    let record = &alice.peers[&to].record;
    let parcel = Parcel {
        entries: vec![
            Entry::Receipt(Receipt {
                stream: record.outgoing.stream,
                up_to: 1,
                ..Receipt::default()
            }),
            Entry::CannotOpen(CiphertextHash::of(&ciphertext[1..])),
        ],
    };
    let slot = bob.peers[&from].record.sending.expect("is open");
    let session = session::load(&bob.store, &from, slot)
        .expect("reads")
        .expect("is there");
    let (_, sealed) = session.send(&mut bob.rng, &parcel.encode()).expect("is sealed");
    alice.came(&to, &Payload::Session(sealed).encode()).expect("is stored");
    assert!(alice.peers[&to].outbox.is_empty());
    let left: Option<crate::store::OutboxRecord> = alice.store.get(table::OUTBOX, to.as_bytes(), 1).expect("reads");
    assert_eq!(left, None, "neither in memory nor on the disk");
    assert_eq!(
        alice.message(&said).expect("reads").expect("is there").state,
        Delivery::Delivered
    );
}

#[test]
fn nothing_of_a_withdrawn_text_is_left_in_the_records_that_are_told_again() {
    let (mut alice, bob) = friends();
    let to = bob.address();
    let said = alice.send_text(&to, "a slip of the pen".into(), None).expect("is sent");
    while alice.seal_waiting(&to).expect("is sealed") {}
    alice.delete_message(&said, Scope::Everyone).expect("is deleted");
    let outbox = alice.store.get_bytes(table::OUTBOX, to.as_bytes(), 1).expect("reads");
    let outbox = outbox.expect("a tombstone is to be told");
    let has_text = |bytes: &[u8]| bytes.windows(4).any(|window| window == b"slip");
    assert!(!has_text(outbox.dangerously_expose()));
    let line = alice
        .store
        .get_bytes(table::LINES, to.as_bytes(), said.position)
        .expect("reads");
    assert!(!has_text(line.expect("leaves a mark").dangerously_expose()));
    // The control: before, it stood there in clear, inside the sealed container.
    let other = alice.send_text(&to, "another slip".into(), None).expect("is sent");
    let line = alice
        .store
        .get_bytes(table::LINES, to.as_bytes(), other.position)
        .expect("reads");
    assert!(has_text(line.expect("is there").dangerously_expose()));
}
