//! What a file is sent from.

use super::prepare::{Stripped, stripped};
use super::signal::Fault;
use crate::message::TransferId;
use crate::store::{Store, table};
use outis_transfer::{Geometry, Manifest};
use outis_vault::{FileId, Vault};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where the sender finds what it has offered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Source {
    /// A person's own file, where it lies.
    Path(String),
    /// Sealed in the container: what is sent lies nowhere else. Erased when the transfer is over.
    Kept,
    /// Sealed in the container, where the person's only copy lies. Stays for as long as its line.
    Given,
    /// A person's own folder, where it lies. Its manifest stands beside the record.
    Folder {
        path: String,
        /// Images in it go without what a camera wrote into them.
        bare: bool,
    },
}

impl Source {
    /// Opens it.
    pub(crate) fn open(&self, geometry: &Geometry, id: TransferId, store: &Store) -> Result<Reading, Fault> {
        let from = match self {
            Self::Path(path) => From::File(Ahead::of(File::open(path).map_err(|_| Fault::Unreadable)?)),
            Self::Kept | Self::Given => From::Kept(Arc::clone(store.vault()), FileId(id.0)),
            Self::Folder { path, bare } => {
                let manifest = manifest(id, store).ok_or(Fault::Unreadable)?;
                return Reading::folder(*geometry, Path::new(path), *bare, &manifest).ok_or(Fault::Changed);
            }
        };
        Ok(Reading {
            geometry: *geometry,
            from,
        })
    }
}

/// The manifest that stands beside a transfer's record.
fn manifest(id: TransferId, store: &Store) -> Option<Vec<u8>> {
    let pieces = store.range_bytes(table::TRANSFERS, &id.0, usize::MAX).ok()?;
    let pieces = pieces.iter().filter(|(index, _)| *index >= MANIFEST);
    Some(
        pieces
            .flat_map(|(_, piece)| piece.dangerously_expose().to_vec())
            .collect(),
    )
}

/// Where the pieces of a manifest stand beside a transfer's record; those of an outline stand before.
pub(super) const MANIFEST: u64 = 1 << 32;

/// An open source.
pub(crate) struct Reading {
    geometry: Geometry,
    from: From,
}

enum From {
    File(Ahead),
    Kept(Arc<Vault>, FileId),
    Folder(Tree),
}

impl Reading {
    /// Of a folder whose manifest this is.
    pub(super) fn folder(geometry: Geometry, path: &Path, bare: bool, manifest: &[u8]) -> Option<Self> {
        Some(Self {
            geometry,
            from: From::Folder(Tree::new(path, bare, manifest)?),
        })
    }

    /// Whether a chunk is in memory already, so that nobody waits for the disk.
    pub(crate) fn is_at_hand(&self, chunk: u32) -> bool {
        let offset = self.geometry.offset(chunk);
        match (&self.from, self.geometry.length(chunk)) {
            (From::File(file), Some(length)) => file.part(offset, length).is_some(),
            _ => false,
        }
    }

    /// Reads one chunk. Whether it is what was offered, the outline knows.
    pub(crate) fn read(&mut self, chunk: u32, into: &mut Vec<u8>) -> Result<(), Fault> {
        let length = self.geometry.length(chunk).ok_or(Fault::Changed)?;
        let offset = self.geometry.offset(chunk);
        into.clear();
        match &mut self.from {
            From::File(file) => {
                if file.part(offset, length).is_none() {
                    file.read(offset, length).map_err(fault)?;
                }
                into.extend_from_slice(file.part(offset, length).ok_or(Fault::Changed)?);
                Ok(())
            }
            From::Kept(vault, id) => {
                let bytes = vault
                    .files()
                    .read_chunk(*id, u64::from(chunk))
                    .map_err(|_| Fault::Unreadable)?;
                into.extend_from_slice(bytes.dangerously_expose());
                Ok(())
            }
            From::Folder(tree) => tree.read(offset, length, into),
        }
    }
}

/// A file, and some of what comes next in it: a road asks for many chunks in a row, and each wait for a disk costs more than
/// the reading.
struct Ahead {
    file: File,
    first: u64,
    bytes: Vec<u8>,
}

impl Ahead {
    fn of(file: File) -> Self {
        Self {
            file,
            first: 0,
            bytes: Vec::new(),
        }
    }

    fn part(&self, offset: u64, length: usize) -> Option<&[u8]> {
        let from = usize::try_from(offset.checked_sub(self.first)?).ok()?;
        self.bytes.get(from..from.checked_add(length)?)
    }

    /// Reads so many bytes at least, and what follows as far as there is room.
    fn read(&mut self, offset: u64, length: usize) -> io::Result<()> {
        self.first = offset;
        self.bytes.clear();
        self.file.seek(SeekFrom::Start(offset))?;
        let most = length.max(AHEAD) as u64;
        Read::by_ref(&mut self.file).take(most).read_to_end(&mut self.bytes)?;
        if self.bytes.len() < length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(())
    }
}

/// Read at once: what a road asks for at once, at first.
const AHEAD: usize = 512 * 1024;

