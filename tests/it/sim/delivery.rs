//! Exactly once and in order, whatever happens on the way.

use outis_messenger::{Body, ContactState, Delivery, Direction};
use outis_tests::sim::{Accounts, Faults, SimNet, befriend};
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn a_thousand_messages_through_ten_minutes_of_trouble_arrive_once_and_in_order() {
    // In full: 10 000 messages in two hours.
    let (each, pause) = if is_soak() { (5_000, 1_440) } else { (500, 1_200) };
    let net = SimNet::new(30, 10);
    let mut accounts = Accounts::new(&net, 30);
    let (alice, bob) = (accounts.create("Alice"), accounts.create("Bob"));
    alice.set_clock(2 * 24 * 60 * 60);
    bob.set_clock(-2 * 24 * 60 * 60);
    befriend(&alice, &bob).await;
    net.set_faults(Faults {
        refused: 30,
        cut: 30,
        delay: 400,
    });

    let mut said = (Vec::new(), Vec::new());
    for number in 0..each {
        said.0.push(format!("a{number}"));
        said.1.push(format!("b{number}"));
        alice.say(&bob, &format!("a{number}"));
        bob.say(&alice, &format!("b{number}"));
        match number % 50 {
            10 => alice.set_offline(true),
            15 => alice.set_offline(false),
            30 => bob.set_offline(true),
            33 => bob.set_offline(false),
            _ => {}
        }
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }
    let (from_alice, from_bob): (Vec<&str>, Vec<&str>) = (
        said.0.iter().map(String::as_str).collect(),
        said.1.iter().map(String::as_str).collect(),
    );
    bob.until("everything came", Duration::from_secs(3_600), |_| {
        (bob.heard(&alice) == from_alice).then_some(())
    })
    .await;
    alice
        .until("everything came", Duration::from_secs(3_600), |_| {
            (alice.heard(&bob) == from_bob).then_some(())
        })
        .await;
    let delivered = |messages: Vec<outis_messenger::Message>| {
        messages
            .iter()
            .filter(|message| message.direction == Direction::Out)
            .all(|message| message.state >= Delivery::Delivered)
    };
    alice
        .until("all is receipted", Duration::from_secs(3_600), |_| {
            delivered(alice.conversation(&bob)).then_some(())
        })
        .await;
    bob.until("all is receipted", Duration::from_secs(3_600), |_| {
        delivered(bob.conversation(&alice)).then_some(())
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn two_of_three_mailboxes_die_and_everything_arrives() {
    for round in 0..if is_soak() { 100 } else { 5 } {
        let net = SimNet::new(31 + round, 9);
        let mut accounts = Accounts::new(&net, 31 + round);
        let (alice, bob) = (accounts.create("Alice"), accounts.create("Bob"));
        befriend(&alice, &bob).await;
        alice.say(&bob, "before");
        bob.until_heard(&alice, &["before"]).await;
        let mailboxes: Vec<_> = bob.mailboxes().into_iter().map(|mailbox| mailbox.node).collect();
        for node in mailboxes.iter().take(2) {
            net.kill(*node);
        }
        let after = alice.say(&bob, "after");
        bob.until_heard(&alice, &["before", "after"]).await;
        alice.until_delivery(&after, Delivery::Delivered).await;
    }
}

#[tokio::test(start_paused = true)]
async fn all_mailboxes_of_both_die_and_they_find_each_other_again() {
    let net = SimNet::new(36, 20);
    let mut accounts = Accounts::new(&net, 36);
    let (alice, bob) = (accounts.create("Alice"), accounts.create("Bob"));
    befriend(&alice, &bob).await;
    tokio::time::sleep(Duration::from_secs(30)).await;
    for mailbox in alice.mailboxes().into_iter().chain(bob.mailboxes()) {
        net.kill(mailbox.node);
    }
    let said = alice.say(&bob, "are you still there?");
    bob.until_heard(&alice, &["are you still there?"]).await;
    alice.until_delivery(&said, Delivery::Delivered).await;
    bob.say(&alice, "I am");
    alice.until_heard(&bob, &["I am"]).await;
}

#[tokio::test(start_paused = true)]
async fn mailboxes_that_forget_everything_do_not_lose_a_message() {
    let net = SimNet::new(37, 8);
    let mut accounts = Accounts::new(&net, 37);
    let (alice, mut bob) = (accounts.create("Alice"), accounts.create("Bob"));
    befriend(&alice, &bob).await;
    bob.stop();
    let said = alice
        .send_text(&outis_tests::sim::address_of("Bob"), "keep this", None)
        .expect("is sent");
    alice.until_delivery(&said, Delivery::Stored(3)).await;
    for node in net.relays() {
        net.wipe(node);
    }
    bob.start();
    bob.until("it came", Duration::from_secs(12 * 3_600), |_| {
        (bob.heard(&alice) == ["keep this"]).then_some(())
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn both_ask_at_once_and_become_contacts_with_one_session() {
    let net = SimNet::new(38, 8);
    let mut accounts = Accounts::new(&net, 38);
    let (alice, bob) = (accounts.create("Alice"), accounts.create("Bob"));
    alice.add_contact(bob.address(), None, None).expect("is asked");
    bob.add_contact(alice.address(), None, None).expect("is asked");
    alice.until_contact(&bob, ContactState::Accepted).await;
    bob.until_contact(&alice, ContactState::Accepted).await;
    alice.say(&bob, "at once");
    bob.say(&alice, "indeed");
    bob.until_heard(&alice, &["at once"]).await;
    alice.until_heard(&bob, &["indeed"]).await;
}

#[tokio::test(start_paused = true)]
async fn clocks_that_jump_by_days_while_people_talk_lose_nothing() {
    let net = SimNet::new(52, 8);
    let mut accounts = Accounts::new(&net, 52);
    let (alice, bob) = (accounts.create("Alice"), accounts.create("Bob"));
    befriend(&alice, &bob).await;
    let (mut from_alice, mut from_bob) = (Vec::new(), Vec::new());
    for (round, (ours, theirs)) in [(48, -48), (-48, 48), (0, 0), (-48, -48), (48, 48)]
        .into_iter()
        .enumerate()
    {
        alice.set_clock(ours * 3_600);
        bob.set_clock(theirs * 3_600);
        tokio::time::sleep(Duration::from_secs(90)).await;
        from_alice.push(format!("alice {round}"));
        from_bob.push(format!("bob {round}"));
        let said = alice.say(&bob, &format!("alice {round}"));
        bob.say(&alice, &format!("bob {round}"));
        alice.until_delivery(&said, Delivery::Delivered).await;
        let expected: Vec<&str> = from_alice.iter().map(String::as_str).collect();
        bob.until_heard(&alice, &expected).await;
        let expected: Vec<&str> = from_bob.iter().map(String::as_str).collect();
        alice.until_heard(&bob, &expected).await;
    }
    // Somebody whose clock is right meets somebody whose clock is two days off.
    let carol = accounts.create("Carol");
    befriend(&carol, &alice).await;
}

#[tokio::test(start_paused = true)]
async fn blocking_is_silent_and_unblocking_brings_the_contact_back() {
    let net = SimNet::new(39, 8);
    let mut accounts = Accounts::new(&net, 39);
    let (alice, bob) = (accounts.create("Alice"), accounts.create("Bob"));
    befriend(&alice, &bob).await;
    tokio::time::sleep(Duration::from_secs(30)).await;
    bob.block_contact(&alice.address()).expect("is blocked");
    tokio::time::sleep(Duration::from_secs(30)).await;
    let said = alice.say(&bob, "hello?");
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert!(bob.heard(&alice).is_empty());
    assert!(alice.message(&said).expect("reads").expect("is there").state < Delivery::Delivered);
    bob.unblock_contact(&alice.address()).expect("is unblocked");
    bob.until("it came", Duration::from_secs(24 * 3_600), |_| {
        (bob.heard(&alice) == ["hello?"]).then_some(())
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_contact_who_was_removed_and_asks_again_starts_afresh() {
    let net = SimNet::new(50, 8);
    let mut accounts = Accounts::new(&net, 50);
    let (alice, bob) = (accounts.create("Alice"), accounts.create("Bob"));
    befriend(&alice, &bob).await;
    for text in ["one", "two"] {
        let said = alice.say(&bob, text);
        alice.until_delivery(&said, Delivery::Delivered).await;
    }
    alice.remove_contact(&bob.address()).expect("is removed");
    assert!(alice.conversation(&bob).is_empty());
    alice.add_contact(bob.address(), None, None).expect("is asked");
    alice.until_contact(&bob, ContactState::Accepted).await;
    alice.say(&bob, "three");
    bob.until_heard(&alice, &["one", "two", "three"]).await;
    bob.say(&alice, "welcome back");
    alice.until_heard(&bob, &["welcome back"]).await;
}

#[tokio::test(start_paused = true)]
async fn texts_of_all_sizes_replies_and_notes_to_self() {
    let net = SimNet::new(51, 8);
    let mut accounts = Accounts::new(&net, 51);
    let (alice, bob) = (accounts.create("Alice"), accounts.create("Bob"));
    befriend(&alice, &bob).await;
    let texts: Vec<String> = [1, 1_000, 1_500, 1_600, 12_000, 14_000, 65_536]
        .iter()
        .map(|size| "x".repeat(*size))
        .collect();
    for text in &texts {
        alice.say(&bob, text);
    }
    let expected: Vec<&str> = texts.iter().map(String::as_str).collect();
    bob.until_heard(&alice, &expected).await;
    assert!(alice.send_text(&bob.address(), "x".repeat(65_537), None).is_err());

    let first = bob
        .conversation(&alice)
        .into_iter()
        .find(|m| m.direction == Direction::In)
        .expect("is there")
        .id;
    bob.send_text(&alice.address(), "about the first", Some(first))
        .expect("is sent");
    alice.until_heard(&bob, &["about the first"]).await;
    let reply = alice.conversation(&bob).into_iter().next_back().expect("is there");
    let about = alice
        .message(&reply.reply_to.expect("is a reply"))
        .expect("reads")
        .expect("is there");
    assert_eq!(about.body, Body::Text("x".into()));

    assert_eq!(bob.contact(&alice.address()).expect("is known").unread, 7);
    bob.mark_read(&first).expect("is read");
    assert_eq!(bob.contact(&alice.address()).expect("is known").unread, 6);

    let myself = alice.address();
    alice.send_text(&myself, "buy milk", None).expect("is kept");
    let (notes, more) = alice.messages(&myself, None, 10).expect("reads");
    assert!(matches!((&*notes, more), ([note], false) if note.body == Body::Text("buy milk".into())));
    let (page, more) = bob.messages(&alice.address(), None, 3).expect("reads");
    assert!(more && page.len() == 3);
    let (older, _) = bob.messages(&alice.address(), Some(page[0].id), 500).expect("reads");
    assert!(older.last().is_some_and(|message| message.id < page[0].id));
}

fn is_soak() -> bool {
    std::env::var_os("OUTIS_SOAK").is_some()
}
