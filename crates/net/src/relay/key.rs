//! A relay's own key and what it counts, kept on its shelf.

use super::StartError;
use outis_crypto::{Secret, os_rng, signature::SigningKey};
use outis_mailbox::{Change, Shelf};
use outis_onion::OnionKeys;
use outis_wire::{Epoch, decode, encode};
use zeroize::Zeroize;

/// Everything a relay must not lose when it restarts, apart from what it keeps for others.
pub(super) struct Identity {
    pub(super) key: SigningKey,
    pub(super) onion: OnionKeys,
    /// The last descriptor that was issued: its day and number. A lower one would not count.
    pub(super) issued: (Epoch, u32),
}

impl Identity {
    /// Reads it, or makes it at the first start.
    pub(super) fn load(shelf: &impl Shelf) -> Result<Self, StartError> {
        let key = match shelf.get(KEY).map_err(StartError::Shelf)? {
            Some(mut record) => {
                let seed = record.strip_prefix(&[VERSION]).and_then(Secret::<32>::from_slice);
                record.zeroize();
                SigningKey::from_seed(&seed.ok_or(StartError::Damaged("the relay's key"))?)
            }
            None => {
                let key = SigningKey::generate(&mut os_rng());
                let record = [&[VERSION], key.seed().dangerously_expose().as_slice()].concat();
                put(shelf, KEY, record)?;
                key
            }
        };
        let onion = match shelf.get(ONION).map_err(StartError::Shelf)? {
            Some(record) => OnionKeys::from_record(&record).map_err(|_| StartError::Damaged("the onion keys"))?,
            None => OnionKeys::empty(),
        };
        let issued = match shelf.get(ISSUED).map_err(StartError::Shelf)? {
            Some(record) => decode(&record, 16).map_err(|_| StartError::Damaged("the count of descriptors"))?,
            None => (Epoch(0), 0),
        };
        Ok(Self { key, onion, issued })
    }

    /// Counts one more descriptor and, where the day's onion key is new, keeps it: before either is shown to anybody.
    pub(super) fn issue(&mut self, shelf: &impl Shelf, today: Epoch) -> Result<u32, StartError> {
        if self.onion.rotate(today, &mut os_rng()) {
            put(shelf, ONION, self.onion.to_record())?;
        }
        let (epoch, number) = self.issued;
        self.issued = (today, if epoch == today { number.saturating_add(1) } else { 0 });
        put(shelf, ISSUED, encode(&self.issued))?;
        Ok(self.issued.1)
    }
}

fn put(shelf: &impl Shelf, key: &[u8], value: Vec<u8>) -> Result<(), StartError> {
    shelf
        .write(vec![Change::Put {
            key: key.to_vec(),
            value,
        }])
        .map_err(StartError::Shelf)
}

const VERSION: u8 = 1;

/// The names on the shelf that are this crate's begin with `net/`.
const KEY: &[u8] = b"net/key";
const ONION: &[u8] = b"net/onion";
const ISSUED: &[u8] = b"net/issued";
