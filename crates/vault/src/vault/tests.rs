use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use outis_crypto::password::Cost;
use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;

use super::*;
use crate::{FileError, FileId, Layout, Loss};

const TABLE: Table = Table(7);
const OTHER: Table = Table(8);
const CHEAP: Cost = Cost::dangerously_cheap();

fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

fn key(index: u64) -> Key {
    Key::new(TABLE, [1; 32], index)
}

fn read(vault: &Vault, key: &Key) -> Option<Vec<u8>> {
    vault.get(key).unwrap().map(|value| value.dangerously_expose().to_vec())
}

fn create(dir: &Path) -> Vault {
    Vault::create(dir, "ada", b"password", CHEAP, rng(1)).unwrap()
}

fn open(dir: &Path) -> Result<Vault, OpenError> {
    Vault::open(dir, "ada", b"password", CHEAP, rng(2))
}

/// The only account's folder.
fn folder(dir: &Path) -> PathBuf {
    fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.is_dir())
        .unwrap()
}

#[test]
fn what_was_committed_is_there_after_opening_again() {
    let dir = tempfile::tempdir().unwrap();
    let vault = create(dir.path());
    let large = vec![9; crate::MAX_RECORD_BYTES];
    vault
        .commit(Commit::new().put(key(1), b"one".to_vec()).put(key(2), large.clone()))
        .unwrap();
    vault
        .commit(Commit::new().put(key(3), b"three".to_vec()).erase(key(1)))
        .unwrap();
    vault.lock();
    let vault = open(dir.path()).unwrap();
    assert_eq!(read(&vault, &key(1)), None);
    assert_eq!(read(&vault, &key(2)), Some(large));
    assert_eq!(read(&vault, &key(3)), Some(b"three".to_vec()));
    assert_eq!(vault.owners(TABLE).unwrap(), [[1; 32]]);
    assert_eq!(vault.count(TABLE, &[1; 32]).unwrap(), 2);
    assert_eq!(vault.last_index(TABLE, &[1; 32]).unwrap(), Some(3));
    let blobs = fs::read_dir(folder(dir.path()).join("store/blobs")).unwrap().count();
    assert_eq!(blobs, 0, "sled never syncs its blob files, so there must be none");
}

#[test]
fn wrong_nickname_wrong_password_and_missing_account_are_one_error_after_the_same_work() {
    let with = tempfile::tempdir().unwrap();
    let without = tempfile::tempdir().unwrap();
    create(with.path()).lock();
    let attempts = [
        (with.path(), "adb", b"password".as_slice()),
        (with.path(), "ada", b"passwore"),
        (without.path(), "ada", b"password"),
        (Path::new("/nonexistent/outis"), "ada", b"password"),
    ];
    for (dir, nickname, password) in attempts {
        let mut runs = 0;
        let mut real = argon2id(CHEAP);
        let mut counted = |password: &[u8], salt: &[u8; 32]| {
            runs += 1;
            real(password, salt)
        };
        let opened = Vault::open_with(dir, Credentials { nickname, password }, &mut counted, Box::new(rng(3)));
        assert!(matches!(opened, Err(OpenError::WrongCredentials)));
        assert_eq!(runs, 1);
    }
    assert!(open(with.path()).is_ok(), "positive control: the right ones open");
}

#[test]
fn a_vault_is_open_only_once() {
    let dir = tempfile::tempdir().unwrap();
    let vault = create(dir.path());
    assert!(matches!(open(dir.path()), Err(OpenError::InUse)));
    vault.lock();
    assert!(open(dir.path()).is_ok());
}

#[test]
fn the_same_credentials_make_only_one_account() {
    let dir = tempfile::tempdir().unwrap();
    create(dir.path()).lock();
    assert!(matches!(
        Vault::create(dir.path(), "ada", b"password", CHEAP, rng(4)),
        Err(CreateError::Exists)
    ));
    Vault::create(dir.path(), "bob", b"password", CHEAP, rng(5))
        .unwrap()
        .lock();
    assert!(open(dir.path()).is_ok());
}

