//! Sealed files: what is too large for a record, in chunks of one size.
//!
//! A file's key is an erasable record; the file itself is `chunks` slots, each
//! `XChaCha20-Poly1305(length (4) ‖ bytes ‖ zeros up to the chunk size)` with the slot's number as associated data. A slot
//! of zeros has not been written. Chunks may come in any order, and resume after a crash.

use std::collections::BTreeSet;

use outis_crypto::{Secret, SecretBytes, aead};
use outis_wire::Reader;
use zeroize::Zeroizing;

use crate::FileError;
use crate::commit::{Commit, Step};
use crate::engine::DiskKey;
use crate::fault::{Damage, Fault};
use crate::keepsake;
use crate::key::{Place, Space, TableId};
use crate::vault::Vault;

/// Names a sealed file; chosen by the caller, at random or as a hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub [u8; 32]);

/// How a file is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// The largest chunk, in bytes: 1 to [`Layout::MAX_CHUNK_BYTES`].
    pub chunk_bytes: u32,
    /// How many chunks there are.
    pub chunks: u64,
}

impl Layout {
    /// No chunk is larger: 4 MiB.
    pub const MAX_CHUNK_BYTES: u32 = 4 * 1024 * 1024;

    fn slot_bytes(self) -> u64 {
        u64::from(self.chunk_bytes) + SLOT_OVERHEAD
    }

    fn total(self) -> Result<u64, FileError> {
        let fits = (1..=Self::MAX_CHUNK_BYTES).contains(&self.chunk_bytes);
        let total = self
            .slot_bytes()
            .checked_mul(self.chunks)
            .filter(|total| i64::try_from(*total).is_ok());
        total.filter(|_| fits).ok_or(FileError::OutsideLayout)
    }
}

/// The sealed files of a vault.
///
/// Create, write and [`sync`](Files::sync) a file *before* the commit that names it; after a crash [`sweep`](Files::sweep)
/// removes those that nothing names.
pub struct Files<'a>(&'a Vault);

struct Sealed {
    name: String,
    key: Secret<32>,
    layout: Layout,
}

impl<'a> Files<'a> {
    pub(crate) fn new(vault: &'a Vault) -> Self {
        Self(vault)
    }

    /// Makes a file with no chunk written; one of the same id is replaced.
    ///
    /// # Errors
    /// [`FileError::OutsideLayout`] for a layout that no file can have; otherwise the disk's.
    pub fn create(&self, id: FileId, layout: Layout) -> Result<(), FileError> {
        let length = layout.total()?;
        let name = self.0.file_name(id.0)?;
        self.0.write(|state, engine| {
            engine.file_create(&name, length)?;
            let mut record = Vec::with_capacity(RECORD);
            record.extend_from_slice(Secret::<32>::random(state.rng()).dangerously_expose());
            record.extend_from_slice(&layout.chunk_bytes.to_be_bytes());
            record.extend_from_slice(&layout.chunks.to_be_bytes());
            state.commit(
                engine,
                Commit {
                    steps: vec![Step::Put(place(id), record.into())],
                },
            )
        })?;
        Ok(())
    }

    /// How a file is cut, or `None` if there is none of this id.
    ///
    /// # Errors
    /// The disk's.
    pub fn layout(&self, id: FileId) -> Result<Option<Layout>, FileError> {
        match self.find(id) {
            Ok(sealed) => Ok(Some(sealed.layout)),
            Err(FileError::Missing) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Seals a chunk into its slot. Not durable before [`sync`](Self::sync).
    ///
    /// # Errors
    /// [`FileError::OutsideLayout`], [`FileError::Missing`], or the disk's.
    pub fn write_chunk(&self, id: FileId, number: u64, bytes: &[u8]) -> Result<(), FileError> {
        let Sealed { name, key, layout } = self.find(id)?;
        let size = usize::try_from(layout.chunk_bytes).map_err(|_| FileError::OutsideLayout)?;
        if number >= layout.chunks || bytes.len() > size {
            return Err(FileError::OutsideLayout);
        }
        let mut plain = Zeroizing::new(Vec::with_capacity(LENGTH + size));
        plain.extend_from_slice(
            &u32::try_from(bytes.len())
                .map_err(|_| FileError::OutsideLayout)?
                .to_be_bytes(),
        );
        plain.extend_from_slice(bytes);
        plain.resize(LENGTH + size, 0);
        self.0.with_state(|state, engine| {
            let sealed = aead::seal(&key, state.rng(), &number.to_be_bytes(), &plain);
            Ok(engine.file_write(&name, number * layout.slot_bytes(), &sealed)?)
        })?;
        Ok(())
    }

    /// Opens a chunk.
    ///
    /// # Errors
    /// [`FileError::Unwritten`] for a slot that nothing was written to; [`FileError::Damaged`] for one that does not open.
    pub fn read_chunk(&self, id: FileId, number: u64) -> Result<SecretBytes, FileError> {
        const TORN: Damage = Damage("a chunk of a file");
        let Sealed { name, key, layout } = self.find(id)?;
        if number >= layout.chunks {
            return Err(FileError::OutsideLayout);
        }
        let length = usize::try_from(layout.slot_bytes()).map_err(|_| FileError::OutsideLayout)?;
        let slot = self
            .0
            .with_state(|_, engine| Ok(engine.file_read(&name, number * layout.slot_bytes(), length)))?;
        let slot = slot.map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => FileError::Missing,
            std::io::ErrorKind::UnexpectedEof => TORN.into(),
            _ => error.into(),
        })?;
        if slot.iter().all(|byte| *byte == 0) {
            return Err(FileError::Unwritten);
        }
        let plain = aead::open(&key, &number.to_be_bytes(), &slot).map_err(|_| TORN)?;
        let mut reader = Reader::new(plain.dangerously_expose());
        let length = reader
            .u32()
            .ok()
            .and_then(|length| usize::try_from(length).ok())
            .ok_or(TORN)?;
        Ok(SecretBytes::from(reader.bytes(length).map_err(|_| TORN)?.to_vec()))
    }

