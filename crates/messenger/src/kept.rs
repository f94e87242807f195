//! Connections to mailboxes over which something was put a moment ago. What follows goes the same way, and is spared the
//! beginning and the end of a stream: most of what a short message costs.

use outis_mailbox::Mailbox;
use outis_mailbox::client::Driver;
use outis_wire::{Isolation, NodeId};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Which connection: what one contact's mailboxes are told goes over no other's.
pub(crate) type Way = (NodeId, Isolation);

/// Connections that wait for something more to put. Clones are the same.
pub(crate) struct Kept<S>(Arc<Mutex<BTreeMap<Way, Waiting<S>>>>);

struct Waiting<S> {
    mailbox: Mailbox,
    driver: Driver<S>,
    until: Instant,
}

impl<S> Kept<S> {
    /// The connection of this way, if it has one. Whether it still holds, its use will show.
    pub(crate) fn take(&self, way: Way) -> Option<(Mailbox, Driver<S>)> {
        let Waiting { mailbox, driver, until } = self.all().remove(&way)?;
        (Instant::now() < until).then_some((mailbox, driver))
    }

    /// Keeps a connection on which everything was answered; the oldest makes room.
    pub(crate) fn keep(&self, way: Way, mailbox: Mailbox, driver: Driver<S>) {
        let mut all = self.all();
        if all.len() >= MOST
            && let Some(oldest) = all.iter().min_by_key(|(_, waiting)| waiting.until).map(|(way, _)| *way)
        {
            all.remove(&oldest);
        }
        let until = Instant::now() + KEPT;
        all.insert(way, Waiting { mailbox, driver, until });
    }

    /// Lets go of those that have waited long enough, and says when the next one has.
    pub(crate) fn sweep(&self) -> Option<Instant> {
        let now = Instant::now();
        let mut all = self.all();
        all.retain(|_, waiting| now < waiting.until);
        all.values().map(|waiting| waiting.until).min()
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<Way, Waiting<S>>> {
        // Nothing that holds the lock panics half-way through a change.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S> Default for Kept<S> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<S> Clone for Kept<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

/// A conversation pauses for so long before its next message begins a stream again.
const KEPT: Duration = Duration::from_secs(45);

/// Connections that wait at a time: those of some twenty contacts.
const MOST: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use futures::io::Cursor;
    use outis_mailbox::client::connect;
    use tokio::time::advance;

    type Stream = Cursor<Vec<u8>>;

    fn way(number: u8) -> Way {
        (NodeId([number; 32]), Isolation([0; 32]))
    }

    fn connection() -> (Mailbox, Driver<Stream>) {
        let network = "test".parse().expect("a name");
        connect(Cursor::new(Vec::new()), network, NodeId([0; 32]))
    }

    fn keep(kept: &Kept<Stream>, number: u8) {
        let (mailbox, driver) = connection();
        kept.keep(way(number), mailbox, driver);
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_is_used_by_one_at_a_time_and_only_for_its_own_way() {
        let kept = Kept::default();
        keep(&kept, 1);
        assert!(kept.take(way(2)).is_none());
        assert!(kept.take(way(1)).is_some());
        assert!(kept.take(way(1)).is_none(), "it is in use");
    }

    #[tokio::test(start_paused = true)]
    async fn connections_are_let_go_after_a_while_and_there_are_never_many() {
        let kept = Kept::default();
        keep(&kept, 1);
        advance(KEPT / 2).await;
        keep(&kept, 2);
        assert_eq!(kept.sweep(), Some(Instant::now() + KEPT / 2));
        advance(KEPT / 2).await;
        assert!(kept.take(way(1)).is_none(), "its time is over");
        assert_eq!(kept.sweep(), Some(Instant::now() + KEPT / 2));
        advance(KEPT / 2).await;
        assert_eq!(kept.sweep(), None);
        for number in 0..=u8::MAX {
            keep(&kept, number);
        }
        assert_eq!(kept.all().len(), MOST);
    }
}
