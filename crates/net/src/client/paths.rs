//! Which relays circuits go over, and how often to one destination.

use super::{
    OpenError, Shared,
    circuit::{BuildError, Hop},
    pool::Way,
};
use crate::{
    clock::now,
    known::{Kept, Known},
};
use outis_crypto::{CryptoRng, hash, label, os_rng};
use outis_onion::{Backoff, Guards, NoPath, Path, RelayDescriptor, Relays, Scope};
use outis_wire::{NetworkName, NodeId, UnixMillis};
use std::sync::{MutexGuard, PoisonError};

/// What an account's circuits are drawn from, and by.
#[derive(Debug)]
pub(super) struct Paths {
    relays: Relays,
    guards: Guards,
    /// Circuits of one way.
    ways: Backoff,
    /// Circuits to one relay.
    ends: Backoff,
    /// How many rations a way has, and a relay.
    rations: (u16, u16),
}

impl Paths {
    /// As it was kept. What cannot be read is drawn anew: it was written by another version, or by nobody.
    pub(super) fn new(network: &NetworkName, scope: Scope, own: Option<NodeId>, kept: &Kept) -> Self {
        let mut relays = Relays::new(scope);
        own.into_iter().for_each(|own| relays.exclude(own));
        Self {
            relays,
            guards: Guards::from_record(&kept.guards).unwrap_or_default(),
            ways: Backoff::from_record(&kept.ways).unwrap_or_default(),
            ends: Backoff::from_record(&kept.ends).unwrap_or_default(),
            rations: if network.is_for_tests() {
                RATIONS_FOR_TESTS
            } else {
                RATIONS
            },
        }
    }

    pub(super) fn kept(&self, now: UnixMillis) -> Kept {
        Kept {
            guards: self.guards.to_record(),
            ends: self.ends.to_record(now),
            ways: self.ways.to_record(now),
        }
    }

    /// A relay, or what it says now.
    pub(super) fn learn(&mut self, descriptor: &RelayDescriptor) {
        self.relays.insert(descriptor);
    }

    /// Whether enough are known for a circuit to hide anything.
    pub(super) fn is_enough(&self) -> bool {
        self.relays.is_enough()
    }

    /// Whether a circuit over `path` may end there.
    pub(super) fn fits(&self, path: &Path, endpoint: NodeId) -> bool {
        self.relays.fits(path, endpoint)
    }

    /// The relays that learn our address, the preferred first.
    pub(super) fn guards(&self) -> Vec<NodeId> {
        self.guards.in_use(&self.relays)
    }

    /// Draws three relays, those that are not known to be away before others.
    fn draw(
        &mut self,
        endpoint: Option<NodeId>,
        known: &Known,
        now: UnixMillis,
        rng: &mut impl CryptoRng,
    ) -> Result<Path, NoPath> {
        self.guards.refresh(&self.relays, now, rng);
        let mut path = self.guards.draw(&self.relays, endpoint, now, rng)?;
        for _ in 0..REDRAWS {
            let [guard, second, third] = [path.guard, path.second, path.third];
            // Forgotten since: its days are over.
            let gone = [guard, second, third].into_iter().filter(|node| !known.knows(node));
            let gone: Vec<NodeId> = gone.collect();
            gone.iter().for_each(|node| self.relays.remove(*node));
            if gone.is_empty() && !known.is_away(&third) {
                break;
            }
            path = self.guards.draw(&self.relays, endpoint, now, rng)?;
        }
        Ok(path)
    }

    /// Guards to be tried again: at their turn, and while none answers the first few more often, since it is likely to be our
    /// own line that is dead.
    fn to_try(&self, now: UnixMillis) -> Vec<NodeId> {
        let due = self.guards.to_try(&self.relays, now);
        if !due.is_empty() || !self.guards().is_empty() {
            return due;
        }
        let mut all = self.guards.to_try(&self.relays, UnixMillis(u64::MAX));
        all.truncate(TRIED_IN_VAIN);
        all
    }

    /// Counts a circuit of that way, unless there were too many or the last has just been broken.
    fn begin(&mut self, way: &Way, now: UnixMillis) -> Result<(), TooMany> {
        let (of_way, of_end) = self.free(way, now)?;
        self.ways.began(of_way, now);
        self.ends.began(of_end, now);
        Ok(())
    }

    /// What one of that way would be counted under now.
    fn free(&self, way: &Way, now: UnixMillis) -> Result<(NodeId, NodeId), TooMany> {
        let (of_way, of_end) = self.rations;
        self.ways.waits(by_way(way, 0), now).map_err(|_| TooMany)?;
        let mut of_way = (0..of_way).map(|ration| by_way(way, ration));
        let mut of_end = (0..of_end).map(|ration| by_end(way, ration));
        let of_way = of_way.find(|ration| self.ways.may_build(*ration, now).is_ok());
        let of_end = of_end.find(|ration| self.ends.may_build(*ration, now).is_ok());
        of_way.zip(of_end).ok_or(TooMany)
    }

