//! Two ends and a relay, without anything between them.

use super::*;
use crate::{
    circuit::{
        Near,
        flow::{Violation, tests::joined},
    },
    streams::tests::soon,
};
use outis_mailbox::rendezvous::{JoinError, join as meet};
use tokio::task::JoinHandle;

const COOKIE: Cookie = Cookie([5; 32]);

struct Story {
    place: Rendezvous,
    served: Vec<JoinHandle<()>>,
    carried: Vec<JoinHandle<Result<(), Violation>>>,
}

impl Story {
    fn new(bounds: Bounds) -> Self {
        Self {
            place: Rendezvous::new(bounds, Arc::new(Throttle::new(None))),
            served: Vec::new(),
            carried: Vec::new(),
        }
    }

    /// A stream that the relay has begun to serve.
    fn arrive(&mut self) -> Near {
        let (stream, served, carried) = joined();
        let place = self.place.clone();
        self.served.push(tokio::spawn(async move { place.serve(served).await }));
        self.carried.push(carried);
        stream
    }

    /// Returns when the relay has let go of all streams.
    async fn end(self) {
        for served in self.served {
            soon(served).await.expect("no panic");
        }
        // Those whose users have not left go on.
        for carried in self.carried.into_iter().filter(JoinHandle::is_finished) {
            soon(carried).await.expect("no panic").expect("by the rules");
        }
        assert!(self.place.waiting().is_empty());
    }
}

fn hurried() -> Bounds {
    Bounds {
        patience: Duration::from_millis(50),
        ..Bounds::default()
    }
}

#[tokio::test]
async fn who_waits_alone_is_told_so_after_a_while() {
    let mut story = Story::new(hurried());
    let mut one = story.arrive();
    assert!(matches!(soon(meet(&mut one, &COOKIE)).await, Err(JoinError::Expired)));
    drop(one);
    story.end().await;
}

#[tokio::test]
async fn a_place_that_is_full_says_so_and_still_joins_those_who_wait() {
    let mut story = Story::new(Bounds {
        waiting: 1,
        ..Bounds::default()
    });
    let (mut one, mut late, mut other) = (story.arrive(), story.arrive(), story.arrive());
    let waits = tokio::spawn(async move { (meet(&mut one, &COOKIE).await, one) });
    soon(async {
        while story.place.waiting().is_empty() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert!(matches!(
        soon(meet(&mut late, &Cookie([6; 32]))).await,
        Err(JoinError::Busy)
    ));
    soon(meet(&mut other, &COOKIE)).await.expect("joined");
    let (joined, one) = soon(waits).await.expect("no panic");
    joined.expect("joined");
    drop((one, late, other));
    story.end().await;
}

#[tokio::test]
async fn streams_with_different_cookies_never_meet() {
    let mut story = Story::new(hurried());
    let (mut one, mut other) = (story.arrive(), story.arrive());
    let both = futures::future::join(meet(&mut one, &COOKIE), meet(&mut other, &Cookie([6; 32])));
    let (first, second) = soon(both).await;
    assert!(matches!(
        (first, second),
        (Err(JoinError::Expired), Err(JoinError::Expired))
    ));
    drop((one, other));
    story.end().await;
}

#[tokio::test]
async fn what_is_no_greeting_is_dropped() {
    let mut story = Story::new(Bounds::default());
    let mut one = story.arrive();
    one.write_all(&[0xff; 64]).await.expect("written");
    one.flush().await.expect("flushed");
    let mut byte = [0];
    assert!(soon(one.read(&mut byte)).await.map_or(true, |read| read == 0));
    story.end().await;
}

#[tokio::test]
async fn who_speaks_before_being_joined_is_dropped_and_leaves_no_trace() {
    let mut story = Story::new(Bounds::default());
    let mut one = story.arrive();
    one.write_all(&[&[1], COOKIE.0.as_slice(), b"early"].concat())
        .await
        .expect("written");
    one.flush().await.expect("flushed");
    let mut byte = [0];
    assert!(soon(one.read(&mut byte)).await.map_or(true, |read| read == 0));
    story.end().await;
}

#[tokio::test]
async fn who_says_nothing_is_not_waited_for() {
    let mut story = Story::new(Bounds {
        greeting: Duration::from_millis(50),
        ..Bounds::default()
    });
    let _silent = story.arrive();
    story.end().await;
}

#[tokio::test]
async fn joined_streams_end_when_either_side_does_or_both_are_silent() {
    let mut story = Story::new(Bounds {
        idle: Duration::from_millis(50),
        ..Bounds::default()
    });
    for silent in [false, true] {
        let (mut one, mut other) = (story.arrive(), story.arrive());
        let (first, second) = soon(futures::future::join(
            meet(&mut one, &COOKIE),
            meet(&mut other, &COOKIE),
        ))
        .await;
        first.expect("joined");
        second.expect("joined");
        if !silent {
            drop(one);
        }
        let mut byte = [0];
        assert!(soon(other.read(&mut byte)).await.map_or(true, |read| read == 0));
    }
    story.end().await;
}

#[tokio::test]
async fn a_reader_that_stalls_stalls_its_writer_and_nothing_piles_up() {
    let mut story = Story::new(Bounds::default());
    let (mut one, mut other) = (story.arrive(), story.arrive());
    let (first, second) = soon(futures::future::join(
        meet(&mut one, &COOKIE),
        meet(&mut other, &COOKIE),
    ))
    .await;
    first.expect("joined");
    second.expect("joined");
    let block = vec![7; 64 * 1024];
    let mut written = 0usize;
    // Until the writer is stalled: windows and buffers on the way are all that it may fill.
    while let Ok(Ok(length)) = time::timeout(Duration::from_millis(200), one.write(&block)).await {
        written += length;
        assert!(written < 64 * 1024 * 1024, "nothing stalls the writer");
    }
    let carried = usize::try_from(story.place.carried()).expect("small");
    assert!(carried <= 4 * 1024 * 1024, "{carried}");
    // It goes on when the reader does.
    soon(one.flush()).await.expect("flushed");
    let mut rest = vec![0; written];
    soon(other.read_exact(&mut rest)).await.expect("all of it");
    drop((one, other));
    story.end().await;
}
