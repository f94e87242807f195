//! The two messages, as bytes and taken apart.

use super::AnswerError;
use crate::Cell;
use outis_crypto::{agreement, kem};
use outis_wire::{Epoch, Reader};
use std::fmt;

/// A client's message to a hop.
///
/// | offset | size  | field                                             |
/// |      0 |     1 | version = 1                                       |
/// |      1 |     4 | epoch of the relay's onion key, big-endian        |
/// |      5 |    32 | the client's fresh X25519 key                     |
/// |     37 | 1 088 | ML-KEM-768 ciphertext to the onion key            |
/// |  1 125 | 1 184 | the client's fresh ML-KEM-768 key                 |
/// |  2 309 |    32 | proof that this was made for the relay            |
#[derive(Clone, PartialEq, Eq)]
pub struct Create(pub(super) Box<[u8; Self::BYTES]>);

/// A hop's answer.
///
/// | offset | size  | field                                             |
/// |      0 |    32 | the relay's fresh X25519 key                      |
/// |     32 | 1 088 | ML-KEM-768 ciphertext to the client's fresh key   |
/// |  1 120 |    32 | confirmation                                      |
#[derive(Clone, PartialEq, Eq)]
pub struct Created(pub(super) Box<[u8; Self::BYTES]>);

/// A [`Create`] taken apart.
pub(super) struct Question {
    pub(super) epoch: Epoch,
    pub(super) agreement: agreement::PublicKey,
    pub(super) ciphertext: kem::Ciphertext,
    pub(super) kem: kem::EncapsulationKey,
    pub(super) proof: [u8; PROOF],
}

impl Question {
    pub(super) fn read(create: &Create) -> Result<Self, AnswerError> {
        let malformed = AnswerError::Malformed;
        let mut reader = Reader::new(create.as_bytes());
        if reader.u8() != Ok(VERSION) {
            return Err(malformed);
        }
        let epoch = Epoch(reader.u32().map_err(|_| malformed)?);
        let agreement = reader.array().map_err(|_| malformed)?;
        let ciphertext = reader.bytes(kem::CIPHERTEXT).map_err(|_| malformed)?;
        let kem = reader.bytes(kem::ENCAPSULATION_KEY).map_err(|_| malformed)?;
        Ok(Self {
            epoch,
            agreement: agreement::PublicKey::from_bytes(agreement).map_err(|_| malformed)?,
            ciphertext: kem::Ciphertext::from_bytes(ciphertext).map_err(|_| malformed)?,
            kem: kem::EncapsulationKey::from_bytes(kem).map_err(|_| malformed)?,
            proof: reader.array().map_err(|_| malformed)?,
        })
    }
}

/// A [`Created`] taken apart.
pub(super) struct Answer {
    pub(super) agreement: agreement::PublicKey,
    pub(super) ciphertext: kem::Ciphertext,
    pub(super) confirmation: [u8; PROOF],
}

impl Answer {
    pub(super) fn read(created: &Created) -> Option<Self> {
        let mut reader = Reader::new(created.as_bytes());
        Some(Self {
            agreement: agreement::PublicKey::from_bytes(reader.array().ok()?).ok()?,
            ciphertext: kem::Ciphertext::from_bytes(reader.bytes(kem::CIPHERTEXT).ok()?).ok()?,
            confirmation: reader.array().ok()?,
        })
    }

    pub(super) fn write(&self) -> Created {
        let Self {
            agreement,
            ciphertext,
            confirmation,
        } = self;
        let bytes = [&agreement.as_bytes()[..], ciphertext.as_bytes(), confirmation].concat();
        Created::from_bytes(&bytes).expect("these are all its fields")
    }
}

/// Whether `bytes` are a beginning as a relay reads it, before it looks at what only it can check.
pub(crate) fn reads_as_a_beginning(bytes: &[u8]) -> bool {
    Create::from_bytes(bytes).is_ok_and(|create| Question::read(&create).is_ok())
}

/// Whether `bytes` are an answer as a client reads it. Panics if what it read is not written so.
pub(crate) fn reads_as_an_answer(bytes: &[u8]) -> bool {
    let created = Created::from_bytes(bytes).ok();
    created.is_some_and(|created| {
        Answer::read(&created).is_some_and(|answer| {
            assert!(answer.write() == created, "one answer has two encodings");
            true
        })
    })
}

macro_rules! handshake_message {
    ($name:ident, $bytes:expr) => {
        impl $name {
            /// How long it is.
            pub const BYTES: usize = $bytes;

            /// Takes bytes of the right length, and looks no closer: only the two at its ends can.
            ///
            /// # Errors
            /// [`BadMessage`] for another length.
            pub fn from_bytes(bytes: &[u8]) -> Result<Self, BadMessage> {
                bytes
                    .try_into()
                    .map(|bytes| Self(Box::new(bytes)))
                    .map_err(|_| BadMessage)
            }

            /// As inside a command.
            pub fn as_bytes(&self) -> &[u8; Self::BYTES] {
                &self.0
            }

            /// As the first cell of a stream in its direction: the message, then zeros.
            pub fn to_cell(&self) -> Cell {
                let mut cell = Cell::zeroed();
                let (head, _) = cell.block().split_at_mut(Self::BYTES);
                head.copy_from_slice(self.as_bytes());
                cell
            }

            /// Out of the first cell of a stream.
            ///
            /// # Errors
            /// [`BadMessage`] if something stands behind it.
            pub fn from_cell(cell: &Cell) -> Result<Self, BadMessage> {
                let (head, rest) = cell.as_bytes().split_at(Self::BYTES);
                if rest.iter().any(|byte| *byte != 0) {
                    return Err(BadMessage);
                }
                Self::from_bytes(head)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let Self(_) = self;
                f.write_str(stringify!($name))
            }
        }
    };
}

handshake_message!(Create, 1 + 4 + 32 + kem::CIPHERTEXT + kem::ENCAPSULATION_KEY + PROOF);
handshake_message!(Created, 32 + kem::CIPHERTEXT + PROOF);

/// Not a message of a handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a message of a handshake")]
pub struct BadMessage;

pub(super) const VERSION: u8 = 1;

/// Bytes of a proof and of a confirmation.
pub(super) const PROOF: usize = 32;
