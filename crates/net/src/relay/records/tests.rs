use super::*;
use outis_mailbox::MemoryShelf;

const NOW: UnixMillis = UnixMillis(1_700_000_000_000);

fn shelf() -> SharedShelf {
    SharedShelf(Arc::new(MemoryShelf::default()))
}

fn open(shelf: &SharedShelf, own: PeerId, quota: u64) -> (Records, WriteBehind) {
    Records::open(shelf.clone(), own, quota, NOW).expect("memory")
}

fn checked(key: u8, order: u128, effort: u32) -> Checked {
    Checked {
        key: DirectoryKey([key; 32]),
        order: (order, [0; 32]),
        effort,
        expires: UnixMillis(NOW.0 + 1_000),
    }
}

#[tokio::test]
async fn a_record_is_readable_at_once_and_after_a_restart() {
    let shelf = shelf();
    let own = PeerId::random();
    let (mut records, behind) = open(&shelf, own, 1 << 20);
    assert_eq!(records.keep(&checked(1, 1, 0), b"one".to_vec()), Kept::Stored);
    assert_eq!(records.record(&DirectoryKey([1; 32])), Some(b"one".to_vec()));
    drop(records);
    behind.run().await;
    let (records, _) = open(&shelf, own, 1 << 20);
    assert_eq!(records.record(&DirectoryKey([1; 32])), Some(b"one".to_vec()));
    assert_eq!(records.usage().0, 1);
}

#[tokio::test]
async fn only_a_newer_record_replaces_an_older_one() {
    let (mut records, _behind) = open(&shelf(), PeerId::random(), 1 << 20);
    assert_eq!(records.keep(&checked(1, 5, 0), b"five".to_vec()), Kept::Stored);
    assert_eq!(records.keep(&checked(1, 5, 0), b"five again".to_vec()), Kept::Already);
    assert_eq!(records.keep(&checked(1, 4, 0), b"four".to_vec()), Kept::Outdated);
    assert_eq!(records.keep(&checked(1, 6, 0), b"six".to_vec()), Kept::Stored);
    assert_eq!(records.record(&DirectoryKey([1; 32])), Some(b"six".to_vec()));
    assert_eq!(records.usage(), (1, 3 + OVERHEAD as u64));
}

#[tokio::test]
async fn a_full_store_keeps_the_nearest_and_stays_within_its_quota() {
    let quota = 10 * (4 + OVERHEAD as u64);
    let own = PeerId::random();
    let (mut records, _behind) = open(&shelf(), own, quota);
    for key in 0..50 {
        records.keep(&checked(key, 1, 0), vec![key; 4]);
        assert!(records.usage().1 <= quota);
    }
    let mut by_distance: Vec<u8> = (0..50).collect();
    by_distance.sort_by_key(|key| records.distance(&DirectoryKey([*key; 32])));
    let kept: Vec<u8> = by_distance
        .iter()
        .copied()
        .filter(|k| records.record(&DirectoryKey([*k; 32])).is_some())
        .collect();
    assert_eq!(kept, by_distance[..10], "the ten nearest");
    let too_large = Checked {
        key: DirectoryKey([200; 32]),
        ..checked(0, 1, 0)
    };
    assert_eq!(records.keep(&too_large, vec![0; quota as usize]), Kept::Full);
}

#[tokio::test]
async fn what_is_over_goes_from_memory_and_shelf() {
    let shelf = shelf();
    let (mut records, behind) = open(&shelf, PeerId::random(), 1 << 20);
    records.keep(&checked(1, 1, 0), b"one".to_vec());
    records.expire(UnixMillis(NOW.0 + 999));
    assert_eq!(records.usage().0, 1);
    records.expire(UnixMillis(NOW.0 + 1_000));
    assert_eq!(records.record(&DirectoryKey([1; 32])), None);
    drop(records);
    behind.run().await;
    assert_eq!(shelf.size(), 0);
}

#[tokio::test]
async fn a_record_for_which_there_is_no_room_drives_nobody_out() {
    let size = 4 + OVERHEAD as u64;
    let own = PeerId::random();
    let (mut records, _behind) = open(&shelf(), own, 10 * size);
    let mut by_distance: Vec<u8> = (0..=255).collect();
    by_distance.sort_by_key(|key| records.distance(&DirectoryKey([*key; 32])));
    let (nearest, others) = by_distance.split_first().expect("256 of them");
    for key in others.iter().take(10) {
        assert_eq!(records.keep(&checked(*key, 1, 0), vec![*key; 4]), Kept::Stored);
    }
    let before = records.usage();

    // As large as the whole quota and nearer than all but nine: those would have to go, but the one it needs may not.
    let (tenth, larger) = (others[9], vec![0; 4 + 2 * OVERHEAD]);
    let middling = others[8];
    assert_eq!(records.keep(&checked(middling, 2, 0), larger), Kept::Full);
    assert_eq!(records.usage(), before);
    assert!(records.record(&DirectoryKey([tenth; 32])).is_some());

    // A queue to the disk that is full refuses the nearest of all, and again nobody goes.
    while records.write(DirectoryKey([0xee; 32]), None) {}
    assert_eq!(records.keep(&checked(*nearest, 1, 0), vec![*nearest; 4]), Kept::Full);
    assert_eq!(records.usage(), before);
}

#[tokio::test]
async fn a_damaged_shelf_is_skipped_and_a_full_queue_refuses() {
    let shelf = shelf();
    let damaged = Change::Put {
        key: [PREFIX, b"short"].concat(),
        value: vec![1; 4],
    };
    shelf.write(vec![damaged]).expect("memory");
    let (mut records, _behind) = open(&shelf, PeerId::random(), 1 << 30);
    assert_eq!(records.usage().0, 0);
    let key = |n: u32| {
        let mut key = [0; 32];
        key[..4].copy_from_slice(&n.to_be_bytes());
        Checked {
            key: DirectoryKey(key),
            ..checked(0, 1, 0)
        }
    };
    let outcomes: Vec<_> = (0..WRITES as u32 + 1).map(|n| records.keep(&key(n), vec![1])).collect();
    assert!(outcomes[..WRITES].iter().all(|kept| *kept == Kept::Stored));
    assert_eq!(outcomes[WRITES], Kept::Full, "nobody writes");
}

#[tokio::test]
async fn kademlia_itself_stores_nothing() {
    let (mut records, _behind) = open(&shelf(), PeerId::random(), 1 << 20);
    let key = RecordKey::new(&[1; 32]);
    assert!(RecordStore::put(&mut records, kad::Record::new(key.clone(), b"unchecked".to_vec())).is_err());
    assert!(RecordStore::get(&records, &key).is_none());
    records.keep(&checked(1, 1, 0), b"checked".to_vec());
    assert_eq!(
        RecordStore::get(&records, &key).map(|r| r.value.clone()),
        Some(b"checked".to_vec())
    );
}
