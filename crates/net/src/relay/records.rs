//! The directory records that a relay holds: on its shelf, each with an end, none unchecked.
//!
//! Kademlia reads through [`RecordStore`], but nothing enters by it: only [`Records::keep`] stores, and it takes only what a
//! [`Judge`](super::check::Judge) has passed. What is kept is readable at once and written behind, in batches, by
//! [`WriteBehind`]: losing the last second of a record that nineteen others hold as well is no loss worth a sync each.

use super::shelf::SharedShelf;
use libp2p::{
    PeerId,
    kad::{
        self, KBucketDistance, KBucketKey, ProviderRecord, RecordKey,
        store::{Error, RecordStore, Result as StoreResult},
    },
};
use outis_mailbox::{Change, Shelf, ShelfError, descriptor::DirectoryKey, directory::Checked};
use outis_wire::{Reader, Truncated, UnixMillis};
use std::{
    borrow::Cow,
    cmp::Reverse,
    collections::{BTreeSet, HashMap},
    iter,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::{sync::mpsc, task};

/// What a relay holds for the directory.
pub(super) struct Records {
    shelf: SharedShelf,
    own: KBucketKey<PeerId>,
    quota: u64,
    bytes: u64,
    index: HashMap<DirectoryKey, Entry>,
    /// Which goes first when space is short: the farthest, and of two equally far the cheapest.
    order: BTreeSet<(KBucketDistance, Reverse<u32>, DirectoryKey)>,
    unwritten: Arc<Mutex<HashMap<DirectoryKey, Unwritten>>>,
    writer: mpsc::Sender<Write>,
    sequence: u64,
}

#[derive(Clone, Copy)]
struct Entry {
    order: (u128, [u8; 32]),
    effort: u32,
    expires: UnixMillis,
    size: u64,
}

struct Unwritten {
    sequence: u64,
    record: Vec<u8>,
}

/// A change on its way to the shelf.
pub(super) struct Write {
    key: DirectoryKey,
    sequence: u64,
    change: Change,
}

/// What became of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kept {
    /// It is here.
    Stored,
    /// It was here already.
    Already,
    /// A newer one is here.
    Outdated,
    /// There is no space for one so far away.
    Full,
}

impl Records {
    /// Takes up what is on the shelf, leaving out what is over.
    pub(super) fn open(
        shelf: SharedShelf,
        own: PeerId,
        quota: u64,
        now: UnixMillis,
    ) -> Result<(Self, WriteBehind), ShelfError> {
        let (writer, writes) = mpsc::channel(WRITES);
        let unwritten = Arc::default();
        let behind = WriteBehind {
            shelf: shelf.clone(),
            writes,
            unwritten: Arc::clone(&unwritten),
        };
        let own = KBucketKey::from(own);
        let (index, order) = (HashMap::new(), BTreeSet::new());
        let mut records = Self {
            shelf,
            own,
            quota,
            bytes: 0,
            index,
            order,
            unwritten,
            writer,
            sequence: 0,
        };
        let mut from = PREFIX.to_vec();
        loop {
            let page = records.shelf.scan(PREFIX, &from, PAGE)?;
            let Some((last, _)) = page.last() else { break };
            // The smallest key above the last one.
            from = [last.as_slice(), &[0]].concat();
            for (key, value) in page {
                records.take_up(&key, &value, now);
            }
        }
        Ok((records, behind))
    }

    /// Stores a record that was judged.
    pub(super) fn keep(&mut self, checked: &Checked, record: Vec<u8>) -> Kept {
        if let Some(entry) = self.index.get(&checked.key) {
            match entry.order.cmp(&checked.order) {
                std::cmp::Ordering::Greater => return Kept::Outdated,
                std::cmp::Ordering::Equal => return Kept::Already,
                std::cmp::Ordering::Less => {}
            }
        }
        let size = (record.len() + OVERHEAD) as u64;
        let entry = Entry {
            order: checked.order,
            effort: checked.effort,
            expires: checked.expires,
            size,
        };
        if !self.make_room(checked.key, &entry) {
            return Kept::Full;
        }
        let value = to_value(&entry, &record);
        if !self.write(checked.key, Some((record, value))) {
            return Kept::Full;
        }
        self.forget(&checked.key);
        self.note(checked.key, entry);
        Kept::Stored
    }

