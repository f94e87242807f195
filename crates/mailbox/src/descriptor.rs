//! Account descriptors: how one is found and written to by whoever knows one's address, and by nobody else.
//!
//! For each epoch (a day) an account has another blinded key ([`outis_crypto::blinded`]), under which its descriptor for
//! that epoch lies in the directory, signed by that key and readable only with the address. The directory learns neither
//! whose it is nor that two epochs' descriptors belong together; even the revision is hidden behind an offset of its own.
//!
//! Types to know: [`AccountDescriptor`] (what it says), [`SealedDescriptor`] (8 KiB as they travel, not yet looked at),
//! [`VerifiedDescriptor`] (signed by the blinded key it names), [`DirectoryKey`] (where it lies).

use crate::queue::QueueCard;
use outis_crypto::{
    CryptoRng, Secret, SecretBytes, aead,
    blinded::{BlindedKey, BlindedSigningKey, Factor, HasTorsion},
    derive, hash, label,
    signature::{Signature, SigningKey, VerifyingKey},
};
use outis_identity::{DeviceCertificate, Generation};
use outis_wire::{Epoch, NetworkName, NodeId, Reader, Tagged, Truncated, decode, encode};
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;

/// The epochs around today that an owner publishes for: days ahead for when its app is off, days behind for readers whose
/// clocks are.
pub const PUBLISHED: RangeInclusive<i32> = -2..=14;

/// The epochs around today that a reader tries, in this order.
pub const READ_ORDER: [i32; 5] = [0, -1, 1, -2, 2];

/// What an account says of itself for one epoch.
#[derive(Serialize, Deserialize)]
pub struct AccountDescriptor {
    /// Which one counts: the highest.
    pub revision: Revision,
    /// The account's devices, one in this version.
    pub devices: Vec<ListedDevice>,
    /// Where requests go.
    pub requests: QueueCard,
    /// Readable by the device that published it, to notice that it was rolled back or copied. Opaque to everybody else.
    pub witness: Vec<u8>,
    /// What need not be there, and what later versions add. Kept and skipped by those who do not know it.
    pub more: Vec<Tagged>,
}

impl AccountDescriptor {
    /// What a stranger's request has to cost at least, whatever its mailboxes quote: they do not know how many requests
    /// their owner has already, who throws out the cheapest of too many.
    pub fn price(&self) -> u32 {
        let price = self.more.iter().find(|field| field.tag == MORE_PRICE);
        let bytes = price.and_then(|field| field.body.as_slice().try_into().ok());
        bytes.map_or(0, u32::from_be_bytes)
    }

    /// The field of [`more`](Self::more) that says so.
    pub fn asking(price: u32) -> Tagged {
        Tagged {
            tag: MORE_PRICE,
            body: price.to_be_bytes().to_vec(),
        }
    }
}

/// Tags of [`AccountDescriptor::more`]. None is ever used for a second thing.
const MORE_PRICE: u16 = 1;

/// One installation of the account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedDevice {
    /// The account's word for it. Not checked here: whoever uses it verifies it, and compares the account.
    pub certificate: DeviceCertificate,
    /// What starts a session with it in this epoch, signed by the device. Its format is the ratchet's.
    pub prekey: Vec<u8>,
}

/// Orders the descriptors of one account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Revision {
    /// That of the device that publishes.
    pub generation: Generation,
    /// Counts that device's publications.
    pub counter: u64,
}

impl AccountDescriptor {
    /// Seals and signs it for `epoch`.
    ///
    /// # Errors
    /// If it does not fit: [`AccountDescriptor::MAX_DEVICES`], [`AccountDescriptor::MAX_PREKEY`],
    /// [`AccountDescriptor::MAX_WITNESS`] and [`AccountDescriptor::MAX_ENCODED`] bound it.
    pub fn seal(
        &self,
        rng: &mut impl CryptoRng,
        network: &NetworkName,
        epoch: Epoch,
        account: &SigningKey,
    ) -> Result<SealedDescriptor, TooLong> {
        let content = SecretBytes::from(encode(self));
        let content = content.dangerously_expose();
        if !self.is_bounded() || content.len() > Self::MAX_ENCODED {
            return Err(TooLong);
        }
        let public = account.verifying_key();
        let signing = BlindedSigningKey::new(account, factor(network, &public, epoch));
        let keys = Keys::new(network, &public, epoch, &signing.blinded_key());
        let masked = keys.mask(self.revision).ok_or(TooLong)?;

        let mut bytes = Vec::with_capacity(SealedDescriptor::SIZE);
        bytes.push(VERSION);
        bytes.extend_from_slice(&epoch.0.to_be_bytes());
        bytes.extend_from_slice(signing.blinded_key().as_bytes());
        bytes.extend_from_slice(&masked.to_be_bytes());

        let mut plain = Vec::with_capacity(PLAIN);
        plain.extend_from_slice(&u16::try_from(content.len()).map_err(|_| TooLong)?.to_be_bytes());
        plain.extend_from_slice(content);
        plain.resize(PLAIN, 0);
        let plain = SecretBytes::from(plain);
        let sealed = aead::seal(&keys.content, rng, &bytes, plain.dangerously_expose());
        bytes.extend_from_slice(&sealed);
        let signature = signing.sign(label::DESCRIPTOR_SIGNATURE, &signed_part(network, &bytes));
        bytes.extend_from_slice(signature.as_bytes());
        Ok(SealedDescriptor(bytes))
    }

