use super::shared::Memory;
use super::*;

/// Below this, nothing of the tests is bloated.
const FLOOR: u64 = 2 * 1024 * 1024;

fn open(folder: &Path) -> Store {
    Store::open_below(folder, Progress::default(), FLOOR).unwrap().0
}

fn checkpoint(store: &Store) {
    store.shared.sync(store.applied()).unwrap();
    store.shared.checkpoint_all().unwrap();
}

/// Overwrites a few values until sled's log is bloated.
fn bloat(folder: &Path) {
    let store = open(folder);
    for round in 0..2_000u32 {
        let batch = (0..20u8).map(|key| ([key], Some([&round.to_be_bytes()[..], &[key; 2_000]].concat())));
        store.apply(batch).unwrap();
        checkpoint(&store);
        if store.is_bloated() {
            store
                .apply([([99], Some(round.to_be_bytes().to_vec()))])
                .and_then(|number| store.sync(number))
                .unwrap();
            return;
        }
    }
    panic!("it never became bloated");
}

fn contents(store: &Store) -> Vec<(Vec<u8>, Vec<u8>)> {
    store.scan(&[], None, usize::MAX).unwrap()
}

fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn length(folder: &Path) -> u64 {
    fs::metadata(folder.join("db")).unwrap().len()
}

#[test]
fn a_bloated_store_is_written_anew_when_it_is_opened() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("store");
    bloat(&folder);
    let before = length(&folder);
    let expected = contents(&Store::open_below(&folder, Progress::default(), u64::MAX).unwrap().0);
    assert_eq!(expected.len(), 21);
    let store = open(&folder);
    assert_eq!(contents(&store), expected);
    assert!(length(&folder) < before);
    drop(store);
    assert!(
        rebuild::length_when_written(&folder).unwrap() > 0,
        "so that it is not done again at once"
    );
    assert_eq!(contents(&open(&folder)), expected);
    assert_eq!(
        names(dir.path()),
        ["journal.0", "journal.1", "store"],
        "nothing is left beside it"
    );
}

#[test]
fn a_rebuilding_cut_short_at_any_step_loses_nothing() {
    type Cut = fn(&Path, &Path, &Path);
    let cuts: [(&str, Cut); 5] = [
        ("while writing", |_, new, _| fs::write(new.join("db"), b"half").unwrap()),
        ("before the swap", |_, _, _| {}),
        ("within the swap", |store, _, old| fs::rename(store, old).unwrap()),
        ("after the swap", |store, new, old| {
            fs::rename(store, old).unwrap();
            fs::rename(new, store).unwrap();
        }),
        ("while removing", |store, new, old| {
            fs::rename(store, old).unwrap();
            fs::rename(new, store).unwrap();
            fs::remove_file(old.join("db")).unwrap();
        }),
    ];
    for (name, cut) in cuts {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("store");
        let store = open(&folder);
        let pairs = (0..50u8).map(|key| ([key], Some(vec![key; 100])));
        store.apply(pairs).unwrap();
        checkpoint(&store);
        let expected = contents(&store);
        let copy = rebuild::copy(&folder, &store.shared.base, FLOOR).unwrap();
        rebuild::seal(&folder, &copy).unwrap();
        drop((copy, store));
        cut(&folder, &folder.with_extension("new"), &folder.with_extension("old"));
        assert_eq!(contents(&open(&folder)), expected, "{name}");
        assert_eq!(names(dir.path()), ["journal.0", "journal.1", "store"], "{name}");
    }
}

#[test]
fn a_store_is_written_anew_beside_its_work_and_nothing_of_the_work_is_missing() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("store");
    let store = open(&folder);
    let put = |store: &Store, from: u8, to: u8, value: u8| {
        let pairs = (from..to).map(|key| ([key], Some(vec![value; 100])));
        store.apply(pairs).and_then(|number| store.sync(number)).unwrap();
    };
    put(&store, 0, 95, 1);
    checkpoint(&store);
    put(&store, 90, 100, 1);
    let copy = store.copy_beside(&folder).unwrap();
    put(&store, 90, 120, 2);
    store.apply([([5u8], None)]).unwrap();
    let unsynced = store.applied();
    let expected = contents(&store);
    let (progress, replaced) = store.replace(&folder, copy);
    replaced.unwrap();
    let store = Store::open(&folder, progress).unwrap().0;
    assert_eq!(contents(&store), expected);
    assert_eq!(store.applied(), unsynced, "numbers go on");
    store.sync(unsynced).unwrap();
    assert_eq!(names(dir.path()), ["journal.0", "journal.1", "store"]);
}

