use std::fs;

use super::*;

fn open(dir: &Path, done: u64) -> (Journal, Replayed) {
    Journal::open(dir, done).unwrap()
}

fn body(key: u8, length: usize) -> Vec<u8> {
    let mut body = Vec::new();
    encode(&mut body, &[key], Some(&vec![key; length])).unwrap();
    body
}

fn keys(replayed: &Replayed) -> Vec<u8> {
    replayed.active.keys().map(|key| key[0]).collect()
}

/// A first epoch of four frames, the second of which takes two blocks.
fn four(dir: &Path) -> Vec<u8> {
    let (mut journal, _) = open(dir, 0);
    for (key, length) in [(1, 10), (2, 5_000), (3, 10), (4, 10)] {
        journal.append(&body(key, length)).unwrap();
    }
    fs::read(dir.join("journal.1")).unwrap()
}

#[test]
fn what_was_appended_is_replayed_in_order_and_goes_on_behind_it() {
    let dir = tempfile::tempdir().unwrap();
    four(dir.path());
    let (mut journal, replayed) = open(dir.path(), 0);
    assert_eq!(keys(&replayed), [1, 2, 3, 4]);
    assert!(!replayed.has_gap && replayed.frozen.is_none());
    let mut removal = body(5, 7);
    encode(&mut removal, &[2], None).unwrap();
    journal.append(&removal).unwrap();
    let (_, replayed) = open(dir.path(), 0);
    assert_eq!(keys(&replayed), [1, 2, 3, 4, 5]);
    assert_eq!(replayed.active[&vec![2]], None);
}

#[test]
fn a_torn_last_frame_never_happened_and_is_written_over() {
    let dir = tempfile::tempdir().unwrap();
    let whole = four(dir.path());
    let path = dir.path().join("journal.1");
    for at in [0, 40, 70, 74, 80, 100] {
        let mut bytes = whole.clone();
        bytes[4 * BLOCK + at] ^= 1;
        fs::write(&path, &bytes).unwrap();
        let (mut journal, replayed) = open(dir.path(), 0);
        // Zeros behind a value are not the frame's.
        let count = if at == 100 { 4 } else { 3 };
        assert_eq!(replayed.active.len(), count, "a byte changed at {at}");
        assert!(!replayed.has_gap);
        journal.append(&body(9, 1)).unwrap();
        assert_eq!(open(dir.path(), 0).1.active.len(), count + 1);
    }
    for length in 0..whole.len() / 512 {
        fs::write(&path, &whole[..length * 512]).unwrap();
        let (_, replayed) = open(dir.path(), 0);
        assert!(!replayed.has_gap);
        assert!(keys(&replayed).iter().copied().eq(1..=replayed.active.len() as u8));
    }
}

#[test]
fn a_frame_that_was_told_and_is_damaged_is_a_gap() {
    let dir = tempfile::tempdir().unwrap();
    let whole = four(dir.path());
    for block in [1, 2, 3] {
        let mut bytes = whole.clone();
        bytes[block * BLOCK + 90] ^= 1;
        fs::write(dir.path().join("journal.1"), bytes).unwrap();
        let (_, replayed) = open(dir.path(), 0);
        assert!(replayed.has_gap, "block {block}");
    }
}

#[test]
fn epochs_take_turns_and_only_what_came_after_the_last_checkpoint_counts() {
    let dir = tempfile::tempdir().unwrap();
    four(dir.path());
    let (mut journal, _) = open(dir.path(), 0);
    journal.begin_next().unwrap();
    journal.append(&body(7, 1)).unwrap();
    let (_, replayed) = open(dir.path(), 0);
    assert_eq!(keys(&replayed), [7]);
    assert_eq!(
        replayed.frozen.map(|(epoch, changes)| (epoch, changes.len())),
        Some((1, 4))
    );
    assert!(!replayed.has_gap);
    let (mut journal, replayed) = open(dir.path(), 1);
    assert_eq!((keys(&replayed), replayed.has_gap), (vec![7], false));
    assert!(replayed.frozen.is_none());
    // Over the first epoch, of which more frames stand behind it.
    journal.begin_next().unwrap();
    journal.append(&body(8, 1)).unwrap();
    let (journal, replayed) = open(dir.path(), 2);
    assert_eq!(
        (journal.epoch(), keys(&replayed), replayed.has_gap),
        (3, vec![8], false)
    );
    let (journal, replayed) = open(dir.path(), 3);
    assert_eq!((journal.epoch(), keys(&replayed), replayed.has_gap), (4, vec![], false));
}

#[test]
fn a_store_older_than_its_journal_is_a_gap() {
    let dir = tempfile::tempdir().unwrap();
    let (mut journal, _) = open(dir.path(), 4);
    journal.append(&body(1, 1)).unwrap();
    assert!(!open(dir.path(), 4).1.has_gap);
    assert!(open(dir.path(), 3).1.has_gap);
    assert!(open(dir.path(), 0).1.has_gap);
}

#[test]
fn a_long_file_is_cut_when_it_is_begun_anew_and_an_emptied_one_takes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let length = |name: &str| fs::metadata(dir.path().join(name)).unwrap().len();
    let (mut journal, _) = open(dir.path(), 0);
    journal.append(&vec![0; 2 * KEPT as usize]).unwrap();
    journal.begin_next().unwrap();
    journal.begin_next().unwrap();
    assert_eq!(length("journal.1"), KEPT);
    journal.clear().unwrap();
    assert_eq!(length("journal.1") + length("journal.0"), 0);
}

#[test]
fn a_frame_is_the_bytes_of_the_vector() {
    let vector = include_str!("../../../../../../tests/vectors/vault-journal.txt");
    let expected = hex::decode(vector.lines().find(|line| !line.starts_with('#')).unwrap()).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let (mut journal, _) = open(dir.path(), 0);
    let mut body = Vec::new();
    encode(&mut body, b"k", Some(b"hi")).unwrap();
    encode(&mut body, b"go", None).unwrap();
    journal.append(&body).unwrap();
    let file = fs::read(dir.path().join("journal.1")).unwrap();
    let (frame, zeros) = file.split_at(expected.len());
    assert_eq!(frame, expected);
    assert!(zeros.iter().all(|byte| *byte == 0) && zeros.len() >= BLOCK - expected.len());
}
