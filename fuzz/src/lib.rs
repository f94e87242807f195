//! All decoders of bytes that come from somebody else or from a disk, in one table.
//!
//! `make fuzz` gives each of them inputs that libFuzzer makes up; the tests give each the golden bytes of all others
//! ([`golden`]), and what was ever found (`fuzz/corpus/`). It is *not* a place for other tests: whether a value means the
//! right thing is its own crate's affair.
//!
//! Types to know: [`Decoder`], and the table [`DECODERS`].
//!
//! Invariants:
//! - no decoder panics on any input, and none takes more than a moment for it;
//! - what a decoder reads is written again as the same bytes (a text: as its one canonical form).

// A panic is how a fuzz target tells what it found.
#![allow(clippy::missing_panics_doc)]

mod decoders;
pub mod golden;

pub use decoders::DECODERS;

/// One kind of bytes.
pub struct Decoder {
    /// `<crate>-<what>`; the name of its corpus.
    pub name: &'static str,
    /// Whether bytes are of this kind. Panics if what it reads breaks an invariant of this crate.
    pub reads: fn(&[u8]) -> bool,
}

/// The decoder with this name.
pub fn decoder(name: &str) -> Option<&'static Decoder> {
    DECODERS.iter().find(|decoder| decoder.name == name)
}
