//! What the directory stores.

use super::MAX_RELAY_DESCRIPTOR;
use crate::{
    descriptor::{DirectoryKey, SealedDescriptor},
    limits::Efforts,
    work::{Challenge, Hour, Proof, Purpose, Search, WorkError},
};
use outis_crypto::CryptoRng;
use outis_wire::{Epoch, NetworkName, Reader, UnixMillis};

/// One record: a kind (1) and its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// Kind 1: an account's descriptor and the work for it.
    Account(AccountRecord),
    /// Kind 2: a relay's signed descriptor, opaque here.
    Relay(Vec<u8>),
}

impl Record {
    /// Its bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Account(account) => {
                let mut out = vec![1];
                out.extend_from_slice(account.descriptor.as_bytes());
                account.proof.write(&mut out);
                out
            }
            Self::Relay(descriptor) => [&[2], descriptor.as_slice()].concat(),
        }
    }

    /// Reads a record; nothing in it is checked yet.
    ///
    /// # Errors
    /// If it is none.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, RecordError> {
        let (kind, body) = bytes.split_first().ok_or(RecordError::Malformed)?;
        match kind {
            1 => {
                let mut reader = Reader::new(body);
                let descriptor = reader
                    .bytes(SealedDescriptor::SIZE)
                    .map_err(|_| RecordError::Malformed)?
                    .to_vec();
                let descriptor = SealedDescriptor::from_bytes(descriptor).map_err(|_| RecordError::Malformed)?;
                let proof = Proof::read(&mut reader).map_err(|_| RecordError::Malformed)?;
                if !reader.is_empty() {
                    return Err(RecordError::Malformed);
                }
                Ok(Self::Account(AccountRecord { descriptor, proof }))
            }
            2 if (1..=MAX_RELAY_DESCRIPTOR).contains(&body.len()) => Ok(Self::Relay(body.to_vec())),
            _ => Err(RecordError::Malformed),
        }
    }

    /// Bytes of the longest record.
    pub const MAX_SIZE: usize = 1 + SealedDescriptor::SIZE + Proof::SIZE;
}

/// An account's descriptor for one epoch, paid for.
///
/// The work is for the first hour of the descriptor's epoch, whenever it was done: a holder checks it again when records
/// move, up to two weeks later, and a publisher's clock stays its own affair. Work done in advance gains nothing, because a
/// record costs the same and lives as long whenever it is put.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountRecord {
    descriptor: SealedDescriptor,
    proof: Proof,
}

impl AccountRecord {
    /// Puts a descriptor and the work for it together.
    pub fn new(descriptor: SealedDescriptor, proof: Proof) -> Self {
        Self { descriptor, proof }
    }

    /// The search for the work that `descriptor` needs. A full directory keeps what cost more.
    ///
    /// # Errors
    /// If the descriptor is not signed for this network.
    pub fn search(
        descriptor: &SealedDescriptor,
        network: &NetworkName,
        effort: u32,
        rng: &mut impl CryptoRng,
    ) -> Result<Search, RecordError> {
        let verified = descriptor
            .clone()
            .verify(network)
            .map_err(|_| RecordError::BadSignature)?;
        let challenge = challenge(network, verified.directory_key(), descriptor);
        Ok(challenge.search(first_hour(verified.epoch()), effort, rng))
    }

    /// The descriptor. Its signature is checked when it is verified, not before.
    pub fn descriptor(&self) -> &SealedDescriptor {
        &self.descriptor
    }

    /// The same, by value.
    pub fn into_descriptor(self) -> SealedDescriptor {
        self.descriptor
    }

    /// Everything that a holder checks before it stores: signature, epoch window, work. Clocks may be two days off on both
    /// sides, so that the window is two days wider than what owners publish for.
    ///
    /// # Errors
    /// See [`RecordError`].
    pub fn check(&self, network: &NetworkName, efforts: &Efforts, now: UnixMillis) -> Result<Checked, RecordError> {
        let verified = self
            .descriptor
            .clone()
            .verify(network)
            .map_err(|_| RecordError::BadSignature)?;
        let (today, epoch) = (now.epoch(), verified.epoch());
        if epoch < today.offset(-4) || epoch > today.offset(16) {
            return Err(RecordError::WrongEpoch);
        }
        let key = verified.directory_key();
        if self.proof.hour != first_hour(epoch) {
            return Err(RecordError::Work(WorkError::WrongHour));
        }
        challenge(network, key, &self.descriptor)
            .check_at_any_hour(&self.proof, efforts.descriptor)
            .map_err(RecordError::Work)?;
        Ok(Checked {
            key,
            order: verified.order(),
            effort: self.proof.effort,
            expires: epoch.offset(5).start(),
        })
    }
}

/// A record that may be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checked {
    /// Where it belongs.
    pub key: DirectoryKey,
    /// The higher one of two under one key stays.
    pub order: (u128, [u8; 32]),
    /// What was paid: of two equally far, a full store keeps the dearer.
    pub effort: u32,
    /// When it is of no use to anybody any more, clocks that are off included.
    pub expires: UnixMillis,
}

/// Why a record is not stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// Not a record.
    #[error("not a record")]
    Malformed,
    /// Not signed by the key that it names, or for another network.
    #[error("the record's signature does not hold")]
    BadSignature,
    /// Too old, or too far ahead.
    #[error("the record is for another time")]
    WrongEpoch,
    /// Not paid for.
    #[error("the record is not paid for")]
    Work(#[source] WorkError),
}

fn challenge<'a>(network: &'a NetworkName, key: DirectoryKey, descriptor: &SealedDescriptor) -> Challenge<'a> {
    Challenge {
        network,
        purpose: Purpose::Descriptor,
        target: key.0,
        content: descriptor.digest(),
    }
}

fn first_hour(epoch: Epoch) -> Hour {
    Hour::of(epoch.start())
}
