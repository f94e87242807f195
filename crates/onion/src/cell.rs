//! Cells, and what is said in them.

pub(crate) mod command;

use outis_crypto::wide_block::{BLOCK, TAG, Tag};
use std::fmt;

pub use command::{BadCommand, Command, Extend, Payload, Refusal};

/// What a circuit's streams consist of: cells of one size, back to back, in both directions.
///
/// | offset | size  | field                                             |
/// |      0 |    16 | tag                                               |
/// |     16 |     1 | command                                           |
/// |     17 |     2 | length of the body, big-endian, at most 4 589     |
/// |     19 |     n | body                                              |
/// | 19 + n | rest  | zeros                                             |
///
/// So it is inside all layers. On the wire every byte is noise, but for the first cell in each direction of a stream, which
/// is a [`crate::Create`] or [`crate::Created`] and no layers yet.
#[derive(Clone, PartialEq, Eq)]
pub struct Cell(Box<[u8; Self::BYTES]>);

impl Cell {
    /// The one size.
    pub const BYTES: usize = BLOCK;

    /// The most that one command says.
    pub const BODY: usize = Self::BYTES - TAG - 3;

    /// Takes a cell off the wire.
    pub fn from_bytes(bytes: Box<[u8; Self::BYTES]>) -> Self {
        Self(bytes)
    }

    /// All of it, as on the wire.
    pub fn as_bytes(&self) -> &[u8; Self::BYTES] {
        &self.0
    }

    /// Gives the bytes back.
    pub fn into_bytes(self) -> Box<[u8; Self::BYTES]> {
        self.0
    }

    pub(crate) fn zeroed() -> Self {
        Self(Box::new([0; Self::BYTES]))
    }

    pub(crate) fn block(&mut self) -> &mut [u8; Self::BYTES] {
        &mut self.0
    }

    pub(crate) fn tag(&self) -> &Tag {
        self.0.first_chunk().expect("a cell is longer than its tag")
    }

    pub(crate) fn set_tag(&mut self, tag: &Tag) {
        *self.0.first_chunk_mut().expect("a cell is longer than its tag") = *tag;
    }
}

impl fmt::Debug for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(_) = self;
        f.write_str("Cell")
    }
}
