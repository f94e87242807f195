//! The account's word for a device.

use crate::{Address, DevicePublicKeys};
use outis_crypto::{
    label,
    signature::{Signature, SigningKey},
};
use outis_wire::UnixMillis;
use serde::{Deserialize, Serialize};
use std::{cmp::Ordering, fmt, time::Duration};

/// "This device speaks for this account", signed by the account's key; not yet checked by anybody.
///
/// Encoded by the strict codec: the statement (version = 1, account key 32 B, device's signing key 32 B, device's agreement
/// key 32 B, generation varint, expiry in Unix milliseconds varint), then the signature 64 B. The signature is over the
/// encoded statement, under a label of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceCertificate {
    statement: Statement,
    signature: Signature,
}

impl DeviceCertificate {
    pub(crate) fn sign(
        account: &SigningKey,
        device: DevicePublicKeys,
        generation: Generation,
        expires: UnixMillis,
    ) -> Self {
        let statement = Statement {
            version: VERSION,
            account: Address::new(account.verifying_key()),
            device,
            generation,
            expires,
        };
        let signature = account.sign(label::DEVICE_CERTIFICATE, &outis_wire::encode(&statement));
        Self { statement, signature }
    }

    /// Checks it. Whose certificate it is, the caller compares: [`VerifiedDevice::account`].
    ///
    /// Clocks may be two days off, so that a certificate is good for two days after its expiry.
    ///
    /// # Errors
    /// See [`CertificateError`].
    pub fn verify(&self, now: UnixMillis) -> Result<VerifiedDevice, CertificateError> {
        let Statement {
            version,
            account,
            device,
            generation,
            expires,
        } = self.statement;
        if version != VERSION {
            return Err(CertificateError::UnknownVersion(version));
        }
        account
            .account_key()
            .verify(
                label::DEVICE_CERTIFICATE,
                &outis_wire::encode(&self.statement),
                &self.signature,
            )
            .map_err(|_| CertificateError::BadSignature)?;
        if now > expires.plus(CLOCK_TOLERANCE) {
            return Err(CertificateError::Expired);
        }
        Ok(VerifiedDevice {
            account,
            keys: device,
            generation,
            expires,
        })
    }

    /// How long a certificate is made for. A device makes itself a new one whenever it publishes, so this only bounds how
    /// long a certificate that leaked with its keys is good for somebody who never sees the account's descriptor.
    pub const LIFETIME: Duration = Duration::from_secs(90 * 24 * 60 * 60);

    /// The longest encoding.
    pub const MAX_ENCODED: usize = 1 + 32 + 32 + 32 + 10 + 10 + 64;
}

/// A device that its account has certified. Made only by [`DeviceCertificate::verify`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VerifiedDevice {
    account: Address,
    keys: DevicePublicKeys,
    generation: Generation,
    expires: UnixMillis,
}

impl VerifiedDevice {
    /// Whose it is.
    pub fn account(&self) -> &Address {
        &self.account
    }

    /// Its public keys.
    pub fn keys(&self) -> &DevicePublicKeys {
        &self.keys
    }

    /// Names the installation.
    pub fn id(&self) -> DeviceId {
        self.keys.id()
    }

    /// Higher than that of every device of the account before it.
    pub fn generation(&self) -> Generation {
        self.generation
    }

    /// When the certificate ends.
    pub fn expires(&self) -> UnixMillis {
        self.expires
    }

    /// How this device stands to the one that `known` was seen with last. Two devices that took the same generation at the
    /// same time settle it by the smaller id, which everybody computes alike.
    ///
    /// Only ever asked about two devices of one account; devices of two accounts have no order.
    pub fn standing(&self, known: &Self) -> Standing {
        debug_assert_eq!(self.account, known.account, "devices of two accounts have no order");
        Standing::of((self.generation, self.id()), (known.generation, known.id()))
    }
}

/// What a device is to the one known so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The same installation, under the same or a newer certificate.
    Same,
    /// It has taken over: from now on the known one is not accepted any more.
    Successor,
    /// It has been superseded and is not accepted any more.
    Superseded,
}

impl Standing {
    /// Compares by generation and id alone, for callers that stored only these.
    pub fn of(device: (Generation, DeviceId), known: (Generation, DeviceId)) -> Self {
        match device.0.cmp(&known.0) {
            // An installation that was superseded and comes back on its person's word keeps its keys and takes a higher
            // generation; to a contact who never saw the one between, it is the same device.
            Ordering::Greater | Ordering::Equal if device.1 == known.1 => Self::Same,
            Ordering::Greater => Self::Successor,
            Ordering::Equal if device.1 < known.1 => Self::Successor,
            Ordering::Equal | Ordering::Less => Self::Superseded,
        }
    }
}

/// Counts the devices of an account: who signs in takes the highest seen, plus one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Generation(pub u64);

impl Generation {
    /// That of an account's first device.
    pub const FIRST: Self = Self(1);

    /// What a device takes that saw `self` as the highest. `None` after 2^64 sign-ins, or when somebody who holds the
    /// account's key has burnt them all.
    pub fn next(self) -> Option<Self> {
        self.0.checked_add(1).map(Self)
    }
}

/// Names an installation: a hash of its public keys.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DeviceId(pub [u8; 32]);

/// Shows nothing: logs name nobody.
impl fmt::Debug for DeviceId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(_) = self;
        out.write_str("DeviceId(..)")
    }
}

/// Why a certificate is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// Made by a newer version of Outis.
    #[error("device certificate of unknown version {0}")]
    UnknownVersion(u8),
    /// Not signed by the account that it names.
    #[error("the account did not sign this device certificate")]
    BadSignature,
    /// Its time is over, by more than clocks may differ.
    #[error("the device certificate has expired")]
    Expired,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Statement {
    version: u8,
    account: Address,
    device: DevicePublicKeys,
    generation: Generation,
    expires: UnixMillis,
}

const VERSION: u8 = 1;

const CLOCK_TOLERANCE: Duration = Duration::from_secs(2 * 24 * 60 * 60);

#[cfg(test)]
mod tests;
