//! What a messenger takes along when its account is carried elsewhere, and how it comes in there.
//!
//! Records of the container as they are, in batches, so that whoever reads them migrates them as those of a container:
//! contacts, lines, how far each is, when those go that do not stay, and what was transferred (not the files). *Not* among them is anything that has steps:
//! sessions, numbers, queues, device keys. So every contact is asked anew by the new device, what waited to be sent says
//! that it was not, and answers of earlier lines stand there without what they answer.

use crate::Messenger;
use crate::contact::{ContactRecord, ContactState};
use crate::disappearing::Expiry;
use crate::files::{Fault, Phase, TransferRecord};
use crate::message::{Delivery, Direction, Failure, Step};
use crate::state::State;
use crate::store::{Changes, StatusRecord, Store, StoreError, is_of_this_version, table};
use outis_identity::Address;
use outis_vault::{Item, Order, Table, Vault};
use outis_wire::UnixMillis;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The tag under which [`Messenger::export`] gives its items.
pub const ITEM: u16 = 0x0100;

/// One record of the container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Record {
    table: u8,
    owner: [u8; 32],
    index: u64,
    bytes: Vec<u8>,
}

/// Why an export ended.
#[derive(Debug, thiserror::Error)]
pub enum ExportError<E> {
    /// The container could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Whoever takes the items did not take one.
    #[error("an item was not taken")]
    Taking(#[source] E),
}

/// Why an item did not come in.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The container could not be written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Not what [`Messenger::export`] gives, or by a newer version of it.
    #[error("this is not from an archive that this version knows")]
    Unknown,
}

impl Messenger {
    /// Gives everything that another device can go on with, item by item, each with the lines that have been given so far
    /// and those there are in all. The messenger goes on meanwhile; what comes while this runs may be in it or not.
    ///
    /// # Errors
    /// See [`ExportError`].
    pub fn export<E>(&self, mut take: impl FnMut(&[u8], u64, u64) -> Result<(), E>) -> Result<(), ExportError<E>> {
        let (now, store, conversations, transfers) = {
            let state = self.shared.state();
            (
                state.now(),
                state.store.clone(),
                state.conversations(),
                state.transfers.keys().copied().collect::<Vec<_>>(),
            )
        };
        let total = conversations.iter().map(|(_, end)| end.saturating_sub(1)).sum();
        let mut batch = Batch::default();
        let mut given = 0;
        for (contact, end) in conversations {
            let Some(contact_record) = self.shared.state().contact_to_export(&contact) else {
                continue;
            };
            batch.records.extend(contact_record);
            let mut from = 0;
            loop {
                let lines =
                    store.range_bytes_within(table::LINES, contact.as_bytes(), from..end, Order::Ascending, AT_ONCE)?;
                let Some((last, _)) = lines.last() else { break };
                from = last + 1;
                given += lines.len() as u64;
                for (position, line) in lines {
                    batch.push(
                        table::LINES,
                        contact.as_bytes(),
                        position,
                        line.dangerously_expose().to_vec(),
                    );
                    let status = status_to_export(&store, &contact, position)?;
                    // Ours that was not put has no time yet, and nobody will put it.
                    let starts = status.as_ref().map(|_| now);
                    batch.records.extend(status);
                    batch
                        .records
                        .extend(expiry_to_export(&store, &contact, position, starts)?);
                }
                batch.give(BATCH, |item| take(item, given, total))?;
            }
        }
        for id in transfers {
            if let Some(bytes) = transfer_to_export(&store, &id.0)? {
                batch.push(table::TRANSFERS, &id.0, 0, bytes);
            }
            batch.give(BATCH, |item| take(item, given, total))?;
        }
        batch.give(0, |item| take(item, given, total))
    }

    /// The contacts alone, as such an item.
    pub fn export_contacts(&self) -> Vec<u8> {
        let mut state = self.shared.state();
        let conversations = state.conversations();
        let contacts = conversations
            .iter()
            .filter_map(|(contact, _)| state.contact_to_export(contact));
        outis_wire::encode(&contacts.flatten().collect::<Vec<Record>>())
    }

    /// Stores an item that [`export`](Self::export) gave in a container that no messenger was opened on yet, in one commit.
    ///
    /// # Errors
    /// See [`ImportError`]; nothing of the item is stored then.
    pub fn import(vault: &Arc<Vault>, item: &[u8]) -> Result<(), ImportError> {
        let records: Vec<Record> = outis_wire::decode(item, Item::MAX_BYTES).map_err(|_| ImportError::Unknown)?;
        let mut changes = Changes::new();
        for record in records {
            let table = CARRIED.iter().find(|table| table.0 == record.table);
            let table = *table.ok_or(ImportError::Unknown)?;
            if table != table::TRANSFERS && !is_of_this_version(&record.bytes) {
                return Err(ImportError::Unknown);
            }
            changes.put_bytes(table, &record.owner, record.index, record.bytes);
        }
        Ok(Store::new(Arc::clone(vault)).commit(changes)?)
    }
}

impl State {
    /// Nothing for the note to self; no conversation at all for people whom we have not answered.
    fn contact_to_export(&mut self, contact: &Address) -> Option<Option<Record>> {
        if *contact == self.address() {
            return Some(None);
        }
        let mut record: ContactRecord = self.peers.get(contact)?.record.clone();
        if matches!(record.state, ContactState::Incoming | ContactState::Declined) {
            return None;
        }
        record.ask_anew(&mut self.rng);
        record.before_block = record.before_block.map(|_| ContactState::Requested);
        record.stream = None;
        record.arrived = Default::default();
        record.card = None;
        record.device = None;
        Some(Some(Record {
            table: table::CONTACTS.0,
            owner: *contact.as_bytes(),
            index: 0,
            bytes: Changes::record(&record),
        }))
    }
}

