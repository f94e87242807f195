//! What is in the journal and not yet in sled, as reads see it.

use std::collections::BTreeMap;
use std::iter::Peekable;
use std::ops::Bound;
use std::sync::Arc;

/// Values by key; `None` is a removal.
pub(super) type Changes = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// Changes since the last checkpoint.
#[derive(Default)]
pub(super) struct Overlay {
    /// Those that the journal's epoch has or will have.
    active: Changes,
    /// Those of the epoch before, on their way into sled.
    frozen: Option<Frozen>,
}

/// An epoch that is being checkpointed.
#[derive(Clone)]
pub(super) struct Frozen {
    pub(super) epoch: u64,
    changes: Arc<Changes>,
}

impl Frozen {
    /// Its changes, in order.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> {
        self.changes
            .iter()
            .map(|(key, value)| (key.as_slice(), value.as_deref()))
    }
}

impl Overlay {
    pub(super) fn new(active: Changes, frozen: Option<(u64, Changes)>) -> Self {
        let frozen = frozen.map(|(epoch, changes)| Frozen {
            epoch,
            changes: Arc::new(changes),
        });
        Self { active, frozen }
    }

    /// `Some(None)` if the key was removed, `None` if sled has to be asked.
    pub(super) fn get(&self, key: &[u8]) -> Option<Option<&[u8]>> {
        let frozen = || self.frozen.as_ref()?.changes.get(key);
        self.active.get(key).or_else(frozen).map(Option::as_deref)
    }

    pub(super) fn put(&mut self, key: Vec<u8>, value: Option<Vec<u8>>) {
        self.active.insert(key, value);
    }

    /// All changes from a key on, in order.
    pub(super) fn from<'a>(
        &'a self,
        start: &Bound<Vec<u8>>,
    ) -> impl Iterator<Item = (&'a [u8], Option<&'a [u8]>)> + use<'a> {
        static NOTHING: Changes = Changes::new();
        let range = (start.clone(), Bound::Unbounded);
        let frozen = self.frozen.as_ref().map_or(&NOTHING, |frozen| &frozen.changes);
        merge(self.active.range(range.clone()), frozen.range(range))
            .map(|(key, value)| (key.as_slice(), value.as_deref()))
    }

    pub(super) fn frozen(&self) -> Option<Frozen> {
        self.frozen.clone()
    }

    /// What is here belongs to an epoch that has ended.
    pub(super) fn freeze(&mut self, epoch: u64) {
        let changes = Arc::new(std::mem::take(&mut self.active));
        self.frozen = Some(Frozen { epoch, changes });
    }

    /// sled has it.
    pub(super) fn thaw(&mut self) {
        self.frozen = None;
    }
}

/// Two ordered sequences as one; of two pairs with one key, the first sequence's counts.
pub(super) fn merge<K: Ord, V>(
    first: impl Iterator<Item = (K, V)>,
    second: impl Iterator<Item = (K, V)>,
) -> impl Iterator<Item = (K, V)> {
    Merged {
        first: first.peekable(),
        second: second.peekable(),
    }
}

struct Merged<A: Iterator, B: Iterator> {
    first: Peekable<A>,
    second: Peekable<B>,
}

impl<K: Ord, V, A, B> Iterator for Merged<A, B>
where
    A: Iterator<Item = (K, V)>,
    B: Iterator<Item = (K, V)>,
{
    type Item = (K, V);

    fn next(&mut self) -> Option<(K, V)> {
        use std::cmp::Ordering;
        let order = match (self.first.peek(), self.second.peek()) {
            (Some((first, _)), Some((second, _))) => first.cmp(second),
            (Some(_), None) => Ordering::Less,
            (None, _) => Ordering::Greater,
        };
        match order {
            Ordering::Less => self.first.next(),
            Ordering::Greater => self.second.next(),
            Ordering::Equal => {
                self.second.next();
                self.first.next()
            }
        }
    }
}
