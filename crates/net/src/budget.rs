//! A memory budget of our own.
//!
//! libp2p's memory limit reads the whole process, so one run of Argon2 would refuse everybody. Here each connection and
//! each stream reserves what it can hold in buffers before it exists, and gives it back when it is dropped.

use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes that connections and streams together may hold in buffers. Clones share one budget.
#[derive(Debug, Clone)]
pub(crate) struct Budget(Arc<Semaphore>);

/// A part of a [`Budget`], given back on drop.
#[derive(Debug)]
pub(crate) struct Reservation(#[expect(dead_code, reason = "held for its drop")] OwnedSemaphorePermit);

impl Budget {
    /// A budget of so many bytes, counted in KiB.
    pub(crate) fn new(bytes: usize) -> Self {
        Self(Arc::new(Semaphore::new((bytes / KIB).min(Semaphore::MAX_PERMITS))))
    }

    /// Takes `bytes` (rounded up to KiB), or nothing if they are not there: nobody waits for memory.
    pub(crate) fn reserve(&self, bytes: usize) -> Option<Reservation> {
        let permits = u32::try_from(bytes.div_ceil(KIB)).ok()?;
        Arc::clone(&self.0)
            .try_acquire_many_owned(permits)
            .ok()
            .map(Reservation)
    }
}

const KIB: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_reserved_is_refused_to_others_until_it_is_dropped() {
        let budget = Budget::new(10 * KIB);
        let held = budget.reserve(7 * KIB).expect("there is room");
        assert!(budget.reserve(4 * KIB).is_none());
        drop(held);
        assert!(budget.reserve(10 * KIB).is_some());
    }
}
