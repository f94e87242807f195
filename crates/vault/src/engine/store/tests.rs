use super::*;

/// Below this, nothing of the tests is bloated.
const FLOOR: u64 = 2 * 1024 * 1024;

fn open(folder: &Path) -> Store {
    Store::open_below(folder, FLOOR).unwrap()
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
    let expected = contents(&Store::open_as_is(&folder, u64::MAX).unwrap());
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
        rebuild::write(&folder, &store, FLOOR).unwrap();
        drop(store);
        cut(&folder, &folder.with_extension("new"), &folder.with_extension("old"));
        assert_eq!(contents(&open(&folder)), expected, "{name}");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "{name}");
    }
}
