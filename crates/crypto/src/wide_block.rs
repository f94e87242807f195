//! A block of 4 608 bytes under one key: what a layer of a circuit is made of.
//!
//! This is UIV+ of Degabriele, Melloni, Münch and Stam
//! ([Counter Galois Onion](https://eprint.iacr.org/2025/583), as Tor's proposal 359 states it) over AES-256 and POLYVAL,
//! for our length of cell. Where a block is split into a *tag* of 16 bytes and the rest, with a tweak of 16 bytes:
//!
//! ```text
//! encrypt: tag' = E(tag ^ h) ^ h, where h = POLYVAL(tweak ‖ rest);   rest' = rest ^ CTR(tag')
//! decrypt: rest = rest' ^ CTR(tag');   tag = D(tag' ^ h) ^ h, where h = POLYVAL(tweak ‖ rest)
//! ```
//!
//! It is a *rugged* pseudorandom permutation: whoever changes any bit before [`WideBlock::encrypt`] gets noise out of it,
//! while [`WideBlock::decrypt`] keeps changes of the rest where they were. So relays, which an attacker may stand on both
//! sides of, always encrypt, in both directions; only a circuit's owner decrypts.
//!
//! AES and POLYVAL run on a processor's own instructions where it has them (looked for at run time), and else as bitsliced
//! and multiplication-based code; neither looks anything up by a secret.

use crate::Secret;
use aes::{
    Aes256,
    cipher::{
        Array, BlockCipherDecrypt, BlockCipherEncrypt, BlockSizeUser, KeyInit, KeySizeUser, consts::U16,
        typenum::Unsigned,
    },
};
use polyval::{Polyval, universal_hash::UniversalHash};
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

/// Bytes of a block.
pub const BLOCK: usize = TAG + REST;

/// Bytes of its head: a block whose head is as expected was made by somebody who knows the key.
pub const TAG: usize = 16;

/// Bytes of a key.
pub const KEY: usize = 2 * (32 + 16);

const REST: usize = 4_592;

/// The head of a block.
pub type Tag = [u8; TAG];

/// One key.
pub struct WideBlock(Uiv<Aes256, TAG, REST>);

impl WideBlock {
    /// The permutations under this key.
    pub fn new(key: &Secret<KEY>) -> Self {
        Self(Uiv::new(key.dangerously_expose()))
    }

    /// Whatever bit of `block` or `tweak` was changed before, all of the result changes.
    pub fn encrypt(&self, tweak: &Tag, block: &mut [u8; BLOCK]) {
        let (tag, rest) = split(block);
        self.0.encrypt(tweak, tag, rest);
    }

    /// Undoes [`Self::encrypt`].
    pub fn decrypt(&self, tweak: &Tag, block: &mut [u8; BLOCK]) {
        let (tag, rest) = split(block);
        self.0.decrypt(tweak, tag, rest);
    }

    /// Replaces key and `nonce` by what they give, so that nothing before can be undone or told by who learns them later.
    pub fn update(&mut self, nonce: &mut Tag) {
        let mut next = [0; KEY + TAG];
        self.0.update(nonce, &mut next);
        let (key, rest) = next.split_at(KEY);
        self.0 = Uiv::new(key);
        nonce.copy_from_slice(rest);
        next.zeroize();
    }
}

/// Whether two tags are the same, in constant time.
pub fn is_same_tag(a: &Tag, b: &Tag) -> bool {
    a.ct_eq(b).into()
}

fn split(block: &mut [u8; BLOCK]) -> (&mut Tag, &mut [u8]) {
    block.split_first_chunk_mut().expect("a block is longer than its tag")
}

/// UIV+ for any cipher and lengths, so that it can be held against Tor's vectors: J is `cipher` and `hash`, S is `stream`
/// and `start`.
struct Uiv<C, const TWEAK: usize, const REST: usize> {
    cipher: C,
    hash: Polyval,
    stream: C,
    start: Polyval,
}

type Block = Array<u8, U16>;

