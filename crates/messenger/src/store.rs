//! The messenger's records in the vault: which there are, under which keys, and how they read.

use crate::chain::{Link, Salt};
use crate::contact::ContactRecord;
use crate::content::{Content, Reference};
use crate::message::{Body, Delivery, Direction, Flight};
use crate::parcel::CiphertextHash;
use outis_identity::Address;
use outis_vault::{Commit, CommitError, Key, Order, ReadError, Table, Vault};
use outis_wire::{DecodeError, UnixMillis};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::ops::Range;
use std::sync::Arc;

/// The vault, seen through the messenger's own types.
#[derive(Clone)]
pub(crate) struct Store {
    vault: Arc<Vault>,
}

/// Tables of the messenger. Numbers are never used again.
pub(crate) mod table {
    use outis_vault::Table;

    /// One record: this device and what it publishes.
    pub(crate) const DEVICE: Table = Table(0x20);
    /// Secret prekeys, by epoch.
    pub(crate) const PREKEYS: Table = Table(0x21);
    /// One record a contact.
    pub(crate) const CONTACTS: Table = Table(0x22);
    /// Heads of sessions, by contact and slot.
    pub(crate) const SESSIONS: Table = Table(0x23);
    /// Skipped keys of sessions.
    pub(crate) const SKIPPED: Table = Table(0x24);
    /// Lines of conversations, by contact and position.
    pub(crate) const LINES: Table = Table(0x25);
    /// How far a line is, by contact and position.
    pub(crate) const STATUS: Table = Table(0x26);
    /// What is not receipted yet, by contact and number.
    pub(crate) const OUTBOX: Table = Table(0x27);
    /// Number of an incoming message, or of the first of a gap, to its position.
    pub(crate) const INCOMING: Table = Table(0x28);
    /// Number of an outgoing message to its position.
    pub(crate) const OUTGOING: Table = Table(0x29);
    /// Our own queues, by contact (or all zeros for the request queue).
    pub(crate) const QUEUES: Table = Table(0x2a);
    /// Requests that were seen, by hash: the epoch until which they are remembered.
    pub(crate) const REQUESTS: Table = Table(0x2b);
    /// The ciphertext under which something is told, the same each time, by contact and number.
    pub(crate) const SEALED: Table = Table(0x2d);
    /// The mailboxes that have it, by contact and number.
    pub(crate) const STORED: Table = Table(0x2e);
    /// Transfers of files.
    pub(crate) const TRANSFERS: Table = Table(0x2c);
    /// Invites that nobody has used, by their number.
    pub(crate) const INVITES: Table = Table(0x2f);
    /// What was said about a message that has not come yet, by contact and its number.
    pub(crate) const AMENDMENTS: Table = Table(0x36);
    /// Lines that go by themselves, by contact and position.
    pub(crate) const EXPIRING: Table = Table(0x37);

    /// Segments of the search index.
    pub(crate) const SEARCH: Table = Table(0x38);
    /// Lines that the index has to look at again, by contact and position.
    pub(crate) const SEARCH_LATE: Table = Table(0x39);
    /// What was begun to be written, by contact.
    pub(crate) const DRAFTS: Table = Table(0x3a);

    /// All that is kept of one contact under its own name. (Skipped keys hang on sessions.)
    pub(crate) const OF_A_CONTACT: [Table; 12] = [
        CONTACTS, SESSIONS, LINES, STATUS, OUTBOX, INCOMING, OUTGOING, SEALED, STORED, AMENDMENTS, EXPIRING, DRAFTS,
    ];
}

/// A record that stands alone has this owner.
pub(crate) const NOBODY: [u8; 32] = [0; 32];

/// A line of a conversation: what does not change on its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LineRecord {
    pub(crate) direction: Direction,
    /// Its number in its direction; 0 for gaps and notes, which have none.
    pub(crate) number: u64,
    pub(crate) sent_at: UnixMillis,
    pub(crate) received_at: Option<UnixMillis>,
    pub(crate) body: Body,
    pub(crate) reply_to: Option<Reference>,
    pub(crate) edited: Option<Edited>,
    /// The last reaction of each side, at most two.
    pub(crate) reactions: Vec<Reacted>,
}

