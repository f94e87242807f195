//! Bytes between the end of a circuit and whoever uses it.
//!
//! The circuit side works in cells: what it delivers is counted as consumed cell by cell, as it is read, and that is what
//! credit is given for. So a reader that stalls holds up its own circuit and nothing else.

use futures::io::{AsyncRead, AsyncWrite};
use outis_onion::Payload;
use std::{
    collections::VecDeque,
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    time::Instant,
};

/// A way to a service and back, as its user has it. Dropping it unclosed gives it up.
#[derive(Debug)]
pub(crate) struct Near(Arc<Mutex<Pipe>>);

/// The same, as the circuit has it.
#[derive(Debug)]
pub(crate) struct Far(Arc<Mutex<Pipe>>);

/// What the user wants to be sent.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// These bytes.
    Data(Payload),
    /// Nothing any more.
    End,
}

#[derive(Debug, Default)]
struct Pipe {
    /// Towards the user: one entry a cell, none empty.
    arrived: VecDeque<Arrived>,
    /// Cells that were read and for which no credit was given yet.
    consumed: u32,
    /// Consumed cells at which the circuit is woken.
    wake_at: u32,
    /// The other side will send no more.
    ended: bool,
    /// The circuit has gone.
    broken: bool,
    reader: Option<Waker>,
    /// From the user.
    leaving: VecDeque<u8>,
    flushing: bool,
    closed: bool,
    gone: bool,
    writer: Option<Waker>,
    circuit: Option<Waker>,
}

#[derive(Debug)]
struct Arrived {
    bytes: Payload,
    read: usize,
    since: Instant,
}

/// A new pipe, whose circuit wants to know of each `credit` cells that were read.
pub(crate) fn pipe(credit: u32) -> (Near, Far) {
    let pipe = Arc::new(Mutex::new(Pipe {
        wake_at: credit,
        ..Pipe::default()
    }));
    (Near(Arc::clone(&pipe)), Far(pipe))
}

impl Far {
    /// Gives the user one cell's bytes.
    pub(crate) fn deliver(&self, bytes: Payload) {
        let mut pipe = lock(&self.0);
        if bytes.as_bytes().is_empty() || pipe.gone {
            // Nobody reads it, so that it does not hold up what comes after it.
            pipe.consumed = pipe.consumed.saturating_add(1);
            return;
        }
        pipe.arrived.push_back(Arrived {
            bytes,
            read: 0,
            since: Instant::now(),
        });
        wake(&mut pipe.reader);
    }

    /// The other side will send no more.
    pub(crate) fn end(&self) {
        let mut pipe = lock(&self.0);
        pipe.ended = true;
        wake(&mut pipe.reader);
    }

    /// What the user wants sent: bytes for one cell, if there is `room` for data, or that there will be no more.
    pub(crate) fn poll_wanted(&self, cx: &mut Context<'_>, room: bool) -> Poll<Wanted> {
        let mut pipe = lock(&self.0);
        if pipe.gone && !pipe.closed {
            pipe.leaving.clear();
        }
        let ready = pipe.leaving.len() >= Payload::MAX || pipe.flushing || pipe.closed || pipe.gone;
        if !ready || (!room && !pipe.leaving.is_empty()) {
            register(&mut pipe.circuit, cx);
            return Poll::Pending;
        }
        let bytes = take(&mut pipe.leaving);
        wake(&mut pipe.writer);
        if pipe.leaving.is_empty() {
            pipe.flushing = false;
        }
        match bytes {
            Some(bytes) => Poll::Ready(Wanted::Data(bytes)),
            _ if pipe.closed || pipe.gone => Poll::Ready(Wanted::End),
            _ => {
                register(&mut pipe.circuit, cx);
                Poll::Pending
            }
        }
    }

    /// Cells read since this last gave any: nothing before there are enough of them for a word.
    pub(crate) fn poll_consumed(&self, cx: &mut Context<'_>) -> Poll<u32> {
        let mut pipe = lock(&self.0);
        if pipe.consumed < pipe.wake_at {
            register(&mut pipe.circuit, cx);
            return Poll::Pending;
        }
        Poll::Ready(std::mem::take(&mut pipe.consumed))
    }

    /// Whether the user has gone.
    pub(crate) fn is_left(&self) -> bool {
        lock(&self.0).gone
    }

