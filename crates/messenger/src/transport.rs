//! The network, as far as the messenger knows it.

use futures::io::{AsyncRead, AsyncWrite};
use outis_wire::{Destination, Isolation, NodeId, Purpose, Service, UnixMillis};
use std::future::Future;

/// Ways to relays. The network fills it with circuits, tests with a simulation.
pub trait Transport: Send + Sync + 'static {
    /// A byte stream to a relay's service. Dropping it closes it.
    type Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static;

    /// Opens a stream. Safe to drop. Streams with different `isolation` share no way through the network.
    fn open(
        &self,
        to: Destination,
        purpose: Purpose,
        isolation: Isolation,
    ) -> impl Future<Output = Result<Self::Stream, OpenError>> + Send;

    /// The relays known now that offer a service. Never this machine's own.
    fn relays(&self, service: Service) -> Vec<NodeId>;

    /// Returns when [`relays`](Self::relays) may have changed since it was last called. Safe to drop.
    fn changed(&self) -> impl Future<Output = ()> + Send;
}

/// Why there is no stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The relay does not answer, or refuses.
    #[error("the relay cannot be reached")]
    Unreachable,
    /// There are not enough relays to build a way.
    #[error("too few relays are known")]
    TooFewRelays,
}

/// The wall clock. It may be wrong by two days and may jump; waiting is done by a clock of its own.
pub trait Clock: Send + Sync + 'static {
    /// What the clock on the wall shows.
    fn now(&self) -> UnixMillis;
}

impl<F: Fn() -> UnixMillis + Send + Sync + 'static> Clock for F {
    fn now(&self) -> UnixMillis {
        self()
    }
}
