//! A stream with a delay that can be cut.

use futures::io::{AsyncRead, AsyncWrite};
use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep_until};

/// One end of a stream. Dropping it closes the stream.
pub struct End {
    incoming: Arc<Mutex<Half>>,
    outgoing: Arc<Mutex<Half>>,
    sleep: Option<Pin<Box<Sleep>>>,
    delay: Box<dyn FnMut(usize) -> Duration + Send>,
    /// Counts the bytes that are read.
    counter: Option<Arc<AtomicU64>>,
}

/// Cuts a stream from outside: both ends see an error.
#[derive(Clone)]
pub(super) struct Scissors {
    halves: [Arc<Mutex<Half>>; 2],
}

#[derive(Default)]
struct Half {
    chunks: VecDeque<(Instant, Vec<u8>)>,
    last: Option<Instant>,
    closed: bool,
    cut: bool,
    frozen: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
    buffered: usize,
}

/// Both ends of a new stream. A delay is drawn for each write, told how many bytes it is; bytes never overtake each other.
pub(super) fn stream(
    first: Box<dyn FnMut(usize) -> Duration + Send>,
    second: Box<dyn FnMut(usize) -> Duration + Send>,
) -> (End, End, Scissors) {
    let (there, back) = (
        Arc::new(Mutex::new(Half::default())),
        Arc::new(Mutex::new(Half::default())),
    );
    let scissors = Scissors {
        halves: [Arc::clone(&there), Arc::clone(&back)],
    };
    let one = End {
        incoming: Arc::clone(&back),
        outgoing: Arc::clone(&there),
        sleep: None,
        delay: first,
        counter: None,
    };
    let other = End {
        incoming: there,
        outgoing: back,
        sleep: None,
        delay: second,
        counter: None,
    };
    (one, other, scissors)
}

impl Scissors {
    /// Both ends fail from now on.
    pub(super) fn cut(&self) {
        for half in &self.halves {
            let mut half = lock(half);
            half.cut = true;
            half.wake();
        }
    }

    /// Nothing comes through from now on, and nobody is told.
    pub(super) fn freeze(&self) {
        for half in &self.halves {
            lock(half).frozen = true;
        }
    }

    /// Whether both ends are gone.
    pub(super) fn is_done(&self) -> bool {
        self.halves.iter().all(|half| lock(half).closed)
    }
}

impl End {
    /// Counts what is read from now on.
    pub(super) fn count(&mut self, counter: Arc<AtomicU64>) {
        self.counter = Some(counter);
    }
}

impl AsyncRead for End {
    fn poll_read(mut self: Pin<&mut Self>, task: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        loop {
            let this = &mut *self;
            let mut half = lock(&this.incoming);
            if half.cut {
                return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
            }
            if half.frozen {
                return Poll::Pending;
            }
            let Some((due, chunk)) = half.chunks.front_mut() else {
                if half.closed {
                    return Poll::Ready(Ok(0));
                }
                half.reader = Some(task.waker().clone());
                return Poll::Pending;
            };
            if *due <= Instant::now() {
                let count = chunk.len().min(buffer.len());
                for (to, from) in buffer.iter_mut().zip(chunk.drain(..count)) {
                    *to = from;
                }
                if chunk.is_empty() {
                    half.chunks.pop_front();
                }
                half.buffered -= count;
                if let Some(counter) = &this.counter {
                    counter.fetch_add(count as u64, Ordering::Relaxed);
                }
                if let Some(writer) = half.writer.take() {
                    writer.wake();
                }
                this.sleep = None;
                return Poll::Ready(Ok(count));
            }
            let due = *due;
            half.reader = Some(task.waker().clone());
            drop(half);
            let sleep = this.sleep.get_or_insert_with(|| Box::pin(sleep_until(due)));
            if sleep.deadline() != due {
                sleep.as_mut().reset(due);
            }
            if sleep.as_mut().poll(task).is_pending() {
                return Poll::Pending;
            }
        }
    }
}

impl AsyncWrite for End {
    fn poll_write(mut self: Pin<&mut Self>, task: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let delay = (self.delay)(bytes.len());
        let mut half = lock(&self.outgoing);
        if half.frozen {
            return Poll::Ready(Ok(bytes.len()));
        }
        if half.cut || half.closed {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let room = BUFFER.saturating_sub(half.buffered);
        if room == 0 {
            half.writer = Some(task.waker().clone());
            return Poll::Pending;
        }
        let count = bytes.len().min(room);
        let due = (Instant::now() + delay).max(half.last.unwrap_or_else(Instant::now));
        half.last = Some(due);
        half.chunks
            .push_back((due, bytes.iter().take(count).copied().collect()));
        half.buffered += count;
        if let Some(reader) = half.reader.take() {
            reader.wake();
        }
        Poll::Ready(Ok(count))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut half = lock(&self.outgoing);
        half.closed = true;
        half.wake();
        Poll::Ready(Ok(()))
    }
}

impl Drop for End {
    fn drop(&mut self) {
        for half in [&self.outgoing, &self.incoming] {
            let mut half = lock(half);
            half.closed = true;
            half.wake();
        }
    }
}

impl Half {
    fn wake(&mut self) {
        for waker in [self.reader.take(), self.writer.take()].into_iter().flatten() {
            waker.wake();
        }
    }
}

fn lock(half: &Arc<Mutex<Half>>) -> MutexGuard<'_, Half> {
    half.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Bytes on their way in one direction.
const BUFFER: usize = 256 * 1024;
