use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use outis_crypto::Secret;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;

use super::*;
use crate::engine::memory::{MemoryDisk, MemoryEngine};
use crate::engine::{DiskKey, Slot};
use crate::forest::{BlockId, BlockSource, TreeId};
use crate::key::{Key, Table};

const TABLE: Table = Table(7);
const SESSIONS: Table = Table(8);

/// A container on a disk of which every byte is remembered.
struct Recorded {
    disk: MemoryDisk,
    engine: MemoryEngine,
    state: State,
    values: BTreeMap<DiskKey, BTreeSet<Vec<u8>>>,
    slots: BTreeSet<(u8, Vec<u8>)>,
}

impl Recorded {
    fn new() -> Self {
        let disk = MemoryDisk::new(1);
        let engine = disk.mount();
        let rng: Rng = Box::new(ChaCha20Rng::seed_from_u64(1));
        let state = State::create(&engine, Keys::new(Secret::from_bytes([1; 32])), rng).unwrap();
        let mut recorded = Self {
            disk,
            engine,
            state,
            values: BTreeMap::new(),
            slots: BTreeSet::new(),
        };
        recorded.note();
        recorded
    }

    fn commit(&mut self, commit: Commit) {
        self.state.commit(&self.engine, commit).unwrap();
        self.note();
    }

    fn note(&mut self) {
        for (key, value) in self.disk.records() {
            self.values.entry(key).or_default().insert(value);
        }
        self.slots.extend(self.standing_slots());
    }

    fn standing_slots(&self) -> BTreeSet<(u8, Vec<u8>)> {
        Slot::BOTH
            .iter()
            .map(|slot| (slot.index(), self.engine.read_root(*slot).unwrap()))
            .collect()
    }

    /// Everything that the password and every byte ever stored give, with these versions of the root slots.
    fn decipher(&self, slots: &BTreeSet<(u8, Vec<u8>)>, places: &[Place]) -> BTreeSet<Vec<u8>> {
        let keys = &self.state.keys;
        let attacker = Attacker {
            keys,
            values: &self.values,
            tried: RefCell::default(),
        };
        let mut found = BTreeSet::new();
        for (slot, bytes) in slots {
            let slot = if *slot == 0 { Slot::First } else { Slot::Second };
            let Some(root) = Root::from_bytes(keys, slot, bytes) else {
                continue;
            };
            for record in attacker.versions(&Place::ROOT) {
                let Ok(plain) = sealed::open(&root.key, &Place::ROOT, record) else {
                    continue;
                };
                for place in places {
                    for version in attacker.versions(place) {
                        // A fresh forest each time: what it remembers would be another version's.
                        let (_, mut forest) = Forest::decode(plain.dangerously_expose()).unwrap();
                        let head = sealed::head(keys, place, version).unwrap();
                        let key = forest.key(TreeId::of(place), head.serial, &attacker);
                        let value = key.ok().and_then(|key| sealed::open(&key, place, version).ok());
                        found.extend(value.map(|value| value.dangerously_expose().to_vec()));
                    }
                }
            }
        }
        found
    }
}

/// Has the password and every version of every value.
struct Attacker<'a> {
    keys: &'a Keys,
    values: &'a BTreeMap<DiskKey, BTreeSet<Vec<u8>>>,
    tried: RefCell<u64>,
}

impl Attacker<'_> {
    fn versions(&self, place: &Place) -> impl Iterator<Item = &Vec<u8>> {
        self.values.get(&self.keys.disk_key(place, 0)).into_iter().flatten()
    }
}

impl BlockSource for Attacker<'_> {
    fn load(&self, id: BlockId, key: &Secret<32>) -> Result<SecretBytes, Fault> {
        *self.tried.borrow_mut() += 1;
        let place = id.place();
        let opened = self
            .versions(&place)
            .find_map(|version| sealed::open(key, &place, version).ok());
        Ok(opened.ok_or(Damage("no version opens"))?)
    }
}

#[test]
fn what_was_erased_cannot_be_read_from_every_byte_ever_written() {
    let mut recorded = Recorded::new();
    let text = |n: u64| format!("message {n}").into_bytes();
    let session = |n: u64| format!("session {n}").into_bytes();
    let messages: Vec<Key> = (0..16).map(|n| Key::new(TABLE, [1; 32], n)).collect();
    for (n, key) in (0..).zip(&messages) {
        let commit = Commit::new().put(*key, text(n)).put(Key::single(SESSIONS), session(n));
        recorded.commit(commit);
    }
    let all_slots = recorded.slots.clone();
    let erased: Vec<u64> = (0..16).filter(|n| n % 3 == 0).collect();
    for n in &erased {
        recorded.commit(Commit::new().erase(messages[usize::try_from(*n).unwrap()]));
    }
    let places: Vec<Place> = messages
        .iter()
        .copied()
        .chain([Key::single(SESSIONS)])
        .map(Place::from)
        .collect();

    let live: BTreeSet<Vec<u8>> = (0..16)
        .filter(|n| !erased.contains(n))
        .map(text)
        .chain([session(15)])
        .collect();
    recorded.state.settle(&recorded.engine).unwrap();
    assert_eq!(recorded.decipher(&recorded.standing_slots(), &places), live);

    // Positive control: were root slots not overwritten in place, everything could be read again.
    let everything: BTreeSet<Vec<u8>> = (0..16).map(text).chain((0..16).map(session)).collect();
    let leaky = recorded.decipher(&all_slots.union(&recorded.slots).cloned().collect(), &places);
    assert_eq!(leaky, everything);
}

