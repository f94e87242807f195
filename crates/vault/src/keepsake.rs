//! The small irreplaceable part of an account, once more: a sealed copy beside the store, for when the store is damaged.
//!
//! It stands in one of two files, each with a key slot of its own in the file of the root slots, overwritten in place like
//! those: a new copy is written to the other file, then its key to the other slot, and then the old key is blanked, so
//! that what has left the copy cannot be read from an older one. The file is `seal(length (4) ‖ bytes ‖ zeros up to the
//! size class)`, associated data: the copy's number (8). Of two that open, the greater number counts.

use outis_crypto::{CryptoRng, Secret, SecretBytes, aead};
use outis_wire::Reader;

use crate::engine::{Engine, Slot};
use crate::fault::{Damage, Fault};
use crate::folder::hex;
use crate::key::{Keys, Place, Space, TableId};
use crate::root::{open_slot, seal_slot};
use crate::sealed::class;

/// No copy is larger.
pub(crate) const MAX_BYTES: usize = 4 * 1024 * 1024;

/// Replaces the copy; the new one is on disk and the old one's key is gone when it returns.
pub(crate) fn write(engine: &dyn Engine, keys: &Keys, bytes: &[u8], rng: &mut impl CryptoRng) -> Result<(), Fault> {
    let present = standing(engine, keys)?;
    let number = present.iter().map(|(_, number, _)| *number).max().unwrap_or(0) + 1;
    // With two that stand after a crash, the newer one stays until this one is whole.
    let newest = present
        .iter()
        .max_by_key(|(_, number, _)| *number)
        .map(|(slot, ..)| *slot);
    let slot = newest.map_or(Slot::FirstKeepsake, Slot::other);
    let (key, name) = (Secret::random(rng), file_name(keys, slot));
    let sealed = seal(&key, number, bytes, rng);
    engine.file_create(&name, sealed.len() as u64)?;
    engine.file_write(&name, 0, &sealed)?;
    engine.file_sync(std::slice::from_ref(&name))?;
    engine.write_root(slot, &seal_slot(keys, slot, number, &key, rng))?;
    blank(engine, keys, slot.other(), rng)
}

/// The copy, if there is one.
pub(crate) fn read(engine: &dyn Engine, keys: &Keys) -> Result<Option<SecretBytes>, Fault> {
    let mut standing = standing(engine, keys)?;
    standing.sort_by_key(|(_, number, _)| std::cmp::Reverse(*number));
    let is_empty = standing.is_empty();
    for (slot, number, key) in standing {
        match open(engine, &file_name(keys, slot), number, &key) {
            Ok(bytes) => return Ok(Some(bytes)),
            Err(Fault::Damage(_)) => {}
            Err(fault) => return Err(fault),
        }
    }
    if is_empty { Ok(None) } else { Err(DAMAGED.into()) }
}

/// After a crash between its last two steps: blanks the older of two keys, if the newer one opens its file.
pub(crate) fn settle(engine: &dyn Engine, keys: &Keys, rng: &mut impl CryptoRng) -> Result<(), Fault> {
    let mut standing = standing(engine, keys)?;
    standing.sort_by_key(|(_, number, _)| *number);
    let [(old, ..), (new, number, key)] = standing.as_slice() else {
        return Ok(());
    };
    if open(engine, &file_name(keys, *new), *number, key).is_ok() {
        blank(engine, keys, *old, rng)?;
    }
    Ok(())
}

/// The names of both files.
pub(crate) fn file_names(keys: &Keys) -> [String; 2] {
    Slot::KEEPSAKES.map(|slot| file_name(keys, slot))
}

fn blank(engine: &dyn Engine, keys: &Keys, slot: Slot, rng: &mut impl CryptoRng) -> Result<(), Fault> {
    let nothing = Secret::from_bytes([0; 32]);
    engine.write_root(slot, &seal_slot(keys, slot, 0, &nothing, rng))?;
    Ok(engine.file_remove(&file_name(keys, slot))?)
}

/// Slots with a key in them.
fn standing(engine: &dyn Engine, keys: &Keys) -> Result<Vec<(Slot, u64, Secret<32>)>, Fault> {
    let mut found = Vec::new();
    for slot in Slot::KEEPSAKES {
        if let Ok((number @ 1.., key)) = open_slot(keys, slot, &engine.read_root(slot)?) {
            found.push((slot, number, key));
        }
    }
    Ok(found)
}

fn file_name(keys: &Keys, slot: Slot) -> String {
    let place = Place {
        space: Space::Keepsake,
        table: TableId::FILES,
        owner: [0; 32],
        index: u64::from(slot.index()),
    };
    hex(&keys.disk_key(&place, 0))
}

fn seal(key: &Secret<32>, number: u64, bytes: &[u8], rng: &mut impl CryptoRng) -> Vec<u8> {
    let room = class(LENGTH + bytes.len());
    aead::seal_in_place(key, rng, &number.to_be_bytes(), room, |plain| {
        let front = plain.len();
        plain.extend_from_slice(&u32::try_from(bytes.len()).expect("copies are bounded").to_be_bytes());
        plain.extend_from_slice(bytes);
        plain.resize(front + room, 0);
    })
}

fn open(engine: &dyn Engine, name: &str, number: u64, key: &Secret<32>) -> Result<SecretBytes, Fault> {
    let sealed = match engine.file_read_whole(name, MAX_SEALED) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(DAMAGED.into()),
        read => read?,
    };
    let plain = aead::open(key, &number.to_be_bytes(), &sealed).map_err(|_| DAMAGED)?;
    let mut reader = Reader::new(plain.dangerously_expose());
    let length = usize::try_from(reader.u32().map_err(|_| DAMAGED)?).map_err(|_| DAMAGED)?;
    let bytes = reader.bytes(length).map_err(|_| DAMAGED)?;
    Ok(SecretBytes::from(bytes.to_vec()))
}

const LENGTH: usize = 4;
const MAX_SEALED: usize = 2 * MAX_BYTES;
const DAMAGED: Damage = Damage("the keepsake");

#[cfg(test)]
mod tests;
