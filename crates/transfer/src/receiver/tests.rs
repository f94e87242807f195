use super::*;
use crate::Outline;
use proptest::prelude::*;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

const CHUNK: u64 = 64 * 1024;

fn offer(chunks: u64) -> Offer {
    let bytes = vec![0; usize::try_from(chunks * CHUNK - 5).unwrap()];
    Offer::new("a", &Outline::of(&bytes).unwrap(), &mut ChaCha20Rng::seed_from_u64(1))
}

#[test]
fn each_chunk_is_asked_for_on_one_road_only() {
    let mut receiver = Receiver::new(&offer(10));
    let (a, b) = (receiver.open_road(), receiver.open_road());
    assert_eq!(receiver.ask(a, 4), [(0, 4)]);
    assert_eq!(receiver.ask(b, 4), [(4, 4)]);
    assert_eq!(receiver.ask(a, 4), [(8, 2)]);
    assert_eq!(receiver.ask(b, 4), []);
    assert_eq!((receiver.asked_on(a), receiver.asked_on(b)), (6, 4));
}

#[test]
fn what_a_lost_road_owed_is_asked_for_on_another() {
    let mut receiver = Receiver::new(&offer(10));
    let (a, b) = (receiver.open_road(), receiver.open_road());
    receiver.ask(a, 4);
    receiver.ask(b, 6);
    assert_eq!(receiver.arrived(a, 1), Came::Wanted);
    receiver.stored(1);
    assert_eq!(receiver.arrived(a, 2), Came::Wanted);
    receiver.closed(a);
    // 2 has arrived and is on its way to the disk: it is not asked for again unless it is lost there.
    assert_eq!(receiver.ask(b, 10), [(0, 1), (3, 1)]);
    receiver.lost(2);
    assert_eq!(receiver.ask(b, 10), [(2, 1)]);
}

#[test]
fn only_what_was_asked_for_on_a_road_arrives_there_and_only_once() {
    let mut receiver = Receiver::new(&offer(4));
    let (a, b) = (receiver.open_road(), receiver.open_road());
    receiver.ask(a, 2);
    assert_eq!(receiver.arrived(b, 0), Came::NotAsked);
    assert_eq!(receiver.arrived(a, 3), Came::NotAsked);
    assert_eq!(receiver.arrived(a, 0), Came::Wanted);
    assert_eq!(receiver.arrived(a, 0), Came::NotAsked);
    receiver.stored(0);
    assert_eq!(receiver.arrived(a, 0), Came::NotAsked);
}

#[test]
fn progress_counts_the_bytes_on_the_disk() {
    let mut receiver = Receiver::new(&offer(3));
    assert_eq!(
        receiver.progress(),
        Progress {
            stored: 0,
            size: 3 * CHUNK - 5
        }
    );
    receiver.stored(2);
    assert_eq!(receiver.progress().stored, CHUNK - 5);
    receiver.stored(0);
    receiver.stored(0);
    receiver.stored(7);
    assert_eq!(receiver.progress().stored, 2 * CHUNK - 5);
    assert!(!receiver.is_complete());
    receiver.stored(1);
    assert!(receiver.is_complete());
    assert_eq!(receiver.progress().stored, receiver.progress().size);
}

#[test]
fn an_empty_file_is_one_empty_chunk() {
    let offer = Offer::new("a", &Outline::of(b"").unwrap(), &mut ChaCha20Rng::seed_from_u64(1));
    let mut receiver = Receiver::new(&offer);
    assert!(!receiver.is_complete());
    assert_eq!(receiver.progress(), Progress { stored: 0, size: 0 });
    receiver.stored(0);
    assert!(receiver.is_complete());
    assert_eq!(receiver.progress(), Progress { stored: 0, size: 0 });
}

#[test]
fn a_record_of_another_file_or_a_damaged_one_is_refused() {
    let mut receiver = Receiver::new(&offer(10));
    (4..10).for_each(|chunk| receiver.stored(chunk));
    let record = receiver.to_record();
    assert_eq!(Receiver::resume(&offer(9), &record).err(), Some(RecordError::Malformed));
    assert_eq!(
        Receiver::resume(&offer(10), &record[..record.len() - 1]).err(),
        Some(RecordError::Malformed)
    );
    assert_eq!(Receiver::resume(&offer(10), &[]).err(), Some(RecordError::Malformed));
    assert_eq!(
        Receiver::resume(&offer(10), &[9, 0]).err(),
        Some(RecordError::UnknownVersion(9))
    );
}

#[test]
fn golden_record() {
    let mut receiver = Receiver::new(&offer(20));
    [0, 1, 2, 5, 19].into_iter().for_each(|chunk| receiver.stored(chunk));
    let vector = include_str!("../../../../tests/vectors/transfer-record.txt");
    let record = hex::decode(vector.lines().find(|line| !line.starts_with('#')).unwrap()).unwrap();
    assert_eq!(receiver.to_record(), record);
    assert_eq!(Receiver::resume(&offer(20), &record).unwrap().have(), receiver.have());
}

proptest! {
    #[test]
    fn after_a_restart_exactly_what_was_not_stored_is_asked_for(stored in proptest::collection::btree_set(0u32..40, 0..40)) {
        let offer = offer(40);
        let mut receiver = Receiver::new(&offer);
        stored.iter().for_each(|chunk| receiver.stored(*chunk));
        let mut resumed = Receiver::resume(&offer, &receiver.to_record()).unwrap();
        prop_assert_eq!(resumed.progress(), receiver.progress());
        let road = resumed.open_road();
        let asked: Vec<u32> = resumed.ask(road, 100).into_iter().flat_map(|(first, count)| first..first + count).collect();
        let expected: Vec<u32> = (0..40).filter(|chunk| !stored.contains(chunk)).collect();
        prop_assert_eq!(asked, expected);
    }

    #[test]
    fn any_bytes_are_no_record_or_one_that_is_written_the_same(bytes in proptest::collection::vec(any::<u8>(), 0..30)) {
        let offer = offer(40);
        if let Ok(receiver) = Receiver::resume(&offer, &[&[1], bytes.as_slice()].concat()) {
            prop_assert_eq!(&receiver.to_record()[1..], bytes.as_slice());
        }
    }
}
