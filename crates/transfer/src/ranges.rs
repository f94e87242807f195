//! Sets of chunks.

/// A set of chunk numbers, kept as its intervals: small as long as chunks come roughly in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ranges {
    /// Start and end (not included): ascending, not empty, not touching.
    intervals: Vec<(u32, u32)>,
}

impl Ranges {
    /// Nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one number; says whether it was new.
    pub fn insert(&mut self, number: u32) -> bool {
        let Some(end) = number.checked_add(1) else { return false };
        // The first interval that reaches up to `number` or beyond.
        let at = self.intervals.partition_point(|(_, its_end)| *its_end < number);
        match self.intervals.get(at).copied() {
            Some((start, its_end)) if start <= number && number < its_end => return false,
            Some((start, its_end)) if its_end == number => {
                let next = self.intervals.get(at + 1).copied();
                match next {
                    Some((next_start, next_end)) if next_start == end => {
                        self.intervals.splice(at..at + 2, [(start, next_end)]);
                    }
                    _ => {
                        self.intervals.splice(at..=at, [(start, end)]);
                    }
                }
            }
            Some((start, its_end)) if start == end => {
                self.intervals.splice(at..=at, [(number, its_end)]);
            }
            _ => self.intervals.insert(at, (number, end)),
        }
        true
    }

    /// Whether a number is in it.
    pub fn contains(&self, number: u32) -> bool {
        let at = self.intervals.partition_point(|(_, end)| *end <= number);
        self.intervals.get(at).is_some_and(|(start, _)| *start <= number)
    }

    /// How many numbers are in it.
    pub fn len(&self) -> u32 {
        self.intervals.iter().map(|(start, end)| end - start).sum()
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.intervals.is_empty()
    }

    /// The first number at or after `from` that is not in it.
    pub fn first_missing(&self, from: u32) -> u32 {
        let at = self.intervals.partition_point(|(_, end)| *end <= from);
        match self.intervals.get(at) {
            Some((start, end)) if *start <= from => *end,
            _ => from,
        }
    }

    /// As gaps and lengths: what compares and encodes best.
    pub(crate) fn to_pairs(&self) -> Vec<(u32, u32)> {
        let mut before = 0;
        self.intervals
            .iter()
            .map(|(start, end)| {
                let pair = (start - before, end - start);
                before = *end;
                pair
            })
            .collect()
    }

    /// Reads [`Self::to_pairs`]; `None` unless all is below `end`, no interval is empty and none touches the one before.
    pub(crate) fn from_pairs(pairs: &[(u32, u32)], end: u32) -> Option<Self> {
        let mut before = 0u32;
        let mut intervals = Vec::with_capacity(pairs.len());
        for (place, (gap, length)) in pairs.iter().enumerate() {
            if *length == 0 || (place > 0 && *gap == 0) {
                return None;
            }
            let start = before.checked_add(*gap)?;
            before = start.checked_add(*length)?;
            intervals.push((start, before));
        }
        (before <= end).then_some(Self { intervals })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn it_is_the_set_that_was_put_in(numbers in proptest::collection::vec(0u32..60, 0..100)) {
            let (mut ranges, mut set) = (Ranges::new(), BTreeSet::new());
            for number in numbers {
                prop_assert_eq!(ranges.insert(number), set.insert(number));
                prop_assert_eq!(ranges.len() as usize, set.len());
                for probe in 0..62 {
                    prop_assert_eq!(ranges.contains(probe), set.contains(&probe));
                    let missing = (probe..).find(|n| !set.contains(n)).unwrap();
                    prop_assert_eq!(ranges.first_missing(probe), missing);
                }
                prop_assert!(ranges.intervals.windows(2).all(|pair| pair[0].1 < pair[1].0));
                prop_assert_eq!(Ranges::from_pairs(&ranges.to_pairs(), 60), Some(ranges.clone()));
            }
        }

        #[test]
        fn any_pairs_are_a_set_within_the_bound_or_refused(pairs in proptest::collection::vec((0u32..5, 0u32..5), 0..8)) {
            if let Some(ranges) = Ranges::from_pairs(&pairs, 20) {
                prop_assert_eq!(ranges.to_pairs(), pairs);
                prop_assert!(!ranges.contains(20));
            }
        }
    }

    #[test]
    fn what_overflows_or_touches_is_refused() {
        assert_eq!(Ranges::from_pairs(&[(u32::MAX, 2)], u32::MAX), None);
        assert_eq!(Ranges::from_pairs(&[(0, 1), (0, 1)], 10), None);
        assert_eq!(Ranges::from_pairs(&[(0, 11)], 10), None);
        assert!(!Ranges::new().insert(u32::MAX));
    }
}
