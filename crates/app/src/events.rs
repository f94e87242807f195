//! Events on their way to the faces.

use crate::Event;
use tokio::sync::broadcast;

/// Where events go out. Nobody is waited for: a reader that falls behind misses the oldest.
#[derive(Clone)]
pub(crate) struct Outlet(broadcast::Sender<Event>);

impl Outlet {
    pub(crate) fn new() -> Self {
        Self(broadcast::Sender::new(BACKLOG))
    }

    pub(crate) fn push(&self, event: Event) {
        // Fails only while nobody listens.
        let _ = self.0.send(event);
    }

    pub(crate) fn listen(&self) -> Events {
        Events(self.0.subscribe())
    }
}

/// Events from now on.
pub struct Events(broadcast::Receiver<Event>);

impl Events {
    /// The next one; waits for ever once the app is gone. Safe to drop.
    pub async fn next(&mut self) -> Event {
        loop {
            match self.0.recv().await {
                Ok(event) => return event,
                Err(broadcast::error::RecvError::Lagged(missed)) => tracing::debug!(missed, "a face is slow"),
                Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
            }
        }
    }
}

/// Events that wait for the slowest reader.
const BACKLOG: usize = 4_096;
