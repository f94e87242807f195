//! The container as callers see it.

use std::collections::BTreeSet;
use std::ops::{Bound, RangeBounds, RangeInclusive};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use outis_crypto::password::Cost;
use outis_crypto::{CryptoRng, Secret, SecretBytes};

use crate::commit::Commit;
use crate::engine::Engine;
use crate::engine::disk::DiskEngine;
use crate::engine::memory::MemoryDisk;
use crate::fault::{Damage, Fault};
use crate::files::Files;
use crate::folder::{self, Credentials, Door, Stretch, argon2id};
use crate::header::Header;
use crate::key::{Key, Keys, Place, Space, Table, TableId};
use crate::lock_file::LockFile;
use crate::state::{Applied, IndexId, Rng, State, closing, owner_place};
use crate::tidier::Tidier;
use crate::{ChangePasswordError, CommitError, CreateError, DestroyError, OpenError, ReadError};

/// An open container. Clones are handles to the same one; when it is locked, all of them are.
///
/// All methods block on the disk.
#[derive(Clone)]
pub struct Vault(Arc<Shared>);

struct Shared {
    engine: Arc<dyn Engine>,
    inner: Mutex<Inner>,
}

struct Inner {
    /// `None` once locked.
    state: Option<State>,
    /// A write failed: what is remembered may not be what is stored.
    stale: bool,
    home: Option<Home>,
}

/// Where a container on disk stands.
struct Home {
    dir: PathBuf,
    folder: PathBuf,
    salt: [u8; 32],
    engine: Arc<DiskEngine>,
    tidier: Option<Tidier>,
    _lock: LockFile,
}

/// Which end of a range comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// The smallest index first.
    Ascending,
    /// The largest index first.
    Descending,
}

impl Vault {
    /// Makes a container under `dir` for a canonical nickname and a password.
    ///
    /// # Errors
    /// See [`CreateError`]; nothing is left of a failed attempt that could be opened.
    pub fn create(
        dir: &Path,
        nickname: &str,
        password: &[u8],
        cost: Cost,
        rng: impl CryptoRng + Send + 'static,
    ) -> Result<Self, CreateError> {
        Self::create_with(
            dir,
            Credentials { nickname, password },
            &mut argon2id(cost),
            Box::new(rng),
        )
    }

    /// Opens the container that these credentials made under `dir`.
    ///
    /// # Errors
    /// See [`OpenError`]. A wrong nickname, a wrong password and a missing account give the same one after the same work.
    pub fn open(
        dir: &Path,
        nickname: &str,
        password: &[u8],
        cost: Cost,
        rng: impl CryptoRng + Send + 'static,
    ) -> Result<Self, OpenError> {
        Self::open_with(
            dir,
            Credentials { nickname, password },
            &mut argon2id(cost),
            Box::new(rng),
        )
    }

    /// The container on a simulated disk: made if the disk is empty, else opened. Costs next to nothing and asks for no
    /// password; vaults opened on this disk before are dead from now on, as their process would be.
    ///
    /// # Errors
    /// What the simulated crash left, if that is ever damage: a bug.
    pub fn in_memory(disk: &MemoryDisk, rng: impl CryptoRng + Send + 'static) -> Result<Self, OpenError> {
        let mut rng: Rng = Box::new(rng);
        let engine = disk.mount();
        let state = match disk.data_key() {
            Some(key) => State::open(&engine, Keys::new(Secret::from_bytes(key)), rng)?,
            None => {
                let key = Secret::random(&mut rng);
                let bytes = *key.dangerously_expose();
                let state = State::create(&engine, Keys::new(key), rng)?;
                disk.set_data_key(bytes);
                state
            }
        };
        Ok(Self::new(Arc::new(engine), state, None))
    }