#[test]
fn after_locking_nothing_works_on_any_handle() {
    let dir = tempfile::tempdir().unwrap();
    let vault = create(dir.path());
    let handle = vault.clone();
    vault.lock();
    assert!(matches!(handle.get(&key(1)), Err(ReadError::Locked)));
    assert!(matches!(
        handle.commit(Commit::new().erase(key(1))),
        Err(CommitError::Locked)
    ));
    assert!(matches!(handle.files().list(), Err(FileError::Locked)));
    assert!(matches!(
        handle.change_password("ada", b"password", b"new", CHEAP, &mut rng(1)),
        Err(ChangePasswordError::Locked)
    ));
}

#[test]
fn a_value_that_is_too_large_changes_nothing() {
    let vault = Vault::in_memory(&MemoryDisk::new(1), rng(1)).unwrap();
    let commit = Commit::new()
        .put(key(1), vec![1])
        .put(key(2), vec![0; crate::MAX_RECORD_BYTES + 1]);
    assert!(matches!(vault.commit(commit), Err(CommitError::TooLarge { .. })));
    assert_eq!(read(&vault, &key(1)), None);
}

#[test]
fn ranges_come_in_order_and_within_their_bounds() {
    let vault = Vault::in_memory(&MemoryDisk::new(1), rng(1)).unwrap();
    let mut commit = Commit::new();
    for index in [5, 1, 9, 3, u64::MAX, 0] {
        commit = commit
            .put(key(index), vec![])
            .put(Key::new(OTHER, [index as u8; 32], 0), vec![]);
    }
    vault.commit(commit).unwrap();
    let numbers = |range: RangeInclusive<u64>, order, limit| -> Vec<u64> {
        vault
            .range(TABLE, &[1; 32], range, order, limit)
            .unwrap()
            .into_iter()
            .map(|(index, _)| index)
            .collect()
    };
    assert_eq!(numbers(0..=u64::MAX, Order::Ascending, 9), [0, 1, 3, 5, 9, u64::MAX]);
    assert_eq!(numbers(0..=u64::MAX, Order::Descending, 2), [u64::MAX, 9]);
    assert_eq!(numbers(1..=5, Order::Descending, 9), [5, 3, 1]);
    assert_eq!(numbers(6..=8, Order::Ascending, 9), [0; 0]);
    assert!(
        vault
            .range(TABLE, &[1; 32], 4..4, Order::Ascending, 9)
            .unwrap()
            .is_empty()
    );
    assert!(
        vault
            .range(TABLE, &[2; 32], .., Order::Ascending, 9)
            .unwrap()
            .is_empty()
    );
    assert_eq!(vault.owners(OTHER).unwrap().len(), 6);
    vault.commit(Commit::new().erase_all(TABLE, [1; 32])).unwrap();
    assert!(vault.owners(TABLE).unwrap().is_empty());
}

#[test]
fn a_change_of_password_is_one_step_and_leaves_nothing_to_the_old_one() {
    let dir = tempfile::tempdir().unwrap();
    let vault = create(dir.path());
    vault.commit(Commit::new().put(key(1), b"kept".to_vec())).unwrap();
    let old_header = fs::read(folder(dir.path()).join("header")).unwrap();
    let change = |old: &[u8], new: &[u8]| vault.change_password("ada", old, new, CHEAP, &mut rng(6));
    assert!(matches!(
        change(b"wrong", b"new"),
        Err(ChangePasswordError::WrongPassword)
    ));
    change(b"password", b"new").unwrap();
    vault.commit(Commit::new().put(key(2), b"after".to_vec())).unwrap();
    vault.lock();
    assert!(matches!(open(dir.path()), Err(OpenError::WrongCredentials)));
    let vault = Vault::open(dir.path(), "ada", b"new", CHEAP, rng(7)).unwrap();
    assert_eq!(read(&vault, &key(1)), Some(b"kept".to_vec()));
    assert_eq!(read(&vault, &key(2)), Some(b"after".to_vec()));
    assert_ne!(fs::read(folder(dir.path()).join("header")).unwrap(), old_header);
}

