use super::*;

/// Below this, nothing of the tests is bloated.
const FLOOR: u64 = 2 * 1024 * 1024;

fn open(folder: &Path) -> Store {
    Store::open_below(folder, Progress::default(), FLOOR).unwrap()
}

/// Overwrites a few values until the log is bloated.
fn bloat(folder: &Path) {
    let store = open(folder);
    for round in 0..2_000u32 {
        let batch = (0..20u8).map(|key| ([key], Some([&round.to_be_bytes()[..], &[key; 2_000]].concat())));
        let number = store.apply(batch).unwrap();
        store.sync(number).unwrap();
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

fn length(folder: &Path) -> u64 {
    fs::metadata(folder.join("db")).unwrap().len()
}

#[test]
fn a_bloated_store_is_written_anew_when_it_is_opened() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("store");
    bloat(&folder);
    let before = length(&folder);
    let expected = contents(&Store::open_as_is(&folder, Progress::default(), u64::MAX).unwrap());
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
        fs::read_dir(dir.path()).unwrap().count(),
        1,
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
        store.apply(pairs).and_then(|number| store.sync(number)).unwrap();
        let expected = contents(&store);
        rebuild::copy(&folder, &store, FLOOR)
            .and_then(|copy| rebuild::seal(&folder, copy))
            .unwrap();
        drop(store);
        cut(&folder, &folder.with_extension("new"), &folder.with_extension("old"));
        assert_eq!(contents(&open(&folder)), expected, "{name}");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "{name}");
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
    put(&store, 0, 100, 1);
    let copy = store.copy_beside(&folder).unwrap();
    put(&store, 90, 120, 2);
    store.apply([([5u8], None)]).unwrap();
    let unsynced = store.applied();
    let expected = contents(&store);
    let (progress, replaced) = store.replace(&folder, copy);
    replaced.unwrap();
    let store = Store::open(&folder, progress).unwrap();
    assert_eq!(contents(&store), expected);
    assert_eq!(store.applied(), unsynced, "numbers go on");
    store.sync(unsynced).unwrap();
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
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
    let store = Store::open(&folder, store.close()).unwrap();
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
        if round % 40 == 39 {
            store = Store::open(&folder, store.close()).unwrap();
        }
        if round % 7 != 0 {
            continue;
        }
        fs::create_dir_all(&killed).unwrap();
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                fs::copy(&path, killed.join(path.file_name().unwrap())).unwrap();
            }
        }
        let found = contents(&open(&killed));
        assert_eq!(found.len(), 21, "round {round}");
        assert!(
            found.iter().all(|(_, value)| value.starts_with(&round.to_be_bytes())),
            "round {round}"
        );
        fs::remove_dir_all(&killed).unwrap();
    }
}
