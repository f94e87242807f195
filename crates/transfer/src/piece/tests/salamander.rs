//! An "invisible salamander": XChaCha20-Poly1305 does not commit to its key, so a sender can make one ciphertext that opens
//! under two. Where an authenticated ciphertext is all there is, two people are then shown two things under one name. Here
//! what opened still has to hash to what was offered, and so neither is shown anything.
//!
//! (Dodis, Grubbs, Ristenpart, Woodage: Fast Message Franking, CRYPTO 2018; Len, Grubbs, Ristenpart: Partitioning Oracle
//! Attacks, USENIX Security 2021. ChaCha20 and Poly1305 stand in RFC 8439, HChaCha20 in draft-irtf-cfrg-xchacha.)

use super::*;
use num_bigint::BigUint;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// The free blocks: within the contents.
const FREE: [usize; 2] = [10, 11];

#[test]
fn a_piece_that_opens_for_two_people_shows_neither_of_them_anything() {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let contents = vec![0x55; CONTENTS];
    let outline = Outline::of(&contents).unwrap();
    // The same file, offered to two people: two keys, two ids.
    let offers = [(); 2].map(|()| Offer::new("a", &outline, &mut rng));
    assert_ne!(offers[0].id(), offers[1].id());
    let keys = [0, 1].map(|who| *key(&offers[who]).dangerously_expose());

    let salamander = salamander(&keys, &contents, &mut rng);
    let opened = [0, 1].map(|who| aead::open(&key(&offers[who]), &[], &salamander));
    let [Ok(first), Ok(second)] = &opened else {
        panic!("the control: it opens under both keys")
    };
    assert!(first.dangerously_expose() != second.dangerously_expose());
    // For the first it is the offered chunk but for two blocks.
    assert_eq!(open_piece(&offers[0], &salamander).err(), Some(PieceError::WrongChunk));
    assert_eq!(open_piece(&offers[1], &salamander).err(), Some(PieceError::Malformed));

    let honest = seal_piece(&offers[0], &outline, 0, &contents, &mut rng).unwrap();
    assert!(
        open_piece(&offers[0], &honest).is_ok(),
        "the control: the truth is shown"
    );
    assert_eq!(open_piece(&offers[1], &honest).err(), Some(PieceError::Sealed));
}

/// A ciphertext of chunk 0 under the first key, but for two blocks that are chosen so that one tag fits both keys.
fn salamander(keys: &[[u8; 32]; 2], contents: &[u8], rng: &mut ChaCha20Rng) -> Vec<u8> {
    let mut nonce = [0; 24];
    rng.fill_bytes(&mut nonce);
    let streams = keys.map(|key| keystream(&key, &nonce));
    let mut plain = vec![0; PLAIN];
    plain[4..8].copy_from_slice(&u32::try_from(contents.len()).unwrap().to_be_bytes());
    plain[9..9 + contents.len()].copy_from_slice(contents);
    let mut sealed: Vec<u8> = plain
        .iter()
        .zip(&streams[0][64..])
        .map(|(one, other)| one ^ other)
        .collect();
    for block in FREE {
        sealed[16 * block..16 * block + 16].fill(0);
    }

    let p = (BigUint::from(1u8) << 130) - 5u8;
    let high = BigUint::from(1u8) << 128;
    let blocks = PLAIN / 16;
    assert_eq!(PLAIN % 16, 0);
    let power = |r: &BigUint, block: usize| r.modpow(&BigUint::from(blocks + 1 - block), &p);
    // What each key makes of everything but the free blocks, and of each of those.
    let known = [0, 1].map(|who| {
        let (r, s) = one_time(&streams[who]);
        let mut sum = BigUint::default();
        for (block, bytes) in sealed.chunks(16).enumerate() {
            let value = match FREE.contains(&block) {
                true => BigUint::default(),
                false => BigUint::from_bytes_le(bytes) + &high,
            };
            sum = (sum + value) * &r % &p;
        }
        let length = (BigUint::from(PLAIN) << 64) + &high;
        let sum = (sum + length) * &r % &p;
        (sum, s, FREE.map(|block| power(&r, block)))
    });
    let minus = |one: &BigUint, other: &BigUint| (one + &p - other % &p) % &p;
    let [(sum_1, s_1, [a_1, b_1]), (sum_2, s_2, [a_2, b_2])] = &known;
    let across = minus(&(a_1 * b_2 % &p), &(a_2 * b_1 % &p));
    let across = across.modinv(&p).expect("two keys");
    loop {
        let mut tag = [0; 16];
        rng.fill_bytes(&mut tag);
        // x·a + y·b = tag − s − sum, for both.
        let wanted = |sum: &BigUint, s: &BigUint| {
            let tag = (BigUint::from_bytes_le(&tag) + &high - s) % &high;
            minus(&tag, sum)
        };
        let (t_1, t_2) = (wanted(sum_1, s_1), wanted(sum_2, s_2));
        let x = minus(&(&t_1 * b_2 % &p), &(&t_2 * b_1 % &p)) * &across % &p;
        let y = minus(&(a_1 * &t_2 % &p), &(a_2 * &t_1 % &p)) * &across % &p;
        // As blocks they have 16 bytes and the bit above.
        let fits = |value: &BigUint| value.bits() == 129;
        if fits(&x) && fits(&y) {
            for (block, value) in FREE.into_iter().zip([x, y]) {
                sealed[16 * block..16 * block + 16].copy_from_slice(&value.to_bytes_le()[..16]);
            }
            return [nonce.as_slice(), &sealed, &tag].concat();
        }
    }
}

