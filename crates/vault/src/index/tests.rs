use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

/// Stores what has changed and reads everything again, as a fresh process would.
#[derive(Default)]
struct Stored {
    directory: Vec<u8>,
    parts: BTreeMap<u64, Vec<u8>>,
}

impl Stored {
    fn keep(&mut self, index: &mut Index) -> usize {
        for number in index.take_dropped() {
            self.parts.remove(&number);
        }
        let changes = index.take_dirty();
        let count = changes.len();
        for Change { part, dirt, bytes } in changes {
            assert_ne!(dirt, Dirt::Clean);
            match part {
                Some(number) => {
                    self.parts.insert(number, bytes);
                }
                None => self.directory = bytes,
            }
        }
        count
    }

    fn read(&self) -> Index {
        let (mut index, numbers) = Index::decode_directory(&self.directory).unwrap();
        assert_eq!(
            numbers.len(),
            self.parts.len(),
            "no part is stored that the directory does not name"
        );
        for number in numbers {
            index.load_part(&self.parts[&number]).unwrap();
        }
        index
    }
}

fn all(index: &Index) -> Vec<u64> {
    index.within(0..=u64::MAX).collect()
}

#[test]
fn appending_rewrites_one_small_part_however_many_there_are() {
    let (mut index, mut stored) = (Index::new(3), Stored::default());
    for number in 0..2_000 {
        index.insert(number);
        let written = stored.keep(&mut index);
        assert_eq!(written, if number == 0 { 2 } else { 1 });
    }
    assert_eq!(stored.parts.values().map(Vec::len).collect::<Vec<_>>(), [16]);
    assert_eq!((stored.read().count(), stored.read().slot()), (2_000, 3));
}

#[test]
fn a_scattered_set_stays_in_parts_of_bounded_size_in_any_order_of_arrival() {
    let up: Vec<u64> = (0..1_200).map(|n| 2 * n).collect();
    let down: Vec<u64> = up.iter().rev().copied().collect();
    let mixed: Vec<u64> = (0..1_200u64).map(|n| 2 * (n * 1_237 % 1_200)).collect();
    for order in [up, down, mixed] {
        let (mut index, mut stored) = (Index::new(0), Stored::default());
        for number in &order {
            index.insert(*number);
            assert!(stored.keep(&mut index) <= 3);
        }
        assert!(stored.parts.values().all(|part| part.len() <= 16 * PART_RUNS));
        assert_eq!(all(&stored.read()).len(), 1_200);
        for number in &order {
            index.remove(*number);
            stored.keep(&mut index);
        }
        assert!(index.is_empty() && stored.parts.len() <= 1);
    }
}

#[test]
fn what_only_grew_keeps_its_key_and_what_shrank_does_not() {
    let mut index = Index::new(0);
    (0..5).for_each(|number| index.insert(number));
    assert!(index.take_dirty().iter().all(|change| change.dirt == Dirt::Grown));
    index.remove(2);
    assert!(
        index
            .take_dirty()
            .iter()
            .all(|change| change.dirt == Dirt::Shrunk && change.part.is_some())
    );
}

#[test]
fn torn_directories_and_parts_are_refused() {
    let field = |n: u64| n.to_be_bytes();
    let directory = |fields: &[u64]| fields.iter().copied().flat_map(field).collect::<Vec<u8>>();
    assert!(Index::decode_directory(&directory(&[0, 2, 0, 0, 9, 1])).is_ok());
    for bad in [
        vec![0],
        vec![0, 2, 0],
        vec![0, 1, 0, 1],
        vec![0, 2, 1, 0],
        vec![0, 2, 0, 0, 0, 1],
        vec![0, 3, 0, 0, 9, 1, 8, 2],
    ] {
        assert!(Index::decode_directory(&directory(&bad)).is_err(), "{bad:?}");
    }
    for bad in [
        vec![5, 4],
        vec![1, 2, 3, 4],
        vec![7, 9, 1, 2],
        vec![0, u64::MAX, 5, 6],
        vec![1],
    ] {
        assert!(Index::new(0).load_part(&directory(&bad)).is_err(), "{bad:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn it_is_the_set_it_claims_to_be(
        steps in prop::collection::vec((any::<bool>(), prop_oneof![0..30u64, Just(u64::MAX), Just(u64::MAX - 1)]), 1..80),
        from in 0..30u64,
        length in 0..30u64,
    ) {
        let (mut index, mut stored, mut model) = (Index::new(0), Stored::default(), BTreeSet::new());
        for (insert, number) in steps {
            if insert {
                index.insert(number);
                model.insert(number);
            } else {
                index.remove(number);
                model.remove(&number);
            }
            stored.keep(&mut index);
            // Before anything was ever in it, nothing is stored.
            let again = if stored.directory.is_empty() { Index::new(0) } else { stored.read() };
            for index in [&index, &again] {
                prop_assert_eq!(all(index), model.iter().copied().collect::<Vec<_>>());
                prop_assert_eq!(index.count(), model.len() as u64);
                prop_assert_eq!(index.first_free(), (0..).find(|n| !model.contains(n)));
                let range = from..=from + length;
                prop_assert_eq!(index.within(range.clone()).collect::<Vec<_>>(), model.range(range).copied().collect::<Vec<_>>());
            }
            for pair in index.runs.iter().collect::<Vec<_>>().windows(2) {
                prop_assert!(pair[0].1.saturating_add(1) < *pair[1].0, "runs that touch are one");
            }
        }
    }
}
