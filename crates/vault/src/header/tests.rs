use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;

use super::*;

#[test]
fn the_format_is_as_published() {
    let vector = include_str!("../../../../tests/vectors/vault-header.txt");
    let expected = hex::decode(vector.lines().find(|line| !line.starts_with('#')).unwrap()).unwrap();
    let (data_key, key) = (Secret::from_bytes([1; 32]), Secret::from_bytes([2; 32]));
    let header = Header::wrap([3; 32], &data_key, &key, &mut ChaCha20Rng::seed_from_u64(1));
    assert_eq!(header.encode(), expected);
    let read = Header::decode(&expected).unwrap();
    assert_eq!(read, header);
    assert!(read.unwrap(&key).unwrap().ct_eq(&data_key));
}

#[test]
fn any_changed_or_missing_byte_is_damage() {
    let (data_key, key) = (Secret::from_bytes([1; 32]), Secret::from_bytes([2; 32]));
    let good = Header::wrap([3; 32], &data_key, &key, &mut ChaCha20Rng::seed_from_u64(1)).encode();
    for byte in 1..good.len() {
        let mut changed = good.clone();
        changed[byte] ^= 1;
        assert!(Header::decode(&changed).unwrap().unwrap(&key).is_err(), "byte {byte}");
        assert!(matches!(Header::decode(&good[..byte]), Err(OpenError::Damaged { .. })));
    }
    assert!(matches!(Header::decode(&[]), Err(OpenError::Damaged { .. })));
    assert!(matches!(
        Header::decode(&[&[0], &good[1..]].concat()),
        Err(OpenError::Damaged { .. })
    ));
    assert!(matches!(
        Header::decode(&[9]),
        Err(OpenError::TooNew { found: 9, supported: 1 })
    ));
    assert!(
        Header::decode(&good)
            .unwrap()
            .unwrap(&Secret::from_bytes([9; 32]))
            .is_err()
    );
}