    /// When this returns, all chunks written before are on disk.
    ///
    /// # Errors
    /// The disk's.
    pub fn sync(&self, id: FileId) -> Result<(), FileError> {
        let name = self.0.file_name(id.0)?;
        // Not under the lock on the state: a commit does not wait for a large file.
        Ok(self.0.beside_state(|engine| engine.file_sync(&[name]))?)
    }

    /// Erases a file: its key is forgotten, its bytes are removed. Nothing happens if there is none.
    ///
    /// # Errors
    /// The disk's.
    pub fn remove(&self, id: FileId) -> Result<(), FileError> {
        let name = self.0.file_name(id.0)?;
        let steps = vec![Step::Erase(place(id))];
        self.0.write(|state, engine| state.commit(engine, Commit { steps }))?;
        self.0.with_state(|_, engine| Ok(engine.file_remove(&name)?))?;
        Ok(())
    }

    /// All files there are.
    ///
    /// # Errors
    /// The disk's.
    pub fn list(&self) -> Result<Vec<FileId>, FileError> {
        Ok(self.0.owners_of(TableId::FILES)?.into_iter().map(FileId).collect())
    }

    /// Removes every file that `is_live` does not know, and leftovers that have no key (pages of records too). For once after opening.
    ///
    /// # Errors
    /// The disk's.
    pub fn sweep(&self, is_live: impl Fn(FileId) -> bool) -> Result<(), FileError> {
        let mut named = BTreeSet::new();
        for id in self.list()? {
            if is_live(id) {
                named.insert(self.0.file_name(id.0)?);
            } else {
                self.remove(id)?;
            }
        }
        self.0.with_state(|state, engine| {
            named.extend(keepsake::file_names(&state.keys));
            for name in engine.file_names()?.iter().filter(|name| !named.contains(*name)) {
                // The file of a page bears the disk key of its header.
                let is_page = match from_hex(name) {
                    Some(key) => engine.get(&key)?.is_some(),
                    None => false,
                };
                if !is_page {
                    engine.file_remove(name)?;
                }
            }
            Ok(())
        })?;
        Ok(())
    }

    fn find(&self, id: FileId) -> Result<Sealed, FileError> {
        let torn = |_| Fault::from(Damage("a file's key record"));
        let record = self
            .0
            .with_state(|state, engine| state.get(engine, &place(id)))?
            .ok_or(FileError::Missing)?;
        let mut reader = Reader::new(record.dangerously_expose());
        let key = Secret::from_bytes(reader.array().map_err(torn)?);
        let layout = Layout {
            chunk_bytes: reader.u32().map_err(torn)?,
            chunks: reader.u64().map_err(torn)?,
        };
        Ok(Sealed {
            name: self.0.file_name(id.0)?,
            key,
            layout,
        })
    }
}

/// The disk key that a file is named by.
fn from_hex(name: &str) -> Option<DiskKey> {
    let digits = name.as_bytes().as_chunks::<2>();
    let (pairs, []) = digits else { return None };
    let mut key = DiskKey::default();
    if pairs.len() != key.len() {
        return None;
    }
    for (byte, pair) in key.iter_mut().zip(pairs) {
        *byte = u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(key)
}

/// Where a file's key is stored.
fn place(id: FileId) -> Place {
    Place {
        space: Space::Record,
        table: TableId::FILES,
        owner: id.0,
        index: 0,
    }
}

/// Key, chunk size, number of chunks.
const RECORD: usize = 32 + 4 + 8;
const LENGTH: usize = 4;
const SLOT_OVERHEAD: u64 = (LENGTH + aead::OVERHEAD) as u64;
