//! Frames in both directions, as state that survives being polled again: nothing here is lost when a future is dropped.

use futures::{
    AsyncRead, AsyncWrite,
    task::{Context, Poll},
};
use std::{io, pin::Pin, task::ready};

/// Cuts a stream into frames.
#[derive(Default)]
pub(crate) struct FrameReader {
    buffer: Vec<u8>,
}

impl FrameReader {
    /// The next frame of at most `limit` bytes; `None` when the stream has ended between two. Memory grows with what
    /// arrives, never with what is announced.
    pub(crate) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut (impl AsyncRead + Unpin),
        limit: usize,
    ) -> Poll<io::Result<Option<Vec<u8>>>> {
        loop {
            if let Some(frame) = self.cut(limit)? {
                return Poll::Ready(Ok(Some(frame)));
            }
            let mut chunk = [0; CHUNK];
            let read = ready!(Pin::new(&mut *stream).poll_read(cx, &mut chunk))?;
            if read == 0 && self.buffer.is_empty() {
                return Poll::Ready(Ok(None));
            }
            if read == 0 {
                return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
            }
            self.buffer.extend_from_slice(chunk.get(..read).unwrap_or_default());
        }
    }

    fn cut(&mut self, limit: usize) -> io::Result<Option<Vec<u8>>> {
        let Some((prefix, rest)) = self.buffer.split_first_chunk::<PREFIX>() else {
            return Ok(None);
        };
        let length = usize::try_from(u32::from_be_bytes(*prefix)).unwrap_or(usize::MAX);
        if length > limit {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "frame over its limit"));
        }
        if rest.len() < length {
            return Ok(None);
        }
        let frame = self.buffer.drain(..PREFIX + length).skip(PREFIX).collect();
        if self.buffer.is_empty() && self.buffer.capacity() > KEPT {
            self.buffer = Vec::new();
        }
        Ok(Some(frame))
    }
}

/// Frames on their way out.
#[derive(Default)]
pub(crate) struct FrameWriter {
    buffer: Vec<u8>,
    written: usize,
    unflushed: bool,
}

impl FrameWriter {
    /// Queues one frame.
    pub(crate) fn push(&mut self, frame: &[u8]) {
        let length = u32::try_from(frame.len()).expect("frames are bounded far below 4 GiB");
        self.buffer.extend_from_slice(&length.to_be_bytes());
        self.buffer.extend_from_slice(frame);
        self.unflushed = true;
    }

    /// Bytes waiting.
    pub(crate) fn waiting(&self) -> usize {
        self.buffer.len() - self.written
    }

    /// Writes and flushes as much as the stream takes; ready when all is out.
    pub(crate) fn poll_drain(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut (impl AsyncWrite + Unpin),
    ) -> Poll<io::Result<()>> {
        while let Some(rest) = self.buffer.get(self.written..).filter(|rest| !rest.is_empty()) {
            let wrote = ready!(Pin::new(&mut *stream).poll_write(cx, rest))?;
            if wrote == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.written += wrote;
        }
        self.buffer.clear();
        self.written = 0;
        if self.buffer.capacity() > KEPT {
            self.buffer = Vec::new();
        }
        if self.unflushed {
            ready!(Pin::new(&mut *stream).poll_flush(cx))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }
}

const PREFIX: usize = 4;
const CHUNK: usize = 8 * 1024;
/// What an idle stream may hold on to.
const KEPT: usize = 16 * 1024;

#[cfg(test)]
mod tests;
