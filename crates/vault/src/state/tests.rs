use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use outis_crypto::Secret;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;

use super::*;
use crate::engine::memory::{MemoryDisk, MemoryEngine};
use crate::engine::{DiskKey, Slot};
use crate::forest::{BlockId, BlockSource, TreeId};
use crate::key::{Key, Space, Table};
use crate::pack::Catalog;
use crate::page::{self, Page, PageId, Plain, Version};

const TABLE: Table = Table(7);
const SESSIONS: Table = Table(8);

/// A container on a disk of which every byte is remembered.
struct Recorded {
    disk: MemoryDisk,
    engine: MemoryEngine,
    state: State,
    values: BTreeMap<DiskKey, BTreeSet<Vec<u8>>>,
    files: BTreeMap<String, BTreeSet<Vec<u8>>>,
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
            files: BTreeMap::new(),
            slots: BTreeSet::new(),
        };
        recorded.note();
        recorded
    }

    fn commit(&mut self, commit: Commit) {
        let applied = self.state.commit(&self.engine, commit).unwrap();
        self.note();
        self.engine.sync(applied.number).unwrap();
        self.state.sweep(&self.engine, &applied.doomed).unwrap();
    }

    fn note(&mut self) {
        for (key, value) in self.disk.records() {
            self.values.entry(key).or_default().insert(value);
        }
        for (name, bytes) in self.disk.files() {
            self.files.entry(name).or_default().insert(bytes);
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
                // All that it comes to remember follows from this root record.
                let (_, mut forest) = Forest::decode(plain.dangerously_expose()).unwrap();
                for place in places {
                    for version in attacker.versions(place) {
                        let head = sealed::head(keys, place, version).unwrap();
                        let key = forest.key(TreeId::of(place), head.serial, &attacker);
                        let value = key.ok().and_then(|key| sealed::open(&key, place, version).ok());
                        let Some(value) = value else { continue };
                        if place.space == Space::Page {
                            found.extend(self.decipher_page(place, value.dangerously_expose()));
                        } else {
                            found.insert(value.dangerously_expose().to_vec());
                        }
                    }
                }
            }
        }
        found
    }
}

