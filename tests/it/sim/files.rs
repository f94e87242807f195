//! Files between two people.

use outis_messenger::{Body, Direction, Event, FileError, Messenger, Transfer, TransferId, TransferState};
use outis_tests::sim::{Accounts, Faults, SimNet, TestPeer, befriend};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use std::path::{Path, PathBuf};
use std::time::Duration;

const MINUTES: Duration = Duration::from_secs(20 * 60);

fn file(dir: &Path, name: &str, size: usize) -> (PathBuf, Vec<u8>) {
    let mut bytes = vec![0; size];
    ChaCha20Rng::seed_from_u64(size as u64).fill_bytes(&mut bytes);
    let path = dir.join(name);
    std::fs::write(&path, &bytes).expect("is written");
    (path, bytes)
}

async fn until(peer: &TestPeer, id: &TransferId, state: TransferState) -> Transfer {
    let what = format!("the transfer is {state:?}");
    peer.until(&what, MINUTES, |messenger| {
        messenger.transfer(id).filter(|transfer| transfer.state == state)
    })
    .await
}

async fn until_done(peer: &TestPeer, id: &TransferId, part: u64) {
    peer.until("some of it came", MINUTES, |messenger| {
        messenger.transfer(id).filter(|t| t.done >= part).map(drop)
    })
    .await;
}

fn offered(messenger: &Messenger, from: &TestPeer) -> Option<Transfer> {
    messenger
        .transfers(Some(&from.address()))
        .into_iter()
        .find(|t| t.direction == Direction::In && t.state == TransferState::Offered)
}

#[tokio::test(start_paused = true)]
async fn a_file_is_offered_accepted_carried_and_saved() {
    let dir = tempfile::tempdir().expect("a folder");
    let net = SimNet::new(40, 8);
    let mut accounts = Accounts::new(&net, 40);
    let (alice, bob) = (accounts.create("Alice"), accounts.create("Bob"));
    befriend(&alice, &bob).await;

    let (path, bytes) = file(dir.path(), "holiday.jpg", 5_000_000);
    let sent = alice.send_file(&bob.address(), &path).expect("is offered");
    assert_eq!((sent.state, sent.size), (TransferState::Offered, 5_000_000));
    let offer = bob
        .until("it is offered", MINUTES, |messenger| offered(messenger, &alice))
        .await;
    assert_eq!(
        (offer.id, offer.name.as_str(), offer.blake3),
        (sent.id, "holiday.jpg", sent.blake3)
    );
    assert_eq!(
        bob.message(&offer.message).expect("reads").expect("is there").body,
        Body::File(offer.id)
    );

    let saved = dir.path().join("saved.jpg");
    bob.accept_file(&offer.id, Some(saved.clone())).expect("is accepted");
    until(&bob, &offer.id, TransferState::Complete).await;
    until(&alice, &sent.id, TransferState::Complete).await;
    bob.until("it is saved", MINUTES, |_| {
        std::fs::read(&saved).is_ok_and(|saved| saved == bytes).then_some(())
    })
    .await;

    assert!(matches!(bob.save_file(&offer.id, &saved), Err(FileError::PathExists)));
    let again = dir.path().join("again.jpg");
    bob.save_file(&offer.id, &again).expect("is saved");
    assert!(std::fs::read(&again).expect("reads") == bytes);
    let told = std::iter::from_fn(|| bob.try_next_event())
        .filter(|event| *event == Event::TransferUpdated(offer.id))
        .count();
    assert!(told <= 1, "equal events merge");
}

