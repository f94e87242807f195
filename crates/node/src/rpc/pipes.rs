//! Standard input and output, on threads of their own that keep nothing of what passes: it may be a password.

use std::{
    fs::File,
    io::{self, Read, Write},
    os::fd::AsFd,
    pin::Pin,
    task::{Context, Poll, ready},
    thread,
};
use tokio::{
    io::{AsyncRead, ReadBuf},
    sync::{mpsc, oneshot},
};
use zeroize::Zeroizing;

/// What comes in.
pub(crate) struct Input {
    chunks: mpsc::Receiver<io::Result<Zeroizing<Vec<u8>>>>,
    chunk: Zeroizing<Vec<u8>>,
    taken: usize,
}

impl Input {
    /// Reads from now on, not far ahead of what is asked for.
    pub(crate) fn open() -> io::Result<Self> {
        let mut input = File::from(io::stdin().as_fd().try_clone_to_owned()?);
        let (chunk, chunks) = mpsc::channel(1);
        let read = move || {
            loop {
                let mut bytes = Zeroizing::new(vec![0; CHUNK]);
                let read = match input.read(&mut bytes) {
                    Ok(length) => {
                        bytes.truncate(length);
                        Ok(bytes)
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    Err(error) => Err(error),
                };
                let is_last = read.as_ref().map_or(true, |bytes| bytes.is_empty());
                if chunk.blocking_send(read).is_err() || is_last {
                    return;
                }
            }
        };
        thread::Builder::new().name("input".to_owned()).spawn(read)?;
        Ok(Self {
            chunks,
            chunk: Zeroizing::default(),
            taken: 0,
        })
    }
}

impl AsyncRead for Input {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.taken >= self.chunk.len() {
            let next = ready!(self.chunks.poll_recv(context));
            self.chunk = next.transpose()?.unwrap_or_default();
            self.taken = 0;
        }
        let rest = self.chunk.get(self.taken..).unwrap_or_default();
        let part = rest.get(..into.remaining()).unwrap_or(rest);
        into.put_slice(part);
        let taken = part.len();
        self.taken += taken;
        Poll::Ready(Ok(()))
    }
}

/// What goes out.
pub(crate) struct Output {
    lines: mpsc::Sender<Vec<u8>>,
    end: oneshot::Receiver<io::Result<()>>,
}

impl Output {
    pub(crate) fn open() -> io::Result<Self> {
        let mut output = File::from(io::stdout().as_fd().try_clone_to_owned()?);
        let (lines, mut waiting) = mpsc::channel::<Vec<u8>>(LINES);
        let (ended, end) = oneshot::channel();
        let write = move || {
            let mut written = Ok(());
            while let (Ok(()), Some(line)) = (&written, waiting.blocking_recv()) {
                written = output.write_all(&line);
            }
            drop(waiting);
            // Fails only if nobody waits for it.
            let _ = ended.send(written);
        };
        thread::Builder::new().name("output".to_owned()).spawn(write)?;
        Ok(Self { lines, end })
    }

    /// Waits while the reader is far behind. Fails once nobody reads.
    pub(crate) async fn write(&mut self, line: Vec<u8>) -> io::Result<()> {
        self.lines
            .send(line)
            .await
            .map_err(|_| io::ErrorKind::BrokenPipe.into())
    }

    /// Waits until everything is out.
    pub(crate) async fn end(self) -> io::Result<()> {
        drop(self.lines);
        self.end.await.unwrap_or_else(|_| Err(io::ErrorKind::BrokenPipe.into()))
    }
}

/// Read at once.
const CHUNK: usize = 64 * 1024;

/// Lines that wait for a slow reader.
const LINES: usize = 64;
