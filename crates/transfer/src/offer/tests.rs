use super::*;
use proptest::prelude::*;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

fn offer(name: &str, bytes: &[u8], seed: u64) -> Offer {
    Offer::new(
        name,
        &Outline::of(bytes).unwrap(),
        &mut ChaCha20Rng::seed_from_u64(seed),
    )
}

fn same(one: &Offer, other: &Offer) -> bool {
    one.encode().dangerously_expose() == other.encode().dangerously_expose()
}

#[test]
fn golden_offer() {
    let vector = include_str!("../../../../tests/vectors/transfer-offer.txt");
    let lines: Vec<Vec<u8>> = vector
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| hex::decode(line).unwrap())
        .collect();
    let made = offer("Ithaca.jpg", b"wine-dark sea", 1);
    assert_eq!(made.encode().dangerously_expose(), lines[0]);
    assert_eq!(made.id().0.as_slice(), lines[1]);
    assert!(same(&Offer::decode(&lines[0]).unwrap(), &made));
    let spoken = offer("Ithaca.ogg", b"sing to me", 2).spoken(Voice::new(2_500, vec![0, 128, 255]));
    assert_eq!(spoken.encode().dangerously_expose(), lines[2]);
    assert!(same(&Offer::decode(&lines[2]).unwrap(), &spoken));
}

#[test]
fn an_offer_says_what_is_spoken_in_bounds_and_of_files_only() {
    let longest = Voice::new(u32::MAX, vec![255; Voice::MAX_WAVEFORM]);
    let made = offer("a.ogg", b"la", 1).spoken(longest.clone());
    let bytes = made.encode();
    let read = Offer::decode(bytes.dangerously_expose()).unwrap();
    assert_eq!(read.voice(), longest.as_ref());
    assert_eq!(Voice::new(1, vec![0; Voice::MAX_WAVEFORM + 1]), None);
    let mut longer = bytes.dangerously_expose().to_vec();
    let length = longer.len() - Voice::MAX_WAVEFORM - 1;
    assert_eq!(longer[length], 64);
    longer[length] = 65;
    longer.push(0);
    assert_eq!(Offer::decode(&longer).err(), Some(OfferError::Malformed));
    let mut folder = made;
    folder.kind = Kind::Folder;
    let bytes = folder.encode();
    assert_eq!(
        Offer::decode(bytes.dangerously_expose()).err(),
        Some(OfferError::Malformed),
        "nobody speaks a folder"
    );
}

#[test]
fn an_offer_is_read_as_it_was_made() {
    for (name, bytes) in [("a.txt", b"".as_slice()), ("資料.pdf", &[7; 200_000])] {
        let made = offer(name, bytes, 1);
        let read = Offer::decode(made.encode().dangerously_expose()).unwrap();
        assert!(same(&read, &made));
        assert_eq!(
            (read.id(), read.geometry(), read.root()),
            (made.id(), made.geometry(), made.root())
        );
        assert_eq!(read.name().as_str(), name);
    }
}

#[test]
fn an_id_is_one_content() {
    let one = offer("a", b"content", 1);
    assert_ne!(one.id(), offer("a", b"Content", 1).id(), "another content");
    assert_ne!(
        one.id(),
        offer("a", b"content", 2).id(),
        "another key: nobody can tell that both got the same file"
    );
    assert_eq!(one.id(), offer("b", b"content", 1).id(), "the name is no content");
}

#[test]
fn a_hostile_name_is_harmless_once_read() {
    let mut made = offer("x", b"", 1);
    made.name = "../../.bashrc".to_owned();
    assert_eq!(
        Offer::decode(made.encode().dangerously_expose())
            .unwrap()
            .name()
            .as_str(),
        "bashrc"
    );
    made.name = "x".repeat(256);
    assert_eq!(
        Offer::decode(made.encode().dangerously_expose()).err(),
        Some(OfferError::Malformed)
    );
}

#[test]
fn what_is_no_offer_is_refused() {
    let bytes = offer("a.txt", b"content", 1).encode().dangerously_expose().to_vec();
    for cut in 0..bytes.len() {
        assert!(Offer::decode(&bytes[..cut]).is_err());
    }
    assert_eq!(
        Offer::decode(&[bytes.as_slice(), &[0]].concat()).err(),
        Some(OfferError::Malformed)
    );
    assert_eq!(
        Offer::decode(&[&[2], &bytes[1..]].concat()).err(),
        Some(OfferError::UnknownVersion(2))
    );
    let mut huge = vec![1, 1, b'a'];
    huge.extend([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]);
    huge.extend([0; 32]);
    huge.push(32);
    huge.extend([0; 33]);
    assert_eq!(
        Offer::decode(&huge).err(),
        Some(OfferError::Malformed),
        "2^64 - 1 bytes"
    );
}

#[test]
fn the_longest_offer_has_the_length_that_is_promised() {
    let mut made = offer("", b"", 1);
    made.name = "x".repeat(MAX_NAME);
    made.geometry = Geometry::of(1 << 40).unwrap();
    made.voice = Voice::new(u32::MAX, vec![0; Voice::MAX_WAVEFORM]);
    let length = made.encode().len();
    assert!(
        length <= Offer::MAX_ENCODED && length + 4 >= Offer::MAX_ENCODED,
        "{length}"
    );
    assert!(Offer::decode(made.encode().dangerously_expose()).is_ok());
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(read) = Offer::decode(&bytes) {
            prop_assert!(read.encode().dangerously_expose() == bytes.as_slice());
        }
    }
}
