//! One stream between the two who share an offer.
//!
//! Both begin with a greeting in clear: version = 1, then 32 random bytes, new for each road. From the file's key and both
//! greetings come two keys, one for each direction; every frame after the greeting is sealed with its direction's key,
//! with its number in that direction as associated data. So whoever stands in the middle cannot read, change, repeat,
//! reorder or leave out a frame, nor bring one from another road.
//!
//! A frame, opened:
//!
//! | offset | size | field                                                                        |
//! |      0 |    1 | kind: 1 want, 2 chunk, 3 done, 4 cancel, 5 unavailable, 6 alive               |
//! |      1 |    n | want: up to 256 times (first chunk u32, how many u32), big-endian             |
//! |        |      | chunk: the chunk with its proof                                              |
//! |        |      | done, cancel, unavailable, alive: nothing                                     |
//!
//! The receiver says what it wants, and gets nothing else; that is all the flow control there is. Whoever has nothing to say
//! for a while says that it is alive, so that a killed process is told from a slow road.

mod receiving;
mod sending;

pub use receiving::{Arrival, Received, ReceivingRoad};
pub use sending::{Asked, SendingRoad};

use crate::{
    Offer,
    carried::{self, Carried},
    proof::MAX_DEPTH,
};
use outis_crypto::{CryptoRng, Secret, SecretBytes, aead, derive, label};
use outis_wire::Reader;

/// The longest frame that a receiver sends, sealed: for the sender's reader of the stream.
pub const MAX_REQUEST: usize = aead::OVERHEAD + 1 + 8 * MAX_RANGES;

/// The longest frame that there can be, sealed; for one file see [`Offer::longest_frame`].
pub const MAX_FRAME: usize = aead::OVERHEAD + 1 + carried::HEAD + MAX_DEPTH * 32 + (1 << 20);

/// Why a road has to be closed. Another one may do better: nothing that was stored is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RoadError {
    /// The other side speaks a newer version.
    #[error("road of unknown version {0}")]
    UnknownVersion(u8),
    /// Not sealed by who shares the offer, or out of its order.
    #[error("a frame does not open")]
    Sealed,
    /// Opened, but it means nothing.
    #[error("malformed frame")]
    Malformed,
    /// A chunk that is none of the offered file: the other side's disk or the other side is at fault.
    #[error("a chunk is not the one that was offered")]
    WrongChunk,
    /// A chunk that was not asked for.
    #[error("a chunk that was not asked for")]
    NotAsked,
    /// More chunks are asked for than a road carries at once.
    #[error("too much asked for at once")]
    TooMuchAsked,
}

/// What goes over a road after the greetings.
#[derive(Debug, PartialEq, Eq)]
enum Frame<'a> {
    Want(Vec<(u32, u32)>),
    /// Written into so many bytes.
    Chunk(Carried<'a>, usize),
    Done,
    Cancel,
    Unavailable,
    Alive,
}

impl<'a> Frame<'a> {
    /// How many bytes it is encoded in.
    fn room(&self) -> usize {
        match self {
            Self::Want(ranges) => 1 + ranges.len() * 8,
            Self::Chunk(_, room) => 1 + room,
            Self::Done | Self::Cancel | Self::Unavailable | Self::Alive => 1,
        }
    }

    fn encode_into(&self, out: &mut Vec<u8>) {
        match self {
            Self::Want(ranges) => {
                out.push(WANT);
                for (first, count) in ranges {
                    out.extend_from_slice(&first.to_be_bytes());
                    out.extend_from_slice(&count.to_be_bytes());
                }
            }
            Self::Chunk(carried, room) => {
                out.push(CHUNK);
                carried.encode_into(out, *room);
            }
            Self::Done => out.push(DONE),
            Self::Cancel => out.push(CANCEL),
            Self::Unavailable => out.push(UNAVAILABLE),
            Self::Alive => out.push(ALIVE),
        }
    }

    fn decode(bytes: &'a [u8]) -> Result<Self, RoadError> {
        let mut reader = Reader::new(bytes);
        let frame = Self::read(&mut reader)
            .map_err(|_| RoadError::Malformed)?
            .ok_or(RoadError::Malformed)?;
        if reader.is_empty() {
            Ok(frame)
        } else {
            Err(RoadError::Malformed)
        }
    }

