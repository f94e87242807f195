//! R59: what an observer of a line learns from timing, in a model: a decoy and a short message look the same on it, and
//! nothing else is sent. The figures stand in docs/protocol/circuits.md, and are held against it here.

use super::*;
use crate::{
    draw::below,
    testing::{NOW, rng},
};
use rand_chacha::ChaCha20Rng;
use std::collections::BTreeMap;

const HOUR: Duration = Duration::from_secs(60 * 60);

fn times(hours: u32, rng: &mut ChaCha20Rng) -> Vec<Duration> {
    let mut decoys = Decoys::new(Decoys::MEAN, NOW, rng);
    let mut times = Vec::new();
    while decoys.next().since(NOW) < hours * HOUR {
        let now = decoys.next();
        assert!(!decoys.is_due(now.minus(Duration::from_millis(1)), rng));
        assert!(decoys.is_due(now, rng));
        times.push(now.since(NOW));
    }
    times
}

fn assert_published(words: &str) {
    let page = include_str!("../../../../docs/protocol/circuits.md").replace("\r\n", "\n");
    assert!(page.contains(words), "not in circuits.md:\n{words}");
}

#[test]
fn decoys_follow_from_nothing() {
    let mut rng = rng(1);
    let times = times(2_000, &mut rng);
    assert!((11_700..12_300).contains(&times.len()), "{}", times.len());
    // Of an exponential time the share e⁻¹ is longer than the mean, whatever went before.
    let gaps: Vec<Duration> = times.windows(2).map(|two| two[1] - two[0]).collect();
    let long = |gaps: &mut dyn Iterator<Item = Duration>| {
        let (mut all, mut long) = (0, 0);
        gaps.for_each(|gap| {
            all += 1;
            long += u32::from(gap > Decoys::MEAN);
        });
        f64::from(long) / f64::from(all)
    };
    let after_long = gaps.windows(2).filter(|two| two[0] > Decoys::MEAN).map(|two| two[1]);
    for share in [long(&mut gaps.iter().copied()), long(&mut { after_long })] {
        assert!((share - (-1f64).exp()).abs() < 0.02, "{share}");
    }
}

#[test]
fn what_was_slept_through_is_one_decoy() {
    let mut rng = rng(2);
    let mut decoys = Decoys::new(Decoys::MEAN, NOW, &mut rng);
    let later = NOW.plus(100 * HOUR);
    assert!(decoys.is_due(later, &mut rng));
    assert!(!decoys.is_due(later, &mut rng) && decoys.next() > later);
}

/// How much better than by chance the best observer tells an hour with so many messages from one with none: the distance
/// of what he counts in the one and in the other.
fn advantage(messages: u32, decoys: bool, rng: &mut ChaCha20Rng) -> f64 {
    const HOURS: u32 = 40_000;
    let mut counts = BTreeMap::<u32, u32>::new();
    if decoys {
        let mut hours = vec![0; HOURS as usize];
        for time in times(HOURS, rng) {
            hours[(time.as_secs() / 3_600) as usize] += 1;
        }
        hours
            .into_iter()
            .for_each(|count| *counts.entry(count).or_default() += 1);
    } else {
        counts.insert(0, HOURS);
    }
    let share = |count: Option<u32>| {
        f64::from(count.and_then(|count| counts.get(&count)).copied().unwrap_or(0)) / f64::from(HOURS)
    };
    let most = counts.keys().max().copied().unwrap_or(0) + messages;
    (0..=most)
        .map(|count| (share(Some(count)) - share(count.checked_sub(messages))).abs())
        .sum::<f64>()
        / 2.0
}

#[test]
fn whether_somebody_writes_shows_as_published() {
    let mut rng = rng(59);
    let rows = [1, 2, 5, 10, 30].map(|messages| {
        let [without, with] = [false, true].map(|decoys| advantage(messages, decoys, &mut rng));
        format!("| {messages} | {without:.2} | {with:.2} |\n")
    });
    assert_published(&rows.concat());
}

/// How often an observer of both ends names the sender of a conversation's messages, when of each he knows all who could have
/// sent it: those whose line showed a message or a decoy in the time that it may have taken.
fn share_of_senders_found(people: u64, messages: u32, rng: &mut ChaCha20Rng) -> f64 {
    const TRIALS: u32 = 2_000;
    /// Five messages and six decoys an hour, in a window of 200 ms.
    const IN_WINDOW: f64 = 11.0 / 3_600.0 * 0.2;
    let found = (0..TRIALS).filter(|_| {
        // Of the others, how many are left each time.
        let left = (0..messages).fold(people - 1, |left, _| {
            (0..left)
                .filter(|_| (below(1 << 32, rng) as f64) < IN_WINDOW * (1u64 << 32) as f64)
                .count() as u64
        });
        left == 0
    });
    found.count() as f64 / f64::from(TRIALS)
}

#[test]
fn who_writes_to_whom_shows_to_an_observer_of_both_ends_as_published() {
    let mut rng = rng(95);
    let rows = [100, 1_000, 3_000].map(|people| {
        let share = [1, 2, 3].map(|messages| share_of_senders_found(people, messages, &mut rng));
        let [one, two, three] = share.map(|share| format!("{:.0} %", share * 100.0));
        format!("| {people} | {one} | {two} | {three} |\n")
    });
    assert_published(&rows.concat());
}
