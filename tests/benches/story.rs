//! What a person waits for, and what being there costs: real programs, real sockets, six relays on this machine.
//!
//! Run by `make bench` (or `cargo bench -p outis-tests --bench story`). It prints numbers and judges none; on a busy machine
//! they mean nothing.

// What a relay or a program does not tell ends the measurement.
#![allow(clippy::indexing_slicing)]

use outis_tests::bench::{memory, processor_time, run, say};
use outis_tests::process::{Person, Relay, Setting, folder};
use std::{
    future::Future,
    time::{Duration, Instant},
};

fn main() {
    run(measure());
}

async fn measure() {
    let relays = Relay::six().await;
    let setting = Setting::among(&relays);

    let (mut ada, creating) = timed(Person::create("Ada", &setting)).await;
    say("account: create (Argon2id 1 GiB and 256 MiB)", &seconds(creating));
    let bob = Person::create("Bob", &setting).await;
    ada.leave().await;
    let ((), back) = timed(ada.come_back()).await;
    say("account: start and unlock (Argon2id 256 MiB)", &seconds(back));
    let (_, connected) = timed(ada.rpc().until("a relay", async |rpc| {
        let status = rpc.call("network.status", serde_json::json!({})).await;
        (status["online"] == true && status["relays_known"].as_u64() >= Some(6)).then_some(())
    }))
    .await;
    say("network: from unlocked to six relays known", &seconds(connected));

    let ((), meeting) = timed(async {
        ada.ask(&bob, "hello").await;
        bob.await_contact(&ada, "incoming").await;
        bob.accept(&ada).await;
        ada.await_contact(&bob, "accepted").await;
    })
    .await;
    say("contact: from asking to accepted", &seconds(meeting));

    let mut latencies = Vec::new();
    for number in 0..MESSAGES_ONE_BY_ONE {
        let (from, to) = if number % 2 == 0 { (&ada, &bob) } else { (&bob, &ada) };
        latencies.push(from.say_quickly(to, &format!("message {number}")).await);
    }
    latencies.sort();
    say(
        "message: to delivered, p50 and p95",
        &format!("{} and {}", millis(at(&latencies, 50)), millis(at(&latencies, 95))),
    );

    let (_, burst) = timed(async {
        let mut last = String::new();
        for number in 0..MESSAGES_AT_ONCE {
            last = ada.send(&bob, &format!("burst {number}")).await;
        }
        ada.await_message(&bob, &last, &["delivered", "read"]).await;
    })
    .await;
    say(
        "message: a burst, sent to all delivered",
        &format!("{:.0} a second", f64::from(MESSAGES_AT_ONCE) / burst.as_secs_f64()),
    );

    let files = folder();
    let path = files.path().join("file.bin");
    std::fs::write(&path, vec![0x5a; FILE]).expect("room for a file");
    let (_, carried) = timed(async {
        let sent = ada.offer(&bob, &path).await;
        let offered = bob.await_offer(&ada, "file.bin").await;
        bob.rpc().call("file.accept", serde_json::json!({"id": offered})).await;
        bob.await_transfer(&offered, &["complete"]).await;
        ada.await_transfer(&sent, &["complete"]).await;
    })
    .await;
    say(
        "file: 256 MiB, offered to complete",
        &format!("{:.0} MB/s", FILE as f64 / carried.as_secs_f64() / 1e6),
    );

    say("memory: outis rpc after all this", &mebibytes(&[ada.rpc().pid()]));
    say(
        "memory: outis node, the largest of six",
        &mebibytes(&relays.iter().map(Relay::pid).collect::<Vec<_>>()),
    );
    let pids: Vec<u32> = relays
        .iter()
        .map(Relay::pid)
        .chain([ada.rpc().pid(), bob.rpc().pid()])
        .collect();
    let before = processor_time(&pids);
    // The only waiting in here: idleness takes time to measure.
    tokio::time::sleep(IDLE).await;
    let used = processor_time(&pids).saturating_sub(before);
    say(
        "idle: six relays and two accounts together",
        &format!("{:.2} % of a core", 100.0 * used.as_secs_f64() / IDLE.as_secs_f64()),
    );
}

async fn timed<T>(work: impl Future<Output = T>) -> (T, Duration) {
    let begun = Instant::now();
    let done = work.await;
    (done, begun.elapsed())
}

fn at(sorted: &[Duration], percent: usize) -> Duration {
    sorted
        .get(sorted.len() * percent / 100)
        .or(sorted.last())
        .copied()
        .unwrap_or_default()
}

/// The largest resident size.
fn mebibytes(pids: &[u32]) -> String {
    let largest = pids.iter().map(|pid| memory(*pid, "VmRSS:")).max().unwrap_or_default();
    format!("{:.0} MiB", largest as f64 / 1024.0)
}

fn seconds(took: Duration) -> String {
    format!("{:.2} s", took.as_secs_f64())
}

fn millis(took: Duration) -> String {
    format!("{:.0} ms", took.as_secs_f64() * 1e3)
}

const MESSAGES_ONE_BY_ONE: usize = 60;
const MESSAGES_AT_ONCE: u32 = 400;
const FILE: usize = 256 << 20;
const IDLE: Duration = Duration::from_secs(20);
