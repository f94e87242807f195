//! The engine on a real disk: sled in `store/`, its journal, the root slots in `root`, sealed files in `files/`, and in `reserve` the
//! room that opening needs (sled tidies its log and writes a snapshot then) when everything else is full.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock, RwLockWriteGuard};

use super::store::{JOURNALS, Progress, Store, sync_folder};
use super::{Batch, DiskKey, Engine, ROOT_SLOT_BYTES, Slot, is_full};

/// sled and the files beside it, in one account's folder.
pub(crate) struct DiskEngine {
    folder: RwLock<PathBuf>,
    open: RwLock<Open>,
}

#[derive(Default)]
struct Open {
    store: Option<Store>,
    /// How far the store before came.
    progress: Progress,
    /// Something that had been stored is missing.
    is_cut_back: bool,
}

impl DiskEngine {
    /// Makes the empty files of a new account; on disk when it returns.
    pub(crate) fn create(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder.join(FILES))?;
        let root = File::create(folder.join(ROOT))?;
        root.set_len((Slot::COUNT * ROOT_SLOT_BYTES) as u64)?;
        root.sync_all()?;
        let engine = Self::open(folder)?;
        sync_folder(&folder.join(FILES))?;
        sync_folder(folder)?;
        Ok(engine)
    }

    /// Opens what stands in `folder`.
    pub(crate) fn open(folder: &Path) -> io::Result<Self> {
        let engine = Self::without_store(folder);
        engine.reopen()?;
        Ok(engine)
    }

    /// Only what stands beside the store; [`reopen`](Engine::reopen) adds it.
    pub(crate) fn without_store(folder: &Path) -> Self {
        Self {
            folder: RwLock::new(folder.to_owned()),
            open: RwLock::default(),
        }
    }

    /// Puts a damaged store out of the way. One that was put there before stays, and this one goes.
    pub(crate) fn set_aside(&self) -> io::Result<()> {
        self.close();
        let (store, aside) = (self.path(STORE), self.path(ASIDE));
        if store.is_dir() && aside.is_dir() {
            fs::remove_dir_all(&store)?;
        } else if store.is_dir() {
            fs::rename(&store, &aside)?;
        }
        for journal in JOURNALS {
            remove_if_exists(&self.path(journal))?;
        }
        fs::create_dir_all(self.path(FILES))?;
        sync_folder(&self.path(""))?;
        if !self.path(ROOT).is_file() {
            File::create(self.path(ROOT))?.sync_all()?;
        }
        self.root_file(true)?.set_len((Slot::COUNT * ROOT_SLOT_BYTES) as u64)
    }

    /// The folder has been renamed. Only while the store is closed: sled goes by paths.
    pub(crate) fn move_to(&self, folder: &Path) {
        *self.folder.write().unwrap_or_else(PoisonError::into_inner) = folder.to_owned();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.read().unwrap_or_else(PoisonError::into_inner).join(name)
    }

    fn with<T>(&self, step: impl FnOnce(&Store) -> io::Result<T>) -> io::Result<T> {
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        step(open.store.as_ref().ok_or(io::ErrorKind::NotConnected)?)
    }

    fn open_mut(&self) -> RwLockWriteGuard<'_, Open> {
        self.open.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens the store after the one before; in a full disk, with the room that is kept for it.
    fn open_store(&self, open: &mut Open) -> io::Result<()> {
        let (folder, reserve, progress) = (self.path(STORE), self.path(RESERVE), open.progress);
        let (store, has_gap) = match Store::open(&folder, progress) {
            Err(error) if is_full(&error) => {
                remove_if_exists(&reserve)?;
                Store::open(&folder, progress)?
            }
            opened => opened?,
        };
        // Without room for it, the container is open all the same.
        if keep_reserve(&reserve, fs::metadata(folder.join("db"))?.len()).is_err() {
            remove_if_exists(&reserve)?;
        }
        open.store = Some(store);
        open.is_cut_back |= has_gap;
        Ok(())
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
        self.with(|store| store.get(key))
    }

    fn apply(&self, batch: Batch) -> io::Result<u64> {
        self.with(|store| store.apply(batch))
    }

    fn sync(&self, number: u64) -> io::Result<()> {
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        match &open.store {
            Some(store) => store.sync(number),
            None if open.progress.is_durable(number) => Ok(()),
            None => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    fn has_failed(&self) -> bool {
        self.with(|store| Ok(store.has_failed())).unwrap_or_default()
    }

    fn is_cut_back(&self) -> bool {
        let open = self.open.read().unwrap_or_else(PoisonError::into_inner);
        open.is_cut_back
    }

    fn is_whole(&self) -> io::Result<bool> {
        self.with(Store::is_whole)
    }

    fn take_for_whole(&self) -> io::Result<()> {
        self.with(Store::take_for_whole)
    }

    fn is_bloated(&self) -> bool {
        self.with(|store| Ok(store.is_bloated())).unwrap_or_default()
    }

    fn compact(&self) -> io::Result<()> {
        let folder = self.path(STORE);
        let copy = self.with(|store| store.copy_beside(&folder))?;
        // From here on everybody waits, but what is left is little.
        let mut open = self.open_mut();
        let Some(store) = open.store.take() else { return Ok(()) };
        let (progress, replaced) = store.replace(&folder, copy);
        open.progress = progress;
        self.open_store(&mut open)?;
        replaced
    }

    fn read_root(&self, slot: Slot) -> io::Result<Vec<u8>> {
        let mut file = match self.root_file(false) {
            // Slots that are gone hold nothing, which whoever reads them takes for damage.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            opened => opened?,
        };
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
        let mut open = self.open_mut();
        if let Some(store) = open.store.take() {
            open.progress = store.close();
        }
        self.open_store(&mut open)
    }

    fn close(&self) {
        let mut open = self.open_mut();
        if let Some(store) = open.store.take() {
            open.progress = store.close();
        }
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

    fn file_read_whole(&self, name: &str, limit: usize) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        File::open(self.file(name))?
            .take(limit as u64)
            .read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn file_sync(&self, names: &[String]) -> io::Result<()> {
        for name in names {
            File::options().write(true).open(self.file(name))?.sync_all()?;
        }
        sync_folder(&self.path(FILES))
    }

    fn file_remove(&self, name: &str) -> io::Result<()> {
        remove_if_exists(&self.file(name))
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

/// Makes sure that the reserve is as large as sled's snapshot of a log of this length may become.
fn keep_reserve(path: &Path, log_length: u64) -> io::Result<()> {
    let length = MIN_RESERVE + log_length / 128;
    let mut file = File::options().create(true).truncate(false).write(true).open(path)?;
    let present = file.seek(SeekFrom::End(0))?;
    io::copy(&mut io::repeat(0).take(length.saturating_sub(present)), &mut file)?;
    file.sync_all()
}

fn remove_if_exists(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn slot_offset(slot: Slot) -> u64 {
    u64::from(slot.index()) * ROOT_SLOT_BYTES as u64
}

/// The file of the two root slots. Written in place and never renamed over, so that an old root is really gone.
pub(crate) const ROOT: &str = "root";
const STORE: &str = "store";
/// A store that could not be opened, after the account has begun anew.
const ASIDE: &str = "store.damaged";
const FILES: &str = "files";
const RESERVE: &str = "reserve";
/// sled overwrites what is left of the segment it stopped in (512 KiB), and may begin another.
const MIN_RESERVE: u64 = 2 * 1024 * 1024;
