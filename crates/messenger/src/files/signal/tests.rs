use super::*;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

fn examples() -> Vec<(&'static str, Signal)> {
    let road = |byte: u8| Road {
        node: NodeId([byte; 32]),
        cookie: Cookie([byte + 1; 32]),
    };
    vec![
        (
            "roads",
            Signal::Roads(Call {
                roads: vec![road(1), road(3)],
                stored: 70_000,
            }),
        ),
        ("declined", Signal::Declined),
        ("cancelled", Signal::Cancelled),
        ("complete", Signal::Complete),
        ("unreadable", Signal::Unavailable(Fault::Unreadable)),
        ("changed", Signal::Unavailable(Fault::Changed)),
        ("paused", Signal::Paused),
        ("resumed", Signal::Resumed),
        (
            "locker",
            Signal::Locker(LockerKey::of(&OwnedQueue::generate(
                &mut ChaCha20Rng::seed_from_u64(1),
                NodeId([9; 32]),
            ))),
        ),
    ]
}

#[test]
fn signals_have_their_golden_bytes_and_come_back() {
    let golden = include_str!("../../../../../tests/vectors/messenger-signals.txt");
    let golden: Vec<(&str, &str)> = golden
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once(' '))
        .collect();
    let ours: Vec<(&str, String)> = examples()
        .into_iter()
        .map(|(name, signal)| (name, hex::encode(outis_wire::encode(&signal.to_tagged()))))
        .collect();
    let ours: Vec<(&str, &str)> = ours.iter().map(|(name, hex)| (*name, hex.as_str())).collect();
    assert_eq!(ours, golden);
    for (name, signal) in examples() {
        assert_eq!(
            Signal::from_tagged(&signal.to_tagged()).as_ref(),
            Some(&signal),
            "{name}"
        );
    }
}

#[test]
fn a_signal_of_a_newer_version_and_a_crowd_of_roads_are_passed_over() {
    assert_eq!(
        Signal::from_tagged(&Tagged {
            tag: 99,
            body: Vec::new()
        }),
        None
    );
    assert_eq!(Signal::from_tagged(&Tagged { tag: 2, body: vec![0] }), None);
    let road = Road {
        node: NodeId([0; 32]),
        cookie: Cookie([0; 32]),
    };
    assert_eq!(
        Signal::from_tagged(
            &Signal::Roads(Call {
                roads: vec![road; MAX_ROADS + 1],
                stored: 0
            })
            .to_tagged()
        ),
        None
    );
}
