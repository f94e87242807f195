//! Saves what has come where a person wants it.

use super::FileError;
use outis_crypto::SecretBytes;
use outis_transfer::{Entry, Geometry, Kind, Manifest};
use outis_vault::{FileId, Vault};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A complete file or folder in the container.
pub(crate) struct Saving {
    pub(super) vault: Arc<Vault>,
    pub(super) id: FileId,
    pub(super) geometry: Geometry,
    pub(super) kind: Kind,
}

impl Saving {
    /// Writes it where nothing was before; leaves nothing behind if that fails.
    pub(crate) fn save(&self, path: &Path) -> Result<(), FileError> {
        match self.kind {
            Kind::File => {
                let mut half = Half::file(path)?;
                self.contents().copy(self.geometry.size(), &mut half.file)?;
                half.file.sync_all().map_err(unwritable)?;
                half.finish();
            }
            Kind::Folder => {
                let made = Made::folder(path)?;
                self.unfold(path)?;
                made.finish();
            }
        }
        Ok(())
    }

    /// All of it, if it is no larger than this.
    pub(crate) fn read(&self, most: u64) -> Result<SecretBytes, FileError> {
        if self.geometry.size() > most {
            return Err(FileError::TooLarge);
        }
        self.part(0, usize::try_from(most).unwrap_or(usize::MAX))
    }

    /// So many bytes of it from there on, fewer at its end.
    pub(crate) fn part(&self, offset: u64, most: usize) -> Result<SecretBytes, FileError> {
        if self.kind != Kind::File || offset > self.geometry.size() {
            return Err(FileError::WrongState);
        }
        let count = (self.geometry.size() - offset).min(most as u64);
        let chunk = u32::try_from(offset / self.geometry.chunk_size()).map_err(|_| FileError::TooLarge)?;
        let mut contents = Contents {
            next: chunk,
            ..self.contents()
        };
        contents.copy(offset % self.geometry.chunk_size(), &mut io::sink())?;
        let mut bytes = Vec::with_capacity(usize::try_from(count).unwrap_or(most));
        contents.copy(count, &mut bytes)?;
        Ok(SecretBytes::from(bytes))
    }

    fn unfold(&self, top: &Path) -> Result<(), FileError> {
        let mut contents = self.contents();
        let mut prefix = Vec::new();
        contents.copy(Manifest::PREFIX as u64, &mut prefix)?;
        let prefix = *prefix.first_chunk().ok_or(FileError::Folder)?;
        let length = Manifest::length(prefix).map_err(|_| FileError::Folder)?;
        let mut body = Vec::new();
        contents.copy(length as u64, &mut body)?;
        let manifest = Manifest::decode(&body).map_err(|_| FileError::Folder)?;
        let mut made: Vec<PathBuf> = Vec::with_capacity(manifest.entries().len());
        for entry in manifest.entries() {
            let above = match entry.folder() {
                Some(folder) => made.get(folder).ok_or(FileError::Folder)?.as_path(),
                None => top,
            };
            let path = match entry.size() {
                None => first_free(above, entry, |path| fs::create_dir(path))?.0,
                Some(size) => {
                    let (path, mut file) = first_free(above, entry, |path| File::create_new(path))?;
                    contents.copy(size, &mut file)?;
                    file.sync_all().map_err(unwritable)?;
                    path
                }
            };
            made.push(path);
        }
        Ok(())
    }

    fn contents(&self) -> Contents<'_> {
        Contents {
            of: self,
            next: 0,
            chunk: Vec::new(),
            used: 0,
        }
    }
}

/// Makes something of an entry's name that is not there yet. Two names may be one to a disk that folds case or forms.
fn first_free<T>(
    above: &Path,
    entry: &Entry,
    make: impl Fn(&Path) -> io::Result<T>,
) -> Result<(PathBuf, T), FileError> {
    let name = entry.name();
    let names = std::iter::once(name.clone()).chain((2..NAMES).map(|number| name.numbered(number)));
    for name in names {
        let path = above.join(name.as_str());
        match make(&path) {
            Ok(made) => return Ok((path, made)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(unwritable(error)),
        }
    }
    Err(FileError::Folder)
}

/// The bytes in their order.
struct Contents<'a> {
    of: &'a Saving,
    next: u32,
    chunk: Vec<u8>,
    used: usize,
}

impl Contents<'_> {
    fn copy(&mut self, mut count: u64, to: &mut impl Write) -> Result<(), FileError> {
        while count > 0 {
            if self.used == self.chunk.len() {
                if self.next >= self.of.geometry.chunks() {
                    return Err(FileError::Folder);
                }
                let bytes = self.of.vault.files().read_chunk(self.of.id, u64::from(self.next));
                let bytes = bytes.map_err(FileError::Sealed)?;
                self.chunk.clear();
                self.chunk.extend_from_slice(bytes.dangerously_expose());
                (self.next, self.used) = (self.next + 1, 0);
                continue;
            }
            let rest = self.chunk.get(self.used..).unwrap_or_default();
            let part = rest.get(..usize::try_from(count).unwrap_or(usize::MAX)).unwrap_or(rest);
            to.write_all(part).map_err(unwritable)?;
            self.used += part.len();
            count -= part.len() as u64;
        }
        Ok(())
    }
}

/// A file that is removed again unless it is finished.
struct Half<'a> {
    file: File,
    made: Made<'a>,
}

impl<'a> Half<'a> {
    fn file(path: &'a Path) -> Result<Self, FileError> {
        let file = File::create_new(path).map_err(taken)?;
        Ok(Self {
            file,
            made: Made {
                path,
                remove: |path| fs::remove_file(path),
                finished: false,
            },
        })
    }

    fn finish(self) {
        self.made.finish();
    }
}

/// Something that is removed again unless it is finished.
struct Made<'a> {
    path: &'a Path,
    remove: fn(&Path) -> io::Result<()>,
    finished: bool,
}

impl<'a> Made<'a> {
    fn folder(path: &'a Path) -> Result<Self, FileError> {
        fs::create_dir(path).map_err(taken)?;
        Ok(Self {
            path,
            remove: |path| fs::remove_dir_all(path),
            finished: false,
        })
    }

    fn finish(mut self) {
        self.finished = true;
    }
}

impl Drop for Made<'_> {
    fn drop(&mut self) {
        if !self.finished {
            // Nobody else can have made it: it was created new.
            let _ = (self.remove)(self.path);
        }
    }
}

fn taken(error: io::Error) -> FileError {
    match error.kind() {
        io::ErrorKind::AlreadyExists => FileError::PathExists,
        _ => unwritable(error),
    }
}

fn unwritable(error: io::Error) -> FileError {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => FileError::DiskFull,
        _ => FileError::Unwritable(error),
    }
}

/// Numbers that are tried behind a name.
const NAMES: u32 = 10_000;
