//! What the directory believes.

use crate::address::Scoping;
use outis_mailbox::{
    Efforts,
    descriptor::DirectoryKey,
    directory::{Checked, Record, RecordError},
};
use outis_onion::{DescriptorError, RelayDescriptor, SignedDescriptor};
use outis_wire::{NetworkName, UnixMillis};

/// By what a relay judges records: its network, its scope, the network's prices.
#[derive(Debug, Clone)]
pub(super) struct Judge {
    network: NetworkName,
    scope: Scoping,
    efforts: Efforts,
}

/// A record that may be stored, and what it says if it is a relay's.
pub(super) struct Judged {
    pub(super) checked: Checked,
    pub(super) relay: Option<(RelayDescriptor, SignedDescriptor)>,
}

/// Why a record is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum JudgeError {
    /// It is an account's.
    #[error("the account's record does not hold")]
    Account(#[source] RecordError),
    /// It is a relay's.
    #[error("the relay's descriptor does not hold")]
    Relay(#[source] DescriptorError),
    /// It is neither.
    #[error("not a record")]
    Malformed,
}

impl Judge {
    pub(super) fn new(network: NetworkName, scope: Scoping) -> Self {
        let efforts = Efforts::of(&network);
        Self {
            network,
            scope,
            efforts,
        }
    }

    /// Everything that has to be true before a record is stored or passed on: signature, time, work, addresses.
    pub(super) fn judge(&self, record: &Record, now: UnixMillis) -> Result<Judged, JudgeError> {
        match record {
            Record::Account(account) => {
                let checked = account
                    .check(&self.network, &self.efforts, now)
                    .map_err(JudgeError::Account)?;
                Ok(Judged { checked, relay: None })
            }
            Record::Relay(bytes) => {
                let signed = SignedDescriptor::from_bytes(bytes).map_err(|_| JudgeError::Malformed)?;
                let descriptor = signed
                    .verify(&self.network, self.scope.scope(), now.epoch())
                    .map_err(JudgeError::Relay)?;
                let order = (u128::from(descriptor.epoch.0) << 32) | u128::from(descriptor.revision);
                let checked = Checked {
                    key: DirectoryKey::relay(&self.network, &descriptor.node),
                    order: (order, [0; 32]),
                    effort: 0,
                    expires: descriptor.epoch.offset(RelayDescriptor::DAYS_KEPT).end(),
                };
                Ok(Judged {
                    checked,
                    relay: Some((descriptor, signed)),
                })
            }
        }
    }

    /// As [`Self::judge`], for bytes that are to lie under `key`.
    pub(super) fn judge_bytes(&self, key: &[u8], bytes: &[u8], now: UnixMillis) -> Result<Judged, JudgeError> {
        let record = Record::from_bytes(bytes).map_err(|_| JudgeError::Malformed)?;
        let judged = self.judge(&record, now)?;
        if judged.checked.key.0 == key {
            Ok(judged)
        } else {
            Err(JudgeError::Malformed)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use outis_crypto::{Secret, signature::SigningKey};
    use outis_onion::{Link, OnionKeys, RelayAddress, Roles, Software};
    use outis_wire::NodeId;
    use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
    use std::time::Duration;

    const NOW: UnixMillis = UnixMillis(1_700_000_000_000);

    fn main_network() -> NetworkName {
        NetworkName::default()
    }

    /// A relay's record, of an address, and its key.
    fn record(network: &NetworkName, socket: &str) -> (Record, [u8; 32]) {
        let key = SigningKey::from_seed(&Secret::from_bytes([3; 32]));
        let mut onion = OnionKeys::empty();
        onion.rotate(NOW.epoch(), &mut ChaCha20Rng::seed_from_u64(1));
        let descriptor = RelayDescriptor {
            node: NodeId(*key.verifying_key().as_bytes()),
            epoch: NOW.epoch(),
            revision: 9,
            addresses: vec![RelayAddress {
                link: Link::Tcp,
                socket: socket.parse().expect("a socket"),
            }],
            onion_key: onion.public(NOW.epoch()).expect("made above"),
            roles: Roles::DIRECTORY,
            software: Software::this(),
        };
        let signed = descriptor.sign(&key, network).expect("its own key");
        (
            Record::Relay(signed.to_bytes()),
            DirectoryKey::relay(network, &descriptor.node).0,
        )
    }

    fn judge() -> Judge {
        Judge::new(main_network(), Scoping::of(&main_network(), []))
    }

    #[test]
    fn a_true_descriptor_lies_under_its_own_key_until_its_days_are_over() {
        let (record, key) = record(&main_network(), "9.9.9.9:1");
        let judged = judge().judge_bytes(&key, &record.to_bytes(), NOW).expect("true");
        assert_eq!(judged.checked.expires, NOW.epoch().offset(4).start());
        assert_eq!(judged.relay.map(|(relay, _)| relay.revision), Some(9));
        let just_before = UnixMillis(judged.checked.expires.0 - 1);
        assert!(judge().judge(&record, just_before).is_ok());
        assert!(judge().judge(&record, judged.checked.expires).is_err());
        assert!(
            judge()
                .judge(&record, NOW.minus(Duration::from_secs(3 * 24 * 3600)))
                .is_err(),
            "too far ahead"
        );
    }

    #[test]
    fn under_another_key_of_another_network_or_into_a_house_it_is_refused() {
        let (true_one, key) = record(&main_network(), "9.9.9.9:1");
        assert_eq!(
            judge().judge_bytes(&[1; 32], &true_one.to_bytes(), NOW).err(),
            Some(JudgeError::Malformed)
        );
        assert_eq!(judge().judge_bytes(&key, b"", NOW).err(), Some(JudgeError::Malformed));
        let (elsewhere, _) = record(&"other".parse().expect("a name"), "9.9.9.9:1");
        assert_eq!(
            judge().judge(&elsewhere, NOW).err(),
            Some(JudgeError::Relay(DescriptorError::Signature))
        );
        let (private, _) = record(&main_network(), "192.168.1.1:80");
        assert_eq!(
            judge().judge(&private, NOW).err(),
            Some(JudgeError::Relay(DescriptorError::Private))
        );
    }
}