    /// What became of one of that way: whether it did what it was for.
    fn ended(&mut self, way: &Way, end: End, now: UnixMillis, rng: &mut impl CryptoRng) {
        match end {
            End::Worked => self.ways.worked(by_way(way, 0)),
            End::Broken => self.ways.failed(by_way(way, 0), now, rng),
        }
    }
}

/// How a circuit ended that had reached its endpoint, or was to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// Its streams were over, or it carried them for long.
    Worked,
    /// It broke soon. Whose fault that was is not known.
    Broken,
}

fn by_way(Way { to, isolation, .. }: &Way, ration: u16) -> NodeId {
    name(&[&to.node.0, &isolation.0, &ration.to_be_bytes()])
}

fn by_end(Way { to, .. }: &Way, ration: u16) -> NodeId {
    name(&[&to.node.0, &ration.to_be_bytes()])
}

/// Too many circuits of one way, or to one relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooMany;

/// A name for what is counted, as [`Backoff`] has them.
fn name(parts: &[&[u8]]) -> NodeId {
    NodeId(hash(label::NET_TRIES, parts))
}

impl Shared {
    pub(super) fn paths(&self) -> MutexGuard<'_, Paths> {
        // Nothing that holds the lock panics half-way through a change.
        self.paths.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Three relays for a circuit to `endpoint`, or to anywhere.
    pub(super) fn path(&self, endpoint: Option<NodeId>) -> Result<(Path, Vec<Hop>), OpenError> {
        let path = {
            let known = self.known();
            self.paths().draw(endpoint, &known, now(), &mut os_rng())
        }
        .map_err(|no_path| match no_path {
            NoPath::TooFewRelays => OpenError::TooFewRelays,
            _ => OpenError::Unreachable,
        })?;
        let hops = [path.guard, path.second, path.third];
        let hops: Option<Vec<Hop>> = hops.iter().map(|node| self.hop(node)).collect();
        Ok((path, hops.ok_or(OpenError::Unreachable)?))
    }

    /// A relay as part of a circuit, if its descriptor counts today.
    pub(super) fn hop(&self, node: &NodeId) -> Option<Hop> {
        let signed = self.known().signed(node)?;
        let descriptor = signed.verify(&self.network, self.scope.scope(), now().epoch()).ok()?;
        Some(Hop { signed, descriptor })
    }

    /// Whether a circuit of that way may begin.
    pub(super) fn may_begin(&self, way: &Way) -> Result<(), OpenError> {
        let free = self.paths().free(way, now());
        free.map(drop).map_err(|TooMany| OpenError::Unreachable)
    }

    /// Counts a circuit of that way, unless there were too many: when it is about to reach its endpoint, which may break it
    /// for the sake of the next. What fails before that, nobody there has seen.
    pub(super) fn begin(&self, way: &Way) -> Result<(), OpenError> {
        let begun = self.paths().begin(way, now());
        self.counts.send_replace(());
        begun.map_err(|TooMany| OpenError::Unreachable)
    }

    /// Notes what became of it.
    pub(super) fn ended(&self, way: &Way, end: End) {
        self.paths().ended(way, end, now(), &mut os_rng());
        if end == End::Broken {
            self.counts.send_replace(());
        }
    }

    /// Whether none of the guards has answered for long.
    pub(super) fn guards_are_given_up(&self) -> bool {
        let paths = self.paths();
        paths.guards.are_given_up(&paths.relays, now())
    }

    /// Guards to be tried again now.
    pub(super) fn guards_to_try(&self) -> Vec<NodeId> {
        self.paths().to_try(now())
    }

    /// Notes what came of a guard that was tried.
    pub(super) fn guard_tried(&self, guard: NodeId, answered: bool) {
        let mut paths = self.paths();
        if answered {
            paths.guards.guard_answered(guard);
        } else {
            paths.guards.guard_failed(guard, now());
        }
    }

    /// Notes what came of building a circuit over `path`: how many of its relays it reached.
    pub(super) fn built(&self, path: &Path, outcome: Result<(), (usize, BuildError)>) {
        let Path { guard, second, third } = *path;
        let reached = match outcome {
            // Not for want of an answer.
            Err((_, BuildError::Ours)) => return,
            Err((reached, _)) => reached,
            Ok(()) => 3,
        };
        self.guard_tried(guard, reached > 0);
        for node in [guard, second, third].iter().take(reached) {
            self.known().reached(node);
        }
        {
            let mut paths = self.paths();
            match reached {
                0 => {}
                1 => paths.guards.second_failed(guard, second, now()),
                _ => paths.guards.second_answered(second),
            }
        }
        if reached == 2 {
            self.failed(&third);
        }
    }