#[test]
fn a_change_of_password_cut_short_before_or_after_its_step_opens_with_one_of_the_two() {
    for renamed in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let vault = create(dir.path());
        vault.commit(Commit::new().put(key(1), b"kept".to_vec())).unwrap();
        let salt = folder::read_salt(dir.path()).unwrap().unwrap();
        let who = Credentials {
            nickname: "ada",
            password: b"new",
        };
        let next = Door::find(dir.path(), &salt, who, &mut argon2id(CHEAP)).unwrap();
        let home = folder(dir.path());
        let header = {
            let inner = vault.inner();
            Header::wrap(salt, inner.state.as_ref().unwrap().keys.data(), &next.key, &mut rng(8))
        };
        vault.lock();
        folder::write_pending_header(&home, &header).unwrap();
        if renamed {
            folder::rename(&home, &next.folder).unwrap();
        }
        let (good, bad) = if renamed {
            (b"new".as_slice(), b"password".as_slice())
        } else {
            (b"password".as_slice(), b"new".as_slice())
        };
        assert!(matches!(
            Vault::open(dir.path(), "ada", bad, CHEAP, rng(9)),
            Err(OpenError::WrongCredentials)
        ));
        let vault = Vault::open(dir.path(), "ada", good, CHEAP, rng(9)).unwrap();
        assert_eq!(read(&vault, &key(1)), Some(b"kept".to_vec()));
        assert!(!folder(dir.path()).join("header.new").exists());
    }
}

#[test]
fn a_destroyed_vault_is_gone_and_its_keys_are_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let vault = create(dir.path());
    let destroy = |password: &[u8]| Vault::destroy(dir.path(), "ada", password, CHEAP, &mut rng(10));
    assert!(matches!(destroy(b"password"), Err(DestroyError::InUse)));
    vault.lock();
    assert!(matches!(destroy(b"wrong"), Err(DestroyError::WrongCredentials)));
    // A second name for the same bytes shows what became of them.
    let witness = dir.path().join("witness");
    fs::hard_link(folder(dir.path()).join("header"), &witness).unwrap();
    destroy(b"password").unwrap();
    assert!(matches!(open(dir.path()), Err(OpenError::WrongCredentials)));
    assert!(fs::read(witness).unwrap().iter().all(|byte| *byte == 0));
}

#[test]
fn what_a_crash_leaves_of_making_or_destroying_is_swept() {
    let dir = tempfile::tempdir().unwrap();
    create(dir.path()).lock();
    for name in [".new-0123", ".gone-0123"] {
        fs::create_dir_all(dir.path().join(name).join("store")).unwrap();
        fs::write(dir.path().join(name).join("header"), b"x").unwrap();
    }
    open(dir.path()).unwrap();
    let names: Vec<_> = fs::read_dir(dir.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names.len(), 2, "{names:?}");
}

#[test]
fn a_lost_salt_is_taken_from_an_account() {
    let dir = tempfile::tempdir().unwrap();
    create(dir.path()).lock();
    fs::remove_file(dir.path().join("salt")).unwrap();
    open(dir.path()).unwrap().lock();
    Vault::create(dir.path(), "bob", b"password", CHEAP, rng(5))
        .unwrap()
        .lock();
    open(dir.path()).unwrap();
}

#[test]
fn damage_is_not_mistaken_for_wrong_credentials() {
    type Harm = fn(&Path);
    let harms: [(&str, Harm); 7] = [
        ("folder of another installation", |folder| {
            let elsewhere = tempfile::tempdir().unwrap();
            Vault::create(elsewhere.path(), "ada", b"password", CHEAP, rng(77))
                .unwrap()
                .lock();
            fs::remove_dir_all(folder).unwrap();
            fs::rename(self::folder(elsewhere.path()), folder).unwrap();
        }),
        ("header cut", |folder| {
            fs::write(folder.join("header"), b"\x01short").unwrap()
        }),
        ("header gone", |folder| fs::remove_file(folder.join("header")).unwrap()),
        ("header of somebody else", |folder| {
            let mut bytes = fs::read(folder.join("header")).unwrap();
            bytes[60] ^= 1;
            fs::write(folder.join("header"), bytes).unwrap();
        }),
        ("roots overwritten", |folder| {
            fs::write(folder.join("root"), [0; 8192]).unwrap()
        }),
        ("store emptied", |folder| {
            fs::remove_dir_all(folder.join("store")).unwrap()
        }),
        ("log overwritten", |folder| {
            let length = fs::metadata(folder.join("store/db")).unwrap().len();
            fs::write(folder.join("store/db"), vec![0x55; usize::try_from(length).unwrap()]).unwrap();
        }),
    ];
    for (name, harm) in harms {
        let dir = tempfile::tempdir().unwrap();
        let vault = create(dir.path());
        vault.commit(Commit::new().put(key(1), b"x".to_vec())).unwrap();
        vault.lock();
        drop(vault);
        harm(&folder(dir.path()));
        let result = open(dir.path());
        assert!(
            matches!(result, Err(OpenError::Damaged { .. })),
            "{name}: {:?}",
            result.err()
        );
    }
}

