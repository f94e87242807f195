//! What serves or reads whole streams: the input is everything that the other side ever says.

use futures::{
    AsyncRead, AsyncWrite, FutureExt,
    executor::block_on,
    io::{Cursor, IoSliceMut},
};
use outis_mailbox::{Limits, MemoryShelf, Nonce, OwnedQueue, QueueId, Server, client, directory, rendezvous};
use outis_wire::{NetworkName, NodeId, UnixMillis, decode, frame};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

/// Frames of at most 64 KiB; whether the stream ends between two of them.
pub(super) fn frames(bytes: &[u8]) -> bool {
    let mut stream = Cursor::new(bytes);
    let mut written = Vec::new();
    loop {
        match block_on(frame::read(&mut stream, 1 << 16)) {
            Ok(Some(body)) => block_on(frame::write(&mut written, &body)).expect("memory"),
            Ok(None) => {
                assert_eq!(bytes, written);
                return true;
            }
            Err(_) => return false,
        }
    }
}

/// Everything that a client says to a mailbox that holds nothing. Whether the mailbox bore it to the end.
pub(super) fn mailbox_server(bytes: &[u8]) -> bool {
    let network: NetworkName = "test-1".parse().expect("a name");
    let limits = Limits::new(&network, 1 << 24);
    let server = Server::open(MemoryShelf::default(), limits, network, NODE).expect("memory");
    let served = block_on(server.serve(
        Heard::new(bytes),
        || NOW,
        Nonce::random(&mut ChaCha20Rng::from_seed([3; 32])),
    ));
    let usage = server.usage();
    assert!(usage.reserved <= usage.limit, "more is promised than there is");
    served.is_ok()
}

/// Everything that a mailbox says to a client that asks one thing and subscribes to a queue. Whether both were answered.
pub(super) fn mailbox_client(bytes: &[u8]) -> bool {
    let network: NetworkName = "test-1".parse().expect("a name");
    let queue: OwnedQueue = decode(&crate::golden::bytes("mailbox-owned-queue"), 256).expect("the golden queue");
    let (mut mailbox, driver) = client::connect(Heard::new(bytes), network, NODE);
    let mut other = mailbox.clone();
    let asked = async move {
        let (quote, subscribed) = futures::join!(mailbox.quote_put(QueueId([1; 32])), other.subscribe(&queue));
        quote.is_ok() && subscribed.is_ok()
    };
    let (answered, _) = block_on(futures::future::join(asked, driver.map(drop)));
    answered
}

/// Everything that a client says to the directory.
pub(super) fn directory_server(bytes: &[u8]) -> bool {
    let answer = |_: directory::Request| async { directory::Reply::Refused(directory::Refusal::Unavailable) };
    block_on(directory::serve(Heard::new(bytes), answer)).is_ok()
}

/// What a stream shows at a rendezvous.
pub(super) fn rendezvous(bytes: &[u8]) -> bool {
    let mut stream = Cursor::new(bytes);
    block_on(rendezvous::read_cookie(&mut stream)).is_ok() && stream.position() == bytes.len() as u64
}

/// A stream whose other end says these bytes, hears everything, and is gone.
struct Heard<'a>(Cursor<&'a [u8]>);

impl<'a> Heard<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self(Cursor::new(bytes))
    }
}

impl AsyncRead for Heard<'_> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }

    fn poll_read_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_read_vectored(cx, buffers)
    }
}

impl AsyncWrite for Heard<'_> {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

const NODE: NodeId = NodeId([9; 32]);

const NOW: UnixMillis = UnixMillis(20_780 * 86_400_000);
