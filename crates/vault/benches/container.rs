//! Measures a container on this machine's disk: `OUTIS_BENCH_MESSAGES=1000000 cargo bench -p outis-vault`.
//!
//! `OUTIS_BENCH_OVERWRITES` likewise says how often sessions are overwritten.
//!
//! It commits as the messenger does: a new message, the session's new state over the old, the outbox entry put and erased.

use std::path::Path;
use std::time::{Duration, Instant};

use outis_crypto::os_rng;
use outis_crypto::password::Cost;
use outis_vault::{Commit, Key, Order, Table, Vault};

const MESSAGES: Table = Table(1);
const SESSIONS: Table = Table(2);
const OUTBOX: Table = Table(3);
const CONVERSATIONS: u64 = 200;

fn main() {
    let messages = count("OUTIS_BENCH_MESSAGES", 20_000);
    let dir = std::env::temp_dir().join(format!("outis-measure-{}", std::process::id()));
    let vault = Vault::create(&dir, "ada", b"password", Cost::dangerously_cheap(), os_rng()).expect("a fresh folder");

    let bulk = timed(|| {
        for start in (0..messages).step_by(100) {
            let batch =
                (start..(start + 100).min(messages)).fold(Commit::new(), |commit, n| commit.put(message(n), text(n)));
            vault.commit(batch).expect("there is room");
        }
    });
    report("messages a second, durable, in batches of 100", rate(messages, bulk));
    report("bytes on disk a message", disk(&dir) as f64 / messages as f64);

    let singles = 2_000.min(messages);
    let plain = timed(|| {
        for n in messages..messages + singles {
            vault
                .commit(Commit::new().put(message(n), text(n)))
                .expect("there is room");
        }
    });
    report("durable commits a second, one new message each", rate(singles, plain));

    let whole = timed(|| {
        for n in 0..singles {
            let session = Key::new(SESSIONS, owner(n), 0);
            let commit = Commit::new()
                .put(message(messages + singles + n), text(n))
                .put(session, vec![7; 2_400]);
            let commit = commit.put(Key::new(OUTBOX, owner(n), n / CONVERSATIONS), vec![1; 60]);
            let commit = if n >= CONVERSATIONS {
                commit.erase(Key::new(OUTBOX, owner(n), n / CONVERSATIONS - 1))
            } else {
                commit
            };
            vault.commit(commit).expect("there is room");
        }
    });
    report(
        "durable commits a second, as for a received message",
        rate(singles, whole),
    );

    let batch = count("OUTIS_BENCH_BATCH", 50);
    let overwrites = count("OUTIS_BENCH_OVERWRITES", 20_000);
    let churn = timed(|| {
        for start in (0..overwrites).step_by(usize::try_from(batch).unwrap_or(1)) {
            let batch = (start..start + batch).fold(Commit::new(), |commit, n| {
                commit.put(Key::new(SESSIONS, owner(n), 0), vec![7; 2_400])
            });
            vault.commit(batch).expect("there is room");
        }
    });
    report("overwrites a second, durable, in batches", rate(overwrites, churn));
    report("bytes on disk in all after them", disk(&dir) as f64);

    let last = timed(|| {
        for conversation in 0..CONVERSATIONS {
            let found = vault
                .range(MESSAGES, &owner(conversation), .., Order::Descending, 50)
                .expect("readable");
            assert_eq!(found.len() as u64, 50.min(found.len() as u64));
        }
    });
    report(
        "microseconds for the last 50 of a conversation",
        last.as_micros() as f64 / CONVERSATIONS as f64,
    );
    vault.lock();
    report(
        "bytes on disk a message, at last",
        disk(&dir) as f64 / (messages + 2 * singles) as f64,
    );

    let mut reopened = None;
    let opening = timed(|| {
        reopened = Some(Vault::open(&dir, "ada", b"password", Cost::dangerously_cheap(), os_rng()).expect("it opens"));
    });
    report("milliseconds to open", opening.as_secs_f64() * 1e3);
    let cold = timed(|| {
        let vault = reopened.as_ref().expect("it opened");
        vault
            .range(MESSAGES, &owner(0), .., Order::Descending, 50)
            .expect("readable");
    });
    report("microseconds for the first 50 after opening", cold.as_micros() as f64);
    drop(reopened);
    std::fs::remove_dir_all(&dir).expect("it is ours");
}

fn count(variable: &str, default: u64) -> u64 {
    std::env::var(variable)
        .ok()
        .and_then(|count| count.parse().ok())
        .unwrap_or(default)
}

fn message(n: u64) -> Key {
    Key::new(MESSAGES, owner(n), n / CONVERSATIONS)
}

fn owner(n: u64) -> [u8; 32] {
    [u8::try_from(n % CONVERSATIONS).unwrap_or_default(); 32]
}

fn text(n: u64) -> Vec<u8> {
    vec![b'x'; 200 + usize::try_from(n % 150).unwrap_or_default()]
}

fn timed(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

fn rate(count: u64, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64()
}

fn disk(path: &Path) -> u64 {
    let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
    entries
        .map(|entry| {
            entry
                .metadata()
                .map_or(0, |meta| if meta.is_dir() { disk(&entry.path()) } else { meta.len() })
        })
        .sum()
}

#[expect(clippy::print_stdout, reason = "this is a program")]
fn report(what: &str, value: f64) {
    println!("{value:>12.0} {what}");
}
