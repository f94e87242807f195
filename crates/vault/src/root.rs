//! The root key: the only key outside the store, in two slots that are overwritten in place. (A keepsake's key has two
//! slots of the same kind.)
//!
//! A slot is `XChaCha20-Poly1305(number (8) ‖ root key (32) ‖ zeros)`, 4 096 bytes in all, sealed under a key of the data
//! key with the slot's index as associated data. Number 0 is a blank slot: what an old root has been overwritten with.

use outis_crypto::{CryptoRng, Secret, aead};
use outis_wire::Reader;
use zeroize::Zeroizing;

use crate::engine::{Engine, ROOT_SLOT_BYTES, Slot};
use crate::fault::{Damage, Fault};
use crate::key::Keys;

/// The root key that the store goes by, and what is known of the other slot.
pub(crate) struct Root {
    pub(crate) slot: Slot,
    pub(crate) number: u64,
    pub(crate) key: Secret<32>,
    pub(crate) spare: Spare,
}

/// What stands in the slot that is not in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spare {
    Blank,
    /// Perhaps an old root, perhaps torn.
    Stale,
}

impl Root {
    /// A first root key; written when this returns.
    pub(crate) fn create(engine: &dyn Engine, keys: &Keys, rng: &mut impl CryptoRng) -> Result<Self, Fault> {
        let root = Self {
            slot: Slot::First,
            number: 1,
            key: Secret::random(rng),
            spare: Spare::Stale,
        };
        root.write(engine, keys, rng)?;
        Ok(root)
    }

    /// A fresh root key to go by next, in the other slot, where it destroys the root before this one.
    pub(crate) fn successor(&self, rng: &mut impl CryptoRng) -> Self {
        Self {
            slot: self.slot.other(),
            number: self.number + 1,
            key: Secret::random(rng),
            spare: Spare::Stale,
        }
    }

    /// Writes it into its slot.
    pub(crate) fn write(&self, engine: &dyn Engine, keys: &Keys, rng: &mut impl CryptoRng) -> Result<(), Fault> {
        let bytes = seal_slot(keys, self.slot, self.number, &self.key, rng);
        Ok(engine.write_root(self.slot, &bytes)?)
    }

    /// Overwrites the other slot, if an old root may still stand there.
    pub(crate) fn blank_spare(
        &mut self,
        engine: &dyn Engine,
        keys: &Keys,
        rng: &mut impl CryptoRng,
    ) -> Result<(), Fault> {
        if self.spare == Spare::Stale {
            let spare = self.slot.other();
            engine.write_root(spare, &seal_slot(keys, spare, 0, &Secret::from_bytes([0; 32]), rng))?;
            self.spare = Spare::Blank;
        }
        Ok(())
    }

    /// A root key from a slot's bytes, whenever they stood there: what an attacker would try.
    #[cfg(test)]
    pub(crate) fn from_bytes(keys: &Keys, slot: Slot, bytes: &[u8]) -> Option<Self> {
        let (number, key) = open_slot(keys, slot, bytes).ok()?;
        (number != 0).then_some(Self {
            slot,
            number,
            key,
            spare: Spare::Stale,
        })
    }

    /// The roots that stand in the slots. Which of them the store goes by, only its root record tells.
    pub(crate) fn candidates(engine: &dyn Engine, keys: &Keys) -> Result<Vec<Self>, Fault> {
        let mut found = Vec::new();
        let mut blank = false;
        for slot in Slot::BOTH {
            match open_slot(keys, slot, &engine.read_root(slot)?) {
                Ok((0, _)) => blank = true,
                Ok((number, key)) => found.push(Self {
                    slot,
                    number,
                    key,
                    spare: Spare::Stale,
                }),
                Err(Damage(_)) => {}
            }
        }
        if blank {
            found.iter_mut().for_each(|root| root.spare = Spare::Blank);
        }
        Ok(found)
    }
}

/// A slot's bytes: number and key.
pub(crate) fn seal_slot(
    keys: &Keys,
    slot: Slot,
    number: u64,
    key: &Secret<32>,
    rng: &mut impl CryptoRng,
) -> [u8; ROOT_SLOT_BYTES] {
    let mut plain = Zeroizing::new(Vec::with_capacity(ROOT_SLOT_BYTES - aead::OVERHEAD));
    plain.extend_from_slice(&number.to_be_bytes());
    plain.extend_from_slice(key.dangerously_expose());
    plain.resize(ROOT_SLOT_BYTES - aead::OVERHEAD, 0);
    aead::seal(keys.roots(), rng, &[slot.index()], &plain)
        .try_into()
        .expect("the plaintext has the slot's length")
}

/// Reads a slot.
pub(crate) fn open_slot(keys: &Keys, slot: Slot, bytes: &[u8]) -> Result<(u64, Secret<32>), Damage> {
    const TORN: Damage = Damage("a root slot is torn");
    let plain = aead::open(keys.roots(), &[slot.index()], bytes).map_err(|_| TORN)?;
    let mut reader = Reader::new(plain.dangerously_expose());
    let number = reader.u64().map_err(|_| TORN)?;
    Ok((number, Secret::from_bytes(reader.array().map_err(|_| TORN)?)))
}

#[cfg(test)]
mod tests;
