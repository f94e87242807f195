//! The directory: records under hashed keys, put and looked up through relays that keep them in a distributed hash table.
//!
//! This is what client and relay say to each other and what a holder checks before it stores. *Where* records are kept is
//! the network's business; what a relay's descriptor says is checked by who knows its format.

mod client;
mod record;
mod serve;

pub use client::{Directory, LookupError};
pub use record::{AccountRecord, Checked, Record, RecordError};
pub use serve::{ServeError, serve};

use crate::descriptor::DirectoryKey;
use outis_wire::{Reader, Truncated};

/// The longest descriptor of a relay, in bytes.
pub const MAX_RELAY_DESCRIPTOR: usize = 4_096;

/// Relays in one sample, at most.
pub const MAX_SAMPLE: u8 = 24;

/// Records in one answer, at most: holders may differ in how new theirs is.
pub const MAX_FOUND: usize = 4;

/// All tags of the directory protocol. A removed tag stays reserved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
enum Tag {
    Put = 0x0201,
    Get = 0x0202,
    Sample = 0x0203,
    Announce = 0x0204,
    Stored = 0x0281,
    Found = 0x0282,
    Relays = 0x0283,
    Refused = 0x0284,
}

impl Tag {
    fn read(value: u16) -> Option<Self> {
        const ALL: [Tag; 8] = [
            Tag::Put,
            Tag::Get,
            Tag::Sample,
            Tag::Announce,
            Tag::Stored,
            Tag::Found,
            Tag::Relays,
            Tag::Refused,
        ];
        ALL.into_iter().find(|tag| *tag as u16 == value)
    }
}

/// What a client asks of a relay. It is in a frame: number (4) ‖ tag (2) ‖ body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// Store a record at its holders. Body: the record.
    Put(Record),
    /// Look a record up. Body: the key (32).
    Get(DirectoryKey),
    /// Descriptors of relays, drawn at random from those known. Body: how many (1), at most [`MAX_SAMPLE`].
    Sample(u8),
    /// A relay makes itself known to this one. Body: its descriptor.
    Announce(Vec<u8>),
}

/// What the relay answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// So many holders said that they have it (for an announcement: 1). That proves nothing; look it up by another way.
    /// Body: the number (1).
    Stored(u8),
    /// What was found: nothing, or up to [`MAX_FOUND`] versions. Body: for each, its length (4) and the record.
    Found(Vec<Record>),
    /// Descriptors of relays. Body: for each, its length (4) and the descriptor.
    Relays(Vec<Vec<u8>>),
    /// No. Body: a code (1).
    Refused(Refusal),
}

/// Why a relay does not do it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The record is not one that may be stored.
    #[error("the record is not valid")]
    Invalid,
    /// A newer one is there.
    #[error("a newer record is there")]
    Outdated,
    /// Not now: too much to do, or no holder answered.
    #[error("the relay cannot do it now")]
    Unavailable,
}

impl Request {
    pub(crate) fn write(&self, number: u32) -> Vec<u8> {
        match self {
            Self::Put(record) => frame(number, Tag::Put, &record.to_bytes()),
            Self::Get(key) => frame(number, Tag::Get, &key.0),
            Self::Sample(count) => frame(number, Tag::Sample, &[*count]),
            Self::Announce(descriptor) => frame(number, Tag::Announce, descriptor),
        }
    }

    pub(crate) fn read(bytes: &[u8]) -> Result<(u32, Self), BadFrame> {
        let mut reader = Reader::new(bytes);
        let number = reader.u32()?;
        let request = match Tag::read(reader.u16()?).ok_or(BadFrame)? {
            Tag::Put => {
                return Ok((
                    number,
                    Self::Put(Record::from_bytes(reader.rest()).map_err(|_| BadFrame)?),
                ));
            }
            Tag::Get => Self::Get(DirectoryKey(reader.array()?)),
            Tag::Sample => match reader.u8()? {
                count @ 1..=MAX_SAMPLE => Self::Sample(count),
                _ => return Err(BadFrame),
            },
            Tag::Announce => return Ok((number, Self::Announce(relay_descriptor(reader.rest())?))),
            Tag::Stored | Tag::Found | Tag::Relays | Tag::Refused => return Err(BadFrame),
        };
        if reader.is_empty() {
            Ok((number, request))
        } else {
            Err(BadFrame)
        }
    }
}

