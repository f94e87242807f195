//! The circuits of a client: those that wait to be used, and those that wait to be used again.
//!
//! A circuit serves one way only: one destination, one purpose, one isolation. Another stream of the same way may follow
//! on it when the first is over; a stream of any other way never does.

use super::circuit::Hop;
use crate::circuit::Near;
use futures::channel::oneshot;
use outis_onion::Path;
use outis_wire::{Destination, Isolation, NodeId, Purpose};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::{Notify, mpsc, watch};

/// What a circuit may be used for, once it is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Way {
    pub(super) to: Destination,
    pub(super) purpose: Purpose,
    pub(super) isolation: Isolation,
}

impl Way {
    /// Whether another stream may come: queues are put into again and again, all else is asked by a new way each time.
    pub(super) fn comes_again(&self) -> bool {
        self.purpose == Purpose::Mailbox
    }
}

/// What a circuit's task is asked for: a stream.
pub(super) struct Order {
    pub(super) way: Way,
    /// The relay to extend to first, unless it ends there already.
    pub(super) extend: Option<Box<Hop>>,
    pub(super) reply: oneshot::Sender<Result<Near, Refused>>,
}

/// The relay at the end did not answer, or the circuit broke on its way there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Refused {
    /// Whether it was that relay, as far as the one before it says.
    pub(super) by_endpoint: bool,
}

impl Refused {
    pub(super) const ON_THE_WAY: Self = Self { by_endpoint: false };
}

/// A hold on a circuit. Dropping it ends the circuit.
#[derive(Debug)]
pub(super) struct Orders {
    pub(super) sender: mpsc::Sender<Order>,
    /// The relays that it goes over; none where the way is direct.
    pub(super) path: Option<Path>,
}

/// A circuit as its owner may see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CircuitStatus {
    /// Its number.
    pub id: u64,
    /// What it is used for; nothing yet if it waits.
    pub purpose: Option<Purpose>,
    /// The relays before the endpoint, from the guard on.
    pub hops: Vec<NodeId>,
    /// How long it took to build.
    pub built: Duration,
}

/// All circuits. Clones are the same.
#[derive(Debug, Clone, Default)]
pub(super) struct Pool(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    state: Mutex<State>,
    changed: Notify,
    count: watch::Sender<usize>,
}

#[derive(Debug, Default)]
struct State {
    next: u64,
    spares: Vec<Orders>,
    parked: HashMap<Way, Vec<Orders>>,
    shown: BTreeMap<u64, CircuitStatus>,
}

/// A circuit's entry, gone when dropped.
#[derive(Debug)]
pub(super) struct Entry {
    pool: Pool,
    id: u64,
}

impl Pool {
    /// Enters a circuit that was built.
    pub(super) fn enter(&self, path: Option<Path>, built: Duration) -> Entry {
        let mut state = self.state();
        let id = state.next;
        state.next += 1;
        let shown = CircuitStatus {
            id,
            purpose: None,
            hops: path.map_or(Vec::new(), |path| vec![path.guard, path.second, path.third]),
            built,
        };
        state.shown.insert(id, shown);
        self.0.count.send_replace(state.shown.len());
        Entry { pool: self.clone(), id }
    }

    /// Keeps a circuit for whoever comes first.
    pub(super) fn spare(&self, orders: Orders) {
        self.state().spares.push(orders);
    }

    /// How many wait for whoever comes first.
    pub(super) fn spares(&self) -> usize {
        let mut state = self.state();
        state.spares.retain(|orders| !orders.sender.is_closed());
        state.spares.len()
    }

    /// Takes one that may end where `fits` says so.
    pub(super) fn take(&self, fits: impl Fn(&Path) -> bool) -> Option<Orders> {
        let mut state = self.state();
        state.spares.retain(|orders| !orders.sender.is_closed());
        let found = state
            .spares
            .iter()
            .position(|orders| orders.path.as_ref().is_some_and(&fits))?;
        let taken = state.spares.swap_remove(found);
        drop(state);
        self.0.changed.notify_one();
        Some(taken)
    }

    /// Keeps one that was used, for another stream of the same way.
    pub(super) fn park(&self, way: Way, orders: Orders) {
        let mut state = self.state();
        state.parked.retain(|_, parked| {
            parked.retain(|orders| !orders.sender.is_closed());
            !parked.is_empty()
        });
        state.parked.entry(way).or_default().push(orders);
    }

    /// Takes one that ends where `way` does and served it before.
    pub(super) fn parked(&self, way: &Way) -> Option<Orders> {
        let mut state = self.state();
        let parked = state.parked.get_mut(way)?;
        let found = loop {
            match parked.pop() {
                Some(orders) if orders.sender.is_closed() => {}
                found => break found,
            }
        };
        if parked.is_empty() {
            state.parked.remove(way);
        }
        found
    }

    /// Ends all that wait.
    pub(super) fn clear(&self) {
        let mut state = self.state();
        state.spares.clear();
        state.parked.clear();
    }

    /// All of them.
    pub(super) fn shown(&self) -> Vec<CircuitStatus> {
        self.state().shown.values().cloned().collect()
    }

    /// How many there are; wakes when one comes, goes or is put to use.
    pub(super) fn count(&self) -> watch::Receiver<usize> {
        self.0.count.subscribe()
    }

    /// Returns when one was taken or has ended. Safe to drop.
    pub(super) async fn changed(&self) {
        self.0.changed.notified().await;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing that holds the lock panics half-way through a change.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    /// Notes what it is used for.
    pub(super) fn used(&self, purpose: Purpose) {
        let mut state = self.pool.state();
        if let Some(shown) = state.shown.get_mut(&self.id) {
            shown.purpose = Some(purpose);
        }
        self.pool.0.count.send_replace(state.shown.len());
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let mut state = self.pool.state();
        state.shown.remove(&self.id);
        self.pool.0.count.send_replace(state.shown.len());
        drop(state);
        self.pool.0.changed.notify_one();
    }
}
