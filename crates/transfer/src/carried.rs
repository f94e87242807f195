//! A chunk with its proof, as both travel.
//!
//! | offset | size | field                                                       |
//! |      0 |    4 | index, big-endian                                           |
//! |      4 |    4 | length of the contents, big-endian                          |
//! |      8 |    1 | depth ≤ 20                                                  |
//! |      9 |    n | depth × 32 bytes of neighbours, then the contents           |
//! |        |      | zeros, to a length that all chunks of a file have in common |

use crate::{Geometry, proof};
use outis_crypto::{
    SecretBytes,
    tree::{Node, Root},
};
use outis_wire::Reader;
use std::ops::Range;

/// A chunk that nobody has checked yet.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Carried<'a> {
    pub(crate) index: u32,
    pub(crate) proof: Vec<Node>,
    pub(crate) bytes: &'a [u8],
}

impl<'a> Carried<'a> {
    /// How many bytes every chunk of a file takes, so that the last one is not told by its length, nor the size of the file
    /// by the last one.
    pub(crate) fn room(geometry: &Geometry) -> usize {
        let depth = geometry.chunks().next_power_of_two().trailing_zeros() as usize;
        let chunk = usize::try_from(geometry.chunk_size()).expect("a chunk is at most a mebibyte");
        HEAD + depth * 32 + chunk
    }

    /// Appends exactly `room` bytes, or more if it does not fit into so many.
    pub(crate) fn encode_into(&self, out: &mut Vec<u8>, room: usize) {
        let Self { index, proof, bytes } = self;
        let end = out.len() + room.max(self.length());
        out.reserve(end - out.len());
        out.extend_from_slice(&index.to_be_bytes());
        out.extend_from_slice(
            &u32::try_from(bytes.len())
                .expect("a chunk is at most a mebibyte")
                .to_be_bytes(),
        );
        out.push(u8::try_from(proof.len()).expect("a proof is at most twenty nodes deep"));
        proof.iter().for_each(|node| out.extend_from_slice(node.as_bytes()));
        out.extend_from_slice(bytes);
        out.resize(end, 0);
    }

    pub(crate) fn decode(body: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::new(body);
        let index = reader.u32().ok()?;
        let length = usize::try_from(reader.u32().ok()?).ok()?;
        let depth = usize::from(reader.u8().ok()?);
        if depth > proof::MAX_DEPTH {
            return None;
        }
        let proof = (0..depth)
            .map(|_| reader.array().map(Node::from_bytes).ok())
            .collect::<Option<_>>()?;
        let bytes = reader.bytes(length).ok()?;
        reader
            .rest()
            .iter()
            .all(|byte| *byte == 0)
            .then_some(Self { index, proof, bytes })
    }

    /// How many bytes it takes without zeros.
    pub(crate) fn length(&self) -> usize {
        HEAD + self.proof.len() * 32 + self.bytes.len()
    }

    /// Checks it, and says where in its encoding the contents stand; `None` if it is no chunk of the file with this geometry
    /// and root.
    pub(crate) fn verify(&self, geometry: &Geometry, root: &Root) -> Option<Place> {
        let Self { index, proof, bytes } = self;
        let holds = proof::holds(geometry, root, *index, bytes, proof);
        holds.then(|| Place(self.length() - bytes.len()..self.length()))
    }
}

/// Where the contents of a chunk that was checked stand.
pub(crate) struct Place(Range<usize>);

impl Place {
    /// The same place, seen from `bytes` bytes before.
    pub(crate) fn behind(self, bytes: usize) -> Self {
        Self(self.0.start + bytes..self.0.end + bytes)
    }
}

/// A chunk of the file that was offered.
///
/// It keeps the frame that it came in, rather than a copy of a part of it.
pub struct Verified {
    index: u32,
    place: Place,
    opened: SecretBytes,
}

impl Verified {
    pub(crate) fn new(index: u32, place: Place, opened: SecretBytes) -> Self {
        Self { index, place, opened }
    }

    /// Which chunk.
    pub fn index(&self) -> u32 {
        self.index
    }

    /// Its contents. Whoever calls this answers for where they go.
    pub fn dangerously_expose(&self) -> &[u8] {
        self.opened
            .dangerously_expose()
            .get(self.place.0.clone())
            .expect("the place was read in these bytes")
    }
}

/// The file is not what it was when it was offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the file has changed since it was offered")]
pub struct SourceChanged;

/// Index, length, depth.
pub(crate) const HEAD: usize = 4 + 4 + 1;
