mod days;

use super::*;
use crate::{
    Scope,
    testing::{Hop, NOW, rng},
};
use rand_chacha::ChaCha20Rng;

fn node(number: u16) -> NodeId {
    let mut id = [7; 32];
    id[..2].copy_from_slice(&number.to_be_bytes());
    NodeId(id)
}

fn relays(count: u16) -> Relays {
    let mut relays = Relays::new(Scope::Private);
    let mut descriptor = Hop::new(1).descriptor();
    for number in 0..count {
        descriptor.node = node(number);
        relays.insert(&descriptor);
    }
    relays
}

fn drawn(relays: &Relays, rng: &mut ChaCha20Rng) -> Guards {
    let mut guards = Guards::new();
    assert!(guards.refresh(relays, NOW, rng));
    guards
}

fn sample(guards: &Guards) -> Vec<NodeId> {
    guards.sample.guards.iter().map(|guard| guard.node).collect()
}

fn seconds(guards: &Guards) -> Vec<NodeId> {
    guards.seconds.set.iter().map(|hop| hop.node).collect()
}

#[test]
fn the_sample_is_drawn_once_and_its_first_two_are_in_use() {
    let (relays, mut rng) = (relays(100), rng(1));
    let mut guards = drawn(&relays, &mut rng);
    assert_eq!(sample(&guards).len(), 20);
    assert_eq!(guards.in_use(&relays), sample(&guards)[..2]);
    assert_eq!(seconds(&guards).len(), 4);
    assert!(
        !guards.refresh(&relays, NOW.plus(HOUR), &mut rng),
        "nothing is drawn anew"
    );
    assert_ne!(
        sample(&drawn(&relays, &mut rng)),
        sample(&guards),
        "another account has others"
    );
}

#[test]
fn an_earlier_guard_is_preferred_again_when_it_returns() {
    let (relays, mut rng) = (relays(100), rng(2));
    let mut guards = drawn(&relays, &mut rng);
    let order = sample(&guards);
    guards.guard_failed(order[0], NOW);
    assert_eq!(guards.in_use(&relays), order[1..3]);
    assert!(guards.to_try(&relays, NOW).is_empty());
    assert_eq!(guards.to_try(&relays, NOW.plus(MINUTE)), order[..1]);
    guards.guard_answered(order[0]);
    assert_eq!(guards.in_use(&relays), order[..2]);
}

#[test]
fn a_guard_of_which_nothing_is_known_is_not_used_and_let_go_after_twenty_days() {
    let (mut relays, mut rng) = (relays(100), rng(3));
    let mut guards = drawn(&relays, &mut rng);
    let order = sample(&guards);
    relays.remove(order[0]);
    guards.refresh(&relays, NOW, &mut rng);
    assert_eq!(guards.in_use(&relays), order[1..3]);
    guards.refresh(&relays, NOW.plus(19 * DAY), &mut rng);
    assert_eq!(sample(&guards), order);
    guards.refresh(&relays, NOW.plus(20 * DAY), &mut rng);
    assert_eq!(sample(&guards)[..19], order[1..]);
    assert_eq!(sample(&guards).len(), 20);
}

#[test]
fn guards_are_let_go_after_three_to_four_months() {
    let (relays, mut rng) = (relays(100), rng(4));
    let mut guards = drawn(&relays, &mut rng);
    let order = sample(&guards);
    guards.refresh(&relays, NOW.plus(89 * DAY), &mut rng);
    assert_eq!(sample(&guards), order);
    guards.refresh(&relays, NOW.plus(120 * DAY), &mut rng);
    assert!(
        guards
            .sample
            .guards
            .iter()
            .all(|guard| guard.until >= NOW.plus(210 * DAY))
    );
}

/// Fails whatever is in use or due, until nothing is.
fn fail_all(guards: &mut Guards, relays: &Relays, now: UnixMillis) {
    loop {
        let mut tried = guards.in_use(relays);
        tried.extend(guards.to_try(relays, now));
        if tried.is_empty() {
            return;
        }
        tried.into_iter().for_each(|node| guards.guard_failed(node, now));
    }
}

#[test]
fn the_sample_grows_only_when_all_of_it_failed_for_ten_minutes_while_another_relay_answered() {
    let (relays, mut rng) = (relays(100), rng(5));
    let mut guards = drawn(&relays, &mut rng);
    let mut at = |minutes: u32, another: bool, guards: &mut Guards| {
        let now = NOW.plus(minutes * MINUTE);
        fail_all(guards, &relays, now);
        if another {
            guards.another_answered(now);
        }
        guards.refresh(&relays, now, &mut rng);
        sample(guards).len()
    };
    assert_eq!(at(0, true, &mut guards), 20);
    assert_eq!(at(9, true, &mut guards), 20);
    assert_eq!(at(10, true, &mut guards), 21);
    // One a minute, and none while one stands.
    assert_eq!(at(11, true, &mut guards), 22);
    let newest = sample(&guards)[21];
    assert_eq!(guards.in_use(&relays), [newest]);
    assert_eq!(at(11, true, &mut guards), 22);
    guards.guard_answered(newest);
    assert!(
        matches!(guards.draw(&relays, None, NOW, &mut crate::testing::rng(1)), Ok(Path { guard, .. }) if guard == newest)
    );
    assert!(!guards.refresh(&relays, NOW.plus(12 * MINUTE), &mut crate::testing::rng(1)));

    let mut alone = drawn(&relays, &mut crate::testing::rng(6));
    assert!(
        (0..600).all(|minutes| at(minutes, false, &mut alone) == 20),
        "our own line is down"
    );
}

