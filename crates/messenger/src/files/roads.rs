//! Moves chunks over one road.

mod ear;
mod receiving;
mod sending;

use super::Road;
use super::incoming::Incoming;
use super::live::{Live, OpenRoad};
use super::signal::Fault;
use super::source::Source;
use super::throttle::Throttle;
use crate::event::{Event, Events};
use crate::execute::Ways;
use crate::message::TransferId;
use crate::store::Store;
use crate::transport::Transport;
use futures::io::{AsyncWrite, AsyncWriteExt};
use outis_mailbox::rendezvous;
use outis_transfer::{Offer, Outline};
use outis_wire::{Destination, Isolation, Purpose, Service, frame};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::timeout;

/// A road to go.
pub(crate) struct RoadJob {
    pub(crate) id: TransferId,
    pub(crate) number: u32,
    pub(crate) road: Road,
    pub(crate) isolation: Isolation,
    pub(crate) offer: Arc<Offer>,
    pub(crate) live: Arc<Live>,
    pub(crate) throttle: Arc<Throttle>,
    pub(crate) side: End,
    pub(crate) events: Arc<Events>,
}

/// Which end we are, and what it needs.
pub(crate) enum End {
    Sending {
        outline: Arc<Outline>,
        source: Source,
        store: Store,
    },
    Receiving(Arc<Incoming>),
}

/// How a road ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RoadEnd {
    /// The receiver has everything.
    Complete,
    /// The other side does not want it any more.
    Cancelled,
    /// Our file cannot be sent.
    Unavailable(Fault),
    /// Our disk has no room for it.
    DiskFull,
    /// The stream broke, or never came to be, or we stopped.
    Broken,
}

impl RoadJob {
    /// Opens our end, waits for the other side, and moves chunks until one of us ends it. Safe to drop: what was written is
    /// found again, everything else comes again.
    pub(crate) async fn go<T: Transport>(self, ways: Ways<T>) -> RoadEnd {
        let live = Arc::clone(&self.live);
        tokio::select! {
            biased;
            () = live.stopped() => RoadEnd::Broken,
            end = self.walk(ways) => end,
        }
    }

    async fn walk<T: Transport>(&self, ways: Ways<T>) -> RoadEnd {
        let to = Destination {
            node: self.road.node,
            service: Service::Rendezvous,
        };
        let meeting = async {
            let mut stream = ways.transport.open(to, Purpose::File, self.isolation).await.ok()?;
            rendezvous::join(&mut stream, &self.road.cookie).await.ok()?;
            Some(stream)
        };
        let patience = match self.side {
            End::Receiving(_) => MEETING,
            End::Sending { .. } => COMING,
        };
        let Ok(Some(stream)) = timeout(patience, meeting).await else {
            return RoadEnd::Broken;
        };
        let open = Opened {
            number: self.number,
            live: &self.live,
            road: self.live.opened(self.number),
        };
        self.tell();
        tokio::select! {
            biased;
            () = open.road.given_up() => RoadEnd::Broken,
            end = async {
                match &self.side {
                    End::Sending { outline, source, store } => {
                        self.send(stream, (outline, source, store), &open.road, ways).await
                    }
                    End::Receiving(incoming) => self.receive(stream, incoming, &open.road, ways).await,
                }
            } => end,
        }
    }

    fn tell(&self) {
        self.events.push(Event::TransferUpdated(self.id));
    }
}

/// Counts a road as long as it is open.
struct Opened<'a> {
    number: u32,
    live: &'a Live,
    road: Arc<OpenRoad>,
}

impl Drop for Opened<'_> {
    fn drop(&mut self) {
        self.live.closed(self.number);
    }
}

/// Writes a frame; `None` if that fails or the stream takes nothing for long.
async fn write(stream: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> Option<()> {
    let writing = async {
        frame::write(stream, bytes).await.ok()?;
        stream.flush().await.ok()
    };
    timeout(STALL, writing).await.ok().flatten()
}

/// The same where another frame follows at once, so that its beginning fills the cell in which this one ends.
async fn write_on(stream: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> Option<()> {
    let writing = frame::write(stream, bytes);
    timeout(STALL, writing).await.ok()?.ok()
}

/// Does what waits for the disk. Where other work shares the thread's runtime, that moves to another thread meanwhile.
pub(crate) fn on_the_disk<R>(work: impl FnOnce() -> R) -> R {
    use tokio::runtime::{Handle, RuntimeFlavor};
    match Handle::try_current().map(|handle| handle.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        _ => work(),
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The receiver waits so long for the sender, who may hear of it late; as long as relays let streams wait.
pub(super) const MEETING: Duration = Duration::from_secs(60);

/// The sender comes where the receiver is already.
const COMING: Duration = Duration::from_secs(25);

/// Who has nothing to say for so long says that it is alive …
const ALIVE: Duration = Duration::from_secs(4);

/// … and a road on which nothing at all is heard for so long is given up.
const SILENCE: Duration = Duration::from_secs(12);

/// A frame is on its way for so long at most: one of 64 KiB at 1 KB/s.
const STALL: Duration = Duration::from_secs(60);
