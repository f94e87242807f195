//! A stream between two nodes.

use super::{Counters, ending::Ending};
use crate::budget::Reservation;
use futures::io::{AsyncRead, AsyncWrite};
use libp2p::{Multiaddr, PeerId};
use std::{
    io::{self, IoSlice, IoSliceMut},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
};
use tokio::sync::OwnedSemaphorePermit;

/// Bytes both ways to another node. Dropping it resets what was not closed and frees all that it held.
#[derive(Debug)]
pub(crate) struct Stream {
    inner: libp2p::Stream,
    remote: Remote,
    ending: Ending,
    held: Held,
}

/// Who is at the other end.
#[derive(Debug, Clone)]
pub(crate) struct Remote {
    pub(crate) peer: PeerId,
    pub(crate) address: Multiaddr,
}

/// What a stream gives back when it ends: memory, its places on the connection and in what its neighbours share, and its count.
#[derive(Debug)]
pub(super) struct Held {
    #[expect(dead_code, reason = "held for its drop")]
    memory: Reservation,
    #[expect(dead_code, reason = "held for its drop")]
    places: Vec<OwnedSemaphorePermit>,
    counters: Arc<Counters>,
}

impl Held {
    pub(super) fn new(memory: Reservation, places: Vec<OwnedSemaphorePermit>, counters: Arc<Counters>) -> Self {
        counters.open.fetch_add(1, Ordering::Relaxed);
        Self {
            memory,
            places,
            counters,
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.counters.open.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Stream {
    pub(super) fn new(inner: libp2p::Stream, remote: Remote, ending: Ending, held: Held) -> Self {
        Self {
            inner,
            remote,
            ending,
            held,
        }
    }

    /// What was read, or that nothing more will be.
    fn read(&self, done: Poll<io::Result<usize>>, cx: &Context<'_>) -> Poll<io::Result<usize>> {
        if done.is_pending() && self.ending.poll_over(cx) {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        self.count(|counters| &counters.read, done)
    }

    fn count(
        &self,
        counter: impl Fn(&Counters) -> &AtomicU64,
        done: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(bytes)) = &done {
            counter(&self.held.counters).fetch_add(*bytes as u64, Ordering::Relaxed);
        }
        done
    }

    /// Who is at the other end, proven by the connection's handshake.
    pub(crate) fn remote(&self) -> &Remote {
        &self.remote
    }
}

impl AsyncRead for Stream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        let done = Pin::new(&mut self.inner).poll_read(cx, buf);
        self.read(done, cx)
    }

    fn poll_read_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
    ) -> Poll<io::Result<usize>> {
        let done = Pin::new(&mut self.inner).poll_read_vectored(cx, bufs);
        self.read(done, cx)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let done = Pin::new(&mut self.inner).poll_write(cx, buf);
        self.count(|counters| &counters.written, done)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let done = Pin::new(&mut self.inner).poll_write_vectored(cx, bufs);
        self.count(|counters| &counters.written, done)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_close(cx)
    }
}
