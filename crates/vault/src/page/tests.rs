use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;

use super::*;
use crate::key::Table;

const ID: PageId = PageId {
    table: TableId::FILES,
    owner: [3; 32],
    window: 5,
};

fn page(count: u8, length: usize) -> Page {
    let mut page = Page::default();
    for offset in 0..count {
        let value = SecretBytes::from(vec![offset; length]);
        let serial = 1_000 + u32::from(offset);
        page.insert(offset, Entry { serial, value });
    }
    page
}

fn packed(sealed: Sealed) -> (Secret<32>, Vec<u8>) {
    match sealed {
        Sealed::Packed(key, bytes) => (key, bytes),
        Sealed::Inline(_) => panic!("it is too long for a header"),
    }
}

#[test]
fn pages_come_back_from_their_header_or_their_file() {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let place = ID.place(Version::Odd);
    for (count, length, is_packed) in [(16, 0, false), (64, 8, false), (64, 300, true), (64, MAX_FOLDED, true)] {
        let page = page(count, length);
        let opened = match page.seal(&place, &mut rng) {
            Sealed::Inline(header) => {
                assert!(!is_packed && header.len() <= 1 + MAX_INLINE);
                match Header::decode(&header) {
                    Ok(Header::Inline(plain)) => plain,
                    _ => panic!("it is in its header"),
                }
            }
            Sealed::Packed(key, bytes) => {
                assert!(is_packed && (bytes.len() - aead::OVERHEAD).is_multiple_of(GRAIN));
                assert!(bytes.len() <= MAX_SEALED as usize);
                Plain::open(&key, &place, &bytes).unwrap()
            }
        };
        assert_eq!(*opened.page().unwrap().to_bytes(), *page.to_bytes());
        assert_eq!(opened.find(count - 1), Ok(Some([count - 1].repeat(length).as_slice())));
        assert_eq!(opened.find(count), Ok(None));
    }
    let (pack, offset, length) = (u64::MAX - 1, 70_000, MAX_SEALED);
    let key = Secret::random(&mut rng);
    let spot = Spot {
        key,
        pack,
        offset,
        length,
    };
    let Ok(Header::Packed(read)) = Header::decode(&spot.header()) else {
        panic!("it says where the page is")
    };
    assert_eq!((read.pack, read.offset, read.length), (pack, offset, length));
    assert!(read.key.ct_eq(&spot.key));
}

#[test]
fn a_page_opens_only_where_it_was_sealed_and_as_it_was() {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let place = ID.place(Version::Even);
    let (key, bytes) = packed(page(64, 300).seal(&place, &mut rng));
    assert!(Plain::open(&key, &place, &bytes).is_ok(), "positive control");
    assert!(Plain::open(&key, &ID.place(Version::Odd), &bytes).is_err());
    let (other_key, other_bytes) = packed(page(64, 300).seal(&place, &mut rng));
    assert!(Plain::open(&other_key, &place, &bytes).is_err(), "an older version");
    assert!(Plain::open(&key, &place, &other_bytes).is_err());
}

#[test]
fn a_windows_records_are_where_they_say() {
    let place = Place::from(crate::Key::new(Table(1), [1; 32], 64 * 7 + 63));
    let id = PageId::of(&place);
    assert_eq!((id.window, offset(&place)), (7, 63));
    assert_eq!(id.record(63), place);
    assert_eq!(id.indexes(), 448..=511);
    let last = PageId::of(&Place {
        index: u64::MAX,
        ..place
    });
    assert_eq!(*last.indexes().end(), u64::MAX);
    assert!(last.neighbour(1).is_none() && last.neighbour(-1).is_some());
    assert!(PageId { window: 1, ..id }.neighbour(-2).is_none());
    let places: Vec<Place> = [id, last]
        .iter()
        .flat_map(|id| Version::BOTH.map(|v| id.place(v)))
        .collect();
    assert!(places.iter().zip(&places[1..]).all(|(a, b)| a != b));
}

#[test]
fn nonsense_is_refused() {
    let entry = |offset: u8, length: u16| [&[offset, 0, 0, 0, 9][..], &length.to_be_bytes(), &[7; 4]].concat();
    assert!(Page::decode(&entry(3, 4)).is_ok(), "positive control");
    for bytes in [
        entry(64, 4),
        entry(3, 5),
        entry(3, 3),
        [entry(3, 4), entry(3, 4)].concat(),
        [entry(4, 4), entry(3, 4)].concat(),
    ] {
        assert!(Page::decode(&bytes).is_err());
    }
    let header = |length: u32| [&[PACKED][..], &[0; 44], &length.to_be_bytes()].concat();
    assert!(Header::decode(&header(1_064)).is_ok());
    for header in [vec![], vec![2], vec![PACKED; 48], vec![PACKED; 50], header(u32::MAX)] {
        assert!(Header::decode(&header).is_err());
    }
}

#[test]
fn a_page_is_the_bytes_of_the_vector() {
    let vector = include_str!("../../../../tests/vectors/vault-page.txt");
    let expected = vector.lines().find(|line| !line.starts_with('#')).unwrap();
    let mut page = Page::default();
    for (offset, serial, value) in [(0, 1_000, b"hi".to_vec()), (63, 1_001, vec![])] {
        let value = SecretBytes::from(value);
        page.insert(offset, Entry { serial, value });
    }
    assert_eq!(hex::encode(&*page.to_bytes()), expected);
    let read = Page::decode(&hex::decode(expected).unwrap()).unwrap();
    assert_eq!(*read.to_bytes(), *page.to_bytes());
}
