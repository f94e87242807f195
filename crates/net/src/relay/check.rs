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