    /// Destroys the container of these credentials: its keys are overwritten, its folder removed. It must not be open.
    ///
    /// # Errors
    /// See [`DestroyError`]. Once the folder is out of sight, what a failure left is removed at the next occasion.
    pub fn destroy(
        dir: &Path,
        nickname: &str,
        password: &[u8],
        cost: Cost,
        rng: &mut impl CryptoRng,
    ) -> Result<(), DestroyError> {
        let salt = folder::read_salt(dir)?.unwrap_or_default();
        let door = Door::find(dir, &salt, Credentials { nickname, password }, &mut argon2id(cost))?;
        folder::sweep(dir)?;
        if !door.folder.is_dir() {
            return Err(DestroyError::WrongCredentials);
        }
        let _lock = LockFile::take(&door.folder)?.ok_or(DestroyError::InUse)?;
        Ok(folder::destroy(dir, &door.folder, rng)?)
    }

    /// The record under a key.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn get(&self, key: &Key) -> Result<Option<SecretBytes>, ReadError> {
        let place = Place::from(*key);
        Ok(self.with_state(|state, engine| state.get(engine, &place))?)
    }

    /// At most `limit` records of an owner with an index in `range`, in order.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn range(
        &self,
        table: Table,
        owner: &[u8; 32],
        range: impl RangeBounds<u64>,
        order: Order,
        limit: usize,
    ) -> Result<Vec<(u64, SecretBytes)>, ReadError> {
        let Some(range) = inclusive(range) else {
            return Ok(Vec::new());
        };
        let found = self.with_state(|state, engine| {
            let Some(index) = state.index(engine, IndexId::Records(table.into(), *owner))? else {
                return Ok(Vec::new());
            };
            let numbers: Vec<u64> = match order {
                Order::Ascending => index.within(range).take(limit).collect(),
                Order::Descending => index.within(range).rev().take(limit).collect(),
            };
            let mut found = Vec::with_capacity(numbers.len());
            for number in numbers {
                let place = Key::new(table, *owner, number).into();
                let value = state
                    .get(engine, &place)?
                    .ok_or(Damage("a record in the index is missing"))?;
                found.push((number, value));
            }
            Ok(found)
        })?;
        Ok(found)
    }

    /// How many records an owner has in a table.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn count(&self, table: Table, owner: &[u8; 32]) -> Result<u64, ReadError> {
        let id = IndexId::Records(table.into(), *owner);
        Ok(self.with_state(|state, engine| Ok(state.index(engine, id)?.map_or(0, |index| index.count())))?)
    }

    /// The largest index that an owner has in a table.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn last_index(&self, table: Table, owner: &[u8; 32]) -> Result<Option<u64>, ReadError> {
        let id = IndexId::Records(table.into(), *owner);
        Ok(self.with_state(|state, engine| {
            Ok(state
                .index(engine, id)?
                .and_then(|index| index.within(0..=u64::MAX).next_back()))
        })?)
    }

    /// Everybody who has a record in a table, in no particular order.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn owners(&self, table: Table) -> Result<Vec<[u8; 32]>, ReadError> {
        Ok(self.owners_of(table.into())?)
    }

    /// Makes all changes or none. Durable when it returns, and threads that commit at once wait for the disk together; what
    /// was erased is gone when [`settle`](Self::settle) or the
    /// next erasing commit has returned too.
    ///
    /// # Errors
    /// See [`CommitError`].
    pub fn commit(&self, commit: Commit) -> Result<(), CommitError> {
        commit.check()?;
        Ok(self.write(|state, engine| state.commit(engine, commit))?)
    }

    /// Overwrites the root key before the present one, if it still stands on the disk, and with it the last way to what
    /// the last commit erased; and seals into pages what has come to rest. A container on disk does it by itself within about a second; one in memory, whose steps
    /// are counted, only when asked. Costs nothing if there is nothing to do.
    ///
    /// # Errors
    /// See [`CommitError`].
    pub fn settle(&self) -> Result<(), CommitError> {
        Ok(self.change(|state, engine| {
            state.settle(engine)?;
            state.fold(engine)
        })?)
    }

    /// Sealed files beside the records.
    pub fn files(&self) -> Files<'_> {
        Files::new(self)
    }

    /// Changes what opens this container, in one atomic step. Runs the password function twice.
    ///
    /// # Errors
    /// See [`ChangePasswordError`]; the old password holds then.
    pub fn change_password(
        &self,
        nickname: &str,
        old: &[u8],
        new: &[u8],
        cost: Cost,
        rng: &mut impl CryptoRng,
    ) -> Result<(), ChangePasswordError> {
        let mut inner = self.inner();
        let Inner { state, stale, home } = &mut *inner;
        let state = state.as_ref().ok_or(ChangePasswordError::Locked)?;
        let home = home.as_mut().ok_or(ChangePasswordError::NoPassword)?;
        let mut stretch = argon2id(cost);
        let present = Door::find(
            &home.dir,
            &home.salt,
            Credentials {
                nickname,
                password: old,
            },
            &mut stretch,
        )?;
        if present.folder != home.folder {
            return Err(ChangePasswordError::WrongPassword);
        }
        let next = Door::find(
            &home.dir,
            &home.salt,
            Credentials {
                nickname,
                password: new,
            },
            &mut stretch,
        )?;
        if next.folder == home.folder {
            return Ok(());
        }
        if next.folder.exists() {
            return Err(ChangePasswordError::Exists);
        }
        let header = Header::wrap(home.salt, state.keys.data(), &next.key, rng);
        folder::write_pending_header(&home.folder, &header)?;
        // sled goes by paths, so it is closed while its folder moves; whatever happens, the next use opens it again.
        *stale = true;
        home.engine.close();
        if let Err(error) = folder::rename(&home.folder, &next.folder) {
            folder::drop_pending_header(&home.folder)?;
            return Err(error.into());
        }
        home.engine.move_to(&next.folder);
        home.folder = next.folder;
        Ok(folder::finish_header(&home.folder)?)
    }

    /// Whether this password opens this container. Runs the password function once.
    ///
    /// # Errors
    /// See [`ChangePasswordError`].
    pub fn is_opened_by(&self, nickname: &str, password: &[u8], cost: Cost) -> Result<bool, ChangePasswordError> {
        let (dir, salt, folder) = match &*self.inner() {
            Inner { state: None, .. } => return Err(ChangePasswordError::Locked),
            Inner { home: None, .. } => return Err(ChangePasswordError::NoPassword),
            Inner { home: Some(home), .. } => (home.dir.clone(), home.salt, home.folder.clone()),
        };
        let door = Door::find(&dir, &salt, Credentials { nickname, password }, &mut argon2id(cost))?;
        Ok(door.folder == folder)
    }

    /// Locks the container: keys are wiped, the store is closed, and every operation on any handle fails from now on.
    pub fn lock(&self) {
        self.0.shut();
    }

    pub(crate) fn owners_of(&self, table: TableId) -> Result<Vec<[u8; 32]>, Fault> {
        self.with_state(|state, engine| {
            let Some(index) = state.index(engine, IndexId::Owners(table))? else {
                return Ok(Vec::new());
            };
            let slots: Vec<u64> = index.within(0..=u64::MAX).collect();
            let mut owners = BTreeSet::new();
            for slot in slots {
                let owner = state
                    .get(engine, &owner_place(table, slot))?
                    .ok_or(Damage("an owner is missing"))?;
                owners.insert(
                    owner
                        .dangerously_expose()
                        .try_into()
                        .map_err(|_| Damage("an owner is torn"))?,
                );
            }
            Ok(owners.into_iter().collect())
        })
    }

    /// A step that only reads.
    pub(crate) fn with_state<T>(
        &self,
        step: impl FnOnce(&mut State, &dyn Engine) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let mut inner = self.inner();
        step(self.sound(&mut inner)?.0, &*self.0.engine)
    }

    /// A step on the disk alone, while others go on.
    pub(crate) fn beside_state<T>(&self, step: impl FnOnce(&dyn Engine) -> std::io::Result<T>) -> Result<T, Fault> {
        self.with_state(|_, _| Ok(()))?;
        Ok(step(&*self.0.engine)?)
    }

    /// A step that writes: if it fails, all that is remembered is read again before the next.
    pub(crate) fn change<T>(&self, step: impl FnOnce(&mut State, &dyn Engine) -> Result<T, Fault>) -> Result<T, Fault> {
        let mut inner = self.inner();
        let (state, stale) = self.sound(&mut inner)?;
        // Until it has ended well, whichever way it ends.
        *stale = true;
        let result = step(state, &*self.0.engine);
        *stale = result.is_err();
        let settled = state.is_settled() && !state.has_resting();
        if let Some(Home {
            tidier: Some(tidier), ..
        }) = inner.home.as_ref().filter(|_| !settled)
        {
            tidier.wake();
        }
        result
    }

    /// A commit: applied under the lock, and made durable without it.
    pub(crate) fn write(
        &self,
        step: impl FnOnce(&mut State, &dyn Engine) -> Result<Applied, Fault>,
    ) -> Result<(), Fault> {
        let Applied { number, doomed } = self.change(step)?;
        if let Err(error) = self.0.engine.sync(number) {
            self.inner().stale = true;
            return Err(error.into());
        }
        // What was asked for is done. A file that stays behind has no key any more, and is swept another time.
        if !doomed.is_empty() && self.with_state(|state, engine| state.sweep(engine, &doomed)).is_err() {
            tracing::debug!("a file that nothing names could not be removed yet");
        }
        if number % CHECK_EVERY == 0
            && self.0.engine.is_bloated()
            && let Some(Home {
                tidier: Some(tidier), ..
            }) = &self.inner().home
        {
            tidier.wake();
        }
        Ok(())
    }

    /// The name of a sealed file on disk.
    pub(crate) fn file_name(&self, id: [u8; 32]) -> Result<String, Fault> {
        let place = Place {
            space: Space::FileName,
            table: TableId::FILES,
            owner: id,
            index: 0,
        };
        self.with_state(|state, _| Ok(folder::hex(&state.keys.disk_key(&place, 0))))
    }

    pub(crate) fn create_with(
        dir: &Path,
        who: Credentials<'_>,
        stretch: &mut Stretch<'_>,
        mut rng: Rng,
    ) -> Result<Self, CreateError> {
        folder::ensure_directory(dir)?;
        folder::sweep(dir)?;
        let salt = folder::ensure_salt(dir, &mut rng)?;
        let door = Door::find(dir, &salt, who, stretch)?;
        if door.folder.exists() {
            return Err(CreateError::Exists);
        }
        let making = folder::new_folder(dir, &mut rng);
        folder::ensure_directory(&making)?;
        let made = Self::make(&making, &door, salt, rng);
        let (lock, rng) = made.inspect_err(|_| drop(std::fs::remove_dir_all(&making)))?;
        Self::enter(dir, door, lock, rng).map_err(|error| match error {
            OpenError::DiskFull => CreateError::DiskFull,
            OpenError::Read(error) => CreateError::Write(error),
            OpenError::Damaged { what } => CreateError::Damaged { what },
            other => CreateError::Write(std::io::Error::other(other)),
        })
    }

    /// Builds a whole container in a folder that nothing points to yet, and then gives it its name.
    fn make(making: &Path, door: &Door, salt: [u8; 32], mut rng: Rng) -> Result<(LockFile, Rng), CreateError> {
        let lock = LockFile::take(making)?
            .ok_or(std::io::ErrorKind::ResourceBusy)
            .map_err(std::io::Error::from)?;
        let data_key = Secret::random(&mut rng);
        let header = Header::wrap(salt, &data_key, &door.key, &mut rng);
        let engine = DiskEngine::create(making)?;
        let rng = State::create(&engine, Keys::new(data_key), rng)?.into_rng();
        drop(engine);
        folder::write_header(making, &header)?;
        folder::rename(making, &door.folder)?;
        Ok((lock, rng))
    }

    pub(crate) fn open_with(
        dir: &Path,
        who: Credentials<'_>,
        stretch: &mut Stretch<'_>,
        rng: Rng,
    ) -> Result<Self, OpenError> {
        // Without a salt there is no account; the work is done all the same.
        let salt = folder::read_salt(dir)?.unwrap_or_default();
        let door = Door::find(dir, &salt, who, stretch)?;
        folder::sweep(dir)?;
        if !door.folder.is_dir() {
            return Err(OpenError::WrongCredentials);
        }
        let lock = LockFile::take(&door.folder)?.ok_or(OpenError::InUse)?;
        Self::enter(dir, door, lock, rng)
    }

    fn enter(dir: &Path, door: Door, lock: LockFile, rng: Rng) -> Result<Self, OpenError> {
        let (header, data_key) = folder::unlock(&door.folder, &door.key)?;
        let engine = Arc::new(DiskEngine::open(&door.folder)?);
        let state = State::open(&*engine, Keys::new(data_key), rng)?;
        let (dir, folder) = (dir.to_owned(), door.folder);
        let home = Home {
            dir,
            folder,
            salt: header.salt,
            engine: engine.clone(),
            tidier: None,
            _lock: lock,
        };
        Ok(Self::new(engine, state, Some(home)))
    }

    fn new(engine: Arc<dyn Engine>, state: State, home: Option<Home>) -> Self {
        let inner = Inner {
            state: Some(state),
            stale: false,
            home,
        };
        let vault = Self(Arc::new(Shared {
            engine,
            inner: Mutex::new(inner),
        }));
        let watched = Arc::downgrade(&vault.0);
        if let Some(home) = &mut vault.inner().home {
            home.tidier = Some(Tidier::start(watched, Shared::tidy));
        }
        vault
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state, read again first if a write has failed since; and where to note that one has.
    fn sound<'a>(&self, inner: &'a mut Inner) -> Result<(&'a mut State, &'a mut bool), Fault> {
        let Inner { state, stale, home: _ } = inner;
        let state = state.as_mut().ok_or(Fault::Locked)?;
        if *stale || self.0.engine.has_failed() {
            state.reload(&*self.0.engine)?;
            *stale = false;
        }
        Ok((state, stale))
    }
}

