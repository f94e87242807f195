//! Files for somebody who is away, and what is fetched of those who are nobody.

use super::files::{MINUTES, file, offered, until, until_done};
use outis_messenger::{ContactState, TransferId, TransferState, Why};
use outis_tests::sim::{Accounts, Hostility, SimNet, TestPeer, befriend};
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn a_small_file_waits_in_mailboxes_for_somebody_who_is_away_and_comes_while_its_sender_is() {
    let dir = tempfile::tempdir().expect("a folder");
    let net = SimNet::new(50, 8);
    let mut accounts = Accounts::new(&net, 50);
    let (mut alice, mut bob) = (accounts.create("Alice"), accounts.create("Bob"));
    befriend(&alice, &bob).await;
    let (path, bytes) = file(dir.path(), "photo.jpg", 3_000_000);
    let empty = net.stored();
    bob.set_offline(true);
    let sent = alice.send_file(&bob.address(), &path).expect("is offered");
    let why = |peer: &TestPeer| peer.transfer(&sent.id).and_then(|transfer| transfer.why);
    // In the middle of it she starts anew.
    alice
        .until("it waits here", MINUTES, |_| {
            (why(&alice) == Some(Why::InOutbox)).then_some(())
        })
        .await;
    tokio::time::sleep(Duration::from_secs(22)).await;
    alice.crash();
    alice.start();
    alice
        .until("it waits in mailboxes", MINUTES, |_| {
            (why(&alice) == Some(Why::InMailbox)).then_some(())
        })
        .await;
    tokio::time::sleep(Duration::from_secs(120)).await;
    assert!(net.stored() > empty + 3_000_000, "the control: pieces take room");
    let (holdings, body) = (net.holdings(), &bytes[1_000_000..1_000_032]);
    assert!(!holds(&holdings, body) && !holds(&holdings, b"photo.jpg"), "in clear");
    assert!(holds(&[&holdings[..], body].concat(), body), "the control");
    alice.set_offline(true);
    alice.stop();

    bob.set_offline(false);
    bob.until("it is offered", MINUTES, |messenger| {
        messenger.transfer(&sent.id).map(drop)
    })
    .await;
    tokio::time::sleep(Duration::from_secs(120)).await;
    assert_eq!(
        bob.transfer(&sent.id).expect("is known").done,
        0,
        "nothing is fetched before he says yes"
    );
    bob.accept_file(&sent.id, None).expect("is accepted");
    until_done(&bob, &sent.id, 500_000).await;
    bob.crash();
    bob.start();
    until(&bob, &sent.id, TransferState::Complete).await;
    assert_eq!(bob.carried(), 0, "no road was needed");
    let saved = dir.path().join("saved.jpg");
    bob.save_file(&sent.id, &saved).expect("is saved");
    assert!(std::fs::read(&saved).expect("reads") == bytes);

    alice.start();
    alice.set_offline(false);
    until(&alice, &sent.id, TransferState::Complete).await;
    nothing_is_left(&net, empty).await;
}

/// What was put into mailboxes goes, in time.
async fn nothing_is_left(net: &SimNet, empty: u64) {
    tokio::time::sleep(Duration::from_secs(600)).await;
    let stored = net.stored();
    assert!(stored < empty + 500_000, "nothing of it is left: {stored} and {empty}");
}

fn holds(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}

#[tokio::test(start_paused = true)]
async fn what_was_put_into_mailboxes_is_erased_when_it_is_cancelled_or_declined_and_a_large_file_is_not_put() {
    let dir = tempfile::tempdir().expect("a folder");
    let net = SimNet::new(51, 8);
    let mut accounts = Accounts::new(&net, 51);
    let (alice, bob) = (accounts.create("Alice"), accounts.create("Bob"));
    befriend(&alice, &bob).await;
    let (small, _) = file(dir.path(), "small", 2_000_000);
    let (large, _) = file(dir.path(), "large", 17_000_000);
    let empty = net.stored();
    bob.set_offline(true);
    let offered: Vec<TransferId> = [&small, &small, &large]
        .map(|path| alice.send_file(&bob.address(), path).expect("is offered").id)
        .into();
    let why = |id: &TransferId| alice.transfer(id).and_then(|transfer| transfer.why);
    for id in &offered[..2] {
        alice
            .until("it waits in mailboxes", MINUTES, |_| {
                (why(id) == Some(Why::InMailbox)).then_some(())
            })
            .await;
    }
    tokio::time::sleep(Duration::from_secs(120)).await;
    assert_eq!(why(&offered[2]), Some(Why::InOutbox), "it waits for both to be there");
    assert!(net.stored() > empty + 4_000_000, "the control: pieces take room");
    alice.cancel_file(&offered[0]).expect("is cancelled");
    bob.set_offline(false);
    bob.until("it is offered", MINUTES, |messenger| {
        messenger.transfer(&offered[1]).map(drop)
    })
    .await;
    bob.decline_file(&offered[1]).expect("is declined");
    until(&alice, &offered[1], TransferState::Declined).await;
    nothing_is_left(&net, empty).await;
}

