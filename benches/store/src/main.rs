//! The container beside SQLCipher and bare sled: the same messages, in the same order, on the same disk, in one run.
//!
//! Each store has a process of its own, so that its memory is its own. `OUTIS_BENCH_MESSAGES` (1 000 000) says how many
//! messages of about 300 bytes go into 200 conversations; `OUTIS_BENCH_DIR` where. SQLCipher is measured without a search
//! index, like the others, and with one (FTS5); the container's own index is a layer above it.

mod bare;
mod container;
mod messages;
mod sqlcipher;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use messages::{CONVERSATIONS, Message, Random};

/// What is measured of each.
trait Store: Sync {
    /// All of them or none; on the disk when it returns.
    fn put(&self, batch: &[Message]);
    /// How many of the newest 50 of a conversation there are; all of them read.
    fn last_50(&self, conversation: u32) -> usize;
    /// One message.
    fn get(&self, conversation: u32, number: u64) -> Vec<u8>;
}

type Open = fn(&Path) -> Box<dyn Store>;

const STORES: [(&str, Open); 4] = [
    ("outis", container::open),
    ("sqlcipher", sqlcipher::open),
    ("sqlcipher+fts5", sqlcipher::open_with_search),
    ("sled", bare::open),
];

/// Name of a row, and whether more is better.
const ROWS: [(&str, bool); 13] = [
    ("inserts/s, batches of 100", true),
    ("durable commits/s, one thread", true),
    ("durable commits/s, 8 threads", true),
    ("last 50, p50 us", false),
    ("last 50, p99 us", false),
    ("random message, p50 us", false),
    ("random message, p99 us", false),
    ("opening, ms", false),
    ("first 50 after opening, us", false),
    ("disk, MB", false),
    ("disk / payload, %", false),
    ("memory while writing (peak), MB", false),
    ("memory while reading, MB", false),
];

fn main() {
    let mut arguments = std::env::args().skip(1);
    match (arguments.next(), arguments.next()) {
        (Some(role), Some(store)) if role == "--measure" => measure(&store),
        _ => compare(),
    }
}

fn compare() {
    let mut table: BTreeMap<&str, Vec<Option<f64>>> = BTreeMap::new();
    for (store, _) in STORES {
        let mut child = Command::new(std::env::current_exe().expect("a program has a path"))
            .args(["--measure", store])
            .stdout(Stdio::piped())
            .spawn()
            .expect("this program again");
        let mut row: Vec<Option<f64>> = Vec::new();
        for line in BufReader::new(child.stdout.take().expect("piped")).lines().map_while(Result::ok) {
            eprintln!("{store}: {line}");
            row.push(line.split_whitespace().last().and_then(|number| number.parse().ok()));
        }
        assert!(child.wait().expect("it ran").success(), "{store} failed");
        table.insert(store, row);
    }
    let ours = &table["outis"];
    println!("\n{} messages in {CONVERSATIONS} conversations\n", count());
    print!("{:<34}{:>12}", "", "outis");
    STORES[1..].iter().for_each(|(store, _)| print!("{store:>16}{:>8}", "ratio"));
    println!("     (ratio > 1: outis is ahead)");
    for (number, (name, more_is_better)) in ROWS.iter().enumerate() {
        print!("{name:<34}{:>12.1}", ours[number].unwrap_or(f64::NAN));
        for (store, _) in &STORES[1..] {
            let (theirs, mine) = (table[store][number].unwrap_or(f64::NAN), ours[number].unwrap_or(f64::NAN));
            let ratio = if *more_is_better { mine / theirs } else { theirs / mine };
            print!("{theirs:>16.1}{ratio:>8.2}");
        }
        println!();
    }
}

