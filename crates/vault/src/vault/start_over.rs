//! The keepsake, and beginning anew with it.

use std::path::Path;

use outis_crypto::password::Cost;
use outis_crypto::{CryptoRng, SecretBytes};

use super::Vault;
use crate::engine::Engine;
use crate::engine::disk::DiskEngine;
use crate::folder::{self, Credentials, Door, argon2id};
use crate::keepsake;
use crate::key::Keys;
use crate::lock_file::LockFile;
use crate::state::State;
use crate::{CommitError, OpenError, ReadError};

impl Vault {
    /// Replaces the *keepsake*: a sealed copy of the little without which an account cannot go on, beside the store, for
    /// [`start_over`](Self::start_over). What it held before is gone when this returns. It is no part of a commit: keep
    /// anew what a commit has changed.
    ///
    /// # Errors
    /// See [`CommitError`].
    pub fn keep(&self, bytes: &[u8]) -> Result<(), CommitError> {
        if bytes.len() > Self::MAX_KEEPSAKE_BYTES {
            return Err(CommitError::TooLarge {
                length: bytes.len(),
                limit: Self::MAX_KEEPSAKE_BYTES,
            });
        }
        Ok(self.with_state(|state, engine| state.keep(engine, bytes))?)
    }

    /// The keepsake, if anything was kept.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn kept(&self) -> Result<Option<SecretBytes>, ReadError> {
        Ok(self.with_state(|state, engine| keepsake::read(engine, &state.keys))?)
    }

    /// For a container that [`open`](Self::open) calls damaged: puts its store aside, which nobody can read any more, and
    /// begins with an empty one under the same credentials. Gives the keepsake of the one before.
    ///
    /// # Errors
    /// See [`OpenError`]; if the header is damaged, nothing can be read with these credentials any more.
    pub fn start_over(
        dir: &Path,
        nickname: &str,
        password: &[u8],
        cost: Cost,
        rng: impl CryptoRng + Send + 'static,
    ) -> Result<(Self, Option<SecretBytes>), OpenError> {
        let salt = folder::read_salt(dir)?.unwrap_or_default();
        let door = Door::find(dir, &salt, Credentials { nickname, password }, &mut argon2id(cost))?;
        if !door.folder.is_dir() {
            return Err(OpenError::WrongCredentials);
        }
        let lock = LockFile::take(&door.folder)?.ok_or(OpenError::InUse)?;
        let (_, data_key) = folder::unlock(&door.folder, &door.key)?;
        let keys = Keys::new(data_key);
        let engine = DiskEngine::without_store(&door.folder);
        let kept = keepsake::read(&engine, &keys).unwrap_or_default();
        engine.set_aside()?;
        engine.reopen()?;
        let rng = State::create(&engine, keys, Box::new(rng))?.into_rng();
        drop(engine);
        Ok((Self::enter(dir, door, lock, rng)?, kept))
    }

    /// No keepsake is larger.
    pub const MAX_KEEPSAKE_BYTES: usize = keepsake::MAX_BYTES;
}
