//! No nonce is drawn twice, whatever happens to the disk. Under one key or another: no pair of key and nonce repeats then.
//! The full figure (10^6 sealed values) runs when `OUTIS_SOAK` is set.

use std::collections::HashSet;

use super::*;

/// Every nonce that was ever written, and how many were written more than once.
#[derive(Default)]
struct Nonces {
    seen: HashSet<[u8; 24]>,
    sealed: u64,
    repeated: u64,
}

impl Nonces {
    fn note(&mut self, disk: &MemoryDisk) {
        for (offset, sealed) in disk.take_written() {
            let nonce = sealed[offset..offset + 24].try_into().unwrap();
            self.sealed += 1;
            self.repeated += u64::from(!self.seen.insert(nonce));
        }
    }
}

/// One process after the other on disks that crash, that are put back and that are copied. `seed` gives each its
/// randomness.
fn live(sealed: u64, seed: impl Fn(u64) -> u64) -> Nonces {
    let mut nonces = Nonces::default();
    let keys = || Keys::new(Secret::from_bytes([1; 32]));
    let rng = |opening| -> Rng { Box::new(ChaCha20Rng::seed_from_u64(seed(opening))) };
    let mut disk = MemoryDisk::new(1);
    let mut engine = disk.mount();
    let mut state = State::create(&engine, keys(), rng(0)).unwrap();
    let (mut older, mut opening, mut n) = (disk.fork(), 1u64, 0u64);
    while nonces.sealed < sealed {
        n += 1;
        let owner = [u8::try_from(n % 5).unwrap(); 32];
        let mut commit = Commit::new()
            .put(Key::new(TABLE, owner, n % 400), vec![1; 40])
            .put(Key::single(SESSIONS), vec![2; 100]);
        if n.is_multiple_of(7) {
            commit = commit.erase(Key::new(TABLE, owner, (n * 31) % 400));
        }
        if n.is_multiple_of(97) {
            disk.crash_after(n / 97 % 6);
        }
        let committed = state
            .commit(&engine, commit)
            .and_then(|applied| Ok(engine.sync(applied.number)?));
        nonces.note(&disk);
        let is_over = committed.is_err();
        disk.cancel_crash();
        match n {
            _ if is_over => disk.restart(),
            _ if n.is_multiple_of(389) => disk = older.fork(),
            _ if n.is_multiple_of(577) => older = disk.fork(),
            _ => continue,
        }
        engine = disk.mount();
        state = State::open(&engine, keys(), rng(opening)).unwrap();
        opening += 1;
    }
    nonces
}

#[test]
fn over_crashes_rollbacks_and_copies_no_nonce_is_used_twice() {
    let sealed = if std::env::var_os("OUTIS_SOAK").is_some() {
        1_000_000
    } else {
        10_000
    };
    let nonces = live(sealed, |opening| opening);
    assert!(nonces.sealed >= sealed);
    assert_eq!(nonces.repeated, 0);
    let control = live(2_000, |_| 7);
    assert!(
        control.repeated > 0,
        "positive control: randomness that begins anew each time"
    );
}