    /// Notes that a relay answered which was asked for a sample, directly.
    pub(super) fn first_answered(&self, node: NodeId) {
        let mut paths = self.paths();
        if !paths.guards().contains(&node) {
            paths.guards.another_answered(now());
        }
    }
}

/// Paths drawn anew because a relay on them is away.
const REDRAWS: usize = 8;

/// Guards tried again and again while none answers.
const TRIED_IN_VAIN: usize = 3;

/// A ration is six circuits in ten minutes. A way has one; all ways to one relay have eight in common.
const RATIONS: (u16, u16) = (1, 8);

/// Where whole networks come and go within minutes.
const RATIONS_FOR_TESTS: (u16, u16) = (8, 256);

#[cfg(test)]
mod tests {
    use super::*;
    use outis_wire::{Destination, Isolation, Purpose, Service};
    use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
    use std::time::Duration;

    const NOW: UnixMillis = UnixMillis(1_700_000_000_000);

    fn way(isolation: u8) -> Way {
        Way {
            to: Destination {
                node: NodeId([7; 32]),
                service: Service::Mailbox,
            },
            purpose: Purpose::Mailbox,
            isolation: Isolation([isolation; 32]),
        }
    }

    fn paths(network: &NetworkName, kept: &Kept) -> Paths {
        Paths::new(network, Scope::Public, None, kept)
    }

    /// How many of so many are granted.
    fn granted(paths: &mut Paths, isolation: u8, at: UnixMillis) -> usize {
        (0..100).filter(|_| paths.begin(&way(isolation), at).is_ok()).count()
    }

    #[test]
    fn one_way_has_six_circuits_in_ten_minutes_and_all_ways_to_one_relay_forty_eight() {
        let main = NetworkName::default();
        let mut paths = paths(&main, &Kept::default());
        assert_eq!(granted(&mut paths, 0, NOW), 6);
        assert_eq!(granted(&mut paths, 0, NOW.plus(Duration::from_secs(599))), 0);
        assert_eq!(granted(&mut paths, 0, NOW.plus(Duration::from_secs(600))), 6);
        let all: usize = (1..20).map(|isolation| granted(&mut paths, isolation, NOW)).sum();
        assert_eq!(all, 48 - 6);
        let test: NetworkName = "test".parse().expect("a name");
        let mut labs = self::paths(&test, &Kept::default());
        assert_eq!(granted(&mut labs, 0, NOW), 48, "control: in labs more is granted");
    }

    #[test]
    fn circuits_of_one_way_are_counted_and_kept_waiting_over_restarts() {
        let main = NetworkName::default();
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let mut now = NOW;
        let mut begun = Vec::new();
        let mut kept = Kept::default();
        // Somebody breaks each circuit, and lets us crash after each.
        for second in 0..7_200 {
            now = NOW.plus(Duration::from_secs(second));
            let mut paths = paths(&main, &kept);
            if paths.begin(&way(0), now).is_ok() {
                begun.push(now);
                paths.ended(&way(0), End::Broken, now, &mut rng);
                kept = paths.kept(now);
            }
        }
        assert!(
            begun
                .windows(7)
                .all(|seven| seven[6].since(seven[0]) >= Duration::from_secs(600))
        );
        let waits: Vec<u64> = begun.windows(2).map(|two| two[1].since(two[0]).as_secs()).collect();
        assert!(
            waits.iter().rev().take(5).all(|wait| *wait >= 590),
            "at last one in ten minutes: {waits:?}"
        );
        assert!((12..=24).contains(&begun.len()), "in two hours: {}", begun.len());
        let mut paths = paths(&main, &kept);
        assert!(paths.begin(&way(1), now).is_ok(), "another way is another matter");
        paths.ended(&way(0), End::Worked, now, &mut rng);
        assert!(
            paths.begin(&way(0), now.plus(Duration::from_secs(600))).is_ok(),
            "one that works is not kept waiting"
        );
        let mut forgetful = self::paths(&main, &Kept::default());
        assert_eq!(granted(&mut forgetful, 0, now), 6, "control");
    }

    #[test]
    fn circuits_to_one_relay_are_counted_over_restarts() {
        let main = NetworkName::default();
        let mut before = paths(&main, &Kept::default());
        let used: usize = (0..20).map(|isolation| granted(&mut before, isolation, NOW)).sum();
        assert_eq!(used, 48);
        let mut after = paths(&main, &before.kept(NOW));
        assert_eq!(granted(&mut after, 99, NOW), 0);
        let mut forgetful = paths(&main, &Kept::default());
        assert_eq!(granted(&mut forgetful, 99, NOW), 6, "control");
    }
}
