//! Puts pieces into a queue, and takes them out.

use crate::event::{Event, Events};
use crate::execute::{Ways, driven, within};
use crate::files::incoming::{Incoming, Unkept};
use crate::files::live::Live;
use crate::files::roads::on_the_disk;
use crate::files::signal::Fault;
use crate::files::source::Source;
use crate::files::throttle::Throttle;
use crate::message::TransferId;
use crate::store::Store;
use crate::transport::Transport;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use outis_mailbox::client::{Push, RequestError};
use outis_mailbox::queue::OwnedQueue;
use outis_mailbox::{Envelope, Kind, Mailbox, Postage, Refusal};
use outis_transfer::{Offer, Outline, open_piece, seal_piece};
use outis_wire::Isolation;
use std::sync::Arc;
use std::time::Duration;

/// Pieces to put.
pub(crate) struct StoreJob {
    pub(crate) id: TransferId,
    pub(crate) queue: OwnedQueue,
    pub(crate) isolation: Isolation,
    /// The first piece that is not there.
    pub(crate) from: u32,
    pub(crate) offer: Arc<Offer>,
    pub(crate) outline: Arc<Outline>,
    pub(crate) source: Source,
    pub(crate) store: Store,
    pub(crate) live: Arc<Live>,
    pub(crate) throttle: Arc<Throttle>,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stored {
    /// So many of the first pieces are there.
    Put(u32),
    /// The mailbox cannot be reached, or has no room.
    Failed,
    /// The mailbox has lost what was there.
    Lost,
    /// Our file cannot be sent.
    Unavailable(Fault),
}

/// Pieces to take.
pub(crate) struct FetchJob {
    pub(crate) id: TransferId,
    pub(crate) queue: OwnedQueue,
    pub(crate) isolation: Isolation,
    pub(crate) offer: Arc<Offer>,
    pub(crate) incoming: Arc<Incoming>,
    pub(crate) live: Arc<Live>,
    pub(crate) throttle: Arc<Throttle>,
    pub(crate) events: Arc<Events>,
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fetched {
    /// The file is whole.
    Complete,
    /// All that was there was taken, and it is not whole.
    Empty,
    /// The mailbox cannot be reached.
    Failed,
    /// Our disk has no room for it.
    DiskFull,
    /// It was paused or cancelled.
    Stopped,
}

impl StoreJob {
    /// Puts the next few. Safe to drop: pieces that are put twice do no harm.
    pub(crate) async fn go<T: Transport>(self, ways: Ways<T>) -> Stored {
        let live = Arc::clone(&self.live);
        tokio::select! {
            biased;
            () = live.stopped() => Stored::Put(self.from),
            stored = self.put_some(ways) => stored,
        }
    }

    async fn put_some<T: Transport>(&self, mut ways: Ways<T>) -> Stored {
        let geometry = self.outline.geometry();
        let Some((mailbox, driver)) = ways.mailbox(self.queue.node(), self.isolation).await else {
            return Stored::Failed;
        };
        let work = async {
            if self.from == 0 {
                let (mut mailbox, kind) = (mailbox.clone(), kind(geometry.chunks()));
                within(CREATING, ways.recreate(&mut mailbox, &self.queue, kind)).await?;
            }
            let mut reading = match self.source.open(geometry, self.id, &self.store) {
                Ok(reading) => reading,
                Err(fault) => return Some(Stored::Unavailable(fault)),
            };
            let (place, mut buffer) = (self.queue.place(), Vec::new());
            let end = geometry.chunks().min(self.from.saturating_add(AT_ONCE));
            let mut puts = FuturesUnordered::new();
            let mut outcome = Ok(());
            for chunk in self.from..end {
                self.live.share(&self.throttle, outis_transfer::PIECE).await;
                let sealed = on_the_disk(|| reading.read(chunk, &mut buffer)).and_then(|()| {
                    let piece = seal_piece(&self.offer, &self.outline, chunk, &buffer, &mut ways.rng);
                    piece.map_err(|_| Fault::Changed)
                });
                let piece = match sealed {
                    Ok(piece) => piece,
                    Err(fault) => return Some(Stored::Unavailable(fault)),
                };
                let envelope = place.seal(&mut ways.rng, &piece).ok()?;
                puts.push(put(mailbox.clone(), &place, envelope));
                if puts.len() >= FLYING {
                    outcome = outcome.and(puts.next().await.unwrap_or(Ok(())));
                }
            }
            while let Some(done) = puts.next().await {
                outcome = outcome.and(done);
            }
            Some(match outcome {
                Ok(()) => Stored::Put(end),
                Err(Some(Refusal::NoSuchQueue)) => Stored::Lost,
                Err(_) => Stored::Failed,
            })
        };
        driven(driver, work).await.unwrap_or(Stored::Failed)
    }
}

async fn put(
    mut mailbox: Mailbox,
    place: &outis_mailbox::queue::Place,
    envelope: Envelope,
) -> Result<(), Option<Refusal>> {
    let putting = tokio::time::timeout(PUTTING, mailbox.put(place, envelope, Postage::Free)).await;
    match putting {
        Ok(Ok(())) => Ok(()),
        Ok(Err(RequestError::Refused(refusal))) => Err(Some(refusal)),
        _ => Err(None),
    }
}

/// Room for so many pieces, and for those that are put twice; in steps, so that they say little.
fn kind(pieces: u32) -> Kind {
    let needed = pieces
        .saturating_add(SPARE)
        .saturating_mul(PIECE_KIB)
        .next_power_of_two();
    Kind::Direct {
        reserve: needed.clamp(Kind::MIN_RESERVE, Kind::MAX_RESERVE),
    }
}

impl FetchJob {
    /// Takes what there is. Safe to drop: what was not acknowledged comes again.
    pub(crate) async fn go<T: Transport>(self, ways: Ways<T>) -> Fetched {
        let live = Arc::clone(&self.live);
        tokio::select! {
            biased;
            () = live.stopped() => Fetched::Stopped,
            fetched = self.fetch(ways) => fetched,
        }
    }

