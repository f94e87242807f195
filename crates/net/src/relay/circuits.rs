//! What all circuits of a relay share: how many there may be, and how much they may hold.

use super::rates::Neighbour;
use std::{
    collections::HashMap,
    future::poll_fn,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Instant,
};
use tokio::sync::oneshot;

/// What bounds the circuits of a relay.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// Circuits in all.
    pub(super) circuits: usize,
    /// Circuits that come from one neighbour.
    pub(super) per_neighbour: usize,
    /// Bytes that wait in all circuits together.
    pub(super) memory: usize,
}

/// The circuits of a relay. Clones are the same.
#[derive(Debug, Clone)]
pub(super) struct Circuits(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    bounds: Bounds,
    table: Mutex<Table>,
    refused: AtomicU64,
    condemned: AtomicU64,
    cells: AtomicU64,
}

#[derive(Debug, Default)]
struct Table {
    next: u64,
    circuits: HashMap<u64, Entry>,
    per_neighbour: HashMap<Neighbour, usize>,
    held: usize,
}

#[derive(Debug)]
struct Entry {
    neighbour: Neighbour,
    held: usize,
    /// Since when the oldest of what it holds waits.
    oldest: Instant,
    /// Gone once the circuit was told to end.
    end: Option<oneshot::Sender<()>>,
}

/// A circuit's place among the others, free again when dropped.
#[derive(Debug)]
pub(super) struct Place {
    circuits: Circuits,
    id: u64,
    held: usize,
    end: oneshot::Receiver<()>,
}

impl Circuits {
    pub(super) fn new(bounds: Bounds) -> Self {
        Self(Arc::new(Inner {
            bounds,
            table: Mutex::default(),
            refused: AtomicU64::new(0),
            condemned: AtomicU64::new(0),
            cells: AtomicU64::new(0),
        }))
    }

    /// A place for one more circuit from that neighbour, if there is one.
    pub(super) fn enter(&self, neighbour: Neighbour) -> Option<Place> {
        let mut table = self.table();
        let from_there = table.per_neighbour.get(&neighbour).copied().unwrap_or(0);
        if table.circuits.len() >= self.0.bounds.circuits || from_there >= self.0.bounds.per_neighbour {
            self.0.refused.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        let id = table.next;
        table.next += 1;
        let (tell, end) = oneshot::channel();
        let entry = Entry {
            neighbour,
            held: 0,
            oldest: Instant::now(),
            end: Some(tell),
        };
        table.circuits.insert(id, entry);
        table.per_neighbour.insert(neighbour, from_there + 1);
        Some(Place {
            circuits: self.clone(),
            id,
            held: 0,
            end,
        })
    }

    /// Circuits that are.
    pub(super) fn count(&self) -> usize {
        self.table().circuits.len()
    }

    /// Bytes that wait in them.
    pub(super) fn held(&self) -> usize {
        self.table().held
    }

    /// Circuits refused because there were too many.
    pub(super) fn refused(&self) -> u64 {
        self.0.refused.load(Ordering::Relaxed)
    }

    /// Circuits ended because what waited in all of them was too much.
    pub(super) fn condemned(&self) -> u64 {
        self.0.condemned.load(Ordering::Relaxed)
    }

    /// Cells passed on so far, in both directions.
    pub(super) fn cells(&self) -> u64 {
        self.0.cells.load(Ordering::Relaxed)
    }

    /// Counts cells passed on.
    pub(super) fn passed(&self, cells: u64) {
        self.0.cells.fetch_add(cells, Ordering::Relaxed);
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        // Nothing that holds the lock panics half-way through a change.
        self.0.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    /// Ends circuits, those whose oldest cell has waited longest first, until no more than `most` bytes wait.
    fn shrink(&mut self, most: usize) -> u64 {
        let mut ended = 0;
        while self.held > most {
            let holding = self.circuits.values_mut().filter(|entry| entry.held > 0);
            let Some(entry) = holding.min_by_key(|entry| entry.oldest) else {
                return ended;
            };
            self.held = self.held.saturating_sub(std::mem::take(&mut entry.held));
            if let Some(end) = entry.end.take() {
                // Fails only for a circuit that is ending anyway.
                let _ = end.send(());
                ended += 1;
            }
        }
        ended
    }
}

impl Place {
    /// Tells how many bytes wait in this circuit, and since when the oldest of them.
    pub(super) fn hold(&mut self, bytes: usize, oldest: Option<Instant>) {
        let (bytes, oldest) = match oldest {
            // Hardly anything: not worth a lock that all share.
            Some(oldest) if bytes > WORTH_TELLING => (bytes, oldest),
            _ if self.held == 0 => return,
            _ => (0, Instant::now()),
        };
        self.held = bytes;
        let mut table = self.circuits.table();
        let Some(entry) = table.circuits.get_mut(&self.id) else {
            return;
        };
        if entry.end.is_none() {
            // Told to end: what it holds is free already.
            return;
        }
        let before = std::mem::replace(&mut entry.held, bytes);
        entry.oldest = oldest;
        table.held = table.held.saturating_sub(before).saturating_add(bytes);
        let ended = table.shrink(self.circuits.0.bounds.memory);
        drop(table);
        self.circuits.0.condemned.fetch_add(ended, Ordering::Relaxed);
    }

    /// Ready when this circuit has to end, so that others live.
    pub(super) fn poll_condemned(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        std::pin::Pin::new(&mut self.end).poll(cx).map(drop)
    }

    /// Returns when this circuit has to end. Safe to drop.
    pub(super) async fn condemned(&mut self) {
        poll_fn(|cx| self.poll_condemned(cx)).await;
    }

    /// The circuits that this is one of.
    pub(super) fn circuits(&self) -> &Circuits {
        &self.circuits
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut table = self.circuits.table();
        let Some(entry) = table.circuits.remove(&self.id) else {
            return;
        };
        table.held = table.held.saturating_sub(entry.held);
        if let Some(count) = table.per_neighbour.get_mut(&entry.neighbour) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                table.per_neighbour.remove(&entry.neighbour);
            }
        }
    }
}

/// Bytes below which a queue is only a queue.
const WORTH_TELLING: usize = 32 * 1024;

#[cfg(test)]
mod tests;