/// A manifest, and the files behind it, as one.
struct Tree {
    bare: bool,
    manifest: Vec<u8>,
    /// Where each file begins, and where it lies.
    files: Vec<(u64, PathBuf)>,
    end: u64,
    open: Option<(usize, Open)>,
}

enum Open {
    AsItIs(File),
    Without(Vec<u8>),
}

impl Tree {
    fn new(path: &Path, bare: bool, encoded: &[u8]) -> Option<Self> {
        let manifest = Manifest::decode(encoded.get(Manifest::PREFIX..)?).ok()?;
        let mut paths: Vec<PathBuf> = Vec::with_capacity(manifest.entries().len());
        let (mut files, mut end) = (Vec::new(), encoded.len() as u64);
        for entry in manifest.entries() {
            let above = match entry.folder() {
                Some(folder) => paths.get(folder)?.as_path(),
                None => path,
            };
            // These are the names that we found there ourselves.
            let here = above.join(entry.dangerously_expose_name());
            if let Some(size) = entry.size() {
                files.push((end, here.clone()));
                end = end.checked_add(size)?;
            }
            paths.push(here);
        }
        Some(Self {
            bare,
            manifest: encoded.to_vec(),
            files,
            end,
            open: None,
        })
    }

    fn read(&mut self, offset: u64, length: usize, into: &mut Vec<u8>) -> Result<(), Fault> {
        let mut at = offset;
        let end = offset.saturating_add(length as u64);
        if let Ok(start) = usize::try_from(at)
            && let Some(rest) = self.manifest.get(start..)
        {
            let count = rest.len().min(length);
            into.extend(rest.iter().take(count));
            at += count as u64;
        }
        while at < end {
            let place = self.files.partition_point(|(start, _)| *start <= at).checked_sub(1);
            let place = place.ok_or(Fault::Changed)?;
            let (start, _) = self.files.get(place).ok_or(Fault::Changed)?;
            let stop = self.files.get(place + 1).map_or(self.end, |(next, _)| *next);
            let (within, count) = (at - start, end.min(stop) - at);
            if count == 0 {
                return Err(Fault::Changed);
            }
            self.copy(place, within, count, into)?;
            at += count;
        }
        Ok(())
    }

    fn copy(&mut self, place: usize, within: u64, count: u64, into: &mut Vec<u8>) -> Result<(), Fault> {
        let count = usize::try_from(count).map_err(|_| Fault::Changed)?;
        match self.opened(place)? {
            Open::AsItIs(file) => {
                let filled = into.len();
                into.resize(filled + count, 0);
                let room = into.get_mut(filled..).unwrap_or_default();
                let read = file.seek(SeekFrom::Start(within)).and_then(|_| file.read_exact(room));
                read.map_err(fault)
            }
            Open::Without(bytes) => {
                let within = usize::try_from(within).map_err(|_| Fault::Changed)?;
                let part = bytes
                    .get(within..)
                    .and_then(|rest| rest.get(..count))
                    .ok_or(Fault::Changed)?;
                into.extend_from_slice(part);
                Ok(())
            }
        }
    }

    fn opened(&mut self, place: usize) -> Result<&mut Open, Fault> {
        if self.open.as_ref().is_none_or(|(open, _)| *open != place) {
            self.open = None;
            let (_, path) = self.files.get(place).ok_or(Fault::Changed)?;
            let open = match self.bare.then(|| stripped(path)).transpose().map_err(fault)? {
                Some(Stripped::Without(bytes)) => Open::Without(bytes),
                Some(Stripped::Unknowable) => return Err(Fault::Changed),
                Some(Stripped::AsItIs) | None => Open::AsItIs(File::open(path).map_err(fault)?),
            };
            self.open = Some((place, open));
        }
        self.open.as_mut().map(|(_, open)| open).ok_or(Fault::Unreadable)
    }
}

fn fault(error: io::Error) -> Fault {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => Fault::Changed,
        _ => Fault::Unreadable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_what_stands_in_the_file_in_any_order_and_the_next_ones_are_at_hand() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("file");
        let bytes: Vec<u8> = (0..3_000_000u32).map(|n| (n % 251) as u8).collect();
        std::fs::write(&path, &bytes).expect("written");
        let geometry = Geometry::of(bytes.len() as u64).expect("small");
        let mut reading = Reading {
            geometry,
            from: From::File(Ahead::of(File::open(&path).expect("there"))),
        };
        let last = geometry.chunks() - 1;
        let mut chunk = Vec::new();
        for number in [0, 1, 7, 8, last, 3, last - 1, last] {
            reading.read(number, &mut chunk).expect("read");
            let from = usize::try_from(geometry.offset(number)).expect("small");
            assert!(bytes[from..].starts_with(&chunk), "{number}");
            assert_eq!(Some(chunk.len()), geometry.length(number));
            assert!(reading.is_at_hand(number));
        }
        reading.read(16, &mut chunk).expect("read");
        assert!(reading.is_at_hand(23) && !reading.is_at_hand(24) && !reading.is_at_hand(15));

        std::fs::write(&path, &bytes[..1_000_000]).expect("written");
        assert_eq!(reading.read(40, &mut chunk), Err(Fault::Changed), "it became shorter");
    }
}
