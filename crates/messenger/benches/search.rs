//! Measures the search on this machine's disk: `OUTIS_BENCH_MESSAGES=1000000 cargo bench -p outis-messenger`.
//!
//! The lines come in as from an archive; then the index is made of them by the messenger's own loop, and words are looked
//! for that stand in one line of two, of a thousand, and in one of all.

use outis_crypto::os_rng;
use outis_crypto::password::Cost;
use outis_identity::{Identity, Nickname, Password};
use outis_messenger::{Clock, Config, Messenger, Origin};
use outis_vault::Vault;
use outis_wire::UnixMillis;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// As an archive holds it: table, owner, index, bytes.
type Record = (u8, [u8; 32], u64, Vec<u8>);

const TEXT: usize = 100;
const RUNS: usize = 200;
const TIME: u64 = 1_700_000_000_000;

fn main() {
    let lines = std::env::var("OUTIS_BENCH_MESSAGES").map_or(20_000, |text| text.parse().expect("a number"));
    let dir = std::env::temp_dir().join(format!("outis-search-{}", std::process::id()));
    let vault = Vault::create(&dir, "ada", b"password", Cost::dangerously_cheap(), os_rng()).expect("a fresh folder");
    let vault = Arc::new(vault);
    let template = template();
    for start in (1..=lines).step_by(500) {
        let batch: Vec<Record> = (start..(start + 500).min(lines + 1))
            .flat_map(|n| template.iter().map(move |record| with_text(record, n)))
            .collect();
        Messenger::import(&vault, &outis_wire::encode(&batch)).expect("there is room");
    }
    let before = disk(&dir);
    let messenger = open(&vault);
    let indexing = timed(|| messenger.index_all().expect("there is room"));
    report(
        "microseconds to index a line",
        indexing.as_secs_f64() * 1e6 / lines as f64,
    );
    report(
        "bytes of index a line on disk",
        disk(&dir).saturating_sub(before) as f64 / lines as f64,
    );
    for (what, query) in [
        ("in every other line", "common".to_owned()),
        ("in one of a thousand", "seldom7".to_owned()),
        ("in one line", format!("once{}", lines / 2)),
        ("in none", "nowhere".to_owned()),
        ("of one letter", "o".to_owned()),
        ("two common words", "common word1".to_owned()),
    ] {
        let mut times: Vec<Duration> = (0..RUNS)
            .map(|_| timed(|| drop(messenger.search(&query, None, 50).expect("reads"))))
            .collect();
        times.sort_unstable();
        report(
            &format!("microseconds to find 50, half of the runs: a word {what}"),
            times.get(RUNS / 2).map_or(0.0, Duration::as_secs_f64) * 1e6,
        );
    }
    let words = 1_000.min(lines);
    let saying = timed(|| {
        for n in 0..words {
            let text = text(lines + n);
            messenger
                .send_text(&messenger.address(), text, None)
                .expect("there is room");
            messenger.index_all().expect("there is room");
        }
    });
    report(
        "notes a second, stored and indexed",
        words as f64 / saying.as_secs_f64(),
    );
    vault.lock();
    std::fs::remove_dir_all(&dir).expect("it is ours");
}

/// The records of one note to self, from a messenger's own export.
fn template() -> Vec<Record> {
    let disk = outis_vault::MemoryDisk::new(1);
    let vault = Arc::new(Vault::in_memory(&disk, os_rng()).expect("opens"));
    let messenger = open(&vault);
    messenger
        .send_text(&messenger.address(), "x".repeat(TEXT), None)
        .expect("is stored");
    let mut records = Vec::new();
    messenger
        .export::<()>(|item, _, _| {
            records.extend(outis_wire::decode::<Vec<Record>>(item, 1 << 20).expect("reads"));
            Ok(())
        })
        .expect("reads");
    records
}

fn with_text((table, owner, _, bytes): &Record, n: u64) -> Record {
    let time = |at| outis_wire::encode(&UnixMillis(at));
    let mut bytes = bytes.clone();
    replace(&mut bytes, &[b'x'; TEXT], text(n).as_bytes());
    replace(&mut bytes, &time(TIME), &time(TIME + n));
    (*table, *owner, n, bytes)
}

/// Wherever one stands, puts another of the same length.
fn replace(bytes: &mut [u8], old: &[u8], new: &[u8]) {
    assert_eq!(old.len(), new.len(), "nothing moves");
    let mut from = 0;
    while let Some(place) = bytes
        .get(from..)
        .and_then(|rest| rest.windows(old.len()).position(|window| window == old))
    {
        from += place;
        if let Some(to) = bytes.get_mut(from..from + old.len()) {
            to.copy_from_slice(new);
        }
        from += old.len();
    }
}

/// Some fifteen words: a few that everybody uses, most from a vocabulary of ten thousand.
fn text(n: u64) -> String {
    let mut text = format!("once{n} seldom{} ", n % 1_000);
    if n.is_multiple_of(2) {
        text.push_str("common ");
    }
    let mut random = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    while text.len() < TEXT {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let spread = (random >> 33) % 100;
        text.push_str(&format!("word{} ", spread * spread * (random >> 50) / 16_384 % 10_000));
    }
    text.truncate(TEXT);
    text
}

fn open(vault: &Arc<Vault>) -> Messenger {
    let nickname = Nickname::parse("ada").expect("a nickname");
    let password = Password::parse("password").expect("a password");
    let identity = Identity::derive(&nickname, &password, Cost::dangerously_cheap()).expect("is cheap");
    let config = Config {
        network: "test-bench".parse().expect("a name"),
        nickname: "ada".to_owned(),
        origin: Origin::Created,
    };
    Messenger::open(Arc::clone(vault), identity, config, clock(), os_rng()).expect("opens")
}

fn clock() -> impl Clock {
    || UnixMillis(TIME)
}

fn timed(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

#[allow(clippy::print_stdout)]
fn report(what: &str, value: f64) {
    println!("{value:>12.1} {what}");
}

fn disk(dir: &Path) -> u64 {
    let entries = std::fs::read_dir(dir).expect("it is ours");
    entries
        .map(|entry| {
            let entry = entry.expect("it is ours");
            let of = entry.metadata().expect("it is ours");
            if of.is_dir() { disk(&entry.path()) } else { of.len() }
        })
        .sum()
}
