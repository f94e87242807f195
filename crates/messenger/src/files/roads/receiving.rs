//! The receiver's end: asks for as much as this road carries in a second or so, checks what comes and keeps it.

use super::ear::Ear;
use super::{ALIVE, RoadEnd, RoadJob, write};
use crate::execute::Ways;
use crate::files::incoming::{Incoming, Unkept};
use crate::files::live::OpenRoad;
use crate::randomness::Randomness;
use crate::transport::Transport;
use futures::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt};
use outis_transfer::{Received, ReceivingRoad};
use std::pin::pin;
use std::time::Duration;
use tokio::time::{Instant, sleep_until, timeout};

impl RoadJob {
    pub(super) async fn receive<T: Transport>(
        &self,
        stream: T::Stream,
        incoming: &Incoming,
        open: &OpenRoad,
        ways: Ways<T>,
    ) -> RoadEnd {
        let (reader, writer) = stream.split();
        let mut ear = Ear::new(reader, self.offer.longest_frame());
        let mut rng = ways.rng;
        let (road, greeting) = ReceivingRoad::open(&mut incoming.receiver(), &self.offer, &mut rng);
        let _closing = Closing {
            incoming,
            road: road.id(),
        };
        let mut mouth = Mouth {
            road,
            writer,
            rng,
            spoken: Instant::now(),
        };
        let end = async {
            mouth.say(&greeting).await?;
            loop {
                let changed = incoming.changed();
                if incoming.is_complete() {
                    return Some(RoadEnd::Complete);
                }
                mouth.ask(incoming, self.worth(open)).await?;
                let (silence, speech) = (ear.deadline(), mouth.spoken + ALIVE);
                let frame = tokio::select! {
                    biased;
                    frame = ear.next() => frame?,
                    () = changed => continue,
                    () = sleep_until(speech) => {
                        mouth.alive().await?;
                        incoming.rest_if_due().ok()?;
                        continue;
                    }
                    () = sleep_until(silence) => return None,
                };
                match mouth.road.receive(frame).ok()? {
                    Received::Greeting | Received::Alive => {}
                    Received::Chunk(arrival) => {
                        let admitted = arrival.admit(&mut incoming.receiver()).ok()?;
                        let Some(chunk) = admitted else { continue };
                        let length = chunk.dangerously_expose().len();
                        match incoming.keep(&chunk) {
                            Ok(()) => {}
                            Err(Unkept::DiskFull) => return Some(RoadEnd::DiskFull),
                            Err(Unkept::Failed) => return None,
                        }
                        self.live.count(Some(open), length as u64, || self.tell());
                        let mut share = pin!(self.live.share(&self.throttle, length));
                        while timeout(ALIVE, share.as_mut()).await.is_err() {
                            mouth.alive().await?;
                        }
                    }
                    Received::Cancelled => return Some(RoadEnd::Cancelled),
                    Received::Unavailable => return None,
                }
            }
        };
        let end = end.await.unwrap_or(RoadEnd::Broken);
        if end == RoadEnd::Complete {
            mouth.farewell().await;
            return end;
        }
        // What was written counts; if that fails it is asked for again.
        match incoming.rest() {
            Ok(()) if incoming.is_complete() => RoadEnd::Complete,
            _ => end,
        }
    }

    /// How many chunks this road carries in about a second: so many may be on their way.
    fn worth(&self, open: &OpenRoad) -> u32 {
        let chunk = self.offer.geometry().chunk_size();
        let rate = match self.throttle.rate() {
            Some(limit) => open.rate(Instant::now()).min(limit),
            None => open.rate(Instant::now()),
        };
        let first = if self.throttle.is_open() { FIRST } else { 1 };
        u32::try_from(rate / chunk)
            .unwrap_or(u32::MAX)
            .saturating_mul(2)
            .max(first)
    }
}

/// Our side of the stream.
struct Mouth<W> {
    road: ReceivingRoad,
    writer: W,
    rng: Randomness,
    spoken: Instant,
}

impl<W: AsyncWrite + Unpin> Mouth<W> {
    async fn say(&mut self, frame: &[u8]) -> Option<()> {
        write(&mut self.writer, frame).await?;
        self.spoken = Instant::now();
        Some(())
    }

    async fn ask(&mut self, incoming: &Incoming, worth: u32) -> Option<()> {
        self.road.narrow(worth);
        let want = self.road.wants(&mut incoming.receiver(), &mut self.rng);
        match want {
            Some(want) => self.say(&want).await,
            None => Some(()),
        }
    }

    async fn alive(&mut self) -> Option<()> {
        self.spoken = Instant::now();
        match self.road.alive(&mut self.rng) {
            Some(frame) => self.say(&frame).await,
            // The other side has not greeted yet: its silence is noticed.
            None => Some(()),
        }
    }

    /// Says that everything is there. The session tells it as well.
    async fn farewell(&mut self) {
        if let Some(done) = self.road.done(&mut self.rng) {
            let _ = timeout(FAREWELL, async {
                self.say(&done).await;
                let _ = self.writer.close().await;
            })
            .await;
        }
    }
}

/// What was asked for on a road that is gone is asked for on others.
struct Closing<'a> {
    incoming: &'a Incoming,
    road: outis_transfer::RoadId,
}

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        self.incoming.receiver().closed(self.road);
        self.incoming.has_changed();
    }
}

/// Asked for at once before anything is known of a road.
const FIRST: u32 = 16;

const FAREWELL: Duration = Duration::from_secs(5);
