//! The only door to cryptographic primitives.
//!
//! Other crates see keys, labels and five operations; which crate computes them is known here alone. It is *not* a place
//! for protocols: what is agreed, signed or sealed, and in which order, stands in the crate that needs it.
//!
//! Types to know: [`Secret`] (a key), [`label::Label`] (what a key or signature is for), [`signature::SigningKey`],
//! [`agreement::SecretKey`], [`kem::DecapsulationKey`].
//!
//! Invariants:
//! - a secret is wiped when dropped and cannot be printed, cloned, compared with `==` or serialized by accident; what
//!   goes round that is called `dangerously_…`;
//! - every derivation, hash and signature names a [`label::Label`], and no label is used for two things;
//! - a public key that has been decoded is canonical and not of small order;
//! - there is no clock and, but for [`os_rng`], no randomness here: callers hand in an rng.

pub mod aead;
pub mod agreement;
pub mod blinded;
pub mod dangerously_serialize;
mod kdf;
pub mod kem;
pub mod label;
pub mod password;
mod secret;
pub mod signature;
pub mod tree;
pub mod wide_block;

pub use kdf::{derive, derive_from, hash};
pub use label::Label;
pub use rand_core::CryptoRng;
pub use secret::{Secret, SecretBytes};

/// The operating system's randomness.
///
/// If it ever fails the calling thread panics: nothing is made with randomness that is not there.
pub type OsRng = rand_core::UnwrapErr<getrandom::SysRng>;

/// The operating system's randomness, for the crates that may do input and output.
pub fn os_rng() -> OsRng {
    rand_core::UnwrapErr(getrandom::SysRng)
}
