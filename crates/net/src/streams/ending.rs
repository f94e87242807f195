//! Tells the streams of a connection that it has gone. Yamux does not, where it is we who close it: who reads would wait for
//! ever.

use futures::task::AtomicWaker;
use std::{
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, Ordering},
    },
    task::Context,
};

/// A connection's part. Dropped with the connection.
#[derive(Debug, Default)]
pub(super) struct Endings(Vec<Weak<Told>>);

/// One stream's part.
#[derive(Debug)]
pub(super) struct Ending(Arc<Told>);

#[derive(Debug, Default)]
struct Told {
    over: AtomicBool,
    reader: AtomicWaker,
}

impl Endings {
    /// For one stream more.
    pub(super) fn add(&mut self) -> Ending {
        if self.0.len() == self.0.capacity() {
            self.0.retain(|told| told.strong_count() > 0);
        }
        let told = Arc::new(Told::default());
        self.0.push(Arc::downgrade(&told));
        Ending(told)
    }
}

impl Drop for Endings {
    fn drop(&mut self) {
        for told in self.0.iter().filter_map(Weak::upgrade) {
            told.over.store(true, Ordering::Release);
            told.reader.wake();
        }
    }
}

impl Ending {
    /// Whether the connection has gone. If not, whoever asks is woken when it does.
    pub(super) fn poll_over(&self, cx: &Context<'_>) -> bool {
        let Self(told) = self;
        told.reader.register(cx.waker());
        told.over.load(Ordering::Acquire)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::{FutureExt, future::poll_fn};
    use std::task::Poll;

    fn over(ending: &Ending) -> impl Future<Output = ()> {
        poll_fn(|cx| {
            if ending.poll_over(cx) {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
    }

    #[tokio::test]
    async fn streams_learn_that_their_connection_has_gone_and_forgotten_ones_take_no_room() {
        let mut endings = Endings::default();
        let (one, other) = (endings.add(), endings.add());
        for _ in 0..1_000 {
            drop(endings.add());
        }
        assert!(endings.0.len() < 10, "{}", endings.0.len());
        assert_eq!(over(&one).now_or_never(), None);
        let waiting = tokio::spawn(async move { over(&other).await });
        tokio::task::yield_now().await;
        drop(endings);
        waiting.await.expect("woken");
        assert_eq!(over(&one).now_or_never(), Some(()));
    }
}
