//! Overwriting the same few records for long: what the disk, the memory and the table of open files make of it. The full
//! figure (10^6) runs when `OUTIS_SOAK` is set.

use std::fs;
use std::path::Path;

use outis_vault::{Commit, Key, Table};

use crate::writer::{create, open, scratch};

const SESSIONS: Table = Table(9);
const OWNERS: u64 = 200;
const BYTES: usize = 2_400;
const MIB: u64 = 1024 * 1024;

fn commit(round: u64) -> Commit {
    (0..50).fold(Commit::new(), |commit, n| {
        let owner = [u8::try_from((round * 50 + n) % OWNERS).unwrap(); 32];
        commit.put(
            Key::new(SESSIONS, owner, 0),
            vec![u8::try_from(round % 251).unwrap(); BYTES],
        )
    })
}

/// What the files take, by their lengths.
fn disk(path: &Path) -> u64 {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    let size = |entry: fs::DirEntry| match entry.metadata() {
        Ok(meta) if meta.is_dir() => disk(&entry.path()),
        Ok(meta) => meta.len(),
        Err(_) => 0,
    };
    entries.map(size).sum()
}

/// Bytes of memory that this process has in use.
fn memory() -> u64 {
    let pages = fs::read_to_string("/proc/self/statm").unwrap();
    pages.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 4096
}

fn open_files() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

#[test]
fn overwriting_for_long_keeps_disk_memory_and_open_files_flat() {
    let overwrites = if std::env::var_os("OUTIS_SOAK").is_some() {
        1_000_000
    } else {
        30_000
    };
    let rounds = overwrites / 50;
    let dir = scratch();
    let vault = create(dir.path());
    let live = OWNERS * BYTES as u64;
    let allowed = live * 3 / 2 + 64 * MIB;
    let mut early = None;
    let mut written = 0;
    for round in 0..rounds {
        vault.commit(commit(round)).unwrap();
        written += 50 * BYTES as u64;
        if round % 50 == 49 {
            let (disk, memory, files) = (disk(dir.path()), memory(), open_files());
            assert!(
                disk <= allowed,
                "{disk} bytes on the disk after {} overwrites",
                (round + 1) * 50
            );
            if round < rounds / 4 {
                early = Some((memory, files));
            }
            let (memory_before, files_before) = early.unwrap();
            // sled's own cache may still fill.
            assert!(
                memory <= memory_before + 64 * MIB,
                "{memory_before} to {memory} bytes of memory"
            );
            // While the store is written anew, there are two.
            assert!(files <= files_before + 16, "{files_before} to {files} open files");
        }
    }
    assert!(written > allowed, "positive control: more was written than may stay");
    vault.lock();
    let vault = open(dir.path(), 0).unwrap();
    assert_eq!(vault.check().unwrap(), []);
    assert_eq!(vault.owners(SESSIONS).unwrap().len() as u64, OWNERS);
}
