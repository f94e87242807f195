use crate::{
    Envelope, Kind, Mailbox, MemoryShelf, OwnedQueue, Postage, Refusal, Shelf, Size,
    client::{Push, RequestError, Subscription},
    server::ServeError,
    testing::*,
};
use futures::{AsyncReadExt, AsyncWriteExt, StreamExt};
use std::sync::Arc;

mod durable;
mod work;

#[test]
fn what_alice_puts_is_pushed_to_bob_and_gone_when_he_acknowledges() {
    let house = House::new();
    house.run(async {
        let queue = OwnedQueue::generate(&mut rng(1), NODE);
        let (mut bob, mut alice) = (house.connect(), house.connect());
        house.create(&mut bob, &queue, Kind::CONTACT).await;
        let mut pushed = bob.subscribe(&queue).await.expect("his own queue");
        assert!(matches!(pushed.next().await, Some(Push::CaughtUp)));

        let envelope = queue.place().seal(&mut rng(2), b"hello").expect("small");
        alice
            .put(&queue.place(), envelope.clone(), Postage::Free)
            .await
            .expect("room");
        let (number, delivered) = delivered(&mut pushed).await;
        assert_eq!(delivered, envelope);
        assert_eq!(queue.open(&delivered).expect("for him").dangerously_expose(), b"hello");

        bob.acknowledge(queue.id(), &[number]).await.expect("his own queue");
        assert_eq!(waiting(&house, &queue), []);
    });
}

#[test]
fn what_was_stored_survives_a_restart_and_the_same_put_again_changes_nothing() {
    let shelf = Arc::new(MemoryShelf::default());
    let queue = OwnedQueue::generate(&mut rng(1), NODE);
    let envelope = queue.place().seal(&mut rng(2), b"hello").expect("small");
    let house = House::on(Arc::clone(&shelf), limits());
    house.run(async {
        let mut mailbox = house.connect();
        house.create(&mut mailbox, &queue, Kind::CONTACT).await;
        mailbox
            .put(&queue.place(), envelope.clone(), Postage::Free)
            .await
            .expect("room");
    });
    let reserved = house.server.usage().reserved;
    drop(house);

    let house = House::on(shelf, limits());
    assert_eq!(house.server.usage().reserved, reserved);
    house.run(async {
        let mut mailbox = house.connect();
        mailbox
            .put(&queue.place(), envelope.clone(), Postage::Free)
            .await
            .expect("the same again");
        assert_eq!(waiting(&house, &queue), [envelope]);
    });
}

#[test]
fn only_the_owner_subscribes_acknowledges_and_deletes() {
    let house = House::new();
    house.run(async {
        let queue = OwnedQueue::generate(&mut rng(1), NODE);
        let (mut bob, mut eve) = (house.connect(), house.connect());
        house.create(&mut bob, &queue, Kind::CONTACT).await;
        eve.put(&queue.place(), small(&queue, 1), Postage::Free)
            .await
            .expect("she has the card");

        let no = Err(RequestError::Refused(Refusal::NoSuchQueue));
        assert_eq!(eve.acknowledge(queue.id(), &[1]).await, no);
        assert_eq!(eve.delete(queue.id()).await, no);
        let own = OwnedQueue::generate(&mut rng(7), NODE);
        assert_eq!(eve.open(&own).await.err(), no.err());
        // The control: he can.
        assert_eq!(waiting(&house, &queue).len(), 1);
        assert_eq!(bob.acknowledge(queue.id(), &[1]).await, Ok(()));
        assert_eq!(bob.delete(queue.id()).await, Ok(()));
        assert_eq!(eve.put(&queue.place(), small(&queue, 2), Postage::Free).await, no);
    });
}

#[test]
fn a_signature_made_for_one_connection_is_worth_nothing_on_another() {
    use crate::protocol::{Context, Mode, Nonce, Reply, Request};
    let house = House::new();
    house.run(async {
        let queue = OwnedQueue::generate(&mut rng(1), NODE);
        house.create(&mut house.connect(), &queue, Kind::CONTACT).await;
        let key = queue.owner_key();
        let open = |nonce: Nonce| {
            let context = Context {
                network: network(),
                node: NODE,
                nonce,
            };
            let signature = context.sign_open(&key, Mode::Subscribe);
            Request::Open {
                owner: key.verifying_key(),
                mode: Mode::Subscribe,
                signature,
            }
            .write(1)
        };
        let (mut first, first_served) = house.stream();
        let Ok((0, Reply::Hello { nonce })) = Reply::read(&frame(&mut first).await) else {
            panic!("no hello")
        };
        let recorded = open(nonce);
        send(&mut first, &recorded).await;
        assert!(matches!(
            Reply::read(&frame(&mut first).await),
            Ok((1, Reply::Opened { .. }))
        ));

        let (mut second, second_served) = house.stream();
        frame(&mut second).await;
        send(&mut second, &recorded).await;
        assert!(matches!(
            Reply::read(&frame(&mut second).await),
            Ok((1, Reply::Refused(Refusal::NotAllowed)))
        ));
        drop((first, second));
        assert!(first_served.await.is_ok() && second_served.await.is_ok());
    });
}

