//! Hears frames on a stream, and when it has last heard anything at all.

use super::SILENCE;
use futures::io::{AsyncRead, AsyncReadExt};
use outis_wire::frame::PREFIX;
use tokio::time::Instant;

/// Reads frames of at most `limit` bytes. Its room is made once, and used for each.
pub(super) struct Ear<R> {
    reader: R,
    limit: usize,
    prefix: [u8; PREFIX],
    body: Vec<u8>,
    /// How much is there, prefix included.
    filled: usize,
    heard: Instant,
}

impl<R: AsyncRead + Unpin> Ear<R> {
    pub(super) fn new(reader: R, limit: usize) -> Self {
        Self {
            reader,
            limit,
            prefix: [0; PREFIX],
            body: Vec::new(),
            filled: 0,
            heard: Instant::now(),
        }
    }

    /// The next frame; `None` at the end, for an error, and for a frame over the limit. Safe to drop: what was read is kept.
    pub(super) async fn next(&mut self) -> Option<&[u8]> {
        while self.filled < PREFIX {
            let read = self.reader.read(self.prefix.get_mut(self.filled..)?).await.ok()?;
            self.take(read)?;
            if self.filled == PREFIX {
                let length = usize::try_from(u32::from_be_bytes(self.prefix)).ok()?;
                if length > self.limit {
                    return None;
                }
                self.body.resize(length, 0);
            }
        }
        while self.filled < PREFIX + self.body.len() {
            let read = self
                .reader
                .read(self.body.get_mut(self.filled - PREFIX..)?)
                .await
                .ok()?;
            self.take(read)?;
        }
        self.filled = 0;
        Some(&self.body)
    }

    /// When the silence has lasted too long.
    pub(super) fn deadline(&self) -> Instant {
        self.heard + SILENCE
    }

    fn take(&mut self, read: usize) -> Option<()> {
        self.filled += read;
        self.heard = Instant::now();
        (read > 0).then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::executor::block_on;
    use futures::io::Cursor;
    use futures::{FutureExt, StreamExt, TryStreamExt};

    #[test]
    fn frames_are_heard_one_by_one_up_to_the_limit() {
        let bytes = [0, 0, 0, 2, 7, 8, 0, 0, 0, 0, 0, 0, 0, 3, 1, 2, 3];
        let mut ear = Ear::new(Cursor::new(bytes), 2);
        assert_eq!(block_on(ear.next()), Some(&[7, 8][..]));
        assert_eq!(block_on(ear.next()), Some(&[][..]));
        assert_eq!(block_on(ear.next()), None, "three bytes are over the limit");
        let mut ear = Ear::new(Cursor::new(&bytes[..5]), 2);
        assert_eq!(block_on(ear.next()), None, "the end in the middle of a frame");
    }

    #[test]
    fn nothing_is_lost_when_hearing_is_interrupted_between_any_two_bytes() {
        let (sender, receiver) = futures::channel::mpsc::unbounded();
        let mut ear = Ear::new(receiver.map(Ok::<_, std::io::Error>).into_async_read(), 10);
        for byte in [0, 0, 0, 3, 5, 6] {
            sender.unbounded_send(vec![byte]).expect("is open");
            assert!(ear.next().now_or_never().is_none());
        }
        sender.unbounded_send(vec![7]).expect("is open");
        assert_eq!(ear.next().now_or_never(), Some(Some(&[5, 6, 7][..])));
    }
}
