//! Receipts: which numbers have arrived. Cumulative, so a lost or late one does no harm.

use crate::chain::Arrived;
use serde::{Deserialize, Serialize};

/// What has arrived of the other's direction, and which of their cards is in use.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Receipt {
    /// The numbering that it is about.
    pub(crate) stream: u64,
    /// Everything up to this number.
    pub(crate) up_to: u64,
    /// Ranges beyond it, ascending, at most [`Receipt::RANGES`].
    pub(crate) beyond: Vec<(u64, u64)>,
    /// Everything up to this number has been looked at, if the reader tells.
    pub(crate) read: Option<u64>,
    /// The highest sequence number of the other's cards that is known here.
    pub(crate) card: u64,
}

impl Receipt {
    /// Ranges in one receipt; what does not fit is told when the first ones have closed.
    pub(crate) const RANGES: usize = 64;
    /// An encoded receipt is no longer.
    pub(crate) const LIMIT: usize = 2_048;

    /// A receipt for what has arrived.
    pub(crate) fn of(stream: u64, arrived: &Arrived, read: Option<u64>, card: u64) -> Self {
        Self {
            stream,
            up_to: arrived.up_to(),
            beyond: arrived.beyond(Self::RANGES),
            read,
            card,
        }
    }

    /// Whether it says that `number` has arrived.
    pub(crate) fn covers(&self, number: u64) -> bool {
        number <= self.up_to || self.beyond.iter().any(|(from, to)| (*from..=*to).contains(&number))
    }

    /// The highest number it covers: what is below and not covered was overtaken.
    pub(crate) fn highest(&self) -> u64 {
        self.beyond.last().map_or(self.up_to, |(_, to)| *to)
    }

    /// Refuses what no honest side writes.
    pub(crate) fn checked(self) -> Option<Self> {
        let ascending = self
            .beyond
            .iter()
            .try_fold(self.up_to, |end, (from, to)| (end < *from && from <= to).then_some(*to));
        (ascending.is_some() && self.beyond.len() <= Self::RANGES).then_some(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::Link;

    #[test]
    fn a_receipt_covers_exactly_what_has_arrived() {
        let mut arrived = Arrived::default();
        for number in [1, 2, 5, 6, 9] {
            arrived.take(number, 0, Link::default(), [0; 32]);
        }
        let receipt = Receipt::of(1, &arrived, None, 0)
            .checked()
            .expect("our own receipt is well-formed");
        let covered: Vec<u64> = (1..=10).filter(|number| receipt.covers(*number)).collect();
        assert_eq!(covered, [1, 2, 5, 6, 9]);
        assert_eq!(receipt.highest(), 9);
    }

    #[test]
    fn ranges_that_overlap_run_backwards_or_are_too_many_are_refused() {
        let receipt = |beyond: Vec<(u64, u64)>| Receipt {
            stream: 1,
            up_to: 3,
            beyond,
            read: None,
            card: 0,
        };
        assert!(receipt(vec![(5, 6), (8, 8)]).checked().is_some());
        for beyond in [
            vec![(3, 4)],
            vec![(6, 5)],
            vec![(5, 7), (7, 9)],
            (0..65).map(|n| (5 + 2 * n, 5 + 2 * n)).collect(),
        ] {
            assert!(receipt(beyond).checked().is_none());
        }
    }
}