/// Mailboxes that forget, repeat, swap and invent pieces: what is missing comes by road, and nothing false is ever taken.
#[tokio::test(start_paused = true)]
async fn hostile_mailboxes_cost_time_and_nothing_else() {
    let dir = tempfile::tempdir().expect("a folder");
    let net = SimNet::new(54, 8);
    let mut accounts = Accounts::new(&net, 54);
    let (alice, bob) = (accounts.create("Alice"), accounts.create("Bob"));
    befriend(&alice, &bob).await;
    let (path, bytes) = file(dir.path(), "photo", 4_000_000);
    let hostility = Hostility {
        drops: 10,
        replays: 20,
        reorders: 20,
        injects: 20,
    };
    let hostile: Vec<_> = net.relays().into_iter().map(|node| net.turn(node, hostility)).collect();
    bob.set_offline(true);
    let sent = alice.send_file(&bob.address(), &path).expect("is offered");
    alice
        .until("it waits in mailboxes", MINUTES, |messenger| {
            (messenger.transfer(&sent.id)?.why == Some(Why::InMailbox)).then_some(())
        })
        .await;
    bob.set_offline(false);
    bob.until("it is offered", MINUTES * 10, |messenger| {
        messenger.transfer(&sent.id).map(drop)
    })
    .await;
    bob.accept_file(&sent.id, None).expect("is accepted");
    bob.until("it is complete", MINUTES * 10, |messenger| {
        (messenger.transfer(&sent.id)?.state == TransferState::Complete).then_some(())
    })
    .await;
    assert!(
        hostile.iter().map(|hostile| hostile.count()).sum::<u64>() > 20,
        "the control: they did harm"
    );
    let saved = dir.path().join("copy");
    bob.save_file(&sent.id, &saved).expect("is saved");
    assert!(std::fs::read(&saved).expect("reads") == bytes);
}

/// Somebody who is no contact, and a contact whose file was not accepted, make us open nothing.
#[tokio::test(start_paused = true)]
async fn nothing_is_fetched_that_was_not_accepted() {
    let dir = tempfile::tempdir().expect("a folder");
    let net = SimNet::new(52, 8);
    let mut accounts = Accounts::new(&net, 52);
    let (alice, bob, eve) = (accounts.create("Alice"), accounts.create("Bob"), accounts.create("Eve"));
    befriend(&alice, &bob).await;
    let (path, _) = file(dir.path(), "photo.jpg", 200_000);
    // A stranger has asked, and offers a file at once.
    eve.add_contact(bob.address(), None, None).expect("is asked");
    bob.until_contact(&eve, ContactState::Incoming).await;
    eve.send_file(&bob.address(), &path).expect("waits");
    let sent = alice.send_file(&bob.address(), &path).expect("is offered");
    bob.until("a friend's is offered", MINUTES, |messenger| {
        messenger.transfer(&sent.id).map(drop)
    })
    .await;
    tokio::time::sleep(Duration::from_secs(3_600)).await;
    assert_eq!(
        bob.transfers(Some(&eve.address())).len(),
        0,
        "a stranger's offer does not even show"
    );
    assert_eq!((bob.roads(), bob.carried()), (0, 0));
    // The control: what is accepted is fetched, and a stranger who became a contact may offer.
    bob.accept_file(&sent.id, None).expect("is accepted");
    until(&bob, &sent.id, TransferState::Complete).await;
    assert!(bob.carried() > 200_000);
    bob.accept_contact(&eve.address()).expect("is accepted");
    bob.until("hers is offered", MINUTES, |messenger| offered(messenger, &eve))
        .await;
}
