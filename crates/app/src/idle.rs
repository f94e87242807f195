//! Locks the account when nobody has been there for as long as its owner says.
//!
//! Who is there is for a face to tell: the window by `account.touch` when somebody types or points, the headless
//! interface by every request; with a face that never does, nothing is locked here. What comes from the network, and what a face reads because of it, does not count.

use crate::{App, Event, app::Inner};
use std::{
    sync::Weak,
    time::{Duration, SystemTime},
};
use tokio::{
    sync::watch,
    time::{self, Instant},
};

/// When somebody was last there, and how long they may be away.
pub(crate) struct Idle(watch::Sender<Presence>);

#[derive(Clone, Copy, PartialEq, Eq)]
struct Presence {
    last: Instant,
    /// The same by the clock on the wall, which goes on while the machine sleeps.
    last_seen: SystemTime,
    limit: Option<Duration>,
    /// Some face tells who is there: one that never does watches for itself.
    is_told: bool,
}

impl Idle {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(Presence::now(None, false)))
    }

    /// Somebody is there.
    pub(crate) fn touch(&self) {
        self.0
            .send_modify(|presence| *presence = Presence::now(presence.limit, true));
    }

    /// How long they may be away from now on; `None` for as long as they like.
    pub(crate) fn lock_after(&self, minutes: Option<u32>) {
        let limit = minutes.map(|minutes| Duration::from_secs(60 * u64::from(minutes)));
        self.0
            .send_modify(|presence| *presence = Presence::now(limit, presence.is_told));
    }

    /// Locks whatever is left alone, for as long as the app lives.
    pub(crate) fn watch(&self, app: Weak<Inner>) -> impl Future<Output = ()> + Send + use<> {
        let mut changes = self.0.subscribe();
        async move {
            loop {
                let presence = *changes.borrow_and_update();
                let lonely = async {
                    match presence.limit.filter(|_| presence.is_told) {
                        Some(limit) => presence.is_over(limit).await,
                        None => std::future::pending().await,
                    }
                };
                tokio::select! {
                    changed = changes.changed() => if changed.is_err() { return },
                    () = lonely => {
                        let Some(inner) = app.upgrade() else { return };
                        App { inner }.lock_alone(presence).await;
                    }
                }
            }
        }
    }
}

impl Presence {
    fn now(limit: Option<Duration>, is_told: bool) -> Self {
        Self {
            last: Instant::now(),
            last_seen: SystemTime::now(),
            limit,
            is_told,
        }
    }

    /// Waits until they have been away for so long, by one clock or the other.
    async fn is_over(&self, limit: Duration) {
        loop {
            let left = limit.saturating_sub(self.last.elapsed());
            // A clock that was set back says nothing.
            if left.is_zero() || self.last_seen.elapsed().is_ok_and(|away| away >= limit) {
                return;
            }
            time::sleep(left.min(LOOK)).await;
        }
    }
}

impl App {
    /// Somebody is at this face: see the setting `lock_after`.
    pub fn somebody_is_there(&self) {
        self.inner.idle.touch();
    }

    /// Locks, unless somebody came back in the meantime.
    async fn lock_alone(&self, presence: Presence) {
        let _changing = self.inner.changing.lock().await;
        if *self.inner.idle.0.borrow() != presence {
            return;
        }
        self.close().await;
        self.inner.outlet.push(Event::AccountLocked {});
    }
}

/// How often the clock on the wall is looked at.
const LOOK: Duration = Duration::from_secs(15);