#[test]
fn an_answer_of_another_relay_counts_only_once_the_preferred_guards_have_failed_after_it() {
    let (relays, mut rng) = (relays(100), rng(13));
    let mut guards = drawn(&relays, &mut rng);
    (0..30).for_each(|minutes| {
        fail_all(&mut guards, &relays, NOW.plus(minutes * MINUTE));
        guards.refresh(&relays, NOW.plus(minutes * MINUTE), &mut rng);
        assert_eq!(guards.are_given_up(&relays, NOW.plus(minutes * MINUTE)), minutes >= 10);
    });
    // The line is back, and whoever is asked first answers before the guards are asked again.
    let back = NOW.plus(30 * MINUTE);
    guards.another_answered(back);
    guards.refresh(&relays, back, &mut rng);
    assert_eq!(sample(&guards).len(), 20);
    let order = sample(&guards);
    let asked = back.plus(MINUTE);
    guards.guard_failed(order[0], asked);
    guards.guard_failed(order[1], asked);
    guards.refresh(&relays, asked, &mut rng);
    assert_eq!(sample(&guards).len(), 20, "the third has not been asked");
    guards.guard_failed(order[2], asked);
    guards.another_answered(asked);
    guards.refresh(&relays, asked, &mut rng);
    assert_eq!(sample(&guards).len(), 21, "control: all three are gone");
}

#[test]
fn after_an_outage_the_preferred_guards_are_in_use_again() {
    let (relays, mut rng) = (relays(100), rng(7));
    let mut guards = drawn(&relays, &mut rng);
    let order = sample(&guards);
    (0..300).for_each(|minutes| fail_all(&mut guards, &relays, NOW.plus(minutes * MINUTE)));
    let back = NOW.plus(300 * MINUTE);
    assert!(guards.in_use(&relays).is_empty());
    let Err(NoPath::NoGuard { until }) = guards.draw(&relays, None, back, &mut rng) else {
        panic!("a path without a guard");
    };
    assert!(until <= back.plus(10 * MINUTE));
    // The line is back: whoever is tried first answers, and the preferred are tried next.
    guards.guard_answered(guards.to_try(&relays, until)[0]);
    for node in guards.to_try(&relays, until.plus(MINUTE)) {
        guards.guard_answered(node);
    }
    assert_eq!(guards.in_use(&relays), order[..2]);
}

#[test]
fn second_hops_live_one_to_twelve_days_and_mostly_long() {
    let (relays, mut rng) = (relays(100), rng(8));
    let mut hours = Vec::new();
    for _ in 0..200 {
        let guards = drawn(&relays, &mut rng);
        hours.extend(
            guards
                .seconds
                .set
                .iter()
                .map(|hop| hop.until.since(NOW).as_secs() / HOUR.as_secs()),
        );
        let set = seconds(&guards);
        let mut later = guards.clone();
        later.refresh(&relays, NOW.plus(DAY), &mut rng);
        assert_eq!(seconds(&later), set);
        later.refresh(&relays, NOW.plus(12 * DAY), &mut rng);
        assert!(later.seconds.set.iter().all(|hop| hop.until >= NOW.plus(13 * DAY)));
        assert_eq!(seconds(&later).len(), 4);
    }
    hours.sort_unstable();
    assert!(hours[0] >= 24 && hours[799] < 12 * 24, "{hours:?}");
    // Half of them live longer than 1 + 11 / √2 days.
    assert!((200..220).contains(&hours[400]), "{hours:?}");
}

#[test]
fn one_guard_that_lies_does_not_change_the_second_hops_and_is_gone_round() {
    let (relays, mut rng) = (relays(100), rng(9));
    let mut guards = drawn(&relays, &mut rng);
    let (liar, set) = (guards.in_use(&relays)[0], seconds(&guards));
    for minutes in 0..1_000 {
        let now = NOW.plus(minutes * MINUTE);
        set.iter().for_each(|node| guards.second_failed(liar, *node, now));
        guards.refresh(&relays, now, &mut rng);
        assert_eq!(seconds(&guards), set);
        let path = guards.draw(&relays, None, now, &mut rng).unwrap();
        assert!(path.guard != liar && set.contains(&path.second));
    }
}

