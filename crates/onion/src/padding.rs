//! Decoys: what our line shows when nothing happens.
//!
//! Cells hide what is said and to whom, not when. A short message is one cell to each of three mailboxes, and one back from
//! each; whoever watches the line sees that much. A *decoy* is the same: a question to each of three mailboxes and its answer,
//! over circuits that serve nothing else. Their times follow from nothing, so that a single message on a quiet day could be
//! one. (Padding on circuits that are in use would be cheaper, and would tell the relays at their ends, who hear it at one
//! time, that these circuits are one person's.)
//!
//! It is *not* cover traffic: a conversation still shows as one, and whoever watches both ends still links them. How much of
//! either is measured in the tests and stands in docs/protocol/circuits.md. Here is only when; `net` plays them.

use outis_crypto::CryptoRng;
use outis_wire::UnixMillis;
use std::time::Duration;

/// When to play the next decoy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoys {
    mean: Duration,
    next: UnixMillis,
}

impl Decoys {
    /// Circuits of one decoy: as many as a message has mailboxes.
    pub const CIRCUITS: usize = 3;

    /// The time between two, in the mean.
    pub const MEAN: Duration = Duration::from_secs(10 * 60);

    /// So far apart in the mean. The first comes as if there had been others before.
    pub fn new(mean: Duration, now: UnixMillis, rng: &mut impl CryptoRng) -> Self {
        Self {
            mean,
            next: now.plus(interval(mean, rng)),
        }
    }

    /// When to ask again.
    pub fn next(&self) -> UnixMillis {
        self.next
    }

    /// Whether to play one now. What was slept through is not made up for.
    pub fn is_due(&mut self, now: UnixMillis, rng: &mut impl CryptoRng) -> bool {
        if now < self.next {
            return false;
        }
        self.next = now.plus(interval(self.mean, rng));
        true
    }
}

/// Exponential, so that the time since the last says nothing about the next.
fn interval(mean: Duration, rng: &mut impl CryptoRng) -> Duration {
    // 53 bits, of which one is set: between 0, which is left out, and 1.
    let even = ((rng.next_u64() >> 11) | 1) as f64 / (1u64 << 53) as f64;
    mean.mul_f64(-even.ln())
}

#[cfg(test)]
mod tests;
