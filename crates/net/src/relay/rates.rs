//! How fast each neighbour may ask.

use crate::address::Prefix;
use libp2p::{Multiaddr, PeerId};
use std::collections::HashMap;
use tokio::time::Instant;

/// Who shares one rate: everybody from one place on the internet, since keys cost nothing; on a network of one machine,
/// where all come from one place, each key for itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Neighbour {
    Place(Prefix),
    Peer(PeerId),
}

impl Neighbour {
    /// Of a node at an address.
    pub(super) fn of(peer: PeerId, address: &Multiaddr) -> Self {
        Prefix::of_public(address).map_or(Self::Peer(peer), Self::Place)
    }
}

/// How fast one neighbour may ask.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rate {
    /// Requests in a burst.
    pub(super) burst: f64,
    /// Requests that come back each second.
    pub(super) a_second: f64,
}

impl Rate {
    /// Of the directory's requests: a publication puts nineteen descriptors, and behind a circuit's last relay there are
    /// many people.
    pub(super) const DIRECTORY: Self = Self {
        burst: 256.0,
        a_second: 32.0,
    };

    /// Of circuits that begin: a relay carries many people's, and each costs a fifth of a millisecond.
    pub(super) const CIRCUITS: Self = Self {
        burst: 512.0,
        a_second: 128.0,
    };
}

/// How fast each neighbour may ask: a bucket that fills again.
pub(super) struct Rates {
    rate: Rate,
    buckets: HashMap<Neighbour, (f64, Instant)>,
}

impl Rates {
    pub(super) fn new(rate: Rate) -> Self {
        Self {
            rate,
            buckets: HashMap::new(),
        }
    }

    /// Takes `cost` from a neighbour's bucket, if it holds so much.
    pub(super) fn take(&mut self, neighbour: Neighbour, cost: u32, now: Instant) -> bool {
        let Rate { burst, a_second } = self.rate;
        if self.buckets.len() >= BUCKETS {
            let full = |filled: f64, at: Instant| filled + now.duration_since(at).as_secs_f64() * a_second >= burst;
            self.buckets.retain(|_, (filled, at)| !full(*filled, *at));
        }
        if self.buckets.len() >= BUCKETS && !self.buckets.contains_key(&neighbour) {
            return false;
        }
        let (filled, at) = self.buckets.entry(neighbour).or_insert((burst, now));
        *filled = (*filled + now.duration_since(*at).as_secs_f64() * a_second).min(burst);
        *at = now;
        let enough = *filled >= f64::from(cost);
        if enough {
            *filled -= f64::from(cost);
        }
        enough
    }
}

/// Neighbours remembered.
const BUCKETS: usize = 4_096;

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn stranger() -> Neighbour {
        Neighbour::Peer(PeerId::random())
    }

    #[test]
    fn keys_from_one_place_share_a_rate_and_those_on_one_machine_do_not() {
        let of = |address: &str| Neighbour::of(PeerId::random(), &address.parse().expect("an address"));
        assert_eq!(of("/ip4/9.9.9.1/tcp/1"), of("/ip4/9.9.9.200/tcp/2"));
        assert_ne!(of("/ip4/9.9.9.1/tcp/1"), of("/ip4/9.9.8.1/tcp/1"));
        assert_ne!(of("/ip4/127.0.0.1/tcp/1"), of("/ip4/127.0.0.1/tcp/1"));
    }

    #[test]
    fn a_neighbour_that_asks_too_fast_is_refused_and_others_are_not() {
        let mut rates = Rates::new(Rate::DIRECTORY);
        let (greedy, modest) = (stranger(), stranger());
        let start = Instant::now();
        let granted = (0..1_000).filter(|_| rates.take(greedy, 1, start)).count();
        assert_eq!(granted, 256);
        assert!(rates.take(modest, 1, start));
        let later = start + Duration::from_secs(1);
        assert_eq!((0..1_000).filter(|_| rates.take(greedy, 1, later)).count(), 32);
    }

    #[test]
    fn the_memory_of_neighbours_is_bounded_and_forgets_the_rested() {
        let mut rates = Rates::new(Rate::DIRECTORY);
        let start = Instant::now();
        let granted = (0..BUCKETS + 10).filter(|_| rates.take(stranger(), 1, start)).count();
        assert_eq!(granted, BUCKETS);
        assert!(rates.take(stranger(), 1, start + Duration::from_secs(10)));
        assert_eq!(rates.buckets.len(), 1);
    }
}
