//! Joins two streams that bring the same cookie.
//!
//! libp2p's own relay stops at 128 KiB and two minutes. Here bytes flow for as long as they flow, through one buffer a
//! direction: a reader that stalls stalls its writer, and nothing piles up.

use super::throttle::Throttle;
use crate::circuit::Near;
use futures::{
    FutureExt,
    channel::oneshot,
    future::{select, try_join},
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
};
use outis_mailbox::rendezvous::{Answer, Cookie, answer, read_cookie};
use std::{
    collections::{HashMap, hash_map::Entry},
    io,
    pin::pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::time;

/// What bounds rendezvous.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// Streams that wait for another.
    pub(super) waiting: usize,
    /// For a stream to say its cookie, and for an answer to be taken.
    pub(super) greeting: Duration,
    /// For the other stream to come.
    pub(super) patience: Duration,
    /// Without a byte in either direction.
    pub(super) idle: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            waiting: 1_024,
            greeting: Duration::from_secs(10),
            patience: Duration::from_secs(60),
            idle: Duration::from_secs(120),
        }
    }
}

/// The place where streams meet. Clones are the same place.
#[derive(Clone)]
pub(super) struct Rendezvous {
    bounds: Bounds,
    waiting: Arc<Mutex<HashMap<Cookie, oneshot::Sender<Near>>>>,
    carried: Arc<AtomicU64>,
    throttle: Arc<Throttle>,
}

impl Rendezvous {
    pub(super) fn new(bounds: Bounds, throttle: Arc<Throttle>) -> Self {
        Self {
            bounds,
            waiting: Arc::default(),
            carried: Arc::default(),
            throttle,
        }
    }

    /// Bytes carried from one stream to another so far.
    pub(super) fn carried(&self) -> u64 {
        self.carried.load(Ordering::Relaxed)
    }

    /// Serves one stream to its end. The first of two to come carries both.
    pub(super) async fn serve(&self, mut stream: Near) {
        let Ok(Ok(cookie)) = time::timeout(self.bounds.greeting, read_cookie(&mut stream)).await else {
            return;
        };
        let (stream, arrived) = match self.meet(cookie, stream) {
            Meeting::First(stream, arrived) => (stream, arrived),
            Meeting::Second => return,
            Meeting::Full(stream) => return self.refuse(stream, Answer::Busy).await,
        };
        self.wait(cookie, stream, arrived).await;
    }

    async fn wait(&self, cookie: Cookie, mut stream: Near, mut arrived: oneshot::Receiver<Near>) {
        let mut early = [0];
        let other = tokio::select! {
            biased;
            other = &mut arrived => other.ok(),
            // Whoever speaks before being joined, or has gone, is not waited with: what it sent would pile up.
            _ = stream.read(&mut early) => {
                self.waiting().remove(&cookie);
                return;
            }
            () = time::sleep(self.bounds.patience) => None,
        };
        match other {
            Some(other) => self.join(stream, other).await,
            None => {
                self.waiting().remove(&cookie);
                self.refuse(stream, Answer::Expired).await;
            }
        }
    }

    fn meet(&self, cookie: Cookie, stream: Near) -> Meeting {
        let mut waiting = self.waiting();
        let full = waiting.len() >= self.bounds.waiting;
        match waiting.entry(cookie) {
            Entry::Occupied(first) => match first.remove().send(stream) {
                Ok(()) => Meeting::Second,
                // The first gave up in this very moment.
                Err(stream) => Meeting::Full(stream),
            },
            Entry::Vacant(_) if full => Meeting::Full(stream),
            Entry::Vacant(place) => {
                let (sender, arrived) = oneshot::channel();
                place.insert(sender);
                Meeting::First(stream, arrived)
            }
        }
    }

    async fn join(&self, mut one: Near, mut other: Near) {
        let greet = try_join(answer(&mut one, Answer::Joined), answer(&mut other, Answer::Joined));
        let Ok(Ok(_)) = time::timeout(self.bounds.greeting, greet).await else {
            return;
        };
        let moved = AtomicU64::new(0);
        let (from_one, to_one) = one.split();
        let (from_other, to_other) = other.split();
        let both = try_join(
            self.pump(from_one, to_other, &moved),
            self.pump(from_other, to_one, &moved),
        );
        // Either way the streams are dropped here, which both ends see.
        select(pin!(both), pin!(silence(&moved, self.bounds.idle))).await;
    }

    async fn pump(
        &self,
        mut from: impl AsyncRead + Unpin,
        mut to: impl AsyncWrite + Unpin,
        moved: &AtomicU64,
    ) -> io::Result<()> {
        let mut buffer = vec![0; BUFFER];
        loop {
            // Flushing only when nothing more is there keeps packets full.
            let ready = from.read(&mut buffer).now_or_never();
            let length = match ready {
                Some(read) => read?,
                None => {
                    to.flush().await?;
                    from.read(&mut buffer).await?
                }
            };
            let Some(bytes) = buffer.get(..length).filter(|bytes| !bytes.is_empty()) else {
                return to.close().await;
            };
            self.throttle.pass(length).await;
            to.write_all(bytes).await?;
            moved.fetch_add(length as u64, Ordering::Relaxed);
            self.carried.fetch_add(length as u64, Ordering::Relaxed);
        }
    }

    async fn refuse(&self, mut stream: Near, refusal: Answer) {
        let say = async {
            answer(&mut stream, refusal).await?;
            stream.close().await
        };
        // Whether it was heard makes no difference.
        let _ = time::timeout(self.bounds.greeting, say).await;
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, HashMap<Cookie, oneshot::Sender<Near>>> {
        // Nothing that holds the lock panics half-way through a change.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Meeting {
    First(Near, oneshot::Receiver<Near>),
    Second,
    Full(Near),
}

/// Returns when nothing was moved for `idle` (to twice that).
async fn silence(moved: &AtomicU64, idle: Duration) {
    let mut before = moved.load(Ordering::Relaxed);
    loop {
        time::sleep(idle).await;
        let now = moved.load(Ordering::Relaxed);
        if now == before {
            return;
        }
        before = now;
    }
}

/// One a direction. Larger ones moved no more on loopback.
const BUFFER: usize = 64 * 1024;

#[cfg(test)]
mod tests;
