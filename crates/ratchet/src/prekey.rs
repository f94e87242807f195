//! Prekeys: what a device publishes so that others can begin a session with it while it is off.

use crate::{
    RecordError, record,
    turn::{OwnKeys, PeerKeys},
};
use outis_crypto::{
    CryptoRng, SecretBytes,
    agreement::{PublicKey, SecretKey},
    kem::{self, DecapsulationKey, EncapsulationKey},
    label,
    signature::Signature,
};
use outis_identity::{DeviceKeys, VerifiedDevice};
use outis_wire::{Epoch, Reader, UnixMillis};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{fmt, sync::Arc};

/// A device's secret half for one epoch: X25519 and ML-KEM-768, always both.
///
/// While it lives, whoever steals it can read the initial messages that were sent to it; so it is short-lived, and erased
/// when [`Self::is_over`] says so.
pub struct Prekey {
    epoch: Epoch,
    keys: OwnKeys,
}

impl Prekey {
    /// A fresh one, for `epoch`. A device makes one for each epoch that it publishes.
    pub fn generate(rng: &mut impl CryptoRng, epoch: Epoch) -> Self {
        Self {
            epoch,
            keys: OwnKeys::generate(rng),
        }
    }

    /// Which it is for.
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Whether it must be erased: [`Self::LIFETIME_DAYS`] after its epoch.
    pub fn is_over(&self, now: UnixMillis) -> bool {
        now >= self.epoch.offset(Self::LIFETIME_DAYS).end()
    }

    /// What the device publishes. Signing is deterministic: the same prekey gives the same bytes each time.
    pub fn public(&self, device: &DeviceKeys) -> SignedPrekey {
        let unsigned = self.unsigned();
        let signature = device.signing().sign(label::RATCHET_PREKEY, &unsigned.to_bytes());
        SignedPrekey { unsigned, signature }
    }

    /// For the vault, and for nothing else.
    ///
    /// | offset | size | field                     |
    /// |      0 |    1 | version = 1               |
    /// |      1 |    4 | epoch                     |
    /// |      5 |   32 | X25519 secret key         |
    /// |     37 |   64 | ML-KEM-768 seed (`d ‖ z`) |
    pub fn to_record(&self) -> SecretBytes {
        let mut record = record::Writer::new(101, RECORD_VERSION);
        record.u32(self.epoch.0);
        record.bytes(self.keys.agreement().seed().dangerously_expose());
        record.bytes(self.keys.decapsulation().seed().dangerously_expose());
        record.finish()
    }

    /// Reads what [`Self::to_record`] wrote.
    ///
    /// # Errors
    /// An unknown version or a wrong length.
    pub fn from_record(bytes: &[u8]) -> Result<Self, RecordError> {
        let mut reader = record::open(bytes, RECORD_VERSION)?;
        let epoch = Epoch(reader.u32()?);
        let agreement = SecretKey::from_seed(&record::secret(&mut reader)?);
        let decapsulation = DecapsulationKey::from_seed(record::secret(&mut reader)?);
        record::close(reader)?;
        Ok(Self {
            epoch,
            keys: OwnKeys::from_parts(agreement, decapsulation),
        })
    }

    pub(crate) fn keys(&self) -> &OwnKeys {
        &self.keys
    }

    pub(crate) fn id(&self) -> PrekeyId {
        self.unsigned().id()
    }

    fn unsigned(&self) -> Unsigned {
        Unsigned {
            epoch: self.epoch,
            agreement: self.keys.agreement().public(),
            encapsulation: self.keys.decapsulation().encapsulation_key(),
        }
    }

    /// Descriptors are published for up to 14 days ahead, and clocks may be two days off.
    pub const LIFETIME_DAYS: i32 = 16;
}

/// A prekey as a stranger finds it: not to be used before [`Remote::new`] has checked it.
///
/// | offset | size | field                                          |
/// |      0 |    1 | version = 1                                    |
/// |      1 |    4 | epoch                                          |
/// |      5 |   32 | X25519 public key, canonical, not of low order |
/// |     37 | 1184 | ML-KEM-768 encapsulation key, checked          |
/// |   1221 |   64 | the device's signature over all before it      |
///
/// The post-quantum half is not optional: there is no encoding without it.
#[derive(Clone, PartialEq, Eq)]
pub struct SignedPrekey {
    unsigned: Unsigned,
    signature: Signature,
}

