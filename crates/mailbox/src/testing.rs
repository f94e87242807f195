//! What the tests of this crate share: a pipe of bytes, a clock, an executor with everything on one thread.

use crate::{
    Efforts, Kind, Limits, Mailbox, MemoryShelf, Nonce, OwnedQueue, Server, Shelf,
    client::{connect, creation_challenge},
    server::ServeError,
};
use futures::{
    AsyncRead, AsyncWrite, FutureExt,
    executor::{LocalPool, LocalSpawner},
    future::RemoteHandle,
    task::{LocalSpawnExt, SpawnExt},
};
use outis_wire::{NetworkName, NodeId, UnixMillis};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use std::{
    cell::RefCell,
    collections::VecDeque,
    future::Future,
    io,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, Waker},
};

pub(crate) const NODE: NodeId = NodeId([9; 32]);
pub(crate) const NOW: UnixMillis = UnixMillis(1_795_392_000_000);
pub(crate) const DAY: u64 = 24 * 60 * 60 * 1000;

pub(crate) fn network() -> NetworkName {
    "test-1".parse().expect("a name")
}

pub(crate) fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

pub(crate) fn limits() -> Limits {
    Limits {
        efforts: Efforts {
            request: 1,
            descriptor: 1,
            queue: 1,
        },
        ..Limits::new(&network(), 64 * 1024 * 1024)
    }
}

/// A mailbox on a shelf, with a clock that tests turn.
pub(crate) struct House<S> {
    pub(crate) server: Server<S>,
    clock: Arc<AtomicU64>,
    pool: RefCell<LocalPool>,
    spawner: LocalSpawner,
    connections: AtomicU64,
}

impl House<Arc<MemoryShelf>> {
    pub(crate) fn new() -> Self {
        Self::on(Arc::default(), limits())
    }
}

impl<S: Shelf> House<S> {
    pub(crate) fn on(shelf: S, limits: Limits) -> Self {
        let pool = LocalPool::new();
        Self {
            server: Server::open(shelf, limits, network(), NODE).expect("memory"),
            clock: Arc::new(AtomicU64::new(NOW.0)),
            spawner: pool.spawner(),
            pool: RefCell::new(pool),
            connections: AtomicU64::new(0),
        }
    }

    pub(crate) fn now(&self) -> UnixMillis {
        UnixMillis(self.clock.load(Ordering::Relaxed))
    }

    pub(crate) fn pass(&self, millis: u64) {
        self.clock.fetch_add(millis, Ordering::Relaxed);
    }

    /// Runs a story to its end.
    pub(crate) fn run<T>(&self, story: impl Future<Output = T>) -> T {
        self.pool.borrow_mut().run_until(story)
    }

    /// A raw stream to the mailbox, and what serving it came to.
    pub(crate) fn stream(&self) -> (Pipe, RemoteHandle<Result<(), ServeError>>) {
        let (near, far) = pipe(16 * 1024);
        let clock = Arc::clone(&self.clock);
        let nonce = Nonce::random(&mut rng(self.connections.fetch_add(1, Ordering::Relaxed)));
        let served = self
            .server
            .serve(far, move || UnixMillis(clock.load(Ordering::Relaxed)), nonce);
        (near, self.spawner.spawn_with_handle(served).expect("the pool lives"))
    }

    /// A client's connection, driven.
    pub(crate) fn connect(&self) -> Mailbox {
        let (stream, served) = self.stream();
        served.forget();
        let (mailbox, driver) = connect(stream, network(), NODE);
        self.spawner.spawn_local(driver.map(drop)).expect("the pool lives");
        mailbox
    }

    /// Creates a queue the way a client does.
    pub(crate) async fn create(&self, mailbox: &mut Mailbox, queue: &OwnedQueue, kind: Kind) {
        let quote = mailbox.quote_queue(kind).await.expect("a quote");
        let proof = creation_challenge(&network(), queue, kind).solve(quote.hour, quote.effort, &mut rng(1));
        mailbox.create(queue, kind, proof).await.expect("created");
    }
}

/// Two ends of a pipe that holds `capacity` bytes each way.
pub(crate) fn pipe(capacity: usize) -> (Pipe, Pipe) {
    let there = Arc::new(Mutex::new(Way {
        capacity,
        ..Way::default()
    }));
    let back = Arc::new(Mutex::new(Way {
        capacity,
        ..Way::default()
    }));
    (
        Pipe {
            read: Arc::clone(&back),
            write: Arc::clone(&there),
        },
        Pipe {
            read: there,
            write: back,
        },
    )
}

pub(crate) struct Pipe {
    read: Arc<Mutex<Way>>,
    write: Arc<Mutex<Way>>,
}

#[derive(Default)]
struct Way {
    bytes: VecDeque<u8>,
    capacity: usize,
    closed: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl AsyncRead for Pipe {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut way = self.read.lock().expect("not poisoned");
        if way.bytes.is_empty() && !way.closed {
            way.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let read = buffer.len().min(way.bytes.len());
        buffer
            .iter_mut()
            .zip(way.bytes.drain(..read))
            .for_each(|(to, from)| *to = from);
        way.writer.take().into_iter().for_each(Waker::wake);
        Poll::Ready(Ok(read))
    }
}

impl AsyncWrite for Pipe {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut way = self.write.lock().expect("not poisoned");
        if way.closed {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let room = way.capacity - way.bytes.len();
        if room == 0 {
            way.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let wrote = room.min(bytes.len());
        way.bytes.extend(bytes.iter().take(wrote));
        way.reader.take().into_iter().for_each(Waker::wake);
        Poll::Ready(Ok(wrote))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        close(&self.write);
        Poll::Ready(Ok(()))
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        close(&self.read);
        close(&self.write);
    }
}

fn close(way: &Mutex<Way>) {
    let mut way = way.lock().expect("not poisoned");
    way.closed = true;
    way.reader.take().into_iter().for_each(Waker::wake);
    way.writer.take().into_iter().for_each(Waker::wake);
}

/// Compares `computed` with a file of golden vectors: a name and hex a line, `#` for comments.
pub(crate) fn check_vectors(file: &str, computed: &[(&str, Vec<u8>)]) {
    let written: String = computed
        .iter()
        .map(|(name, bytes)| format!("{name} {}\n", hex::encode(bytes)))
        .collect();
    let golden: String = file
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| format!("{line}\n"))
        .collect();
    assert!(golden == written, "a format has changed:\n{written}");
}

/// The bytes of a golden vector.
pub(crate) fn vector(file: &str, name: &str) -> Vec<u8> {
    let hex = file
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))
        .expect("a vector of this name");
    hex::decode(hex).expect("hex")
}