/// How far a line is; what has not arrived will not be sent by the new device.
fn status_to_export(store: &Store, contact: &Address, position: u64) -> Result<Option<Record>, StoreError> {
    let owner = contact.as_bytes();
    let Some(mut status) = store.get::<StatusRecord>(table::STATUS, owner, position)? else {
        return Ok(None);
    };
    if matches!(status.state, Delivery::Queued | Delivery::Stored(_)) {
        status.state = Delivery::Failed(Failure::LeftBehind);
        let last = status.flight.last();
        status.flight.log(last, Step::Failed(Failure::LeftBehind));
    }
    Ok(Some(Record {
        table: table::STATUS.0,
        owner: *owner,
        index: position,
        bytes: Changes::record(&status),
    }))
}

/// When a line goes. A time that runs goes on running while it is in an archive; one that does not starts now or never.
fn expiry_to_export(
    store: &Store,
    contact: &Address,
    position: u64,
    starts: Option<UnixMillis>,
) -> Result<Option<Record>, StoreError> {
    let owner = contact.as_bytes();
    let Some(mut expiry) = store.get::<Expiry>(table::EXPIRING, owner, position)? else {
        return Ok(None);
    };
    if let (None, Some(now)) = (expiry.at, starts) {
        expiry = expiry.started(now);
    }
    Ok(Some(Record {
        table: table::EXPIRING.0,
        owner: *owner,
        index: position,
        bytes: Changes::record(&expiry),
    }))
}

/// What was transferred is told; the bytes that came stay where they are.
fn transfer_to_export(store: &Store, id: &[u8; 32]) -> Result<Option<Vec<u8>>, StoreError> {
    let Some(mut record) = store.get::<TransferRecord>(table::TRANSFERS, id, 0)? else {
        return Ok(None);
    };
    if (record.direction, record.phase) != (Direction::Out, Phase::Complete) {
        record.phase = Phase::Failed(Fault::Unreadable);
    }
    record.source = None;
    record.save_to = None;
    record.paused_here = None;
    record.paused_there = false;
    record.told = None;
    record.called = None;
    record.lockers.clear();
    Ok(Some(Changes::record(&record)))
}

/// Records that wait to be given.
#[derive(Default)]
struct Batch {
    records: Vec<Record>,
}

impl Batch {
    fn push(&mut self, table: Table, owner: &[u8; 32], index: u64, bytes: Vec<u8>) {
        self.records.push(Record {
            table: table.0,
            owner: *owner,
            index,
            bytes,
        });
    }

    /// Gives what there is, if it is at least so much.
    fn give<E>(&mut self, least: usize, take: impl FnOnce(&[u8]) -> Result<(), E>) -> Result<(), ExportError<E>> {
        let bytes: usize = self.records.iter().map(|record| record.bytes.len()).sum();
        if self.records.is_empty() || bytes < least {
            return Ok(());
        }
        let item = outis_wire::encode(&std::mem::take(&mut self.records));
        take(&item).map_err(ExportError::Taking)
    }
}

/// What an archive holds.
const CARRIED: [Table; 5] = [
    table::CONTACTS,
    table::LINES,
    table::STATUS,
    table::EXPIRING,
    table::TRANSFERS,
];

/// Lines that are read at once: with the largest texts still far less than an item holds.
const AT_ONCE: usize = 16;

/// Bytes of one item, about.
const BATCH: usize = 512 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disappearing::Expiring;
    use outis_crypto::os_rng;
    use outis_crypto::signature::SigningKey;
    use outis_vault::MemoryDisk;

    #[test]
    fn what_disappears_does_so_where_an_archive_is_carried_to() {
        let open = |seed| Arc::new(Vault::in_memory(&MemoryDisk::new(seed), os_rng()).unwrap());
        let store = Store::new(open(1));
        let contact = Address::new(SigningKey::generate(&mut os_rng()).verifying_key());
        let (then, now) = (UnixMillis(1_000_000), UnixMillis(9_000_000));
        let runs = Expiry::new(60).started(then);
        let mut changes = Changes::new();
        for (position, expiry) in [(1, runs), (2, Expiry::new(60)), (3, Expiry::new(60))] {
            changes.put(table::EXPIRING, contact.as_bytes(), position, &expiry);
        }
        store.commit(changes).unwrap();
        // The second is theirs, and was not looked at yet; the third is ours, and was not put yet.
        let carried: Vec<Record> = [(1, Some(now)), (2, None), (3, Some(now)), (4, Some(now))]
            .into_iter()
            .filter_map(|(position, starts)| expiry_to_export(&store, &contact, position, starts).unwrap())
            .collect();
        assert_eq!(carried.len(), 3);
        let there = open(2);
        Messenger::import(&there, &outis_wire::encode(&carried)).unwrap();
        let expiring = Expiring::load(&Store::new(there)).unwrap();
        let found = [1, 2, 3, 4].map(|position| expiring.get(&contact, position));
        let expected = [
            Some(runs),
            Some(Expiry::new(60)),
            Some(Expiry::new(60).started(now)),
            None,
        ];
        assert_eq!(found, expected);
    }
}
