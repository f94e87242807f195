//! Files between two people.

use outis_messenger::{Body, Direction, Event, FileError, Messenger, Transfer, TransferId, TransferState, Why};
use outis_tests::process::soak;
use outis_tests::sim::{Accounts, Faults, SimNet, TestPeer, befriend};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use std::path::{Path, PathBuf};
use std::time::Duration;

pub(super) const MINUTES: Duration = Duration::from_secs(20 * 60);

pub(super) fn file(dir: &Path, name: &str, size: usize) -> (PathBuf, Vec<u8>) {
    let mut bytes = vec![0; size];
    ChaCha20Rng::seed_from_u64(size as u64).fill_bytes(&mut bytes);
    let path = dir.join(name);
    std::fs::write(&path, &bytes).expect("is written");
    (path, bytes)
}

pub(super) async fn until(peer: &TestPeer, id: &TransferId, state: TransferState) -> Transfer {
    let what = format!("the transfer is {state:?}");
    peer.until(&what, MINUTES, |messenger| {
        messenger.transfer(id).filter(|transfer| transfer.state == state)
    })
    .await
}

pub(super) async fn until_done(peer: &TestPeer, id: &TransferId, part: u64) {
    peer.until("some of it came", MINUTES, |messenger| {
        messenger.transfer(id).filter(|t| t.done >= part).map(drop)
    })
    .await;
}

