//! The account's own keys.

use crate::{Address, DeviceCertificate, DevicePublicKeys, Generation, Nickname, Password};
use outis_crypto::{
    Secret, SecretBytes, derive_from, hash,
    label::{self, Label},
    password::{Cost, TooLittleMemory, stretch},
    signature::{Signature, SigningKey, VerifyingKey},
};
use outis_wire::{Reader, UnixMillis};

/// An account's secret: the Ed25519 key that nickname and password give.
pub struct Identity {
    account: SigningKey,
}

impl Identity {
    /// Makes the account's key. At [`Cost::ACCOUNT`] this takes 1 GiB of memory and some seconds of all cores, because
    /// whoever reads a published descriptor can try passwords at this price; it is done once for each machine, and the
    /// result kept by [`Self::to_record`]. The cost is an argument for tests only: another cost is another account.
    ///
    /// `root = Argon2id(password, salt = H("…/salt/unicode-16.0", canonical nickname), cost) → 64 bytes`;
    /// `seed = KDF("…/account", root)`.
    ///
    /// # Errors
    /// [`DeriveError::TooLittleMemory`]. Nothing else can fail: which nicknames and passwords there are is settled by
    /// [`Nickname`] and [`Password`].
    pub fn derive(nickname: &Nickname, password: &Password, cost: Cost) -> Result<Self, DeriveError> {
        let salt = hash(label::ACCOUNT_SALT, &[nickname.canonical().as_bytes()]);
        let root: Secret<64> =
            stretch(password.dangerously_expose().as_bytes(), &salt, cost).map_err(DeriveError::TooLittleMemory)?;
        let seed = derive_from(label::ACCOUNT_KEY, &[root.dangerously_expose()], &[]);
        Ok(Self {
            account: SigningKey::from_seed(&seed),
        })
    }

    /// The account's public face.
    pub fn address(&self) -> Address {
        Address::new(self.account.verifying_key())
    }

    /// The account's public key.
    pub fn account_key(&self) -> VerifyingKey {
        self.account.verifying_key()
    }

    /// Signs in the account's name.
    pub fn sign(&self, label: Label, message: &[u8]) -> Signature {
        self.account.sign(label, message)
    }

    /// Certifies that `device` speaks for the account.
    pub fn certify(&self, device: DevicePublicKeys, generation: Generation, expires: UnixMillis) -> DeviceCertificate {
        DeviceCertificate::sign(&self.account, device, generation, expires)
    }

    /// The account's secret key itself. One thing needs it: blinding it for an epoch, so that the account's descriptor can
    /// be signed without naming the account.
    pub fn dangerously_signing_key(&self) -> &SigningKey {
        &self.account
    }

    /// For the vault, and for nothing else.
    ///
    /// | offset | size | field        |
    /// |      0 |    1 | version = 1  |
    /// |      1 |   32 | Ed25519 seed |
    pub fn to_record(&self) -> SecretBytes {
        let mut record = Vec::with_capacity(33);
        record.push(RECORD_VERSION);
        record.extend_from_slice(self.account.seed().dangerously_expose());
        SecretBytes::from(record)
    }

    /// Reads what [`Self::to_record`] wrote.
    ///
    /// # Errors
    /// An unknown version or a wrong length.
    pub fn from_record(record: &[u8]) -> Result<Self, RecordError> {
        let mut reader = Reader::new(record);
        match reader.u8().map_err(|_| RecordError::Malformed)? {
            RECORD_VERSION => {}
            other => return Err(RecordError::UnknownVersion(other)),
        }
        let seed = Secret::from_bytes(reader.array().map_err(|_| RecordError::Malformed)?);
        if !reader.is_empty() {
            return Err(RecordError::Malformed);
        }
        Ok(Self {
            account: SigningKey::from_seed(&seed),
        })
    }
}

/// Why no account could be made.
#[derive(Debug, thiserror::Error)]
pub enum DeriveError {
    /// The machine would not give the memory. The cost is never lowered: that would be another account.
    #[error("making the account's key needs 1 GiB of free memory")]
    TooLittleMemory(#[source] TooLittleMemory),
}

/// Why a stored record is not what it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// Written by a newer version.
    #[error("record of unknown version {0}")]
    UnknownVersion(u8),
    /// Damaged.
    #[error("malformed record")]
    Malformed,
}

const RECORD_VERSION: u8 = 1;

#[cfg(test)]
mod tests;
