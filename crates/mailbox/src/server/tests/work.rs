//! What is asked of who makes a queue or writes to a stranger.

use super::*;
use crate::client::request_challenge;

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