#[test]
fn a_dead_set_of_second_hops_is_replaced_one_by_one_after_ten_minutes() {
    let (relays, mut rng) = (relays(100), rng(10));
    let mut guards = drawn(&relays, &mut rng);
    let (both, set) = (guards.in_use(&relays), seconds(&guards));
    let mut fail = |minutes: u32, guards: &mut Guards| {
        let now = NOW.plus(minutes * MINUTE);
        for second in seconds(guards) {
            both.iter().for_each(|guard| guards.second_failed(*guard, second, now));
        }
        guards.refresh(&relays, now, &mut rng);
        seconds(guards).iter().filter(|node| !set.contains(node)).count()
    };
    assert_eq!((0..10).map(|minutes| fail(minutes, &mut guards)).max(), Some(0));
    assert_eq!(fail(10, &mut guards), 1);
    assert_eq!(fail(10, &mut guards), 1);
    assert_eq!(fail(11, &mut guards), 2);
    let alive = *seconds(&guards).last().unwrap();
    guards.second_answered(alive);
    assert!((12..60).all(|minutes| {
        guards.refresh(&relays, NOW.plus(minutes * MINUTE), &mut crate::testing::rng(1));
        seconds(&guards).contains(&alive)
    }));
    assert_eq!(seconds(&guards).len(), 4);
}

#[test]
fn a_clock_that_was_ahead_keeps_nothing_waiting() {
    let (relays, mut rng) = (relays(100), rng(11));
    let mut guards = drawn(&relays, &mut rng);
    let ahead = NOW.plus(10 * DAY);
    fail_all(&mut guards, &relays, ahead);
    guards.refresh(&relays, ahead, &mut rng);
    guards.refresh(&relays, NOW, &mut rng);
    assert!(!guards.to_try(&relays, NOW.plus(MINUTE)).is_empty());
}

fn eventful() -> Guards {
    let (relays, mut rng) = (relays(30), rng(12));
    let mut guards = drawn(&relays, &mut rng);
    let order = sample(&guards);
    guards.guard_failed(order[0], NOW);
    guards.guard_answered(order[1]);
    guards.second_failed(order[1], seconds(&guards)[2], NOW.plus(MINUTE));
    guards.another_answered(NOW.plus(MINUTE));
    guards
}

#[test]
fn a_record_gives_back_what_it_was_made_of_and_is_that_of_the_vectors() {
    let guards = eventful();
    let record = guards.to_record();
    assert_eq!(Guards::from_record(&record), Ok(guards));
    let golden = include_str!("../../../../tests/vectors/onion-guards.txt");
    assert_eq!(
        format!("guards = {}\n", hex::encode(record)),
        golden.replace("\r\n", "\n")
    );
}

#[test]
fn a_damaged_or_later_record_gives_no_guards() {
    let record = eventful().to_record();
    assert_eq!(
        Guards::from_record(&[&[2], &record[1..]].concat()),
        Err(GuardsRecordError::Version(2))
    );
    for end in 0..record.len() {
        assert!(Guards::from_record(&record[..end]).is_err(), "{end}");
    }
    let mut twice = eventful();
    let first = twice.sample.guards[0].clone();
    twice.sample.guards.push(first);
    assert_eq!(
        Guards::from_record(&twice.to_record()),
        Err(GuardsRecordError::Contradictory)
    );
}

/// Minutes until a path leads over living relays again, when all but these have died.
fn minutes_to_a_living_path(living: u16, seed: u64) -> u32 {
    let (relays, mut rng) = (relays(1_000), rng(seed));
    let lives = |node: &NodeId| u16::from_be_bytes([node.0[0], node.0[1]]) < living;
    let mut guards = drawn(&relays, &mut rng);
    for minute in 0..2_000 {
        let now = NOW.plus(minute * MINUTE);
        // As a client does: whatever is in use or due is dialled, and the preferred more often while none answers.
        let mut tried = guards.in_use(&relays);
        tried.extend(guards.to_try(&relays, now));
        if guards.in_use(&relays).is_empty() {
            tried.extend(guards.to_try(&relays, UnixMillis(u64::MAX)).into_iter().take(3));
        }
        for node in tried {
            if lives(&node) {
                guards.guard_answered(node);
            } else {
                guards.guard_failed(node, now);
            }
        }
        if guards.are_given_up(&relays, now) {
            // Whoever is asked first that lives.
            guards.another_answered(now);
        }
        guards.refresh(&relays, now, &mut rng);
        for guard in guards.in_use(&relays).into_iter().filter(lives) {
            for second in seconds(&guards) {
                if lives(&second) {
                    guards.second_answered(second);
                    return minute;
                }
                guards.second_failed(guard, second, now);
            }
        }
    }
    panic!("never");
}

#[test]
fn when_963_of_a_thousand_relays_die_a_path_is_found_again_within_hours() {
    let mut minutes: Vec<u32> = (0..200).map(|seed| minutes_to_a_living_path(37, seed)).collect();
    minutes.sort_unstable();
    assert!(minutes[100] <= 180 && minutes[190] <= 600, "{minutes:?}");
    let few = (0..20).map(|seed| minutes_to_a_living_path(900, seed)).max();
    assert!(few <= Some(10), "control: while most live nobody waits: {few:?}");
}