/// A text was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Edited {
    /// The number of the edit: an older one that comes later changes nothing.
    pub(crate) number: u64,
    /// When it was made, by its writer's clock.
    pub(crate) at: UnixMillis,
}

/// A reaction, or that there is none any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reacted {
    /// Whose it is.
    pub(crate) direction: Direction,
    /// The number under which it was told: an older one that comes later changes nothing.
    pub(crate) number: u64,
    pub(crate) emoji: Option<String>,
}

/// How far a line is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StatusRecord {
    pub(crate) state: Delivery,
    pub(crate) flight: Flight,
}

/// Something we say, from when it was said until it is receipted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OutboxRecord {
    /// Its line, if it shows as one.
    pub(crate) position: Option<u64>,
    pub(crate) sent_at: UnixMillis,
    pub(crate) salt: Salt,
    pub(crate) content: Content,
    /// See [`crate::parcel::Numbered::disappear_after`].
    pub(crate) disappear_after: Option<u32>,
    /// Where the chain of a session has it: telling it again there must not tell another story.
    pub(crate) chained: Option<(u64, Link)>,
    /// How it was told, if it was. The ciphertext stands in [`table::SEALED`].
    pub(crate) sealed: Option<Sealed>,
}

/// The ciphertext under which something was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sealed {
    pub(crate) hash: CiphertextHash,
}

impl Store {
    pub(crate) fn new(vault: Arc<Vault>) -> Self {
        Self { vault }
    }

    /// The record under a key.
    pub(crate) fn get<T: Serialize + DeserializeOwned>(
        &self,
        table: Table,
        owner: &[u8; 32],
        index: u64,
    ) -> Result<Option<T>, StoreError> {
        let found = self
            .vault
            .get(&Key {
                table,
                owner: *owner,
                index,
            })
            .map_err(StoreError::Read)?;
        found.map(|bytes| decode(bytes.dangerously_expose())).transpose()
    }

    /// The bytes under a key, for records that other crates write.
    pub(crate) fn get_bytes(
        &self,
        table: Table,
        owner: &[u8; 32],
        index: u64,
    ) -> Result<Option<outis_crypto::SecretBytes>, StoreError> {
        self.vault
            .get(&Key {
                table,
                owner: *owner,
                index,
            })
            .map_err(StoreError::Read)
    }

    /// Records of one owner, by index.
    pub(crate) fn range<T: Serialize + DeserializeOwned>(
        &self,
        table: Table,
        owner: &[u8; 32],
        range: Range<u64>,
        order: Order,
        limit: usize,
    ) -> Result<Vec<(u64, T)>, StoreError> {
        let found = self
            .vault
            .range(table, owner, range, order, limit)
            .map_err(StoreError::Read)?;
        found
            .into_iter()
            .map(|(index, bytes)| Ok((index, decode(bytes.dangerously_expose())?)))
            .collect()
    }

    /// Bytes of one owner, by index.
    pub(crate) fn range_bytes(
        &self,
        table: Table,
        owner: &[u8; 32],
        limit: usize,
    ) -> Result<Vec<(u64, outis_crypto::SecretBytes)>, StoreError> {
        self.range_bytes_within(table, owner, 0..u64::MAX, Order::Ascending, limit)
    }

    /// The same, of some of them.
    pub(crate) fn range_bytes_within(
        &self,
        table: Table,
        owner: &[u8; 32],
        range: Range<u64>,
        order: Order,
        limit: usize,
    ) -> Result<Vec<(u64, outis_crypto::SecretBytes)>, StoreError> {
        self.vault
            .range(table, owner, range, order, limit)
            .map_err(StoreError::Read)
    }

    /// The largest index that an owner has in a table.
    pub(crate) fn last_index(&self, table: Table, owner: &[u8; 32]) -> Result<Option<u64>, StoreError> {
        self.vault.last_index(table, owner).map_err(StoreError::Read)
    }

    /// Who owns something in a table.
    pub(crate) fn owners(&self, table: Table) -> Result<Vec<[u8; 32]>, StoreError> {
        self.vault.owners(table).map_err(StoreError::Read)
    }

    /// The vault itself, for files.
    pub(crate) fn vault(&self) -> &Arc<Vault> {
        &self.vault
    }

