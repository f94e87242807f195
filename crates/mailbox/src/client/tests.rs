use super::*;
use crate::{Nonce, protocol::Delivered, testing::*};
use futures::{AsyncReadExt, AsyncWriteExt, FutureExt, StreamExt, executor::block_on, future::join};

#[test]
fn many_requests_are_under_way_at_once_and_each_gets_its_own_answer() {
    let house = House::new();
    house.run(async {
        let queues: Vec<OwnedQueue> = (0..10).map(|seed| OwnedQueue::generate(&mut rng(seed), NODE)).collect();
        let mailbox = house.connect();
        let all = queues.iter().enumerate().map(|(i, queue)| {
            let mut mailbox = mailbox.clone();
            let house = &house;
            async move {
                house.create(&mut mailbox, queue, Kind::INVITE).await;
                let payload = format!("for queue {i}");
                let envelope = queue.place().seal(&mut rng(50), payload.as_bytes()).expect("small");
                mailbox
                    .put(&queue.place(), envelope, Postage::Free)
                    .await
                    .expect("room");
                let mut pushed = mailbox.subscribe(queue).await.expect("its own");
                let Some(Push::Delivered { envelope, .. }) = pushed.next().await else {
                    panic!("nothing came")
                };
                assert_eq!(
                    queue.open(&envelope).expect("its own").dangerously_expose(),
                    payload.as_bytes()
                );
            }
        });
        futures::future::join_all(all).await;
    });
}

#[test]
fn a_request_that_is_dropped_disturbs_no_other() {
    let house = House::new();
    house.run(async {
        let queue = OwnedQueue::generate(&mut rng(1), NODE);
        let mut mailbox = house.connect();
        for polls in 0..6 {
            let mut other = mailbox.clone();
            let mut dropped = Box::pin(other.quote_put(queue.id()).fuse());
            for _ in 0..polls {
                let _ = futures::poll!(&mut dropped);
                mailbox.quote_put(queue.id()).await.expect("answered");
            }
        }
        house.create(&mut mailbox, &queue, Kind::INVITE).await;
        drop(mailbox.subscribe(&queue).await.expect("its own"));
        let envelope = queue.place().seal(&mut rng(2), b"").expect("small");
        mailbox
            .put(&queue.place(), envelope, Postage::Free)
            .await
            .expect("room");
        // The dropped subscription acknowledged nothing: it comes again.
        let mut pushed = mailbox.subscribe(&queue).await.expect("its own");
        assert!(matches!(pushed.next().await, Some(Push::Delivered { number: 1, .. })));
    });
}

#[test]
fn the_connection_closes_when_nobody_holds_it_and_every_handle_learns_when_it_breaks() {
    let house = House::new();
    house.run(async {
        let (stream, served) = house.stream();
        let (mailbox, driver) = connect(stream, network(), NODE);
        drop(mailbox);
        assert!(driver.await.is_ok());
        // Whether it had said hello before the stream was gone is chance; that it ends is not.
        let _ = served.await;

        let (stream, far) = pipe(64);
        let (mut mailbox, driver) = connect(stream, network(), NODE);
        drop(far);
        let (asked, driven) = join(mailbox.quote_queue(Kind::CONTACT), driver_to_end(driver)).await;
        assert_eq!(asked, Err(RequestError::Closed));
        assert!(driven.is_err());
    });
}

#[test]
fn a_mailbox_that_breaks_the_protocol_is_hung_up_on() {
    let hello = Reply::Hello { nonce: Nonce([1; 32]) };
    let envelope = OwnedQueue::generate(&mut rng(1), NODE)
        .place()
        .seal(&mut rng(1), b"")
        .expect("small");
    let lies: [(&str, Vec<u8>); 6] = [
        (
            "two greetings",
            [framed(&hello.write(0)), framed(&hello.write(0))].concat(),
        ),
        ("a greeting with a number", framed(&hello.write(1))),
        ("an answer to nothing", framed(&Reply::Stored.write(9))),
        ("a push to nothing", framed(&delivered(1, envelope).write(9))),
        (
            "a request",
            framed(
                &Request::Delete {
                    queue: QueueId([0; 32]),
                }
                .write(1),
            ),
        ),
        ("a frame without end", vec![0xff; 8]),
    ];
    for (lie, bytes) in lies {
        let end = block_on(async {
            let (near, mut far) = pipe(16 * 1024);
            far.write_all(&bytes).await.expect("room");
            let (_mailbox, driver) = connect(near, network(), NODE);
            driver.await
        });
        assert!(matches!(end, Err(ConnectionError::Protocol)), "{lie}: {end:?}");
    }
}