#[test]
fn a_later_format_is_told_from_damage() {
    let dir = tempfile::tempdir().unwrap();
    create(dir.path()).lock();
    let header = folder(dir.path()).join("header");
    let mut bytes = fs::read(&header).unwrap();
    bytes[0] = 2;
    fs::write(&header, bytes).unwrap();
    assert!(matches!(
        open(dir.path()),
        Err(OpenError::TooNew { found: 2, supported: 1 })
    ));
}

#[test]
fn what_sled_can_rebuild_is_rebuilt() {
    type Harm = fn(&Path);
    let torn_snapshot: Harm = |store| {
        let snapshot = fs::read_dir(store)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .find(|path| path.file_name().unwrap().to_str().unwrap().starts_with("snap."))
            .expect("a closed store has a snapshot");
        let bytes = fs::read(&snapshot).unwrap();
        fs::write(snapshot, &bytes[..bytes.len() / 2]).unwrap();
    };
    let harms: [(&str, Harm); 4] = [
        ("left-over snapshot", |store| {
            fs::write(store.join("snap.00000000000FFFFF.generating"), b"torn").unwrap()
        }),
        ("torn snapshot", torn_snapshot),
        ("garbage configuration", |store| {
            fs::write(store.join("conf"), b"garbage garbage garbage").unwrap()
        }),
        ("missing configuration", |store| {
            fs::remove_file(store.join("conf")).unwrap()
        }),
    ];
    for (name, harm) in harms {
        let dir = tempfile::tempdir().unwrap();
        let vault = create(dir.path());
        vault.commit(Commit::new().put(key(1), b"x".to_vec())).unwrap();
        vault.lock();
        // Opened and closed once more, so that there is a snapshot of its own.
        open(dir.path()).unwrap().lock();
        harm(&folder(dir.path()).join("store"));
        let vault = open(dir.path()).unwrap_or_else(|error| panic!("{name}: {error:?}"));
        assert_eq!(read(&vault, &key(1)), Some(b"x".to_vec()), "{name}");
    }
}

#[test]
fn swapped_and_replayed_records_do_not_open() {
    let disk = MemoryDisk::new(1);
    let vault = Vault::in_memory(&disk, rng(1)).unwrap();
    vault
        .commit(Commit::new().put(key(1), b"old".to_vec()).put(key(2), b"two".to_vec()))
        .unwrap();
    let disk_key = |index| {
        vault
            .with_state(|state, _| Ok(state.keys.disk_key(&key(index).into(), 0)))
            .unwrap()
    };
    let stored = |index| vault.0.engine.get(&disk_key(index)).unwrap().unwrap();
    let store = |batch| {
        vault.0.engine.apply(batch).unwrap();
        let forgotten = vault.with_state(|state, _| {
            state.forget_opened();
            Ok(())
        });
        forgotten.unwrap();
    };
    let (one, two) = (stored(1), stored(2));
    // Swapped.
    store(vec![(disk_key(1), Some(two.clone())), (disk_key(2), Some(one.clone()))]);
    assert!(matches!(vault.get(&key(1)), Err(ReadError::Damaged { .. })));
    assert!(matches!(vault.get(&key(2)), Err(ReadError::Damaged { .. })));
    store(vec![(disk_key(1), Some(one.clone())), (disk_key(2), Some(two))]);
    assert_eq!(
        read(&vault, &key(1)),
        Some(b"old".to_vec()),
        "positive control: put back, they open"
    );
    // Replayed.
    vault.commit(Commit::new().put(key(1), b"new".to_vec())).unwrap();
    store(vec![(disk_key(1), Some(one))]);
    assert!(matches!(vault.get(&key(1)), Err(ReadError::Damaged { .. })));
}

#[test]
fn a_full_disk_is_an_error_and_writing_resumes_when_there_is_room() {
    let disk = MemoryDisk::new(1);
    let vault = Vault::in_memory(&disk, rng(1)).unwrap();
    vault.commit(Commit::new().put(key(1), b"one".to_vec())).unwrap();
    disk.set_full(true);
    assert!(matches!(
        vault.commit(Commit::new().put(key(1), b"two".to_vec())),
        Err(CommitError::DiskFull)
    ));
    assert_eq!(read(&vault, &key(1)), Some(b"one".to_vec()));
    disk.set_full(false);
    vault.commit(Commit::new().put(key(1), b"two".to_vec())).unwrap();
    assert_eq!(read(&vault, &key(1)), Some(b"two".to_vec()));
}

