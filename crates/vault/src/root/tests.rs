use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;

use super::*;
use crate::engine::memory::MemoryDisk;

fn keys() -> Keys {
    Keys::new(Secret::from_bytes([1; 32]))
}

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(1)
}

#[test]
fn each_root_destroys_the_one_before_the_last() {
    let (engine, keys, mut rng) = (MemoryDisk::new(1).mount(), keys(), rng());
    let standing = |engine: &dyn Engine| {
        let mut numbers: Vec<u64> = Root::candidates(engine, &keys)
            .unwrap()
            .iter()
            .map(|root| root.number)
            .collect();
        numbers.sort_unstable();
        numbers
    };
    let first = Root::create(&engine, &keys, &mut rng).unwrap();
    let second = first.successor(&mut rng);
    second.write(&engine, &keys, &mut rng).unwrap();
    assert_eq!(
        standing(&engine),
        [1, 2],
        "until the store goes by the second, the first must stay"
    );
    let mut third = second.successor(&mut rng);
    third.write(&engine, &keys, &mut rng).unwrap();
    assert_eq!(standing(&engine), [2, 3]);
    third.blank_spare(&engine, &keys, &mut rng).unwrap();
    assert_eq!(standing(&engine), [3]);
    let found = Root::candidates(&engine, &keys).unwrap();
    assert!(
        found.iter().all(|root| root.spare == Spare::Blank),
        "a blank slot is known for one"
    );
}

#[test]
fn a_torn_slot_is_no_candidate_and_counts_as_stale() {
    let (engine, keys, mut rng) = (MemoryDisk::new(1).mount(), keys(), rng());
    let first = Root::create(&engine, &keys, &mut rng).unwrap();
    let mut torn = seal_slot(&keys, Slot::Second, 2, &Secret::random(&mut rng), &mut rng);
    torn[4000] ^= 1;
    engine.write_root(Slot::Second, &torn).unwrap();
    let found = Root::candidates(&engine, &keys).unwrap();
    assert_eq!(
        found.iter().map(|root| (root.number, root.spare)).collect::<Vec<_>>(),
        [(1, Spare::Stale)]
    );
    drop(first);
}

#[test]
fn a_slot_does_not_open_in_the_place_of_the_other() {
    let (keys, mut rng) = (keys(), rng());
    let bytes = seal_slot(&keys, Slot::First, 5, &Secret::from_bytes([2; 32]), &mut rng);
    assert!(open_slot(&keys, Slot::First, &bytes).is_ok());
    assert!(open_slot(&keys, Slot::Second, &bytes).is_err());
    assert!(open_slot(&keys, Slot::First, &bytes[..4095]).is_err());
}

#[test]
fn the_format_is_as_published() {
    let vector = include_str!("../../../../tests/vectors/vault-root-slot.txt");
    let expected = hex::decode(vector.lines().find(|line| !line.starts_with('#')).unwrap()).unwrap();
    let bytes = seal_slot(&keys(), Slot::Second, 0x0102, &Secret::from_bytes([2; 32]), &mut rng());
    assert_eq!(bytes.as_slice(), expected);
    let (number, key) = open_slot(&keys(), Slot::Second, &expected).unwrap();
    assert_eq!((number, key.dangerously_expose()), (0x0102, &[2; 32]));
}
