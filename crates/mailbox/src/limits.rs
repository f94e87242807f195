//! What a mailbox gives at most, and what it costs.

use outis_wire::NetworkName;
use std::time::Duration;

/// The price list of a network. All its nodes must agree on [`Efforts::descriptor`]; the others are quoted when asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Efforts {
    /// The least for a request to a stranger; under load a queue asks for more.
    pub request: u32,
    /// The least for putting one descriptor.
    pub descriptor: u32,
    /// The least for creating a queue of up to 2 MiB; larger and fuller costs more.
    pub queue: u32,
}

impl Efforts {
    /// What `network` asks for. A network whose name begins with `test` asks for next to nothing; no other does.
    ///
    /// An effort of one is about 30 ms on an ordinary core (measured, without compiled hashes). A stranger's request goes
    /// to three mailboxes: 3 × 8 × 30 ms is well under a second on average, and under two in 19 of 20 cases.
    pub fn of(network: &NetworkName) -> Self {
        if network.as_str().starts_with("test") {
            Self {
                request: 1,
                descriptor: 1,
                queue: 1,
            }
        } else {
            Self {
                request: 8,
                descriptor: 4,
                queue: 4,
            }
        }
    }
}

/// What a mailbox gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The least work.
    pub efforts: Efforts,
    /// Space for all queues together. It is reserved when a queue is created, so an accepted queue never finds it gone.
    pub store: u64,
    /// How long an envelope is kept.
    pub envelope_life: Duration,
    /// How long a queue stays after its owner last opened it.
    pub queue_life: Duration,
    /// Queues that one connection may have open.
    pub open_queues: usize,
    /// Requests that a request queue keeps for strangers, and as many for contacts: at most 64.
    pub request_places: usize,
}

impl Limits {
    /// The ordinary limits, with the prices of `network` and `store` bytes of disk.
    pub fn new(network: &NetworkName, store: u64) -> Self {
        Self {
            efforts: Efforts::of(network),
            store,
            envelope_life: Duration::from_secs(14 * 24 * 60 * 60),
            queue_life: Duration::from_secs(21 * 24 * 60 * 60),
            open_queues: 64,
            request_places: 64,
        }
    }
}

/// Envelopes pushed to a subscriber and not yet acknowledged. Part of the protocol: a client makes room for so many.
pub(crate) const WINDOW: usize = 16;
