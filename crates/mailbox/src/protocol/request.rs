//! What a client asks of a mailbox.

use super::{BadFrame, Kind, MAX_ACKNOWLEDGED, Order, Tag, header};
use crate::{
    envelope::Envelope,
    queue::{Pass, QueueId, SendKey},
    work::Proof,
};
use outis_crypto::{
    Secret,
    signature::{Signature, VerifyingKey},
};
use outis_wire::Reader;

/// What an owner wants of a queue that it opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Mode {
    /// Renews the queue and lets the connection acknowledge and delete; nothing is pushed.
    Quiet = 1,
    /// The same, and everything in it, then whatever arrives, is pushed to this connection.
    Subscribe = 2,
}

/// How a put is paid for.
#[derive(Clone, Copy)]
pub enum Postage {
    /// Into a direct queue.
    Free,
    /// Into a request queue, by a stranger.
    Work(Proof),
    /// Into a request queue, by a contact.
    Pass(Pass),
}

/// What a client asks. Layouts stand beside [`Request::write`].
pub(crate) enum Request {
    QuoteQueue {
        kind: Kind,
    },
    QuotePut {
        queue: QueueId,
    },
    Create {
        order: Order,
        proof: Proof,
        signature: Signature,
    },
    Open {
        owner: VerifyingKey,
        mode: Mode,
        signature: Signature,
    },
    Put {
        queue: QueueId,
        send: SendKey,
        postage: Postage,
        envelope: Envelope,
    },
    Acknowledge {
        queue: QueueId,
        numbers: Vec<u64>,
    },
    Delete {
        queue: QueueId,
    },
}

impl Request {
    /// number (4) ‖ tag (2) ‖
    /// - quote: 1 ‖ kind (1) ‖ reserve (4), or 2 ‖ queue (32)
    /// - create: order (owner 32, kind 1, reserve 4, send digest 32, pass key 32) ‖ work (40) ‖ signature (64)
    /// - open: owner (32) ‖ mode (1) ‖ signature (64)
    /// - put: queue (32) ‖ send key (32) ‖ postage (0, or 1 ‖ work 40, or 2 ‖ pass 32) ‖ envelope
    /// - acknowledge: queue (32) ‖ 1 to 64 numbers (8 each), ascending
    /// - delete: queue (32)
    pub(crate) fn write(&self, number: u32) -> Vec<u8> {
        let mut out = header(number, self.tag());
        match self {
            Self::QuoteQueue { kind } => {
                out.push(1);
                kind.write(&mut out);
            }
            Self::QuotePut { queue } => {
                out.push(2);
                out.extend_from_slice(&queue.0);
            }
            Self::Create {
                order,
                proof,
                signature,
            } => {
                order.write(&mut out);
                proof.write(&mut out);
                out.extend_from_slice(signature.as_bytes());
            }
            Self::Open { owner, mode, signature } => {
                out.extend_from_slice(owner.as_bytes());
                out.push(*mode as u8);
                out.extend_from_slice(signature.as_bytes());
            }
            Self::Put {
                queue,
                send,
                postage,
                envelope,
            } => {
                out.extend_from_slice(&queue.0);
                out.extend_from_slice(send.0.dangerously_expose());
                match postage {
                    Postage::Free => out.push(0),
                    Postage::Work(proof) => {
                        out.push(1);
                        proof.write(&mut out);
                    }
                    Postage::Pass(Pass { name, proof }) => {
                        out.push(2);
                        out.extend_from_slice(name);
                        out.extend_from_slice(proof);
                    }
                }
                out.extend_from_slice(envelope.as_bytes());
            }
            Self::Acknowledge { queue, numbers } => {
                out.extend_from_slice(&queue.0);
                numbers
                    .iter()
                    .for_each(|number| out.extend_from_slice(&number.to_be_bytes()));
            }
            Self::Delete { queue } => out.extend_from_slice(&queue.0),
        }
        out
    }

    pub(crate) fn read(frame: &[u8]) -> Result<(u32, Self), BadFrame> {
        let mut reader = Reader::new(frame);
        let number = reader.u32()?;
        let request = match Tag::read(reader.u16()?).ok_or(BadFrame)? {
            Tag::Quote => match reader.u8()? {
                1 => Self::QuoteQueue {
                    kind: Kind::read(&mut reader)?,
                },
                2 => Self::QuotePut {
                    queue: QueueId(reader.array()?),
                },
                _ => return Err(BadFrame),
            },
            Tag::Create => Self::Create {
                order: Order::read(&mut reader)?,
                proof: Proof::read(&mut reader)?,
                signature: Signature::from_bytes(reader.array()?),
            },
            Tag::Open => Self::Open {
                owner: VerifyingKey::from_bytes(reader.array()?).map_err(|_| BadFrame)?,
                mode: match reader.u8()? {
                    1 => Mode::Quiet,
                    2 => Mode::Subscribe,
                    _ => return Err(BadFrame),
                },
                signature: Signature::from_bytes(reader.array()?),
            },
            Tag::Put => {
                let queue = QueueId(reader.array()?);
                let send = SendKey(Secret::from_bytes(reader.array()?));
                let postage = match reader.u8()? {
                    0 => Postage::Free,
                    1 => Postage::Work(Proof::read(&mut reader)?),
                    2 => Postage::Pass(Pass {
                        name: reader.array()?,
                        proof: reader.array()?,
                    }),
                    _ => return Err(BadFrame),
                };
                let envelope = Envelope::from_bytes(reader.rest().to_vec()).map_err(|_| BadFrame)?;
                return Ok((
                    number,
                    Self::Put {
                        queue,
                        send,
                        postage,
                        envelope,
                    },
                ));
            }
            Tag::Acknowledge => {
                let queue = QueueId(reader.array()?);
                let mut numbers = Vec::new();
                while !reader.is_empty() {
                    numbers.push(reader.u64()?);
                }
                let ascending = numbers.windows(2).all(|pair| matches!(pair, [a, b] if a < b));
                if numbers.is_empty() || numbers.len() > MAX_ACKNOWLEDGED || !ascending {
                    return Err(BadFrame);
                }
                Self::Acknowledge { queue, numbers }
            }
            Tag::Delete => Self::Delete {
                queue: QueueId(reader.array()?),
            },
            _ => return Err(BadFrame),
        };
        if reader.is_empty() {
            Ok((number, request))
        } else {
            Err(BadFrame)
        }
    }

    fn tag(&self) -> Tag {
        match self {
            Self::QuoteQueue { .. } | Self::QuotePut { .. } => Tag::Quote,
            Self::Create { .. } => Tag::Create,
            Self::Open { .. } => Tag::Open,
            Self::Put { .. } => Tag::Put,
            Self::Acknowledge { .. } => Tag::Acknowledge,
            Self::Delete { .. } => Tag::Delete,
        }
    }
}
