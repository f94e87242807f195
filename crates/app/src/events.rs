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
    /// The next one, or that some were missed; waits for ever once the app is gone. Safe to drop.
    pub async fn next(&mut self) -> Event {
        match self.0.recv().await {
            Ok(event) => event,
            Err(broadcast::error::RecvError::Lagged(missed)) => {
                tracing::debug!(missed, "a face is slow");
                Event::EventsMissed {}
            }
            Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
        }
    }
}

/// Events that wait for the slowest reader.
const BACKLOG: usize = 4_096;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_face_that_is_too_slow_is_told_that_it_missed_something() {
        let outlet = Outlet::new();
        let (mut slow, mut quick) = (outlet.listen(), outlet.listen());
        for _ in 0..BACKLOG {
            outlet.push(Event::AccountLocked {});
            assert_eq!(quick.next().await, Event::AccountLocked {});
        }
        outlet.push(Event::AccountSuperseded {});
        assert_eq!(quick.next().await, Event::AccountSuperseded {});
        assert_eq!(slow.next().await, Event::EventsMissed {});
        for _ in 1..BACKLOG {
            assert_eq!(slow.next().await, Event::AccountLocked {});
        }
        assert_eq!(slow.next().await, Event::AccountSuperseded {}, "and then what is left");
    }
}
