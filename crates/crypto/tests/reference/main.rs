//! The primitives as they are reached through this crate, against other people's vectors and another implementation.
//!
//! Ed25519 is checked inside the crate (`signature::wycheproof`): its door adds a label to whatever is signed.

mod aead;
mod agreement;
mod kdf;
mod kem;

use outis_crypto::Secret;
use rand_core::{TryCryptoRng, TryRng};
use std::convert::Infallible;

fn secret<const N: usize>(bytes: &[u8]) -> Secret<N> {
    Secret::from_slice(bytes).expect("a secret of the right length")
}

/// A generator that gives what a vector says was drawn.
struct Drawn<'a>(&'a [u8]);

impl TryRng for Drawn<'_> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        unreachable!("only whole byte strings are drawn")
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        unreachable!("only whole byte strings are drawn")
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        let (head, rest) = self.0.split_at(out.len());
        out.copy_from_slice(head);
        self.0 = rest;
        Ok(())
    }
}

impl TryCryptoRng for Drawn<'_> {}