    /// Removes what is over.
    pub(super) fn expire(&mut self, now: UnixMillis) {
        let over: Vec<_> = self
            .index
            .iter()
            .filter(|(_, e)| e.expires <= now)
            .map(|(key, _)| *key)
            .collect();
        over.into_iter().for_each(|key| self.drop_record(key));
    }

    /// At most `limit` keys after `from`, in a fixed order, for going round all of them.
    pub(super) fn keys_after(&self, from: Option<DirectoryKey>, limit: usize) -> Vec<DirectoryKey> {
        let mut keys: Vec<_> = self
            .index
            .keys()
            .filter(|key| from.is_none_or(|from| **key > from))
            .copied()
            .collect();
        keys.sort_unstable();
        keys.truncate(limit);
        keys
    }

    /// The record under a key.
    pub(super) fn record(&self, key: &DirectoryKey) -> Option<Vec<u8>> {
        self.index.get(key)?;
        if let Some(unwritten) = lock(&self.unwritten).get(key) {
            return Some(unwritten.record.clone());
        }
        let value = self.shelf.get(&shelf_key(key)).ok().flatten()?;
        from_value(&value).ok().map(|(_, record)| record.to_vec())
    }

    /// How many records, and their bytes.
    #[cfg(test)]
    pub(super) fn usage(&self) -> (usize, u64) {
        (self.index.len(), self.bytes)
    }

    fn take_up(&mut self, key: &[u8], value: &[u8], now: UnixMillis) {
        let key = key
            .strip_prefix(PREFIX)
            .and_then(|key| key.try_into().ok())
            .map(DirectoryKey);
        let (Some(key), Ok((entry, _))) = (key, from_value(value)) else {
            return;
        };
        self.note(key, entry);
        if entry.expires <= now {
            self.drop_record(key);
        }
    }

    /// Makes room for a record, or changes nothing.
    fn make_room(&mut self, key: DirectoryKey, entry: &Entry) -> bool {
        let freed = self.index.get(&key).map_or(0, |old| old.size);
        let mut over = (self.bytes - freed + entry.size).saturating_sub(self.quota);
        let place = (self.distance(&key), Reverse(entry.effort));
        let mut victims = Vec::new();
        for (distance, effort, victim) in self.order.iter().rev() {
            if over == 0 || (*distance, *effort) <= place {
                break;
            }
            if *victim != key {
                over = over.saturating_sub(self.index.get(victim).map_or(0, |entry| entry.size));
                victims.push(*victim);
            }
        }
        // Only this task sends to the writer, so what is free now stays free.
        if over > 0 || self.writer.capacity() <= victims.len() {
            return false;
        }
        victims.into_iter().for_each(|victim| self.drop_record(victim));
        true
    }

    fn note(&mut self, key: DirectoryKey, entry: Entry) {
        self.bytes += entry.size;
        self.order.insert((self.distance(&key), Reverse(entry.effort), key));
        self.index.insert(key, entry);
    }

    fn forget(&mut self, key: &DirectoryKey) {
        let Some(entry) = self.index.remove(key) else { return };
        self.bytes -= entry.size;
        self.order.remove(&(self.distance(key), Reverse(entry.effort), *key));
    }

    fn drop_record(&mut self, key: DirectoryKey) {
        self.forget(&key);
        // If the queue is full the bytes stay on the shelf until the next start, which takes them up and drops them again.
        self.write(key, None);
    }

    fn write(&mut self, key: DirectoryKey, put: Option<(Vec<u8>, Vec<u8>)>) -> bool {
        let Ok(place) = self.writer.try_reserve() else {
            return false;
        };
        self.sequence += 1;
        let sequence = self.sequence;
        let change = match put {
            Some((record, value)) => {
                lock(&self.unwritten).insert(key, Unwritten { sequence, record });
                Change::Put {
                    key: shelf_key(&key),
                    value,
                }
            }
            None => {
                lock(&self.unwritten).remove(&key);
                Change::Remove { key: shelf_key(&key) }
            }
        };
        place.send(Write { key, sequence, change });
        true
    }