impl Shared {
    /// What the tidier does. If it fails, it is done by the next commit, or by the next opening.
    fn tidy(&self) {
        self.settle();
        if self.engine.is_bloated() && self.engine.compact().is_err() {
            tracing::warn!("a bloated store could not be written anew; it is opened again as it is");
            self.inner.lock().unwrap_or_else(PoisonError::into_inner).stale = true;
        }
    }

    fn settle(&self) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let Inner {
            state: Some(state),
            stale: stale @ false,
            home: _,
        } = &mut *inner
        else {
            return;
        };
        let settled = state.settle(&*self.engine);
        *stale = settled.and_then(|()| state.fold(&*self.engine)).is_err();
    }

    fn shut(&self) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        // After a failed write it is not known which root the store goes by, so neither may be overwritten.
        let sound = inner.state.take().filter(|_| !inner.stale);
        let has_home = inner.home.is_some();
        if let Some(mut state) = sound {
            if state.settle(&*self.engine).is_err() {
                tracing::warn!("the last erased keys could not be overwritten yet; the next opening does it");
            } else if has_home
                && (state.fold(&*self.engine).is_err() || closing::note(&mut state, &*self.engine).is_err())
            {
                tracing::warn!("how the store was closed could not be noted");
            }
        }
        self.engine.close();
        inner.home = None;
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.shut();
    }
}

/// Batches between two looks at the length of the log.
const CHECK_EVERY: u64 = 1024;

/// The same range with both ends in it, unless it is empty.
fn inclusive(range: impl RangeBounds<u64>) -> Option<RangeInclusive<u64>> {
    let start = match range.start_bound() {
        Bound::Included(start) => *start,
        Bound::Excluded(start) => start.checked_add(1)?,
        Bound::Unbounded => 0,
    };
    let end = match range.end_bound() {
        Bound::Included(end) => *end,
        Bound::Excluded(end) => end.checked_sub(1)?,
        Bound::Unbounded => u64::MAX,
    };
    (start <= end).then_some(start..=end)
}

mod start_over;
#[cfg(test)]
mod tests;
