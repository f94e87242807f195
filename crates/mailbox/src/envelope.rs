//! Envelopes: what mailboxes hold. Three sizes, nothing else.

use crate::queue::{QueueId, SealKey};
use outis_crypto::{CryptoRng, SecretBytes, aead, hash, label};

/// The sizes there are. A mailbox learns of a content only which of the three it fitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Size {
    /// 4 096 bytes: with its put request it fits one cell of a circuit.
    Small,
    /// 16 KiB.
    Medium,
    /// 68 KiB: a 64 KiB piece of a file and its wrapping.
    Large,
}

impl Size {
    /// All of them, smallest first.
    pub const ALL: [Self; 3] = [Self::Small, Self::Medium, Self::Large];

    /// Bytes of such an envelope.
    pub const fn bytes(self) -> usize {
        match self {
            Self::Small => 4_096,
            Self::Medium => 16_384,
            Self::Large => 69_632,
        }
    }

    /// Bytes of payload that fit in it.
    pub const fn capacity(self) -> usize {
        self.bytes() - aead::OVERHEAD - LENGTH
    }

    /// The smallest that holds `payload` bytes.
    pub fn for_payload(payload: usize) -> Option<Self> {
        Self::ALL.into_iter().find(|size| payload <= size.capacity())
    }
}

/// One sealed copy, for one queue on one mailbox. Copies of one payload for two mailboxes share no bytes.
///
/// | offset | size | field                                                    |
/// |      0 |   24 | nonce                                                    |
/// |     24 |    n | sealed: length (4, big-endian) ‖ payload ‖ zero padding  |
/// | 24 + n |   16 | tag                                                      |
///
/// sealed under the queue's seal key with the queue's id as associated data: no mailbox can move it to another queue.
#[derive(Clone, PartialEq, Eq)]
pub struct Envelope(Vec<u8>);

impl Envelope {
    /// Seals `payload` for `queue` in the smallest size that holds it.
    ///
    /// # Errors
    /// If it does not fit the largest.
    pub fn seal(rng: &mut impl CryptoRng, queue: &QueueId, key: &SealKey, payload: &[u8]) -> Result<Self, TooLarge> {
        let size = Size::for_payload(payload.len()).ok_or(TooLarge)?;
        let length = u32::try_from(payload.len()).map_err(|_| TooLarge)?;
        let mut plain = Vec::with_capacity(LENGTH + size.capacity());
        plain.extend_from_slice(&length.to_be_bytes());
        plain.extend_from_slice(payload);
        plain.resize(LENGTH + size.capacity(), 0);
        let plain = SecretBytes::from(plain);
        Ok(Self(aead::seal(
            &key.0,
            rng,
            &associated(queue),
            plain.dangerously_expose(),
        )))
    }

    /// The payload.
    ///
    /// # Errors
    /// If it was not sealed for this queue under this key, or is not in the form that [`Envelope::seal`] gives.
    pub fn open(&self, queue: &QueueId, key: &SealKey) -> Result<SecretBytes, NotForThisQueue> {
        let plain = aead::open(&key.0, &associated(queue), &self.0).map_err(|_| NotForThisQueue)?;
        let (length, rest) = plain
            .dangerously_expose()
            .split_first_chunk::<LENGTH>()
            .ok_or(NotForThisQueue)?;
        let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| NotForThisQueue)?;
        let (payload, padding) = rest.split_at_checked(length).ok_or(NotForThisQueue)?;
        let smallest = Size::for_payload(length).is_some_and(|size| size.bytes() == self.0.len());
        if !smallest || padding.iter().any(|byte| *byte != 0) {
            return Err(NotForThisQueue);
        }
        Ok(SecretBytes::from(payload.to_vec()))
    }

    /// Takes bytes from the wire or the shelf.
    ///
    /// # Errors
    /// If they have none of the three sizes.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, NotAnEnvelope> {
        if Size::ALL.iter().any(|size| size.bytes() == bytes.len()) {
            Ok(Self(bytes))
        } else {
            Err(NotAnEnvelope)
        }
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Its size.
    pub fn size(&self) -> Size {
        Size::ALL
            .into_iter()
            .find(|size| size.bytes() == self.0.len())
            .unwrap_or(Size::Large)
    }

    /// What it is told apart by: a put that is repeated changes nothing.
    pub fn digest(&self) -> [u8; 32] {
        hash(label::ENVELOPE_DIGEST, &[&self.0])
    }
}

/// The length alone: what is inside is nobody's business.
impl std::fmt::Debug for Envelope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self(bytes) = self;
        write!(f, "Envelope({} bytes)", bytes.len())
    }
}

/// More than an envelope holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("more than an envelope holds")]
pub struct TooLarge;

/// Not one of the three sizes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the size of an envelope")]
pub struct NotAnEnvelope;

/// It does not open here: damaged, forged, or meant for another queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not sealed for this queue")]
pub struct NotForThisQueue;

const LENGTH: usize = 4;

fn associated(queue: &QueueId) -> [u8; 32] {
    hash(label::ENVELOPE_SEAL, &[&queue.0])
}

#[cfg(test)]
mod tests;