    fn distance(&self, key: &DirectoryKey) -> KBucketDistance {
        KBucketKey::new(RecordKey::new(&key.0)).distance(&self.own)
    }
}

/// Carries changes to the shelf, off the task that owns the swarm.
pub(super) struct WriteBehind {
    shelf: SharedShelf,
    writes: mpsc::Receiver<Write>,
    unwritten: Arc<Mutex<HashMap<DirectoryKey, Unwritten>>>,
}

impl WriteBehind {
    /// Runs until the records are gone and all of it is written.
    pub(super) async fn run(mut self) {
        let mut batch = Vec::new();
        while self.writes.recv_many(&mut batch, BATCH).await > 0 {
            let (written, changes): (Vec<_>, Vec<_>) = batch
                .drain(..)
                .map(|Write { key, sequence, change }| ((key, sequence), change))
                .unzip();
            let shelf = self.shelf.clone();
            let outcome = task::spawn_blocking(move || shelf.write(changes)).await;
            if !matches!(outcome, Ok(Ok(()))) {
                // They are not found any more, and come again with the next publication.
                tracing::warn!("directory records could not be written");
            }
            let mut unwritten = lock(&self.unwritten);
            for (key, sequence) in written {
                if unwritten.get(&key).is_some_and(|u| u.sequence <= sequence) {
                    unwritten.remove(&key);
                }
            }
        }
    }
}

impl RecordStore for Records {
    type RecordsIter<'a> = iter::Empty<Cow<'a, kad::Record>>;
    type ProvidedIter<'a> = iter::Empty<Cow<'a, ProviderRecord>>;

    fn get(&self, key: &RecordKey) -> Option<Cow<'_, kad::Record>> {
        let directory_key = DirectoryKey(key.as_ref().try_into().ok()?);
        self.record(&directory_key)
            .map(|record| Cow::Owned(kad::Record::new(key.clone(), record)))
    }

    /// Refused: only what was judged is kept.
    fn put(&mut self, _: kad::Record) -> StoreResult<()> {
        Err(Error::MaxRecords)
    }

    /// Refused: a record stays until its end.
    fn remove(&mut self, _: &RecordKey) {}

    /// None: repair is ours, on a clock of ours.
    fn records(&self) -> Self::RecordsIter<'_> {
        iter::empty()
    }

    /// Refused: there are no providers here.
    fn add_provider(&mut self, _: ProviderRecord) -> StoreResult<()> {
        Err(Error::MaxProvidedKeys)
    }

    fn providers(&self, _: &RecordKey) -> Vec<ProviderRecord> {
        Vec::new()
    }

    fn provided(&self) -> Self::ProvidedIter<'_> {
        iter::empty()
    }

    fn remove_provider(&mut self, _: &RecordKey, _: &PeerId) {}
}

/// `expires (8) ‖ order (16 + 32) ‖ effort (4) ‖ record`.
fn to_value(entry: &Entry, record: &[u8]) -> Vec<u8> {
    let Entry {
        order: (number, hash),
        effort,
        expires,
        size: _,
    } = entry;
    [
        expires.0.to_be_bytes().as_slice(),
        &number.to_be_bytes(),
        hash,
        &effort.to_be_bytes(),
        record,
    ]
    .concat()
}

fn from_value(value: &[u8]) -> Result<(Entry, &[u8]), Truncated> {
    let mut reader = Reader::new(value);
    let expires = UnixMillis(reader.u64()?);
    let order = (u128::from_be_bytes(reader.array()?), reader.array()?);
    let effort = reader.u32()?;
    let record = reader.rest();
    Ok((
        Entry {
            order,
            effort,
            expires,
            size: (record.len() + OVERHEAD) as u64,
        },
        record,
    ))
}

fn shelf_key(key: &DirectoryKey) -> Vec<u8> {
    [PREFIX, &key.0].concat()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing that holds the lock panics half-way through a change.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

const PREFIX: &[u8] = b"net/record/";

/// What a record costs beyond its bytes: its key, its frame, its place in the index.
const OVERHEAD: usize = 256;

/// Records read at once when starting.
const PAGE: usize = 64;

/// Changes that may be on their way.
const WRITES: usize = 1_024;

/// Changes in one write.
const BATCH: usize = 128;

#[cfg(test)]
mod tests;