impl<C, const TWEAK: usize, const REST: usize> Uiv<C, TWEAK, REST>
where
    C: KeyInit + KeySizeUser + BlockSizeUser<BlockSize = U16> + BlockCipherEncrypt + BlockCipherDecrypt,
{
    const KEY: usize = C::KeySize::USIZE;

    /// How many blocks of key stream the rest of a cell takes; what follows is for [`Self::update`].
    const STREAM: usize = REST.div_ceil(TAG);

    /// The low bits of a stream's start, which are cleared so that two streams are the same or do not meet.
    const CLEARED: u128 =
        (Self::STREAM + (2 * Self::KEY + 2 * TAG + TAG).div_ceil(TAG)).next_power_of_two() as u128 - 1;

    fn new(key: &[u8]) -> Self {
        let (j, s) = key.split_at(Self::KEY + TAG);
        let (cipher, hash) = j.split_at(Self::KEY);
        let (stream, start) = s.split_at(Self::KEY);
        let polyval = |key: &[u8]| Polyval::new(key.try_into().expect("what is left is 16 bytes"));
        Self {
            cipher: C::new_from_slice(cipher).expect("a key of the cipher's length"),
            hash: polyval(hash),
            stream: C::new_from_slice(stream).expect("a key of the cipher's length"),
            start: polyval(start),
        }
    }

    fn encrypt(&self, tweak: &[u8; TWEAK], tag: &mut Tag, rest: &mut [u8]) {
        let hash = self.hash(tweak, rest);
        xor(tag, &hash);
        self.cipher.encrypt_block(tag.into());
        xor(tag, &hash);
        self.apply_stream(tag, 0, rest);
    }

    fn decrypt(&self, tweak: &[u8; TWEAK], tag: &mut Tag, rest: &mut [u8]) {
        self.apply_stream(tag, 0, rest);
        let hash = self.hash(tweak, rest);
        xor(tag, &hash);
        self.cipher.decrypt_block(tag.into());
        xor(tag, &hash);
    }

    /// The key after this one, and the nonce after `nonce`.
    fn update(&self, nonce: &Tag, next: &mut [u8]) {
        self.apply_stream(nonce, Self::STREAM, next);
    }

    /// POLYVAL over tweak and rest, as one string.
    fn hash(&self, tweak: &[u8; TWEAK], rest: &[u8]) -> Tag {
        let mut hash = self.hash.clone();
        let (whole, left) = tweak.as_chunks::<TAG>();
        let (head, rest) = rest.split_at(TAG - left.len());
        let mut seam = [0; TAG];
        let (before, after) = seam.split_at_mut(left.len());
        before.copy_from_slice(left);
        after.copy_from_slice(head);
        hash.update_padded(whole.as_flattened());
        hash.update_padded(&seam);
        hash.update_padded(rest);
        hash.finalize().into()
    }

    /// Adds the key stream that begins at `seed`, from its block `first` on.
    fn apply_stream(&self, seed: &Tag, first: usize, out: &mut [u8]) {
        let mut start = self.start.clone();
        start.update_padded(seed);
        let start: Tag = start.finalize().into();
        let mut counter = (u128::from_be_bytes(start) & !Self::CLEARED).wrapping_add(first as u128);
        let mut stream = [Block::default(); BATCH];
        for chunk in out.chunks_mut(BATCH * TAG) {
            let (blocks, _) = stream.split_at_mut(chunk.len().div_ceil(TAG));
            for block in &mut *blocks {
                block.0 = counter.to_be_bytes();
                counter = counter.wrapping_add(1);
            }
            self.stream.encrypt_blocks(blocks);
            let (whole, rest) = chunk.as_chunks_mut();
            for (out, stream) in whole.iter_mut().zip(&*blocks) {
                xor(out, &stream.0);
            }
            let last = blocks.last().into_iter().flatten();
            rest.iter_mut().zip(last).for_each(|(out, stream)| *out ^= stream);
        }
        stream.iter_mut().for_each(|block| block.0.zeroize());
    }
}

/// Blocks of key stream that are made at once: a whole number of what the widest instructions take.
const BATCH: usize = 64;

fn xor(block: &mut Tag, other: &Tag) {
    *block = (u128::from_ne_bytes(*block) ^ u128::from_ne_bytes(*other)).to_ne_bytes();
}

#[cfg(test)]
mod tests;
