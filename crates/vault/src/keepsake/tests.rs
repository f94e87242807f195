use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;

use super::*;
use crate::engine::memory::{MemoryDisk, MemoryEngine};

/// Files and slots, as a thief may have kept them.
type Kept = (Vec<(String, Vec<u8>)>, [Vec<u8>; 2]);

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(1)
}

fn keys() -> Keys {
    Keys::new(Secret::from_bytes([1; 32]))
}

fn text(read: Result<Option<SecretBytes>, Fault>) -> Option<String> {
    let bytes = read.unwrap()?;
    Some(String::from_utf8(bytes.dangerously_expose().to_vec()).unwrap())
}

fn slots(engine: &MemoryEngine) -> [Vec<u8>; 2] {
    Slot::KEEPSAKES.map(|slot| engine.read_root(slot).unwrap())
}

#[test]
fn the_last_copy_counts_and_no_other_can_be_read() {
    let (disk, keys, mut rng) = (MemoryDisk::new(1), keys(), rng());
    let engine = disk.mount();
    assert_eq!(text(read(&engine, &keys)), None);
    let mut before: Option<Kept> = None;
    for n in 0..5 {
        write(&engine, &keys, format!("copy {n}").as_bytes(), &mut rng).unwrap();
        assert_eq!(text(read(&engine, &keys)), Some(format!("copy {n}")));
        let files: Vec<_> = disk.files().into_iter().collect();
        assert_eq!(files.len(), 1);
        if let Some((old_files, old_slots)) = &before {
            // A thief who kept the old file has no key for it; with the old slots (the control) it would open.
            let thief = MemoryDisk::new(1);
            let put = |slots: &[Vec<u8>; 2]| {
                let engine = thief.mount();
                for (name, bytes) in old_files {
                    engine.file_create(name, bytes.len() as u64).unwrap();
                    engine.file_write(name, 0, bytes).unwrap();
                }
                for (slot, bytes) in Slot::KEEPSAKES.iter().zip(slots) {
                    engine.write_root(*slot, bytes.as_slice().try_into().unwrap()).unwrap();
                }
                read(&engine, &keys)
            };
            assert!(!matches!(put(&slots(&engine)), Ok(Some(_))));
            assert_eq!(text(put(old_slots)), Some(format!("copy {}", n - 1)));
        }
        before = Some((files, slots(&engine)));
    }
}

#[test]
fn a_crash_at_any_step_leaves_one_of_the_two() {
    for step in 0..8 {
        for seed in 0..8 {
            let (disk, keys, mut rng) = (MemoryDisk::new(seed), keys(), rng());
            write(&disk.mount(), &keys, b"old", &mut rng).unwrap();
            disk.crash_after(step);
            let told = write(&disk.mount(), &keys, b"new", &mut rng).is_ok();
            disk.restart();
            let engine = disk.mount();
            let found = text(read(&engine, &keys)).unwrap();
            assert!(found == "new" || (!told && found == "old"), "step {step}: {found}");
            settle(&engine, &keys, &mut rng).unwrap();
            assert_eq!(text(read(&engine, &keys)), Some(found));
            assert_eq!(standing(&engine, &keys).unwrap().len(), 1, "step {step}, seed {seed}");
        }
    }
}
