use super::*;
use crate::{
    MemoryShelf, OwnedQueue,
    client::creation_challenge,
    testing::{DAY, NODE, NOW, limits, network, rng},
};
use proptest::prelude::*;
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// What may happen to a mailbox.
#[derive(Debug, Clone)]
enum Event {
    Put { queue: usize, envelope: u64 },
    Acknowledge { queue: usize, which: usize },
    Delete { queue: usize },
    Create { queue: usize },
    Sweep,
    Restart,
    Days(u64),
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        8 => (0..3_usize, 0..40_u64).prop_map(|(queue, envelope)| Event::Put { queue, envelope }),
        4 => (0..3_usize, 0..6_usize).prop_map(|(queue, which)| Event::Acknowledge { queue, which }),
        1 => (0..3_usize).prop_map(|queue| Event::Delete { queue }),
        2 => (0..3_usize).prop_map(|queue| Event::Create { queue }),
        2 => Just(Event::Sweep),
        2 => Just(Event::Restart),
        2 => (1..9_u64).prop_map(Event::Days),
    ];
    proptest::collection::vec(event, 1..80)
}

/// The queue as it should be: until when it stays, and what lies in it in order, with its expiry.
type Expected = Option<(UnixMillis, Vec<(u64, UnixMillis)>)>;

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn what_was_stored_is_there_until_it_is_acknowledged_or_its_time_is_over(events in events()) {
        let shelf = Arc::new(MemoryShelf::default());
        let mut store = open(&shelf);
        let queues: Vec<OwnedQueue> = (0..3).map(|seed| OwnedQueue::generate(&mut rng(seed), NODE)).collect();
        let mut expected: Vec<Expected> = vec![None, None, None];
        let mut now = NOW;
        for event in events {
            match event {
                Event::Create { queue } => {
                    let created = create(&mut store, &queues[queue], now);
                    let slot = &mut expected[queue];
                    let lapsed = slot.as_ref().is_none_or(|(until, _)| *until <= now);
                    if let Ok(until) = created {
                        match slot {
                            Some(known) if !lapsed => known.0 = until,
                            // What lapsed and was not swept is renewed with what is still alive in it.
                            Some(known) => *known = (until, known.1.iter().filter(|e| e.1 > now).copied().collect()),
                            None => *slot = Some((until, Vec::new())),
                        }
                    }
                }
                Event::Put { queue, envelope } => {
                    let put = put(&mut store, &queues[queue], envelope, now);
                    match &mut expected[queue] {
                        Some((until, lies)) if *until > now => {
                            let again = lies.iter().any(|(known, _)| *known == envelope);
                            if again {
                                prop_assert_eq!(put, Ok(Put::Again));
                            } else if put == Ok(Put::New) {
                                lies.push((envelope, now.plus(limits().envelope_life)));
                            } else {
                                prop_assert_eq!(put, Err(Refusal::QueueFull));
                                prop_assert!(lies.iter().filter(|(_, expires)| *expires > now).count() >= 15);
                            }
                        }
                        _ => prop_assert_eq!(put, Err(Refusal::NoSuchQueue)),
                    }
                }
                Event::Acknowledge { queue, which } => {
                    if let Some((number, envelope)) = contents(&store, &queues[queue], now).get(which) {
                        store.acknowledge(&queues[queue].id(), &[*number]).expect("memory");
                        let lies = &mut expected[queue].as_mut().expect("it holds something").1;
                        lies.retain(|(known, _)| sealed(&queues[queue], *known).digest() != envelope.digest());
                    }
                }
                Event::Delete { queue } => {
                    store.delete(&queues[queue].id()).expect("memory");
                    expected[queue] = None;
                }
                Event::Sweep => {
                    while store.sweep(now).expect("memory") == Swept::Partly {}
                    for slot in &mut expected {
                        *slot = slot.take().filter(|(until, _)| *until > now);
                        if let Some((_, lies)) = slot {
                            lies.retain(|(_, expires)| *expires > now);
                        }
                    }
                }
                Event::Restart => store = open(&shelf),
                Event::Days(days) => now = UnixMillis(now.0 + days * DAY),
            }
            for (queue, slot) in queues.iter().zip(&expected) {
                let lies = slot.as_ref().map(|(_, lies)| lies.as_slice()).unwrap_or_default();
                let alive = lies.iter().filter(|(_, expires)| *expires > now);
                let alive: Vec<[u8; 32]> = alive.map(|(envelope, _)| sealed(queue, *envelope).digest()).collect();
                let found: Vec<[u8; 32]> = contents(&store, queue, now).iter().map(|(_, e)| e.digest()).collect();
                prop_assert_eq!(found, alive);
            }
            let reserved: u64 = expected.iter().flatten().map(|_| 64 * 1024).sum();
            prop_assert_eq!(store.reserved(), reserved);
            prop_assert!(store.stored() <= reserved + 3 * 1024 + 200 * 37);
        }
    }
}

