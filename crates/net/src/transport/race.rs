//! Which of a node's addresses is dialled first: those of TCP, and those of QUIC only once TCP has failed or takes long.
//!
//! A byte costs a third less work over TCP, since a machine sends and takes it in much larger pieces than a packet of QUIC;
//! and a byte of a file crosses eight connections. QUIC gets through where TCP does not.

use libp2p::{Multiaddr, PeerId, multiaddr::Protocol};
use std::{
    collections::HashMap,
    sync::{
        Arc, Weak,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{sync::Notify, time};

/// The nodes that are being dialled. All addresses of one are entered before any of its dials is polled.
#[derive(Debug, Default)]
pub(super) struct Races(HashMap<PeerId, Weak<Race>>);

/// All dials of one node.
#[derive(Debug, Default)]
struct Race {
    /// Those that go first and are not over.
    first: AtomicUsize,
    over: Notify,
}

/// One dial's part in its race.
#[derive(Debug)]
pub(super) enum Entrant {
    /// Nobody else is known to dial the same node.
    Alone,
    First(First),
    Second(Second),
}

/// Over when dropped.
#[derive(Debug)]
pub(super) struct First(Arc<Race>);

#[derive(Debug)]
pub(super) struct Second(Arc<Race>);

impl Races {
    /// Takes part in the race for the node of this address.
    pub(super) fn enter(&mut self, address: &Multiaddr) -> Entrant {
        let Some(node) = address.iter().find_map(|part| match part {
            Protocol::P2p(node) => Some(node),
            _ => None,
        }) else {
            return Entrant::Alone;
        };
        self.0.retain(|_, race| race.strong_count() > 0);
        let race = self.0.get(&node).and_then(Weak::upgrade).unwrap_or_else(|| {
            let race = Arc::default();
            self.0.insert(node, Arc::downgrade(&race));
            race
        });
        if address.iter().any(|part| matches!(part, Protocol::Tcp(_))) {
            race.first.fetch_add(1, Ordering::SeqCst);
            Entrant::First(First(race))
        } else {
            Entrant::Second(Second(race))
        }
    }
}

impl Entrant {
    /// Dials when it is this one's turn.
    pub(super) async fn run<O>(self, dial: impl Future<Output = O>) -> O {
        match self {
            Self::Alone => dial.await,
            Self::First(running) => {
                let outcome = dial.await;
                drop(running);
                outcome
            }
            Self::Second(Second(race)) => {
                // Whether they have failed or take long makes no difference.
                let _ = time::timeout(HEAD_START, race.over()).await;
                dial.await
            }
        }
    }
}

impl Race {
    /// Returns once none of those that go first runs any more.
    async fn over(&self) {
        loop {
            let over = self.over.notified();
            if self.first.load(Ordering::SeqCst) == 0 {
                return;
            }
            over.await;
        }
    }
}

impl Drop for First {
    fn drop(&mut self) {
        let Self(race) = self;
        race.first.fetch_sub(1, Ordering::SeqCst);
        race.over.notify_waiters();
    }
}

/// Four round trips, which TCP, Noise and Yamux need, on a long line.
const HEAD_START: Duration = Duration::from_millis(800);

#[cfg(test)]
mod tests {
    use super::*;
    use futures::{
        FutureExt,
        future::{pending, ready},
    };
    use std::pin::pin;

    fn address(rest: &str, node: PeerId) -> Multiaddr {
        format!("/ip4/10.0.0.1/{rest}/p2p/{node}").parse().expect("an address")
    }

    #[tokio::test(start_paused = true)]
    async fn quic_is_dialled_when_tcp_has_failed_or_takes_long_and_at_once_where_there_is_no_tcp() {
        let (node, other) = (PeerId::random(), PeerId::random());
        let mut races = Races::default();

        let quic = races.enter(&address("udp/1/quic-v1", node));
        let tcp = races.enter(&address("tcp/1", node));
        let mut quic = pin!(quic.run(ready("quic")));
        let mut tcp = pin!(tcp.run(pending::<&str>()));
        assert_eq!(tcp.as_mut().now_or_never(), None);
        assert_eq!(quic.as_mut().now_or_never(), None, "TCP goes first, whatever the order");
        let began = time::Instant::now();
        assert_eq!(quic.await, "quic", "and may take so long");
        assert_eq!(began.elapsed(), HEAD_START);

        let quic = races.enter(&address("udp/1/quic-v1", other));
        let (one, another) = (
            races.enter(&address("tcp/1", other)),
            races.enter(&address("tcp/2", other)),
        );
        let mut quic = pin!(quic.run(ready("quic")));
        assert_eq!(quic.as_mut().now_or_never(), None);
        assert_eq!(one.run(ready("failed")).await, "failed");
        assert_eq!(quic.as_mut().now_or_never(), None, "one of two is left");
        drop(another);
        assert_eq!(quic.now_or_never(), Some("quic"), "none is left");

        let quic = races.enter(&address("udp/1/quic-v1", other));
        assert_eq!(quic.run(ready("quic")).now_or_never(), Some("quic"), "there is no TCP");
        assert_eq!(races.0.len(), 2, "node is still dialled");
    }
}
