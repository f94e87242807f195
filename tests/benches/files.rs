//! What a file costs and what it does to everything else: real programs, real sockets, six relays on this machine.
//!
//! Run by `make bench` (or `cargo bench -p outis-tests --bench files`). It prints numbers and judges none; on a busy machine
//! rates mean nothing, while processor time still does. `OUTIS_SOAK=1` sends 4 GiB where memory is measured, not 1 GiB.

// What a program does not tell ends the measurement.
#![allow(clippy::indexing_slicing)]

use outis_tests::bench::{memory, processor_time, run, say};
use outis_tests::process::{Person, Relay, Setting, folder, soak};
use serde_json::json;
use std::{
    fs::File,
    path::Path,
    time::{Duration, Instant},
};

fn main() {
    run(measure());
}

async fn measure() {
    let relays = Relay::six().await;
    let (ada, bob) = Person::two_contacts(&Setting::among(&relays)).await;
    let files = folder();

    let (p50, p95) = chat(&ada, &bob, async || false).await;
    say("chat: to delivered, p50 and p95, nothing else", &both(p50, p95));

    let path = files.path().join("file.bin");
    std::fs::write(&path, vec![0x5a; FILE]).expect("room for a file");
    let pids = |of: &str| -> Vec<u32> {
        match of {
            "sender" => vec![ada.rpc().pid()],
            "recipient" => vec![bob.rpc().pid()],
            _ => relays.iter().map(Relay::pid).collect(),
        }
    };
    let parts = ["sender", "recipient", "relays"];
    let before = parts.map(|of| processor_time(&pids(of)));
    let begun = Instant::now();
    let id = send(&ada, &bob, &path).await;
    bob.await_transfer(&id, &["complete"]).await;
    let took = begun.elapsed();
    say(
        "file: 256 MiB, offered to complete",
        &format!("{:.1} MB/s", FILE as f64 / took.as_secs_f64() / 1e6),
    );
    for (of, before) in parts.iter().zip(before) {
        let used = processor_time(&pids(of)).saturating_sub(before);
        let for_a_hundred = used.as_secs_f64() * 1e8 / FILE as f64;
        say(
            &format!("file: processor time of {of} for 100 MB"),
            &format!("{for_a_hundred:.2} s"),
        );
    }

    let large = files.path().join("large.bin");
    let size = if soak() { 4 << 30 } else { 1 << 30 };
    File::create(&large)
        .and_then(|file| file.set_len(size))
        .expect("a file with nothing in it");
    // What making the accounts took is over.
    for person in [&ada, &bob] {
        forget_peak(person.rpc().pid());
    }
    let id = send(&ada, &bob, &large).await;
    bob.await_transfer(&id, &["active"]).await;
    let (p50, p95) = chat(&bob, &ada, async || {
        let transfers = bob.transfers(&ada).await;
        let this = transfers.iter().find(|transfer| transfer["id"] == *id);
        this.is_some_and(|transfer| transfer["state"] != "complete")
    })
    .await;
    say("chat: the same while a large file goes", &both(p50, p95));
    bob.await_transfer(&id, &["complete"]).await;
    let gib = size >> 30;
    for (of, person) in [("sender", &ada), ("recipient", &bob)] {
        say(
            &format!("memory: of the {of}, at most, {gib} GiB"),
            &format!("{:.0} MB", peak(person.rpc().pid())),
        );
    }
}

async fn send(from: &Person, to: &Person, path: &Path) -> String {
    from.offer(to, path).await;
    let name = path.file_name().and_then(|name| name.to_str()).expect("a name");
    let id = to.await_offer(from, name).await;
    to.rpc().call("file.accept", json!({"id": id})).await;
    id
}

/// Messages one after the other: at least forty, and on as long as something goes on, up to so many.
async fn chat(from: &Person, to: &Person, mut goes_on: impl AsyncFnMut() -> bool) -> (Duration, Duration) {
    let mut took = Vec::new();
    while took.len() < 40 || (took.len() < 2_000 && goes_on().await) {
        took.push(from.say_quickly(to, &format!("message {}", took.len())).await);
    }
    took.sort();
    let at = |percent: usize| took.get(took.len() * percent / 100).copied().unwrap_or_default();
    (at(50), at(95))
}

/// From now on [`peak`] is that of what comes (proc(5), `clear_refs`).
fn forget_peak(pid: u32) {
    std::fs::write(Path::new("/proc").join(pid.to_string()).join("clear_refs"), "5").expect("a process of ours");
}

/// Resident at most, in MB.
fn peak(pid: u32) -> f64 {
    memory(pid, "VmHWM:") as f64 * 1024.0 / 1e6
}

fn both(p50: Duration, p95: Duration) -> String {
    format!("{:.0} and {:.0} ms", p50.as_secs_f64() * 1e3, p95.as_secs_f64() * 1e3)
}

const FILE: usize = 256 << 20;
