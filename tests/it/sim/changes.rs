//! What was said is changed: deleted, edited, reacted to.

use outis_messenger::{Body, Delivery, Direction, Message, MessageId, Note, Scope, SendError};
use outis_tests::sim::{Accounts, SimNet, TestPeer, address_of, befriend};
use std::time::Duration;

const MINUTES: Duration = Duration::from_secs(10 * 60);

/// Waits until the conversation shows this.
async fn until_shown(peer: &TestPeer, of: &TestPeer, what: &str, is: impl Fn(&[Message]) -> bool) {
    peer.until(what, MINUTES, |_| is(&peer.conversation(of)).then_some(()))
        .await;
}

fn bodies(messages: &[Message]) -> Vec<&Body> {
    messages.iter().map(|message| &message.body).collect()
}

fn last_from(peer: &TestPeer, of: &TestPeer, direction: Direction) -> Message {
    let messages = peer.conversation(of);
    let mut theirs = messages.into_iter().filter(|message| message.direction == direction);
    theirs.next_back().expect("something was said")
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_deleted_for_everyone_is_gone_on_both_sides_and_only_its_writer_may() {
    let net = SimNet::new(200, 8);
    let mut accounts = Accounts::new(&net, 200);
    let (alice, bob) = (accounts.create("Alice"), accounts.create("Bob"));
    befriend(&alice, &bob).await;
    let (kept, said) = (alice.say(&bob, "stays"), alice.say(&bob, "a slip"));
    alice.until_delivery(&said, Delivery::Delivered).await;
    let slip = last_from(&bob, &alice, Direction::In);
    assert!(matches!(
        bob.delete_message(&slip.id, Scope::Everyone),
        Err(SendError::NotYours)
    ));

    alice.delete_message(&said, Scope::Everyone).expect("is deleted");
    until_shown(&bob, &alice, "it is gone", |messages| {
        bodies(messages) == [&Body::Text("stays".into()), &Body::Deleted]
    })
    .await;
    let ours = alice.message(&said).expect("reads").expect("leaves a mark");
    assert_eq!(ours.body, Body::Deleted);
    // One of the two that came unread is left.
    assert_eq!(bob.contact(&alice.address()).expect("is known").unread, 1);

    // Here alone: the mark goes, and the other side keeps what it has.
    alice.delete_message(&said, Scope::Here).expect("is deleted");
    alice.delete_message(&kept, Scope::Here).expect("is deleted");
    assert!(alice.conversation(&bob).is_empty());
    tokio::time::sleep(MINUTES).await;
    assert_eq!(bob.heard(&alice), ["stays"]);
    assert!(matches!(
        alice.delete_message(&kept, Scope::Here),
        Err(SendError::NotFound)
    ));
}

#[tokio::test(start_paused = true)]
async fn what_is_withdrawn_before_it_was_told_is_never_told_and_leaves_no_gap() {
    let net = SimNet::new(201, 8);
    let mut accounts = Accounts::new(&net, 201);
    let (alice, bob) = (accounts.create("Alice"), accounts.create("Bob"));
    befriend(&alice, &bob).await;
    alice.set_offline(true);
    let here = alice.say(&bob, "not this");
    let everywhere = alice.say(&bob, "nor this");
    alice.delete_message(&here, Scope::Here).expect("is deleted");
    alice.delete_message(&everywhere, Scope::Everyone).expect("is deleted");
    let last = alice.say(&bob, "only this");
    alice.set_offline(false);
    bob.until_heard(&alice, &["only this"]).await;
    alice.until_delivery(&last, Delivery::Delivered).await;
    alice.until_delivery(&everywhere, Delivery::Delivered).await;
    assert_eq!(
        bodies(&bob.conversation(&alice)),
        [&Body::Text("only this".into())],
        "no gap, no mark, and no story told twice"
    );
}

#[tokio::test(start_paused = true)]
async fn what_was_put_and_is_withdrawn_goes_whichever_of_the_two_arrives_first() {
    for seed in 202..206 {
        let net = SimNet::new(seed, 8);
        let mut accounts = Accounts::new(&net, seed);
        let (alice, mut bob) = (accounts.create("Alice"), accounts.create("Bob"));
        befriend(&alice, &bob).await;
        bob.stop();
        let said = alice.send_text(&address_of("Bob"), "perhaps", None).expect("is sent");
        alice.until_delivery(&said, Delivery::Stored(1)).await;
        // Between no time, and long enough for all copies.
        tokio::time::sleep(Duration::from_millis((seed - 202) * 15)).await;
        alice.delete_message(&said, Scope::Everyone).expect("is deleted");
        let last = alice.send_text(&address_of("Bob"), "after", None).expect("is sent");
        bob.start();
        alice.until_delivery(&last, Delivery::Delivered).await;
        until_shown(&bob, &alice, "only the last is there", |_| {
            bob.heard(&alice) == ["after"]
        })
        .await;
        let notes = bob
            .conversation(&alice)
            .into_iter()
            .filter(|message| matches!(message.body, Body::Note(Note::ChainBroken)));
        assert_eq!(notes.count(), 0, "seed {seed}: a tombstone tells the same story");
    }
}

#[tokio::test(start_paused = true)]
async fn a_text_is_edited_by_its_writer_alone_and_the_last_wording_holds() {
    let net = SimNet::new(220, 8);
    let mut accounts = Accounts::new(&net, 220);
    let (alice, bob) = (accounts.create("Alice"), accounts.create("Bob"));
    befriend(&alice, &bob).await;
    let said = alice.say(&bob, "hullo");
    alice.until_delivery(&said, Delivery::Delivered).await;
    for wording in ["hallo", "hello"] {
        let shown = alice.edit_message(&said, wording).expect("is edited");
        assert!(shown.edited_at.is_some() && shown.body == Body::Text(wording.into()));
    }
    bob.until_heard(&alice, &["hello"]).await;
    let theirs = last_from(&bob, &alice, Direction::In);
    assert!(theirs.edited_at.is_some());
    assert!(matches!(bob.edit_message(&theirs.id, "no"), Err(SendError::NotYours)));
    assert!(matches!(
        alice.edit_message(&said, "x".repeat(65_537)),
        Err(SendError::TooLarge)
    ));
    assert_eq!(
        bob.contact(&alice.address())
            .expect("is known")
            .last_message
            .map(|m| m.body),
        Some(Body::Text("hello".into()))
    );
}

#[tokio::test(start_paused = true)]
async fn each_side_has_one_reaction_to_a_message_and_can_take_it_back() {
    let net = SimNet::new(221, 8);
    let mut accounts = Accounts::new(&net, 221);
    let (alice, bob) = (accounts.create("Alice"), accounts.create("Bob"));
    befriend(&alice, &bob).await;
    let said = alice.say(&bob, "we won");
    alice.until_delivery(&said, Delivery::Delivered).await;
    let theirs = last_from(&bob, &alice, Direction::In).id;
    bob.react_to_message(&theirs, "👍").expect("is sent");
    bob.react_to_message(&theirs, "🎉").expect("is sent");
    alice.react_to_message(&said, "😊").expect("is sent");
    let reactions = |peer: &TestPeer, id: &MessageId| {
        let mut reactions = peer.message(id).expect("reads").expect("is there").reactions;
        reactions.sort();
        reactions
    };
    alice
        .until("both reactions are there", MINUTES, |_| {
            let both = [(Direction::Out, "😊".to_owned()), (Direction::In, "🎉".to_owned())];
            (reactions(&alice, &said) == both).then_some(())
        })
        .await;
    bob.react_to_message(&theirs, "").expect("is taken back");
    alice
        .until("one is gone", MINUTES, |_| {
            (reactions(&alice, &said) == [(Direction::Out, "😊".to_owned())]).then_some(())
        })
        .await;
    bob.until("the other is there", MINUTES, |_| {
        (reactions(&bob, &theirs) == [(Direction::In, "😊".to_owned())]).then_some(())
    })
    .await;
    assert!(matches!(
        bob.react_to_message(&theirs, &"x".repeat(65)),
        Err(SendError::TooLarge)
    ));
}

#[tokio::test(start_paused = true)]
async fn notes_to_self_are_edited_and_deleted_without_a_network() {
    let net = SimNet::new(222, 0);
    let mut accounts = Accounts::new(&net, 222);
    let alice = accounts.create("Alice");
    let myself = alice.address();
    let note = alice.send_text(&myself, "buy milk", None).expect("is kept");
    let edited = alice.edit_message(&note, "buy bread").expect("is edited");
    assert_eq!(edited.body, Body::Text("buy bread".into()));
    let reacted = alice.react_to_message(&note, "✅").expect("is kept");
    assert_eq!(reacted.reactions, [(Direction::Out, "✅".to_owned())]);
    alice.delete_message(&note, Scope::Everyone).expect("is deleted");
    assert!(alice.messages(&myself, None, 10).expect("reads").0.is_empty());
}
