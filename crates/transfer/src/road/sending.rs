//! The sender's end of a road.

use super::{End, Frame, RoadError, Seals};
use crate::{Geometry, Offer, Outline, SourceChanged, carried::Carried};
use outis_crypto::CryptoRng;
use std::collections::VecDeque;

/// The sender's end of one stream. It remembers what was asked for, and nothing else.
pub struct SendingRoad {
    pub(super) seals: Seals,
    geometry: Geometry,
    asked: VecDeque<u32>,
}

impl SendingRoad {
    /// Opens a road; the bytes are its first frame.
    pub fn open(offer: &Offer, rng: &mut impl CryptoRng) -> (Self, Vec<u8>) {
        let (seals, greeting) = Seals::greet(offer, End::Sending, rng);
        (
            Self {
                seals,
                geometry: *offer.geometry(),
                asked: VecDeque::new(),
            },
            greeting,
        )
    }

    /// Takes a frame from the stream.
    ///
    /// # Errors
    /// Then the road is to be closed.
    pub fn receive(&mut self, frame: &[u8]) -> Result<Asked, RoadError> {
        let Some(opened) = self.seals.open(frame)? else {
            return Ok(Asked::Greeting);
        };
        match Frame::decode(opened.dangerously_expose())? {
            Frame::Want(ranges) => self.want(&ranges).map(|()| Asked::Chunks),
            Frame::Done => Ok(Asked::Done),
            Frame::Cancel => Ok(Asked::Cancelled),
            Frame::Alive => Ok(Asked::Nothing),
            Frame::Chunk { .. } | Frame::Unavailable => Err(RoadError::Malformed),
        }
    }

    /// The next chunk that the receiver waits for. Read it and hand it to [`Self::chunk`], in this order; read the next one
    /// only when the stream has taken this one, so that nothing stands in a queue.
    pub fn next_asked(&mut self) -> Option<u32> {
        self.asked.pop_front()
    }

    /// Whether there is a next one.
    pub fn is_asked(&self) -> bool {
        !self.asked.is_empty()
    }

    /// The frame that carries a chunk.
    ///
    /// # Errors
    /// [`SourceChanged`]: these are not the bytes that were offered, or the receiver has not greeted yet. Say [`Self::unavailable`] and close.
    pub fn chunk(
        &mut self,
        outline: &Outline,
        index: u32,
        bytes: &[u8],
        rng: &mut impl CryptoRng,
    ) -> Result<Vec<u8>, SourceChanged> {
        let frame = Frame::Chunk(outline.carry(index, bytes)?, Carried::room(&self.geometry));
        self.seals.seal(&frame, rng).ok_or(SourceChanged)
    }

    /// Says that the file cannot be read at the moment: the last frame. `None` if the road never came to be.
    pub fn unavailable(&mut self, rng: &mut impl CryptoRng) -> Option<Vec<u8>> {
        self.seals.seal(&Frame::Unavailable, rng)
    }

    /// Says that the file is withdrawn: the last frame. `None` if the road never came to be.
    pub fn cancel(&mut self, rng: &mut impl CryptoRng) -> Option<Vec<u8>> {
        self.seals.seal(&Frame::Cancel, rng)
    }

    /// Says that we are there and have nothing to say. `None` if the road never came to be.
    pub fn alive(&mut self, rng: &mut impl CryptoRng) -> Option<Vec<u8>> {
        self.seals.seal(&Frame::Alive, rng)
    }

    fn want(&mut self, ranges: &[(u32, u32)]) -> Result<(), RoadError> {
        let window = self.geometry.window() as usize;
        for (first, count) in ranges {
            let end = first
                .checked_add(*count)
                .filter(|end| *end <= self.geometry.chunks())
                .ok_or(RoadError::Malformed)?;
            if self.asked.len() + *count as usize > window {
                return Err(RoadError::TooMuchAsked);
            }
            self.asked.extend(*first..end);
        }
        Ok(())
    }
}

/// What a frame asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// Nothing: the road is open now.
    Greeting,
    /// Nothing: the receiver is there.
    Nothing,
    /// Chunks: see [`SendingRoad::next_asked`].
    Chunks,
    /// Nothing more: the receiver has it all.
    Done,
    /// Nothing more: the receiver does not want it.
    Cancelled,
}
