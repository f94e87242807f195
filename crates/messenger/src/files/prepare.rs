//! Reads what a person wants to send, once, to its end: what it is, and what of it is sent.
//!
//! Images go without what a camera wrote into them, unless told otherwise ([`outis_transfer::Bare`]). An image alone is then
//! kept sealed in the container, because what is sent lies nowhere else; one in a folder is stripped again when it is read.

use super::FileError;
use super::source::{Reading, Source};
use outis_crypto::{CryptoRng, SecretBytes};
use outis_transfer::{Bare, Folder, Geometry, Kind, Manifest, Offer, Outline, Outliner, Voice};
use outis_vault::{FileId, Layout, Vault};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

/// Whether what a camera wrote into an image is sent along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metadata {
    /// It is left out.
    Removed,
    /// The file is sent as it is.
    Kept,
}

/// Bytes to send that lie in no file: something pasted, or spoken.
pub struct Given {
    /// What to call them; made safe.
    pub name: String,
    /// At most [`Given::MAX_BYTES`].
    pub bytes: SecretBytes,
    /// If it is something spoken.
    pub voice: Option<Voice>,
}

impl Given {
    /// Bytes that are sent without a file of their own: what waits in mailboxes too.
    pub const MAX_BYTES: usize = 16 * 1024 * 1024;
}

/// Shows nothing.
impl std::fmt::Debug for Given {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            name: _,
            bytes: _,
            voice: _,
        } = self;
        out.write_str("Given(..)")
    }
}

/// Something to offer, read and hashed.
pub(crate) struct Prepared {
    pub(crate) offer: Offer,
    pub(crate) outline: Outline,
    pub(crate) source: Source,
    /// Of a folder, as it is sent.
    pub(crate) manifest: Option<Vec<u8>>,
    /// What is sent and lies in no file.
    instead: Option<SecretBytes>,
}

impl Prepared {
    /// Reads it.
    pub(crate) fn read(path: &Path, metadata: Metadata, rng: &mut impl CryptoRng) -> Result<Self, FileError> {
        let absolute = std::path::absolute(path).map_err(FileError::Unreadable)?;
        let readable = absolute
            .to_str()
            .zip(absolute.file_name().and_then(|name| name.to_str()));
        let (text, name) = readable.ok_or_else(|| unreadable(io::ErrorKind::InvalidInput))?;
        let found = fs::metadata(&absolute).map_err(FileError::Unreadable)?;
        if found.is_dir() {
            return Self::folder(&absolute, text, name, metadata, rng);
        }
        if !found.is_file() {
            return Err(unreadable(io::ErrorKind::InvalidInput));
        }
        let (instead, outline, source) = match bare(&absolute, metadata)? {
            Some(bytes) => {
                let outline = Outline::of(&bytes).map_err(|_| FileError::TooLarge)?;
                (Some(SecretBytes::from(bytes)), outline, Source::Kept)
            }
            None => {
                let geometry = Geometry::of(found.len()).map_err(|_| FileError::TooLarge)?;
                let file = File::open(&absolute).map_err(FileError::Unreadable)?;
                (None, hashed(geometry, file)?, Source::Path(text.to_owned()))
            }
        };
        Ok(Self {
            offer: Offer::new(name, &outline, rng),
            outline,
            source,
            manifest: None,
            instead,
        })
    }

    /// Takes what lies in no file.
    pub(crate) fn given(given: Given, metadata: Metadata, rng: &mut impl CryptoRng) -> Result<Self, FileError> {
        let Given { name, bytes, voice } = given;
        if bytes.len() > Given::MAX_BYTES {
            return Err(FileError::TooLarge);
        }
        let bytes = match metadata {
            Metadata::Kept => bytes,
            Metadata::Removed => match Bare::of(bytes.dangerously_expose()) {
                Ok(Bare::NoImage | Bare::AsItIs) => bytes,
                Ok(Bare::Without(bare)) => SecretBytes::from(bare),
                Err(_) => return Err(FileError::Metadata),
            },
        };
        let outline = Outline::of(bytes.dangerously_expose()).map_err(|_| FileError::TooLarge)?;
        Ok(Self {
            offer: Offer::new(&name, &outline, rng).spoken(voice),
            outline,
            source: Source::Given,
            manifest: None,
            instead: Some(bytes),
        })
    }

    fn folder(
        path: &Path,
        text: &str,
        name: &str,
        metadata: Metadata,
        rng: &mut impl CryptoRng,
    ) -> Result<Self, FileError> {
        let mut manifest = Manifest::new();
        list(path, Folder::TOP, metadata, &mut manifest)?;
        let encoded = manifest.encode().map_err(|_| FileError::TooLarge)?;
        let size = manifest.contents().saturating_add(encoded.len() as u64);
        let geometry = Geometry::of(size).map_err(|_| FileError::TooLarge)?;
        let source = Source::Folder {
            path: text.to_owned(),
            bare: metadata == Metadata::Removed,
        };
        let mut reading = Reading::folder(geometry, path, metadata == Metadata::Removed, &encoded)
            .ok_or_else(|| unreadable(io::ErrorKind::InvalidData))?;
        let mut outliner = Outliner::new(geometry);
        let mut buffer = Vec::new();
        for chunk in 0..geometry.chunks() {
            let read = reading.read(chunk, &mut buffer);
            read.map_err(|_| unreadable(io::ErrorKind::InvalidData))?;
            outliner
                .chunk(&buffer)
                .map_err(|_| unreadable(io::ErrorKind::InvalidData))?;
        }
        let outline = outliner.finish().map_err(|_| unreadable(io::ErrorKind::InvalidData))?;
        Ok(Self {
            offer: Offer::of(Kind::Folder, name, &outline, rng),
            outline,
            source,
            manifest: Some(encoded),
            instead: None,
        })
    }