impl Recorded {
    /// The values in any version of a page that this header gives the key to.
    fn decipher_page(&self, place: &Place, header: &[u8]) -> Vec<Vec<u8>> {
        let pages = match page::Header::decode(header).unwrap() {
            page::Header::Inline(plain) => vec![plain.page().unwrap()],
            page::Header::Packed(spot) => {
                let name = hex(&self.state.keys.disk_key(&Catalog::place(spot.pack), 0));
                let versions = self.files.get(&name).into_iter().flatten();
                let (start, length) = (spot.offset as usize, spot.length as usize);
                versions
                    .filter_map(|file| Plain::open(&spot.key, place, file.get(start..start + length)?).ok())
                    .map(|plain| plain.page().unwrap())
                    .collect()
            }
        };
        let values = |page: Page| {
            let entries = page
                .offsets()
                .into_iter()
                .filter_map(|offset| page.get(offset).map(|entry| entry.value.dangerously_expose().to_vec()));
            entries.collect::<Vec<_>>()
        };
        pages.into_iter().flat_map(values).collect()
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
    let count = if std::env::var_os("OUTIS_SOAK").is_some() {
        1_000
    } else {
        16
    };
    let mut recorded = Recorded::new();
    let text = |n: u64| format!("message {n}").into_bytes();
    let session = |n: u64| format!("session {n}").into_bytes();
    let messages: Vec<Key> = (0..count).map(|n| Key::new(TABLE, [1; 32], n)).collect();
    for (n, key) in (0..).zip(&messages) {
        let commit = Commit::new().put(*key, text(n)).put(Key::single(SESSIONS), session(n));
        recorded.commit(commit);
    }
    let all_slots = recorded.slots.clone();
    let erased: Vec<u64> = (0..count).filter(|n| n % 3 == 0).collect();
    for n in &erased {
        recorded.commit(Commit::new().erase(messages[usize::try_from(*n).unwrap()]));
    }
    let places: Vec<Place> = messages
        .iter()
        .copied()
        .chain([Key::single(SESSIONS)])
        .map(Place::from)
        .collect();

    let live: BTreeSet<Vec<u8>> = (0..count)
        .filter(|n| !erased.contains(n))
        .map(text)
        .chain([session(count - 1)])
        .collect();
    recorded.state.settle(&recorded.engine).unwrap();
    assert_eq!(recorded.decipher(&recorded.standing_slots(), &places), live);

    // Positive control: were root slots not overwritten in place, everything could be read again.
    let everything: BTreeSet<Vec<u8>> = (0..count).map(text).chain((0..count).map(session)).collect();
    let leaky = recorded.decipher(&all_slots.union(&recorded.slots).cloned().collect(), &places);
    assert_eq!(leaky, everything);
}

/// A message long enough for a page of them to be a file, or so short that it is not.
fn long_or_short(n: u64, is_long: bool) -> Vec<u8> {
    let text = format!("{n:03} {is_long}").into_bytes();
    if is_long { text.repeat(30) } else { text }
}

#[test]
fn what_left_a_page_cannot_be_read_from_every_byte_ever_written() {
    const OWNERS: [(u8, bool); 2] = [(1, true), (2, false)];
    const WINDOWS: u64 = 4;
    let mut recorded = Recorded::new();
    let key = |owner, n| Key::new(TABLE, [owner; 32], n);
    for window in 0..WINDOWS {
        let numbers = window * 64..(window + 1) * 64;
        let all = OWNERS.iter().flat_map(|owner| numbers.clone().map(move |n| (owner, n)));
        recorded.commit(all.fold(Commit::new(), |commit, ((owner, is_long), n)| {
            commit.put(key(*owner, n), long_or_short(n, *is_long))
        }));
    }
    recorded.state.fold(&recorded.engine).unwrap();
    recorded.note();
    assert_eq!(recorded.disk.files().len(), 1, "the long ones of the windows that rest");
    let (erased, replaced, window) = ([5, 6, 200], [7, 8, 201], 64..128);
    for (owner, _) in OWNERS {
        recorded.commit(
            erased
                .iter()
                .fold(Commit::new(), |commit, n| commit.erase(key(owner, *n))),
        );
        recorded.commit(replaced.iter().fold(Commit::new(), |commit, n| {
            commit.put(key(owner, *n), format!("newer {n} {owner}").into_bytes())
        }));
        // A whole page at once.
        recorded.commit(
            window
                .clone()
                .fold(Commit::new(), |commit, n| commit.erase(key(owner, n))),
        );
    }
    recorded.state.settle(&recorded.engine).unwrap();
    assert_eq!(recorded.disk.files().len(), 1, "packs without pages are gone");
    let places: Vec<Place> = OWNERS
        .iter()
        .flat_map(|(owner, _)| {
            let alone = (0..WINDOWS * 64).map(move |n| Place::from(key(*owner, n)));
            let paged = (0..WINDOWS).flat_map(move |window| {
                let id = PageId {
                    window,
                    ..PageId::of(&Place::from(key(*owner, 0)))
                };
                Version::BOTH.map(|version| id.place(version))
            });
            alone.chain(paged)
        })
        .collect();
    let original: BTreeSet<Vec<u8>> = OWNERS
        .iter()
        .flat_map(|(_, is_long)| (0..WINDOWS * 64).map(|n| long_or_short(n, *is_long)))
        .collect();
    let newer = OWNERS
        .iter()
        .flat_map(|(owner, _)| replaced.map(|n| format!("newer {n} {owner}").into_bytes()));
    let is_gone = |n: u64| erased.contains(&n) || replaced.contains(&n) || window.contains(&n);
    let live: BTreeSet<Vec<u8>> = OWNERS
        .iter()
        .flat_map(|(_, is_long)| {
            (0..WINDOWS * 64)
                .filter(|n| !is_gone(*n))
                .map(|n| long_or_short(n, *is_long))
        })
        .chain(newer.clone())
        .collect();
    assert_eq!(recorded.decipher(&recorded.standing_slots(), &places), live);
    let everything: BTreeSet<Vec<u8>> = original.into_iter().chain(newer).collect();
    let leaky = recorded.decipher(&recorded.slots, &places);
    assert_eq!(leaky, everything, "positive control: with the root keys of before");
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
                .map(drop)
                .unwrap();
        }
        if round % 10 == 1 {
            sizes.push(recorded.disk.records().len());
        }
    }
    assert!(sizes.iter().all(|size| *size <= sizes[0] + 4), "{sizes:?}");
}

#[test]
fn opening_reads_no_more_of_many_messages_than_of_few() {
    let reads_to_open = |messages: u64| {
        let mut recorded = Recorded::new();
        for start in (0..messages).step_by(500) {
            let batch = (start..messages.min(start + 500)).fold(Commit::new(), |commit, n| {
                commit.put(
                    Key::new(TABLE, [u8::try_from(n % 20).unwrap(); 32], n / 20),
                    vec![0; 30],
                )
            });
            let applied = recorded.state.commit(&recorded.engine, batch).unwrap();
            recorded.engine.sync(applied.number).unwrap();
        }
        let engine = recorded.disk.mount();
        let before = recorded.disk.reads();
        let rng: Rng = Box::new(ChaCha20Rng::seed_from_u64(2));
        State::open(&engine, Keys::new(Secret::from_bytes([1; 32])), rng).unwrap();
        recorded.disk.reads() - before
    };
    assert_eq!(reads_to_open(20_000), reads_to_open(20));
}

mod nonces;
