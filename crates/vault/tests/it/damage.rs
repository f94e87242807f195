//! A log with a hole in it, and all that sled can rebuild gone or garbage.

use std::fs;
use std::path::{Path, PathBuf};

use outis_crypto::os_rng;
use outis_crypto::password::Cost;
use outis_vault::{Commit, Key, Loss, OpenError, ReadError, Table, Vault};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::writer::{create, open, scratch};

const LINES: Table = Table(1);
const STATES: Table = Table(2);
const KEEPSAKE: &[u8] = b"who I am, and whom I know";

/// Three conversations, of which some rests in pages, and a state that is overwritten.
fn fill(vault: &Vault) -> Vec<(Key, Vec<u8>)> {
    let mut expected = Vec::new();
    for n in 0..200u64 {
        let mut commit = Commit::new();
        for owner in 0..3u8 {
            let key = Key::new(LINES, [owner; 32], n);
            let text = vec![owner; 100 + usize::try_from(n).unwrap()];
            commit = commit.put(key, text.clone());
            expected.push((key, text));
        }
        vault
            .commit(commit.put(Key::single(STATES), n.to_be_bytes().to_vec()))
            .unwrap();
    }
    expected.push((Key::single(STATES), 199u64.to_be_bytes().to_vec()));
    vault.keep(KEEPSAKE).unwrap();
    expected
}

fn account(dir: &Path) -> PathBuf {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    entries.into_iter().find(|path| path.join("store").is_dir()).unwrap()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, target).unwrap();
        }
    }
}

fn is_told(losses: &[Loss], key: &Key) -> bool {
    losses.iter().any(|loss| match loss {
        Loss::Latest => true,
        Loss::Table(table) => *table == key.table,
        Loss::Owner(table, owner) => (*table, *owner) == (key.table, key.owner),
        Loss::Record(lost) => lost == key,
    })
}

#[test]
fn a_hole_anywhere_in_the_log_is_told_and_what_is_sound_is_read() {
    let scratch = scratch();
    let (home, image) = (scratch.path().join("home"), scratch.path().join("image"));
    let vault = create(&home);
    let expected = fill(&vault);
    vault.lock();
    let trials = if std::env::var_os("OUTIS_SOAK").is_some() {
        1_000
    } else {
        40
    };
    let (mut closed, mut told, mut whole) = (0, 0, 0);
    for seed in 0..trials {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let _ = fs::remove_dir_all(&image);
        copy(&home, &image);
        let store = account(&image).join("store");
        let mut log = fs::read(store.join("db")).unwrap();
        let length = 1 << (rng.next_u32() % 14);
        let start = rng.next_u64() as usize % (log.len() - length);
        let fill = if seed % 2 == 0 { 0 } else { 0xA5 };
        log[start..start + length].fill(fill);
        fs::write(store.join("db"), log).unwrap();
        if seed % 3 == 0 {
            for entry in fs::read_dir(&store).unwrap() {
                let path = entry.unwrap().path();
                if path.file_name().unwrap().to_string_lossy().starts_with("snap.") {
                    fs::remove_file(path).unwrap();
                }
            }
        }
        let vault = match open(&image, 0) {
            Ok(vault) => vault,
            Err(OpenError::Damaged { .. }) => {
                closed += 1;
                let cost = Cost::dangerously_cheap();
                let (_, kept) = Vault::start_over(&image, "ada", b"password 0", cost, os_rng()).unwrap();
                assert_eq!(kept.unwrap().dangerously_expose(), KEEPSAKE);
                continue;
            }
            Err(error) => panic!("seed {seed}: {error:?}"),
        };
        let losses = vault.check().unwrap();
        told += u32::from(!losses.is_empty());
        whole += u32::from(losses.is_empty());
        for (key, value) in &expected {
            match vault.get(key) {
                Ok(Some(found)) if found.dangerously_expose() == value => {}
                Ok(_) | Err(ReadError::Damaged { .. }) => {
                    assert!(is_told(&losses, key), "seed {seed}: {key:?} was lost without a word");
                }
                Err(error) => panic!("seed {seed}: {error:?}"),
            }
        }
        assert_eq!(vault.kept().unwrap().unwrap().dangerously_expose(), KEEPSAKE);
    }
    assert!(
        closed + told > 0 && whole > 0,
        "positive control: {closed} closed, {told} told, {whole} whole"
    );
}

#[test]
fn what_sled_can_rebuild_may_be_gone_torn_stale_or_garbage() {
    let scratch = scratch();
    let (home, image) = (scratch.path().join("home"), scratch.path().join("image"));
    let vault = create(&home);
    vault.commit(Commit::new().put(Key::single(STATES), vec![1])).unwrap();
    vault.lock();
    let early = snapshot(&home);
    let vault = open(&home, 0).unwrap();
    let expected = fill(&vault);
    vault.lock();
    type Damage = fn(&Path, &Path, &[u8]);
    let damages: [(&str, Damage); 7] = [
        ("gone", |_, snapshot, _| fs::remove_file(snapshot).unwrap()),
        ("torn", |_, snapshot, _| {
            let bytes = fs::read(snapshot).unwrap();
            fs::write(snapshot, &bytes[..bytes.len() / 2]).unwrap();
        }),
        ("empty", |_, snapshot, _| fs::write(snapshot, b"").unwrap()),
        ("garbage", |_, snapshot, _| fs::write(snapshot, [7; 999]).unwrap()),
        ("of before", |_, snapshot, early| fs::write(snapshot, early).unwrap()),
        ("half made", |store, _, _| {
            fs::write(store.join("snap.00000000000ABCDE.generating"), [1; 99]).unwrap();
        }),
        ("its configuration garbage", |store, _, _| {
            fs::write(store.join("conf"), b"not a configuration").unwrap();
        }),
    ];
    for (name, damage) in damages {
        let _ = fs::remove_dir_all(&image);
        copy(&home, &image);
        let store = account(&image).join("store");
        damage(&store, &snapshot_path(&image), &early);
        let vault = open(&image, 0).unwrap_or_else(|error| panic!("{name}: {error:?}"));
        assert_eq!(vault.check().unwrap(), [], "{name}");
        for (key, value) in &expected {
            let found = vault.get(key).unwrap();
            assert_eq!(found.unwrap().dangerously_expose(), value, "{name}");
        }
    }
}

fn snapshot_path(dir: &Path) -> PathBuf {
    let entries = fs::read_dir(account(dir).join("store")).unwrap();
    let mut names = entries.map(|entry| entry.unwrap().path());
    let is_snapshot = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().starts_with("snap.");
    names.find(is_snapshot).expect("sled wrote one when it was opened")
}

fn snapshot(dir: &Path) -> Vec<u8> {
    fs::read(snapshot_path(dir)).unwrap()
}
