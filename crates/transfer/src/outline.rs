//! The sender's hash tree over a file.

use crate::{Geometry, SourceChanged, carried::Carried, proof::Proof};
use outis_crypto::tree::{Node, Root};

/// The hash tree of a file: 64 bytes for each chunk, enough to prove every chunk to somebody who knows the root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outline {
    geometry: Geometry,
    root: Root,
    /// From the chunks up to the two nodes that join to the root; none for a file of one chunk.
    levels: Vec<Vec<Node>>,
}

impl Outline {
    /// The outline of a file that lies in memory.
    ///
    /// # Errors
    /// Never for what fits into the memory of today; see [`Outliner`].
    pub fn of(bytes: &[u8]) -> Result<Self, OutlineError> {
        let geometry = Geometry::of(bytes.len() as u64).map_err(|_| OutlineError::WrongLength)?;
        let mut outliner = Outliner::new(geometry);
        let chunk = usize::try_from(geometry.chunk_size()).map_err(|_| OutlineError::WrongLength)?;
        // An empty file is one empty chunk.
        for chunk in bytes.chunks(chunk).chain(bytes.is_empty().then_some(bytes)) {
            outliner.chunk(chunk)?;
        }
        outliner.finish()
    }

    /// How the file falls into chunks.
    pub fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    /// The BLAKE3 hash of the file.
    pub fn root(&self) -> &Root {
        &self.root
    }

    /// Whether `bytes` are still chunk `index`: a file can change between hashing and sending.
    pub fn is_chunk(&self, index: u32, bytes: &[u8]) -> bool {
        if self.geometry.length(index) != Some(bytes.len()) {
            return false;
        }
        match self.levels.first() {
            None => Root::of(bytes) == self.root,
            Some(chunks) => {
                let node = Node::chunk(self.geometry.offset(index), self.geometry.chunk_size(), bytes);
                node.is_some() && node.as_ref() == chunks.get(index as usize)
            }
        }
    }

    /// For the sender's records, so that a large file need not be hashed again after a restart: version = 1, then the nodes
    /// of the chunks, 32 bytes each (for a file of one chunk its root).
    pub fn to_record(&self) -> Vec<u8> {
        let mut record = vec![RECORD_VERSION];
        match self.levels.first() {
            None => record.extend_from_slice(self.root.as_bytes()),
            Some(chunks) => chunks.iter().for_each(|node| record.extend_from_slice(node.as_bytes())),
        }
        record
    }

    /// Reads what [`Self::to_record`] wrote for a file of this geometry.
    ///
    /// # Errors
    /// [`OutlineError::Malformed`].
    pub fn from_record(geometry: Geometry, record: &[u8]) -> Result<Self, OutlineError> {
        let (version, nodes) = record.split_first().ok_or(OutlineError::Malformed)?;
        let (nodes, rest) = nodes.as_chunks::<32>();
        if *version != RECORD_VERSION || !rest.is_empty() || u32::try_from(nodes.len()) != Ok(geometry.chunks()) {
            return Err(OutlineError::Malformed);
        }
        match nodes {
            [root] => Ok(Self {
                geometry,
                root: Root::from_bytes(*root),
                levels: Vec::new(),
            }),
            _ => Ok(Self::over(
                geometry,
                nodes.iter().copied().map(Node::from_bytes).collect(),
            )),
        }
    }

    /// A chunk with its proof.
    pub(crate) fn carry<'a>(&self, index: u32, bytes: &'a [u8]) -> Result<Carried<'a>, SourceChanged> {
        let carried = Carried {
            index,
            proof: self.proof(index),
            bytes,
        };
        if self.is_chunk(index, bytes) {
            Ok(carried)
        } else {
            Err(SourceChanged)
        }
    }

    /// The nodes that join a chunk to the root.
    pub(crate) fn proof(&self, index: u32) -> Proof {
        let place = index as usize;
        self.levels
            .iter()
            .enumerate()
            .filter_map(|(height, level)| level.get((place >> height) ^ 1))
            .copied()
            .collect()
    }

    /// `chunks` are at least two.
    fn over(geometry: Geometry, chunks: Vec<Node>) -> Self {
        let mut levels = vec![chunks];
        loop {
            let top = levels.last().map(Vec::as_slice).unwrap_or_default();
            if let [left, right] = top {
                let root = Root::join(left, right);
                return Self { geometry, root, levels };
            }
            let next = top
                .chunks(2)
                .filter_map(|pair| match pair {
                    [left, right] => Some(Node::join(left, right)),
                    alone => alone.first().copied(),
                })
                .collect();
            levels.push(next);
        }
    }
}

/// Makes an [`Outline`] of a file that is read chunk by chunk.
#[derive(Debug)]
pub struct Outliner {
    geometry: Geometry,
    chunks: Vec<Node>,
    only: Option<Root>,
}

impl Outliner {
    /// Starts at the first chunk.
    pub fn new(geometry: Geometry) -> Self {
        Self {
            geometry,
            chunks: Vec::new(),
            only: None,
        }
    }

    /// Takes the next chunk, of the length that [`Geometry::length`] says.
    ///
    /// # Errors
    /// [`OutlineError::WrongLength`]: the file has grown or shrunk since its size was read.
    pub fn chunk(&mut self, bytes: &[u8]) -> Result<(), OutlineError> {
        let next = if self.only.is_some() {
            1
        } else {
            u32::try_from(self.chunks.len()).map_err(|_| OutlineError::WrongLength)?
        };
        if self.geometry.length(next) != Some(bytes.len()) {
            return Err(OutlineError::WrongLength);
        }
        if self.geometry.chunks() == 1 {
            self.only = Some(Root::of(bytes));
            return Ok(());
        }
        let node = Node::chunk(self.geometry.offset(next), self.geometry.chunk_size(), bytes);
        self.chunks.push(node.ok_or(OutlineError::WrongLength)?);
        Ok(())
    }

    /// The outline, when all chunks have been taken.
    ///
    /// # Errors
    /// [`OutlineError::WrongLength`]: chunks are missing.
    pub fn finish(self) -> Result<Outline, OutlineError> {
        if let Some(root) = self.only {
            return Ok(Outline {
                geometry: self.geometry,
                root,
                levels: Vec::new(),
            });
        }
        if self.geometry.chunks() == 1 || u32::try_from(self.chunks.len()) != Ok(self.geometry.chunks()) {
            return Err(OutlineError::WrongLength);
        }
        Ok(Outline::over(self.geometry, self.chunks))
    }
}

/// Why there is no outline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OutlineError {
    /// The file is not as long as was said.
    #[error("the file has changed its size")]
    WrongLength,
    /// The record is not one of this file.
    #[error("malformed outline")]
    Malformed,
}

const RECORD_VERSION: u8 = 1;

#[cfg(test)]
mod tests;
