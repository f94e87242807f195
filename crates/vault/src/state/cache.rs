//! The records that were read or written last, open: what a person is looking at.

use std::collections::HashMap;

use outis_crypto::SecretBytes;

use crate::key::Place;

/// Records by their place, in two generations: what is not asked for while one is filled is forgotten.
#[derive(Default)]
pub(super) struct RecordCache {
    young: HashMap<Place, SecretBytes>,
    old: HashMap<Place, SecretBytes>,
    /// About how many bytes the young ones take.
    weight: usize,
}

impl RecordCache {
    pub(super) fn get(&mut self, place: &Place) -> Option<SecretBytes> {
        if let Some(value) = self.young.get(place) {
            return Some(duplicate(value));
        }
        let value = self.old.remove(place)?;
        let copy = duplicate(&value);
        self.keep(*place, value);
        Some(copy)
    }

    pub(super) fn put(&mut self, place: Place, value: &[u8]) {
        self.remove(&place);
        if value.len() <= MAX_CACHED {
            self.keep(place, SecretBytes::from(value.to_vec()));
        }
    }

    pub(super) fn remove(&mut self, place: &Place) {
        if let Some(value) = self.young.remove(place) {
            self.weight = self.weight.saturating_sub(value.len() + ENTRY);
        }
        self.old.remove(place);
    }

    fn keep(&mut self, place: Place, value: SecretBytes) {
        self.weight += value.len() + ENTRY;
        self.young.insert(place, value);
        if self.weight > GENERATION {
            self.old = std::mem::take(&mut self.young);
            self.weight = 0;
        }
    }
}

fn duplicate(value: &SecretBytes) -> SecretBytes {
    SecretBytes::from(value.dangerously_expose().to_vec())
}

/// What is larger is not kept.
const MAX_CACHED: usize = 4096;
/// What a record takes beside its bytes, about.
const ENTRY: usize = 128;
/// One generation; there are two.
const GENERATION: usize = 4 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn place(index: u64) -> Place {
        Place { index, ..Place::ROOT }
    }

    #[test]
    fn it_gives_what_was_put_last_and_nothing_that_was_removed() {
        let mut cache = RecordCache::default();
        cache.put(place(1), b"one");
        cache.put(place(1), b"two");
        assert_eq!(cache.get(&place(1)).unwrap().dangerously_expose(), b"two");
        cache.put(place(1), &[0; MAX_CACHED + 1]);
        assert!(cache.get(&place(1)).is_none());
        cache.put(place(1), b"one");
        cache.remove(&place(1));
        assert!(cache.get(&place(1)).is_none());
        assert_eq!(cache.weight, 0);
    }

    #[test]
    fn it_stays_small_and_keeps_what_is_asked_for() {
        let mut cache = RecordCache::default();
        cache.put(place(0), b"asked for");
        let records = 10 * GENERATION / (MAX_CACHED + ENTRY);
        for index in 1..=records as u64 {
            cache.put(place(index), &[7; MAX_CACHED]);
            assert!(cache.get(&place(0)).is_some());
        }
        let sizes = cache
            .young
            .values()
            .chain(cache.old.values())
            .map(|value| value.len() + ENTRY);
        assert!(sizes.sum::<usize>() <= 2 * (GENERATION + MAX_CACHED + ENTRY));
        assert!(cache.get(&place(1)).is_none());
        // In either generation, what is replaced or removed is gone.
        cache.put(place(0), b"newer");
        assert_eq!(cache.get(&place(0)).unwrap().dangerously_expose(), b"newer");
        cache.remove(&place(0));
        assert!(cache.get(&place(0)).is_none());
    }
}
