use std::cell::RefCell;

use outis_crypto::SecretBytes;
use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;

use super::*;

/// Blocks as a store would have them, the key each was sealed under beside it.
#[derive(Default)]
struct Stored(RefCell<HashMap<BlockId, SealedBlock>>);

type SealedBlock = ([u8; 32], Vec<u8>);

impl BlockSource for Stored {
    fn load(&self, id: BlockId, key: &Secret<32>) -> Result<SecretBytes, Fault> {
        let blocks = self.0.borrow();
        let (sealed_under, bytes) = blocks.get(&id).ok_or(Damage("no such block"))?;
        if sealed_under != key.dangerously_expose() {
            return Err(Damage("sealed under another key").into());
        }
        Ok(SecretBytes::from(bytes.clone()))
    }
}

impl Stored {
    fn keep(&self, changes: Vec<BlockChange>) {
        for (id, change) in changes {
            match change {
                Some((key, bytes)) => self
                    .0
                    .borrow_mut()
                    .insert(id, (*key.dangerously_expose(), bytes.to_vec())),
                None => self.0.borrow_mut().remove(&id),
            };
        }
    }
}

const TREE: TreeId = TreeId(7);

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(1)
}

fn key(forest: &mut Forest, serial: u32, source: &Stored) -> Option<[u8; 32]> {
    forest
        .key(TREE, serial, source)
        .ok()
        .map(|key| *key.dangerously_expose())
}

/// The same trees as a fresh process would read them: nothing remembered but the root record and the blocks.
fn reread(forest: &Forest) -> Forest {
    Forest::decode(&forest.encode(5)).unwrap().1
}

/// Serials near each other and far apart.
fn serial() -> impl Strategy<Value = u32> {
    prop_oneof![0..40u32, 250..260u32, 65_530..65_540u32, any::<u32>()]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_forgotten_is_gone_and_everything_else_stays_as_it_was(
        serials in prop::collection::btree_set(serial(), 1..40),
        forget in prop::collection::vec(any::<prop::sample::Index>(), 1..20),
    ) {
        let (stored, mut rng, mut forest) = (Stored::default(), rng(), Forest::new());
        forest.allocate(TREE, &mut rng).unwrap();
        let mut keys: BTreeMap<u32, [u8; 32]> =
            serials.iter().map(|serial| (*serial, key(&mut forest, *serial, &stored).unwrap())).collect();
        let all = keys.clone();
        for index in forget {
            let serial = *index.get(&serials.iter().copied().collect::<Vec<_>>());
            forest.forget(TREE, serial, &stored).unwrap();
            keys.remove(&serial);
            stored.keep(forest.changes(&mut rng));
            let mut fresh = reread(&forest);
            for serial in all.keys() {
                prop_assert_eq!(key(&mut forest, *serial, &stored), keys.get(serial).copied());
                prop_assert_eq!(key(&mut fresh, *serial, &stored), keys.get(serial).copied());
            }
        }
    }
}

#[test]
fn forgetting_changes_the_key_of_every_block_above() {
    let (stored, mut rng, mut forest) = (Stored::default(), rng(), Forest::new());
    forest.allocate(TREE, &mut rng).unwrap();
    forest.forget(TREE, 3, &stored).unwrap();
    stored.keep(forest.changes(&mut rng));
    let before = Stored(RefCell::new(stored.0.borrow().clone()));
    let root_before = forest.encode(1);
    forest.forget(TREE, 4, &stored).unwrap();
    let changes = forest.changes(&mut rng);
    assert_eq!(changes.len(), 4, "one block a level, and no more");
    stored.keep(changes);
    // With the new root, the old blocks are of no use; with the old root (the positive control) they are.
    assert!(key(&mut reread(&forest), 5, &before).is_none());
    assert!(key(&mut Forest::decode(&root_before).unwrap().1, 4, &before).is_some());
}

