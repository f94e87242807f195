//! The records of a mailbox and their keys.
//!
//! | key                         | value                                               |
//! | `q` ‖ queue                 | [`QueueRecord`]                                     |
//! | `m` ‖ queue ‖ number        | [`Meta`] of an envelope                             |
//! | `e` ‖ queue ‖ number        | the envelope                                        |
//! | `d` ‖ queue ‖ digest        | the number of the envelope with this digest         |
//! | `w` ‖ hour ‖ digest         | nothing: this work is spent                         |
//!
//! Numbers and hours are big-endian, so that records come in order.

use super::RECORD_OVERHEAD;
use crate::{
    envelope::Envelope,
    protocol::{Kind, Order},
    queue::{PassKey, QueueId},
    shelf::Change,
    work::{Hour, Proof},
};
use outis_wire::{UnixMillis, decode};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

#[derive(Serialize, Deserialize)]
pub(super) struct QueueRecord {
    pub(super) version: u8,
    pub(super) requests: bool,
    pub(super) reserve: u64,
    pub(super) used: u64,
    pub(super) next: u64,
    pub(super) until: UnixMillis,
    pub(super) send: [u8; 32],
    pub(super) pass: [u8; 32],
}

impl QueueRecord {
    pub(super) fn new(order: &Order, until: UnixMillis) -> Self {
        Self {
            version: VERSION,
            requests: order.kind == Kind::Requests,
            reserve: order.kind.reserve(),
            used: 0,
            next: 1,
            until,
            send: order.send,
            pass: *expose(&order.pass),
        }
    }

    pub(super) fn kind(&self) -> Kind {
        if self.requests {
            Kind::Requests
        } else {
            Kind::Direct {
                reserve: u32::try_from(self.reserve / 1024).unwrap_or(u32::MAX),
            }
        }
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct Meta {
    pub(super) expires: UnixMillis,
    pub(super) digest: [u8; 32],
    pub(super) paid: Paid,
    pub(super) bytes: u32,
}

#[derive(Serialize, Deserialize)]
pub(super) enum Paid {
    Nothing,
    Work(Proof),
    Pass([u8; 16]),
}

pub(super) fn remove(id: &QueueId, number: u64, meta: &Meta, queue: &mut QueueRecord, changes: &mut Vec<Change>) {
    queue.used = queue.used.saturating_sub(cost(meta.bytes as usize));
    for key in [
        meta_key(id, number),
        envelope_key(id, number),
        digest_key(id, &meta.digest),
    ] {
        changes.push(Change::Remove { key });
    }
}

pub(super) fn cost(bytes: usize) -> u64 {
    bytes as u64 + RECORD_OVERHEAD
}

pub(super) fn size(envelope: &Envelope) -> u32 {
    u32::try_from(envelope.size().bytes()).unwrap_or(u32::MAX)
}

pub(super) fn expose(key: &PassKey) -> &[u8; 32] {
    key.0.dangerously_expose()
}

pub(super) fn record<T: Serialize + DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    decode(bytes, 1024).ok()
}

pub(super) fn put(key: Vec<u8>, value: Vec<u8>) -> Change {
    Change::Put { key, value }
}

pub(super) fn queue_key(id: &QueueId) -> Vec<u8> {
    within(b'q', id)
}

pub(super) fn meta_key(id: &QueueId, number: u64) -> Vec<u8> {
    [within(b'm', id).as_slice(), &number.to_be_bytes()].concat()
}

pub(super) fn envelope_key(id: &QueueId, number: u64) -> Vec<u8> {
    [within(b'e', id).as_slice(), &number.to_be_bytes()].concat()
}

pub(super) fn digest_key(id: &QueueId, digest: &[u8; 32]) -> Vec<u8> {
    [within(b'd', id).as_slice(), digest].concat()
}

pub(super) fn spent_key(hour: Hour, digest: &[u8; 32]) -> Vec<u8> {
    [WORK, &hour.0.to_be_bytes(), digest].concat()
}

pub(super) fn within(kind: u8, id: &QueueId) -> Vec<u8> {
    [[kind].as_slice(), &id.0].concat()
}

pub(super) fn number(key: &[u8]) -> Option<u64> {
    key.last_chunk().map(|bytes| u64::from_be_bytes(*bytes))
}

/// The smallest key above `key`.
pub(super) fn after(key: &[u8]) -> Vec<u8> {
    [key, &[0]].concat()
}

const VERSION: u8 = 1;
pub(super) const QUEUES: &[u8] = b"q";
pub(super) const WORK: &[u8] = b"w";
