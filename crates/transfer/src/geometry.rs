//! How a file falls into chunks.

use serde::{Deserialize, Serialize};

/// A size, and the chunks that it gives. All have the same length but for the last; an empty file is one empty chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u64", into = "u64")]
pub struct Geometry {
    size: u64,
    chunks: u32,
    /// The logarithm of the chunk size, to base 2.
    shift: u32,
}

impl Geometry {
    /// Chunks of 64 KiB up to 64 GiB, and of twice that for each doubling, so that there are never more than
    /// [`MAX_CHUNKS`].
    ///
    /// # Errors
    /// [`TooLarge`]: more than a tebibyte.
    pub fn of(size: u64) -> Result<Self, TooLarge> {
        (SMALLEST..=LARGEST)
            .find_map(|shift| {
                let chunks = u32::try_from(size.div_ceil(1 << shift).max(1)).ok()?;
                (chunks <= MAX_CHUNKS).then_some(Self { size, chunks, shift })
            })
            .ok_or(TooLarge)
    }

    /// Bytes of the file.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// How many chunks there are; at least one.
    pub fn chunks(&self) -> u32 {
        self.chunks
    }

    /// Bytes of every chunk but the last.
    pub fn chunk_size(&self) -> u64 {
        1 << self.shift
    }

    /// Where a chunk begins.
    pub fn offset(&self, chunk: u32) -> u64 {
        u64::from(chunk) << self.shift
    }

    /// How many bytes a chunk has; `None` if there is no such chunk.
    pub fn length(&self, chunk: u32) -> Option<usize> {
        let left = self.size.checked_sub(self.offset(chunk))?;
        let length = left.min(self.chunk_size());
        (chunk < self.chunks).then(|| usize::try_from(length).expect("a chunk is at most a mebibyte"))
    }

    /// How many chunks may be asked for at once on one road: 4 MiB.
    pub(crate) fn window(&self) -> u32 {
        (WINDOW >> self.shift).max(1)
    }
}

impl TryFrom<u64> for Geometry {
    type Error = TooLarge;

    fn try_from(size: u64) -> Result<Self, TooLarge> {
        Self::of(size)
    }
}

impl From<Geometry> for u64 {
    fn from(geometry: Geometry) -> u64 {
        geometry.size
    }
}

/// A file of more than a tebibyte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("files of more than a tebibyte cannot be sent")]
pub struct TooLarge;

/// The most chunks that a file has: its outline is then 32 MiB.
pub const MAX_CHUNKS: u32 = 1 << 20;

/// 64 KiB.
const SMALLEST: u32 = 16;

/// 1 MiB.
const LARGEST: u32 = 20;

/// In flight on one road: what a circuit of 20 MB/s and a fifth of a second has on its way.
const WINDOW: u32 = 4 * 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chunks_of_a_file_cover_it_exactly() {
        for size in [
            0,
            1,
            65_535,
            65_536,
            65_537,
            1 << 20,
            (1 << 20) + 1,
            10_000_000,
            1 << 36,
            (1 << 36) + 1,
            1 << 40,
        ] {
            let geometry = Geometry::of(size).unwrap();
            let last = geometry.chunks() - 1;
            assert_eq!(
                geometry.offset(last) + geometry.length(last).unwrap() as u64,
                size,
                "{size}"
            );
            assert!(last == 0 || geometry.length(last - 1) == Some(geometry.chunk_size() as usize));
            assert!(last == 0 || geometry.length(last) != Some(0));
            assert_eq!(geometry.length(last + 1), None);
            assert!(geometry.window() * geometry.chunk_size() as u32 == WINDOW);
        }
    }

    #[test]
    fn a_file_of_more_than_a_tebibyte_is_refused() {
        assert_eq!(Geometry::of((1 << 40) + 1), Err(TooLarge));
        assert_eq!(Geometry::of(u64::MAX), Err(TooLarge));
        assert_eq!(Geometry::of(1 << 36).unwrap().chunk_size(), 65_536);
        assert_eq!(Geometry::of((1 << 36) + 1).unwrap().chunk_size(), 131_072);
    }
}
