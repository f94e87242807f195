//! Switching off, crashing, coming back.

use outis_messenger::{ContactState, Delivery};
use outis_tests::sim::{Accounts, SimNet, address_of, befriend};
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[tokio::test(start_paused = true)]
async fn what_was_said_offline_survives_a_crash_of_the_sender() {
    let net = SimNet::new(10, 8);
    let mut accounts = Accounts::new(&net, 10);
    let (mut alice, bob) = (accounts.create("Alice"), accounts.create("Bob"));
    befriend(&alice, &bob).await;

    alice.set_offline(true);
    let said = alice.say(&bob, "said in a tunnel");
    alice.crash();
    alice.set_offline(true);
    alice.start();
    assert_eq!(
        alice.message(&said).expect("reads").expect("is there").state,
        Delivery::Queued
    );
    alice.set_offline(false);
    bob.until_heard(&alice, &["said in a tunnel"]).await;
    alice.until_delivery(&said, Delivery::Delivered).await;
}

#[tokio::test(start_paused = true)]
async fn both_restart_again_and_again_and_nothing_is_lost_or_doubled() {
    let net = SimNet::new(11, 8);
    let mut accounts = Accounts::new(&net, 11);
    let (mut alice, mut bob) = (accounts.create("Alice"), accounts.create("Bob"));
    befriend(&alice, &bob).await;
    let mut said = Vec::new();
    for round in 0..6 {
        let text = format!("round {round}");
        alice.say(&bob, &text);
        said.push(text);
        tokio::time::sleep(Duration::from_millis(40 * round)).await;
        if round % 2 == 0 {
            alice.crash();
            alice.start();
        } else {
            bob.crash();
            bob.start();
        }
    }
    let texts: Vec<&str> = said.iter().map(String::as_str).collect();
    bob.until_heard(&alice, &texts).await;
}

/// Dies at each step of the disk in turn, on both sides, while a message is on its way.
#[tokio::test(start_paused = true)]
async fn a_crash_between_any_two_steps_of_sending_and_receiving_loses_and_doubles_nothing() {
    let net = SimNet::new(12, 8);
    let mut accounts = Accounts::new(&net, 12);
    let (mut alice, mut bob) = (accounts.create("Alice"), accounts.create("Bob"));
    befriend(&alice, &bob).await;
    let mut said: Vec<String> = Vec::new();
    for step in 0..24 {
        let text = format!("step {step}");
        alice.say(&bob, &text);
        said.push(text);
        if step % 2 == 0 {
            alice.disk().crash_after(step / 2)
        } else {
            bob.disk().crash_after(step / 2)
        }
        tokio::time::sleep(Duration::from_secs(3)).await;
        for peer in [&mut alice, &mut bob] {
            if peer.disk().has_crashed() {
                peer.crash();
                peer.start();
            }
            peer.disk().cancel_crash();
        }
        let texts: Vec<&str> = said.iter().map(String::as_str).collect();
        bob.until_heard(&alice, &texts).await;
    }
}

#[tokio::test(start_paused = true)]
async fn somebody_who_is_away_for_a_week_hears_everything_in_order_also_from_a_stranger() {
    let net = SimNet::new(13, 8);
    let mut accounts = Accounts::new(&net, 13);
    let (alice, mut bob, carol) = (
        accounts.create("Alice"),
        accounts.create("Bob"),
        accounts.create("Carol"),
    );
    befriend(&alice, &bob).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    bob.stop();
    let mut said = Vec::new();
    for day in 1..=6 {
        tokio::time::sleep(DAY).await;
        let text = format!("day {day}");
        alice
            .send_text(&address_of("Bob"), text.clone(), None)
            .expect("is sent");
        said.push(text);
        if day == 6 {
            carol
                .add_contact(address_of("Bob"), None, Some("we do not know each other".into()))
                .expect("is asked");
        }
    }
    tokio::time::sleep(DAY).await;
    bob.start();
    let texts: Vec<&str> = said.iter().map(String::as_str).collect();
    bob.until_heard(&alice, &texts).await;
    bob.until_contact(&carol, ContactState::Incoming).await;
    bob.accept_contact(&carol.address()).expect("is accepted");
    carol.until_contact(&bob, ContactState::Accepted).await;
}

/// What was stored before a restart is not forgotten after it: mailboxes may have lost it, and nobody says so.
#[tokio::test(start_paused = true)]
async fn what_was_stored_before_a_restart_is_told_again_when_mailboxes_have_forgotten_it() {
    let net = SimNet::new(18, 8);
    let mut accounts = Accounts::new(&net, 18);
    let (mut alice, mut bob) = (accounts.create("Alice"), accounts.create("Bob"));
    befriend(&alice, &bob).await;
    tokio::time::sleep(Duration::from_secs(60)).await;
    bob.stop();
    let said = alice
        .send_text(&address_of("Bob"), "into three mailboxes", None)
        .expect("is sent");
    alice.until_delivery(&said, Delivery::Stored(3)).await;
    alice.stop();
    for node in net.relays() {
        net.wipe(node);
    }
    alice.start();
    bob.start();
    bob.until("it came", DAY / 2, |_| {
        (bob.heard(&alice) == ["into three mailboxes"]).then_some(())
    })
    .await;
    alice.until_delivery(&said, Delivery::Delivered).await;
}
