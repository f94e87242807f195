//! The initial message on the wire.

use crate::message::{MAX_PLAINTEXT, OVERHEAD};
use outis_crypto::{
    aead::committing,
    agreement::PublicKey,
    hash,
    kem::{self, Ciphertext},
    label,
};
use outis_wire::{Epoch, Reader};
use std::fmt;

/// What begins a session, as it travels.
///
/// | offset | size   | field                                                            |
/// |      0 |      1 | version = 1                                                      |
/// |      1 |      4 | epoch of the responder's prekey                                  |
/// |      5 |     32 | initiator's ephemeral X25519 public key                          |
/// |     37 |   1088 | ML-KEM-768 ciphertext to the prekey                              |
/// |   1125 |    264 | initiator's device certificate, padded to 192 bytes and sealed   |
/// |   1389 | 2457+n | first message of the session, with a payload of n bytes          |
///
/// In the clear there is a day and random numbers: neither the initiator nor the responder can be told from it. (Two
/// prekeys of one epoch look alike here; what names the prekey itself is bound into the keys.)
#[derive(Clone, PartialEq, Eq)]
pub struct InitialMessage {
    front: Front,
    /// Sealed certificate and first message.
    rest: Vec<u8>,
}

impl InitialMessage {
    /// Reads the encoding above. Nothing in it is authentic yet.
    ///
    /// # Errors
    /// See [`MalformedInitialMessage`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, MalformedInitialMessage> {
        if bytes.len() < INITIAL_OVERHEAD || bytes.len() > INITIAL_OVERHEAD + MAX_INITIAL_PAYLOAD {
            return Err(MalformedInitialMessage);
        }
        let mut reader = Reader::new(bytes);
        let front = reader.bytes(FRONT).map_err(|_| MalformedInitialMessage)?;
        let front = Front::read(front).ok_or(MalformedInitialMessage)?;
        Ok(Self {
            front,
            rest: reader.rest().to_vec(),
        })
    }

    /// The encoding above.
    pub fn to_bytes(&self) -> Vec<u8> {
        [self.front.as_slice(), &self.rest].concat()
    }

    /// Of which epoch the prekey is that it was made for.
    pub fn epoch(&self) -> Epoch {
        self.front.epoch
    }

    /// What the responder remembers for as long as the prekey lives, so that one handshake never makes two sessions. It
    /// covers what the keys are agreed on from; nobody else can make another message with the same.
    pub fn hash(&self) -> HandshakeHash {
        HandshakeHash(hash(label::RATCHET_HANDSHAKE, &[self.front.as_slice()]))
    }

    pub(super) fn join(front: Front, sealed_sender: &[u8], first: &[u8]) -> Self {
        Self {
            front,
            rest: [sealed_sender, first].concat(),
        }
    }

    pub(super) fn front(&self) -> &Front {
        &self.front
    }

    pub(super) fn sealed_sender(&self) -> &[u8] {
        self.rest.get(..SEALED_SENDER).unwrap_or_default()
    }

    pub(super) fn first(&self) -> &[u8] {
        self.rest.get(SEALED_SENDER..).unwrap_or_default()
    }
}

/// Shows only what is in the clear anyway.
impl fmt::Debug for InitialMessage {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { front: _, rest } = self;
        out.debug_struct("InitialMessage")
            .field("length", &(FRONT + rest.len()))
            .finish_non_exhaustive()
    }
}

/// Names a handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HandshakeHash(pub [u8; 32]);

/// Not an initial message: another version, another length, or a key that is no good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("malformed initial message")]
pub struct MalformedInitialMessage;

/// What an initial message is longer than its payload.
pub const INITIAL_OVERHEAD: usize = FRONT + SEALED_SENDER + OVERHEAD;

/// The longest payload: with it an initial message has 68 KiB, the largest envelope.
pub const MAX_INITIAL_PAYLOAD: usize = MAX_PLAINTEXT + OVERHEAD - INITIAL_OVERHEAD;

/// The part that is in the clear.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Front {
    bytes: Vec<u8>,
    epoch: Epoch,
    ephemeral: PublicKey,
    ciphertext: Ciphertext,
}

impl Front {
    pub(super) fn write(epoch: Epoch, ephemeral: &PublicKey, ciphertext: &Ciphertext) -> Self {
        let epoch_bytes = epoch.0.to_be_bytes();
        let bytes = [
            &[VERSION],
            epoch_bytes.as_slice(),
            ephemeral.as_bytes(),
            ciphertext.as_bytes(),
        ]
        .concat();
        Self {
            bytes,
            epoch,
            ephemeral: *ephemeral,
            ciphertext: ciphertext.clone(),
        }
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        if reader.u8().ok()? != VERSION {
            return None;
        }
        let epoch = Epoch(reader.u32().ok()?);
        let ephemeral = PublicKey::from_bytes(reader.array().ok()?).ok()?;
        let ciphertext = Ciphertext::from_bytes(reader.rest()).ok()?;
        Some(Self {
            bytes: bytes.to_vec(),
            epoch,
            ephemeral,
            ciphertext,
        })
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn ephemeral(&self) -> &PublicKey {
        &self.ephemeral
    }

    pub(super) fn ciphertext(&self) -> &Ciphertext {
        &self.ciphertext
    }
}

/// What is sealed about the initiator.
///
/// | offset | size | field                               |
/// |      0 |    1 | length of the certificate           |
/// |      1 |  191 | the certificate, then zeros         |
pub(super) mod sealed_sender {
    use super::SENDER;
    use outis_identity::DeviceCertificate;

    const _: () = assert!(DeviceCertificate::MAX_ENCODED < SENDER);

    pub(crate) fn pad(certificate: &DeviceCertificate) -> Vec<u8> {
        let certificate = outis_wire::encode(certificate);
        let length = u8::try_from(certificate.len()).expect("a certificate has at most 191 bytes");
        let mut bytes = [&[length], certificate.as_slice()].concat();
        bytes.resize(SENDER, 0);
        bytes
    }

    pub(crate) fn read(bytes: &[u8]) -> Option<DeviceCertificate> {
        let (length, rest) = bytes.split_first()?;
        let (certificate, padding) = rest.split_at_checked(usize::from(*length))?;
        if padding.iter().any(|byte| *byte != 0) {
            return None;
        }
        outis_wire::decode(certificate, DeviceCertificate::MAX_ENCODED).ok()
    }
}

const VERSION: u8 = 1;

const FRONT: usize = 1 + 4 + 32 + kem::CIPHERTEXT;

const SENDER: usize = 192;

const SEALED_SENDER: usize = SENDER + committing::OVERHEAD;
