//! Moves chunks over one road. The receiving end stores what comes and says so only when it rests on the disk.

use super::Road;
use crate::event::{Event, Events};
use crate::execute::Ways;
use crate::message::TransferId;
use crate::store::{Changes, Store, table};
use crate::transport::Transport;
use futures::channel::mpsc;
use futures::future::{Either, select};
use futures::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use futures::{SinkExt, StreamExt};
use outis_mailbox::rendezvous;
use outis_transfer::{Asked, MAX_FRAME, Offer, Outline, Received, Receiver, ReceivingRoad, SendingRoad};
use outis_vault::FileId;
use outis_wire::{Destination, Isolation, Purpose, Service, frame};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

/// A road to go.
pub(crate) struct RoadJob {
    pub(crate) id: TransferId,
    pub(crate) road: Road,
    pub(crate) isolation: Isolation,
    pub(crate) offer: Arc<Offer>,
    pub(crate) live: Arc<Live>,
    pub(crate) side: End,
    pub(crate) events: Arc<Events>,
}

/// Which end we are, and what it needs.
pub(crate) enum End {
    Sending {
        outline: Arc<Outline>,
        path: String,
    },
    Receiving {
        receiver: Arc<Mutex<Receiver>>,
        store: Store,
    },
}

/// How a road ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RoadEnd {
    /// The receiver has everything.
    Complete,
    /// The other side does not want it any more.
    Cancelled,
    /// Our file cannot be read, or is another one now.
    Unreadable,
    /// The stream broke, or never came to be, or we stopped.
    Broken,
}

/// What moves while roads are open; shared by them and the state.
pub(crate) struct Live {
    done: AtomicU64,
    roads: AtomicU32,
    stopped: AtomicBool,
    stop: Notify,
    moved: AtomicBool,
    pace: Mutex<Pace>,
    expected: Mutex<Vec<Road>>,
}

struct Pace {
    since: Option<Instant>,
    bytes: u64,
    told: Option<Instant>,
}

impl Live {
    pub(crate) fn new(done: u64) -> Self {
        Self {
            done: AtomicU64::new(done),
            roads: AtomicU32::new(0),
            stopped: AtomicBool::new(false),
            stop: Notify::new(),
            moved: AtomicBool::new(false),
            pace: Mutex::new(Pace {
                since: None,
                bytes: 0,
                told: None,
            }),
            expected: Mutex::default(),
        }
    }

    pub(crate) fn done(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }

    /// Roads on which the other side has come.
    pub(crate) fn roads(&self) -> u32 {
        self.roads.load(Ordering::Relaxed)
    }

    /// Bytes a second since the roads were opened.
    pub(crate) fn rate(&self) -> u64 {
        let pace = lock(&self.pace);
        let millis = pace.since.map_or(0, |since| {
            u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
        });
        pace.bytes.saturating_mul(1_000).checked_div(millis).unwrap_or(0)
    }

    /// Ends all roads.
    pub(crate) fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
        self.stop.notify_waiters();
    }

    /// New roads may be opened again.
    pub(crate) fn go_on(&self) {
        self.stopped.store(false, Ordering::Relaxed);
    }

    /// Whether anything came over since this was asked last.
    pub(crate) fn moved(&self) -> bool {
        self.moved.swap(false, Ordering::Relaxed)
    }

    /// The receiver waits there.
    pub(crate) fn expect(&self, roads: Vec<Road>) {
        *lock(&self.expected) = roads;
    }

    /// Where the receiver waits, once.
    pub(crate) fn expected(&self) -> Vec<Road> {
        std::mem::take(&mut *lock(&self.expected))
    }

    async fn stopped(&self) {
        let notified = self.stop.notified();
        if !self.stopped.load(Ordering::Relaxed) {
            notified.await;
        }
    }

    /// Counts bytes; tells of progress at most ten times a second.
    fn count(&self, bytes: u64, done: u64, tell: impl FnOnce()) {
        self.done.store(done, Ordering::Relaxed);
        self.moved.store(true, Ordering::Relaxed);
        let now = Instant::now();
        let mut pace = lock(&self.pace);
        pace.bytes = pace.bytes.saturating_add(bytes);
        if pace.told.is_none_or(|told| now.duration_since(told) >= PROGRESS) {
            pace.told = Some(now);
            drop(pace);
            tell();
        }
    }

    fn opened(&self) {
        if self.roads.fetch_add(1, Ordering::Relaxed) == 0 {
            let mut pace = lock(&self.pace);
            pace.since = Some(Instant::now());
            pace.bytes = 0;
        }
    }

    fn closed(&self) {
        self.roads.fetch_sub(1, Ordering::Relaxed);
    }
}

