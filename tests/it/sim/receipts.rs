//! What a receipt tells, and when it goes.

use outis_messenger::{Delivery, Event, MessageId, Receipts, SettingsChange};
use outis_tests::sim::{Accounts, Faults, SimNet, TestPeer, address_of, befriend};
use std::time::Duration;
use tokio::time::Instant;

const MINUTES: Duration = Duration::from_secs(10 * 60);

/// Waits for events until the message is as far as this; gives how long that took by the simulated clock.
async fn delivered_after(peer: &TestPeer, id: &MessageId) -> Duration {
    let began = Instant::now();
    while peer.message(id).expect("reads").expect("is there").state < Delivery::Delivered {
        peer.next_event().await;
    }
    began.elapsed()
}

#[tokio::test(start_paused = true)]
async fn a_message_to_somebody_who_is_there_is_delivered_without_any_waiting_but_the_network_s() {
    let net = SimNet::new(260, 8);
    let mut accounts = Accounts::new(&net, 260);
    let (alice, bob) = (accounts.create("Alice"), accounts.create("Bob"));
    befriend(&alice, &bob).await;
    net.set_faults(Faults {
        delay: 1,
        ..Faults::default()
    });
    tokio::time::sleep(Duration::from_secs(60)).await;
    let mut slowest = Duration::ZERO;
    for number in 0..20 {
        let said = alice.say(&bob, &number.to_string());
        slowest = slowest.max(delivered_after(&alice, &said).await);
        tokio::time::sleep(Duration::from_millis(260)).await;
    }
    // There: a stream, a put, a push. Back: the same. Each way a millisecond, and no wait anywhere between.
    assert!(slowest <= Duration::from_millis(16), "{slowest:?}");

    // A burst is receipted together, and within a second.
    let mut last = alice.say(&bob, "burst");
    for number in 0..100 {
        last = alice.say(&bob, &format!("burst {number}"));
    }
    let took = delivered_after(&alice, &last).await;
    assert!(took <= Duration::from_secs(1), "{took:?}");
}

/// A story in which Bob looks at what comes, or does not; gives what the network saw.
async fn seen_by_the_network(looks: bool, tells: bool) -> ([u8; 32], Delivery) {
    let net = SimNet::new(261, 8);
    let mut accounts = Accounts::new(&net, 261);
    let (alice, bob) = (accounts.create("Alice"), accounts.create("Bob"));
    befriend(&alice, &bob).await;
    let change = SettingsChange {
        read_receipts: Some(tells),
        ..SettingsChange::default()
    };
    bob.set_conversation(&alice.address(), &change).expect("is set");
    let mut last = None;
    for number in 0..10 {
        last = Some(alice.say(&bob, &number.to_string()));
        tokio::time::sleep(Duration::from_millis(1_700)).await;
        if looks {
            let newest = bob.conversation(&alice).pop().expect("is there");
            bob.mark_read(&newest.id).expect("is looked at");
        }
        tokio::time::sleep(Duration::from_millis(2_300)).await;
    }
    let last = alice
        .message(&last.expect("was said"))
        .expect("reads")
        .expect("is there");
    (net.trace(), last.state)
}

#[tokio::test(start_paused = true)]
async fn receipts_do_not_show_whether_anybody_looks() {
    let (idle, looking) = (
        seen_by_the_network(false, false).await,
        seen_by_the_network(true, false).await,
    );
    assert_eq!(idle, looking);
    assert_eq!(idle.1, Delivery::Delivered);
    // The control: where a person tells what they read, it shows.
    let telling = seen_by_the_network(true, true).await;
    assert_ne!(telling.0, idle.0);
    assert_eq!(telling.1, Delivery::Read);
}

#[tokio::test(start_paused = true)]
async fn whoever_is_told_once_an_hour_learns_of_no_hour_more_than_once() {
    let net = SimNet::new(262, 8);
    let mut accounts = Accounts::new(&net, 262);
    let (alice, bob) = (accounts.create("Alice"), accounts.create("Bob"));
    befriend(&alice, &bob).await;
    let change = SettingsChange {
        receipts: Some(Receipts::Hourly),
        ..SettingsChange::default()
    };
    bob.set_conversation(&alice.address(), &change).expect("is set");
    tokio::time::sleep(MINUTES).await;
    let mut told = Vec::new();
    let mut said = Vec::new();
    for minute in 0..200_u64 {
        if minute % 5 == 0 {
            said.push(alice.say(&bob, &minute.to_string()));
        }
        tokio::time::sleep(Duration::from_secs(60)).await;
        let is_delivered =
            |id: &MessageId| alice.message(id).expect("reads").expect("is there").state >= Delivery::Delivered;
        let before = said.len();
        said.retain(|id| !is_delivered(id));
        if said.len() < before {
            told.push(minute);
        }
    }
    assert!((3..=4).contains(&told.len()), "{told:?}");
    assert!(told.windows(2).all(|pair| pair[1] - pair[0] >= 60), "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn typing_is_told_only_by_whoever_turned_it_on_and_is_nothing_later() {
    let net = SimNet::new(263, 8);
    let mut accounts = Accounts::new(&net, 263);
    let (alice, mut bob) = (accounts.create("Alice"), accounts.create("Bob"));
    befriend(&alice, &bob).await;
    tokio::time::sleep(MINUTES).await;
    let seen = |peer: &TestPeer| {
        std::iter::from_fn(|| peer.try_next_event())
            .filter(|event| matches!(event, Event::Typing(_)))
            .count()
    };
    let types = async |seconds: u64| {
        for _ in 0..seconds {
            alice.typing(&address_of("Bob")).expect("is known");
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        tokio::time::sleep(Duration::from_secs(5)).await;
    };
    types(10).await;
    assert_eq!(seen(&bob), 0, "it is off");
    let change = SettingsChange {
        typing: Some(true),
        ..SettingsChange::default()
    };
    alice.set_conversation(&bob.address(), &change).expect("is set");
    types(10).await;
    // Equal events merge until they are taken.
    assert_eq!(seen(&bob), 1, "it is on");
    bob.stop();
    types(10).await;
    bob.start();
    tokio::time::sleep(MINUTES).await;
    assert_eq!(seen(&bob), 0, "it lay in a mailbox");
}
