//! R27: what many hostile relays do to the directory, in a model of it: Kademlia as relays speak it (buckets of 20, three asked
//! at a time, records at the 20 nearest), and clients who put by three relays and look up by three. Records are signed, so that
//! nobody can make one up; whoever is hostile says that it stored what it did not, has nothing, and names its friends only.
//! The figures stand in docs/protocol/directory.md, and are held against it here.

use outis_tests::process::soak;
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use std::collections::{BTreeMap, BTreeSet};

const BUCKET: usize = 20;
const AT_A_TIME: usize = 3;
const WAYS: usize = 3;
const CHECKS: usize = 2;
/// A client puts again until it reads back what it put; in its first minutes so often.
const PUTS: usize = 4;

struct Node {
    is_hostile: bool,
    /// Nodes that it was met by, nearest buckets first to fill.
    table: Vec<u64>,
    records: BTreeSet<u64>,
}

struct Directory {
    nodes: BTreeMap<u64, Node>,
    ids: Vec<u64>,
    hostile: Vec<u64>,
    rng: ChaCha20Rng,
}

impl Directory {
    /// So many nodes, of which a share is hostile, and more hostile ones whose ids were made.
    fn new(count: usize, hostile: f64, made: &[u64], seed: u64) -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let mut nodes = BTreeMap::new();
        let hostile_count = (count as f64 * hostile).round() as usize;
        for nth in 0..count {
            nodes.insert(rng.next_u64(), nth < hostile_count);
        }
        nodes.extend(made.iter().map(|id| (*id, true)));
        let ids: Vec<u64> = nodes.keys().copied().collect();
        let hostile = ids.iter().copied().filter(|id| nodes[id]).collect();
        let mut directory = Self {
            nodes: BTreeMap::new(),
            ids: ids.clone(),
            hostile,
            rng,
        };
        for id in &ids {
            let table = directory.table(*id);
            let node = Node {
                is_hostile: nodes[id],
                table,
                records: BTreeSet::new(),
            };
            directory.nodes.insert(*id, node);
        }
        directory
    }

    /// Of each bucket twenty at random: whom it happened to meet.
    fn table(&mut self, own: u64) -> Vec<u64> {
        let mut buckets = BTreeMap::<u32, Vec<u64>>::new();
        for id in self.ids.iter().filter(|id| **id != own) {
            buckets.entry((id ^ own).leading_zeros()).or_default().push(*id);
        }
        let mut table = Vec::new();
        for mut bucket in buckets.into_values() {
            shuffle(&mut bucket, &mut self.rng);
            table.extend(bucket.into_iter().take(BUCKET));
        }
        table
    }

    /// What a node answers: the twenty it knows nearest to the key.
    fn nearest(&self, asked: u64, key: u64) -> Vec<u64> {
        let node = &self.nodes[&asked];
        let mut known = if node.is_hostile {
            self.hostile.clone()
        } else {
            node.table.clone()
        };
        known.sort_by_key(|id| id ^ key);
        known.truncate(BUCKET);
        known
    }

    /// An honest node's search: the nearest that answered, all of them.
    fn search(&self, from: u64, key: u64) -> Vec<u64> {
        let mut known: Vec<u64> = self.nearest(from, key);
        let mut asked = BTreeSet::from([from]);
        loop {
            known.sort_by_key(|id| id ^ key);
            known.dedup();
            let next: Vec<u64> = known
                .iter()
                .take(BUCKET)
                .copied()
                .filter(|id| !asked.contains(id))
                .take(AT_A_TIME)
                .collect();
            if next.is_empty() {
                known.truncate(BUCKET);
                return known;
            }
            for id in next {
                asked.insert(id);
                known.extend(self.nearest(id, key).into_iter().filter(|id| *id != from));
            }
        }
    }

    fn some(&mut self, count: usize) -> Vec<u64> {
        let mut ids = self.ids.clone();
        shuffle(&mut ids, &mut self.rng);
        ids.truncate(count);
        ids
    }

    /// A client's put: by three relays at once, and again until two others give it back.
    fn put(&mut self, key: u64) {
        for _ in 0..PUTS {
            for way in self.some(WAYS) {
                if self.nodes[&way].is_hostile {
                    continue;
                }
                let mut holders = self.search(way, key);
                holders.push(way);
                for holder in holders {
                    let node = self.nodes.get_mut(&holder).expect("of this network");
                    if !node.is_hostile {
                        node.records.insert(key);
                    }
                }
            }
            if self.some(CHECKS).into_iter().any(|way| self.gives(way, key)) {
                return;
            }
        }
    }

    /// Whether this relay gives the record to whoever asks.
    fn gives(&self, way: u64, key: u64) -> bool {
        let node = &self.nodes[&way];
        let has = |id: &u64| self.nodes[id].records.contains(&key);
        !node.is_hostile && (has(&way) || self.search(way, key).iter().any(has))
    }

    fn look_up(&mut self, key: u64) -> bool {
        self.some(WAYS).into_iter().any(|way| self.gives(way, key))
    }
}

fn shuffle(items: &mut [u64], rng: &mut ChaCha20Rng) {
    for last in (1..items.len()).rev() {
        let other = (rng.next_u64() % (last as u64 + 1)) as usize;
        items.swap(last, other);
    }
}

/// How many in a hundred look-ups give the record.
fn found(count: usize, hostile: f64, near: usize, seeds: u64) -> f64 {
    const KEYS: usize = 20;
    let (mut tried, mut found) = (0u32, 0u32);
    for seed in 0..seeds {
        let mut keys = ChaCha20Rng::seed_from_u64(1_000 + seed);
        for _ in 0..if near == 0 { 1 } else { KEYS } {
            // Made for one key: nearer to it than anybody is by chance.
            let key = keys.next_u64();
            let made: Vec<u64> = (0..near as u64).map(|nth| key ^ (nth + 1)).collect();
            let mut directory = Directory::new(count, hostile, &made, seed);
            let mut look = |key: u64| {
                directory.put(key);
                tried += 1;
                found += u32::from(directory.look_up(key));
            };
            look(key);
            if near == 0 {
                (1..KEYS).for_each(|_| look(keys.next_u64()));
            }
        }
    }
    100.0 * f64::from(found) / f64::from(tried)
}

fn assert_published(words: &str) {
    let page = include_str!("../../../docs/protocol/directory.md").replace("\r\n", "\n");
    assert!(page.contains(words), "not in directory.md:\n{words}");
}

#[test]
fn look_ups_succeed_among_many_hostile_relays() {
    let (nodes, seeds) = if soak() { (100, 200) } else { (60, 20) };
    assert_eq!(found(nodes, 0.0, 0, seeds), 100.0);
    let (third, half) = (found(nodes, 0.3, 0, seeds), found(nodes, 0.5, 0, seeds));
    assert!(third >= 95.0, "of a hundred with 30 % hostile: {third}");
    assert!(half >= 80.0, "of a hundred with 50 % hostile: {half}");
    // The control: if all are, nothing is found.
    assert_eq!(found(nodes, 1.0, 0, seeds), 0.0);
}

#[test]
fn how_many_look_ups_succeed_is_as_published() {
    let row = |hostile: u32| {
        let share = |nodes| found(nodes, f64::from(hostile) / 100.0, 0, 20);
        format!("| {hostile} % | {:.0} | {:.0} |\n", share(100), share(300))
    };
    assert_published(&[10, 30, 50, 70, 90].map(row).concat());
    let row = |near: usize| format!("| {near} | {:.0} |\n", found(100, 0.0, near, 5));
    assert_published(&[5, 10, 15, 20, 40].map(row).concat());
}