impl Reply {
    pub(crate) fn write(&self, number: u32) -> Vec<u8> {
        match self {
            Self::Stored(holders) => frame(number, Tag::Stored, &[*holders]),
            Self::Found(records) => frame(
                number,
                Tag::Found,
                &list(records.iter().map(Record::to_bytes), MAX_FOUND),
            ),
            Self::Relays(relays) => frame(
                number,
                Tag::Relays,
                &list(relays.iter().cloned(), usize::from(MAX_SAMPLE)),
            ),
            Self::Refused(refusal) => {
                let code = match refusal {
                    Refusal::Invalid => 1,
                    Refusal::Outdated => 2,
                    Refusal::Unavailable => 3,
                };
                frame(number, Tag::Refused, &[code])
            }
        }
    }

    pub(crate) fn read(bytes: &[u8]) -> Result<(u32, Self), BadFrame> {
        let mut reader = Reader::new(bytes);
        let number = reader.u32()?;
        let reply = match Tag::read(reader.u16()?).ok_or(BadFrame)? {
            Tag::Stored => Self::Stored(reader.u8()?),
            Tag::Found => {
                let records = items(reader.rest(), MAX_FOUND)?;
                let records: Result<_, _> = records.into_iter().map(Record::from_bytes).collect();
                return Ok((number, Self::Found(records.map_err(|_| BadFrame)?)));
            }
            Tag::Relays => {
                let relays = items(reader.rest(), usize::from(MAX_SAMPLE))?;
                let relays: Result<_, _> = relays.into_iter().map(relay_descriptor).collect();
                return Ok((number, Self::Relays(relays?)));
            }
            Tag::Refused => Self::Refused(match reader.u8()? {
                1 => Refusal::Invalid,
                2 => Refusal::Outdated,
                3 => Refusal::Unavailable,
                _ => return Err(BadFrame),
            }),
            Tag::Put | Tag::Get | Tag::Sample | Tag::Announce => return Err(BadFrame),
        };
        if reader.is_empty() {
            Ok((number, reply))
        } else {
            Err(BadFrame)
        }
    }
}

/// Not a frame of this protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a frame of this protocol")]
pub(crate) struct BadFrame;

impl From<Truncated> for BadFrame {
    fn from(_: Truncated) -> Self {
        Self
    }
}

fn relay_descriptor(bytes: &[u8]) -> Result<Vec<u8>, BadFrame> {
    if (1..=MAX_RELAY_DESCRIPTOR).contains(&bytes.len()) {
        Ok(bytes.to_vec())
    } else {
        Err(BadFrame)
    }
}

fn frame(number: u32, tag: Tag, body: &[u8]) -> Vec<u8> {
    [number.to_be_bytes().as_slice(), &(tag as u16).to_be_bytes(), body].concat()
}

fn list(parts: impl Iterator<Item = Vec<u8>>, limit: usize) -> Vec<u8> {
    let mut out = Vec::new();
    for part in parts.take(limit) {
        out.extend_from_slice(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
        out.extend_from_slice(&part);
    }
    out
}

fn items(bytes: &[u8], limit: usize) -> Result<Vec<&[u8]>, BadFrame> {
    let mut reader = Reader::new(bytes);
    let mut parts = Vec::new();
    while !reader.is_empty() {
        if parts.len() == limit {
            return Err(BadFrame);
        }
        let length = usize::try_from(reader.u32()?).map_err(|_| BadFrame)?;
        parts.push(reader.bytes(length)?);
    }
    Ok(parts)
}

/// Whether `bytes` are a frame of this protocol, in either direction: other protocols' tests ask.
#[cfg(test)]
pub(crate) fn reads_as_a_frame(bytes: &[u8]) -> bool {
    Request::read(bytes).is_ok() || Reply::read(bytes).is_ok()
}

/// The longest request, without the frame's length.
const MAX_REQUEST: usize = 6 + Record::MAX_SIZE;

/// The longest reply.
const MAX_REPLY: usize = 6 + MAX_SAMPLE as usize * (4 + MAX_RELAY_DESCRIPTOR);

#[cfg(test)]
mod tests;