#[test]
fn a_table_that_forgets_in_order_stays_small() {
    let (stored, mut rng, mut forest) = (Stored::default(), rng(), Forest::new());
    for round in 0..3_000u32 {
        let serial = forest.allocate(TREE, &mut rng).unwrap();
        assert_eq!(serial, round);
        if let Some(old) = serial.checked_sub(1) {
            forest.forget(TREE, old, &stored).unwrap();
            stored.keep(forest.changes(&mut rng));
        }
    }
    let blocks = stored.0.borrow();
    assert_eq!(blocks.len(), 4);
    assert!(
        blocks.values().all(|(_, bytes)| bytes.len() <= 13 * 34),
        "twelve seeds and a way on at most"
    );
}

#[test]
fn serials_are_never_given_out_twice_not_even_after_a_crash() {
    let (mut rng, mut forest) = (rng(), Forest::new());
    let first = forest.allocate(TREE, &mut rng).unwrap();
    assert!(forest.take_grown(), "the reservation has to be stored");
    assert!(!forest.take_grown());
    let mut fresh = reread(&forest);
    let second = fresh.allocate(TREE, &mut rng).unwrap();
    assert!(second > first);
    assert!(fresh.take_grown());
}

#[test]
fn a_tree_that_is_used_up_says_so() {
    let mut forest = Forest::new();
    forest.trees.insert(
        TREE,
        Tree {
            next: u32::MAX,
            reserved: u32::MAX,
            node: Node::Seed(unset()),
        },
    );
    assert!(matches!(forest.allocate(TREE, &mut rng()), Err(Fault::Exhausted)));
}

#[test]
fn blocks_and_root_records_are_read_strictly() {
    let entry = |kind: u8, start: u8| [&[kind, start][..], &[9; 32]].concat();
    for good in [
        vec![],
        entry(4, 0),
        [entry(0, 0), entry(5, 1), entry(1, 4)].concat(),
        entry(0, 255),
    ] {
        assert_eq!(*Block::decode(&good).unwrap().encode(), good);
    }
    let misaligned = entry(1, 2);
    let overlapping = [entry(1, 0), entry(0, 3)].concat();
    let descending = [entry(0, 3), entry(0, 2)].concat();
    let twice = [entry(0, 3), entry(0, 3)].concat();
    for bad in [
        misaligned,
        overlapping,
        descending,
        twice,
        entry(6, 0),
        entry(4, 0)[..33].to_vec(),
        entry(4, 64),
    ] {
        assert!(Block::decode(&bad).is_err(), "{bad:?}");
    }
    let mut forest = Forest::new();
    forest.allocate(TREE, &mut rng()).unwrap();
    forest.allocate(TreeId(9), &mut rng()).unwrap();
    let good = forest.encode(7);
    assert!(matches!(Forest::decode(&good), Ok((7, _))));
    for cut in 0..good.len() {
        assert!(Forest::decode(&good[..cut]).is_err());
    }
    assert!(Forest::decode(&[good.as_slice(), &[0]].concat()).is_err());
}

#[test]
fn the_keys_of_a_tree_are_as_published() {
    let vector = include_str!("../../../../tests/vectors/vault-forest.txt");
    let mut lines = vector.lines().filter(|line| !line.starts_with('#'));
    let seed: [u8; 32] = hex::decode(lines.next().unwrap()).unwrap().try_into().unwrap();
    let fresh = || {
        let mut forest = Forest::new();
        let node = Node::Seed(Secret::from_bytes(seed));
        forest.trees.insert(
            TREE,
            Tree {
                next: 0,
                reserved: 0,
                node,
            },
        );
        forest
    };
    let mut forest = fresh();
    let stored = Stored::default();
    for line in lines {
        let (serial, expected) = line.split_once(' ').unwrap();
        match serial {
            "block" => {
                let block = forest.blocks.get(&BlockId::above(TREE, 3, 0x0102_0304)).unwrap();
                assert_eq!(hex::encode(block.encode().as_slice()), expected);
            }
            "forget" => forest
                .forget(TREE, u32::from_str_radix(expected, 16).unwrap(), &stored)
                .unwrap(),
            serial => {
                let serial = u32::from_str_radix(serial, 16).unwrap();
                assert_eq!(
                    key(&mut forest, serial, &stored).map(hex::encode).as_deref(),
                    Some(expected),
                    "{serial:x}"
                );
            }
        }
    }
}