    /// Devices, at most.
    pub const MAX_DEVICES: usize = 4;
    /// Bytes of a prekey, at most.
    pub const MAX_PREKEY: usize = 2_048;
    /// Bytes of the witness, at most.
    pub const MAX_WITNESS: usize = 256;
    /// Bytes of the whole content, at most.
    pub const MAX_ENCODED: usize = PLAIN - 2;

    fn is_bounded(&self) -> bool {
        (1..=Self::MAX_DEVICES).contains(&self.devices.len())
            && self
                .devices
                .iter()
                .all(|device| device.prekey.len() <= Self::MAX_PREKEY)
            && self.witness.len() <= Self::MAX_WITNESS
    }
}

/// A descriptor as it travels and lies in the directory. Nothing is checked but its length and version.
///
/// | offset | size  | field                                                                       |
/// |      0 |     1 | version = 1                                                                 |
/// |      1 |     4 | epoch, big-endian                                                           |
/// |      5 |    32 | blinded key                                                                 |
/// |     37 |    16 | revision plus an offset that depends on address, network and epoch          |
/// |     53 | 8 075 | sealed: nonce 24 ‖ (length 2 ‖ content ‖ zero padding) ‖ tag 16             |
/// |  8 128 |    64 | signature by the blinded key over the network's name and all before         |
#[derive(Clone, PartialEq, Eq)]
pub struct SealedDescriptor(Vec<u8>);

impl SealedDescriptor {
    /// Takes bytes from the wire.
    ///
    /// # Errors
    /// A wrong length or version.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, BadDescriptor> {
        if bytes.len() == Self::SIZE && bytes.first() == Some(&VERSION) {
            Ok(Self(bytes))
        } else {
            Err(BadDescriptor)
        }
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// What work for it is bound to.
    pub fn digest(&self) -> [u8; 32] {
        hash(label::DESCRIPTOR_DIGEST, &[&self.0])
    }

    /// Checks the signature. Anybody can: it shows that whoever owns the blinded key published this on this network.
    ///
    /// # Errors
    /// If it does not hold.
    pub fn verify(self, network: &NetworkName) -> Result<VerifiedDescriptor, BadDescriptor> {
        let (signed, signature) = self.0.split_last_chunk::<64>().ok_or(BadDescriptor)?;
        let mut reader = Reader::new(signed);
        let _version = reader.u8()?;
        let epoch = Epoch(reader.u32()?);
        let key = BlindedKey::from_bytes(reader.array()?).map_err(|_| BadDescriptor)?;
        let masked = u128::from_be_bytes(reader.array()?);
        key.verify(
            label::DESCRIPTOR_SIGNATURE,
            &signed_part(network, signed),
            &Signature::from_bytes(*signature),
        )
        .map_err(|_| BadDescriptor)?;
        Ok(VerifiedDescriptor {
            network: network.clone(),
            epoch,
            key,
            masked,
            sealed: self,
        })
    }

    /// All descriptors have the same size.
    pub const SIZE: usize = 8_192;
}

/// Shows nothing.
impl std::fmt::Debug for SealedDescriptor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self(_) = self;
        f.write_str("SealedDescriptor(..)")
    }
}

/// A descriptor whose signature holds.
#[derive(Debug, Clone)]
pub struct VerifiedDescriptor {
    network: NetworkName,
    epoch: Epoch,
    key: BlindedKey,
    masked: u128,
    sealed: SealedDescriptor,
}

impl VerifiedDescriptor {
    /// The epoch it is for.
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Where it lies.
    pub fn directory_key(&self) -> DirectoryKey {
        DirectoryKey::account(&self.network, &self.key, self.epoch)
    }

    /// Orders the descriptors under one directory key, for whoever cannot read them. Equal revisions are ordered by their
    /// digests, so that all holders keep the same one.
    pub fn order(&self) -> (u128, [u8; 32]) {
        (self.masked, self.sealed.digest())
    }

    /// As it travels.
    pub fn sealed(&self) -> &SealedDescriptor {
        &self.sealed
    }

