//! The receiver's end of a road.

use super::{End, Frame, RoadError, Seals};
use crate::{Geometry, Offer, Receiver, RoadId, Verified};
use outis_crypto::{CryptoRng, tree::Root};

/// The receiver's end of one stream. When the stream ends, for whatever reason, tell the receiver:
/// [`Receiver::closed`] with [`Self::id`].
pub struct ReceivingRoad {
    id: RoadId,
    pub(super) seals: Seals,
    geometry: Geometry,
    root: Root,
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
        };
        (road, greeting)
    }

    /// Which of the receiver's roads it is.
    pub fn id(&self) -> RoadId {
        self.id
    }

    /// Takes a frame from the stream.
    ///
    /// # Errors
    /// Then the road is to be closed. The receiver is as it was.
    pub fn receive(&mut self, receiver: &mut Receiver, frame: &[u8]) -> Result<Received, RoadError> {
        let Some(opened) = self.seals.open(frame)? else {
            return Ok(Received::Greeting);
        };
        match Frame::decode(opened.dangerously_expose())? {
            Frame::Chunk(carried, _) => {
                let place = carried
                    .verify(&self.geometry, &self.root)
                    .ok_or(RoadError::WrongChunk)?;
                if !receiver.arrived(self.id, carried.index) {
                    return Err(RoadError::NotAsked);
                }
                Ok(Received::Chunk(Verified::new(carried.index, place.behind(1), opened)))
            }
            Frame::Cancel => Ok(Received::Cancelled),
            Frame::Unavailable => Ok(Received::Unavailable),
            Frame::Want(_) | Frame::Done => Err(RoadError::Malformed),
        }
    }

    /// The next request, if the road has room for one and anything is left to ask for. Asked after every frame that comes
    /// in and whenever another road has closed; it waits until half a window is free, so that requests stay few.
    pub fn wants(&mut self, receiver: &mut Receiver, rng: &mut impl CryptoRng) -> Option<Vec<u8>> {
        if matches!(self.seals, Seals::Greeting { .. }) {
            return None;
        }
        let window = self.geometry.window();
        let free = window.saturating_sub(receiver.asked_on(self.id));
        if free < window.div_ceil(2) {
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

    /// Says that the file is not wanted any more: the last frame. `None` if the road never came to be.
    pub fn cancel(&mut self, rng: &mut impl CryptoRng) -> Option<Vec<u8>> {
        self.seals.seal(&Frame::Cancel, rng)
    }
}

/// What a frame brought.
pub enum Received {
    /// The road is open now.
    Greeting,
    /// A chunk. Store it, then tell [`Receiver::stored`].
    Chunk(Verified),
    /// The sender has withdrawn the file.
    Cancelled,
    /// The sender cannot read the file at the moment; it may be able to later.
    Unavailable,
}