#[test]
fn a_checkpoint_while_the_store_is_copied_waits_or_ends_the_copying() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("store");
    let store = open(&folder);
    let write = |bytes: u64| {
        for n in 0..bytes / 6_000 {
            let pairs = (0..16u8).map(|key| ([key], Some([&n.to_be_bytes()[..], &[key; 6_000]].concat())));
            store.apply(pairs.skip((n % 16) as usize).take(1)).unwrap();
            if n % 200 == 0 {
                store.sync(store.applied()).unwrap();
            }
        }
        store.sync(store.applied()).unwrap();
    };
    let copy = store.copy_beside(&folder).unwrap();
    let before = store.shared.base.epoch();
    write(EPOCH_BYTES + 1_000_000);
    store.shared.checkpoint().unwrap();
    assert_eq!(store.shared.base.epoch(), before, "it waits");
    write(MAX_EPOCH_BYTES);
    assert!(store.shared.base.epoch() > before, "it waits no longer");
    let expected = contents(&store);
    let (progress, replaced) = store.replace(&folder, copy);
    assert!(replaced.is_err());
    let (store, has_gap) = Store::open(&folder, progress).unwrap();
    assert_eq!((contents(&store), has_gap), (expected, false));
}

#[test]
fn removed_and_replaced_pairs_are_so_wherever_the_older_ones_stand() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("store");
    let store = open(&folder);
    let put = |pairs: &[(u8, Option<u8>)]| {
        let pairs = pairs
            .iter()
            .map(|(key, value)| ([b'k', *key], value.map(|value| vec![value])));
        let number = store.apply(pairs).unwrap();
        store.sync(number).unwrap();
    };
    let found = |after: Option<u8>, limit| -> Vec<(u8, u8)> {
        let pairs = store.scan(
            b"k",
            after.map(|after| [b'k', after]).as_ref().map(<[u8; 2]>::as_slice),
            limit,
        );
        pairs
            .unwrap()
            .into_iter()
            .map(|(key, value)| (key[1], value[0]))
            .collect()
    };
    put(&[(1, Some(1)), (2, Some(1)), (3, Some(1)), (4, Some(1))]);
    checkpoint(&store);
    put(&[(2, None), (3, Some(2)), (5, Some(2)), (6, Some(2))]);
    store.shared.freeze().unwrap();
    put(&[(3, Some(3)), (5, None), (7, Some(3))]);
    assert_eq!(found(None, 9), [(1, 1), (3, 3), (4, 1), (6, 2), (7, 3)]);
    assert_eq!(found(Some(3), 2), [(4, 1), (6, 2)]);
    for (key, value) in [(1, Some(1)), (2, None), (3, Some(3)), (5, None), (6, Some(2))] {
        assert_eq!(
            store.get(&[b'k', key]).unwrap(),
            value.map(|value| vec![value]),
            "{key}"
        );
    }
    let expected = found(None, 9);
    drop(store);
    let store = open(&folder);
    let pairs = store.scan(b"k", None, 9).unwrap();
    assert!(pairs.iter().map(|(key, value)| (key[1], value[0])).eq(expected));
}

#[test]
fn what_was_not_synced_when_the_store_failed_counts_as_lost_for_ever() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("store");
    let store = open(&folder);
    let put = |store: &Store| store.apply([([1u8], Some(vec![1]))]).unwrap();
    let kept = put(&store);
    store.sync(kept).unwrap();
    let doubtful = put(&store);
    store.fail();
    assert!(store.sync(doubtful).is_err());
    store.sync(kept).unwrap();
    let store = Store::open(&folder, store.close()).unwrap().0;
    assert!(store.sync(doubtful).is_err());
    let later = put(&store);
    store.sync(later).unwrap();
    assert!(later > doubtful && store.sync(doubtful).is_err());
}