#[test]
fn until_it_has_settled_only_the_last_erasure_can_be_undone() {
    let mut recorded = Recorded::new();
    let keys = [1, 2].map(|n| Key::new(TABLE, [1; 32], n));
    recorded.commit(
        Commit::new()
            .put(keys[0], b"one".to_vec())
            .put(keys[1], b"two".to_vec()),
    );
    recorded.commit(Commit::new().erase(keys[0]));
    recorded.commit(Commit::new().erase(keys[1]));
    let places = keys.map(Place::from);
    assert_eq!(
        recorded.decipher(&recorded.standing_slots(), &places),
        BTreeSet::from([b"two".to_vec()])
    );
    recorded.state.settle(&recorded.engine).unwrap();
    assert!(recorded.decipher(&recorded.standing_slots(), &places).is_empty());
}

#[test]
fn erased_owners_and_numbers_are_gone_too() {
    let mut recorded = Recorded::new();
    let contact = [0xC7; 32];
    recorded.commit(
        Commit::new()
            .put(Key::new(TABLE, contact, 1), vec![1])
            .put(Key::new(TABLE, [2; 32], 1), vec![2]),
    );
    let owner_places: Vec<Place> = (0..2).map(|slot| owner_place(TABLE.into(), slot)).collect();
    let before = recorded.decipher(&recorded.standing_slots(), &owner_places);
    assert!(before.contains(contact.as_slice()), "positive control");
    recorded.commit(Commit::new().erase_all(TABLE, contact));
    recorded.state.settle(&recorded.engine).unwrap();
    let after = recorded.decipher(&recorded.standing_slots(), &owner_places);
    assert_eq!(after, BTreeSet::from([vec![2; 32]]));
}

#[test]
fn a_new_record_alone_leaves_the_root_as_it_is() {
    let mut recorded = Recorded::new();
    let number = recorded.state.root.number;
    for n in 0..300 {
        recorded.commit(Commit::new().put(Key::new(TABLE, [1; 32], n), vec![]));
    }
    assert_eq!(recorded.state.root.number, number);
    recorded.commit(Commit::new().put(Key::new(TABLE, [1; 32], 5), vec![]));
    assert_eq!(recorded.state.root.number, number + 1);
}

#[test]
fn stored_values_look_random_and_alike_for_one_or_fifty_contacts() {
    let mut recorded = Recorded::new();
    for contact in 0..50u8 {
        recorded.commit(Commit::new().put(Key::new(TABLE, [contact; 32], 0), vec![0; 150]));
    }
    let mut one = Recorded::new();
    for n in 0..50 {
        one.commit(Commit::new().put(Key::new(TABLE, [1; 32], n), vec![0; 150]));
    }
    let sizes = |recorded: &Recorded| -> BTreeSet<usize> { recorded.disk.records().values().map(Vec::len).collect() };
    assert!(sizes(&one).is_subset(&sizes(&recorded)), "the same classes occur");
    let mut counts = [0u32; 256];
    let bytes: Vec<u8> = recorded
        .disk
        .records()
        .into_iter()
        .flat_map(|(key, value)| [key.to_vec(), value])
        .flatten()
        .collect();
    bytes.iter().for_each(|byte| counts[usize::from(*byte)] += 1);
    let total = bytes.len() as f64;
    let entropy: f64 = counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| f64::from(*count) / total)
        .map(|p| -p * p.log2())
        .sum();
    assert!(entropy > 7.9, "{entropy}");
}

#[test]
fn overwriting_for_long_leaves_no_more_records_than_overwriting_once() {
    let mut recorded = Recorded::new();
    let mut sizes = Vec::new();
    for round in 0..30u64 {
        for owner in 0..20u8 {
            recorded
                .state
                .commit(
                    &recorded.engine,
                    Commit::new().put(Key::new(SESSIONS, [owner; 32], 0), vec![7; 2_400]),
                )
                .unwrap();
        }
        if round % 10 == 1 {
            sizes.push(recorded.disk.records().len());
        }
    }
    assert!(sizes.iter().all(|size| *size <= sizes[0] + 4), "{sizes:?}");
}
