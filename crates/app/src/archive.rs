//! `account.export` and `account.import`: an account in one sealed file.
//!
//! The file is the vault's archive; what stands in it is listed in `docs/protocol/archive.md`. Importing makes a container
//! as restoring does, with what the archive holds in it, and the device in it is a new one.

use crate::{
    App, Error, ErrorCode, Event,
    account::{Ground, in_network},
    dto::*,
    memory,
    records::{self, Profile},
};
use outis_crypto::os_rng;
use outis_identity::{Identity, Nickname, Password};
use outis_messenger::{ARCHIVE_ITEM, ExportError, ImportError, Messenger, Origin};
use outis_vault::{ArchiveReader, ArchiveWriter, ReadArchiveError, Vault, WriteArchiveError};
use std::{
    fs::{self, File},
    path::Path,
    sync::Arc,
};

impl App {
    /// Writes the account into one sealed file, which opens with the nickname and the present password.
    pub async fn account_export(&self, params: ExportAccount) -> Result<Nothing, Error> {
        let open = self.unlocked()?;
        let tell = self.progress("account.export");
        let export = move || {
            let mut half = Half::create(Path::new(&params.path))?;
            write(&open.vault, &open.messenger, &half.file, tell)?;
            half.file.sync_all().map_err(|error| unwritable(&error))?;
            half.is_whole = true;
            Ok(Nothing {})
        };
        memory::on_a_thread("account.export", export).await?
    }

    /// Makes a container from such a file and opens it, as a new device.
    pub async fn account_import(&self, params: ImportAccount) -> Result<Unlocked, Error> {
        let wrong = || Error::new(ErrorCode::WrongCredentials, "wrong nickname or password");
        let nickname = Nickname::parse(&params.nickname).map_err(|_| wrong())?;
        let password = Password::parse(params.password.dangerously_expose()).map_err(|_| wrong())?;
        let _changing = self.inner.changing.lock().await;
        self.nothing_open()?;
        let (ground, tell) = (self.ground(), self.progress("account.import"));
        let import = move || import(&ground, &params.path, &nickname, &password, tell);
        let vault = memory::on_a_thread("account.import", import).await??;
        let open = self.open(vault, Origin::Restored)?;
        in_network(&self.inner.config, &open).await
    }

    fn progress(&self, operation: &'static str) -> impl Fn(u64, u64) + Send + 'static {
        let outlet = self.inner.outlet.clone();
        move |done, total| {
            outlet.push(Event::Progress {
                operation: operation.to_owned(),
                done,
                total: Some(total),
            });
        }
    }
}

fn write(vault: &Vault, messenger: &Messenger, file: &File, tell: impl Fn(u64, u64)) -> Result<(), Error> {
    let key = records::archive_key(vault)?;
    let mut rng = os_rng();
    let mut archive = ArchiveWriter::create_with(file, &key, &mut rng)?;
    let identity = records::identity(vault)?.to_record();
    archive.put(IDENTITY, identity.dangerously_expose(), &mut rng)?;
    archive.put(PROFILE, &records::record(&records::profile(vault)?), &mut rng)?;
    let settings = serde_json::to_vec(&records::settings(vault)?).map_err(Error::internal)?;
    archive.put(SETTINGS, &settings, &mut rng)?;
    let exported = messenger.export(|item, done, total| {
        tell(done, total);
        archive.put(ARCHIVE_ITEM, item, &mut rng)
    });
    exported.map_err(|error| match error {
        ExportError::Store(error) => Error::from(error),
        ExportError::Taking(error) => error.into(),
    })?;
    archive.finish(&mut rng)?;
    Ok(())
}

/// What one finds in an archive beside the messenger's items.
#[derive(Default)]
struct Own {
    identity: Option<Identity>,
    profile: Option<Profile>,
    settings: Option<Settings>,
}

fn import(
    ground: &Ground,
    path: &str,
    nickname: &Nickname,
    password: &Password,
    tell: impl Fn(u64, u64),
) -> Result<Vault, Error> {
    let cost = ground.costs.container;
    let secret = password.dangerously_expose().as_bytes();
    let open = || {
        let file = File::open(path).map_err(|error| unreadable(&error))?;
        let length = file.metadata().map_err(|error| unreadable(&error))?.len();
        let archive = ArchiveReader::open(file, nickname.canonical(), secret, cost)?;
        Ok::<_, Error>((archive, length))
    };
    // Once to its end before anything is made of it: that nothing is missing is known only there.
    let (mut archive, length) = open()?;
    let mut own = Own::default();
    while let Some(item) = archive.next_item()? {
        own.take(item.tag, item.body.dangerously_expose())?;
        tell(archive.position(), 2 * length);
    }
    let Own {
        identity: Some(identity),
        profile: Some(profile),
        settings,
    } = own
    else {
        return Err(damaged());
    };
    let vault = Vault::create(&ground.dir, nickname.canonical(), secret, cost, os_rng())?;
    let filled = (|| {
        let (mut archive, _) = open()?;
        let vault = Arc::new(vault.clone());
        while let Some(item) = archive.next_item()? {
            if item.tag == ARCHIVE_ITEM {
                Messenger::import(&vault, item.body.dangerously_expose())?;
            }
            tell(length + archive.position(), 2 * length);
        }
        let key = outis_vault::ArchiveKey::derive(nickname.canonical(), secret, cost, &mut os_rng())?;
        if let Some(settings) = &settings {
            records::put_settings(&vault, settings)?;
        }
        // Last, since a container without it is one that was not finished.
        records::begin(&vault, &identity, &profile, &key)
    })();
    match filled {
        Ok(()) => Ok(vault),
        Err(error) => {
            vault.lock();
            // What is left of it opens as nothing, and goes when somebody tries.
            let _ = Vault::destroy(&ground.dir, nickname.canonical(), secret, cost, &mut os_rng());
            Err(error)
        }
    }
}

impl Own {
    fn take(&mut self, tag: u16, body: &[u8]) -> Result<(), Error> {
        match tag {
            IDENTITY => self.identity = Some(Identity::from_record(body).map_err(|_| damaged())?),
            PROFILE => self.profile = Some(records::read_record(body)?),
            SETTINGS => self.settings = Some(serde_json::from_slice(body).unwrap_or_default()),
            ARCHIVE_ITEM => {}
            _ => {
                return Err(Error::new(
                    ErrorCode::ContainerTooNew,
                    "this archive was written by a newer version",
                ));
            }
        }
        Ok(())
    }
}

/// A file that is gone again unless it becomes whole.
struct Half<'a> {
    path: &'a Path,
    file: File,
    is_whole: bool,
}