/// Little that lives and much that is overwritten: whole segments die soon after they were written, which is when sled has
/// the least to recover from.
#[test]
fn whenever_a_process_dies_while_it_overwrites_the_last_synced_round_is_there() {
    let dir = tempfile::tempdir().unwrap();
    let (folder, killed) = (dir.path().join("store"), dir.path().join("killed"));
    let mut store = open(&folder);
    for round in 0..400u32 {
        let batch = (0..21u8).map(|key| ([key], Some([&round.to_be_bytes()[..], &[key; 2_000]].concat())));
        store.apply(batch).and_then(|number| store.sync(number)).unwrap();
        // Some die with it in the journal, some with it in sled.
        if round % 2 == 0 {
            checkpoint(&store);
        }
        if round % 40 == 39 {
            store = Store::open(&folder, store.close()).unwrap().0;
        }
        if round % 7 != 0 {
            continue;
        }
        for from in [dir.path(), &folder] {
            let to = killed.join(from.strip_prefix(dir.path()).unwrap());
            fs::create_dir_all(&to).unwrap();
            for entry in fs::read_dir(from).unwrap() {
                let path = entry.unwrap().path();
                if path.is_file() {
                    fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
                }
            }
        }
        let found = contents(&open(&killed.join("store")));
        assert_eq!(found.len(), 21, "round {round}");
        assert!(
            found.iter().all(|(_, value)| value.starts_with(&round.to_be_bytes())),
            "round {round}"
        );
        fs::remove_dir_all(&killed).unwrap();
    }
}

#[test]
fn a_pair_that_is_gone_or_older_than_it_was_is_missed_also_in_a_store_written_anew() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("store");
    let put = |store: &Store, value: u8| {
        let pairs = (0..40u8).map(|key| ([key], (key % 4 != value).then(|| vec![value; 10])));
        store.apply(pairs).unwrap();
        checkpoint(store);
    };
    // Behind the store's back.
    type Harm = fn(&sled::Db);
    let harms: [(&str, Harm); 3] = [
        ("gone", |db| drop(db.remove([9]).unwrap())),
        ("older", |db| drop(db.insert([9], vec![1; 10]).unwrap())),
        ("back again", |db| drop(db.insert([2], vec![1; 10]).unwrap())),
    ];
    for (name, harm) in harms {
        let store = open(&folder);
        put(&store, 1);
        put(&store, 2);
        assert!(store.is_whole().unwrap(), "positive control");
        drop(store);
        let db = sled::open(&folder).unwrap();
        harm(&db);
        drop(db);
        let store = open(&folder);
        assert!(!store.is_whole().unwrap(), "{name}");
        put(&store, 3);
        assert!(!store.is_whole().unwrap(), "{name}, and written since");
        let copy = store.copy_beside(&folder).unwrap();
        let (progress, replaced) = store.replace(&folder, copy);
        replaced.unwrap();
        let store = Store::open(&folder, progress).unwrap().0;
        assert!(!store.is_whole().unwrap(), "{name}, in the copy");
        store.take_for_whole().unwrap();
        drop(store);
        assert!(open(&folder).is_whole().unwrap(), "{name}, and given up");
    }
}

#[test]
fn a_checkpoint_cut_short_is_finished_from_the_journal_or_missed() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("store");
    let put = |store: &Store, value: u8| {
        let pairs = (0..200u8).map(|key| ([b'k', key], Some(vec![value; 10])));
        let number = store.apply(pairs).unwrap();
        store.sync(number).unwrap();
    };
    let part = |store: &Store| {
        let Memory { overlay, .. } = &*store.shared.memory();
        let frozen = overlay.frozen().unwrap();
        store.shared.base.begin(frozen.epoch);
        store.shared.base.write(frozen.pairs().take(100)).unwrap();
    };
    let store = open(&folder);
    put(&store, 1);
    checkpoint(&store);
    put(&store, 2);
    store.shared.freeze().unwrap();
    part(&store);
    let journals = JOURNALS.map(|name| fs::read(dir.path().join(name)).unwrap());
    store.fail();
    drop(store);
    let (store, has_gap) = Store::open_below(&folder, Progress::default(), FLOOR).unwrap();
    assert!(!has_gap);
    let expected = contents(&store);
    assert!(expected.iter().all(|(_, value)| value == &[2; 10]));
    store.fail();
    drop(store);
    for name in JOURNALS {
        fs::write(dir.path().join(name), b"").unwrap();
    }
    let (store, has_gap) = Store::open_below(&folder, Progress::default(), FLOOR).unwrap();
    assert!(has_gap && contents(&store) != expected);
    assert!(store.is_whole().unwrap(), "as far as it went, it is");
    store.fail();
    drop(store);
    for (name, bytes) in JOURNALS.into_iter().zip(journals) {
        fs::write(dir.path().join(name), bytes).unwrap();
    }
    let (store, has_gap) = Store::open_below(&folder, Progress::default(), FLOOR).unwrap();
    assert_eq!((contents(&store), has_gap), (expected, false));
    checkpoint(&store);
    assert!(store.is_whole().unwrap());
}
