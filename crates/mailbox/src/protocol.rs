//! What client and mailbox say to each other, byte by byte.
//!
//! A frame is its length (4, big-endian), a number (4), a tag (2) and a body. The client numbers its requests; replies and
//! pushes carry the number of the request that they belong to. The mailbox speaks first: [`Reply::Hello`], number 0.

use crate::{
    envelope::Envelope,
    queue::{Pass, PassKey, QueueId, SendKey},
    work::{Hour, Proof},
};
use outis_crypto::{
    CryptoRng, Secret, SecretBytes, hash, label,
    signature::{Signature, SigningKey, VerifyingKey},
};
use outis_wire::{NetworkName, NodeId, Reader, Truncated, UnixMillis};

/// All tags of the mailbox protocol. Requests are below 128, replies above. A removed tag stays reserved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
pub(crate) enum Tag {
    Quote = 0x0101,
    Create = 0x0102,
    Open = 0x0103,
    Put = 0x0104,
    Acknowledge = 0x0105,
    Delete = 0x0106,
    Hello = 0x0181,
    Quoted = 0x0182,
    Created = 0x0183,
    Opened = 0x0184,
    Stored = 0x0185,
    Acknowledged = 0x0186,
    Deleted = 0x0187,
    Refused = 0x0188,
    Delivered = 0x0189,
    CaughtUp = 0x018a,
    Ended = 0x018b,
}

impl Tag {
    fn read(value: u16) -> Option<Self> {
        const ALL: [Tag; 17] = [
            Tag::Quote,
            Tag::Create,
            Tag::Open,
            Tag::Put,
            Tag::Acknowledge,
            Tag::Delete,
            Tag::Hello,
            Tag::Quoted,
            Tag::Created,
            Tag::Opened,
            Tag::Stored,
            Tag::Acknowledged,
            Tag::Deleted,
            Tag::Refused,
            Tag::Delivered,
            Tag::CaughtUp,
            Tag::Ended,
        ];
        ALL.into_iter().find(|tag| *tag as u16 == value)
    }
}

/// The longest frame either side sends, without its length: a put of the largest envelope with work.
pub(crate) const MAX_FRAME: usize = 4 + 2 + 32 + 32 + 1 + Proof::SIZE + crate::Size::Large.bytes();

/// Envelopes acknowledged by one request, at most.
pub(crate) const MAX_ACKNOWLEDGED: usize = 64;

/// Drawn by the mailbox for each connection: an owner's signature is good for one connection only.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Nonce(pub(crate) [u8; 32]);

impl Nonce {
    /// A fresh one.
    pub fn random(rng: &mut impl CryptoRng) -> Self {
        let mut bytes = [0; 32];
        rng.fill_bytes(&mut bytes);
        Self(bytes)
    }
}

/// What a queue is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// For whoever has its card: put with the send key alone. When its reserve is used up, a put is refused.
    Direct {
        /// Space to reserve, in KiB: [`Kind::MIN_RESERVE`] to [`Kind::MAX_RESERVE`].
        reserve: u32,
    },
    /// For strangers: put with the send key and work, or with a pass. Keeps the 64 dearest, and 64 with passes.
    Requests,
}

impl Kind {
    /// For one contact: 400 small envelopes and more.
    pub const CONTACT: Self = Self::Direct { reserve: 2 * 1024 };
    /// For an invite's token: a handful of requests.
    pub const INVITE: Self = Self::Direct { reserve: 128 };
    /// For a file of up to 16 MiB in 64 KiB pieces.
    pub const PARCEL: Self = Self::Direct { reserve: 20 * 1024 };
    /// The smallest reserve, in KiB.
    pub const MIN_RESERVE: u32 = 64;
    /// The largest reserve, in KiB.
    pub const MAX_RESERVE: u32 = 20 * 1024;

    /// Bytes reserved for such a queue.
    pub fn reserve(self) -> u64 {
        match self {
            Self::Direct { reserve } => u64::from(reserve) * 1024,
            Self::Requests => REQUESTS_RESERVE,
        }
    }

