use super::*;
use outis_mailbox::{Change, Shelf};
use std::{
    collections::VecDeque,
    fs,
    panic::{self, AssertUnwindSafe},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

const MIB: u64 = 1 << 20;

/// What a folder takes while something happens: the most that was seen, by somebody who does nothing but look.
fn most_taken(dir: &Path, during: impl FnOnce()) -> u64 {
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let looking = scope.spawn(|| {
            let mut most = 0;
            while !over.load(Ordering::Relaxed) {
                most = taken(dir).max(most);
                thread::park_timeout(Duration::from_millis(1));
            }
            most
        });
        let done = panic::catch_unwind(AssertUnwindSafe(during));
        over.store(true, Ordering::Relaxed);
        let most = looking.join().unwrap();
        done.map_or_else(|cause| panic::resume_unwind(cause), |()| most)
    })
}

fn taken(dir: &Path) -> u64 {
    // A file may be gone before it is asked about.
    let entries = fs::read_dir(dir).into_iter().flatten().filter_map(Result::ok);
    let sizes = entries.filter_map(|entry| {
        let about = entry.metadata().ok()?;
        Some(if about.is_dir() {
            taken(&entry.path())
        } else {
            about.len()
        })
    });
    sizes.sum()
}

/// Puts so many bytes of envelopes as a mailbox does, and removes the oldest as they are fetched: at most `live` bytes stay.
fn flood(dir: &Path, live: u64, offered: u64) {
    let shelf = DiskShelf::new(Arc::new(RelayStore::open(dir).unwrap()));
    let (mut kept, mut put, mut number) = (VecDeque::new(), 0, 0_u64);
    while put < offered {
        number += 1;
        let size = [4_096, 16_384, 69_632, 69_632][(number % 4) as usize];
        // Ids are hashes, so keys come in no order, and contents are sealed.
        let id = outis_crypto::hash(outis_crypto::label::MAILBOX_SPENT, &[&number.to_be_bytes()]);
        let noise = |at: usize| id[at % 32] ^ ((at * at) >> 9) as u8;
        let [envelope, meta] = ["e", "m"].map(|kind| [kind.as_bytes(), &id, &number.to_be_bytes()].concat());
        kept.push_back((envelope.clone(), meta.clone(), size as u64));
        put += size as u64;
        let mut changes = vec![
            Change::Put {
                key: envelope,
                value: (0..size).map(noise).collect(),
            },
            Change::Put {
                key: meta,
                value: vec![7; 80],
            },
        ];
        let mut there = shelf.size() + size as u64 + RECORDS;
        while there > live {
            let (envelope, meta, size) = kept.pop_front().unwrap();
            changes.extend([envelope, meta].map(|key| Change::Remove { key }));
            there -= size;
        }
        shelf.apply(changes).unwrap();
        if number % 16 == 0 {
            shelf.sync().unwrap();
        }
    }
    shelf.sync().unwrap();
    let there = shelf.size();
    assert!(there <= live && there > live / 2, "{there} of {live}");
}

/// What stands around an envelope.
const RECORDS: u64 = 1_024;

#[test]
fn what_is_kept_for_others_never_takes_more_of_the_disk_than_its_owner_gave() {
    let (quota, offered) = if std::env::var_os("OUTIS_SOAK").is_some() {
        (1024 * MIB, 10_000_000_000)
    } else {
        (256 * MIB, 160 * MIB)
    };
    let dir = tempfile::tempdir().unwrap();
    let live = live_within(quota);
    assert!(live >= quota / 8, "{live} are worth giving {quota} for");
    let most = most_taken(dir.path(), || flood(dir.path(), live, offered));
    assert!(most <= quota, "{} MiB of {} MiB", most / MIB, quota / MIB);
}

#[test]
fn the_control_a_store_that_is_filled_up_to_the_quota_takes_more() {
    let quota = 64 * MIB;
    let dir = tempfile::tempdir().unwrap();
    let most = most_taken(dir.path(), || flood(dir.path(), quota, 2 * quota));
    assert!(most > quota, "{} MiB of {} MiB", most / MIB, quota / MIB);
}