impl<'a> Half<'a> {
    fn create(path: &'a Path) -> Result<Self, Error> {
        let mut options = File::options();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path).map_err(|error| unwritable(&error))?;
        Ok(Self {
            path,
            file,
            is_whole: false,
        })
    }
}

impl Drop for Half<'_> {
    fn drop(&mut self) {
        if !self.is_whole {
            // It is sealed, and of no use to anybody.
            let _ = fs::remove_file(self.path);
        }
    }
}

impl From<WriteArchiveError> for Error {
    fn from(error: WriteArchiveError) -> Self {
        match error {
            WriteArchiveError::TooLittleMemory(error) => error.into(),
            WriteArchiveError::DiskFull => Self::new(ErrorCode::DiskFull, "the disk is full; nothing was written"),
            WriteArchiveError::TooLarge { .. } => Self::internal(error),
            WriteArchiveError::Write(error) => unwritable(&error),
        }
    }
}

impl From<ReadArchiveError> for Error {
    fn from(error: ReadArchiveError) -> Self {
        let code = match error {
            ReadArchiveError::WrongCredentials => ErrorCode::WrongCredentials,
            ReadArchiveError::CutShort | ReadArchiveError::Damaged | ReadArchiveError::Read(_) => {
                ErrorCode::FileUnreadable
            }
            ReadArchiveError::TooNew { .. } => ErrorCode::ContainerTooNew,
            ReadArchiveError::TooLittleMemory(error) => return error.into(),
        };
        Self::new(code, error)
    }
}

impl From<ImportError> for Error {
    fn from(error: ImportError) -> Self {
        match error {
            ImportError::Store(error) => error.into(),
            ImportError::Unknown => Self::new(ErrorCode::ContainerTooNew, error),
        }
    }
}

fn unwritable(error: &std::io::Error) -> Error {
    let code = match error.kind() {
        std::io::ErrorKind::AlreadyExists => ErrorCode::PathExists,
        std::io::ErrorKind::StorageFull => ErrorCode::DiskFull,
        _ => ErrorCode::InvalidParams,
    };
    Error::new(code, format!("this file cannot be written: {error}"))
}

fn unreadable(error: &std::io::Error) -> Error {
    Error::new(ErrorCode::FileUnreadable, format!("this file cannot be read: {error}"))
}

fn damaged() -> Error {
    Error::new(ErrorCode::FileUnreadable, "the archive is damaged")
}

/// Tags of items; the messenger's is [`ARCHIVE_ITEM`]. Never used for something else.
const IDENTITY: u16 = 1;
const PROFILE: u16 = 2;
const SETTINGS: u16 = 3;

#[cfg(test)]
mod tests;