#[test]
fn a_wrong_send_key_and_a_queue_that_is_not_there_look_alike() {
    let house = House::new();
    house.run(async {
        let queue = OwnedQueue::generate(&mut rng(1), NODE);
        let mut mailbox = house.connect();
        house.create(&mut mailbox, &queue, Kind::CONTACT).await;
        let mut wrong = OwnedQueue::generate(&mut rng(2), NODE).place();
        let absent = mailbox.put(&wrong, small(&queue, 1), Postage::Free).await;
        wrong.queue = queue.id();
        assert_eq!(mailbox.put(&wrong, small(&queue, 1), Postage::Free).await, absent);
        assert_eq!(absent, Err(RequestError::Refused(Refusal::NoSuchQueue)));
    });
}

#[test]
fn a_full_queue_refuses_and_loses_nothing_until_room_is_made() {
    let house = House::new();
    house.run(async {
        let queue = OwnedQueue::generate(&mut rng(1), NODE);
        let mut mailbox = house.connect();
        house
            .create(
                &mut mailbox,
                &queue,
                Kind::Direct {
                    reserve: Kind::MIN_RESERVE,
                },
            )
            .await;
        let mut stored = Vec::new();
        let refused = loop {
            let envelope = small(&queue, stored.len() as u64 + 10);
            match mailbox.put(&queue.place(), envelope.clone(), Postage::Free).await {
                Ok(()) => stored.push(envelope),
                Err(error) => break error,
            }
        };
        assert_eq!(refused, RequestError::Refused(Refusal::QueueFull));
        assert_eq!(stored.len(), 64 * 1024 / (4096 + 256));
        assert_eq!(waiting(&house, &queue), stored);
        mailbox.acknowledge(queue.id(), &[1]).await.expect("his own");
        assert_eq!(
            mailbox.put(&queue.place(), small(&queue, 99), Postage::Free).await,
            Ok(())
        );
    });
}

#[test]
fn a_flood_of_puts_and_queues_stays_within_the_store_and_hurts_nobody() {
    let store = 4 * 1024 * 1024;
    let shelf = Arc::new(MemoryShelf::default());
    let house = House::on(shelf, crate::Limits { store, ..limits() });
    house.run(async {
        let honest = OwnedQueue::generate(&mut rng(1), NODE);
        let mut mailbox = house.connect();
        house.create(&mut mailbox, &honest, Kind::Direct { reserve: 256 }).await;
        mailbox
            .put(&honest.place(), small(&honest, 1), Postage::Free)
            .await
            .expect("room");

        let mut quotes = Vec::new();
        let refused = loop {
            let seed = quotes.len() as u64 + 100;
            let queue = OwnedQueue::generate(&mut rng(seed), NODE);
            match mailbox.quote_queue(Kind::Direct { reserve: 256 }).await {
                Ok(quote) => quotes.push(quote.effort),
                Err(error) => break error,
            }
            house.create(&mut mailbox, &queue, Kind::Direct { reserve: 256 }).await;
            let large = queue.place().seal(&mut rng(seed), &[0; 60_000]).expect("large");
            while mailbox
                .put(&queue.place(), reseal(&queue, &large), Postage::Free)
                .await
                .is_ok()
            {}
            if quotes.len() > 5 {
                mailbox = house.connect();
            }
        };
        assert_eq!(refused, RequestError::Refused(Refusal::StoreFull));
        assert_eq!(quotes.len(), 15);
        assert!(
            quotes.is_sorted() && quotes.last() > quotes.first(),
            "dearer as it fills: {quotes:?}"
        );
        let usage = house.server.usage();
        assert!(usage.reserved <= store && usage.stored <= store, "{usage:?}");
        // The honest queue still has what it had, and its whole reserve.
        assert_eq!(waiting(&house, &honest).len(), 1);
        for seed in 0..50 {
            mailbox
                .put(&honest.place(), small(&honest, 1_000 + seed), Postage::Free)
                .await
                .expect("reserved");
        }
    });
}