    /// Reads it, knowing the address.
    ///
    /// # Errors
    /// If it is not this account's, or does not hold what a descriptor must.
    pub fn open(&self, account: &VerifyingKey) -> Result<AccountDescriptor, NotReadable> {
        let factor = factor(&self.network, account, self.epoch);
        if BlindedKey::new(account, factor).map_err(|_| NotReadable)? != self.key {
            return Err(NotReadable);
        }
        let keys = Keys::new(&self.network, account, self.epoch, &self.key);
        let (header, rest) = self.sealed.0.split_at_checked(HEADER).ok_or(NotReadable)?;
        let (sealed, _signature) = rest.split_last_chunk::<64>().ok_or(NotReadable)?;
        let plain = aead::open(&keys.content, header, sealed).map_err(|_| NotReadable)?;
        let (length, rest) = plain.dangerously_expose().split_first_chunk::<2>().ok_or(NotReadable)?;
        let (content, padding) = rest
            .split_at_checked(usize::from(u16::from_be_bytes(*length)))
            .ok_or(NotReadable)?;
        let descriptor: AccountDescriptor = decode(content, AccountDescriptor::MAX_ENCODED).map_err(|_| NotReadable)?;
        let honest = padding.iter().all(|byte| *byte == 0) && keys.mask(descriptor.revision) == Some(self.masked);
        if honest && descriptor.is_bounded() {
            Ok(descriptor)
        } else {
            Err(NotReadable)
        }
    }
}

/// The newest of what a look-up gave for `account` and `epoch`; what is forged, foreign or unreadable is passed over.
pub fn newest(
    found: impl IntoIterator<Item = SealedDescriptor>,
    network: &NetworkName,
    account: &VerifyingKey,
    epoch: Epoch,
) -> Option<AccountDescriptor> {
    found
        .into_iter()
        .filter_map(|sealed| sealed.verify(network).ok())
        .filter(|verified| verified.epoch == epoch)
        .filter_map(|verified| Some((verified.order(), verified.open(account).ok()?)))
        .max_by_key(|(order, _)| *order)
        .map(|(_, descriptor)| descriptor)
}

/// Where something lies in the directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DirectoryKey(pub [u8; 32]);

impl DirectoryKey {
    /// The account's descriptor for `epoch`, for who knows the account.
    ///
    /// # Errors
    /// If the key has torsion: no honest address has.
    pub fn of(network: &NetworkName, account: &VerifyingKey, epoch: Epoch) -> Result<Self, HasTorsion> {
        let blinded = BlindedKey::new(account, factor(network, account, epoch))?;
        Ok(Self::account(network, &blinded, epoch))
    }

    /// The descriptor under a blinded key.
    pub fn account(network: &NetworkName, key: &BlindedKey, epoch: Epoch) -> Self {
        let parts: [&[u8]; 3] = [network.as_str().as_bytes(), key.as_bytes(), &epoch.0.to_be_bytes()];
        Self(hash(label::DIRECTORY_ACCOUNT, &parts))
    }

    /// A relay's descriptor.
    pub fn relay(network: &NetworkName, node: &NodeId) -> Self {
        Self(hash(label::DIRECTORY_RELAY, &[network.as_str().as_bytes(), &node.0]))
    }
}

/// More than a descriptor holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("more than a descriptor holds")]
pub struct TooLong;

/// Not a descriptor, or one that its key did not sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a signed descriptor")]
pub struct BadDescriptor;

impl From<Truncated> for BadDescriptor {
    fn from(_: Truncated) -> Self {
        Self
    }
}

/// Not this account's, or its owner filled it with something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a descriptor of this account")]
pub struct NotReadable;

/// What the address opens.
struct Keys {
    content: Secret<32>,
    offset: u128,
}

impl Keys {
    fn new(network: &NetworkName, account: &VerifyingKey, epoch: Epoch, blinded: &BlindedKey) -> Self {
        // Only who knows the address knows this; the directory sees the blinded key alone.
        let secret = Secret::from_bytes(*account.as_bytes());
        let context: [&[u8]; 3] = [network.as_str().as_bytes(), &epoch.0.to_be_bytes(), blinded.as_bytes()];
        let offset: Secret<16> = derive(label::DESCRIPTOR_REVISION, &secret, &context);
        Self {
            content: derive(label::DESCRIPTOR_KEY, &secret, &context),
            offset: u128::from_be_bytes(*offset.dangerously_expose()) >> 2,
        }
    }

    /// Keeps the order within an epoch and says nothing beyond it: how often somebody has signed in or published would tie
    /// epochs together. Generations of 2^62 and more do not exist.
    fn mask(&self, revision: Revision) -> Option<u128> {
        let Revision {
            generation: Generation(generation),
            counter,
        } = revision;
        let plain = (u128::from(generation) << 64) | u128::from(counter);
        if generation >> 62 == 0 {
            Some(plain + self.offset)
        } else {
            None
        }
    }
}

fn factor(network: &NetworkName, account: &VerifyingKey, epoch: Epoch) -> Factor {
    Factor::new(account, &[network.as_str().as_bytes(), &epoch.0.to_be_bytes()])
}

fn signed_part(network: &NetworkName, bytes: &[u8]) -> Vec<u8> {
    let name = network.as_str().as_bytes();
    let length = u8::try_from(name.len()).expect("a network's name has at most 32 bytes");
    [&[length], name, bytes].concat()
}

const VERSION: u8 = 1;
const HEADER: usize = 1 + 4 + 32 + 16;
const PLAIN: usize = SealedDescriptor::SIZE - HEADER - aead::OVERHEAD - 64;

#[cfg(test)]
mod tests;