impl RoadJob {
    /// Opens our end, waits for the other side, and moves chunks until one of us ends it. Safe to drop: what rests on the
    /// disk is known, everything else comes again.
    pub(crate) async fn go<T: Transport>(self, ways: Ways<T>) -> RoadEnd {
        let live = Arc::clone(&self.live);
        let work = pin!(self.walk(ways));
        let stop = pin!(live.stopped());
        match select(work, stop).await {
            Either::Left((end, _)) => end,
            Either::Right(((), _)) => RoadEnd::Broken,
        }
    }

    async fn walk<T: Transport>(self, ways: Ways<T>) -> RoadEnd {
        let to = Destination {
            node: self.road.node,
            service: Service::Rendezvous,
        };
        let meeting = async {
            let mut stream = ways.transport.open(to, Purpose::File, self.isolation).await.ok()?;
            rendezvous::join(&mut stream, &self.road.cookie).await.ok()?;
            Some(stream)
        };
        let Ok(Some(stream)) = timeout(MEETING, meeting).await else {
            return RoadEnd::Broken;
        };
        self.live.opened();
        let open = Opened(Arc::clone(&self.live));
        self.tell();
        let end = match &self.side {
            End::Sending { outline, path } => self.send(stream, outline, path, ways).await,
            End::Receiving { receiver, store } => self.receive(stream, receiver, store, ways).await,
        };
        drop(open);
        end
    }

    async fn send<T: Transport>(&self, stream: T::Stream, outline: &Outline, path: &str, mut ways: Ways<T>) -> RoadEnd {
        let Ok(mut file) = File::open(path) else {
            return RoadEnd::Unreadable;
        };
        let (mut reader, mut writer) = stream.split();
        let (mut heard, mut hearing) = mpsc::channel::<Vec<u8>>(1);
        // Requests are read while chunks are written, or the road would stand still once a window.
        let listen = async {
            while let Some(frame) = read(&mut reader).await {
                if heard.send(frame).await.is_err() {
                    return;
                }
            }
            // The end is told by dropping the channel.
            drop(heard);
            futures::future::pending::<()>().await;
        };
        let speak = async {
            let (mut road, greeting) = SendingRoad::open(&self.offer, &mut ways.rng);
            write(&mut writer, &greeting).await?;
            let size = outline.geometry().size();
            let mut buffer = Vec::new();
            loop {
                if let Ok(frame) = hearing.try_recv() {
                    match road.receive(&frame) {
                        Ok(Asked::Done) => return Some(RoadEnd::Complete),
                        Ok(Asked::Cancelled) => return Some(RoadEnd::Cancelled),
                        Ok(Asked::Greeting | Asked::Chunks) => {}
                        Err(_) => return None,
                    }
                }
                let Some(chunk) = road.next_asked() else {
                    let frame = timeout(SILENCE, hearing.next()).await.ok().flatten()?;
                    match road.receive(&frame) {
                        Ok(Asked::Done) => return Some(RoadEnd::Complete),
                        Ok(Asked::Cancelled) => return Some(RoadEnd::Cancelled),
                        Ok(Asked::Greeting | Asked::Chunks) => continue,
                        Err(_) => return None,
                    }
                };
                let length = outline.geometry().length(chunk).unwrap_or_default();
                buffer.resize(length, 0);
                let read = file
                    .seek(SeekFrom::Start(outline.geometry().offset(chunk)))
                    .and_then(|_| file.read_exact(&mut buffer));
                let carried = read
                    .ok()
                    .and_then(|()| road.chunk(outline, chunk, &buffer, &mut ways.rng).ok());
                let Some(carried) = carried else {
                    if let Some(frame) = road.unavailable(&mut ways.rng) {
                        write(&mut writer, &frame).await?;
                    }
                    return Some(RoadEnd::Unreadable);
                };
                timeout(SILENCE, write(&mut writer, &carried)).await.ok().flatten()?;
                let sent = self.live.done().saturating_add(length as u64).min(size);
                self.live.count(length as u64, sent, || self.tell());
            }
        };
        match select(pin!(speak), pin!(listen)).await {
            Either::Left((end, _)) => end.unwrap_or(RoadEnd::Broken),
            Either::Right(((), _)) => RoadEnd::Broken,
        }
    }