#[test]
fn files_keep_their_chunks_and_are_swept_when_nothing_names_them() {
    let dir = tempfile::tempdir().unwrap();
    let vault = create(dir.path());
    let layout = Layout {
        chunk_bytes: 1000,
        chunks: 3,
    };
    let (named, orphan) = (FileId([1; 32]), FileId([2; 32]));
    for id in [named, orphan] {
        vault.files().create(id, layout).unwrap();
        vault.files().write_chunk(id, 2, b"last").unwrap();
        vault.files().write_chunk(id, 0, &[5; 1000]).unwrap();
        vault.files().sync(id).unwrap();
    }
    assert!(matches!(
        vault.files().write_chunk(named, 3, b""),
        Err(FileError::OutsideLayout)
    ));
    assert!(matches!(
        vault.files().write_chunk(named, 1, &[0; 1001]),
        Err(FileError::OutsideLayout)
    ));
    fs::write(folder(dir.path()).join("files/leftover"), b"x").unwrap();
    vault.lock();
    let vault = open(dir.path()).unwrap();
    vault.files().sweep(|id| id == named).unwrap();
    assert_eq!(vault.files().list().unwrap(), [named]);
    assert_eq!(fs::read_dir(folder(dir.path()).join("files")).unwrap().count(), 1);
    assert_eq!(vault.files().layout(named).unwrap(), Some(layout));
    assert_eq!(
        vault.files().read_chunk(named, 2).unwrap().dangerously_expose(),
        b"last"
    );
    assert_eq!(
        vault.files().read_chunk(named, 0).unwrap().dangerously_expose(),
        [5; 1000]
    );
    assert!(matches!(vault.files().read_chunk(named, 1), Err(FileError::Unwritten)));
    assert!(matches!(vault.files().read_chunk(orphan, 0), Err(FileError::Missing)));
    vault.files().remove(named).unwrap();
    assert!(vault.files().list().unwrap().is_empty());
}

type Model = BTreeMap<(u8, u64), Vec<u8>>;

#[derive(Debug, Clone)]
enum Action {
    Put(u8, u64, usize),
    Erase(u8, u64),
    EraseAll(u8),
    /// Records enough for a page, from the start of a window.
    Run(u8, u64, usize),
}

fn action() -> impl Strategy<Value = Action> {
    let index = prop_oneof![0..12u64, 1000..1003u64, 0..300u64];
    prop_oneof![
        4 => (0..2u8, 0..5u64, prop_oneof![Just(10), Just(300)]).prop_map(|(o, w, n)| Action::Run(o, w, n)),
        5 => (0..3u8, index.clone(), prop_oneof![9 => 0..300usize, 1 => 5000..20_000usize]).prop_map(|(o, i, n)| Action::Put(o, i, n)),
        3 => (0..3u8, index).prop_map(|(o, i)| Action::Erase(o, i)),
        1 => (0..3u8).prop_map(Action::EraseAll),
    ]
}

fn commit_of(actions: &[Action], model: &mut Model) -> Commit {
    actions.iter().fold(Commit::new(), |commit, action| match *action {
        Action::Put(owner, index, length) => {
            let value = vec![u8::try_from(length % 251).unwrap(); length];
            model.insert((owner, index), value.clone());
            commit.put(Key::new(TABLE, [owner; 32], index), value)
        }
        Action::Erase(owner, index) => {
            model.remove(&(owner, index));
            commit.erase(Key::new(TABLE, [owner; 32], index))
        }
        Action::Run(owner, window, length) => (window * 64..window * 64 + 20).fold(commit, |commit, index| {
            let value = vec![u8::try_from(index % 251).unwrap(); length];
            model.insert((owner, index), value.clone());
            commit.put(Key::new(TABLE, [owner; 32], index), value)
        }),
        Action::EraseAll(owner) => {
            model.retain(|(of, _), _| *of != owner);
            commit.erase_all(TABLE, [owner; 32])
        }
    })
}

