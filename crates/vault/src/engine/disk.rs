//! The engine on a real disk: sled in `store/`, the root slots in `root`, sealed files in `files/`.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use super::store::{Store, sync_folder};
use super::{Batch, DiskKey, Engine, ROOT_SLOT_BYTES, Slot};

/// sled and the files beside it, in one account's folder.
pub(crate) struct DiskEngine {
    folder: RwLock<PathBuf>,
    open: RwLock<Option<Open>>,
}

struct Open {
    store: Store,
    applied: AtomicU64,
}

impl DiskEngine {
    /// Makes the empty files of a new account; on disk when it returns.
    pub(crate) fn create(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder.join(FILES))?;
        let root = File::create(folder.join(ROOT))?;
        root.set_len(2 * ROOT_SLOT_BYTES as u64)?;
        root.sync_all()?;
        let engine = Self::open(folder)?;
        sync_folder(&folder.join(FILES))?;
        sync_folder(folder)?;
        Ok(engine)
    }

    /// Opens what stands in `folder`.
    pub(crate) fn open(folder: &Path) -> io::Result<Self> {
        let engine = Self {
            folder: RwLock::new(folder.to_owned()),
            open: RwLock::new(None),
        };
        engine.reopen()?;
        Ok(engine)
    }

    /// The folder has been renamed. Only while the store is closed: sled goes by paths.
    pub(crate) fn move_to(&self, folder: &Path) {
        *self.folder.write().unwrap_or_else(PoisonError::into_inner) = folder.to_owned();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.read().unwrap_or_else(PoisonError::into_inner).join(name)
    }

    fn with<T>(&self, step: impl FnOnce(&Open) -> io::Result<T>) -> io::Result<T> {
        let guard: RwLockReadGuard<'_, Option<Open>> = self.open.read().unwrap_or_else(PoisonError::into_inner);
        step(guard.as_ref().ok_or(io::ErrorKind::NotConnected)?)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.path(FILES).join(name)
    }

    fn root_file(&self, write: bool) -> io::Result<File> {
        File::options().read(true).write(write).open(self.path(ROOT))
    }
}

impl Engine for DiskEngine {
    fn get(&self, key: &DiskKey) -> io::Result<Option<Vec<u8>>> {
        self.with(|open| open.store.get(key))
    }

    fn apply(&self, batch: Batch) -> io::Result<()> {
        self.with(|open| {
            let number = open.store.apply(batch)?;
            open.applied.store(number, Ordering::SeqCst);
            Ok(())
        })
    }

    fn sync(&self) -> io::Result<()> {
        self.with(|open| open.store.sync(open.applied.load(Ordering::SeqCst)))
    }

    fn read_root(&self, slot: Slot) -> io::Result<Vec<u8>> {
        let mut file = self.root_file(false)?;
        file.seek(SeekFrom::Start(slot_offset(slot)))?;
        let mut bytes = Vec::with_capacity(ROOT_SLOT_BYTES);
        file.take(ROOT_SLOT_BYTES as u64).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn write_root(&self, slot: Slot, bytes: &[u8; ROOT_SLOT_BYTES]) -> io::Result<()> {
        let mut file = self.root_file(true)?;
        file.seek(SeekFrom::Start(slot_offset(slot)))?;
        file.write_all(bytes)?;
        file.sync_data()
    }

    fn reopen(&self) -> io::Result<()> {
        let mut guard = self.open.write().unwrap_or_else(PoisonError::into_inner);
        *guard = None;
        *guard = Some(Open {
            store: Store::open(&self.path(STORE))?,
            applied: Default::default(),
        });
        Ok(())
    }

    fn close(&self) {
        *self.open.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn file_create(&self, name: &str, length: u64) -> io::Result<()> {
        File::create(self.file(name))?.set_len(length)
    }

    fn file_write(&self, name: &str, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut file = File::options().write(true).open(self.file(name))?;
        file.seek(SeekFrom::Start(offset))?;
        file.write_all(bytes)
    }

    fn file_read(&self, name: &str, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        let mut file = File::open(self.file(name))?;
        file.seek(SeekFrom::Start(offset))?;
        let mut bytes = vec![0; length];
        file.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    fn file_sync(&self, name: &str) -> io::Result<()> {
        File::options().write(true).open(self.file(name))?.sync_all()?;
        sync_folder(&self.path(FILES))
    }

    fn file_remove(&self, name: &str) -> io::Result<()> {
        match fs::remove_file(self.file(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => sync_folder(&self.path(FILES)),
        }
    }

    fn file_names(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(self.path(FILES))? {
            names.extend(entry?.file_name().into_string().ok());
        }
        names.sort();
        Ok(names)
    }
}

fn slot_offset(slot: Slot) -> u64 {
    u64::from(slot.index()) * ROOT_SLOT_BYTES as u64
}

/// The file of the two root slots. Written in place and never renamed over, so that an old root is really gone.
pub(crate) const ROOT: &str = "root";
const STORE: &str = "store";
const FILES: &str = "files";
