//! Months of somebody who works against us.

use super::*;
use crate::testing::soak;
use rand_chacha::rand_core::Rng;
use std::collections::BTreeSet;

/// R28: thirty days in which a guard that is in use is made to fail every four minutes, and answers again when it is tried,
/// sooner or later.
#[test]
fn over_ten_thousand_forced_failures_in_thirty_days_two_guards_are_in_use_and_the_sample_holds() {
    let (relays, mut rng) = (relays(500), rng(28));
    let mut guards = drawn(&relays, &mut rng);
    let (mut ever_in_sample, mut ever_in_use) = (BTreeSet::new(), BTreeSet::new());
    // What a client meets that replaces a guard whenever it fails.
    let mut of_the_careless = BTreeSet::new();
    let step = 30 * DAY / 10_000;
    for number in 0..10_000u32 {
        let now = NOW.plus(step * number);
        let in_use = guards.in_use(&relays);
        assert!(in_use.len() <= 2);
        if let Some(victim) = in_use.get(rng.next_u32() as usize % 2) {
            guards.guard_failed(*victim, now);
        }
        for node in guards.to_try(&relays, now) {
            if rng.next_u32().is_multiple_of(3) {
                guards.guard_answered(node);
            } else {
                guards.guard_failed(node, now);
            }
        }
        guards.another_answered(now);
        guards.refresh(&relays, now, &mut rng);
        ever_in_sample.extend(sample(&guards));
        ever_in_use.extend(guards.in_use(&relays));
        of_the_careless.insert(node((rng.next_u32() % 500) as u16));
    }
    assert!(ever_in_sample.len() <= 40, "{}", ever_in_sample.len());
    assert!(ever_in_use.len() <= 20, "{}", ever_in_use.len());
    assert!(of_the_careless.len() > 400, "the control");
}

/// R28: whoever runs the destination also runs every tenth relay, breaks each circuit, and learns of one in ten who stood
/// before the third hop.
#[test]
fn a_destination_that_breaks_every_circuit_learns_at_most_the_second_hops() {
    let (relays, mut rng) = (relays(300), rng(82));
    let mut guards = drawn(&relays, &mut rng);
    let (destination, set) = (node(0), seconds(&guards));
    let (mut learned, mut of_the_careless, mut thirds) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for number in 0..10_000u32 {
        let now = NOW.plus(number * DAY / 10_000);
        guards.refresh(&relays, now, &mut rng);
        let path = guards.draw(&relays, Some(destination), now, &mut rng).unwrap();
        assert!(guards.in_use(&relays).contains(&path.guard));
        if path.third.0[1].is_multiple_of(10) {
            learned.insert(path.second);
            of_the_careless.insert(node((rng.next_u32() % 300) as u16));
        }
        thirds.insert(path.third);
    }
    assert!(
        learned.iter().all(|node| set.contains(node)) && learned.len() <= 4,
        "{learned:?}"
    );
    assert!(of_the_careless.len() > 200, "the control");
    assert!(thirds.len() > 290, "the third hop is any relay");
}

/// R65's part of it: 963 in 1 000 relays die at once, all guards and second hops among them, and nobody says which.
#[test]
fn after_the_loss_of_most_relays_a_living_guard_and_second_hop_are_found_within_hours() {
    let mut worst = 0;
    for seed in 0..if soak() { 50 } else { 4 } {
        let (relays, mut rng) = (relays(1_000), rng(seed));
        let mut guards = drawn(&relays, &mut rng);
        let chosen = [sample(&guards), seconds(&guards)].concat();
        let living: BTreeSet<NodeId> =
            shuffled(relays.hops().filter(|node| !chosen.contains(node)).collect(), &mut rng)
                .into_iter()
                .take(37)
                .collect();
        let found = (0..24 * 60).find(|minute| {
            let now = NOW.plus(*minute * MINUTE);
            let mut tried = guards.to_try(&relays, now);
            tried.extend(guards.in_use(&relays));
            for node in tried {
                if living.contains(&node) {
                    guards.guard_answered(node);
                } else {
                    guards.guard_failed(node, now);
                }
            }
            guards.another_answered(now);
            guards.refresh(&relays, now, &mut rng);
            for guard in guards
                .in_use(&relays)
                .into_iter()
                .filter(|guard| living.contains(guard))
            {
                for second in guards.seconds.usable(guard, &relays, now) {
                    if living.contains(&second) {
                        guards.second_answered(second);
                        return true;
                    }
                    guards.second_failed(guard, second, now);
                }
            }
            false
        });
        worst = worst.max(found.expect("within a day"));
    }
    assert!(worst < 8 * 60, "{worst} minutes");
}
