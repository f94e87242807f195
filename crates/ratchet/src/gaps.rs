//! Which numbers of a chain are still missing.

use outis_wire::UnixMillis;

/// The numbers of one chain whose keys are stored because their messages have not come yet, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Gaps(Vec<Gap>);

/// Numbers `first..end`, missing since the same moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gap {
    pub(crate) first: u32,
    pub(crate) end: u32,
    pub(crate) since: UnixMillis,
}

impl Gaps {
    /// `None` unless the gaps are in order, not empty and do not overlap.
    pub(crate) fn from_list(list: Vec<Gap>) -> Option<Self> {
        let mut free = 0;
        for gap in &list {
            if gap.first < free || gap.end <= gap.first {
                return None;
            }
            free = gap.end;
        }
        Some(Self(list))
    }

    pub(crate) fn list(&self) -> &[Gap] {
        &self.0
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many numbers are missing.
    pub(crate) fn count(&self) -> usize {
        self.0.iter().map(Gap::count).sum()
    }

    pub(crate) fn contains(&self, number: u32) -> bool {
        self.0.iter().any(|gap| gap.first <= number && number < gap.end)
    }

    /// Numbers `first..end`, which lie after all others here, are missing since `since`.
    pub(crate) fn append(&mut self, first: u32, end: u32, since: UnixMillis) {
        if first < end {
            self.0.push(Gap { first, end, since });
        }
    }

    /// `number` is not missing any more.
    pub(crate) fn close(&mut self, number: u32) {
        let Some(at) = self.0.iter().position(|gap| gap.first <= number && number < gap.end) else {
            return;
        };
        let gap = self.0.remove(at);
        let rest = [
            Gap {
                first: number + 1,
                ..gap
            },
            Gap { end: number, ..gap },
        ];
        for part in rest.into_iter().filter(|part| part.first < part.end) {
            self.0.insert(at, part);
        }
    }

    /// Gives up the gaps that began before `limit`, and returns their numbers.
    pub(crate) fn give_up_before(&mut self, limit: UnixMillis) -> Vec<u32> {
        let (old, kept) = self.0.iter().partition::<Vec<Gap>, _>(|gap| gap.since < limit);
        self.0 = kept;
        old.iter().flat_map(Gap::numbers).collect()
    }

    /// A gap cannot have begun after `now`: a clock that was ahead and has been set right must not keep keys for longer.
    pub(crate) fn correct_clock(&mut self, now: UnixMillis) {
        for gap in &mut self.0 {
            gap.since = gap.since.min(now);
        }
    }

    /// Gives up the `count` lowest numbers (all, if there are fewer), and returns them.
    pub(crate) fn give_up_first(&mut self, count: usize) -> Vec<u32> {
        let numbers: Vec<u32> = self.0.iter().flat_map(Gap::numbers).take(count).collect();
        if let Some(last) = numbers.last() {
            self.0.retain(|gap| gap.end > last + 1);
            if let Some(gap) = self.0.first_mut() {
                gap.first = gap.first.max(last + 1);
            }
        }
        numbers
    }
}

impl Gap {
    fn numbers(&self) -> std::ops::Range<u32> {
        self.first..self.end
    }

    fn count(&self) -> usize {
        self.numbers().len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    const NOW: UnixMillis = UnixMillis(1_000);

    fn numbers(gaps: &Gaps) -> Vec<u32> {
        gaps.list().iter().flat_map(Gap::numbers).collect()
    }

    #[test]
    fn closing_a_number_splits_its_gap() {
        let mut gaps = Gaps::default();
        gaps.append(3, 8, NOW);
        gaps.close(5);
        assert_eq!(numbers(&gaps), [3, 4, 6, 7]);
        gaps.close(3);
        gaps.close(7);
        assert_eq!(numbers(&gaps), [4, 6]);
        assert!(!gaps.contains(5) && gaps.contains(6));
    }

    #[test]
    fn a_clock_set_back_does_not_lengthen_a_gap_s_life() {
        let mut gaps = Gaps::default();
        gaps.append(0, 2, UnixMillis(900_000));
        gaps.correct_clock(NOW);
        assert_eq!(gaps.give_up_before(UnixMillis(1_001)), [0, 1]);
        assert!(gaps.is_empty());
    }

    proptest! {
        #[test]
        fn gaps_are_a_set_of_numbers(
            spans in proptest::collection::vec((0_u32..5, 0_u32..20), 0..10),
            closed in proptest::collection::vec(0_u32..200, 0..100),
            given_up in 0_usize..50,
        ) {
            let (mut gaps, mut model, mut at) = (Gaps::default(), BTreeSet::new(), 0);
            for (before, length) in spans {
                gaps.append(at + before, at + before + length, NOW);
                model.extend(at + before..at + before + length);
                at += before + length;
            }
            for number in closed {
                prop_assert_eq!(gaps.contains(number), model.contains(&number));
                gaps.close(number);
                model.remove(&number);
            }
            let first: Vec<u32> = model.iter().copied().take(given_up).collect();
            prop_assert_eq!(gaps.give_up_first(given_up), first.clone());
            model.retain(|number| !first.contains(number));
            prop_assert_eq!(numbers(&gaps), model.iter().copied().collect::<Vec<_>>());
            prop_assert_eq!(gaps.count(), model.len());
            prop_assert_eq!(Gaps::from_list(gaps.list().to_vec()), Some(gaps));
        }
    }
}
