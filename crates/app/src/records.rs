//! What the composition itself keeps in a container, beside the messenger's records.

use crate::{Error, dto::Settings};
use outis_crypto::SecretBytes;
use outis_identity::Identity;
use outis_net::ClientState;
use outis_vault::{ArchiveKey, Commit, Key, Table, Vault};
use outis_wire::{UnixMillis, decode, encode};
use serde::{Deserialize, Serialize};

/// The table of all of these; the messenger's begin at 0x20.
const APP: Table = Table(0x01);

const IDENTITY: u64 = 0;
const PROFILE: u64 = 1;
const SETTINGS: u64 = 2;
const NETWORK: u64 = 3;
const ARCHIVE_KEY: u64 = 4;

/// What a person sees of the own account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Profile {
    /// As typed when the account came to this machine.
    pub(crate) nickname: String,
    pub(crate) created_at: UnixMillis,
}

/// Writes what a new container begins with.
pub(crate) fn begin(vault: &Vault, identity: &Identity, profile: &Profile, archives: &ArchiveKey) -> Result<(), Error> {
    let identity = identity.to_record().dangerously_expose().to_vec();
    let commit = Commit::new()
        .put(key(IDENTITY), identity)
        .put(key(PROFILE), record(profile))
        .put(key(ARCHIVE_KEY), archives.to_record().dangerously_expose().to_vec());
    vault.commit(commit).map_err(Into::into)
}

pub(crate) fn identity(vault: &Vault) -> Result<Identity, Error> {
    let bytes = get(vault, IDENTITY)?.ok_or_else(damaged)?;
    Identity::from_record(bytes.dangerously_expose()).map_err(|_| damaged())
}

/// Whether there is an account in the container: an import that was cut short leaves none.
pub(crate) fn is_begun(vault: &Vault) -> Result<bool, Error> {
    Ok(get(vault, IDENTITY)?.is_some())
}

/// What archives are sealed with, so that the present password opens them.
pub(crate) fn archive_key(vault: &Vault) -> Result<ArchiveKey, Error> {
    archive_keys(vault)?.pop().ok_or_else(damaged)
}

/// The password is about to change: until it is settled, either key may be the right one.
pub(crate) fn add_archive_key(vault: &Vault, next: &ArchiveKey) -> Result<(), Error> {
    let mut keys = archive_keys(vault)?;
    keys.truncate(1);
    keys.insert(0, next.dangerously_duplicate());
    put_archive_keys(vault, &keys)
}

/// Keeps the one that is of the present password, where a change of it was cut short or has just ended.
pub(crate) fn settle_archive_key(
    vault: &Vault,
    is_present: impl Fn(&ArchiveKey) -> Result<bool, Error>,
) -> Result<(), Error> {
    let mut keys = archive_keys(vault)?;
    if keys.len() < 2 {
        return Ok(());
    }
    let first = keys.first().map(&is_present).transpose()?;
    if first == Some(true) {
        keys.truncate(1);
    } else {
        keys.remove(0);
    }
    put_archive_keys(vault, &keys)
}

fn archive_keys(vault: &Vault) -> Result<Vec<ArchiveKey>, Error> {
    let bytes = get(vault, ARCHIVE_KEY)?.ok_or_else(damaged)?;
    let keys = bytes
        .dangerously_expose()
        .chunks(ArchiveKey::RECORD_BYTES)
        .map(ArchiveKey::from_record);
    keys.collect::<Option<_>>().ok_or_else(damaged)
}

fn put_archive_keys(vault: &Vault, keys: &[ArchiveKey]) -> Result<(), Error> {
    let mut bytes = Vec::new();
    for key in keys {
        bytes.extend_from_slice(key.to_record().dangerously_expose());
    }
    vault
        .commit(Commit::new().put(key(ARCHIVE_KEY), bytes))
        .map_err(Into::into)
}

pub(crate) fn profile(vault: &Vault) -> Result<Profile, Error> {
    read(vault, PROFILE)?.ok_or_else(damaged)
}

pub(crate) fn settings(vault: &Vault) -> Result<Settings, Error> {
    // As JSON, so that a setting may come or go.
    let Some(bytes) = get(vault, SETTINGS)? else {
        return Ok(Settings::default());
    };
    serde_json::from_slice(bytes.dangerously_expose()).map_err(|_| damaged())
}

pub(crate) fn put_settings(vault: &Vault, settings: &Settings) -> Result<(), Error> {
    let bytes = serde_json::to_vec(settings).map_err(Error::internal)?;
    vault
        .commit(Commit::new().put(key(SETTINGS), bytes))
        .map_err(Into::into)
}

/// What the network remembers; nothing if it cannot be read, for it is only a saving.
pub(crate) fn network(vault: &Vault) -> ClientState {
    let bytes = get(vault, NETWORK).ok().flatten();
    ClientState(
        bytes
            .map(|bytes| bytes.dangerously_expose().to_vec())
            .unwrap_or_default(),
    )
}

pub(crate) fn put_network(vault: &Vault, state: ClientState) -> Result<(), Error> {
    vault
        .commit(Commit::new().put(key(NETWORK), state.0))
        .map_err(Into::into)
}

fn key(index: u64) -> Key {
    Key::new(APP, [0; 32], index)
}

fn get(vault: &Vault, index: u64) -> Result<Option<SecretBytes>, Error> {
    vault.get(&key(index)).map_err(Into::into)
}

fn read<T: Serialize + serde::de::DeserializeOwned>(vault: &Vault, index: u64) -> Result<Option<T>, Error> {
    let bytes = get(vault, index)?;
    bytes.map(|bytes| read_record(bytes.dangerously_expose())).transpose()
}

/// A record by its bytes.
pub(crate) fn read_record<T: Serialize + serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    match bytes.split_first() {
        Some((&VERSION, body)) => decode(body, LIMIT).map_err(|_| damaged()),
        _ => Err(damaged()),
    }
}

/// The bytes of a record.
pub(crate) fn record<T: Serialize>(value: &T) -> Vec<u8> {
    let mut bytes = vec![VERSION];
    bytes.extend_from_slice(&encode(value));
    bytes
}

fn damaged() -> Error {
    Error::new(
        crate::ErrorCode::ContainerDamaged,
        "the container is damaged: its own records",
    )
}

const VERSION: u8 = 1;
const LIMIT: usize = 4 * 1024;