    async fn receive<T: Transport>(
        &self,
        mut stream: T::Stream,
        receiver: &Mutex<Receiver>,
        store: &Store,
        mut ways: Ways<T>,
    ) -> RoadEnd {
        let (mut road, greeting) = ReceivingRoad::open(&mut lock(receiver), &self.offer, &mut ways.rng);
        let _closing = Closing {
            receiver,
            road: road.id(),
        };
        if write(&mut stream, &greeting).await.is_none() {
            return RoadEnd::Broken;
        }
        let mut arrived = Arrived {
            job: self,
            receiver,
            store,
            chunks: Vec::new(),
            bytes: 0,
        };
        loop {
            let want = road.wants(&mut lock(receiver), &mut ways.rng);
            if let Some(want) = want
                && write(&mut stream, &want).await.is_none()
            {
                return RoadEnd::Broken;
            }
            let Ok(Some(frame)) = timeout(SILENCE, read(&mut stream)).await else {
                return if arrived.rest().is_some() {
                    self.end(receiver)
                } else {
                    RoadEnd::Broken
                };
            };
            let received = road.receive(&mut lock(receiver), &frame);
            match received {
                Ok(Received::Greeting) => {}
                Ok(Received::Chunk(chunk)) => {
                    if arrived.take(chunk.index(), chunk.dangerously_expose()).is_none() {
                        return RoadEnd::Broken;
                    }
                }
                Ok(Received::Cancelled) => return RoadEnd::Cancelled,
                Ok(Received::Unavailable) | Err(_) => return RoadEnd::Broken,
            }
            if lock(receiver).is_complete() {
                if let Some(done) = road.done(&mut ways.rng) {
                    // The session tells it as well.
                    let _ = timeout(FAREWELL, async {
                        write(&mut stream, &done).await;
                        let _ = stream.close().await;
                    })
                    .await;
                }
                return RoadEnd::Complete;
            }
        }
    }

    fn end(&self, receiver: &Mutex<Receiver>) -> RoadEnd {
        if lock(receiver).is_complete() {
            RoadEnd::Complete
        } else {
            RoadEnd::Broken
        }
    }

    fn tell(&self) {
        self.events.push(Event::TransferUpdated(self.id));
    }
}

/// Chunks that were written and do not rest on the disk yet.
struct Arrived<'a> {
    job: &'a RoadJob,
    receiver: &'a Mutex<Receiver>,
    store: &'a Store,
    chunks: Vec<u32>,
    bytes: u64,
}

impl Arrived<'_> {
    /// Writes a chunk. `None` if that failed: it is asked for again.
    fn take(&mut self, chunk: u32, bytes: &[u8]) -> Option<()> {
        let file = FileId(self.job.id.0);
        if self
            .store
            .vault()
            .files()
            .write_chunk(file, u64::from(chunk), bytes)
            .is_err()
        {
            lock(self.receiver).lost(chunk);
            return None;
        }
        self.chunks.push(chunk);
        self.bytes += bytes.len() as u64;
        let geometry = self.job.offer.geometry();
        let expected = u64::from(lock(self.receiver).have().len()) + self.chunks.len() as u64;
        if self.bytes >= AT_ONCE || expected >= u64::from(geometry.chunks()) {
            self.rest()
        } else {
            Some(())
        }
    }

    /// Brings everything that was written to rest, and says so.
    fn rest(&mut self) -> Option<()> {
        if self.chunks.is_empty() {
            return Some(());
        }
        let id = self.job.id;
        let chunks = std::mem::take(&mut self.chunks);
        if self.store.vault().files().sync(FileId(id.0)).is_err() {
            let mut receiver = lock(self.receiver);
            chunks.into_iter().for_each(|chunk| receiver.lost(chunk));
            return None;
        }
        let (record, done) = {
            let mut receiver = lock(self.receiver);
            chunks.into_iter().for_each(|chunk| receiver.stored(chunk));
            (receiver.to_record(), receiver.progress().stored)
        };
        let mut changes = Changes::new();
        changes.put_bytes(table::TRANSFERS, &id.0, 1, record);
        self.store.commit(changes).ok()?;
        let bytes = std::mem::take(&mut self.bytes);
        self.job.live.count(bytes, done, || self.job.tell());
        Some(())
    }
}

impl Drop for Arrived<'_> {
    /// What does not rest on the disk is asked for again on another road.
    fn drop(&mut self) {
        let mut receiver = lock(self.receiver);
        self.chunks.drain(..).for_each(|chunk| receiver.lost(chunk));
    }
}

/// What was asked for on a road that is gone is asked for on others.
struct Closing<'a> {
    receiver: &'a Mutex<Receiver>,
    road: outis_transfer::RoadId,
}

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        lock(self.receiver).closed(self.road);
    }
}

struct Opened(Arc<Live>);

impl Drop for Opened {
    fn drop(&mut self) {
        self.0.closed();
    }
}

async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Option<Vec<u8>> {
    frame::read(stream, MAX_FRAME).await.ok().flatten()
}

async fn write(stream: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> Option<()> {
    frame::write(stream, bytes).await.ok()?;
    stream.flush().await.ok()
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Until the other side has come to the relay.
const MEETING: Duration = Duration::from_secs(60);

/// A road on which nothing moves is given up.
const SILENCE: Duration = Duration::from_secs(60);

const FAREWELL: Duration = Duration::from_secs(5);

/// Bytes that are brought to rest together.
const AT_ONCE: u64 = 2 * 1024 * 1024;

const PROGRESS: Duration = Duration::from_millis(100);
