use crate::{
    Change, Envelope, Kind, Mailbox, MemoryShelf, OwnedQueue, Postage, Refusal, Shelf, ShelfError, Size,
    client::{Push, RequestError, Subscription, request_challenge},
    server::ServeError,
    testing::*,
};
use futures::{AsyncReadExt, AsyncWriteExt, StreamExt};
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

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
fn creating_costs_work_for_this_order_on_this_mailbox() {
    use crate::client::creation_challenge;
    let house = House::new();
    house.run(async {
        let mut mailbox = house.connect();
        let [queue, other] = [1, 2].map(|seed| OwnedQueue::generate(&mut rng(seed), NODE));
        let elsewhere = OwnedQueue::generate(&mut rng(3), outis_wire::NodeId([1; 32]));
        let quote = mailbox.quote_queue(Kind::INVITE).await.expect("room");
        let work =
            |queue: &OwnedQueue, hour| creation_challenge(&network(), queue, Kind::INVITE).solve(hour, 1, &mut rng(1));
        let asked = Err(RequestError::Refused(Refusal::Work(quote)));
        let proof = work(&queue, quote.hour);
        assert_eq!(mailbox.create(&other, Kind::INVITE, proof).await.map(drop), asked);
        let stale = work(&other, crate::work::Hour(quote.hour.0 - 2));
        assert_eq!(mailbox.create(&other, Kind::INVITE, stale).await.map(drop), asked);
        let foreign = work(&elsewhere, quote.hour);
        assert_eq!(mailbox.create(&elsewhere, Kind::INVITE, foreign).await.map(drop), asked);
        // The control, twice: the second time it only renews.
        assert!(mailbox.create(&queue, Kind::INVITE, proof).await.is_ok());
        assert!(mailbox.create(&queue, Kind::INVITE, proof).await.is_ok());
        // Deleted, it is not created a second time by the same work.
        mailbox.delete(queue.id()).await.expect("his own");
        assert_eq!(mailbox.create(&queue, Kind::INVITE, proof).await.map(drop), asked);
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
fn a_request_queue_keeps_the_dearest_and_passes_go_beside_them() {
    let house = House::on(
        Arc::default(),
        crate::Limits {
            request_places: 8,
            ..limits()
        },
    );
    house.run(async {
        let queue = OwnedQueue::generate(&mut rng(1), NODE);
        let mut mailbox = house.connect();
        house.create(&mut mailbox, &queue, Kind::Requests).await;
        let request = |seed| queue.place().seal(&mut rng(seed), &[1; 9_000]).expect("medium");
        let refused = mailbox.put(&queue.place(), request(1), Postage::Free).await;
        assert!(matches!(refused, Err(RequestError::Refused(Refusal::Work(_)))));
        let pay = |envelope: &Envelope, quote: crate::Quote| {
            Postage::Work(request_challenge(&network(), &queue.id(), envelope).solve(
                quote.hour,
                quote.effort,
                &mut rng(1),
            ))
        };
        for seed in 0..8 {
            let quote = mailbox.quote_put(queue.id()).await.expect("a quote");
            let envelope = request(1_000 + seed);
            let postage = pay(&envelope, quote);
            mailbox.put(&queue.place(), envelope, postage).await.expect("paid");
        }
        // Full. The least is now more than the cheapest has paid, and the newest of the cheapest makes room.
        let quote = mailbox.quote_put(queue.id()).await.expect("a quote");
        assert_eq!(quote.effort, 8);
        let dear = request(2_000);
        let cheap = pay(&dear, crate::Quote { effort: 1, ..quote });
        let refused = mailbox.put(&queue.place(), dear.clone(), cheap).await;
        assert_eq!(refused, Err(RequestError::Refused(Refusal::Work(quote))));
        let paid = pay(&dear, quote);
        mailbox.put(&queue.place(), dear.clone(), paid).await.expect("dearer");
        let kept = waiting(&house, &queue);
        assert_eq!(kept.len(), 8);
        assert!(kept.contains(&dear) && !kept.contains(&request(1_001)) && kept.contains(&request(1_000)));

        // A contact needs no work, has four places, and a stranger cannot make a pass.
        let pass = Postage::Pass(queue.pass(&[7; 32]));
        for seed in 0..4 {
            mailbox
                .put(&queue.place(), request(3_000 + seed), pass)
                .await
                .expect("a pass");
        }
        let fifth = mailbox.put(&queue.place(), request(3_004), pass).await;
        assert_eq!(fifth, Err(RequestError::Refused(Refusal::QueueFull)));
        let forged = Postage::Pass(OwnedQueue::generate(&mut rng(9), NODE).pass(&[7; 32]));
        let refused = mailbox.put(&queue.place(), request(3_005), forged).await;
        assert_eq!(refused, Err(RequestError::Refused(Refusal::NotAllowed)));
        assert_eq!(waiting(&house, &queue).len(), 12);
    });
}

#[test]
fn spent_work_buys_no_second_request_though_the_first_was_acknowledged() {
    let house = House::new();
    house.run(async {
        let queue = OwnedQueue::generate(&mut rng(1), NODE);
        let mut mailbox = house.connect();
        house.create(&mut mailbox, &queue, Kind::Requests).await;
        let envelope = small(&queue, 1);
        let quote = mailbox.quote_put(queue.id()).await.expect("a quote");
        let proof = request_challenge(&network(), &queue.id(), &envelope).solve(quote.hour, quote.effort, &mut rng(1));
        let put = async |mailbox: &mut Mailbox| {
            mailbox
                .put(&queue.place(), envelope.clone(), Postage::Work(proof))
                .await
        };
        assert_eq!(put(&mut mailbox).await, Ok(()));
        assert_eq!(put(&mut mailbox).await, Ok(()));
        mailbox.acknowledge(queue.id(), &[1]).await.expect("his own");
        assert_eq!(
            put(&mut mailbox).await,
            Err(RequestError::Refused(Refusal::Work(quote)))
        );
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
        Some(Push::Delivered { number, envelope }) => (number, envelope),
        other => panic!("expected an envelope, not {other:?}"),
    }
}

/// All that lies in a queue.
fn waiting(house: &House<Arc<MemoryShelf>>, queue: &OwnedQueue) -> Vec<Envelope> {
    let state = house.server.0.state();
    let mut from = 0;
    let mut all = Vec::new();
    while let Some((number, envelope)) = state.store.next(&queue.id(), from, house.now()).expect("memory") {
        all.push(envelope);
        from = number + 1;
    }
    all
}

fn small(queue: &OwnedQueue, seed: u64) -> Envelope {
    queue.place().seal(&mut rng(seed), b"text").expect("small")
}

fn reseal(queue: &OwnedQueue, envelope: &Envelope) -> Envelope {
    use std::sync::atomic::AtomicU64;
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

#[test]
fn a_stranger_works_for_three_copies_no_longer_than_two_seconds_of_tries() {
    // R52 by counts: a try (one Equi-X search) takes some 50 ms, a check one Equi-X tree.
    let main = outis_wire::NetworkName::default();
    let effort = crate::Efforts::of(&main).request;
    let mut tries = 0;
    for copy in 0..3 {
        let queue = OwnedQueue::generate(&mut rng(copy), NODE);
        let envelope = small(&queue, copy);
        let challenge = request_challenge(&main, &queue.id(), &envelope);
        let mut search = challenge.search(crate::work::Hour(498_720), effort, &mut rng(copy));
        tries += 1;
        let proof = loop {
            match search.step() {
                Some(proof) => break proof,
                None => tries += 1,
            }
        };
        assert_eq!(challenge.check(&proof, effort, crate::work::Hour(498_720)), Ok(()));
    }
    assert!(tries <= 40, "{tries} tries");
}

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
