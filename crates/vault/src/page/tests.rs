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

fn open(header: &[u8], place: &Place, file: Option<&[u8]>) -> Result<Page, Damage> {
    match Header::decode(header)? {
        Header::Inline(page) => Ok(page),
        Header::File { key, length } => Page::open(&key, place, &file.unwrap()[..length]),
    }
}

#[test]
fn pages_come_back_from_their_header_or_their_file() {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let place = ID.place(Version::Odd);
    for (count, length, has_file) in [(16, 0, false), (64, 8, false), (64, 300, true), (64, MAX_FOLDED, true)] {
        let page = page(count, length);
        let (header, file) = page.seal(&place, &mut rng);
        assert_eq!(file.is_some(), has_file);
        let opened = open(&header, &place, file.as_deref()).unwrap();
        assert_eq!(*opened.to_bytes(), *page.to_bytes());
        assert!(file.is_none_or(|file| (file.len() - aead::OVERHEAD).is_multiple_of(GRAIN) && file.len() <= MAX_FILE));
        assert!(header.len() <= 1 + MAX_INLINE);
    }
}

#[test]
fn a_page_opens_only_where_it_was_sealed_and_as_it_was() {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let place = ID.place(Version::Even);
    let (header, file) = page(64, 300).seal(&place, &mut rng);
    let file = file.unwrap();
    assert!(open(&header, &place, Some(&file)).is_ok(), "positive control");
    assert!(open(&header, &ID.place(Version::Odd), Some(&file)).is_err());
    let (other_header, other_file) = page(64, 300).seal(&place, &mut rng);
    assert!(open(&other_header, &place, Some(&file)).is_err(), "an older version");
    assert!(open(&header, &place, other_file.as_deref()).is_err());
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
    for header in [
        vec![],
        vec![2],
        vec![FILE; 36],
        vec![FILE; 38],
        [&[FILE][..], &[0; 32], &u32::MAX.to_be_bytes()].concat(),
    ] {
        assert!(Header::decode(&header).is_err());
    }
    assert!(Header::decode(&[&[FILE][..], &[0; 32], &1_064u32.to_be_bytes()].concat()).is_ok());
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
