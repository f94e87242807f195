//! The receiver's end of a road.

use super::{End, Frame, RoadError, Seals};
use crate::{Geometry, Offer, Receiver, RoadId, Verified, receiver::Came};
use outis_crypto::{CryptoRng, tree::Root};

/// The receiver's end of one stream. When the stream ends, for whatever reason, tell the receiver:
/// [`Receiver::closed`] with [`Self::id`].
pub struct ReceivingRoad {
    id: RoadId,
    pub(super) seals: Seals,
    geometry: Geometry,
    root: Root,
    window: u32,
}

impl ReceivingRoad {
    /// Opens a road; the bytes are its first frame.
    pub fn open(receiver: &mut Receiver, offer: &Offer, rng: &mut impl CryptoRng) -> (Self, Vec<u8>) {
        let (seals, greeting) = Seals::greet(offer, End::Receiving, rng);
        let road = Self {
            id: receiver.open_road(),
            seals,
            geometry: *offer.geometry(),
            root: *offer.root(),
            window: offer.geometry().window(),
        };
        (road, greeting)
    }

    /// Which of the receiver's roads it is.
    pub fn id(&self) -> RoadId {
        self.id
    }

    /// Asks for at most so many chunks at once from now on: as many as this road carries in about a second, say, so that a
    /// slow one is not left with many of the last. At least one, and never more than a window.
    pub fn narrow(&mut self, chunks: u32) {
        self.window = chunks.clamp(1, self.geometry.window());
    }

    /// Takes a frame from the stream. All the work on it is done here, without the receiver, which other roads share.
    ///
    /// # Errors
    /// Then the road is to be closed.
    pub fn receive(&mut self, frame: &[u8]) -> Result<Received, RoadError> {
        let Some(opened) = self.seals.open(frame)? else {
            return Ok(Received::Greeting);
        };
        match Frame::decode(opened.dangerously_expose())? {
            Frame::Chunk(carried, _) => {
                let place = carried
                    .verify(&self.geometry, &self.root)
                    .ok_or(RoadError::WrongChunk)?;
                Ok(Received::Chunk(Arrival {
                    road: self.id,
                    chunk: Verified::new(carried.index, place.behind(1), opened),
                }))
            }
            Frame::Cancel => Ok(Received::Cancelled),
            Frame::Unavailable => Ok(Received::Unavailable),
            Frame::Alive => Ok(Received::Alive),
            Frame::Want(_) | Frame::Done => Err(RoadError::Malformed),
        }
    }

    /// The next request, if the road has room for one and anything is left to ask for. Asked after every frame that comes
    /// in and whenever another road has closed; it waits until half a window is free, so that requests stay few.
    pub fn wants(&mut self, receiver: &mut Receiver, rng: &mut impl CryptoRng) -> Option<Vec<u8>> {
        if matches!(self.seals, Seals::Greeting { .. }) {
            return None;
        }
        let free = self.window.saturating_sub(receiver.asked_on(self.id));
        if free < self.window.div_ceil(2) {
            return None;
        }
        let ranges = receiver.ask(self.id, free);
        if ranges.is_empty() {
            None
        } else {
            self.seals.seal(&Frame::Want(ranges), rng)
        }
    }

    /// Says that everything has arrived: the last frame. `None` if the road never came to be.
    pub fn done(&mut self, rng: &mut impl CryptoRng) -> Option<Vec<u8>> {
        self.seals.seal(&Frame::Done, rng)
    }

    /// Says that we are there and have nothing to say. `None` if the road never came to be.
    pub fn alive(&mut self, rng: &mut impl CryptoRng) -> Option<Vec<u8>> {
        self.seals.seal(&Frame::Alive, rng)
    }

    /// Says that the file is not wanted any more: the last frame. `None` if the road never came to be.
    pub fn cancel(&mut self, rng: &mut impl CryptoRng) -> Option<Vec<u8>> {
        self.seals.seal(&Frame::Cancel, rng)
    }
}

/// What a frame brought.
pub enum Received {
    /// The road is open now.
    Greeting,
    /// A chunk of the file, if it was asked for.
    Chunk(Arrival),
    /// The sender has withdrawn the file.
    Cancelled,
    /// The sender cannot read the file at the moment; it may be able to later.
    Unavailable,
    /// Nothing: the sender is there.
    Alive,
}

/// A chunk of the file that came over a road; whether it was asked for there, the receiver knows.
pub struct Arrival {
    road: RoadId,
    chunk: Verified,
}

impl Arrival {
    /// Takes it in. Store it, then tell [`Receiver::stored`]. `None` if it came by another way meanwhile.
    ///
    /// # Errors
    /// [`RoadError::NotAsked`]: then the road is to be closed. The receiver is as it was.
    pub fn admit(self, receiver: &mut Receiver) -> Result<Option<Verified>, RoadError> {
        match receiver.arrived(self.road, self.chunk.index()) {
            Came::Wanted => Ok(Some(self.chunk)),
            Came::Late => Ok(None),
            Came::NotAsked => Err(RoadError::NotAsked),
        }
    }
}