#[test]
fn envelopes_live_fourteen_days_and_queues_three_weeks_after_their_owner() {
    let house = House::new();
    house.run(async {
        let queue = OwnedQueue::generate(&mut rng(1), NODE);
        let mut mailbox = house.connect();
        house.create(&mut mailbox, &queue, Kind::CONTACT).await;
        mailbox
            .put(&queue.place(), small(&queue, 1), Postage::Free)
            .await
            .expect("room");
        house.pass(14 * DAY - 1);
        mailbox
            .put(&queue.place(), small(&queue, 2), Postage::Free)
            .await
            .expect("room");
        assert_eq!(waiting(&house, &queue).len(), 2);
        house.pass(1);
        assert_eq!(waiting(&house, &queue).len(), 1);
        let before = house.server.usage().stored;
        house.server.sweep(house.now()).expect("memory");
        assert!(house.server.usage().stored + 4096 <= before);
        house.pass(21 * DAY);
        assert_eq!(
            mailbox.open(&queue).await.err(),
            Some(RequestError::Refused(Refusal::NoSuchQueue))
        );
        house.server.sweep(house.now()).expect("memory");
        assert_eq!(house.server.usage().reserved, 0);
        assert_eq!(house.server.usage().stored, 0);
    });
}

#[test]
fn at_most_a_window_is_pushed_unacknowledged_and_the_rest_follows() {
    let house = House::new();
    house.run(async {
        let queue = OwnedQueue::generate(&mut rng(1), NODE);
        let (mut bob, mut alice) = (house.connect(), house.connect());
        house.create(&mut bob, &queue, Kind::CONTACT).await;
        for seed in 0..40 {
            alice
                .put(&queue.place(), small(&queue, seed), Postage::Free)
                .await
                .expect("room");
        }
        let mut pushed = bob.subscribe(&queue).await.expect("his own");
        let mut seen = Vec::new();
        for _ in 0..Subscription::WINDOW {
            seen.push(delivered(&mut pushed).await.0);
        }
        // A round trip later nothing more has come.
        bob.quote_put(queue.id()).await.expect("a quote");
        assert!(futures::poll!(pushed.next()).is_pending());
        while seen.len() < 40 {
            bob.acknowledge(queue.id(), seen.get(seen.len() - 1..).expect("one"))
                .await
                .expect("his own");
            seen.push(delivered(&mut pushed).await.0);
        }
        assert_eq!(seen, (1..=40).collect::<Vec<_>>());
    });
}

#[test]
fn the_newest_subscriber_has_the_queue() {
    let house = House::new();
    house.run(async {
        let queue = OwnedQueue::generate(&mut rng(1), NODE);
        let (mut first, mut second) = (house.connect(), house.connect());
        house.create(&mut first, &queue, Kind::CONTACT).await;
        let mut old = first.subscribe(&queue).await.expect("his own");
        assert!(matches!(old.next().await, Some(Push::CaughtUp)));
        let mut new = second.subscribe(&queue).await.expect("his own");
        assert!(matches!(old.next().await, Some(Push::Ended)));
        assert!(matches!(new.next().await, Some(Push::CaughtUp)));
        let mut again = second.subscribe(&queue).await.expect("his own");
        assert!(matches!(new.next().await, Some(Push::Ended)));
        first
            .put(&queue.place(), small(&queue, 1), Postage::Free)
            .await
            .expect("room");
        assert!(matches!(again.next().await, Some(Push::CaughtUp)));
        delivered(&mut again).await;
        second.delete(queue.id()).await.expect("his own");
    });
}

#[test]
fn garbage_ends_a_stream_and_nothing_else() {
    let house = House::new();
    house.run(async {
        let queue = OwnedQueue::generate(&mut rng(1), NODE);
        let mut honest = house.connect();
        house.create(&mut honest, &queue, Kind::CONTACT).await;
        let garbage: [&[u8]; 4] = [
            &[0xff; 64],
            &[0, 0, 0, 2, 1, 2],
            &[0, 0, 0, 6, 0, 0, 0, 1, 9, 9],
            b"GET / HTTP/1.1\r\n\r\n",
        ];
        for bytes in garbage {
            let (mut stream, served) = house.stream();
            stream.write_all(bytes).await.expect("room in the pipe");
            assert!(matches!(served.await, Err(ServeError::Protocol)));
        }
        // One that says nothing, one byte at a time, or hangs up half-way, holds nothing up.
        let (mut slow, _served) = house.stream();
        slow.write_all(&[0, 0]).await.expect("room in the pipe");
        let (mut cut, served) = house.stream();
        cut.write_all(&[0, 0, 0, 9, 1]).await.expect("room in the pipe");
        drop(cut);
        assert!(matches!(served.await, Err(ServeError::Stream(_))));
        honest
            .put(&queue.place(), small(&queue, 1), Postage::Free)
            .await
            .expect("served as before");
    });
}

