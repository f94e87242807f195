//! One error for each public operation.

use std::io;

use outis_crypto::password::TooLittleMemory;

use crate::engine::is_full;
use crate::fault::{Damage, Fault};

/// Why no container was made.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// These credentials open one already.
    #[error("there is an account for this nickname and password already")]
    Exists,
    /// The key derivation needs more memory than there is.
    #[error(transparent)]
    TooLittleMemory(#[from] TooLittleMemory),
    /// No room; nothing was made.
    #[error("the disk is full")]
    DiskFull,
    /// The data directory is damaged.
    #[error("the data directory is damaged: {what}")]
    Damaged {
        /// Which part.
        what: &'static str,
    },
    /// The file system refused.
    #[error("could not write the vault")]
    Write(#[source] io::Error),
}

/// Why a container did not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// No folder here answers to these credentials. Which of the two was wrong we cannot tell, and must not.
    #[error("wrong nickname or password")]
    WrongCredentials,
    /// The folder answered, so this is damage, not a wrong password.
    #[error("the vault is damaged: {what}")]
    Damaged {
        /// Which part.
        what: &'static str,
    },
    /// Written by a later version of this program.
    #[error("vault format {found} is newer than {supported}")]
    TooNew {
        /// The version found.
        found: u8,
        /// The newest that this program reads.
        supported: u8,
    },
    /// Another process, or this one, has it open.
    #[error("the vault is in use")]
    InUse,
    /// The key derivation needs more memory than there is.
    #[error(transparent)]
    TooLittleMemory(#[from] TooLittleMemory),
    /// Opening repairs what a crash left, and there was no room for that.
    #[error("the disk is full")]
    DiskFull,
    /// The file system refused.
    #[error("could not read the vault")]
    Read(#[source] io::Error),
}

/// Why nothing was read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The vault has been locked.
    #[error("the vault is locked")]
    Locked,
    /// What stands on disk is not what was written.
    #[error("the vault is damaged: {what}")]
    Damaged {
        /// Which part.
        what: &'static str,
    },
    /// The file system refused.
    #[error("could not read the vault")]
    Read(#[source] io::Error),
}

/// Why a commit failed. After [`DiskFull`](Self::DiskFull) and [`Write`](Self::Write) it may have happened or not, as a
/// whole; the next operation finds out.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// The vault has been locked.
    #[error("the vault is locked")]
    Locked,
    /// A value is too large for a record and belongs in a file. Nothing was written.
    #[error("a record of {length} bytes is longer than {limit}")]
    TooLarge {
        /// Its length.
        length: usize,
        /// [`MAX_RECORD_BYTES`](crate::MAX_RECORD_BYTES).
        limit: usize,
    },
    /// More than four thousand million versions were written to one table.
    #[error("a table has run out of serial numbers")]
    Exhausted,
    /// No room. Writing goes on when there is some again.
    #[error("the disk is full")]
    DiskFull,
    /// What stands on disk is not what was written.
    #[error("the vault is damaged: {what}")]
    Damaged {
        /// Which part.
        what: &'static str,
    },
    /// The file system refused.
    #[error("could not write the vault")]
    Write(#[source] io::Error),
}

/// Why a sealed file could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// There is no file of this id.
    #[error("no such file")]
    Missing,
    /// This chunk has not been written yet.
    #[error("this chunk has not been written")]
    Unwritten,
    /// The chunk's number or length is outside the file's layout.
    #[error("outside the file's layout")]
    OutsideLayout,
    /// The vault has been locked.
    #[error("the vault is locked")]
    Locked,
    /// No room.
    #[error("the disk is full")]
    DiskFull,
    /// What stands on disk is not what was written.
    #[error("the vault is damaged: {what}")]
    Damaged {
        /// Which part.
        what: &'static str,
    },
    /// The file system refused.
    #[error("could not reach the file")]
    Io(#[source] io::Error),
}

/// Why the password was not changed. The old one holds then.
#[derive(Debug, thiserror::Error)]
pub enum ChangePasswordError {
    /// The password given as the present one is not.
    #[error("wrong password")]
    WrongPassword,
    /// The new credentials open another container here.
    #[error("there is an account for this nickname and password already")]
    Exists,
    /// A vault in memory has no password.
    #[error("this vault has no password")]
    NoPassword,
    /// The vault has been locked.
    #[error("the vault is locked")]
    Locked,
    /// The key derivation needs more memory than there is.
    #[error(transparent)]
    TooLittleMemory(#[from] TooLittleMemory),
    /// No room.
    #[error("the disk is full")]
    DiskFull,
    /// What stands on disk is not what was written.
    #[error("the vault is damaged: {what}")]
    Damaged {
        /// Which part.
        what: &'static str,
    },
    /// The file system refused.
    #[error("could not write the vault")]
    Write(#[source] io::Error),
}

/// Why a container was not destroyed.
#[derive(Debug, thiserror::Error)]
pub enum DestroyError {
    /// No folder here answers to these credentials.
    #[error("wrong nickname or password")]
    WrongCredentials,
    /// It is open; lock it first.
    #[error("the vault is in use")]
    InUse,
    /// The data directory is damaged.
    #[error("the data directory is damaged: {what}")]
    Damaged {
        /// Which part.
        what: &'static str,
    },
    /// The key derivation needs more memory than there is.
    #[error(transparent)]
    TooLittleMemory(#[from] TooLittleMemory),
    /// The file system refused.
    #[error("could not remove the vault")]
    Write(#[source] io::Error),
}

macro_rules! from_damage {
    ($($error:ident),*) => {$(
        impl From<Damage> for $error {
            fn from(Damage(what): Damage) -> Self {
                Self::Damaged { what }
            }
        }
    )*};
}
from_damage!(
    CreateError,
    OpenError,
    ReadError,
    CommitError,
    FileError,
    ChangePasswordError,
    DestroyError
);

/// What sled found damaged, it says as `InvalidData`.
fn is_damage(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::InvalidData
}

const STORE: Damage = Damage("the record store");

macro_rules! from_io {
    ($($error:ident :: $other:ident),*) => {$(
        impl From<io::Error> for $error {
            fn from(error: io::Error) -> Self {
                match error {
                    error if is_full(&error) => Self::DiskFull,
                    error if is_damage(&error) => STORE.into(),
                    error => Self::$other(error),
                }
            }
        }
    )*};
}
from_io!(
    CreateError::Write,
    OpenError::Read,
    CommitError::Write,
    FileError::Io,
    ChangePasswordError::Write
);

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        if is_damage(&error) {
            STORE.into()
        } else {
            Self::Read(error)
        }
    }
}

impl From<io::Error> for DestroyError {
    fn from(error: io::Error) -> Self {
        Self::Write(error)
    }
}

macro_rules! from_fault {
    ($($error:ident { locked: $locked:expr, exhausted: $exhausted:expr })*) => {$(
        impl From<Fault> for $error {
            fn from(fault: Fault) -> Self {
                match fault {
                    Fault::Damage(damage) => damage.into(),
                    Fault::Io(error) => error.into(),
                    Fault::Locked => $locked,
                    Fault::Exhausted => $exhausted,
                }
            }
        }
    )*};
}
from_fault! {
    CreateError { locked: io::Error::from(CLOSED).into(), exhausted: EXHAUSTED.into() }
    OpenError { locked: io::Error::from(CLOSED).into(), exhausted: EXHAUSTED.into() }
    ReadError { locked: Self::Locked, exhausted: EXHAUSTED.into() }
    CommitError { locked: Self::Locked, exhausted: Self::Exhausted }
    FileError { locked: Self::Locked, exhausted: EXHAUSTED.into() }
    ChangePasswordError { locked: Self::Locked, exhausted: EXHAUSTED.into() }
}

impl From<CommitError> for FileError {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Locked => Self::Locked,
            CommitError::DiskFull => Self::DiskFull,
            CommitError::Damaged { what } => Self::Damaged { what },
            CommitError::Write(error) => Self::Io(error),
            CommitError::Exhausted | CommitError::TooLarge { .. } => EXHAUSTED.into(),
        }
    }
}

const CLOSED: io::ErrorKind = io::ErrorKind::NotConnected;
const EXHAUSTED: Damage = Damage("a table has run out of serial numbers");
