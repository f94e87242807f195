//! The sender's end: reads what is asked for, checks it, seals it, and hands it to the stream when that takes it.

use super::ear::Ear;
use super::{ALIVE, RoadEnd, RoadJob, on_the_disk, write, write_on};
use crate::execute::Ways;
use crate::files::live::OpenRoad;
use crate::files::signal::Fault;
use crate::files::source::Source;
use crate::randomness::Randomness;
use crate::store::Store;
use crate::transport::Transport;
use futures::channel::mpsc;
use futures::io::{AsyncReadExt, AsyncWrite};
use futures::{SinkExt, StreamExt};
use outis_transfer::{Asked, MAX_REQUEST, Outline, RoadError, SendingRoad};
use std::pin::pin;
use tokio::time::{timeout, timeout_at};

impl RoadJob {
    pub(super) async fn send<T: Transport>(
        &self,
        stream: T::Stream,
        from: (&Outline, &Source, &Store),
        open: &OpenRoad,
        ways: Ways<T>,
    ) -> RoadEnd {
        let (reader, writer) = stream.split();
        let (mut heard, hearing) = mpsc::channel::<Vec<u8>>(REQUESTS);
        // Requests are heard while chunks are written, or the road would stand still once a window.
        let listen = async {
            let mut ear = Ear::new(reader, MAX_REQUEST);
            loop {
                let Ok(frame) = timeout_at(ear.deadline(), ear.next()).await else {
                    return;
                };
                let Some(frame) = frame else { break };
                if heard.send(frame.to_vec()).await.is_err() {
                    break;
                }
            }
            // What was said before the end is still to be looked at: the end is told by dropping the channel.
            drop(heard);
            futures::future::pending::<()>().await;
        };
        let speak = async {
            let mut rng = ways.rng;
            let (road, greeting) = SendingRoad::open(&self.offer, &mut rng);
            let mut mouth = Mouth { road, writer, rng };
            write(&mut mouth.writer, &greeting).await?;
            self.speak(mouth, hearing, from, open).await
        };
        tokio::select! {
            biased;
            end = speak => end.unwrap_or(RoadEnd::Broken),
            () = listen => RoadEnd::Broken,
        }
    }

    /// `None` if the road broke.
    async fn speak<W: AsyncWrite + Unpin>(
        &self,
        mut mouth: Mouth<W>,
        mut hearing: mpsc::Receiver<Vec<u8>>,
        (outline, source, store): (&Outline, &Source, &Store),
        open: &OpenRoad,
    ) -> Option<RoadEnd> {
        let mut reading = match on_the_disk(|| source.open(outline.geometry(), self.id, store)) {
            Ok(reading) => reading,
            Err(fault) => return mouth.unavailable(fault).await,
        };
        let mut buffer = Vec::new();
        loop {
            while let Ok(frame) = hearing.try_recv() {
                if let Some(end) = ended(mouth.road.receive(&frame))? {
                    return Some(end);
                }
            }
            let Some(chunk) = mouth.road.next_asked() else {
                match timeout(ALIVE, hearing.next()).await {
                    Ok(Some(frame)) => {
                        if let Some(end) = ended(mouth.road.receive(&frame))? {
                            return Some(end);
                        }
                    }
                    Ok(None) => return None,
                    Err(_) => mouth.alive().await?,
                }
                continue;
            };
            let length = outline.geometry().length(chunk).unwrap_or_default();
            {
                let mut share = pin!(self.live.share(&self.throttle, length));
                while timeout(ALIVE, share.as_mut()).await.is_err() {
                    mouth.alive().await?;
                }
            }
            let read = if reading.is_at_hand(chunk) {
                reading.read(chunk, &mut buffer)
            } else {
                on_the_disk(|| reading.read(chunk, &mut buffer))
            };
            let carried = read.and_then(|()| {
                let sealed = mouth.road.chunk(outline, chunk, &buffer, &mut mouth.rng);
                sealed.map_err(|_| Fault::Changed)
            });
            match carried {
                Ok(carried) if mouth.road.is_asked() && self.throttle.is_open() => {
                    write_on(&mut mouth.writer, &carried).await?;
                }
                Ok(carried) => write(&mut mouth.writer, &carried).await?,
                Err(fault) => return mouth.unavailable(fault).await,
            }
            self.live.count(Some(open), length as u64, || self.tell());
        }
    }
}

/// Our side of the stream.
struct Mouth<W> {
    road: SendingRoad,
    writer: W,
    rng: Randomness,
}

impl<W: AsyncWrite + Unpin> Mouth<W> {
    async fn alive(&mut self) -> Option<()> {
        match self.road.alive(&mut self.rng) {
            Some(frame) => write(&mut self.writer, &frame).await,
            // The other side has not greeted yet: its silence is noticed.
            None => Some(()),
        }
    }

    async fn unavailable(&mut self, fault: Fault) -> Option<RoadEnd> {
        if let Some(frame) = self.road.unavailable(&mut self.rng) {
            // The session tells it as well.
            let _ = write(&mut self.writer, &frame).await;
        }
        Some(RoadEnd::Unavailable(fault))
    }
}

/// What the receiver's frame ends, if it does.
fn ended(asked: Result<Asked, RoadError>) -> Option<Option<RoadEnd>> {
    match asked.ok()? {
        Asked::Done => Some(Some(RoadEnd::Complete)),
        Asked::Cancelled => Some(Some(RoadEnd::Cancelled)),
        Asked::Greeting | Asked::Nothing | Asked::Chunks => Some(None),
    }
}

/// Requests that were heard and not looked at.
const REQUESTS: usize = 4;
