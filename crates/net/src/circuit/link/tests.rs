use super::*;
use futures::FutureExt;

/// A stream that counts what it is asked to write, takes at most so many bytes at once, and gives them all back.
#[derive(Debug, Default)]
struct Loop {
    takes: usize,
    /// And then nothing more for now.
    once: bool,
    writes: usize,
    flushes: usize,
    bytes: VecDeque<u8>,
}

impl AsyncRead for Loop {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        let some = buf.len().min(self.bytes.len()).min(1_000);
        for (to, from) in buf.iter_mut().zip(self.bytes.drain(..some)) {
            *to = from;
        }
        Poll::Ready(Ok(some))
    }
}

impl AsyncWrite for Loop {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if self.takes == 0 {
            return Poll::Pending;
        }
        let some = buf.len().min(self.takes);
        self.writes += 1;
        self.bytes.extend(buf.iter().take(some));
        if std::mem::take(&mut self.once) {
            self.takes = 0;
        }
        Poll::Ready(Ok(some))
    }

    fn poll_flush(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.flushes += 1;
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

fn cell(number: u8) -> Cell {
    Cell::from_bytes(Box::new([number; Cell::BYTES]))
}

fn send(link: &mut Link<Loop>) -> bool {
    poll_fn(|cx| link.poll_send(cx)).now_or_never().is_some()
}

#[test]
fn cells_that_wait_together_are_written_together_and_come_one_by_one() {
    let mut link = Link::new(Loop {
        takes: usize::MAX,
        ..Loop::default()
    });
    for number in 0..14 {
        link.push(cell(number));
    }
    assert_eq!(link.waiting(), 14);
    assert!(send(&mut link));
    assert_eq!((link.stream.writes, link.stream.flushes), (1, 1), "one write for all");
    assert_eq!(link.waiting(), 0);
    for number in 0..14 {
        let came = link.receive().now_or_never().expect("it is there").expect("whole");
        assert_eq!(came, cell(number));
    }
}

#[test]
fn a_cell_waits_until_its_last_byte_is_written() {
    let mut link = Link::new(Loop::default());
    for number in 0..3 {
        link.push(cell(number));
    }
    assert!(!send(&mut link), "nothing is taken");
    assert_eq!(link.waiting(), 3);
    link.stream.takes = Cell::BYTES + 1;
    link.stream.once = true;
    assert!(!send(&mut link), "one write is taken");
    assert_eq!(link.stream.bytes.len(), Cell::BYTES + 1);
    assert_eq!(link.waiting(), 2, "the second has begun");
    link.stream.takes = usize::MAX;
    assert!(send(&mut link));
    assert_eq!(link.waiting(), 0);
    assert_eq!(link.oldest(), None);
    assert_eq!(link.stream.bytes.len(), 3 * Cell::BYTES);
}

#[test]
fn an_idle_circuit_keeps_no_room_for_cells() {
    let mut link = Link::new(Loop {
        takes: usize::MAX,
        ..Loop::default()
    });
    for number in 0..200 {
        link.push(cell(number));
    }
    assert!(link.leaving.capacity() > SEVERAL);
    assert!(send(&mut link));
    assert!(link.leaving.capacity() <= Cell::BYTES);
}
