use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;

use super::*;
use crate::MAX_RECORD_BYTES;
use crate::key::{Key, Table};

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(1)
}

fn keys() -> Keys {
    Keys::new(Secret::from_bytes([1; 32]))
}

fn place() -> Place {
    Key::new(Table(7), [3; 32], 300).into()
}

fn record_key() -> Secret<32> {
    Secret::from_bytes([2; 32])
}

#[test]
fn values_of_every_length_come_back_and_show_only_their_class() {
    let (keys, key, mut rng) = (keys(), record_key(), rng());
    for length in [
        0,
        1,
        60,
        61,
        200,
        252,
        253,
        1_000,
        4_096,
        6_000,
        6_144,
        20_000,
        MAX_RECORD_BYTES,
    ] {
        let value = vec![0xA5; length];
        let pieces = seal(&keys, &key, &place(), 9, &value, &mut rng);
        let whole = pieces.concat();
        assert_eq!(whole.len(), HEAD + aead::OVERHEAD + class(LENGTH + length));
        assert!(pieces.iter().all(|piece| piece.len() <= MAX_VALUE));
        assert_eq!(
            head(&keys, &place(), &pieces[0]).unwrap(),
            Head {
                serial: 9,
                pieces: pieces.len() as u8
            }
        );
        assert_eq!(open(&key, &place(), &whole).unwrap().dangerously_expose(), value);
    }
}

#[test]
fn classes_ascend_and_waste_little() {
    for length in 0..200_000 {
        let class_of = class(length);
        assert!(class_of >= length && class(class_of) == class_of && class(length + 1) >= class_of);
        assert!(length <= 256 || class_of <= length + length / 4, "{length}");
    }
}

#[test]
fn a_value_opens_only_at_its_place_under_its_key_and_whole() {
    let (keys, key) = (keys(), record_key());
    let whole = seal(&keys, &key, &place(), 9, b"value", &mut rng()).concat();
    let elsewhere = Place { index: 301, ..place() };
    assert!(open(&key, &place(), &whole).is_ok(), "positive control");
    assert!(open(&key, &elsewhere, &whole).is_err());
    assert!(open(&Secret::from_bytes([9; 32]), &place(), &whole).is_err());
    assert_ne!(
        head(&keys, &elsewhere, &whole).ok(),
        Some(Head { serial: 9, pieces: 1 })
    );
    for cut in 0..whole.len() {
        assert!(open(&key, &place(), &whole[..cut]).is_err());
    }
    for byte in HEAD..whole.len() {
        let mut changed = whole.clone();
        changed[byte] ^= 1;
        assert!(open(&key, &place(), &changed).is_err());
    }
}

#[test]
fn the_format_is_as_published() {
    let vector = include_str!("../../../../tests/vectors/vault-record.txt");
    let field = |name: &str| {
        let line = vector
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(" = "));
        hex::decode(line.unwrap_or_else(|| panic!("no {name}"))).unwrap()
    };
    assert_eq!(place().to_bytes().as_slice(), field("place"));
    assert_eq!(keys().disk_key(&place(), 0).as_slice(), field("disk key"));
    assert_eq!(keys().disk_key(&place(), 1).as_slice(), field("disk key of piece 1"));
    let value = field("sealed");
    assert_eq!(
        seal(&keys(), &record_key(), &place(), 0x0102_0304, b"hello", &mut rng()).concat(),
        value
    );
    assert_eq!(
        head(&keys(), &place(), &value).unwrap(),
        Head {
            serial: 0x0102_0304,
            pieces: 1
        }
    );
    assert_eq!(
        open(&record_key(), &place(), &value).unwrap().dangerously_expose(),
        b"hello"
    );
}