/// Poly1305's key: the first 32 bytes of the stream, the first half clamped.
fn one_time(stream: &[u8]) -> (BigUint, BigUint) {
    let mut r = [0; 16];
    r.copy_from_slice(&stream[..16]);
    for at in [3, 7, 11, 15] {
        r[at] &= 15;
    }
    for at in [4, 8, 12] {
        r[at] &= 252;
    }
    (BigUint::from_bytes_le(&r), BigUint::from_bytes_le(&stream[16..32]))
}

/// XChaCha20 from its first block on.
fn keystream(key: &[u8; 32], nonce: &[u8; 24]) -> Vec<u8> {
    let inner = rounds(&state(key, &nonce[..16]));
    let subkey: Vec<u8> = [&inner[..4], &inner[12..]]
        .concat()
        .iter()
        .flat_map(|word| word.to_le_bytes())
        .collect();
    let mut stream = Vec::with_capacity(PLAIN + 128);
    for counter in 0..(PLAIN as u32).div_ceil(64) + 1 {
        let last = [&counter.to_le_bytes()[..], &[0; 4], &nonce[16..]].concat();
        let first = state(subkey.as_slice().try_into().unwrap(), &last);
        let words = rounds(&first).into_iter().zip(first);
        stream.extend(words.flat_map(|(one, other)| one.wrapping_add(other).to_le_bytes()));
    }
    stream
}

fn state(key: &[u8; 32], last: &[u8]) -> [u32; 16] {
    let all = [b"expand 32-byte k".as_slice(), key, last].concat();
    let mut words = all.chunks(4).map(|word| u32::from_le_bytes(word.try_into().unwrap()));
    [(); 16].map(|()| words.next().expect("64 bytes"))
}

fn rounds(state: &[u32; 16]) -> [u32; 16] {
    let mut w = *state;
    for _ in 0..10 {
        for column in 0..4 {
            quarter(&mut w, [column, column + 4, column + 8, column + 12]);
        }
        for row in 0..4 {
            quarter(&mut w, [row, 4 + (row + 1) % 4, 8 + (row + 2) % 4, 12 + (row + 3) % 4]);
        }
    }
    w
}

fn quarter(w: &mut [u32; 16], [a, b, c, d]: [usize; 4]) {
    for (turn, [a, b, d]) in [(16, [a, b, d]), (12, [c, d, b]), (8, [a, b, d]), (7, [c, d, b])] {
        w[a] = w[a].wrapping_add(w[b]);
        w[d] = (w[d] ^ w[a]).rotate_left(turn);
    }
}
