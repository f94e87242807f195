//! When queues are opened, and for how long.

use outis_messenger::{Delivery, Event};
use outis_tests::process::soak;
use outis_tests::sim::{Accounts, SimNet, TestPeer, befriend};
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const MINUTE: Duration = Duration::from_secs(60);

/// Mailboxes of a queue, and of the request queue.
const MAILBOXES: usize = 3;

#[tokio::test(start_paused = true)]
async fn after_a_start_queues_open_one_after_the_other_and_not_all_at_once() {
    let net = SimNet::new(280, 20);
    let mut accounts = Accounts::new(&net, 280);
    let mut bob = accounts.create("Bob");
    let names = [
        "Ada", "Ben", "Cleo", "Dan", "Eve", "Finn", "Gus", "Hal", "Ida", "Jo", "Kit", "Lea",
    ];
    let others: Vec<TestPeer> = names.iter().map(|name| accounts.create(name)).collect();
    for other in &others {
        befriend(other, &bob).await;
    }
    tokio::time::sleep(MINUTE * 5).await;
    let all = (others.len() + 1) * MAILBOXES;
    assert_eq!(bob.open_streams(), all, "one stream a mailbox and queue");
    bob.stop();
    tokio::time::sleep(MINUTE).await;
    bob.start();
    tokio::time::sleep(Duration::from_millis(800)).await;
    assert!(
        bob.open_streams() <= 4 * MAILBOXES + 3,
        "{} at once",
        bob.open_streams()
    );
    let mut steps = Vec::new();
    for _ in 0..100 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        steps.push(bob.open_streams());
    }
    let opened = steps.windows(2).filter(|pair| pair[1] > pair[0]).count();
    assert!(opened >= 5, "in many steps: {steps:?}");
    bob.until("all are open", MINUTE * 10, |_| {
        (bob.open_streams() == all).then_some(())
    })
    .await;
    // Whoever is spoken to does not wait for their turn.
    bob.stop();
    bob.start();
    let last = others.first().expect("is there");
    let said = bob.say(last, "first things first");
    bob.until_delivery(&said, Delivery::Delivered).await;
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_nobody_used_for_a_week_is_asked_now_and_then_and_what_comes_wakes_it() {
    let net = SimNet::new(281, 8);
    let mut accounts = Accounts::new(&net, 281);
    let (alice, bob) = (accounts.create("Alice"), accounts.create("Bob"));
    befriend(&alice, &bob).await;
    let said = alice.say(&bob, "see you");
    alice.until_delivery(&said, Delivery::Delivered).await;
    tokio::time::sleep(MINUTE * 5).await;
    assert_eq!(bob.open_streams(), 2 * MAILBOXES);
    tokio::time::sleep(DAY * 7 + MINUTE * 10).await;
    assert_eq!(bob.open_streams(), MAILBOXES, "only strangers are listened to");
    let said = alice.say(&bob, "long time no see");
    bob.until("it came", Duration::from_secs(2 * 60 * 60), |_| {
        (bob.heard(&alice) == ["see you", "long time no see"]).then_some(())
    })
    .await;
    alice.until_delivery(&said, Delivery::Delivered).await;
    tokio::time::sleep(MINUTE * 10).await;
    assert_eq!(bob.open_streams(), 2 * MAILBOXES, "and now it is in use");
}

/// In the short form the two are there for half an hour a week: what takes long is to publish, which each does every day.
#[tokio::test(start_paused = true)]
async fn over_months_mailboxes_change_one_by_one_and_nothing_is_lost() {
    let net = SimNet::new(282, 20);
    let mut accounts = Accounts::new(&net, 282);
    let (mut alice, mut bob) = (accounts.create("Alice"), accounts.create("Bob"));
    befriend(&alice, &bob).await;
    tokio::time::sleep(MINUTE * 5).await;
    let before = bob.mailboxes();
    let mut said = Vec::new();
    for week in 0..if soak() { 8 } else { 5 } {
        said.push(format!("week {week}"));
        let id = alice.say(&bob, &said[week]);
        alice.until_delivery(&id, Delivery::Delivered).await;
        if soak() {
            tokio::time::sleep(DAY * 7).await;
        } else {
            tokio::time::sleep(MINUTE * 30).await;
            alice.stop();
            bob.stop();
            tokio::time::sleep(DAY * 7).await;
            alice.start();
            bob.start();
        }
        while alice.try_next_event().is_some_and(|event| event != Event::Superseded) {}
    }
    let expected: Vec<&str> = said.iter().map(String::as_str).collect();
    assert_eq!(bob.heard(&alice), expected);
    let after = bob.mailboxes();
    let kept = before
        .iter()
        .filter(|old| after.iter().any(|new| new.node == old.node))
        .count();
    assert!(
        kept < before.len(),
        "{kept} of {} are the same after all these weeks",
        before.len()
    );
}