fn contents(vault: &Vault) -> Model {
    let mut found = Model::new();
    for owner in vault.owners(TABLE).unwrap() {
        for (index, value) in vault.range(TABLE, &owner, .., Order::Ascending, usize::MAX).unwrap() {
            found.insert((owner[0], index), value.dangerously_expose().to_vec());
        }
    }
    found
}

#[test]
fn the_root_before_the_last_goes_by_itself_soon_after() {
    let dir = tempfile::tempdir().unwrap();
    let vault = create(dir.path());
    let is_settled = || vault.with_state(|state, _| Ok(state.is_settled())).unwrap();
    vault.commit(Commit::new().put(key(1), b"old".to_vec())).unwrap();
    vault.commit(Commit::new().put(key(1), b"new".to_vec())).unwrap();
    assert!(!is_settled(), "positive control: it takes a moment");
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while !is_settled() {
        assert!(std::time::Instant::now() < deadline, "nobody overwrote it");
        std::thread::yield_now();
    }
    vault.lock();
    assert_eq!(read(&open(dir.path()).unwrap(), &key(1)), Some(b"new".to_vec()));
}

/// Five windows of a conversation: three of them rest.
fn conversation(owner: u8) -> impl Iterator<Item = Commit> {
    (0..10u64).map(move |part| {
        (part * 32..(part + 1) * 32).fold(Commit::new(), |commit, n| {
            commit.put(
                Key::new(TABLE, [owner; 32], n),
                vec![u8::try_from(n % 251).unwrap(); 300],
            )
        })
    })
}

#[test]
fn a_long_conversation_rests_in_pages_and_reads_as_before() {
    let dir = tempfile::tempdir().unwrap();
    let vault = create(dir.path());
    for commit in conversation(1) {
        vault.commit(commit).unwrap();
    }
    let files = || fs::read_dir(folder(dir.path()).join("files")).unwrap().count();
    vault.settle().unwrap();
    assert_eq!(files(), 1, "three pages in a pack");
    let check = |vault: &Vault, gone: &[u64]| {
        let found = vault.range(TABLE, &[1; 32], .., Order::Ascending, 999).unwrap();
        let expected: Vec<u64> = (0..320).filter(|n| !gone.contains(n)).collect();
        assert_eq!(found.iter().map(|(n, _)| *n).collect::<Vec<_>>(), expected);
        for (n, value) in found {
            assert_eq!(value.dangerously_expose(), vec![u8::try_from(n % 251).unwrap(); 300]);
        }
    };
    check(&vault, &[]);
    vault.commit(Commit::new().erase(key(70)).erase(key(319))).unwrap();
    fs::write(folder(dir.path()).join("files").join("0".repeat(32)), b"an orphan").unwrap();
    vault.files().sweep(|_| false).unwrap();
    assert_eq!(files(), 2, "a pack is no orphan, nor is the page that has moved");
    vault.lock();
    let vault = open(dir.path()).unwrap();
    check(&vault, &[70, 319]);
    // Most of the first pack is dead now, so what is left of it moves.
    vault.commit(Commit::new().erase(key(5))).unwrap();
    assert_eq!(files(), 2);
    check(&vault, &[5, 70, 319]);
    assert_eq!(read(&vault, &key(70)), None);
    vault.commit(Commit::new().erase_all(TABLE, [1; 32])).unwrap();
    assert_eq!(files(), 0);
}