    /// Durable when it returns.
    pub(crate) fn commit(&self, mut changes: Changes) -> Result<(), StoreError> {
        let gone = std::mem::take(&mut changes.gone);
        if !gone.is_empty() {
            crate::search::take_out(self, &mut changes, gone)?;
        }
        self.vault.commit(changes.commit).map_err(StoreError::Commit)
    }
}

/// Changes that become true together.
pub(crate) struct Changes {
    commit: Commit,
    gone: Vec<Gone>,
}

/// A line that does not say any more what it said.
pub(crate) struct Gone {
    pub(crate) contact: Address,
    pub(crate) position: u64,
    pub(crate) text: String,
}

impl Changes {
    pub(crate) fn new() -> Self {
        Self {
            commit: Commit::new(),
            gone: Vec::new(),
        }
    }

    pub(crate) fn put<T: Serialize>(&mut self, table: Table, owner: &[u8; 32], index: u64, record: &T) {
        self.put_bytes(table, owner, index, Self::record(record));
    }

    /// What is stored of a record.
    pub(crate) fn record<T: Serialize>(record: &T) -> Vec<u8> {
        let mut bytes = vec![RECORD_VERSION];
        bytes.extend_from_slice(&outis_wire::encode(record));
        bytes
    }

    pub(crate) fn put_bytes(&mut self, table: Table, owner: &[u8; 32], index: u64, bytes: Vec<u8>) {
        let commit = std::mem::take(&mut self.commit);
        self.commit = commit.put(
            Key {
                table,
                owner: *owner,
                index,
            },
            bytes,
        );
    }

    pub(crate) fn erase(&mut self, table: Table, owner: &[u8; 32], index: u64) {
        let commit = std::mem::take(&mut self.commit);
        self.commit = commit.erase(Key {
            table,
            owner: *owner,
            index,
        });
    }

    pub(crate) fn erase_all(&mut self, table: Table, owner: &[u8; 32]) {
        let commit = std::mem::take(&mut self.commit);
        self.commit = commit.erase_all(table, *owner);
    }

    /// The words of a line are to leave the search index in this commit.
    pub(crate) fn no_longer_says(&mut self, contact: &Address, position: u64, text: &str) {
        self.gone.push(Gone {
            contact: *contact,
            position,
            text: text.to_owned(),
        });
    }

    pub(crate) fn put_contact(&mut self, address: &Address, record: &ContactRecord) {
        self.put(table::CONTACTS, address.as_bytes(), 0, record);
    }

    pub(crate) fn put_line(&mut self, address: &Address, position: u64, line: &LineRecord, status: &StatusRecord) {
        self.put(table::LINES, address.as_bytes(), position, line);
        self.put(table::STATUS, address.as_bytes(), position, status);
    }
}

/// The store failed a read or a commit. What was told before is still true.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A record could not be read.
    #[error("could not read the container")]
    Read(#[source] ReadError),
    /// Nothing of the change was stored.
    #[error("could not write the container")]
    Commit(#[source] CommitError),
    /// A record reads, but not as what it should be.
    #[error("a record is damaged")]
    Damaged(#[source] DecodeError),
    /// A session, prekey or queue reads, but not as what it should be.
    #[error("a session is damaged")]
    Session(#[source] outis_ratchet::RecordError),
    /// A record of a newer version of this program.
    #[error("a record has version {0}, which this version does not know")]
    TooNew(u8),
}

/// Whether a record was written by this version of the format.
pub(crate) fn is_of_this_version(bytes: &[u8]) -> bool {
    bytes.first() == Some(&RECORD_VERSION)
}

fn decode<T: Serialize + DeserializeOwned>(bytes: &[u8]) -> Result<T, StoreError> {
    let (version, body) = bytes.split_first().ok_or(StoreError::Damaged(DecodeError::Malformed))?;
    if *version != RECORD_VERSION {
        return Err(StoreError::TooNew(*version));
    }
    outis_wire::decode(body, RECORD_LIMIT).map_err(StoreError::Damaged)
}

/// Each record is `version ‖ encoding`.
const RECORD_VERSION: u8 = 1;

/// A text of the largest size and what stands around it; all else is smaller.
const RECORD_LIMIT: usize = 96 * 1024;
