//! What a layer could be made of: `cargo bench -p outis-crypto`.
//!
//! One pass over a cell of 4 608 bytes, on one core. *In use* is what [`outis_crypto::wide_block`] does. The others are the
//! constructions that were considered, over the same libraries, written out here as far as their cost goes: each makes every
//! pass that its paper asks for. With `RUSTFLAGS='--cfg aes_backend="soft" --cfg polyval_backend="soft"'` the rows show a
//! processor without instructions for AES and for multiplying without carries.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a program that measures and prints"
)]

use aes::{
    Aes128, Aes256,
    cipher::{Array, BlockCipherEncrypt, KeyInit, consts::U16},
};
use chacha20::{
    ChaCha12, ChaCha20,
    cipher::{KeyIvInit, StreamCipher},
};
use outis_crypto::{
    Secret,
    wide_block::{BLOCK, KEY, WideBlock},
};
use poly1305::Poly1305;
use polyval::{Polyval, universal_hash::UniversalHash};
use std::{
    hint::black_box,
    time::{Duration, Instant},
};

fn main() {
    println!(
        "{:<48} {:>8} {:>10} {:>10}",
        "wide block, 4 608 bytes", "µs", "MB/s", "cells/s"
    );
    let in_use = WideBlock::new(&Secret::from_bytes([1; KEY]));
    row("in use: UIV+, AES-256 and POLYVAL, encrypt", |block| {
        in_use.encrypt(&[0; 16], block)
    });
    row("in use: UIV+, AES-256 and POLYVAL, decrypt", |block| {
        in_use.decrypt(&[0; 16], block)
    });
    let mut updated = WideBlock::new(&Secret::from_bytes([1; KEY]));
    let mut nonce = [0; 16];
    row("in use: the next key, once a cell at each end", |_| {
        updated.update(&mut nonce)
    });
    let (aes128, aes256) = (Aes128::new(&[1; 16].into()), Aes256::new(&[1; 32].into()));
    row("UIV+, AES-128 and POLYVAL (Tor's)", |block| uiv(&aes128, block));
    row("HCTR2, AES-256 and POLYVAL", |block| hctr2(&aes256, block));
    row("LIONESS, ChaCha20 and BLAKE3", lioness);
    row("Adiantum's passes, ChaCha12 and Poly1305", |block| {
        adiantum::<ChaCha12>(&aes256, block)
    });
    row("Adiantum's passes, ChaCha20 and Poly1305", |block| {
        adiantum::<ChaCha20>(&aes256, block)
    });
    row("a plain stream, AES-256 (no wide block)", |block| {
        ctr(&aes256, [0; 16], block)
    });
}

fn uiv(cipher: &impl BlockCipherEncrypt<BlockSize = U16>, block: &mut [u8; BLOCK]) {
    let (tag, rest) = block.split_first_chunk_mut::<16>().unwrap();
    let mut hash = Polyval::new(&[2; 16].into());
    hash.update_padded(&[0; 16]);
    hash.update_padded(rest);
    let hash: [u8; 16] = hash.finalize().into();
    xor(tag, &hash);
    cipher.encrypt_block(tag.into());
    xor(tag, &hash);
    ctr(cipher, *tag, rest);
}

/// Crowley, Huckleberry, Biggers, *Length-preserving encryption with HCTR2*: hash, encrypt the head, stream, hash.
fn hctr2(cipher: &Aes256, block: &mut [u8; BLOCK]) {
    let (head, rest) = block.split_first_chunk_mut::<16>().unwrap();
    let hash = |rest: &[u8]| -> [u8; 16] {
        let mut hash = Polyval::new(&[2; 16].into());
        hash.update_padded(&[0; 32]);
        hash.update_padded(rest);
        hash.finalize().into()
    };
    xor(head, &hash(rest));
    let before = *head;
    cipher.encrypt_block(head.into());
    let mut seed = before;
    xor(&mut seed, head);
    ctr(cipher, seed, rest);
    xor(head, &hash(rest));
}

/// Anderson, Biham, *Two practical and provably secure block ciphers*: stream, hash, stream, hash.
fn lioness(block: &mut [u8; BLOCK]) {
    let (left, right) = block.split_first_chunk_mut::<32>().unwrap();
    for round in [1, 2] {
        ChaCha20::new(&(*left).into(), &[round; 12].into()).apply_keystream(right);
        let hash = blake3::keyed_hash(&[round; 32], right);
        left.iter_mut()
            .zip(hash.as_bytes())
            .for_each(|(byte, hash)| *byte ^= hash);
    }
}

/// Crowley, Biggers, *Adiantum*: hash, encrypt the head, stream, hash; without NH, which would spare Poly1305 some work.
fn adiantum<C: KeyIvInit<KeySize = aes::cipher::consts::U32, IvSize = aes::cipher::consts::U12> + StreamCipher>(
    cipher: &Aes256,
    block: &mut [u8; BLOCK],
) {
    let (rest, head) = block.split_last_chunk_mut::<16>().unwrap();
    let hash = |rest: &[u8]| -> [u8; 16] {
        let mut hash = Poly1305::new(&[2; 32].into());
        hash.update_padded(rest);
        hash.finalize().into()
    };
    xor(head, &hash(rest));
    cipher.encrypt_block(head.into());
    let nonce: [u8; 12] = *head.first_chunk().unwrap();
    C::new(&[3; 32].into(), &nonce.into()).apply_keystream(rest);
    xor(head, &hash(rest));
}

fn ctr(cipher: &impl BlockCipherEncrypt<BlockSize = U16>, seed: [u8; 16], out: &mut [u8]) {
    let mut counter = u128::from_be_bytes(seed);
    let mut stream = [Array::<u8, U16>::default(); 64];
    for chunk in out.chunks_mut(64 * 16) {
        let (blocks, _) = stream.split_at_mut(chunk.len().div_ceil(16));
        for block in &mut *blocks {
            block.0 = counter.to_be_bytes();
            counter = counter.wrapping_add(1);
        }
        cipher.encrypt_blocks(blocks);
        let (whole, _) = chunk.as_chunks_mut();
        whole
            .iter_mut()
            .zip(&*blocks)
            .for_each(|(out, stream)| xor(out, &stream.0));
    }
}

fn xor(block: &mut [u8; 16], other: &[u8; 16]) {
    *block = (u128::from_ne_bytes(*block) ^ u128::from_ne_bytes(*other)).to_ne_bytes();
}

/// The median of many rounds, each shorter than a slice of the scheduler, so that other work on the machine counts little.
fn row(name: &str, mut work: impl FnMut(&mut [u8; BLOCK])) {
    let mut block = Box::new([7; BLOCK]);
    let mut round = || {
        let start = Instant::now();
        (0..ROUND).for_each(|_| work(black_box(&mut block)));
        start.elapsed() / ROUND
    };
    let mut rounds: Vec<Duration> = (0..ROUNDS).map(|_| round()).collect();
    rounds.sort();
    let median = rounds.get(ROUNDS / 2).copied().unwrap_or_default().as_secs_f64();
    let (rate, cells) = (BLOCK as f64 / median / 1e6, 1.0 / median);
    println!("{name:<48} {:>8.2} {rate:>10.0} {cells:>10.0}", median * 1e6);
}

const ROUND: u32 = 100;
const ROUNDS: usize = 1_001;
