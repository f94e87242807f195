//! The order to create a queue, and what an owner signs.

use super::{BadFrame, Mode, Nonce};
use crate::queue::PassKey;
use outis_crypto::{
    Secret, SecretBytes, hash, label,
    signature::{Signature, SigningKey, VerifyingKey},
};
use outis_wire::{NetworkName, NodeId, Reader};

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

    pub(super) fn write(self, out: &mut Vec<u8>) {
        let (kind, reserve) = match self {
            Self::Direct { reserve } => (1, reserve),
            Self::Requests => (2, 0),
        };
        out.push(kind);
        out.extend_from_slice(&reserve.to_be_bytes());
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, BadFrame> {
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
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.owner.as_bytes());
        self.kind.write(out);
        out.extend_from_slice(&self.send);
        out.extend_from_slice(self.pass.0.dangerously_expose());
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, BadFrame> {
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

/// 128 places for medium envelopes and their records.
const REQUESTS_RESERVE: u64 = 128 * (16_384 + crate::server::RECORD_OVERHEAD);
