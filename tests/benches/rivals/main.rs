//! Outis beside what people would use instead, in one run on one machine: Tor's onion services, which hide as much, and
//! c-toxcore, which hides nothing.
//!
//! Run by `make bench` (or `cargo bench -p outis-tests --bench rivals`), which installs Debian's `tor` and `libtoxcore-dev`.
//! It prints numbers and what they are to each other, and judges none; on a busy machine they mean nothing.

// What a program does not tell ends the measurement.
#![allow(clippy::indexing_slicing)]

mod tor;
mod tox;

use outis_tests::process::{Person, Relay, Rpc, Setting, folder};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tor::Tor;
use tox::Tox;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(compare());
}

async fn compare() {
    let outis = Outis::measure().await;
    let tor = Tor::start().await;
    let (fresh, trips) = (tor.fresh_connections(20).await, tor.round_trips(300).await);
    let (one, four) = (tor.rate(1).await, tor.rate(4).await);
    drop(tor);
    let tox = Tox::measure(1_000);
    let usual = Tox::measure(0);

    say("new account to first contact", "");
    row(
        "  outis: account made, somebody asked, accepted",
        &seconds(outis.first_contact),
        None,
    );
    row(
        "  outis: without making its keys (Argon2id)",
        &seconds(outis.meeting),
        None,
    );
    row(
        "  c-toxcore",
        &seconds(tox.met),
        Some(ratio(outis.first_contact, tox.met)),
    );

    say("a text, sent to delivered (p50, p95)", "");
    row("  outis: stored, delivered, receipted", &two(&outis.delivered), None);
    let against = ratio(at(&outis.delivered, 50), at(&trips, 50));
    row(
        "  Tor onion service: one round trip, nothing stored",
        &two(&trips),
        Some(against),
    );
    let against = ratio(at(&outis.delivered, 50), at(&tox.receipts, 50));
    row(
        "  c-toxcore: receipt, nothing stored, direct",
        &two(&tox.receipts),
        Some(against),
    );

    say("a fresh way (p50, p95)", "");
    if outis.circuits.is_empty() {
        row("  outis", "no circuits", None);
    } else {
        row("  outis: circuit of three relays", &two(&outis.circuits), None);
    }
    let against = (!outis.circuits.is_empty()).then(|| ratio(at(&outis.circuits, 50), at(&fresh, 50)));
    row("  Tor: connection to an onion service", &two(&fresh), against);

    say("a file", "");
    row("  outis: 256 MiB, offered to complete", &rate(outis.rate), None);
    row("  Tor onion service, one stream", &rate(one), Some(outis.rate / one));
    row(
        "  Tor onion service, four streams",
        &rate(four),
        Some(outis.rate / four),
    );
    row(
        "  c-toxcore, direct, a turn each millisecond",
        &rate(tox.rate),
        Some(outis.rate / tox.rate),
    );
    row(
        "  c-toxcore, direct, turns as it asks for",
        &rate(usual.rate),
        Some(outis.rate / usual.rate),
    );
}

/// What two people on Outis wait for.
struct Outis {
    first_contact: Duration,
    meeting: Duration,
    delivered: Vec<Duration>,
    circuits: Vec<Duration>,
    rate: f64,
}

impl Outis {
    /// Ten relays and two people, each a process of their own.
    async fn measure() -> Self {
        let mut relays = Relay::six().await;
        while relays.len() < 10 {
            relays.push(Relay::start(&Setting::among(&relays[..1])).await);
        }
        let setting = Setting::among(&relays[..3]);
        let bob = Person::create("Bob", &setting).await;
        let begun = Instant::now();
        let ada = Person::create("Ada", &setting).await;
        let made = Instant::now();
        ada.ask(&bob, "hello").await;
        bob.await_contact(&ada, "incoming").await;
        bob.accept(&ada).await;
        ada.await_contact(&bob, "accepted").await;
        let (first_contact, meeting) = (begun.elapsed(), made.elapsed());

        let mut delivered = Vec::new();
        for number in 0..MESSAGES {
            let (from, to) = if number % 2 == 0 { (&ada, &bob) } else { (&bob, &ada) };
            delivered.push(from.say_quickly(to, &format!("message {number}")).await);
        }
        delivered.sort();

        let mut circuits: Vec<Duration> = [built(ada.rpc()).await, built(bob.rpc()).await].concat();
        circuits.sort();

        let files = folder();
        let path = files.path().join("file.bin");
        std::fs::write(&path, vec![0x5a; FILE]).expect("room for a file");
        let offered = Instant::now();
        let sent = ada.offer(&bob, &path).await;
        let taken = bob.await_offer(&ada, "file.bin").await;
        bob.rpc().call("file.accept", json!({"id": taken})).await;
        bob.await_transfer(&taken, &["complete"]).await;
        ada.await_transfer(&sent, &["complete"]).await;
        let rate = FILE as f64 / offered.elapsed().as_secs_f64();
        Self {
            first_contact,
            meeting,
            delivered,
            circuits,
            rate,
        }
    }
}

/// How long the circuits took that a person has now.
async fn built(rpc: &Rpc) -> Vec<Duration> {
    let status: Value = rpc.call("network.status", json!({})).await;
    let circuits = status["circuits"].as_array().cloned().unwrap_or_default();
    let took = circuits.iter().filter_map(|circuit| circuit["built_ms"].as_u64());
    took.map(Duration::from_millis).collect()
}

fn at(sorted: &[Duration], percent: usize) -> Duration {
    let nth = sorted.len() * percent / 100;
    sorted.get(nth).or(sorted.last()).copied().unwrap_or_default()
}

fn ratio(ours: Duration, theirs: Duration) -> f64 {
    ours.as_secs_f64() / theirs.as_secs_f64()
}

fn seconds(took: Duration) -> String {
    format!("{:.2} s", took.as_secs_f64())
}

fn two(sorted: &[Duration]) -> String {
    let millis = |percent: usize| at(sorted, percent).as_secs_f64() * 1e3;
    format!("{:.0} ms, {:.0} ms", millis(50), millis(95))
}

fn rate(bytes: f64) -> String {
    format!("{:.1} MB/s", bytes / 1e6)
}

fn row(what: &str, how_much: &str, against: Option<f64>) {
    let against = against
        .map(|ratio| format!("   outis is at {ratio:.2} of it"))
        .unwrap_or_default();
    say(what, &format!("{how_much}{against}"));
}

#[allow(clippy::print_stdout, reason = "a benchmark speaks to whoever runs it")]
fn say(what: &str, how_much: &str) {
    println!("{what:<52} {how_much}");
}

const MESSAGES: usize = 60;
const FILE: usize = 256 << 20;