    fn write(self, out: &mut Vec<u8>) {
        let (kind, reserve) = match self {
            Self::Direct { reserve } => (1, reserve),
            Self::Requests => (2, 0),
        };
        out.push(kind);
        out.extend_from_slice(&reserve.to_be_bytes());
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, BadFrame> {
        match (reader.u8()?, reader.u32()?) {
            (1, reserve @ Self::MIN_RESERVE..=Self::MAX_RESERVE) => Ok(Self::Direct { reserve }),
            (2, 0) => Ok(Self::Requests),
            _ => Err(BadFrame),
        }
    }
}

/// The order to create a queue.
pub(crate) struct Order {
    pub(crate) owner: VerifyingKey,
    pub(crate) kind: Kind,
    /// Digest of the send key.
    pub(crate) send: [u8; 32],
    pub(crate) pass: PassKey,
}

impl Order {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.owner.as_bytes());
        self.kind.write(out);
        out.extend_from_slice(&self.send);
        out.extend_from_slice(self.pass.0.dangerously_expose());
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, BadFrame> {
        Ok(Self {
            owner: VerifyingKey::from_bytes(reader.array()?).map_err(|_| BadFrame)?,
            kind: Kind::read(reader)?,
            send: reader.array()?,
            pass: PassKey(Secret::from_bytes(reader.array()?)),
        })
    }

    /// What work for it is bound to.
    pub(crate) fn digest(&self) -> [u8; 32] {
        let mut bytes = Vec::new();
        self.write(&mut bytes);
        hash(label::MAILBOX_ORDER, &[SecretBytes::from(bytes).dangerously_expose()])
    }
}

/// Where and on which connection an owner signs.
#[derive(Clone)]
pub(crate) struct Context {
    pub(crate) network: NetworkName,
    pub(crate) node: NodeId,
    pub(crate) nonce: Nonce,
}

impl Context {
    pub(crate) fn sign_order(&self, key: &SigningKey, order: &Order) -> Signature {
        key.sign(label::MAILBOX_CREATE, &self.statement(&order.digest()))
    }

    pub(crate) fn sign_open(&self, key: &SigningKey, mode: Mode) -> Signature {
        key.sign(label::MAILBOX_OPEN, &self.statement(&[mode as u8]))
    }

    pub(crate) fn signed_order(&self, order: &Order, signature: &Signature) -> bool {
        order
            .owner
            .verify(label::MAILBOX_CREATE, &self.statement(&order.digest()), signature)
            .is_ok()
    }

    pub(crate) fn signed_open(&self, owner: &VerifyingKey, mode: Mode, signature: &Signature) -> bool {
        owner
            .verify(label::MAILBOX_OPEN, &self.statement(&[mode as u8]), signature)
            .is_ok()
    }

    fn statement(&self, what: &[u8]) -> Vec<u8> {
        let network = self.network.as_str().as_bytes();
        let length = u8::try_from(network.len()).expect("a network's name has at most 32 bytes");
        [&[length], network, &self.node.0, &self.nonce.0, what].concat()
    }
}

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

/// What something costs now, by the mailbox's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quote {
    /// The least effort.
    pub effort: u32,
    /// The hour to work for.
    pub hour: Hour,
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
    Delivered { number: u64, envelope: Envelope },
    CaughtUp,
    Ended,
}

impl Reply {
    /// number (4) ‖ tag (2) ‖
    /// - hello: version (1) ‖ nonce (32)
    /// - quoted: effort (4) ‖ hour (4)
    /// - created, opened: until when the queue stays, Unix milliseconds (8)
    /// - refused: code (1), and for code 4 effort (4) ‖ hour (4)
    /// - delivered: the envelope's number in its queue (8) ‖ envelope
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
            Self::Delivered { number, envelope } => {
                out.extend_from_slice(&number.to_be_bytes());
                out.extend_from_slice(envelope.as_bytes());
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
                let envelope = Envelope::from_bytes(reader.rest().to_vec()).map_err(|_| BadFrame)?;
                return Ok((number, Self::Delivered { number: of, envelope }));
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
            Self::Delivered { .. } => Tag::Delivered,
            Self::CaughtUp => Tag::CaughtUp,
            Self::Ended => Tag::Ended,
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

/// Not a frame of this protocol. Whoever sends one is not talked to any further.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a frame of this protocol")]
pub(crate) struct BadFrame;

impl From<Truncated> for BadFrame {
    fn from(_: Truncated) -> Self {
        Self
    }
}

fn header(number: u32, tag: Tag) -> Vec<u8> {
    let mut out = Vec::with_capacity(128);
    out.extend_from_slice(&number.to_be_bytes());
    out.extend_from_slice(&(tag as u16).to_be_bytes());
    out
}

const VERSION: u8 = 1;

/// 128 places for medium envelopes and their records.
const REQUESTS_RESERVE: u64 = 128 * (16_384 + crate::server::RECORD_OVERHEAD);
