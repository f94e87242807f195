//! Cells over a stream between two neighbours.

use futures::io::{AsyncRead, AsyncWrite};
use outis_onion::Cell;
use std::{
    collections::VecDeque,
    future::poll_fn,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Instant,
};

/// Reads and writes whole cells. Reading never waits for writing, nor the other way round.
#[derive(Debug)]
pub(crate) struct Link<S> {
    stream: S,
    arriving: Box<[u8; Cell::BYTES]>,
    filled: usize,
    /// Cells back to back, less what is written of the first: a stream takes several at once, which is what its packets
    /// and frames are counted by.
    leaving: VecDeque<u8>,
    /// Since when each of them waits.
    since: VecDeque<Instant>,
    flushed: bool,
    /// The other side takes no more. What it said before is still read: who has said all and hangs up is not cut short.
    deaf: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Link<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self {
            stream,
            arriving: Box::new([0; Cell::BYTES]),
            filled: 0,
            leaving: VecDeque::new(),
            since: VecDeque::new(),
            flushed: true,
            deaf: false,
        }
    }

    /// The next cell; nothing where the stream ended between two.
    pub(crate) fn poll_cell(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Option<Cell>>> {
        loop {
            let free = self.arriving.get_mut(self.filled..).unwrap_or_default();
            if free.is_empty() {
                self.filled = 0;
                let whole = std::mem::replace(&mut self.arriving, Box::new([0; Cell::BYTES]));
                return Poll::Ready(Ok(Some(Cell::from_bytes(whole))));
            }
            match ready!(Pin::new(&mut self.stream).poll_read(cx, free))? {
                0 if self.filled == 0 => return Poll::Ready(Ok(None)),
                0 => return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into())),
                read => self.filled += read,
            }
        }
    }

    /// Takes a cell to be written. The caller bounds how many wait.
    pub(crate) fn push(&mut self, cell: Cell) {
        if self.deaf {
            return;
        }
        // No doubling: many circuits that stand still must not hold twice what waits.
        if self.leaving.capacity() - self.leaving.len() < Cell::BYTES {
            let cells = if self.leaving.is_empty() { 1 } else { SEVERAL };
            self.leaving.reserve_exact(cells * Cell::BYTES);
        }
        self.leaving.extend(cell.as_bytes());
        self.since.push_back(Instant::now());
    }

    /// Cells that wait to be written.
    pub(crate) fn waiting(&self) -> usize {
        self.since.len()
    }

    /// Since when the first of them does.
    pub(crate) fn oldest(&self) -> Option<Instant> {
        self.since.front().copied()
    }

    /// Ready once everything is written and on its way, or the other side takes no more: that the way is gone altogether
    /// shows when it is read.
    pub(crate) fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if ready!(self.poll_write_all(cx)).is_err() {
            self.deaf = true;
            self.forget();
        }
        Poll::Ready(())
    }

    fn poll_write_all(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.deaf {
            return Poll::Ready(Ok(()));
        }
        while !self.leaving.is_empty() {
            self.flushed = false;
            let (next, _) = self.leaving.as_slices();
            match ready!(Pin::new(&mut self.stream).poll_write(cx, next))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => {
                    self.leaving.drain(..written.min(next.len()));
                }
            }
            let gone = self.since.len() - self.leaving.len().div_ceil(Cell::BYTES);
            self.since.drain(..gone);
        }
        if !self.flushed {
            ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
            self.flushed = true;
        }
        self.forget();
        Poll::Ready(Ok(()))
    }

    /// Gives back the room of what waited: an idle circuit keeps none.
    fn forget(&mut self) {
        self.leaving = VecDeque::new();
        self.since = VecDeque::new();
    }

    /// Writes one cell and all before it. Once begun, not safe to drop.
    pub(crate) async fn send(&mut self, cell: Cell) -> io::Result<()> {
        self.push(cell);
        poll_fn(|cx| self.poll_write_all(cx)).await
    }

    /// The next cell. Safe to drop. That there is none is an error here.
    pub(crate) async fn receive(&mut self) -> io::Result<Cell> {
        let next = poll_fn(|cx| self.poll_cell(cx)).await?;
        next.ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    /// Writes what waits, then says goodbye. The other side's last cells are not waited for.
    pub(crate) async fn close(mut self) -> io::Result<()> {
        poll_fn(|cx| self.poll_write_all(cx)).await?;
        poll_fn(|cx| Pin::new(&mut self.stream).poll_close(cx)).await
    }
}

/// Cells behind the first one that room is made for at a time.
const SEVERAL: usize = 7;

#[cfg(test)]
mod tests;