#[tokio::test(start_paused = true)]
async fn a_file_goes_on_where_it_was_after_either_side_restarts() {
    let dir = tempfile::tempdir().expect("a folder");
    let net = SimNet::new(41, 8);
    let mut accounts = Accounts::new(&net, 41);
    let (mut alice, mut bob) = (accounts.create("Alice"), accounts.create("Bob"));
    befriend(&alice, &bob).await;
    let (path, bytes) = file(dir.path(), "film.mkv", 40_000_000);
    let sent = alice.send_file(&bob.address(), &path).expect("is offered");
    bob.until("it is offered", MINUTES, |messenger| offered(messenger, &alice))
        .await;
    bob.accept_file(&sent.id, None).expect("is accepted");

    until_done(&bob, &sent.id, 6_000_000).await;
    bob.crash();
    bob.start();
    let after = bob.transfer(&sent.id).expect("is known").done;
    assert!(after >= 4_000_000, "what rested on the disk is not sent again: {after}");
    until_done(&bob, &sent.id, 16_000_000).await;
    alice.crash();
    alice.start();
    until(&bob, &sent.id, TransferState::Complete).await;
    until(&alice, &sent.id, TransferState::Complete).await;
    let saved = dir.path().join("film.copy");
    bob.save_file(&sent.id, &saved).expect("is saved");
    assert!(std::fs::read(&saved).expect("reads") == bytes);
}

#[tokio::test(start_paused = true)]
async fn a_file_that_vanished_or_changed_fails_and_says_so() {
    let dir = tempfile::tempdir().expect("a folder");
    let net = SimNet::new(42, 8);
    let mut accounts = Accounts::new(&net, 42);
    let (alice, bob) = (accounts.create("Alice"), accounts.create("Bob"));
    befriend(&alice, &bob).await;
    assert!(matches!(
        alice.send_file(&bob.address(), &dir.path().join("nowhere")),
        Err(FileError::Unreadable(_))
    ));
    assert!(matches!(
        alice.send_file(&bob.address(), dir.path()),
        Err(FileError::Unreadable(_))
    ));

    let (vanished, _) = file(dir.path(), "vanished", 300_000);
    let (changed, _) = file(dir.path(), "changed", 300_001);
    for path in [&vanished, &changed] {
        let sent = alice.send_file(&bob.address(), path).expect("is offered");
        bob.until("it is offered", MINUTES, |messenger| offered(messenger, &alice))
            .await;
        if *path == vanished {
            std::fs::remove_file(path).expect("is removed");
        } else {
            std::fs::write(path, vec![7; 300_001]).expect("is written");
        }
        bob.accept_file(&sent.id, None).expect("is accepted");
        until(&alice, &sent.id, TransferState::Failed).await;
        until(&bob, &sent.id, TransferState::Failed).await;
    }
}

#[tokio::test(start_paused = true)]
async fn files_are_declined_cancelled_and_paused() {
    let dir = tempfile::tempdir().expect("a folder");
    let net = SimNet::new(43, 8);
    let mut accounts = Accounts::new(&net, 43);
    let (alice, bob) = (accounts.create("Alice"), accounts.create("Bob"));
    befriend(&alice, &bob).await;
    let (path, _) = file(dir.path(), "some file", 20_000_000);
    net.set_faults(Faults {
        delay: 200,
        ..Faults::default()
    });

    let declined = alice.send_file(&bob.address(), &path).expect("is offered");
    bob.until("it is offered", MINUTES, |messenger| offered(messenger, &alice))
        .await;
    bob.decline_file(&declined.id).expect("is declined");
    until(&alice, &declined.id, TransferState::Declined).await;
    assert!(matches!(alice.cancel_file(&declined.id), Err(FileError::WrongState)));

    let cancelled = alice.send_file(&bob.address(), &path).expect("is offered");
    bob.until("it is offered", MINUTES, |messenger| offered(messenger, &alice))
        .await;
    bob.accept_file(&cancelled.id, None).expect("is accepted");
    until_done(&bob, &cancelled.id, 2_000_000).await;
    bob.pause_file(&cancelled.id).expect("is paused");
    let resting = bob.transfer(&cancelled.id).expect("is known");
    assert_eq!(resting.state, TransferState::Paused);
    tokio::time::sleep(Duration::from_secs(300)).await;
    assert_eq!(bob.transfer(&cancelled.id).expect("is known").done, resting.done);
    bob.resume_file(&cancelled.id).expect("goes on");
    until_done(&bob, &cancelled.id, resting.done + 2_000_000).await;
    alice.cancel_file(&cancelled.id).expect("is cancelled");
    until(&bob, &cancelled.id, TransferState::Cancelled).await;
}