impl SignedPrekey {
    /// Which epoch it claims to be for.
    pub fn epoch(&self) -> Epoch {
        self.unsigned.epoch
    }

    /// The encoding above.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.unsigned.to_bytes();
        bytes.extend_from_slice(self.signature.as_bytes());
        bytes
    }

    /// Reads the encoding above.
    ///
    /// # Errors
    /// See [`MalformedPrekey`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, MalformedPrekey> {
        Self::read(Reader::new(bytes)).ok_or(MalformedPrekey)
    }

    fn read(mut reader: Reader<'_>) -> Option<Self> {
        if reader.u8().ok()? != VERSION {
            return None;
        }
        let epoch = Epoch(reader.u32().ok()?);
        let agreement = PublicKey::from_bytes(reader.array().ok()?).ok()?;
        let encapsulation = EncapsulationKey::from_bytes(reader.bytes(kem::ENCAPSULATION_KEY).ok()?).ok()?;
        let signature = Signature::from_bytes(reader.array().ok()?);
        reader.is_empty().then_some(Self {
            unsigned: Unsigned {
                epoch,
                agreement,
                encapsulation,
            },
            signature,
        })
    }

    /// Bytes of the encoding.
    pub const SIZE: usize = 1 + 4 + 32 + kem::ENCAPSULATION_KEY + 64;
}

impl fmt::Debug for SignedPrekey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { unsigned, signature: _ } = self;
        out.debug_struct("SignedPrekey")
            .field("epoch", &unsigned.epoch)
            .finish_non_exhaustive()
    }
}

impl Serialize for SignedPrekey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.to_bytes())
    }
}

impl<'de> Deserialize<'de> for SignedPrekey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = <&[u8]>::deserialize(deserializer)?;
        Self::from_bytes(bytes).map_err(de::Error::custom)
    }
}

/// Not a prekey: another version, another length, or keys that are no good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("malformed prekey")]
pub struct MalformedPrekey;

/// Somebody to begin a session with: a device that its account certified, and a prekey that this device signed.
pub struct Remote {
    device: VerifiedDevice,
    prekey: Unsigned,
}

impl Remote {
    /// Checks that `prekey` is this device's.
    ///
    /// # Errors
    /// [`ForeignPrekey`] if the device did not sign it.
    pub fn new(device: VerifiedDevice, prekey: &SignedPrekey) -> Result<Self, ForeignPrekey> {
        let SignedPrekey { unsigned, signature } = prekey;
        device
            .keys()
            .signing
            .verify(label::RATCHET_PREKEY, &unsigned.to_bytes(), signature)
            .map_err(|_| ForeignPrekey)?;
        Ok(Self {
            device,
            prekey: unsigned.clone(),
        })
    }

    /// The device.
    pub fn device(&self) -> &VerifiedDevice {
        &self.device
    }

    pub(crate) fn epoch(&self) -> Epoch {
        self.prekey.epoch
    }

    pub(crate) fn prekey_id(&self) -> PrekeyId {
        self.prekey.id()
    }

    pub(crate) fn keys(&self) -> PeerKeys {
        PeerKeys {
            agreement: self.prekey.agreement,
            encapsulation: Arc::new(self.prekey.encapsulation.clone()),
        }
    }
}

/// The device did not sign this prekey.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the device did not sign this prekey")]
pub struct ForeignPrekey;

/// Names a prekey by all that it consists of, so that an agreement bound to the name is bound to both keys. (An
/// encapsulation key that is not bound lets an attacker move a shared secret from one key to another: Bhargavan et al.,
/// [Formal verification of the PQXDH protocol](https://www.usenix.org/conference/usenixsecurity24/presentation/bhargavan).)
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct PrekeyId(pub(crate) [u8; 32]);

#[derive(Clone, PartialEq, Eq)]
struct Unsigned {
    epoch: Epoch,
    agreement: PublicKey,
    encapsulation: EncapsulationKey,
}

impl Unsigned {
    fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(SignedPrekey::SIZE);
        bytes.push(VERSION);
        bytes.extend_from_slice(&self.epoch.0.to_be_bytes());
        bytes.extend_from_slice(self.agreement.as_bytes());
        bytes.extend_from_slice(self.encapsulation.as_bytes());
        bytes
    }

    fn id(&self) -> PrekeyId {
        PrekeyId(outis_crypto::hash(label::RATCHET_PREKEY_ID, &[&self.to_bytes()]))
    }
}

const VERSION: u8 = 1;

const RECORD_VERSION: u8 = 1;
