use super::*;
use futures::FutureExt;
use libp2p::PeerId;
use std::time::Duration;

const BOUNDS: Bounds = Bounds {
    circuits: 4,
    per_neighbour: 2,
    memory: 1_000_000,
};

fn stranger() -> Neighbour {
    Neighbour::Peer(PeerId::random())
}

fn is_condemned(place: &mut Place) -> bool {
    place.condemned().now_or_never().is_some()
}

#[test]
fn there_are_so_many_places_for_one_neighbour_and_so_many_for_all() {
    let circuits = Circuits::new(BOUNDS);
    let (greedy, modest) = (stranger(), stranger());
    let held = [circuits.enter(greedy), circuits.enter(greedy)];
    assert!(held.iter().all(Option::is_some));
    assert!(circuits.enter(greedy).is_none());
    let others = [circuits.enter(modest), circuits.enter(stranger())];
    assert!(others.iter().all(Option::is_some));
    assert!(circuits.enter(stranger()).is_none());
    assert_eq!((circuits.count(), circuits.refused()), (4, 2));
    drop(held);
    assert!(
        circuits.enter(greedy).is_some(),
        "a place is free again once it was left"
    );
    drop(others);
    assert_eq!(circuits.count(), 0);
    assert!(circuits.table().per_neighbour.is_empty());
}

#[test]
fn over_the_budget_the_one_that_has_held_something_longest_ends() {
    let circuits = Circuits::new(BOUNDS);
    let mut places: Vec<Place> = (0..3)
        .map(|_| circuits.enter(stranger()).expect("there is room"))
        .collect();
    let start = Instant::now();
    for (place, seconds) in places.iter_mut().zip([2, 1, 3]) {
        place.hold(300_000, Some(start + Duration::from_secs(seconds)));
    }
    assert!(
        places.iter_mut().all(|place| !is_condemned(place)),
        "control: within the budget"
    );
    assert_eq!(circuits.held(), 900_000);
    if let Some(last) = places.last_mut() {
        last.hold(450_000, Some(start + Duration::from_secs(3)));
    }
    let condemned: Vec<bool> = places.iter_mut().map(is_condemned).collect();
    assert_eq!(condemned, [false, true, false]);
    assert_eq!((circuits.held(), circuits.condemned()), (750_000, 1));
    drop(places);
    assert_eq!(circuits.held(), 0);
}

#[test]
fn a_queue_that_is_written_at_once_is_not_told() {
    let circuits = Circuits::new(BOUNDS);
    let mut place = circuits.enter(stranger()).expect("there is room");
    place.hold(WORTH_TELLING, Some(Instant::now()));
    assert_eq!(circuits.held(), 0);
    place.hold(WORTH_TELLING + 1, Some(Instant::now()));
    assert_eq!(circuits.held(), WORTH_TELLING + 1);
    place.hold(0, None);
    assert_eq!(circuits.held(), 0);
}
