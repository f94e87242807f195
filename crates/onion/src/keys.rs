//! The keys that the hops of circuits are encrypted to: one a day.

use crate::RelayDescriptor;
use outis_crypto::{CryptoRng, Secret, agreement, dangerously_serialize, kem};
use outis_wire::{DecodeError, Epoch, decode, encode};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The public half of a day's onion key: classical and post-quantum, always both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnionKey {
    /// X25519.
    pub agreement: agreement::PublicKey,
    /// ML-KEM-768.
    pub kem: kem::EncapsulationKey,
}

/// A relay's secret onion keys. A key is made on its day, answers for three days more (somebody's descriptor of us may be
/// that old), and is then erased, so that whoever takes the relay later opens nothing of earlier days.
pub struct OnionKeys(BTreeMap<Epoch, OnionSecret>);

/// The secret half of one day.
pub(crate) struct OnionSecret {
    pub(crate) agreement: agreement::SecretKey,
    pub(crate) kem: kem::DecapsulationKey,
}

impl OnionKeys {
    /// None yet; the first [`Self::rotate`] makes one.
    pub fn empty() -> Self {
        Self(BTreeMap::new())
    }

    /// Makes today's key if it is missing and erases those that are over. Says whether anything changed, which then has to
    /// be stored.
    pub fn rotate(&mut self, today: Epoch, rng: &mut impl CryptoRng) -> bool {
        let before = self.0.len();
        // Keys of days ahead were made under a clock that was wrong; descriptors with them may be about for as long.
        let kept = today.offset(-RelayDescriptor::DAYS_KEPT)..=today.offset(RelayDescriptor::CLOCK_TOLERANCE);
        self.0.retain(|epoch, _| kept.contains(epoch));
        let erased = self.0.len() != before;
        if self.0.contains_key(&today) {
            return erased;
        }
        let fresh = OnionSecret {
            agreement: agreement::SecretKey::generate(rng),
            kem: kem::DecapsulationKey::generate(rng),
        };
        self.0.insert(today, fresh);
        true
    }

    /// The public half for that day, if its key is there.
    pub fn public(&self, epoch: Epoch) -> Option<OnionKey> {
        self.of(epoch).map(|(_, public)| public)
    }

    /// Both halves for that day.
    pub(crate) fn of(&self, epoch: Epoch) -> Option<(&OnionSecret, OnionKey)> {
        let secret = self.0.get(&epoch)?;
        let public = OnionKey {
            agreement: secret.agreement.public(),
            kem: secret.kem.encapsulation_key(),
        };
        Some((secret, public))
    }

    /// All of it as one record, for the relay's own store only.
    pub fn to_record(&self) -> Vec<u8> {
        let keys = self.0.iter().map(|(epoch, secret)| StoredKey {
            epoch: *epoch,
            agreement: secret.agreement.seed(),
            kem: secret.kem.seed().dangerously_duplicate(),
        });
        encode(&(RECORD_VERSION, keys.collect::<Vec<_>>()))
    }

    /// Reads [`Self::to_record`]'s bytes.
    ///
    /// # Errors
    /// The record is damaged or of a later version.
    pub fn from_record(record: &[u8]) -> Result<Self, RecordError> {
        let (version, keys): (u8, Vec<StoredKey>) = decode(record, RECORD_LIMIT).map_err(RecordError::Damaged)?;
        if version != RECORD_VERSION {
            return Err(RecordError::Version(version));
        }
        let secret = |key: StoredKey| {
            let StoredKey { epoch, agreement, kem } = key;
            let agreement = agreement::SecretKey::from_seed(&agreement);
            (
                epoch,
                OnionSecret {
                    agreement,
                    kem: kem::DecapsulationKey::from_seed(kem),
                },
            )
        };
        Ok(Self(keys.into_iter().map(secret).collect()))
    }
}

/// Why a record gives no keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// Not what was written.
    #[error("the record of onion keys is damaged")]
    Damaged(#[source] DecodeError),
    /// Written by a later version.
    #[error("onion key record version {0}")]
    Version(u8),
}

#[derive(Serialize, Deserialize)]
struct StoredKey {
    epoch: Epoch,
    #[serde(with = "dangerously_serialize")]
    agreement: Secret<32>,
    #[serde(with = "dangerously_serialize")]
    kem: Secret<64>,
}

const RECORD_VERSION: u8 = 1;

/// Six days of about 101 bytes, and room.
const RECORD_LIMIT: usize = 4_096;

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

    #[test]
    fn a_key_is_made_each_day_kept_three_days_more_and_then_gone() {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let mut keys = OnionKeys::empty();
        let day = Epoch(20_000);
        assert!(keys.rotate(day, &mut rng));
        let first = keys.public(day).expect("made today");
        assert!(!keys.rotate(day, &mut rng), "nothing to do twice a day");
        assert!(keys.rotate(day.offset(1), &mut rng));
        assert_ne!(keys.public(day.offset(1)), Some(first.clone()));
        assert!(keys.rotate(day.offset(3), &mut rng));
        assert_eq!(keys.public(day), Some(first));
        assert!(keys.rotate(day.offset(4), &mut rng));
        assert_eq!(keys.public(day), None);
    }

    #[test]
    fn a_clock_that_jumps_back_loses_no_key_that_is_in_use() {
        let mut rng = ChaCha20Rng::seed_from_u64(2);
        let mut keys = OnionKeys::empty();
        keys.rotate(Epoch(20_002), &mut rng);
        let ahead = keys.public(Epoch(20_002));
        keys.rotate(Epoch(20_000), &mut rng);
        assert_eq!(keys.public(Epoch(20_002)), ahead);
    }

    #[test]
    fn keys_survive_their_record_and_a_damaged_record_is_refused() {
        let mut rng = ChaCha20Rng::seed_from_u64(3);
        let mut keys = OnionKeys::empty();
        keys.rotate(Epoch(20_000), &mut rng);
        keys.rotate(Epoch(20_001), &mut rng);
        let mut record = keys.to_record();
        let read = OnionKeys::from_record(&record).expect("just written");
        for day in [20_000, 20_001] {
            assert_eq!(read.public(Epoch(day)), keys.public(Epoch(day)));
        }
        record.push(0);
        assert!(matches!(OnionKeys::from_record(&record), Err(RecordError::Damaged(_))));
        if let Some(version) = record.first_mut() {
            *version = 2;
        }
        record.pop();
        assert!(matches!(OnionKeys::from_record(&record), Err(RecordError::Version(2))));
    }
}