#[test]
fn who_asks_and_never_reads_is_not_read_from_for_ever() {
    let house = House::new();
    house.run(async {
        let (mut stream, _served) = house.stream();
        let ask = crate::protocol::Request::QuotePut {
            queue: crate::QueueId([1; 32]),
        }
        .write(1);
        let sent = std::cell::Cell::new(0_usize);
        let mut flood = std::pin::pin!(async {
            loop {
                send(&mut stream, &ask).await;
                sent.set(sent.get() + 1);
            }
        });
        for _ in 0..20_000 {
            assert!(futures::poll!(&mut flood).is_pending());
            turn().await;
        }
        // Replies of 18 bytes: 128 KiB of them, and what the pipe holds each way.
        assert!(sent.get() < 10_000, "{sent:?} requests were taken");
    });
}

#[test]
fn copies_for_three_mailboxes_share_nothing_that_links_them() {
    let mut rng = rng(1);
    let nodes = [1, 2, 3].map(|byte| outis_wire::NodeId([byte; 32]));
    let queues = nodes.map(|node| OwnedQueue::generate(&mut rng, node));
    let seen: Vec<Vec<u8>> = queues.iter().map(|queue| everything_seen(&mut rng, queue)).collect();
    assert_eq!(shared(&seen), 0);
    // The control: one queue's material on two mailboxes is caught.
    let leaky: Vec<Vec<u8>> = [0, 0]
        .iter()
        .map(|_| everything_seen(&mut rng, queues.first().expect("three")))
        .collect();
    assert_ne!(shared(&leaky), 0);
}

/// What a mailbox sees of a queue's creation, of a put, and of an opening.
fn everything_seen(rng: &mut rand_chacha::ChaCha20Rng, queue: &OwnedQueue) -> Vec<u8> {
    let place = queue.place();
    let pass = queue.pass(&[5; 32]);
    [
        queue.owner_key().verifying_key().as_bytes().as_slice(),
        &queue.id().0,
        place.send.0.dangerously_expose(),
        queue.pass_key().0.dangerously_expose(),
        &pass.name,
        &pass.proof,
        place.seal(rng, b"one payload for all three").expect("small").as_bytes(),
    ]
    .concat()
}

/// Runs of eight bytes that two of them have in common.
fn shared(seen: &[Vec<u8>]) -> usize {
    let runs = |bytes: &Vec<u8>| {
        bytes
            .windows(8)
            .map(<[u8]>::to_vec)
            .collect::<std::collections::BTreeSet<_>>()
    };
    let sets: Vec<_> = seen.iter().map(runs).collect();
    let pairs = sets
        .iter()
        .enumerate()
        .flat_map(|(i, a)| sets.iter().skip(i + 1).map(move |b| (a, b)));
    pairs.map(|(a, b)| a.intersection(b).count()).sum()
}

async fn delivered(pushed: &mut Subscription) -> (u64, Envelope) {
    match pushed.next().await {
        Some(Push::Delivered { number, envelope, .. }) => (number, envelope),
        other => panic!("expected an envelope, not {other:?}"),
    }
}

/// All that lies in a queue.
fn waiting(house: &House<Arc<MemoryShelf>>, queue: &OwnedQueue) -> Vec<Envelope> {
    let state = house.server.0.state();
    let mut from = 0;
    let mut all = Vec::new();
    while let Some(next) = state.store.next(&queue.id(), from, house.now()).expect("memory") {
        all.push(next.envelope);
        from = next.number + 1;
    }
    all
}

fn small(queue: &OwnedQueue, seed: u64) -> Envelope {
    queue.place().seal(&mut rng(seed), b"text").expect("small")
}

fn reseal(queue: &OwnedQueue, envelope: &Envelope) -> Envelope {
    use std::sync::atomic::{AtomicU64, Ordering};
    static SEED: AtomicU64 = AtomicU64::new(50_000);
    assert_eq!(envelope.size(), Size::Large);
    queue
        .place()
        .seal(&mut rng(SEED.fetch_add(1, Ordering::Relaxed)), &[0; 60_000])
        .expect("large")
}

/// Lets everything else run once.
async fn turn() {
    let mut first = true;
    std::future::poll_fn(|task| {
        task.waker().wake_by_ref();
        if std::mem::take(&mut first) {
            std::task::Poll::Pending
        } else {
            std::task::Poll::Ready(())
        }
    })
    .await;
}

async fn send(stream: &mut Pipe, frame: &[u8]) {
    outis_wire::frame::write(stream, frame).await.expect("the pipe is open");
}

async fn frame(stream: &mut Pipe) -> Vec<u8> {
    let mut length = [0; 4];
    stream.read_exact(&mut length).await.expect("a frame");
    let mut body = vec![0; u32::from_be_bytes(length) as usize];
    stream.read_exact(&mut body).await.expect("a frame");
    body
}
