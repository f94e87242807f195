//! BLAKE3 as the tree that it is: the root is the ordinary BLAKE3 hash of a whole file, and each of its chunks can be
//! checked against the root alone, with one node for every level between
//! ([BLAKE3](https://github.com/BLAKE3-team/BLAKE3-specs/blob/master/blake3.pdf), section 2.1).
//!
//! A chunk here is a power of two of BLAKE3's own chunks of 1 KiB. Joining neighbours level by level, a last one without a
//! neighbour going up as it is, gives exactly the tree of the paper.

use blake3::hazmat::{HasherExt, Mode, merge_subtrees_non_root, merge_subtrees_root};
use serde::{Deserialize, Serialize};

/// The smallest chunk, and what every chunk size is a power of two times.
pub const SMALLEST_CHUNK: u64 = blake3::CHUNK_LEN as u64;

/// A chunk, or the join of two nodes: never the whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node([u8; 32]);

impl Node {
    /// The node of the chunk at `offset`. All chunks have `size` bytes, but for the last, which may have fewer.
    ///
    /// `None` if `size` is not a power of two and at least [`SMALLEST_CHUNK`], if `offset` is not a multiple of it, or if
    /// `bytes` are none or more than `size`.
    pub fn chunk(offset: u64, size: u64, bytes: &[u8]) -> Option<Self> {
        let aligned = size.is_power_of_two() && size >= SMALLEST_CHUNK && offset.is_multiple_of(size);
        if !aligned || bytes.is_empty() || bytes.len() as u64 > size {
            return None;
        }
        let mut hasher = blake3::Hasher::new();
        hasher.set_input_offset(offset);
        hasher.update(bytes);
        Some(Self(hasher.finalize_non_root()))
    }

    /// The node over two neighbours.
    #[must_use]
    pub fn join(left: &Self, right: &Self) -> Self {
        Self(merge_subtrees_non_root(&left.0, &right.0, Mode::Hash))
    }

    /// A node as on the wire.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The node as on the wire.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// The hash of the whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Root([u8; 32]);

impl Root {
    /// Of what is one chunk, or nothing.
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }

    /// Over the last two nodes.
    #[must_use]
    pub fn join(left: &Node, right: &Node) -> Self {
        Self(*merge_subtrees_root(&left.0, &right.0, Mode::Hash).as_bytes())
    }

    /// A root as on the wire.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The root as on the wire.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Joined level by level, as the crate above does it.
    fn root(bytes: &[u8], size: usize) -> Root {
        let mut level: Vec<Node> = bytes
            .chunks(size)
            .enumerate()
            .map(|(index, chunk)| Node::chunk((index * size) as u64, size as u64, chunk).unwrap())
            .collect();
        while level.len() > 2 {
            level = level
                .chunks(2)
                .map(|pair| match pair {
                    [left, right] => Node::join(left, right),
                    _ => pair[0],
                })
                .collect();
        }
        match level.as_slice() {
            [left, right] => Root::join(left, right),
            _ => Root::of(bytes),
        }
    }

    #[test]
    fn the_root_is_the_blake3_hash_of_the_whole() {
        let bytes: Vec<u8> = (0..70_000u32).map(|i| (i % 251) as u8).collect();
        for size in [1024, 2048, 8192, 65_536] {
            for length in [
                0, 1, 1023, 1024, 1025, 2048, 2049, 3072, 5000, 8192, 9000, 65_536, 65_537, 70_000,
            ] {
                assert_eq!(
                    root(&bytes[..length], size).as_bytes(),
                    blake3::hash(&bytes[..length]).as_bytes(),
                    "{size} {length}"
                );
            }
        }
    }

    #[test]
    fn what_is_no_chunk_of_the_tree_has_no_node() {
        assert!(Node::chunk(0, 1000, b"a").is_none());
        assert!(Node::chunk(0, 512, b"a").is_none());
        assert!(Node::chunk(1024, 2048, b"a").is_none());
        assert!(Node::chunk(0, 1024, &[0; 1025]).is_none());
        assert!(Node::chunk(0, 1024, b"").is_none());
        assert!(Node::chunk(u64::MAX - 1023, 1024, b"a").is_some());
    }
}
