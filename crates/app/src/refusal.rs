//! From the errors of the crates below to the one that a face sees.

use crate::{Error, ErrorCode};
use outis_crypto::password::TooLittleMemory;
use outis_identity::{DeriveError, NicknameError, PasswordError};
use outis_messenger::{ContactError, FileError, InviteError, SendError, StoreError};
use outis_vault::{ChangePasswordError, CommitError, CreateError, DestroyError, OpenError, ReadError};

impl From<NicknameError> for Error {
    fn from(error: NicknameError) -> Self {
        Self::new(ErrorCode::NicknameInvalid, error)
    }
}

impl From<PasswordError> for Error {
    fn from(error: PasswordError) -> Self {
        Self::new(ErrorCode::InvalidParams, error)
    }
}

impl From<TooLittleMemory> for Error {
    fn from(error: TooLittleMemory) -> Self {
        Self::new(ErrorCode::TooLittleMemory, error)
    }
}

impl From<DeriveError> for Error {
    fn from(error: DeriveError) -> Self {
        match error {
            DeriveError::TooLittleMemory(error) => error.into(),
        }
    }
}

impl From<CreateError> for Error {
    fn from(error: CreateError) -> Self {
        match error {
            CreateError::Exists => Self::new(
                ErrorCode::AccountExists,
                "this account is on this machine already: unlock it",
            ),
            CreateError::TooLittleMemory(error) => error.into(),
            CreateError::DiskFull => disk_full(),
            CreateError::Damaged { .. } => Self::new(ErrorCode::ContainerDamaged, error),
            CreateError::Write(_) => Self::internal(error),
        }
    }
}

impl From<OpenError> for Error {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::WrongCredentials => Self::new(ErrorCode::WrongCredentials, "wrong nickname or password"),
            OpenError::Damaged { .. } => Self::new(ErrorCode::ContainerDamaged, error),
            OpenError::TooNew { .. } => Self::new(ErrorCode::ContainerTooNew, error),
            OpenError::InUse => Self::new(
                ErrorCode::ContainerInUse,
                "this account is open in another window or program",
            ),
            OpenError::TooLittleMemory(error) => error.into(),
            OpenError::DiskFull => disk_full(),
            OpenError::Read(_) => Self::internal(error),
        }
    }
}

impl From<ChangePasswordError> for Error {
    fn from(error: ChangePasswordError) -> Self {
        match error {
            ChangePasswordError::WrongPassword => Self::new(ErrorCode::WrongCredentials, error),
            ChangePasswordError::Exists => Self::new(
                ErrorCode::AccountExists,
                "this nickname and password open another account on this machine",
            ),
            ChangePasswordError::Locked => locked(),
            ChangePasswordError::TooLittleMemory(error) => error.into(),
            ChangePasswordError::DiskFull => disk_full(),
            ChangePasswordError::Damaged { .. } => Self::new(ErrorCode::ContainerDamaged, error),
            ChangePasswordError::NoPassword | ChangePasswordError::Write(_) => Self::internal(error),
        }
    }
}

impl From<DestroyError> for Error {
    fn from(error: DestroyError) -> Self {
        match error {
            DestroyError::WrongCredentials => Self::new(ErrorCode::WrongCredentials, error),
            DestroyError::InUse => Self::new(ErrorCode::ContainerInUse, error),
            DestroyError::TooLittleMemory(error) => error.into(),
            DestroyError::Damaged { .. } => Self::new(ErrorCode::ContainerDamaged, error),
            DestroyError::Write(_) => Self::internal(error),
        }
    }
}

impl From<ReadError> for Error {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Locked => locked(),
            ReadError::Damaged { .. } => Self::new(ErrorCode::ContainerDamaged, error),
            ReadError::Read(_) => Self::internal(error),
        }
    }
}

impl From<CommitError> for Error {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Locked => locked(),
            CommitError::DiskFull => disk_full(),
            CommitError::TooLarge { .. } => Self::new(ErrorCode::TooLarge, error),
            CommitError::Damaged { .. } => Self::new(ErrorCode::ContainerDamaged, error),
            CommitError::Exhausted | CommitError::Write(_) => Self::internal(error),
        }
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Read(error) => error.into(),
            StoreError::Commit(error) => error.into(),
            StoreError::TooNew(_) => Self::new(ErrorCode::ContainerTooNew, error),
            StoreError::Damaged(_) | StoreError::Session(_) => Self::new(ErrorCode::ContainerDamaged, error),
        }
    }
}

impl From<ContactError> for Error {
    fn from(error: ContactError) -> Self {
        let code = match error {
            ContactError::SelfContact => ErrorCode::SelfContact,
            ContactError::NotFound => ErrorCode::NotFound,
            ContactError::NotAsked => ErrorCode::NotAContact,
            ContactError::Blocked => ErrorCode::Blocked,
            ContactError::TooLarge => ErrorCode::TooLarge,
            ContactError::Store(error) => return error.into(),
        };
        Self::new(code, error)
    }
}

impl From<InviteError> for Error {
    fn from(error: InviteError) -> Self {
        let code = match error {
            InviteError::TooMany => ErrorCode::InvalidParams,
            InviteError::NoRelays => ErrorCode::TooFewRelays,
            InviteError::NotFound => ErrorCode::NotFound,
            InviteError::Store(error) => return error.into(),
        };
        Self::new(code, error)
    }
}

impl From<SendError> for Error {
    fn from(error: SendError) -> Self {
        let code = match error {
            SendError::NotAContact => ErrorCode::NotAContact,
            SendError::Blocked => ErrorCode::Blocked,
            SendError::TooLarge => ErrorCode::TooLarge,
            SendError::NotFound => ErrorCode::NotFound,
            SendError::NotYours => ErrorCode::InvalidParams,
            SendError::Superseded => ErrorCode::AccountSuperseded,
            SendError::Store(error) => return error.into(),
        };
        Self::new(code, error)
    }
}

impl From<FileError> for Error {
    fn from(error: FileError) -> Self {
        let code = match error {
            FileError::Unreadable(_) | FileError::Metadata => ErrorCode::FileUnreadable,
            FileError::TooLarge => ErrorCode::TooLarge,
            FileError::NotFound => ErrorCode::NotFound,
            FileError::WrongState => ErrorCode::InvalidParams,
            FileError::PathExists => ErrorCode::PathExists,
            FileError::DiskFull => return disk_full(),
            FileError::Sealed(ref sealed) if matches!(sealed, outis_vault::FileError::DiskFull) => return disk_full(),
            FileError::Sealed(outis_vault::FileError::Damaged { .. }) => ErrorCode::ContainerDamaged,
            FileError::Send(error) => return error.into(),
            FileError::Store(error) => return error.into(),
            FileError::Unwritable(_) | FileError::Folder => ErrorCode::InvalidParams,
            FileError::Sealed(_) => return Self::internal(error),
        };
        Self::new(code, error)
    }
}

fn locked() -> Error {
    Error::new(ErrorCode::Locked, "no account is unlocked")
}

fn disk_full() -> Error {
    Error::new(ErrorCode::DiskFull, "the disk is full; nothing was lost")
}
