//! What the composition itself keeps in a container, beside the messenger's records.

use crate::{Error, dto::Settings};
use outis_crypto::SecretBytes;
use outis_identity::Identity;
use outis_net::ClientState;
use outis_vault::{Commit, Key, Table, Vault};
use outis_wire::{UnixMillis, decode, encode};
use serde::{Deserialize, Serialize};

/// The table of all of these; the messenger's begin at 0x20.
const APP: Table = Table(0x01);

const IDENTITY: u64 = 0;
const PROFILE: u64 = 1;
const SETTINGS: u64 = 2;
const NETWORK: u64 = 3;

/// What a person sees of the own account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Profile {
    /// As typed when the account came to this machine.
    pub(crate) nickname: String,
    pub(crate) created_at: UnixMillis,
}

/// Writes what a new container begins with.
pub(crate) fn begin(vault: &Vault, identity: &Identity, profile: &Profile) -> Result<(), Error> {
    let identity = identity.to_record().dangerously_expose().to_vec();
    let commit = Commit::new()
        .put(key(IDENTITY), identity)
        .put(key(PROFILE), record(profile));
    vault.commit(commit).map_err(Into::into)
}

pub(crate) fn identity(vault: &Vault) -> Result<Identity, Error> {
    let bytes = get(vault, IDENTITY)?.ok_or_else(damaged)?;
    Identity::from_record(bytes.dangerously_expose()).map_err(|_| damaged())
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
    let Some(bytes) = get(vault, index)? else {
        return Ok(None);
    };
    match bytes.dangerously_expose().split_first() {
        Some((&VERSION, body)) => decode(body, LIMIT).map(Some).map_err(|_| damaged()),
        _ => Err(damaged()),
    }
}

fn record<T: Serialize>(value: &T) -> Vec<u8> {
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
