use super::*;
use crate::content::{Text, Tombstone};
use proptest::prelude::*;

fn text(words: &str) -> Content {
    Content::Text(Text {
        text: words.to_owned(),
        reply_to: None,
    })
}

/// The first `count` messages of an honest sender: number, link before, salted hash.
fn told(count: u64) -> Vec<(u64, Link, [u8; 32])> {
    let mut link = Link::default();
    (1..=count)
        .map(|number| {
            let salted = salted_hash(Salt([7; 16]), &text(&number.to_string()));
            let before = link;
            link = link.next(number, salted);
            (number, before, salted)
        })
        .collect()
}

#[test]
fn the_next_number_has_the_next_place_and_comes_once() {
    let mut arrived = Arrived::default();
    assert_eq!(arrived.place(0), Place::Refused);
    for (number, previous, salted) in told(3) {
        assert_eq!(arrived.place(number), Place::Next);
        assert_eq!(arrived.take(number, 0, previous, salted), Agreement::Agrees);
        assert_eq!(arrived.place(number), Place::Seen);
    }
    assert_eq!(arrived.up_to(), 3);
}

#[test]
fn a_jump_leaves_a_gap_that_fills_from_any_side() {
    let mut arrived = Arrived::default();
    let told = told(6);
    for (number, place) in [
        (6, Place::After(1..=5)),
        (3, Place::Fills(1..=5)),
        (5, Place::Fills(4..=5)),
        (1, Place::Fills(1..=2)),
    ] {
        assert_eq!(arrived.place(number), place);
        let (number, previous, salted) = told[number as usize - 1];
        assert_eq!(arrived.take(number, 0, previous, salted), Agreement::Agrees);
    }
    assert_eq!(arrived.up_to(), 1);
    assert_eq!(arrived.beyond(10), [(3, 3), (5, 6)]);
}

#[test]
fn a_jump_of_two_to_the_thirty_one_is_refused_and_changes_nothing() {
    let mut arrived = Arrived::default();
    let before = arrived.clone();
    assert_eq!(arrived.place(1 << 31), Place::Refused);
    arrived.take(1 << 31, 0, Link::default(), [0; 32]);
    assert_eq!(arrived, before);
}

#[test]
fn a_number_that_nobody_counts_to_is_refused_wherever_one_begins() {
    for number in [u64::MAX, u64::MAX - 1, u64::MAX - 2, (1 << 48) + 1] {
        let mut arrived = Arrived::starting_at(number);
        let before = arrived.clone();
        assert_eq!(arrived.place(number), Place::Refused);
        arrived.take(number, 0, Link::default(), [0; 32]);
        assert_eq!(arrived, before);
    }
    let mut last = Arrived::starting_at(1 << 48);
    assert_eq!(last.take(1 << 48, 0, Link::default(), [0; 32]), Agreement::Agrees);
    assert_eq!(last.place((1 << 48) + 1), Place::Refused);
}

/// It is part of the contact's record, which must always fit: what could not be stored would come again for ever.
#[test]
fn what_is_kept_of_a_sender_who_leaves_holes_on_purpose_stays_small() {
    let mut number = 1 << 47;
    let mut arrived = Arrived::starting_at(number + 1);
    let refused = loop {
        number += 2;
        if arrived.place(number) == Place::Refused {
            break number;
        }
        for next in [number, number + 1] {
            arrived.take(next, u64::MAX, Link([0xff; 32]), [0xff; 32]);
        }
        number += 1;
    };
    assert!(refused > 1 << 47 && outis_wire::encode(&arrived).len() < 64 * 1024);
}

#[test]
fn a_second_story_of_the_past_is_seen_in_either_order() {
    let told = told(3);
    let forged = salted_hash(Salt([7; 16]), &text("something else"));
    for order in [[0, 1, 2], [2, 1, 0], [1, 0, 2]] {
        let mut arrived = Arrived::default();
        let broken = order.iter().any(|at| {
            let (number, previous, salted) = told[*at];
            let salted = if number == 2 { forged } else { salted };
            arrived.take(number, 0, previous, salted) == Agreement::Broken
        });
        assert!(broken, "{order:?}");
    }
}

#[test]
fn a_new_session_begins_a_new_chain() {
    let told = told(2);
    let mut arrived = Arrived::default();
    assert_eq!(arrived.take(1, 0, told[0].1, told[0].2), Agreement::Agrees);
    assert_eq!(arrived.take(2, 1, Link::default(), told[1].2), Agreement::Agrees);
}

#[test]
fn a_tombstone_closes_the_chain_at_its_number() {
    let salted = salted_hash(Salt([1; 16]), &text("withdrawn"));
    let tombstone = Content::Tombstone(Tombstone {
        withdrawn: salted,
        for_everyone: false,
    });
    assert_eq!(salted_hash(Salt([9; 16]), &tombstone), salted);
}

#[test]
fn the_same_text_under_another_salt_has_another_hash() {
    assert_ne!(
        salted_hash(Salt([1; 16]), &text("yes")),
        salted_hash(Salt([2; 16]), &text("yes"))
    );
}

proptest! {
    #[test]
    fn any_order_with_repeats_ends_in_the_same_state(order in proptest::collection::vec(0usize..40, 0..200)) {
        let told = told(40);
        let mut arrived = Arrived::default();
        let mut seen = std::collections::BTreeSet::new();
        for at in order {
            let (number, previous, salted) = told[at];
            prop_assert_eq!(arrived.place(number) == Place::Seen, !seen.insert(number));
            prop_assert_eq!(arrived.take(number, 0, previous, salted), Agreement::Agrees);
        }
        let up_to = (1..).take_while(|n| seen.contains(n)).last().unwrap_or(0);
        prop_assert_eq!(arrived.up_to(), up_to);
        let beyond: Vec<u64> = arrived.beyond(usize::MAX).into_iter().flat_map(|(from, to)| from..=to).collect();
        prop_assert_eq!(beyond, seen.iter().copied().filter(|n| *n > up_to).collect::<Vec<_>>());
        for (number, previous, salted) in told {
            arrived.take(number, 0, previous, salted);
        }
        prop_assert_eq!(arrived.missing.len(), 0);
        prop_assert_eq!(arrived.edges.len(), 1, "only the latest link is kept");
    }
}
