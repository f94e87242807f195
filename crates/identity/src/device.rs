//! The keys of one installation.

use crate::{DeviceId, RecordError};
use outis_crypto::{
    CryptoRng, Secret, SecretBytes,
    agreement::{PublicKey, SecretKey},
    label,
    signature::{SigningKey, VerifyingKey},
};
use outis_wire::Reader;
use serde::{Deserialize, Serialize};

/// The secret keys of one installation of one account: random, never made from the password, and never copied to another
/// machine. The account's [`DeviceCertificate`](crate::DeviceCertificate) says that they speak for it.
pub struct DeviceKeys {
    signing: SigningKey,
    agreement: SecretKey,
}

impl DeviceKeys {
    /// New keys, for a new installation.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        Self {
            signing: SigningKey::generate(rng),
            agreement: SecretKey::generate(rng),
        }
    }

    /// Signs prekeys and whatever else this device says.
    pub fn signing(&self) -> &SigningKey {
        &self.signing
    }

    /// Its long-lived half of every key agreement.
    pub fn agreement(&self) -> &SecretKey {
        &self.agreement
    }

    /// What a certificate names.
    pub fn public(&self) -> DevicePublicKeys {
        DevicePublicKeys {
            signing: self.signing.verifying_key(),
            agreement: self.agreement.public(),
        }
    }

    /// For the vault, and for nothing else.
    ///
    /// | offset | size | field                 |
    /// |      0 |    1 | version = 1           |
    /// |      1 |   32 | Ed25519 seed          |
    /// |     33 |   32 | X25519 secret key     |
    pub fn to_record(&self) -> SecretBytes {
        let mut record = Vec::with_capacity(65);
        record.push(RECORD_VERSION);
        record.extend_from_slice(self.signing.seed().dangerously_expose());
        record.extend_from_slice(self.agreement.seed().dangerously_expose());
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
        let signing = Secret::from_bytes(reader.array().map_err(|_| RecordError::Malformed)?);
        let agreement = Secret::from_bytes(reader.array().map_err(|_| RecordError::Malformed)?);
        if !reader.is_empty() {
            return Err(RecordError::Malformed);
        }
        Ok(Self {
            signing: SigningKey::from_seed(&signing),
            agreement: SecretKey::from_seed(&agreement),
        })
    }
}

/// The public halves of [`DeviceKeys`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DevicePublicKeys {
    /// Verifies what the device signs.
    pub signing: VerifyingKey,
    /// Its long-lived half of every key agreement.
    pub agreement: PublicKey,
}

impl DevicePublicKeys {
    /// Names the installation: the same under every certificate that it ever gets.
    pub fn id(&self) -> DeviceId {
        DeviceId(outis_crypto::hash(
            label::DEVICE_ID,
            &[self.signing.as_bytes(), self.agreement.as_bytes()],
        ))
    }
}

const RECORD_VERSION: u8 = 1;
