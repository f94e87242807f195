//! One seed, one run.

use super::files::{MINUTES, file, offered, until, until_done};
use outis_messenger::{ContactState, Delivery, TransferState};
use outis_tests::sim::{Accounts, Faults, SimNet, befriend};
use std::time::Duration;

/// A short story with trouble in it; gives a digest of everything that was opened and when.
async fn story(seed: u64) -> [u8; 32] {
    let net = SimNet::new(seed, 7);
    let mut accounts = Accounts::new(&net, seed);
    let (alice, mut bob) = (accounts.create("Alice"), accounts.create("Bob"));
    befriend(&alice, &bob).await;
    net.set_faults(Faults {
        refused: 20,
        cut: 20,
        delay: 100,
    });
    alice.say(&bob, "one");
    bob.say(&alice, "two");
    tokio::time::sleep(Duration::from_millis(seed % 700)).await;
    bob.crash();
    bob.start();
    let last = alice.say(&bob, "three");
    bob.until_heard(&alice, &["one", "three"]).await;
    alice.until_heard(&bob, &["two"]).await;
    alice.until_delivery(&last, Delivery::Delivered).await;
    net.trace()
}

/// A longer one: an invite, a file that goes on after a crash, a second machine, a mailbox that dies, clocks that are wrong.
async fn long_story(seed: u64) -> [u8; 32] {
    let dir = tempfile::tempdir().expect("a folder");
    let net = SimNet::new(seed, 9);
    let mut accounts = Accounts::new(&net, seed);
    let (alice, mut bob) = (accounts.create("Alice"), accounts.create("Bob"));
    alice.set_clock(40_000);
    tokio::time::sleep(Duration::from_secs(60)).await;
    let (_, token) = bob.make_invite().expect("relays are known");
    alice.add_invited(bob.address(), None, None, &token).expect("is asked");
    bob.until_contact(&alice, ContactState::Incoming).await;
    bob.accept_contact(&alice.address()).expect("is accepted");
    alice.until_contact(&bob, ContactState::Accepted).await;

    let (path, _) = file(dir.path(), "film", 3_000_000);
    let sent = alice.send_file(&bob.address(), &path).expect("is offered");
    bob.until("it is offered", MINUTES, |bob| offered(bob, &alice)).await;
    bob.accept_file(&sent.id, None).expect("is accepted");
    until_done(&bob, &sent.id, 1_000_000).await;
    bob.crash();
    bob.start();
    until(&bob, &sent.id, TransferState::Complete).await;

    let dead = bob.mailboxes().first().expect("three").node;
    net.kill(dead);
    let said = alice.say(&bob, "to one machine");
    alice.until_delivery(&said, Delivery::Delivered).await;
    bob.stop();
    let bob2 = accounts.restore("Bob");
    alice.say(&bob2, "to the other");
    bob2.until_contact(&alice, ContactState::Incoming).await;
    bob2.accept_contact(&alice.address()).expect("is accepted");
    bob2.until_heard(&alice, &["to the other"]).await;
    net.trace()
}

fn run(seed: u64) -> [u8; 32] {
    on_a_clock_of_its_own(story(seed))
}

fn on_a_clock_of_its_own(story: impl Future<Output = [u8; 32]>) -> [u8; 32] {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    runtime.block_on(story)
}

#[test]
fn the_same_seed_gives_the_same_run_and_another_seed_another() {
    let first = run(70);
    assert_eq!(first, run(70));
    assert_ne!(first, run(71), "the trace would show a difference");
}

#[test]
fn a_long_story_with_files_and_machines_is_the_same_for_the_same_seed_too() {
    let run = |seed| on_a_clock_of_its_own(long_story(seed));
    let first = run(75);
    assert_eq!(first, run(75));
    assert_ne!(first, run(76), "the trace would show a difference");
}

#[test]
fn many_seeds_end_well() {
    let seeds = std::env::var("OUTIS_SEEDS")
        .ok()
        .and_then(|seeds| seeds.parse().ok())
        .unwrap_or(if std::env::var_os("OUTIS_SOAK").is_some() {
            10_000
        } else {
            200
        });
    for seed in 100..100 + seeds {
        run(seed);
    }
}