    fn read(reader: &mut Reader<'a>) -> Result<Option<Self>, outis_wire::Truncated> {
        Ok(Some(match reader.u8()? {
            WANT => {
                let mut ranges = Vec::new();
                while !reader.is_empty() {
                    if ranges.len() == MAX_RANGES {
                        return Ok(None);
                    }
                    ranges.push((reader.u32()?, reader.u32()?));
                }
                Self::Want(ranges)
            }
            CHUNK => {
                let body = reader.bytes(reader.rest().len())?;
                let Some(carried) = Carried::decode(body) else {
                    return Ok(None);
                };
                Self::Chunk(carried, body.len())
            }
            DONE => Self::Done,
            CANCEL => Self::Cancel,
            UNAVAILABLE => Self::Unavailable,
            ALIVE => Self::Alive,
            _ => return Ok(None),
        }))
    }
}

/// Which end of a road.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Receiving,
    Sending,
}

/// The seals of a road: nothing before the greetings, both keys after.
enum Seals {
    Greeting {
        file_key: Secret<32>,
        id: [u8; 32],
        ours: [u8; SALT],
        end: End,
    },
    Open {
        outgoing: Counted,
        incoming: Counted,
    },
}

struct Counted {
    key: Secret<32>,
    next: u64,
}

impl Seals {
    fn greet(offer: &Offer, end: End, rng: &mut impl CryptoRng) -> (Self, Vec<u8>) {
        let mut ours = [0; SALT];
        rng.fill_bytes(&mut ours);
        let mut greeting = vec![VERSION];
        greeting.extend_from_slice(&ours);
        (
            Self::Greeting {
                file_key: offer.key().dangerously_duplicate(),
                id: offer.id().0,
                ours,
                end,
            },
            greeting,
        )
    }

    /// `None` for the greeting, which says nothing; the opened frame for all others.
    fn open(&mut self, sealed: &[u8]) -> Result<Option<SecretBytes>, RoadError> {
        match self {
            Self::Greeting {
                file_key,
                id,
                ours,
                end,
            } => {
                let mut reader = Reader::new(sealed);
                match reader.u8().map_err(|_| RoadError::Malformed)? {
                    VERSION => {}
                    other => return Err(RoadError::UnknownVersion(other)),
                }
                let theirs: [u8; SALT] = reader.array().map_err(|_| RoadError::Malformed)?;
                if !reader.is_empty() {
                    return Err(RoadError::Malformed);
                }
                let (of_receiver, of_sender) = match end {
                    End::Receiving => (&*ours, &theirs),
                    End::Sending => (&theirs, &*ours),
                };
                let keys: Secret<64> = derive(label::FILE_ROAD, file_key, &[id, of_receiver, of_sender]);
                let half = |from: usize| {
                    let bytes = keys
                        .dangerously_expose()
                        .get(from..from + 32)
                        .and_then(Secret::from_slice);
                    Counted {
                        key: bytes.expect("64 bytes have two halves"),
                        next: 0,
                    }
                };
                let (to_sender, to_receiver) = (half(0), half(32));
                *self = match end {
                    End::Receiving => Self::Open {
                        outgoing: to_sender,
                        incoming: to_receiver,
                    },
                    End::Sending => Self::Open {
                        outgoing: to_receiver,
                        incoming: to_sender,
                    },
                };
                Ok(None)
            }
            Self::Open { incoming, .. } => {
                let opened =
                    aead::open(&incoming.key, &incoming.next.to_be_bytes(), sealed).map_err(|_| RoadError::Sealed)?;
                incoming.next += 1;
                Ok(Some(opened))
            }
        }
    }

    /// `None` before the other side has greeted: nothing can be said to it yet.
    fn seal(&mut self, frame: &Frame<'_>, rng: &mut impl CryptoRng) -> Option<Vec<u8>> {
        match self {
            Self::Greeting { .. } => None,
            Self::Open { outgoing, .. } => {
                let number = outgoing.next.to_be_bytes();
                let sealed =
                    aead::seal_in_place(&outgoing.key, rng, &number, frame.room(), |out| frame.encode_into(out));
                outgoing.next += 1;
                Some(sealed)
            }
        }
    }
}

/// Whether bytes are a frame before it is sealed; panics if it would be written in another way. For `fuzz/`.
pub(crate) fn reads_as_a_frame(bytes: &[u8]) -> bool {
    Frame::decode(bytes).is_ok_and(|frame| {
        let mut written = Vec::new();
        frame.encode_into(&mut written);
        assert_eq!(bytes, written, "one frame has two encodings");
        true
    })
}

const VERSION: u8 = 1;

const SALT: usize = 32;

const WANT: u8 = 1;
const CHUNK: u8 = 2;
const DONE: u8 = 3;
const CANCEL: u8 = 4;
const UNAVAILABLE: u8 = 5;
const ALIVE: u8 = 6;

/// In one want.
const MAX_RANGES: usize = 256;

#[cfg(test)]
mod tests;
