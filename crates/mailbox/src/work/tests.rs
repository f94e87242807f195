use super::*;
use crate::testing::{check_vectors, network, rng, vector};
use proptest::prelude::*;

const VECTORS: &str = include_str!("../../../../tests/vectors/mailbox-work.txt");
const HOUR: Hour = Hour(498_720);

#[test]
fn a_proof_has_not_changed_and_still_pays() {
    let network = network();
    let mut bytes = Vec::new();
    challenge(&network).solve(HOUR, 4, &mut rng(1)).write(&mut bytes);
    check_vectors(VECTORS, &[("proof", bytes)]);
    let golden = vector(VECTORS, "proof");
    let proof = Proof::read(&mut Reader::new(&golden)).expect("40 bytes");
    assert_eq!(challenge(&network).check(&proof, 4, HOUR), Ok(()));
}

#[test]
fn a_proof_pays_for_one_thing_in_one_network_for_one_hour() {
    let network = network();
    let paid = challenge(&network);
    let proof = paid.solve(HOUR, 2, &mut rng(1));
    assert_eq!(paid.check(&proof, 2, HOUR), Ok(()));
    let main = NetworkName::default();
    let others = [
        Challenge {
            network: &main,
            ..paid.clone()
        },
        Challenge {
            purpose: Purpose::Queue,
            ..paid.clone()
        },
        Challenge {
            target: [8; 32],
            ..paid.clone()
        },
        Challenge {
            content: [8; 32],
            ..paid.clone()
        },
    ];
    for other in others {
        assert_eq!(other.check(&proof, 2, HOUR), Err(WorkError::NotAProof));
    }
    let moved = Proof {
        hour: Hour(HOUR.0 + 1),
        ..proof
    };
    assert_eq!(paid.check(&moved, 2, HOUR), Err(WorkError::NotAProof));
    let dearer = Proof { effort: 3, ..proof };
    assert_eq!(paid.check(&dearer, 2, HOUR), Err(WorkError::NotAProof));
    assert_eq!(paid.check(&proof, 3, HOUR), Err(WorkError::TooCheap { minimum: 3 }));
    let free = Proof { effort: 0, ..proof };
    assert_eq!(paid.check(&free, 0, HOUR), Err(WorkError::TooCheap { minimum: 1 }));
}

#[test]
fn the_hour_before_and_the_hour_after_are_accepted_and_no_other() {
    let network = network();
    let proof = challenge(&network).solve(HOUR, 1, &mut rng(1));
    let at = |hour| challenge(&network).check(&proof, 1, Hour(hour));
    assert_eq!([at(HOUR.0 - 1), at(HOUR.0), at(HOUR.0 + 1)], [Ok(()); 3]);
    assert_eq!(
        [at(HOUR.0 - 2), at(HOUR.0 + 2), at(0), at(u32::MAX)],
        [Err(WorkError::WrongHour); 4]
    );
}

#[test]
fn twice_the_effort_is_twice_the_tries() {
    let network = network();
    let steps = |effort: u32| -> u32 {
        (0..6)
            .map(|seed| {
                let mut search = challenge(&network).search(HOUR, effort, &mut rng(seed));
                let mut steps = 1;
                while search.step().is_none() {
                    steps += 1;
                }
                steps
            })
            .sum()
    };
    let (one, eight) = (steps(1), steps(8));
    assert!(one <= 12 && eight > 2 * one, "{one} steps at effort 1, {eight} at 8");
}

proptest! {
    #[test]
    fn made_up_proofs_do_not_pay(bytes in any::<[u8; 32]>(), effort in 1..1000_u32) {
        let network = network();
        let (nonce, solution) = bytes.split_at(16);
        let nonce = nonce.try_into().expect("16 bytes");
        let solution = solution.try_into().expect("16 bytes");
        let proof = Proof { hour: HOUR, effort, nonce, solution };
        prop_assert_eq!(challenge(&network).check(&proof, 1, HOUR), Err(WorkError::NotAProof));
    }
}

fn challenge(network: &NetworkName) -> Challenge<'_> {
    Challenge {
        network,
        purpose: Purpose::Request,
        target: [1; 32],
        content: [2; 32],
    }
}
