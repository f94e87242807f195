//! Messages that go by themselves.

use outis_messenger::{Body, Delivery, Direction, Note, SettingsChange};
use outis_tests::sim::{Accounts, SimNet, TestPeer, address_of, befriend};
use std::time::Duration;

const MINUTES: Duration = Duration::from_secs(10 * 60);

fn minutes(count: u32) -> SettingsChange {
    SettingsChange {
        disappear_after: Some(Some(count * 60)),
        ..SettingsChange::default()
    }
}

fn timer(peer: &TestPeer, of: &TestPeer) -> Option<u32> {
    peer.conversation_settings(&of.address())
        .expect("is known")
        .disappear_after
}

fn said(peer: &TestPeer, to: &TestPeer) -> Vec<Body> {
    let ours = peer.conversation(to).into_iter();
    let ours = ours.filter(|message| message.direction == Direction::Out && matches!(message.body, Body::Text(_)));
    ours.map(|message| message.body).collect()
}

async fn until_timer(peer: &TestPeer, of: &TestPeer, after: Option<u32>) {
    peer.until("the timer is known", MINUTES, |_| {
        (timer(peer, of) == after).then_some(())
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_sender_s_copy_goes_after_its_first_put_and_the_recipient_s_after_it_was_looked_at() {
    let net = SimNet::new(240, 8);
    let mut accounts = Accounts::new(&net, 240);
    let (alice, bob) = (accounts.create("Alice"), accounts.create("Bob"));
    befriend(&alice, &bob).await;
    alice.say(&bob, "before");
    alice.set_conversation(&bob.address(), &minutes(5)).expect("is set");
    until_timer(&bob, &alice, Some(300)).await;
    let note = |peer: &TestPeer, of: &TestPeer| {
        let lines = peer.conversation(of);
        let notes = lines.into_iter().filter(|line| matches!(line.body, Body::Note(_)));
        notes.map(|line| (line.direction, line.body)).collect::<Vec<_>>()
    };
    let chosen = Body::Note(Note::Disappearing(Some(300)));
    assert_eq!(note(&alice, &bob), [(Direction::Out, chosen.clone())]);
    assert_eq!(note(&bob, &alice), [(Direction::In, chosen)]);
    assert_eq!(
        bob.contact(&alice.address()).expect("is known").unread,
        1,
        "a note is not unread"
    );

    let going = alice.say(&bob, "between us");
    alice.until_delivery(&going, Delivery::Delivered).await;
    let came = bob.conversation(&alice).pop().expect("is there");
    assert_eq!((came.disappear_after, came.disappears_at), (Some(300), None));
    tokio::time::sleep(Duration::from_secs(299)).await;
    assert_eq!(said(&alice, &bob).len(), 2, "a second early it is still there");
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(
        said(&alice, &bob),
        [Body::Text("before".into())],
        "what came before the timer stays"
    );

    tokio::time::sleep(Duration::from_secs(24 * 3_600)).await;
    assert_eq!(bob.heard(&alice), ["before", "between us"], "nobody has looked at it");
    bob.mark_read(&came.id).expect("is looked at");
    tokio::time::sleep(Duration::from_secs(299)).await;
    assert_eq!(bob.heard(&alice).len(), 2);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(bob.heard(&alice), ["before"]);
}

#[tokio::test(start_paused = true)]
async fn what_goes_before_it_arrived_is_told_as_a_tombstone_and_leaves_no_gap() {
    let net = SimNet::new(241, 8);
    let mut accounts = Accounts::new(&net, 241);
    let (alice, mut bob) = (accounts.create("Alice"), accounts.create("Bob"));
    befriend(&alice, &bob).await;
    alice.set_conversation(&bob.address(), &minutes(2)).expect("is set");
    until_timer(&bob, &alice, Some(120)).await;
    tokio::time::sleep(Duration::from_secs(30)).await;
    bob.stop();
    let going = alice.send_text(&address_of("Bob"), "soon gone", None).expect("is sent");
    alice.until_delivery(&going, Delivery::Stored(3)).await;
    // The mailboxes forget the text, and then its time is over.
    for node in net.relays() {
        net.wipe(node);
    }
    alice
        .until("it is gone", Duration::from_secs(200), |messenger| {
            messenger.message(&going).expect("reads").is_none().then_some(())
        })
        .await;
    alice
        .send_text(&address_of("Bob"), "still here?", None)
        .expect("is sent");
    bob.start();
    bob.until("the last came", Duration::from_secs(12 * 3_600), |_| {
        (bob.heard(&alice) == ["still here?"]).then_some(())
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn either_side_chooses_and_both_hold_to_the_same_choice_also_when_they_chose_at_once() {
    let net = SimNet::new(242, 8);
    let mut accounts = Accounts::new(&net, 242);
    let (alice, bob) = (accounts.create("Alice"), accounts.create("Bob"));
    befriend(&alice, &bob).await;
    alice.set_conversation(&bob.address(), &minutes(60)).expect("is set");
    until_timer(&bob, &alice, Some(3_600)).await;
    bob.set_conversation(&alice.address(), &minutes(1)).expect("is set");
    until_timer(&alice, &bob, Some(60)).await;

    alice.set_conversation(&bob.address(), &minutes(2)).expect("is set");
    bob.set_conversation(&alice.address(), &minutes(3)).expect("is set");
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(timer(&alice, &bob), timer(&bob, &alice));

    let never = SettingsChange {
        disappear_after: Some(None),
        ..SettingsChange::default()
    };
    bob.set_conversation(&alice.address(), &never).expect("is set");
    until_timer(&alice, &bob, None).await;
    let stays = alice.say(&bob, "stays");
    alice.until_delivery(&stays, Delivery::Delivered).await;
    assert_eq!(bob.conversation(&alice).pop().expect("is there").disappear_after, None);
}

#[tokio::test(start_paused = true)]
async fn what_goes_while_the_machine_is_off_is_not_there_when_it_is_on_again() {
    let net = SimNet::new(243, 8);
    let mut accounts = Accounts::new(&net, 243);
    let (mut alice, bob) = (accounts.create("Alice"), accounts.create("Bob"));
    befriend(&alice, &bob).await;
    alice.set_conversation(&bob.address(), &minutes(2)).expect("is set");
    let going = alice.say(&bob, "soon gone");
    alice.until_delivery(&going, Delivery::Delivered).await;
    alice.crash();
    tokio::time::sleep(Duration::from_secs(300)).await;
    alice.start();
    assert!(said(&alice, &bob).is_empty());
    assert!(alice.message(&going).expect("reads").is_none());
}