#[test]
fn swapped_cut_and_missing_pages_are_damage_and_the_rest_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let vault = create(dir.path());
    for commit in conversation(1).chain(conversation(2)) {
        vault.commit(commit).unwrap();
        // Each page in a pack of its own.
        vault.settle().unwrap();
    }
    let files: Vec<PathBuf> = fs::read_dir(folder(dir.path()).join("files"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert_eq!(files.len(), 6);
    let readable = |vault: &Vault| {
        let all = (1..3u8).flat_map(|owner| (0..5u64).map(move |window| Key::new(TABLE, [owner; 32], window * 64)));
        all.filter(|key| match vault.get(key) {
            Ok(found) => found.is_some(),
            Err(ReadError::Damaged { .. }) => false,
            Err(error) => panic!("{error:?}"),
        })
        .count()
    };
    assert_eq!(readable(&vault), 10, "positive control");
    vault.lock();
    let (first, second) = (fs::read(&files[0]).unwrap(), fs::read(&files[1]).unwrap());
    fs::write(&files[0], second).unwrap();
    fs::write(&files[1], first).unwrap();
    fs::remove_file(&files[2]).unwrap();
    fs::write(&files[3], b"short").unwrap();
    assert_eq!(readable(&open(dir.path()).unwrap()), 6);
}

#[test]
fn what_is_damaged_is_told_and_given_up_and_the_rest_reads_on() {
    let dir = tempfile::tempdir().unwrap();
    let vault = create(dir.path());
    for commit in conversation(1) {
        vault.commit(commit).unwrap();
        vault.settle().unwrap();
    }
    vault.commit(Commit::new().put(Key::single(OTHER), vec![5])).unwrap();
    assert_eq!(vault.check().unwrap(), [], "positive control");
    let alone = vault.with_state(|state, engine| {
        let first = state.keys.disk_key(&Place::from(key(319)), 0);
        engine.apply(vec![(first, Some(vec![0; 100]))]).unwrap();
        Ok(())
    });
    alone.unwrap();
    vault.lock();
    let pages = folder(dir.path()).join("files");
    let page = fs::read_dir(pages).unwrap().next().unwrap().unwrap().path();
    fs::write(page, b"nothing of it").unwrap();

    let vault = open(dir.path()).unwrap();
    let losses = vault.check().unwrap();
    assert_eq!(losses.len(), 65, "a page, and a record that stood by itself");
    assert!(losses.contains(&Loss::Record(key(319))));
    assert!(vault.range(TABLE, &[1; 32], .., Order::Ascending, 999).is_err());
    vault.give_up(&losses).unwrap();
    let found = vault.range(TABLE, &[1; 32], .., Order::Ascending, 999).unwrap();
    assert_eq!(found.len(), 320 - 65);
    vault.commit(Commit::new().put(key(319), vec![7])).unwrap();
    vault.lock();
    let vault = open(dir.path()).unwrap();
    assert_eq!(vault.check().unwrap(), []);
    assert_eq!(read(&vault, &key(319)), Some(vec![7]));
    assert_eq!(read(&vault, &Key::single(OTHER)), Some(vec![5]));
}

#[test]
fn a_store_that_lost_its_end_at_rest_says_so_and_one_that_crashed_does_not() {
    let dir = tempfile::tempdir().unwrap();
    let vault = create(dir.path());
    vault.commit(Commit::new().put(key(1), vec![1])).unwrap();
    vault.lock();
    let account = folder(dir.path());
    let copy = |from: &Path, to: &Path| {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
            }
        }
    };
    let kept = tempfile::tempdir().unwrap();
    copy(&account.join("store"), kept.path());
    let vault = open(dir.path()).unwrap();
    assert_eq!(vault.check().unwrap(), [], "positive control");
    vault.commit(Commit::new().put(key(2), vec![2])).unwrap();
    vault.lock();
    fs::remove_dir_all(account.join("store")).unwrap();
    copy(kept.path(), &account.join("store"));
    let vault = open(dir.path()).unwrap();
    assert_eq!(vault.check().unwrap(), [Loss::Latest]);
    assert_eq!(read(&vault, &key(1)), Some(vec![1]));
    vault.give_up(&[Loss::Latest]).unwrap();
    assert_eq!(vault.check().unwrap(), []);
    vault.lock();
    assert_eq!(open(dir.path()).unwrap().check().unwrap(), []);
}

#[test]
fn from_a_store_that_does_not_open_the_keepsake_is_saved_and_the_account_begins_anew() {
    let dir = tempfile::tempdir().unwrap();
    let vault = create(dir.path());
    vault.commit(Commit::new().put(key(1), vec![1])).unwrap();
    vault.keep(b"an old copy").unwrap();
    vault.keep(b"who I am, and whom I know").unwrap();
    vault.files().sweep(|_| false).unwrap();
    vault.lock();
    let store = folder(dir.path()).join("store");
    let length = fs::metadata(store.join("db")).unwrap().len();
    fs::write(store.join("db"), vec![0xA5; usize::try_from(length).unwrap()]).unwrap();
    for round in 0..2 {
        assert!(round > 0 || matches!(open(dir.path()), Err(OpenError::Damaged { .. })));
        let (vault, kept) = Vault::start_over(dir.path(), "ada", b"password", CHEAP, rng(9)).unwrap();
        let expected: &[u8] = b"who I am, and whom I know";
        assert_eq!(kept.unwrap().dangerously_expose(), expected);
        assert_eq!(read(&vault, &key(1)), None);
        vault.commit(Commit::new().put(key(1), vec![2])).unwrap();
        assert_eq!(vault.kept().unwrap().unwrap().dangerously_expose(), expected);
        vault.lock();
        let vault = open(dir.path()).unwrap();
        assert_eq!(read(&vault, &key(1)), Some(vec![2]));
    }
    assert!(matches!(
        Vault::start_over(dir.path(), "ada", b"passwore", CHEAP, rng(9)),
        Err(OpenError::WrongCredentials)
    ));
}

