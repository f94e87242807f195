//! The mailbox's side: queues on a shelf, served over any number of streams.

mod connection;
mod record;
mod store;

use crate::{
    limits::Limits,
    protocol::{Context, Nonce},
    queue::QueueId,
    shelf::{Shelf, ShelfError},
};
use connection::{Bell, Connection};
use futures::{AsyncRead, AsyncWrite};
use outis_wire::{NetworkName, NodeId, UnixMillis};
use std::{
    collections::HashMap,
    future::Future,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use store::Store;

/// A mailbox. Clones are the same mailbox.
pub struct Server<S>(Arc<Shared<S>>);

impl<S: Shelf> Server<S> {
    /// Takes up what is on the shelf. `node` is the relay that it runs on: work and signatures are bound to it.
    ///
    /// # Errors
    /// If the shelf cannot be read.
    pub fn open(shelf: S, limits: Limits, network: NetworkName, node: NodeId) -> Result<Self, ShelfError> {
        let store = Store::open(shelf, limits, network.clone(), node)?;
        let state = Mutex::new(State {
            store,
            subscribers: HashMap::new(),
            next_connection: 0,
        });
        Ok(Self(Arc::new(Shared {
            state,
            limits,
            network,
            node,
        })))
    }

    /// Serves one stream until it ends. The future holds a bounded amount of memory whatever the other side does; how long
    /// an idle or slow stream is kept, and how many there are, is its caller's to decide. It may be dropped at any point:
    /// what was answered is durable.
    ///
    /// Calls to the shelf block inside the future.
    pub fn serve<T, C>(
        &self,
        stream: T,
        clock: C,
        nonce: Nonce,
    ) -> impl Future<Output = Result<(), ServeError>> + Send + use<S, T, C>
    where
        T: AsyncRead + AsyncWrite + Send + Unpin,
        C: Fn() -> UnixMillis + Send,
    {
        let shared = Arc::clone(&self.0);
        let context = Context {
            network: shared.network.clone(),
            node: shared.node,
            nonce,
        };
        async move { Connection::new(shared, stream, clock, context).run().await }
    }

    /// Removes what is over its time, a bounded number of queues at a time; requests do the same on the way. Says whether
    /// it has been round all queues.
    ///
    /// # Errors
    /// If the shelf fails.
    pub fn sweep(&self, now: UnixMillis) -> Result<Swept, ShelfError> {
        let (swept, applied) = {
            let mut state = self.0.state();
            (state.store.sweep(now)?, state.store.applied())
        };
        self.0.make_durable(applied)?;
        Ok(swept)
    }

    /// What it holds.
    pub fn usage(&self) -> Usage {
        let state = self.0.state();
        Usage {
            reserved: state.store.reserved(),
            limit: self.0.limits.store,
            stored: state.store.stored(),
        }
    }
}

impl<S> Clone for Server<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

/// Space on a mailbox, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// Promised to queues.
    pub reserved: u64,
    /// What may be promised.
    pub limit: u64,
    /// On the shelf, about.
    pub stored: u64,
}

/// How far a sweep has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Swept {
    /// There are queues that it has not seen in this round.
    Partly,
    /// It has seen the last one; the next sweep begins anew.
    Round,
}

/// Why a stream is not served any further.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The stream's own error.
    #[error("the stream failed")]
    Stream(#[source] io::Error),
    /// The other side does not speak this protocol.
    #[error("the other side does not speak this protocol")]
    Protocol,
    /// The shelf failed, so that nobody can be told what became of requests.
    #[error("the mailbox's store failed")]
    Shelf(#[source] ShelfError),
}

/// What a stored envelope costs of a reserve beyond its own bytes.
pub(crate) const RECORD_OVERHEAD: u64 = 256;

struct Shared<S> {
    state: Mutex<State<S>>,
    limits: Limits,
    network: NetworkName,
    node: NodeId,
}

impl<S> Shared<S> {
    fn state(&self) -> MutexGuard<'_, State<S>> {
        // Changes go to the shelf in whole batches, so what a panicking thread leaves behind is still consistent.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Shelf> Shared<S> {
    /// When it returns, the first `batches` are durable. Waits for the disk outside the lock.
    fn make_durable(&self, batches: u64) -> Result<(), ShelfError> {
        let (shelf, applied) = {
            let state = self.state();
            if state.store.is_durable(batches) {
                return Ok(());
            }
            state.store.to_sync()
        };
        let result = shelf.sync();
        self.state().store.synced(applied, result)
    }
}

struct State<S> {
    store: Store<S>,
    /// Who is pushed to. One a queue: the newest wins.
    subscribers: HashMap<QueueId, Arc<Bell>>,
    next_connection: u64,
}

#[cfg(test)]
mod tests;