    async fn fetch<T: Transport>(&self, ways: Ways<T>) -> Fetched {
        let Some((mut mailbox, driver)) = ways.mailbox(self.queue.node(), self.isolation).await else {
            return Fetched::Failed;
        };
        let _open = Fetching::begin(&self.live);
        let work = async {
            let mut pushed = match within(PUTTING, async { Some(mailbox.subscribe(&self.queue).await) }).await? {
                Ok(pushed) => pushed,
                Err(RequestError::Refused(Refusal::NoSuchQueue)) => return Some(Fetched::Empty),
                Err(_) => return None,
            };
            let mut taken = Vec::new();
            // A mailbox that invents more than was ever put is left.
            let most = 2 * self.offer.geometry().chunks() + SPARE;
            for _ in 0..=most {
                let push = within(PUTTING, pushed.next()).await?;
                let caught_up = match push {
                    Push::Delivered { number, envelope, .. } => {
                        match self.take(&envelope) {
                            Ok(length) => self.live.share(&self.throttle, length).await,
                            Err(Unkept::DiskFull) => return Some(Fetched::DiskFull),
                            Err(Unkept::Failed) => return None,
                        }
                        taken.push(number);
                        false
                    }
                    Push::CaughtUp => true,
                    Push::Ended => return None,
                };
                let complete = self.incoming.is_complete();
                if complete || caught_up || taken.len() >= ACKNOWLEDGED {
                    // A mailbox may forget only what rests here.
                    self.incoming.rest().ok()?;
                    let numbers = std::mem::take(&mut taken);
                    within(PUTTING, async {
                        mailbox.acknowledge(self.queue.id(), &numbers).await.ok()
                    })
                    .await?;
                }
                if self.incoming.is_complete() {
                    // If that fails it is deleted later.
                    let _ = within(PUTTING, async { mailbox.delete(self.queue.id()).await.ok() }).await;
                    return Some(Fetched::Complete);
                }
                if caught_up {
                    break;
                }
            }
            Some(Fetched::Empty)
        };
        driven(driver, work).await.unwrap_or(Fetched::Failed)
    }

    /// Keeps a piece that is one. What is none was put there by the mailbox itself.
    fn take(&self, envelope: &Envelope) -> Result<usize, Unkept> {
        let Ok(piece) = self.queue.open(envelope) else {
            return Ok(0);
        };
        let Ok(chunk) = open_piece(&self.offer, piece.dangerously_expose()) else {
            return Ok(0);
        };
        if !self.incoming.receiver().came(chunk.index()) {
            return Ok(0);
        }
        self.incoming.keep(&chunk)?;
        let length = chunk.dangerously_expose().len();
        self.live.count(None, length as u64, || {
            self.events.push(Event::TransferUpdated(self.id))
        });
        Ok(length)
    }
}

/// Counts as a road as long as it lasts.
struct Fetching<'a>(&'a Live);

impl<'a> Fetching<'a> {
    fn begin(live: &'a Live) -> Self {
        drop(live.opened(FETCHING));
        Self(live)
    }
}

impl Drop for Fetching<'_> {
    fn drop(&mut self) {
        self.0.closed(FETCHING);
    }
}

/// The number of no road.
const FETCHING: u32 = 0;

/// Pieces that are put before the record says so.
const AT_ONCE: u32 = 32;

/// Puts that the mailbox has not answered.
const FLYING: usize = 8;

/// Pieces that are brought to rest and acknowledged together; a mailbox pushes 16 before that.
const ACKNOWLEDGED: usize = 8;

/// More pieces than there are, for those that were put twice.
const SPARE: u32 = 8;

/// A piece in its envelope and what a mailbox counts beside it, in KiB.
const PIECE_KIB: u32 = 72;

const PUTTING: Duration = Duration::from_secs(60);
const CREATING: Duration = Duration::from_secs(120);
