//! A network that loses, repeats, reorders and changes whatever it likes.

use crate::{
    ReceiveError,
    testing::{Side, pair},
};
use proptest::prelude::*;

#[derive(Debug, Clone, Copy)]
enum Event {
    /// One side sends.
    Send(Who),
    /// Something that was ever sent to that side comes, perhaps again.
    Deliver(Who, usize),
    /// The same, with one bit changed.
    Corrupt(Who, usize, usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    Alice,
    Bob,
}

struct World {
    alice: Side,
    bob: Side,
    /// Everything ever sent, by whom, and whether it was read.
    sent: Vec<(Who, Vec<u8>, bool)>,
}

impl World {
    fn new(seed: u64) -> Self {
        let (alice, bob) = pair(seed);
        Self {
            alice,
            bob,
            sent: Vec::new(),
        }
    }

    fn side(&mut self, who: Who) -> &mut Side {
        match who {
            Who::Alice => &mut self.alice,
            Who::Bob => &mut self.bob,
        }
    }

    fn run(&mut self, event: Event) {
        match event {
            Event::Send(who) => {
                let plaintext = (self.sent.len() as u64).to_be_bytes();
                let ciphertext = self.side(who).send(&plaintext);
                self.sent.push((who, ciphertext, false));
            }
            Event::Deliver(to, pick) => {
                if let Some(at) = self.pick(to, pick) {
                    self.deliver(at);
                }
            }
            Event::Corrupt(to, pick, bit) => {
                if let Some(at) = self.pick(to, pick) {
                    let mut changed = self.sent[at].1.clone();
                    let bit = bit % (changed.len() * 8);
                    changed[bit / 8] ^= 1 << (bit % 8);
                    let before = self.side(to).state();
                    assert!(self.side(to).receive(&changed).is_err(), "bit {bit}");
                    assert_eq!(self.side(to).state(), before, "refused input changed the state");
                }
            }
        }
    }

    /// Whether it was read; checks that nothing is read twice or wrongly, and that what is refused changes nothing.
    fn deliver(&mut self, at: usize) -> bool {
        let (from, ciphertext, read) = self.sent[at].clone();
        let to = if from == Who::Alice { Who::Bob } else { Who::Alice };
        let before = self.side(to).state();
        match self.side(to).receive(&ciphertext) {
            Ok(plaintext) => {
                assert_eq!(plaintext, (at as u64).to_be_bytes());
                assert!(!read, "read twice");
                self.sent[at].2 = true;
            }
            Err(error) => {
                assert!(
                    matches!(error, ReceiveError::Spent | ReceiveError::NotForThisSession),
                    "{error:?}"
                );
                assert_eq!(self.side(to).state(), before, "refused input changed the state");
            }
        }
        self.sent[at].2
    }

    fn pick(&self, to: Who, pick: usize) -> Option<usize> {
        let candidates: Vec<usize> = (0..self.sent.len()).filter(|at| self.sent[*at].0 != to).collect();
        (!candidates.is_empty()).then(|| candidates[pick % candidates.len()])
    }
}

fn who() -> impl Strategy<Value = Who> {
    prop_oneof![Just(Who::Alice), Just(Who::Bob)]
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => who().prop_map(Event::Send),
        4 => (who(), any::<usize>()).prop_map(|(who, pick)| Event::Deliver(who, pick)),
        1 => (who(), any::<usize>(), any::<usize>()).prop_map(|(who, pick, bit)| Event::Corrupt(who, pick, bit)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_read_twice_or_wrongly_and_what_is_refused_changes_nothing(
        seed in any::<u64>(),
        events in proptest::collection::vec(event(), 1..80),
    ) {
        let mut world = World::new(seed % 1_000);
        for event in events {
            world.run(event);
        }
    }

    /// As long as no cap is reached, whatever comes is read, in whichever order.
    #[test]
    fn whatever_comes_is_read_once_in_any_order(
        seed in any::<u64>(),
        bursts in proptest::collection::vec((1_usize..6, 1_usize..6), 1..4),
        order in any::<prop::sample::Index>(),
        keys in proptest::collection::vec(any::<u64>(), 64),
    ) {
        let mut world = World::new(seed % 1_000);
        for (there, back) in bursts {
            for (who, count) in [(Who::Alice, there), (Who::Bob, back)] {
                for _ in 0..count {
                    world.run(Event::Send(who));
                }
                // The last of each burst comes at once, so that the next burst is a new turn; the others whenever they like.
                let last = world.sent.len() - 1;
                prop_assert!(world.deliver(last));
            }
        }
        let mut rest: Vec<usize> = (0..world.sent.len()).filter(|at| !world.sent[*at].2).collect();
        rest.sort_by_key(|at| keys[at % keys.len()].rotate_left(order.index(64) as u32));
        for at in rest {
            prop_assert!(world.deliver(at), "lost {}", at);
            world.deliver(at);
        }
        prop_assert!(world.alice.store.is_empty() && world.bob.store.is_empty());
    }
}
