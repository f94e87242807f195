//! Mailboxes that drop, replay, reorder and inject.

use outis_messenger::{Body, Delivery, Direction};
use outis_tests::sim::{Accounts, Hostile, Hostility, SimNet, TestPeer, befriend};
use std::sync::Arc;
use std::time::Duration;

fn turn_all(net: &SimNet, hostility: impl Fn() -> Hostility) -> Vec<Arc<Hostile>> {
    net.relays()
        .into_iter()
        .map(|node| net.turn(node, hostility()))
        .collect()
}

fn done(hostile: &[Arc<Hostile>]) -> u64 {
    hostile.iter().map(|hostility| hostility.count()).sum()
}

fn gaps(peer: &TestPeer, of: &TestPeer) -> u64 {
    let gap = |body| if let Body::Gap(count) = body { count } else { 0 };
    peer.conversation(of)
        .into_iter()
        .filter(|message| message.direction == Direction::In)
        .map(|message| gap(message.body))
        .sum()
}

#[tokio::test(start_paused = true)]
async fn replayed_reordered_and_injected_envelopes_show_nothing_twice_and_nothing_forged() {
    let net = SimNet::new(60, 6);
    let mut accounts = Accounts::new(&net, 60);
    let (alice, bob) = (accounts.create("Alice"), accounts.create("Bob"));
    befriend(&alice, &bob).await;
    let hostile = turn_all(&net, || Hostility {
        replays: 30,
        reorders: 30,
        injects: 20,
        ..Hostility::default()
    });
    let mut said = Vec::new();
    for number in 0..60 {
        alice.say(&bob, &format!("{number}"));
        said.push(format!("{number}"));
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    let texts: Vec<&str> = said.iter().map(String::as_str).collect();
    bob.until("all came", Duration::from_secs(4 * 3_600), |_| {
        (bob.heard(&alice) == texts).then_some(())
    })
    .await;
    assert!(
        done(&hostile) > 50,
        "the mailboxes did what they were to do: {}",
        done(&hostile)
    );
}

#[tokio::test(start_paused = true)]
async fn what_every_mailbox_drops_shows_as_a_gap_with_the_next_message_and_fills() {
    let net = SimNet::new(61, 6);
    let mut accounts = Accounts::new(&net, 61);
    let (alice, bob) = (accounts.create("Alice"), accounts.create("Bob"));
    befriend(&alice, &bob).await;
    let said = alice.say(&bob, "one");
    alice.until_delivery(&said, Delivery::Delivered).await;
    tokio::time::sleep(Duration::from_secs(120)).await;

    let hostile = turn_all(&net, || Hostility {
        drops: 100,
        ..Hostility::default()
    });
    let dropped = alice.say(&bob, "two");
    alice.until_delivery(&dropped, Delivery::Stored(3)).await;
    assert!(done(&hostile) >= 3);
    turn_all(&net, Hostility::default);
    alice.say(&bob, "three");
    bob.until("the gap shows", Duration::from_secs(30), |_| {
        (gaps(&bob, &alice) == 1).then_some(())
    })
    .await;
    assert_eq!(bob.heard(&alice), ["one", "[1]", "three"]);
    bob.until_heard(&alice, &["one", "two", "three"]).await;
    alice.until_delivery(&dropped, Delivery::Delivered).await;
}

#[tokio::test(start_paused = true)]
async fn mailboxes_that_drop_a_third_of_everything_only_delay() {
    let net = SimNet::new(62, 6);
    let mut accounts = Accounts::new(&net, 62);
    let (alice, bob) = (accounts.create("Alice"), accounts.create("Bob"));
    befriend(&alice, &bob).await;
    let hostile = turn_all(&net, || Hostility {
        drops: 33,
        ..Hostility::default()
    });
    let mut said = Vec::new();
    for number in 0..40 {
        alice.say(&bob, &format!("{number}"));
        said.push(format!("{number}"));
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let texts: Vec<&str> = said.iter().map(String::as_str).collect();
    bob.until("all came", Duration::from_secs(24 * 3_600), |_| {
        (bob.heard(&alice) == texts).then_some(())
    })
    .await;
    assert!(done(&hostile) > 20);
}