    /// Seals what is sent and lies in no file into the container. Before the commit that names it.
    pub(crate) fn keep(&self, vault: &Vault) -> Result<(), FileError> {
        let Some(bytes) = &self.instead else { return Ok(()) };
        let (id, geometry) = (FileId(self.offer.id().0), self.outline.geometry());
        let failed = |error| match error {
            outis_vault::FileError::DiskFull => FileError::DiskFull,
            other => FileError::Sealed(other),
        };
        let layout = Layout {
            chunk_bytes: u32::try_from(geometry.chunk_size()).map_err(|_| FileError::TooLarge)?,
            chunks: u64::from(geometry.chunks()),
        };
        let files = vault.files();
        files.create(id, layout).map_err(failed)?;
        let chunk_size = usize::try_from(geometry.chunk_size()).map_err(|_| FileError::TooLarge)?;
        // An empty file is one empty chunk.
        for number in 0..geometry.chunks() {
            let start = usize::try_from(number).unwrap_or(usize::MAX).saturating_mul(chunk_size);
            let rest = bytes.dangerously_expose().get(start..).unwrap_or_default();
            let chunk = rest.get(..chunk_size).unwrap_or(rest);
            files.write_chunk(id, u64::from(number), chunk).map_err(failed)?;
        }
        files.sync(id).map_err(failed)
    }
}

/// What is sent instead of a file, if something is to be left out of it.
fn bare(path: &Path, metadata: Metadata) -> Result<Option<Vec<u8>>, FileError> {
    if metadata == Metadata::Kept {
        return Ok(None);
    }
    match stripped(path).map_err(FileError::Unreadable)? {
        Stripped::AsItIs => Ok(None),
        Stripped::Without(bytes) => Ok(Some(bytes)),
        Stripped::Unknowable => Err(FileError::Metadata),
    }
}

/// A file without what a camera wrote into it.
pub(super) enum Stripped {
    AsItIs,
    Without(Vec<u8>),
    /// It is an image, and what is in it cannot be told.
    Unknowable,
}

/// Reads a file far enough to know whether something is to be left out, and then whole.
pub(super) fn stripped(path: &Path) -> io::Result<Stripped> {
    let mut file = File::open(path)?;
    let mut bytes = Vec::new();
    file.by_ref().take(Bare::HEAD as u64).read_to_end(&mut bytes)?;
    if !Bare::knows(&bytes) {
        return Ok(Stripped::AsItIs);
    }
    file.take(LARGEST_IMAGE).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST_IMAGE {
        return Ok(Stripped::Unknowable);
    }
    Ok(match Bare::of(&bytes) {
        Ok(Bare::NoImage | Bare::AsItIs) => Stripped::AsItIs,
        Ok(Bare::Without(bytes)) => Stripped::Without(bytes),
        Err(_) => Stripped::Unknowable,
    })
}

fn hashed(geometry: Geometry, mut file: File) -> Result<Outline, FileError> {
    let mut outliner = Outliner::new(geometry);
    let mut buffer = Vec::new();
    for chunk in 0..geometry.chunks() {
        buffer.resize(geometry.length(chunk).unwrap_or_default(), 0);
        file.read_exact(&mut buffer).map_err(FileError::Unreadable)?;
        outliner
            .chunk(&buffer)
            .map_err(|_| unreadable(io::ErrorKind::InvalidData))?;
    }
    outliner.finish().map_err(|_| unreadable(io::ErrorKind::InvalidData))
}

/// Lists what is in a folder, by name, folders before what is in them. What is neither file nor folder is left out, links
/// too: they may point anywhere.
fn list(path: &Path, within: Folder, metadata: Metadata, manifest: &mut Manifest) -> Result<(), FileError> {
    let mut entries = fs::read_dir(path)
        .and_then(Iterator::collect::<io::Result<Vec<_>>>)
        .map_err(FileError::Unreadable)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name();
        let name = name.to_str().ok_or_else(|| unreadable(io::ErrorKind::InvalidInput))?;
        let kind = entry.file_type().map_err(FileError::Unreadable)?;
        if kind.is_dir() {
            let folder = manifest.add_folder(within, name).map_err(|_| FileError::TooLarge)?;
            list(&entry.path(), folder, metadata, manifest)?;
        } else if kind.is_file() {
            let size = match bare(&entry.path(), metadata)? {
                Some(bytes) => bytes.len() as u64,
                None => entry.metadata().map_err(FileError::Unreadable)?.len(),
            };
            manifest.add_file(within, name, size).map_err(|_| FileError::TooLarge)?;
        }
    }
    Ok(())
}

fn unreadable(kind: io::ErrorKind) -> FileError {
    FileError::Unreadable(kind.into())
}

/// A larger image is not looked through: it is sent only as it is, if that is wanted.
const LARGEST_IMAGE: u64 = 64 * 1024 * 1024;
