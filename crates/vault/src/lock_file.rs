//! One process at a time.

use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;

/// Held as long as it lives; the system lets go of it when the process dies, however it dies.
pub(crate) struct LockFile {
    _file: File,
}

impl LockFile {
    /// Takes the lock of a folder, or `None` if somebody has it.
    pub(crate) fn take(folder: &Path) -> io::Result<Option<Self>> {
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(folder.join(LOCK))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

const LOCK: &str = "lock";