pub(super) fn offered(messenger: &Messenger, from: &TestPeer) -> Option<Transfer> {
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
    slow(&net, 500_000);
    let (path, bytes) = file(dir.path(), "film.mkv", 40_000_000);
    let sent = alice.send_file(&bob.address(), &path).expect("is offered");
    bob.until("it is offered", MINUTES, |messenger| offered(messenger, &alice))
        .await;
    bob.accept_file(&sent.id, None).expect("is accepted");

    until_done(&bob, &sent.id, 12_000_000).await;
    bob.crash();
    bob.start();
    let after = bob.transfer(&sent.id).expect("is known").done;
    assert!(after >= 6_000_000, "what rested on the disk is not sent again: {after}");
    until_done(&bob, &sent.id, 24_000_000).await;
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
        let reason = match *path == vanished {
            true => Why::Unreadable,
            false => Why::Changed,
        };
        for side in [&alice, &bob] {
            let failed = until(side, &sent.id, TransferState::Failed).await;
            assert_eq!(failed.why, Some(reason), "{} says why", side.name);
        }
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

/// Bytes of a chunk's frame for a file of so many chunks: length, nonce, kind, head, proof, contents, tag.
fn frame_of(chunks: u64) -> u64 {
    4 + 24 + 1 + 9 + 32 * u64::from(chunks.next_power_of_two().trailing_zeros()) + CHUNK + 16
}

const CHUNK: u64 = 64 * 1024;

/// Every road carries so many bytes a second.
fn slow(net: &SimNet, bytes_a_second: u64) {
    net.relays()
        .into_iter()
        .for_each(|node| net.slow_down(node, bytes_a_second));
}

/// Offers, accepts, and gives the transfer.
async fn begun(alice: &TestPeer, bob: &TestPeer, path: &Path) -> TransferId {
    let sent = alice.send_file(&bob.address(), path).expect("is offered");
    bob.until("it is offered", MINUTES, |messenger| {
        messenger.transfer(&sent.id).map(drop)
    })
    .await;
    bob.accept_file(&sent.id, None).expect("is accepted");
    sent.id
}

/// What had come whole never comes again, whoever is killed: of each road's last frame at most the part that had come.
#[tokio::test(start_paused = true)]
async fn after_a_kill_at_most_one_chunk_for_each_road_comes_again() {
    let dir = tempfile::tempdir().expect("a folder");
    let net = SimNet::new(44, 8);
    let mut accounts = Accounts::new(&net, 44);
    let (mut alice, mut bob) = (accounts.create("Alice"), accounts.create("Bob"));
    befriend(&alice, &bob).await;
    slow(&net, 1_000_000);
    // Streams are cut now and then, on top.
    net.set_faults(Faults {
        refused: 5,
        cut: 10,
        delay: 20,
    });
    let (size, kills) = if soak() { (1 << 30, 20) } else { (40 << 20, 4) };
    let (path, bytes) = file(dir.path(), "film.mkv", size);
    let id = begun(&alice, &bob, &path).await;
    for kill in 1..=kills {
        let part = size as u64 / (2 * kills + 1);
        until_done(&bob, &id, part * (2 * kill - 1)).await;
        until(&bob, &id, TransferState::Active).await;
        bob.kill();
        bob.start();
        until_done(&bob, &id, part * 2 * kill).await;
        until(&alice, &id, TransferState::Active).await;
        alice.kill();
        alice.start();
    }
    until(&bob, &id, TransferState::Complete).await;
    let chunks = (size as u64).div_ceil(CHUNK);
    let (needed, frame) = (chunks * frame_of(chunks), frame_of(chunks));
    // A greeting and what says that somebody is alive, and of each road's last frame the part that had come.
    let roads = bob.roads() as u64;
    let again = bob.carried().saturating_sub(needed);
    assert!(
        again <= roads * (frame + 64) + 4_096,
        "{again} bytes came again, {} chunks on {roads} roads",
        again / frame
    );
    assert!(roads > 2 * kills, "the control: roads were lost");
    assert!(bob.carried() >= needed, "the control: it is counted");
    let saved = dir.path().join("film.copy");
    bob.save_file(&id, &saved).expect("is saved");
    assert!(std::fs::read(&saved).expect("reads") == bytes);
}

#[tokio::test(start_paused = true)]
async fn a_large_file_goes_over_four_roads_and_a_slow_or_dead_one_is_replaced() {
    let dir = tempfile::tempdir().expect("a folder");
    let net = SimNet::new(45, 12);
    let mut accounts = Accounts::new(&net, 45);
    let (alice, bob) = (accounts.create("Alice"), accounts.create("Bob"));
    befriend(&alice, &bob).await;
    // Half of the relays carry next to nothing.
    for node in net.relays().into_iter().step_by(2) {
        net.slow_down(node, 5_000);
    }
    for node in net.relays().into_iter().skip(1).step_by(2) {
        net.slow_down(node, 400_000);
    }
    let (path, _) = file(dir.path(), "film.mkv", 100_000_000);
    let id = begun(&alice, &bob, &path).await;
    let begun = tokio::time::Instant::now();
    until(&bob, &id, TransferState::Complete).await;
    let took = begun.elapsed().as_secs();
    // Four good roads carry it in 63 s, three in 84 s, two in 125 s and one in 250 s; a bad one never.
    // Where the draw gave bad ones first, it is no slower than two good ones would have been alone.
    assert!(took <= 125, "{took} s");
    assert!(bob.roads() > 4, "some were replaced: {}", bob.roads());
    assert!(bob.roads() < 24, "and not again and again: {}", bob.roads());
}

#[tokio::test(start_paused = true)]
async fn a_sender_who_vanished_is_noticed_within_seconds_and_the_file_goes_on_when_both_are_there() {
    let dir = tempfile::tempdir().expect("a folder");
    let net = SimNet::new(46, 8);
    let mut accounts = Accounts::new(&net, 46);
    let (mut alice, bob) = (accounts.create("Alice"), accounts.create("Bob"));
    befriend(&alice, &bob).await;
    slow(&net, 200_000);
    let (path, _) = file(dir.path(), "film.mkv", 30_000_000);
    let id = begun(&alice, &bob, &path).await;
    until_done(&bob, &id, 5_000_000).await;
    alice.vanish();
    let vanished = tokio::time::Instant::now();
    until(&bob, &id, TransferState::Waiting).await;
    let noticed = vanished.elapsed().as_secs();
    assert!((5..=15).contains(&noticed), "{noticed} s");
    tokio::time::sleep(Duration::from_secs(3_600)).await;
    let roads = bob.roads();
    assert!(
        roads <= 16,
        "somebody who is away is not called again and again: {roads}"
    );
    alice.reappear();
    let back = tokio::time::Instant::now();
    until(&bob, &id, TransferState::Active).await;
    let began = back.elapsed().as_secs();
    assert!(began <= 30, "it began {began} s after both were there");
    until(&bob, &id, TransferState::Complete).await;
    until(&alice, &id, TransferState::Complete).await;
}

/// The receiver's roads wait for a minute where it said; whoever is back within it goes there, and is not called first.
#[tokio::test(start_paused = true)]
async fn a_sender_killed_when_it_was_just_called_comes_as_soon_as_it_is_back() {
    let dir = tempfile::tempdir().expect("a folder");
    let net = SimNet::new(55, 8);
    let mut accounts = Accounts::new(&net, 55);
    let (mut alice, bob) = (accounts.create("Alice"), accounts.create("Bob"));
    befriend(&alice, &bob).await;
    net.set_faults(Faults {
        delay: 300,
        ..Faults::default()
    });
    let (path, _) = file(dir.path(), "film.mkv", 20_000_000);
    let id = begun(&alice, &bob, &path).await;
    until(&alice, &id, TransferState::Waiting).await;
    let roads = bob.roads();
    alice.kill();
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(bob.transfer(&id).expect("is known").done, 0, "she had not come yet");
    alice.start();
    let back = tokio::time::Instant::now();
    until(&bob, &id, TransferState::Active).await;
    let began = back.elapsed().as_secs();
    assert!(began <= 15, "it began {began} s after she was back");
    assert_eq!(bob.roads(), roads, "she came where he waited");
    until(&bob, &id, TransferState::Complete).await;
}

#[tokio::test(start_paused = true)]
async fn either_side_pauses_and_only_who_paused_goes_on() {
    let dir = tempfile::tempdir().expect("a folder");
    let net = SimNet::new(47, 8);
    let mut accounts = Accounts::new(&net, 47);
    let (mut alice, mut bob) = (accounts.create("Alice"), accounts.create("Bob"));
    befriend(&alice, &bob).await;
    net.set_faults(Faults {
        delay: 200,
        ..Faults::default()
    });
    let (path, _) = file(dir.path(), "film.mkv", 30_000_000);
    let id = begun(&alice, &bob, &path).await;
    until_done(&bob, &id, 2_000_000).await;
    let why = |peer: &TestPeer| peer.transfer(&id).and_then(|transfer| transfer.why);

    alice.pause_file(&id).expect("is paused");
    assert!(matches!(alice.pause_file(&id), Err(FileError::WrongState)));
    until(&bob, &id, TransferState::Paused).await;
    assert_eq!(
        (why(&alice), why(&bob)),
        (Some(Why::PausedHere), Some(Why::PausedThere))
    );
    assert!(
        matches!(bob.resume_file(&id), Err(FileError::WrongState)),
        "not his to resume"
    );
    bob.pause_file(&id).expect("is paused by him too");
    alice.resume_file(&id).expect("goes on, as far as she is concerned");
    alice
        .until("he alone pauses", MINUTES, |_| {
            (why(&alice) == Some(Why::PausedThere)).then_some(())
        })
        .await;
    // It rests over restarts of both.
    for peer in [&mut alice, &mut bob] {
        peer.crash();
        peer.start();
    }
    let resting = bob.transfer(&id).expect("is known");
    assert_eq!(
        (resting.state, resting.why),
        (TransferState::Paused, Some(Why::PausedHere))
    );
    tokio::time::sleep(Duration::from_secs(300)).await;
    assert_eq!(bob.transfer(&id).expect("is known").done, resting.done);
    bob.resume_file(&id).expect("goes on");
    until(&bob, &id, TransferState::Complete).await;
    until(&alice, &id, TransferState::Complete).await;
}

#[tokio::test(start_paused = true)]
async fn either_side_cancels_while_the_other_is_off_and_it_stays_so() {
    let dir = tempfile::tempdir().expect("a folder");
    let net = SimNet::new(56, 8);
    let mut accounts = Accounts::new(&net, 56);
    let (mut alice, mut bob) = (accounts.create("Alice"), accounts.create("Bob"));
    befriend(&alice, &bob).await;
    slow(&net, 300_000);
    let (path, _) = file(dir.path(), "film.mkv", 30_000_000);
    for sender_cancels in [true, false] {
        let id = begun(&alice, &bob, &path).await;
        until_done(&bob, &id, 3_000_000).await;
        let (canceller, other) = match sender_cancels {
            true => (&mut alice, &mut bob),
            false => (&mut bob, &mut alice),
        };
        other.kill();
        canceller.cancel_file(&id).expect("is cancelled");
        canceller.crash();
        canceller.start();
        let state = |peer: &TestPeer| peer.transfer(&id).expect("is known").state;
        assert_eq!(state(canceller), TransferState::Cancelled, "it stays so");
        other.start();
        until(other, &id, TransferState::Cancelled).await;
        other.crash();
        other.start();
        assert_eq!(state(other), TransferState::Cancelled, "it stays so");
        for peer in [&*canceller, &*other] {
            assert!(matches!(peer.resume_file(&id), Err(FileError::WrongState)));
            assert!(matches!(peer.accept_file(&id, None), Err(FileError::WrongState)));
            assert!(matches!(peer.read_file_part(&id, 0, 1), Err(FileError::WrongState)));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn files_share_what_they_are_given_and_take_no_more() {
    let dir = tempfile::tempdir().expect("a folder");
    let net = SimNet::new(48, 8);
    let mut accounts = Accounts::new(&net, 48);
    let (alice, bob) = (accounts.create("Alice"), accounts.create("Bob"));
    befriend(&alice, &bob).await;
    alice.limit_files(Some(500_000));
    let mut ids = Vec::new();
    // One is large enough for four roads and one only for two: they have equal shares all the same.
    for (name, size) in [("large", 60_000_000), ("small", 7_000_000)] {
        let (path, _) = file(dir.path(), name, size);
        ids.push(begun(&alice, &bob, &path).await);
    }
    for id in &ids {
        until(&bob, id, TransferState::Active).await;
    }
    let done = |id: &TransferId| bob.transfer(id).expect("is known").done;
    let (before, began) = (ids.iter().map(done).collect::<Vec<_>>(), tokio::time::Instant::now());
    tokio::time::sleep(Duration::from_secs(16)).await;
    let moved: Vec<u64> = ids.iter().zip(before).map(|(id, before)| done(id) - before).collect();
    let all: u64 = moved.iter().sum();
    let most = 500_000 * began.elapsed().as_secs() + 1_000_000;
    assert!(all <= most && all >= most / 2, "{moved:?}");
    assert!(moved[0].abs_diff(moved[1]) <= all / 5, "{moved:?}");
}

#[tokio::test(start_paused = true)]
async fn what_waits_says_that_it_waits() {
    let dir = tempfile::tempdir().expect("a folder");
    let net = SimNet::new(49, 8);
    let mut accounts = Accounts::new(&net, 49);
    let (alice, bob) = (accounts.create("Alice"), accounts.create("Bob"));
    befriend(&alice, &bob).await;
    let (path, _) = file(dir.path(), "film.mkv", 30_000_000);
    bob.set_offline(true);
    let sent = alice.send_file(&bob.address(), &path).expect("is offered");
    let shown = |peer: &TestPeer| peer.transfer(&sent.id).map(|transfer| (transfer.state, transfer.why));
    assert_eq!(shown(&alice), Some((TransferState::Offered, Some(Why::InOutbox))));
    bob.set_offline(false);
    alice
        .until("he has heard of it", MINUTES, |_| {
            (shown(&alice) == Some((TransferState::Offered, None))).then_some(())
        })
        .await;
    alice.set_offline(true);
    bob.accept_file(&sent.id, None).expect("is accepted");
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert_eq!(shown(&bob), Some((TransferState::Waiting, None)));
    alice.set_offline(false);
    until(&bob, &sent.id, TransferState::Complete).await;
}

#[tokio::test(start_paused = true)]
async fn a_full_disk_is_said_and_the_file_goes_on_when_there_is_room() {
    let dir = tempfile::tempdir().expect("a folder");
    let net = SimNet::new(53, 8);
    let mut accounts = Accounts::new(&net, 53);
    let (alice, bob) = (accounts.create("Alice"), accounts.create("Bob"));
    befriend(&alice, &bob).await;
    slow(&net, 500_000);
    let (path, bytes) = file(dir.path(), "film.mkv", 20_000_000);
    let id = begun(&alice, &bob, &path).await;
    until_done(&bob, &id, 5_000_000).await;
    bob.disk().set_full(true);
    bob.until("it is said", MINUTES, |messenger| {
        let transfer = messenger.transfer(&id)?;
        (transfer.why == Some(Why::DiskFull)).then_some(())
    })
    .await;
    bob.disk().set_full(false);
    // If that could be stored it is paused until he says so, and else it is tried again.
    bob.until("it is complete", MINUTES, |messenger| {
        let state = messenger.transfer(&id)?.state;
        if state == TransferState::Paused {
            messenger.resume_file(&id).expect("goes on");
        }
        (state == TransferState::Complete).then_some(())
    })
    .await;
    let saved = dir.path().join("copy");
    bob.save_file(&id, &saved).expect("is saved");
    assert!(std::fs::read(&saved).expect("reads") == bytes);
}