fn measure(name: &str) {
    let open = STORES.iter().find(|(store, _)| *store == name).expect("one of the four").1;
    let home = std::env::var_os("OUTIS_BENCH_DIR").map_or_else(std::env::temp_dir, PathBuf::from);
    let dir = tempfile::tempdir_in(home).expect("room for a folder");
    let count = count();
    let mut random = Random::new(1);
    let mut writer = messages::Writer::default();
    let store = open(dir.path());

    let mut payload = 0;
    let mut took = Duration::ZERO;
    for start in (0..count).step_by(100) {
        let batch: Vec<Message> = (start..count.min(start + 100)).map(|_| writer.next(&mut random)).collect();
        payload += batch.iter().map(|message| message.text.len() as u64).sum::<u64>();
        let begun = Instant::now();
        store.put(&batch);
        took += begun.elapsed();
    }
    say(0, count as f64 / took.as_secs_f64());

    let singles: Vec<Message> = (0..SINGLES).map(|_| writer.next(&mut random)).collect();
    let took = timed(|| singles.iter().for_each(|message| store.put(std::slice::from_ref(message))));
    say(1, SINGLES as f64 / took.as_secs_f64());

    let singles: Vec<Message> = (0..4 * SINGLES).map(|_| writer.next(&mut random)).collect();
    let next = AtomicU64::new(0);
    let took = timed(|| {
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    while let Some(message) = singles.get(next.fetch_add(1, Ordering::Relaxed) as usize) {
                        store.put(std::slice::from_ref(message));
                    }
                });
            }
        });
    });
    say(2, singles.len() as f64 / took.as_secs_f64());

    let writing = memory("VmHWM");
    let mut times: Vec<Duration> = (0..5 * CONVERSATIONS)
        .map(|n| {
            let mut found = 0;
            let took = timed(|| found = store.last_50(n % CONVERSATIONS));
            assert_eq!(found as u64, 50.min(writer.written(n % CONVERSATIONS)));
            took
        })
        .collect();
    times.sort();
    say(3, micros(times[times.len() / 2]));
    say(4, micros(times[times.len() * 99 / 100]));

    let mut times: Vec<Duration> = (0..20_000)
        .map(|_| {
            let conversation = random.below(u64::from(CONVERSATIONS)) as u32;
            let number = random.below(writer.written(conversation).max(1));
            timed(|| assert!(store.get(conversation, number).len() >= messages::SHORTEST))
        })
        .collect();
    times.sort();
    say(5, micros(times[times.len() / 2]));
    say(6, micros(times[times.len() * 99 / 100]));

    drop(store);
    let begun = Instant::now();
    let store = open(dir.path());
    say(7, begun.elapsed().as_secs_f64() * 1e3);
    say(8, micros(timed(|| assert!(store.last_50(0) > 0))));
    let reading = memory("VmRSS");
    drop(store);
    let disk = size(dir.path());
    say(9, disk as f64 / 1e6);
    say(10, disk as f64 * 100.0 / payload as f64);
    say(11, writing / 1e3);
    say(12, reading / 1e3);
}

fn say(row: usize, value: f64) {
    println!("{} {value}", ROWS[row].0);
}

fn count() -> u64 {
    let given = std::env::var("OUTIS_BENCH_MESSAGES").ok().and_then(|count| count.parse().ok());
    given.unwrap_or(1_000_000)
}

fn timed(work: impl FnOnce()) -> Duration {
    let begun = Instant::now();
    work();
    begun.elapsed()
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

/// Kilobytes, as the system counts them for this process.
fn memory(what: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with(what));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok()).unwrap_or(f64::NAN)
}

fn size(path: &Path) -> u64 {
    let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
    let of = |entry: std::fs::DirEntry| match entry.metadata() {
        Ok(meta) if meta.is_dir() => size(&entry.path()),
        Ok(meta) => allocated(&meta),
        Err(_) => 0,
    };
    entries.map(of).sum()
}

/// What it takes on the disk, in whole blocks.
#[cfg(unix)]
fn allocated(meta: &std::fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::blocks(meta) * 512
}

#[cfg(not(unix))]
fn allocated(meta: &std::fs::Metadata) -> u64 {
    meta.len()
}

const SINGLES: u64 = 2_000;
