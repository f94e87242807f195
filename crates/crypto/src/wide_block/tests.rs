use super::*;
use aes::Aes128;
use rand_chacha::{
    ChaCha20Rng,
    rand_core::{Rng, SeedableRng},
};

/// The lengths of a cell in Tor: a tweak of 16 bytes and a command, 493 bytes of rest.
type Tor = Uiv<Aes128, 17, 493>;

fn text(name: &str) -> &'static str {
    let mut lines = include_str!("../../../../tests/vectors/crypto-uiv.txt").lines();
    let named = lines.find_map(|line| line.split_once(" = ").filter(|(key, _)| *key == name));
    named.expect("a vector of that name").1
}

fn vector(name: &str) -> Vec<u8> {
    hex::decode(text(name)).expect("a vector is hex")
}

fn tor(direction: fn(&Tor, &[u8; 17], &mut Tag, &mut [u8])) -> (Tag, Vec<u8>) {
    let (mut tag, mut rest) = (vector("tag").try_into().unwrap(), vector("rest"));
    let uiv = Tor::new(&vector("key"));
    direction(&uiv, &vector("tweak").try_into().unwrap(), &mut tag, &mut rest);
    (tag, rest)
}

#[test]
fn encryption_is_that_of_tor() {
    let (tag, rest) = tor(Tor::encrypt);
    assert_eq!(tag[..], vector("encrypted tag"));
    assert_eq!(rest, vector("encrypted rest"));
}

#[test]
fn decryption_is_that_of_tor() {
    let (tag, rest) = tor(Tor::decrypt);
    assert_eq!(tag[..], vector("decrypted tag"));
    let head = vector("decrypted head");
    assert_eq!(rest[..head.len()], head);
}

#[test]
fn the_next_key_is_that_of_tor() {
    for number in 1..=3 {
        let parts: Vec<Vec<u8>> = text(&format!("updated {number}"))
            .split(' ')
            .map(|part| hex::decode(part).expect("a vector is hex"))
            .collect();
        let [key, nonce, next_key, next_nonce] = parts.as_slice() else {
            panic!("four parts")
        };
        let mut next = [0; 64 + 16];
        Tor::new(key).update(&nonce[..].try_into().unwrap(), &mut next);
        assert_eq!((&next[..64], &next[64..]), (&next_key[..], &next_nonce[..]));
    }
}

fn random(rng: &mut ChaCha20Rng) -> Box<[u8; BLOCK]> {
    let mut block = Box::new([0; BLOCK]);
    rng.fill_bytes(block.as_mut_slice());
    block
}

#[test]
fn decryption_undoes_encryption_under_the_same_key_and_tweak_only() {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let [ours, other] = [1, 2].map(|byte| WideBlock::new(&Secret::from_bytes([byte; KEY])));
    let block = random(&mut rng);
    let mut sealed = block.clone();
    ours.encrypt(&[7; TAG], &mut sealed);
    let opened = |by: &WideBlock, tweak| {
        let mut opened = sealed.clone();
        by.decrypt(&tweak, &mut opened);
        opened
    };
    assert_eq!(opened(&ours, [7; TAG]), block);
    assert_ne!(opened(&ours, [8; TAG])[..TAG], block[..TAG]);
    assert_ne!(opened(&other, [7; TAG])[..TAG], block[..TAG]);
}

/// How many of the bits differ, in 10 000.
fn distance(a: &[u8], b: &[u8]) -> usize {
    let bits: u32 = a.iter().zip(b).map(|(a, b)| (a ^ b).count_ones()).sum();
    bits as usize * 10_000 / (8 * a.len())
}

#[test]
fn one_changed_bit_of_block_or_tweak_changes_half_of_what_encryption_gives() {
    let mut rng = ChaCha20Rng::seed_from_u64(2);
    let cipher = WideBlock::new(&Secret::random(&mut rng));
    let block = random(&mut rng);
    let sealed = |block: &[u8; BLOCK], tweak: Tag| {
        let mut sealed = Box::new(*block);
        cipher.encrypt(&tweak, &mut sealed);
        sealed
    };
    let whole = sealed(&block, [0; TAG]);
    for bit in (0..BLOCK * 8).step_by(97).chain([BLOCK * 8 - 1]) {
        let mut changed = block.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        let distance = distance(&whole[..], &sealed(&changed, [0; TAG])[..]);
        assert!((4_800..5_200).contains(&distance), "bit {bit}: {distance}");
    }
    let mut tweak = [0; TAG];
    tweak[15] = 1;
    assert!((4_800..5_200).contains(&distance(&whole[..], &sealed(&block, tweak)[..])));
}

/// Why relays never decrypt: the control of the test above.
#[test]
fn a_changed_bit_stays_where_it_was_in_what_decryption_gives() {
    let mut rng = ChaCha20Rng::seed_from_u64(3);
    let cipher = WideBlock::new(&Secret::random(&mut rng));
    let mut block = random(&mut rng);
    let mut changed = block.clone();
    changed[1_000] ^= 1;
    cipher.decrypt(&[0; TAG], &mut block);
    cipher.decrypt(&[0; TAG], &mut changed);
    assert_eq!(block[1_000] ^ changed[1_000], 1);
    assert_eq!(distance(&block[TAG..], &changed[TAG..]), 0);
    assert_ne!(block[..TAG], changed[..TAG]);
}

#[test]
fn an_update_depends_on_key_and_nonce_and_is_the_same_on_both_sides() {
    let after = |key: u8, nonce: u8| {
        let mut cipher = WideBlock::new(&Secret::from_bytes([key; KEY]));
        let mut nonce = [nonce; TAG];
        cipher.update(&mut nonce);
        let mut block = Box::new([0; BLOCK]);
        cipher.encrypt(&[0; TAG], &mut block);
        (nonce, block)
    };
    assert_eq!(after(1, 1), after(1, 1));
    for (key, nonce) in [(1, 2), (2, 1)] {
        assert_ne!(after(1, 1).0, after(key, nonce).0);
        assert_ne!(after(1, 1).1, after(key, nonce).1);
    }
}
