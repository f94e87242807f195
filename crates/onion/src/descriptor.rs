//! What a relay says of itself, signed.

use crate::{OnionKey, RelayAddress, Scope};
use outis_crypto::{
    agreement, kem, label,
    signature::{Signature, SigningKey, VerifyingKey},
};
use outis_wire::{DecodeError, Epoch, NetworkName, NodeId, Reader, Tagged, decode, encode};
use serde::{Deserialize, Serialize};

/// What a relay says of itself. From outside it comes only out of [`SignedDescriptor::verify`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelayDescriptor {
    /// Who speaks.
    pub node: NodeId,
    /// The day it was issued; the day of its onion key.
    pub epoch: Epoch,
    /// Counts the descriptors of one day. No finer time is told: it would say when a machine is switched on.
    pub revision: u32,
    /// Where it can be reached, best first; one to [`RelayDescriptor::MAX_ADDRESSES`].
    pub addresses: Vec<RelayAddress>,
    /// What a circuit's hop is encrypted to.
    pub onion_key: OnionKey,
    /// What it does.
    pub roles: Roles,
    /// Which series of the program it runs.
    pub software: Software,
}

/// What a relay does: bits, of which unknown ones are kept and ignored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Roles(u32);

/// A series of the program: major and minor version. Nothing finer, so that it does not tell machines apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Software {
    /// Major version.
    pub major: u8,
    /// Minor version.
    pub minor: u8,
}

/// A descriptor as it travels and rests: nothing in it is believed before [`Self::verify`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedDescriptor {
    body: Vec<u8>,
    signature: Signature,
}

impl RelayDescriptor {
    /// Addresses that one descriptor may list.
    pub const MAX_ADDRESSES: usize = 8;

    /// Days that a descriptor is good for after its own; its onion key is kept as long.
    pub const DAYS_KEPT: i32 = 3;

    /// Days that a clock may be ahead or behind.
    pub const CLOCK_TOLERANCE: i32 = 2;

    /// Signs it for one network.
    ///
    /// # Errors
    /// It names another node than `key`'s, or lists no address or too many.
    pub fn sign(&self, key: &SigningKey, network: &NetworkName) -> Result<SignedDescriptor, SignError> {
        if NodeId(*key.verifying_key().as_bytes()) != self.node {
            return Err(SignError::AnotherNode);
        }
        if !(1..=Self::MAX_ADDRESSES).contains(&self.addresses.len()) {
            return Err(SignError::Addresses);
        }
        let body = encode(&Body::from(self));
        let signature = key.sign(label::RELAY_DESCRIPTOR, &signed(network, &body));
        Ok(SignedDescriptor { body, signature })
    }

    /// Whether it replaces `other`, an older word of the same relay.
    pub fn supersedes(&self, other: &Self) -> bool {
        (self.epoch, self.revision) > (other.epoch, other.revision)
    }

    /// Whether it still counts, or counts already, on the day `today` (a clock that is up to two days wrong included).
    pub fn is_current(&self, today: Epoch) -> bool {
        (today.offset(-Self::DAYS_KEPT)..=today.offset(Self::CLOCK_TOLERANCE)).contains(&self.epoch)
    }
}

impl Roles {
    /// Passes circuits on.
    pub const HOP: Self = Self(1);
    /// May be the first relay of somebody's circuits.
    pub const GUARD: Self = Self(1 << 1);
    /// Keeps queues.
    pub const MAILBOX: Self = Self(1 << 2);
    /// Keeps and answers for the directory.
    pub const DIRECTORY: Self = Self(1 << 3);
    /// Joins streams.
    pub const RENDEZVOUS: Self = Self(1 << 4);

    /// All of these.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether every role of `other` is among these.
    pub fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl Software {
    /// This program's.
    pub fn this() -> Self {
        let part = |text: &str| text.parse().unwrap_or(u8::MAX);
        Self {
            major: part(env!("CARGO_PKG_VERSION_MAJOR")),
            minor: part(env!("CARGO_PKG_VERSION_MINOR")),
        }
    }
}

impl SignedDescriptor {
    /// The longest encoding.
    pub const MAX_BYTES: usize = 2_048;

    /// Reads an encoding, believing nothing of it.
    ///
    /// # Errors
    /// It is too long or not canonical.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let (body, signature) = decode(bytes, Self::MAX_BYTES)?;
        Ok(Self { body, signature })
    }

    /// Its encoding.
    pub fn to_bytes(&self) -> Vec<u8> {
        encode(&(&self.body, &self.signature))
    }

