//! What was answered is on the disk.

use super::*;
use crate::{Change, ShelfError};
use std::sync::{
    Mutex,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

#[test]
fn what_was_answered_is_durable_and_many_answers_share_one_wait_for_the_disk() {
    let shelf = Arc::new(Disk::default());
    let house = House::on(Arc::clone(&shelf), limits());
    let queues: Vec<OwnedQueue> = (0..4).map(|seed| OwnedQueue::generate(&mut rng(seed), NODE)).collect();
    let answered = house.run(async {
        for queue in &queues {
            house.create(&mut house.connect(), queue, Kind::CONTACT).await;
        }
        let before = shelf.syncs.load(Ordering::Relaxed);
        let puts = queues.iter().flat_map(|queue| {
            let mailbox = house.connect();
            (0..10).map(move |seed| {
                let mut mailbox = mailbox.clone();
                async move {
                    let envelope = small(queue, seed);
                    mailbox
                        .put(&queue.place(), envelope.clone(), Postage::Free)
                        .await
                        .expect("room");
                    (queue.id(), envelope)
                }
            })
        });
        let mut answered = futures::future::join_all(puts).await;
        let syncs = shelf.syncs.load(Ordering::Relaxed) - before;
        assert!((1..=12).contains(&syncs), "{syncs} waits for 40 puts");
        // The control: what is put and not answered is not on the disk.
        shelf.fails.store(true, Ordering::Relaxed);
        let queue = queues.first().expect("four");
        let refused = house
            .connect()
            .put(&queue.place(), small(queue, 99), Postage::Free)
            .await;
        assert_eq!(refused, Err(RequestError::Closed));
        answered.sort_by_key(|(_, envelope)| envelope.digest());
        answered
    });
    // The power goes: only what was synced is left.
    let house = House::on(shelf.durable(), limits());
    let mut left: Vec<_> = queues
        .iter()
        .flat_map(|queue| {
            waiting(&house, queue)
                .into_iter()
                .map(|envelope| (queue.id(), envelope))
        })
        .collect();
    left.sort_by_key(|(_, envelope)| envelope.digest());
    assert!(left == answered);
}

/// A shelf whose changes are only as durable as its last sync.
#[derive(Default)]
struct Disk {
    live: MemoryShelf,
    applied: Mutex<Vec<Change>>,
    synced: Arc<MemoryShelf>,
    syncs: AtomicUsize,
    fails: AtomicBool,
}

impl Disk {
    fn durable(&self) -> Arc<MemoryShelf> {
        Arc::clone(&self.synced)
    }
}

impl Shelf for Disk {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, ShelfError> {
        self.live.get(key)
    }

    fn scan(&self, prefix: &[u8], from: &[u8], limit: usize) -> Result<Vec<crate::Entry>, ShelfError> {
        self.live.scan(prefix, from, limit)
    }

    fn write(&self, changes: Vec<Change>) -> Result<(), ShelfError> {
        self.apply(changes)?;
        self.sync()
    }

    fn apply(&self, changes: Vec<Change>) -> Result<(), ShelfError> {
        self.applied.lock().expect("not poisoned").extend(changes.clone());
        self.live.write(changes)
    }

    fn sync(&self) -> Result<(), ShelfError> {
        if self.fails.load(Ordering::Relaxed) {
            return Err(ShelfError::Full);
        }
        self.syncs.fetch_add(1, Ordering::Relaxed);
        self.synced
            .write(std::mem::take(&mut *self.applied.lock().expect("not poisoned")))
    }

    fn size(&self) -> u64 {
        self.live.size()
    }
}