#[test]
fn a_shelf_that_fails_fails_the_request_and_nothing_else() {
    let shelf = Arc::new(Failing::default());
    let mut store = Store::open(Arc::clone(&shelf), limits(), network(), NODE).expect("memory");
    let queue = OwnedQueue::generate(&mut rng(1), NODE);
    shelf.fails.store(true, Ordering::Relaxed);
    assert_eq!(create(&mut store, &queue, NOW), Err(Refusal::Failed));
    assert_eq!(store.reserved(), 0);
    shelf.fails.store(false, Ordering::Relaxed);
    assert!(create(&mut store, &queue, NOW).is_ok());
    shelf.fails.store(true, Ordering::Relaxed);
    assert_eq!(put(&mut store, &queue, 1, NOW), Err(Refusal::Failed));
    shelf.fails.store(false, Ordering::Relaxed);
    assert_eq!(put(&mut store, &queue, 1, NOW), Ok(Put::New));
    assert_eq!(contents(&store, &queue, NOW).len(), 1);
}

#[test]
fn damaged_records_are_passed_over_and_swept_away() {
    let shelf = Arc::new(MemoryShelf::default());
    let mut store = open(&shelf);
    let queue = OwnedQueue::generate(&mut rng(1), NODE);
    create(&mut store, &queue, NOW).expect("room");
    for envelope in 0..3 {
        put(&mut store, &queue, envelope, NOW).expect("room");
    }
    let damage = |key: Vec<u8>| {
        shelf
            .write(vec![Change::Put {
                key,
                value: vec![0xff; 3],
            }])
            .expect("memory")
    };
    damage(meta_key(&queue.id(), 1));
    damage(envelope_key(&queue.id(), 2));
    assert_eq!(
        contents(&store, &queue, NOW)
            .iter()
            .map(|(number, _)| *number)
            .collect::<Vec<_>>(),
        [3]
    );
    damage(queue_key(&queue.id()));
    assert_eq!(put(&mut store, &queue, 4, NOW), Err(Refusal::NoSuchQueue));
    let mut store = open(&shelf);
    assert_eq!(store.reserved(), 0);
    store.sweep(NOW).expect("memory");
    assert!(shelf.get(&queue_key(&queue.id())).expect("memory").is_none());
}

/// A shelf whose disk fails when told to.
#[derive(Default)]
struct Failing {
    inner: MemoryShelf,
    fails: AtomicBool,
}

impl Shelf for Failing {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, ShelfError> {
        self.inner.get(key)
    }

    fn scan(&self, prefix: &[u8], from: &[u8], limit: usize) -> Result<Vec<crate::Entry>, ShelfError> {
        self.inner.scan(prefix, from, limit)
    }

    fn write(&self, changes: Vec<Change>) -> Result<(), ShelfError> {
        if self.fails.load(Ordering::Relaxed) {
            Err(ShelfError::Full)
        } else {
            self.inner.write(changes)
        }
    }

    fn size(&self) -> u64 {
        self.inner.size()
    }
}

fn open(shelf: &Arc<MemoryShelf>) -> Store<Arc<MemoryShelf>> {
    Store::open(Arc::clone(shelf), limits(), network(), NODE).expect("memory")
}

const KIND: Kind = Kind::Direct { reserve: 64 };

fn create<S: Shelf>(store: &mut Store<S>, queue: &OwnedQueue, now: UnixMillis) -> Result<UnixMillis, Refusal> {
    let order = Order {
        owner: queue.owner_key().verifying_key(),
        kind: KIND,
        send: queue.place().send.digest(),
        pass: queue.pass_key(),
    };
    let proof = creation_challenge(&network(), queue, KIND).solve(Hour::of(now), 1, &mut rng(now.0));
    store.create(&order, &proof, now)
}

fn put<S: Shelf>(store: &mut Store<S>, queue: &OwnedQueue, seed: u64, now: UnixMillis) -> Result<Put, Refusal> {
    store.put(
        &queue.id(),
        &queue.place().send,
        Postage::Free,
        &sealed(queue, seed),
        now,
    )
}

fn sealed(queue: &OwnedQueue, seed: u64) -> Envelope {
    queue.place().seal(&mut rng(seed), b"text").expect("small")
}

fn contents<S: Shelf>(store: &Store<S>, queue: &OwnedQueue, now: UnixMillis) -> Vec<(u64, Envelope)> {
    let mut from = 0;
    std::iter::from_fn(|| {
        let Delivered { number, envelope, .. } = store.next(&queue.id(), from, now).expect("memory")?;
        from = number + 1;
        Some((number, envelope))
    })
    .collect()
}