    /// Bytes that wait for the user, and since when the oldest of them.
    pub(crate) fn held(&self) -> (usize, Option<Instant>) {
        let pipe = lock(&self.0);
        let oldest = pipe.arrived.front().map(|first| first.since);
        (pipe.arrived.len() * Payload::MAX, oldest)
    }
}

/// The circuit has gone: what was said to be complete is, all else is broken.
impl Drop for Far {
    fn drop(&mut self) {
        let mut pipe = lock(&self.0);
        pipe.broken = true;
        wake(&mut pipe.reader);
        wake(&mut pipe.writer);
    }
}

impl Drop for Near {
    fn drop(&mut self) {
        let mut pipe = lock(&self.0);
        pipe.gone = true;
        let unread = u32::try_from(pipe.arrived.len()).unwrap_or(u32::MAX);
        pipe.arrived.clear();
        pipe.consumed = pipe.consumed.saturating_add(unread);
        wake(&mut pipe.circuit);
    }
}

impl AsyncRead for Near {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut pipe = lock(&self.0);
        let mut copied = 0;
        while let Some(first) = pipe.arrived.front_mut() {
            let unread = first.bytes.as_bytes().get(first.read..).unwrap_or_default();
            let free = buf.get_mut(copied..).unwrap_or_default();
            let fits = unread.len().min(free.len());
            if fits == 0 {
                break;
            }
            if let (Some(to), Some(from)) = (free.get_mut(..fits), unread.get(..fits)) {
                to.copy_from_slice(from);
            }
            copied += fits;
            first.read += fits;
            if first.read == first.bytes.as_bytes().len() {
                pipe.arrived.pop_front();
                pipe.consumed = pipe.consumed.saturating_add(1);
            }
        }
        if pipe.consumed >= pipe.wake_at {
            wake(&mut pipe.circuit);
        }
        if copied > 0 || buf.is_empty() || pipe.ended {
            Poll::Ready(Ok(copied))
        } else if pipe.broken {
            Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()))
        } else {
            register(&mut pipe.reader, cx);
            Poll::Pending
        }
    }
}

impl AsyncWrite for Near {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let mut pipe = lock(&self.0);
        if pipe.broken || pipe.closed {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let free = LEAVING.saturating_sub(pipe.leaving.len()).min(buf.len());
        if free == 0 && !buf.is_empty() {
            register(&mut pipe.writer, cx);
            wake(&mut pipe.circuit);
            return Poll::Pending;
        }
        pipe.leaving.extend(buf.get(..free).unwrap_or_default());
        if pipe.leaving.len() >= WORTH_WAKING {
            wake(&mut pipe.circuit);
        }
        Poll::Ready(Ok(free))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut pipe = lock(&self.0);
        if pipe.broken {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        if !pipe.leaving.is_empty() {
            pipe.flushing = true;
            wake(&mut pipe.circuit);
        }
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut pipe = lock(&self.0);
        if pipe.leaving.is_empty() && pipe.closed {
            return Poll::Ready(Ok(()));
        }
        if pipe.broken {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        pipe.closed = true;
        wake(&mut pipe.circuit);
        if pipe.leaving.is_empty() {
            return Poll::Ready(Ok(()));
        }
        register(&mut pipe.writer, cx);
        Poll::Pending
    }
}

/// The first bytes, as many as a cell takes.
fn take(bytes: &mut VecDeque<u8>) -> Option<Payload> {
    let length = bytes.len().min(Payload::MAX);
    if length == 0 {
        return None;
    }
    let (front, back) = bytes.as_slices();
    let payload = match front.get(..length) {
        Some(whole) => Payload::first_of(whole),
        None => {
            let rest = back.get(..length - front.len()).unwrap_or_default();
            Payload::first_of(&[front, rest].concat())
        }
    };
    bytes.drain(..length);
    Some(payload)
}

fn register(place: &mut Option<Waker>, cx: &Context<'_>) {
    match place {
        Some(waker) => waker.clone_from(cx.waker()),
        None => *place = Some(cx.waker().clone()),
    }
}

fn wake(waiting: &mut Option<Waker>) {
    if let Some(waker) = waiting.take() {
        waker.wake();
    }
}

fn lock(pipe: &Mutex<Pipe>) -> MutexGuard<'_, Pipe> {
    // Nothing that holds the lock panics half-way through a change.
    pipe.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Bytes that a writer may be ahead of its circuit.
const LEAVING: usize = 64 * 1024;

/// A writer that does not flush is heard once it has filled a few cells.
const WORTH_WAKING: usize = 16 * 1024;
