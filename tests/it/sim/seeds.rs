//! One seed, one run.

use outis_messenger::Delivery;
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

fn run(seed: u64) -> [u8; 32] {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime");
    runtime.block_on(story(seed))
}

#[test]
fn the_same_seed_gives_the_same_run_and_another_seed_another() {
    let first = run(70);
    assert_eq!(first, run(70));
    assert_ne!(first, run(71), "the trace would show a difference");
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