#[test]
fn threads_that_commit_at_once_all_find_what_they_committed() {
    let dir = tempfile::tempdir().unwrap();
    let vault = create(dir.path());
    std::thread::scope(|scope| {
        for thread in 0..4u8 {
            let vault = &vault;
            scope.spawn(move || {
                for n in 0..25 {
                    let state = Key::new(OTHER, [thread; 32], 0);
                    let message = Key::new(TABLE, [thread; 32], n);
                    vault
                        .commit(Commit::new().put(message, vec![thread]).put(state, vec![1]))
                        .unwrap();
                }
            });
        }
    });
    vault.lock();
    let vault = open(dir.path()).unwrap();
    for thread in 0..4u8 {
        assert_eq!(vault.count(TABLE, &[thread; 32]).unwrap(), 25);
        assert_eq!(read(&vault, &Key::new(OTHER, [thread; 32], 0)), Some(vec![1]));
    }
}

#[test]
fn a_long_conversation_is_erased_in_one_step() {
    let dir = tempfile::tempdir().unwrap();
    let vault = create(dir.path());
    let all = (0..2_000).fold(Commit::new(), |commit, n| commit.put(key(n), vec![1; 200]));
    vault
        .commit(all.put(Key::new(TABLE, [2; 32], 5), b"another's".to_vec()))
        .unwrap();
    vault.commit(Commit::new().erase_all(TABLE, [1; 32])).unwrap();
    vault.lock();
    let vault = open(dir.path()).unwrap();
    assert_eq!(vault.owners(TABLE).unwrap(), [[2; 32]]);
    assert_eq!(vault.count(TABLE, &[1; 32]).unwrap(), 0);
    assert_eq!(read(&vault, &Key::new(TABLE, [2; 32], 5)), Some(b"another's".to_vec()));
}

/// What goes wrong with a commit.
#[derive(Debug, Clone, Copy)]
enum Trouble {
    None,
    /// The machine dies at this step.
    Crash(u64),
    /// There is no room.
    Full,
    /// There is no room, and the process gives up in good order.
    FullThenClosed,
}

fn trouble() -> impl Strategy<Value = Trouble> {
    prop_oneof![
        5 => Just(Trouble::None),
        3 => (0..8u64).prop_map(Trouble::Crash),
        1 => Just(Trouble::Full),
        1 => Just(Trouble::FullThenClosed),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is committed, and whatever goes wrong where, the vault holds exactly what the last whole commit left.
    #[test]
    fn trouble_at_any_step_loses_nothing_that_was_told(
        seed: u64,
        commits in prop::collection::vec((prop::collection::vec(action(), 0..5), trouble()), 1..25),
    ) {
        let disk = MemoryDisk::new(seed);
        let mut vault = Vault::in_memory(&disk, rng(seed)).unwrap();
        let mut model = Model::new();
        for (number, (actions, trouble)) in commits.into_iter().enumerate() {
            let mut next = model.clone();
            let commit = commit_of(&actions, &mut next);
            match trouble {
                Trouble::None => {}
                Trouble::Crash(steps) => disk.crash_after(steps),
                Trouble::Full | Trouble::FullThenClosed => disk.set_full(true),
            }
            let committed = vault.commit(commit);
            let told = committed.is_ok();
            let settled = if told { vault.settle().is_ok() } else { false };
            disk.set_full(false);
            let reopened = disk.has_crashed() || matches!(trouble, Trouble::FullThenClosed);
            if reopened {
                if disk.has_crashed() { disk.restart() } else { vault.lock() }
                vault = Vault::in_memory(&disk, rng(seed ^ number as u64)).unwrap();
            } else {
                prop_assert!(told == settled);
                disk.cancel_crash();
            }
            let found = contents(&vault);
            prop_assert!(found == next || (!told && found == model), "neither before nor after, or told and lost");
            model = found;
        }
    }
}