#[test]
fn a_mailbox_that_pushes_past_the_window_is_hung_up_on() {
    block_on(async {
        let queue = OwnedQueue::generate(&mut rng(1), NODE);
        let (near, mut far) = pipe(512 * 1024);
        let (mut mailbox, driver) = connect(near, network(), NODE);
        let liar = async {
            far.write_all(&framed(&Reply::Hello { nonce: Nonce([1; 32]) }.write(0)))
                .await
                .expect("room");
            let mut request = [0; 4 + 6 + 32 + 1 + 64];
            far.read_exact(&mut request).await.expect("an opening");
            far.write_all(&framed(&Reply::Opened { until: NOW }.write(1)))
                .await
                .expect("room");
            for number in 0..40 {
                let envelope = queue.place().seal(&mut rng(number), b"").expect("small");
                far.write_all(&framed(&delivered(number, envelope).write(1)))
                    .await
                    .expect("room");
            }
            far
        };
        let (subscription, (_far, driven)) = join(mailbox.subscribe(&queue), join(liar, driver_to_end(driver))).await;
        assert!(matches!(driven, Err(ConnectionError::Protocol)));
        let kept: Vec<Push> = subscription.expect("opened").collect().await;
        assert!(kept.len() <= Subscription::WINDOW + 3, "{} were kept", kept.len());
    });
}

#[test]
fn what_was_paid_for_a_request_reaches_its_owner_who_need_not_believe_it() {
    let house = House::new();
    house.run(async {
        let queue = OwnedQueue::generate(&mut rng(1), NODE);
        let mut mailbox = house.connect();
        house.create(&mut mailbox, &queue, Kind::Requests).await;
        let envelope = queue.place().seal(&mut rng(2), b"may I?").expect("small");
        let quote = mailbox.quote_put(queue.id()).await.expect("a quote");
        let network = network();
        let proof =
            request_challenge(&network, &queue.id(), &envelope).solve(quote.hour, quote.effort + 2, &mut rng(3));
        mailbox
            .put(&queue.place(), envelope, Postage::Work(proof))
            .await
            .expect("paid");
        let mut pushed = house.connect().subscribe(&queue).await.expect("its owner");
        let Some(Push::Delivered { paid, envelope, .. }) = pushed.next().await else {
            panic!("it is delivered");
        };
        assert_eq!(paid, Some(proof));
        assert_eq!(paid_for(&network, &queue.id(), &envelope, &proof), quote.effort + 2);
        // A mailbox that makes something up: the same proof for more, for another envelope, for another queue.
        let mut bytes = Vec::new();
        proof.write(&mut bytes);
        bytes.splice(4..8, 1_000_u32.to_be_bytes());
        let more = Proof::read(&mut outis_wire::Reader::new(&bytes)).expect("40 bytes");
        assert_eq!(paid_for(&network, &queue.id(), &envelope, &more), 0);
        let other = queue.place().seal(&mut rng(4), b"may I?").expect("small");
        assert_eq!(paid_for(&network, &queue.id(), &other, &proof), 0);
        assert_eq!(paid_for(&network, &QueueId([0; 32]), &envelope, &proof), 0);
    });
}

async fn driver_to_end(driver: Driver<Pipe>) -> Result<(), ConnectionError> {
    driver.await
}

fn delivered(number: u64, envelope: Envelope) -> Reply {
    Reply::Delivered(Delivered {
        number,
        paid: None,
        envelope,
    })
}

fn framed(body: &[u8]) -> Vec<u8> {
    [u32::try_from(body.len()).expect("short").to_be_bytes().as_slice(), body].concat()
}
