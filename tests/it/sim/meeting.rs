//! Two people meet by address, and talk.

use outis_messenger::{ContactState, Delivery};
use outis_tests::sim::{Accounts, SimNet, befriend};

#[tokio::test(start_paused = true)]
async fn two_people_meet_by_address_and_chat_both_ways() {
    let net = SimNet::new(1, 8);
    let mut accounts = Accounts::new(&net, 1);
    let (alice, bob) = (accounts.create("Alice"), accounts.create("Bob"));

    alice
        .add_contact(bob.address(), Some("Bobby".into()), Some("hello, it's me".into()))
        .expect("is asked");
    let request = bob.until_contact(&alice, ContactState::Incoming).await;
    assert_eq!(request.nickname, "Alice");
    assert_eq!(request.greeting.as_deref(), Some("hello, it's me"));

    let early = alice.say(&bob, "are you there?");
    bob.accept_contact(&alice.address()).expect("is accepted");
    let accepted = alice.until_contact(&bob, ContactState::Accepted).await;
    assert_eq!(accepted.alias.as_deref(), Some("Bobby"));

    alice.until_delivery(&early, Delivery::Delivered).await;
    let answer = bob.say(&alice, "here I am");
    bob.until_delivery(&answer, Delivery::Delivered).await;
    for number in 0..10 {
        let said = alice.say(&bob, &format!("message {number}"));
        alice.until_delivery(&said, Delivery::Delivered).await;
    }
    alice.until_heard(&bob, &["here I am"]).await;
    assert_eq!(bob.heard(&alice).len(), 11);
}

#[tokio::test(start_paused = true)]
async fn what_is_said_while_the_other_is_off_arrives_when_they_are_back() {
    let net = SimNet::new(2, 8);
    let mut accounts = Accounts::new(&net, 2);
    let (alice, mut bob) = (accounts.create("Alice"), accounts.create("Bob"));
    befriend(&alice, &bob).await;

    bob.stop();
    let ids: Vec<_> = ["one", "two", "three"]
        .iter()
        .map(|text| {
            alice
                .send_text(&outis_tests::sim::address_of("Bob"), *text, None)
                .expect("is sent")
        })
        .collect();
    alice.until_delivery(&ids[2], Delivery::Stored(3)).await;
    bob.start();
    bob.until_heard(&alice, &["one", "two", "three"]).await;
    alice.until_delivery(&ids[2], Delivery::Delivered).await;
}
