use super::*;
use crate::testing::{NOW, rng};

const MINUTE: Duration = Duration::from_secs(60);
const FAR: NodeId = NodeId([1; 32]);

/// Whoever is there breaks each circuit at once, and we try whenever we may: circuits begun in this time.
fn circuits(backoff: &mut Backoff, from: UnixMillis, time: Duration, worked: bool) -> Vec<UnixMillis> {
    let mut rng = rng(1);
    let mut begun = Vec::new();
    let mut now = from;
    while now < from.plus(time) {
        match backoff.may_build(FAR, now) {
            Ok(()) => {
                begun.push(now);
                backoff.began(FAR, now);
                if worked {
                    backoff.worked(FAR);
                } else {
                    backoff.failed(FAR, now, &mut rng);
                }
                now = now.plus(Duration::from_millis(100));
            }
            Err(Wait { until }) => now = until,
        }
    }
    begun
}

#[test]
fn at_most_six_circuits_begin_in_any_ten_minutes_even_to_one_that_seems_to_work() {
    for worked in [false, true] {
        let begun = circuits(&mut Backoff::new(), NOW, 600 * MINUTE, worked);
        assert!(
            begun.windows(7).all(|seven| seven[6].since(seven[0]) >= PERIOD),
            "{begun:?}"
        );
        assert!(begun.len() > 40, "it is tried again and again");
    }
}

#[test]
fn a_destination_that_breaks_circuits_is_tried_less_and_less_and_one_that_works_at_once() {
    let begun = circuits(&mut Backoff::new(), NOW, 60 * MINUTE, false);
    let waits: Vec<u64> = begun.windows(2).map(|two| two[1].since(two[0]).as_secs()).collect();
    assert!(
        waits[0] == 0 && waits[1] >= 2 && waits[1] <= 3 && waits[4] >= 16,
        "{waits:?}"
    );
    assert!(waits.last() >= Some(&590), "{waits:?}");
    let mut backoff = Backoff::new();
    circuits(&mut backoff, NOW, MINUTE, false);
    backoff.worked(FAR);
    assert_eq!(
        backoff.may_build(NodeId([2; 32]), NOW),
        Ok(()),
        "another one is another matter"
    );
}

#[test]
fn the_count_survives_a_restart() {
    let mut backoff = Backoff::new();
    let before = circuits(&mut backoff, NOW, 10 * MINUTE, true);
    assert_eq!(before.len(), 6);
    let now = NOW.plus(MINUTE);
    let mut again = Backoff::from_record(&backoff.to_record(now)).unwrap();
    assert!(again.may_build(FAR, now).is_err());
    assert!(
        Backoff::new().may_build(FAR, now).is_ok(),
        "the control: who forgets draws anew"
    );
    assert_eq!(circuits(&mut again, now, 9 * MINUTE, true).len(), 0);
}

#[test]
fn what_no_longer_counts_is_not_recorded() {
    let mut backoff = Backoff::new();
    backoff.began(FAR, NOW);
    assert_eq!(Backoff::from_record(&backoff.to_record(NOW)), Ok(backoff.clone()));
    assert_eq!(
        Backoff::from_record(&backoff.to_record(NOW.plus(20 * MINUTE))),
        Ok(Backoff::new())
    );
}

#[test]
fn destinations_without_end_take_no_memory_without_end() {
    let mut backoff = Backoff::new();
    for number in 0..3_000u32 {
        let mut node = [0; 32];
        node[..4].copy_from_slice(&number.to_be_bytes());
        backoff.began(NodeId(node), NOW.plus(Duration::from_millis(number.into())));
    }
    assert_eq!(backoff.0.len(), Backoff::DESTINATIONS);
    assert!(backoff.to_record(NOW).len() <= LIMIT);
    assert!(Backoff::from_record(&backoff.to_record(NOW)).is_ok());
}

#[test]
fn a_clock_that_was_ahead_keeps_nothing_waiting_for_long() {
    let mut backoff = Backoff::new();
    circuits(&mut backoff, NOW.plus(Duration::from_secs(1 << 30)), 10 * MINUTE, false);
    let Err(Wait { until }) = backoff.may_build(FAR, NOW) else {
        panic!("six were begun just now");
    };
    assert!(until <= NOW.plus(PERIOD));
}

#[test]
fn a_record_is_that_of_the_vectors_and_a_damaged_one_is_refused() {
    let mut backoff = Backoff::new();
    circuits(&mut backoff, NOW, MINUTE, false);
    backoff.began(NodeId([2; 32]), NOW);
    let record = backoff.to_record(NOW);
    let golden = include_str!("../../../../tests/vectors/onion-backoff.txt");
    assert_eq!(
        format!("backoff = {}\n", hex::encode(&record)),
        golden.replace("\r\n", "\n")
    );
    assert_eq!(
        Backoff::from_record(&[&[2], &record[1..]].concat()),
        Err(BackoffRecordError::Version(2))
    );
    assert!((0..record.len()).all(|end| Backoff::from_record(&record[..end]).is_err()));
    let tries = || Tries {
        began: vec![NOW],
        ..Tries::default()
    };
    for bad in [vec![(FAR, tries()), (FAR, tries())], vec![(FAR, Tries::default())]] {
        let bad = encode(&(VERSION, bad));
        assert_eq!(Backoff::from_record(&bad), Err(BackoffRecordError::Contradictory));
    }
}
