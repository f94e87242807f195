mod salamander;

use super::*;
use crate::{Receiver, SafeName};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

fn offered(length: usize) -> (Vec<u8>, Outline, Offer) {
    let bytes: Vec<u8> = (0..length).map(|i| (i / 1000) as u8).collect();
    let outline = Outline::of(&bytes).unwrap();
    let offer = Offer::new("a", &outline, &mut ChaCha20Rng::seed_from_u64(1));
    (bytes, outline, offer)
}

#[test]
fn a_small_file_arrives_in_pieces_of_one_size_in_any_order() {
    for length in [0, 1, CONTENTS, CONTENTS + 1, 16 * 1024 * 1024] {
        let (bytes, outline, offer) = offered(length);
        let mut rng = ChaCha20Rng::seed_from_u64(2);
        let mut receiver = Receiver::new(&offer);
        let mut arrived = vec![0; length];
        for index in (0..offer.geometry().chunks()).rev() {
            let start = index as usize * CONTENTS;
            let chunk = &bytes[start..bytes.len().min(start + CONTENTS)];
            let piece = seal_piece(&offer, &outline, index, chunk, &mut rng).unwrap();
            assert_eq!(piece.len(), PIECE);
            let opened = open_piece(&offer, &piece).unwrap();
            assert_eq!(opened.index(), index);
            arrived[start..start + chunk.len()].copy_from_slice(opened.dangerously_expose());
            receiver.stored(index);
        }
        assert!(receiver.is_complete());
        assert!(arrived == bytes);
    }
}

#[test]
fn a_piece_of_another_offer_or_a_changed_one_is_refused() {
    let (bytes, outline, offer) = offered(10);
    let mut rng = ChaCha20Rng::seed_from_u64(3);
    let piece = seal_piece(&offer, &outline, 0, &bytes, &mut rng).unwrap();
    let other = Offer::new(SafeName::from_untrusted("a").as_str(), &outline, &mut rng);
    assert_eq!(open_piece(&other, &piece).err(), Some(PieceError::Sealed));
    for at in [0, 24, 100, PIECE - 1] {
        let mut changed = piece.clone();
        changed[at] ^= 1;
        assert_eq!(open_piece(&offer, &changed).err(), Some(PieceError::Sealed));
    }
    assert_eq!(open_piece(&offer, &piece[1..]).err(), Some(PieceError::Sealed));
    assert!(open_piece(&offer, &piece).is_ok());
}

#[test]
fn a_sender_who_lies_is_found_out() {
    let (bytes, _, offer) = offered(10);
    let mut rng = ChaCha20Rng::seed_from_u64(4);
    let mut sealed = |plain: Vec<u8>| aead::seal(&key(&offer), &mut rng, &[], &plain);
    let mut plain = |index: u32, length: u32, depth: u8, contents: &[u8], padding: u8| {
        let mut plain = [
            index.to_be_bytes().as_slice(),
            &length.to_be_bytes(),
            &[depth],
            contents,
        ]
        .concat();
        plain.resize(PLAIN, padding);
        open_piece(&offer, &sealed(plain)).map(|_| ()).err()
    };
    assert_eq!(plain(0, 10, 0, &bytes, 0), None, "the control");
    assert_eq!(plain(0, 10, 0, b"0123456789", 0), Some(PieceError::WrongChunk));
    assert_eq!(plain(1, 10, 0, &bytes, 0), Some(PieceError::WrongChunk));
    assert_eq!(plain(0, 9, 0, &bytes[..9], 0), Some(PieceError::WrongChunk));
    assert_eq!(plain(0, 10, 0, &bytes, 1), Some(PieceError::Malformed));
    assert_eq!(plain(0, u32::MAX, 0, &bytes, 0), Some(PieceError::Malformed));
    assert_eq!(plain(0, 10, 255, &bytes, 0), Some(PieceError::Malformed));
}

#[test]
fn bytes_that_were_not_offered_are_not_sealed() {
    let (bytes, outline, offer) = offered(10);
    let mut rng = ChaCha20Rng::seed_from_u64(5);
    assert_eq!(
        seal_piece(&offer, &outline, 0, &bytes[1..], &mut rng),
        Err(SourceChanged)
    );
    assert_eq!(seal_piece(&offer, &outline, 1, &bytes, &mut rng), Err(SourceChanged));
    let (other_bytes, other, _) = offered(11);
    assert_eq!(
        seal_piece(&offer, &other, 0, &other_bytes, &mut rng),
        Err(SourceChanged)
    );
}

#[test]
fn golden_piece() {
    let (bytes, outline, offer) = offered(CONTENTS + 5);
    let vector = include_str!("../../../../tests/vectors/transfer-piece.txt");
    let expected = vector.lines().find(|line| !line.starts_with('#')).unwrap();
    let piece = seal_piece(
        &offer,
        &outline,
        1,
        &bytes[CONTENTS..],
        &mut ChaCha20Rng::seed_from_u64(6),
    )
    .unwrap();
    let digest = outis_crypto::tree::Root::of(&piece);
    assert_eq!(hex::encode(digest.as_bytes()), expected);
}