    /// The node that it claims to be of: good for finding an equal one that was verified, and for nothing else.
    pub fn claimed_node(&self) -> Option<NodeId> {
        let mut reader = Reader::new(&self.body);
        let _version = reader.u8().ok()?;
        reader.array().ok().map(NodeId)
    }

    /// What the relay says, if it does say so, of this network, at about this time.
    ///
    /// # Errors
    /// Each [`DescriptorError`] is a reason to drop it and to think less of whoever sent it.
    pub fn verify(
        &self,
        network: &NetworkName,
        scope: Scope,
        today: Epoch,
    ) -> Result<RelayDescriptor, DescriptorError> {
        let body: Body = decode(&self.body, Self::MAX_BYTES).map_err(DescriptorError::Encoding)?;
        let node = VerifyingKey::from_bytes(body.node.0).map_err(|_| DescriptorError::Signature)?;
        node.verify(label::RELAY_DESCRIPTOR, &signed(network, &self.body), &self.signature)
            .map_err(|_| DescriptorError::Signature)?;
        let descriptor = RelayDescriptor::try_from(body)?;
        if !descriptor.addresses.iter().all(|address| address.is_within(scope)) {
            return Err(DescriptorError::Private);
        }
        if !descriptor.is_current(today) {
            return Err(DescriptorError::Stale);
        }
        Ok(descriptor)
    }
}

/// Why nothing was signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// The key is not that of the node named.
    #[error("the descriptor names another node")]
    AnotherNode,
    /// None, or more than [`RelayDescriptor::MAX_ADDRESSES`].
    #[error("a descriptor lists one to eight addresses")]
    Addresses,
}

/// Why a descriptor is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DescriptorError {
    /// Its bytes are not those of a descriptor.
    #[error("not a descriptor")]
    Encoding(#[source] DecodeError),
    /// A format of later days.
    #[error("descriptor version {0}")]
    Version(u8),
    /// Not signed by the node it names for this network.
    #[error("the signature does not hold")]
    Signature,
    /// Too many addresses, one twice, a malformed one, or none that we know how to use.
    #[error("bad addresses")]
    Addresses,
    /// It leads into somebody's own house.
    #[error("a private address on the public network")]
    Private,
    /// Of a day too long ago or too far ahead.
    #[error("not of these days")]
    Stale,
}

/// The signed part, in this order.
#[derive(Serialize, Deserialize)]
struct Body {
    version: u8,
    node: NodeId,
    epoch: Epoch,
    revision: u32,
    addresses: Vec<Tagged>,
    agreement: agreement::PublicKey,
    kem: kem::EncapsulationKey,
    roles: Roles,
    software: Software,
}

impl From<&RelayDescriptor> for Body {
    fn from(descriptor: &RelayDescriptor) -> Self {
        let RelayDescriptor {
            node,
            epoch,
            revision,
            addresses,
            onion_key,
            roles,
            software,
        } = descriptor.clone();
        Self {
            version: VERSION,
            node,
            epoch,
            revision,
            addresses: addresses.into_iter().map(RelayAddress::to_tagged).collect(),
            agreement: onion_key.agreement,
            kem: onion_key.kem,
            roles,
            software,
        }
    }
}

impl TryFrom<Body> for RelayDescriptor {
    type Error = DescriptorError;

    fn try_from(body: Body) -> Result<Self, DescriptorError> {
        if body.version != VERSION {
            return Err(DescriptorError::Version(body.version));
        }
        if body.addresses.len() > Self::MAX_ADDRESSES {
            return Err(DescriptorError::Addresses);
        }
        let mut addresses = Vec::new();
        for tagged in &body.addresses {
            let Some(address) = RelayAddress::from_tagged(tagged).map_err(|_| DescriptorError::Addresses)? else {
                continue;
            };
            if addresses.contains(&address) {
                return Err(DescriptorError::Addresses);
            }
            addresses.push(address);
        }
        if addresses.is_empty() {
            return Err(DescriptorError::Addresses);
        }
        Ok(Self {
            node: body.node,
            epoch: body.epoch,
            revision: body.revision,
            addresses,
            onion_key: OnionKey {
                agreement: body.agreement,
                kem: body.kem,
            },
            roles: body.roles,
            software: body.software,
        })
    }
}

/// `length of the network's name (1) ‖ name ‖ body`: a descriptor of one network says nothing on another.
fn signed(network: &NetworkName, body: &[u8]) -> Vec<u8> {
    let name = network.as_str().as_bytes();
    let length = u8::try_from(name.len()).expect("a network's name has at most 32 bytes");
    [&[length], name, body].concat()
}

const VERSION: u8 = 1;

#[cfg(test)]
mod tests;
