use std::sync::Barrier;

use proptest::prelude::*;

use super::*;

fn open(dir: &Path) -> RelayStore {
    RelayStore::open(dir).unwrap()
}

/// From now on the disk is not to be trusted, until the store is opened again.
fn fail(store: &RelayStore) {
    store
        .with(|store| {
            store.fail();
            Ok(())
        })
        .unwrap();
}

#[test]
fn scans_come_in_order_of_keys_and_continue_where_they_stopped() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let batch = ["b/2", "a/1", "b/1", "b", "c", "b/3"]
        .into_iter()
        .fold(RelayBatch::new(), |b, key| b.put(key, key));
    store.write(batch).unwrap();
    let keys = |prefix: &str, after: Option<&str>, limit| -> Vec<String> {
        let found = store.scan(prefix.as_bytes(), after.map(str::as_bytes), limit).unwrap();
        found
            .into_iter()
            .map(|(key, value)| (key == value).then(|| String::from_utf8(key).unwrap()).unwrap())
            .collect()
    };
    assert_eq!(keys("b/", None, 9), ["b/1", "b/2", "b/3"]);
    assert_eq!(keys("b/", None, 2), ["b/1", "b/2"]);
    assert_eq!(keys("b/", Some("b/2"), 9), ["b/3"]);
    assert_eq!(keys("b/", Some("a"), 9), ["b/1", "b/2", "b/3"]);
    assert_eq!(keys("", None, 9), ["a/1", "b", "b/1", "b/2", "b/3", "c"]);
    assert_eq!(keys("d", None, 9), [""; 0]);
}

#[test]
fn large_values_survive_and_never_become_blob_files() {
    let dir = tempfile::tempdir().unwrap();
    let large = vec![7; RelayStore::MAX_VALUE_BYTES];
    {
        let store = open(dir.path());
        for n in 0..40u8 {
            store.write(RelayBatch::new().put([n], large.clone())).unwrap();
        }
        store.write(RelayBatch::new().put([0], vec![1; 10])).unwrap();
        assert!(matches!(
            store.write(RelayBatch::new().put([1], vec![0; RelayStore::MAX_VALUE_BYTES + 1])),
            Err(RelayStoreError::TooLarge)
        ));
    }
    let store = open(dir.path());
    assert_eq!(store.get(&[0]).unwrap().unwrap(), vec![1; 10]);
    assert_eq!(store.get(&[39]).unwrap().unwrap(), large);
    assert_eq!(store.size(), 39 * (1 + large.len() as u64) + 11);
    assert_eq!(std::fs::read_dir(dir.path().join("store/blobs")).unwrap().count(), 0);
}

#[test]
fn it_is_open_only_once() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    assert!(matches!(RelayStore::open(dir.path()), Err(RelayStoreError::InUse)));
    drop(store);
    open(dir.path());
}

#[test]
fn threads_that_write_at_once_all_find_their_writes() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let barrier = Barrier::new(4);
    std::thread::scope(|scope| {
        for thread in 0..4u8 {
            let (store, barrier) = (&store, &barrier);
            scope.spawn(move || {
                barrier.wait();
                for n in 0..20u8 {
                    store.write(RelayBatch::new().put([thread, n], [n])).unwrap();
                }
            });
        }
    });
    assert_eq!(store.scan(&[], None, 999).unwrap().len(), 80);
    assert_eq!(store.size(), 80 * 3);
}

#[test]
fn what_is_applied_is_read_at_once_and_the_last_mark_speaks_for_all() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let marks: Vec<Mark> = (0..3u8)
        .map(|n| store.apply(RelayBatch::new().put([n], [n])).unwrap())
        .collect();
    assert!(marks.is_sorted());
    assert_eq!(store.scan(&[], None, 9).unwrap().len(), 3);
    store.sync(marks[2]).unwrap();
    for mark in marks {
        store.sync(mark).unwrap();
    }
    drop(store);
    assert_eq!(open(dir.path()).scan(&[], None, 9).unwrap().len(), 3);
}

#[test]
fn what_was_applied_before_the_store_failed_is_never_called_durable() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let kept = store.apply(RelayBatch::new().put([0], [0])).unwrap();
    store.sync(kept).unwrap();
    let (ours, theirs) = (
        store.apply(RelayBatch::new().put([1], [1])).unwrap(),
        store.apply(RelayBatch::new().put([2], [2])).unwrap(),
    );
    fail(&store);
    store.close();
    let after = store.apply(RelayBatch::new().put([3], [3])).unwrap();
    assert!(after > theirs);
    store.sync(after).unwrap();
    // Whoever asks first takes nothing from whoever asks later.
    for mark in [theirs, ours, theirs] {
        assert!(matches!(store.sync(mark), Err(RelayStoreError::Lost)));
    }
    store.write(RelayBatch::new().put([4], [4])).unwrap();
}

#[test]
fn closing_in_good_order_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let mark = store.apply(RelayBatch::new().put([1], [1])).unwrap();
    store.close();
    store.sync(mark).unwrap();
    assert_eq!(store.get(&[1]).unwrap(), Some(vec![1]));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn it_is_the_map_it_claims_to_be(
        batches in prop::collection::vec(
            prop::collection::vec((prop::collection::vec(0..3u8, 0..4), prop::option::of(0..15_000usize)), 0..5),
            1..10,
        ),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let mut store = open(dir.path());
        let mut model = BTreeMap::new();
        for (number, changes) in batches.into_iter().enumerate() {
            let mut batch = RelayBatch::new();
            for (key, length) in changes {
                match length {
                    Some(length) => {
                        model.insert(key.clone(), vec![3; length]);
                        batch = batch.put(key, vec![3; length]);
                    }
                    None => {
                        model.remove(&key);
                        batch = batch.remove(key);
                    }
                }
            }
            store.write(batch).unwrap();
            if number % 4 == 3 {
                drop(store);
                store = open(dir.path());
            }
            let found: BTreeMap<_, _> = store.scan(&[], None, usize::MAX).unwrap().into_iter().collect();
            prop_assert_eq!(&found, &model);
            prop_assert_eq!(store.size(), model.iter().map(|(k, v)| (k.len() + v.len()) as u64).sum::<u64>());
        }
    }
}
