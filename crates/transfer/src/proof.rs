//! What joins one chunk to the root.

use crate::Geometry;
use outis_crypto::tree::{Node, Root};

/// The neighbours on the way from a chunk to the root, from below.
pub(crate) type Proof = Vec<Node>;

/// The most neighbours that there can be: one for each level of 2^20 chunks.
pub(crate) const MAX_DEPTH: usize = 20;

/// Whether `bytes` are chunk `index` of the file with this geometry and root.
pub(crate) fn holds(geometry: &Geometry, root: &Root, index: u32, bytes: &[u8], proof: &[Node]) -> bool {
    if geometry.length(index) != Some(bytes.len()) {
        return false;
    }
    if geometry.chunks() == 1 {
        return proof.is_empty() && Root::of(bytes) == *root;
    }
    let Some(mut node) = Node::chunk(geometry.offset(index), geometry.chunk_size(), bytes) else {
        return false;
    };
    let mut neighbours = proof.iter();
    for step in way_up(geometry.chunks(), index) {
        let Step { side, to_root } = step;
        let Some(neighbour) = neighbours.next() else {
            return false;
        };
        let (left, right) = match side {
            Side::Left => (&node, neighbour),
            Side::Right => (neighbour, &node),
        };
        if to_root {
            return neighbours.next().is_none() && Root::join(left, right) == *root;
        }
        node = Node::join(left, right);
    }
    false
}

/// One join on the way from a chunk to the root.
pub(crate) struct Step {
    /// On which side of the join we come up.
    pub(crate) side: Side,
    /// Whether it is the last one.
    pub(crate) to_root: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Left,
    Right,
}

/// The joins above a chunk, from below. A last node without a neighbour goes up as it is.
fn way_up(chunks: u32, index: u32) -> impl Iterator<Item = Step> {
    let (mut width, mut place) = (chunks, index);
    std::iter::from_fn(move || {
        while width > 1 {
            let (side, alone) = (
                if place % 2 == 0 { Side::Left } else { Side::Right },
                (place ^ 1) >= width,
            );
            let to_root = width == 2;
            width = width.div_ceil(2);
            place /= 2;
            if !alone {
                return Some(Step { side, to_root });
            }
        }
        None
    })
}
