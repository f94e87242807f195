//! What a mailbox answers and pushes.

use super::{BadFrame, Nonce, Tag, header};
use crate::{
    envelope::Envelope,
    work::{Hour, Proof},
};
use outis_wire::{Reader, Truncated, UnixMillis};

/// What a mailbox says. Layouts stand beside [`Reply::write`].
pub(crate) enum Reply {
    Hello { nonce: Nonce },
    Quoted(Quote),
    Created { until: UnixMillis },
    Opened { until: UnixMillis },
    Stored,
    Acknowledged,
    Deleted,
    Refused(Refusal),
    Delivered(Delivered),
    CaughtUp,
    Ended,
}

/// An envelope on its way to the owner of its queue.
#[derive(Debug, Clone)]
pub(crate) struct Delivered {
    pub(crate) number: u64,
    /// What it was paid with.
    pub(crate) paid: Option<Proof>,
    pub(crate) envelope: Envelope,
}

impl Reply {
    /// number (4) ‖ tag (2) ‖
    /// - hello: version (1) ‖ nonce (32)
    /// - quoted: effort (4) ‖ hour (4)
    /// - created, opened: until when the queue stays, Unix milliseconds (8)
    /// - refused: code (1), and for code 4 effort (4) ‖ hour (4)
    /// - delivered: the envelope's number in its queue (8) ‖ 0, or 1 ‖ the work it was paid with (40) ‖ envelope
    /// - all others: nothing
    pub(crate) fn write(&self, number: u32) -> Vec<u8> {
        let mut out = header(number, self.tag());
        match self {
            Self::Hello { nonce } => {
                out.push(VERSION);
                out.extend_from_slice(&nonce.0);
            }
            Self::Quoted(quote) => quote.write(&mut out),
            Self::Created { until } | Self::Opened { until } => out.extend_from_slice(&until.0.to_be_bytes()),
            Self::Refused(refusal) => {
                out.push(refusal.code());
                if let Refusal::Work(quote) = refusal {
                    quote.write(&mut out);
                }
            }
            Self::Delivered(delivered) => {
                out.extend_from_slice(&delivered.number.to_be_bytes());
                out.push(u8::from(delivered.paid.is_some()));
                if let Some(proof) = &delivered.paid {
                    proof.write(&mut out);
                }
                out.extend_from_slice(delivered.envelope.as_bytes());
            }
            Self::Stored | Self::Acknowledged | Self::Deleted | Self::CaughtUp | Self::Ended => {}
        }
        out
    }

    pub(crate) fn read(frame: &[u8]) -> Result<(u32, Self), BadFrame> {
        let mut reader = Reader::new(frame);
        let number = reader.u32()?;
        let reply = match Tag::read(reader.u16()?).ok_or(BadFrame)? {
            Tag::Hello => match reader.u8()? {
                VERSION => Self::Hello {
                    nonce: Nonce(reader.array()?),
                },
                _ => return Err(BadFrame),
            },
            Tag::Quoted => Self::Quoted(Quote::read(&mut reader)?),
            Tag::Created => Self::Created {
                until: UnixMillis(reader.u64()?),
            },
            Tag::Opened => Self::Opened {
                until: UnixMillis(reader.u64()?),
            },
            Tag::Stored => Self::Stored,
            Tag::Acknowledged => Self::Acknowledged,
            Tag::Deleted => Self::Deleted,
            Tag::Refused => Self::Refused(match reader.u8()? {
                1 => Refusal::NoSuchQueue,
                2 => Refusal::QueueFull,
                3 => Refusal::StoreFull,
                4 => Refusal::Work(Quote::read(&mut reader)?),
                5 => Refusal::NotAllowed,
                6 => Refusal::TooMany,
                7 => Refusal::Failed,
                _ => return Err(BadFrame),
            }),
            Tag::Delivered => {
                let of = reader.u64()?;
                let paid = match reader.u8()? {
                    0 => None,
                    1 => Some(Proof::read(&mut reader)?),
                    _ => return Err(BadFrame),
                };
                let envelope = Envelope::from_bytes(reader.rest().to_vec()).map_err(|_| BadFrame)?;
                let delivered = Delivered {
                    number: of,
                    paid,
                    envelope,
                };
                return Ok((number, Self::Delivered(delivered)));
            }
            Tag::CaughtUp => Self::CaughtUp,
            Tag::Ended => Self::Ended,
            _ => return Err(BadFrame),
        };
        if reader.is_empty() {
            Ok((number, reply))
        } else {
            Err(BadFrame)
        }
    }

    fn tag(&self) -> Tag {
        match self {
            Self::Hello { .. } => Tag::Hello,
            Self::Quoted(_) => Tag::Quoted,
            Self::Created { .. } => Tag::Created,
            Self::Opened { .. } => Tag::Opened,
            Self::Stored => Tag::Stored,
            Self::Acknowledged => Tag::Acknowledged,
            Self::Deleted => Tag::Deleted,
            Self::Refused(_) => Tag::Refused,
            Self::Delivered(_) => Tag::Delivered,
            Self::CaughtUp => Tag::CaughtUp,
            Self::Ended => Tag::Ended,
        }
    }
}

/// What something costs now, by the mailbox's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quote {
    /// The least effort.
    pub effort: u32,
    /// The hour to work for.
    pub hour: Hour,
}

impl Quote {
    /// Whether it is worth paying: half a minute of work on an ordinary core. A mailbox that asks for more is full, or wants
    /// to keep us busy; there are others.
    pub fn is_reasonable(&self) -> bool {
        self.effort <= 1_000
    }
}

/// Why a mailbox says no. A queue that is not there and one whose key is not shown look alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No such queue, or not with this key.
    #[error("no such queue")]
    NoSuchQueue,
    /// The queue is full; what it holds is never dropped for something new.
    #[error("the queue is full")]
    QueueFull,
    /// The mailbox has no space left for another queue.
    #[error("the mailbox is full")]
    StoreFull,
    /// No work, too little, or for another hour: this much is asked for now.
    #[error("work of effort {} is asked for", .0.effort)]
    Work(Quote),
    /// Not allowed for this kind of queue: its size, its postage, or a signature that does not hold.
    #[error("not allowed")]
    NotAllowed,
    /// The connection has too many queues open.
    #[error("too many queues on one connection")]
    TooMany,
    /// The mailbox's own store failed. Nothing was stored.
    #[error("the mailbox could not store it")]
    Failed,
}

impl Refusal {
    fn code(self) -> u8 {
        match self {
            Self::NoSuchQueue => 1,
            Self::QueueFull => 2,
            Self::StoreFull => 3,
            Self::Work(_) => 4,
            Self::NotAllowed => 5,
            Self::TooMany => 6,
            Self::Failed => 7,
        }
    }
}

impl Quote {
    fn write(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.effort.to_be_bytes());
        out.extend_from_slice(&self.hour.0.to_be_bytes());
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Truncated> {
        Ok(Self {
            effort: reader.u32()?,
            hour: Hour(reader.u32()?),
        })
    }
}

const VERSION: u8 = 1;
