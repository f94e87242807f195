//! What the container stands on: a key-value store with atomic batches, two root slots, and plain files.
//!
//! [`DiskEngine`](disk::DiskEngine) is sled and a folder; [`MemoryEngine`](memory::MemoryEngine) forgets on a crash what
//! a disk would forget. Both see only sealed bytes. Nothing here knows a key, a table or an owner.

use std::io;

pub(crate) mod disk;
pub(crate) mod memory;
pub(crate) mod store;

/// Where a value stands on disk: a pseudo-random function of its logical key.
pub(crate) type DiskKey = [u8; 16];

/// Puts (`Some`) and removals (`None`), each key at most once. All or nothing.
pub(crate) type Batch = Vec<(DiskKey, Option<Vec<u8>>)>;

/// One of the places in the file of keys: two where a root key may stand, two where a keepsake's may, and one that says
/// how the store was closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Slot {
    First,
    Second,
    FirstKeepsake,
    SecondKeepsake,
    Closing,
}

impl Slot {
    pub(crate) const BOTH: [Slot; 2] = [Slot::First, Slot::Second];
    pub(crate) const KEEPSAKES: [Slot; 2] = [Slot::FirstKeepsake, Slot::SecondKeepsake];
    pub(crate) const COUNT: usize = 5;

    /// The one that is written in turns with this one.
    pub(crate) fn other(self) -> Slot {
        match self {
            Slot::First => Slot::Second,
            Slot::Second => Slot::First,
            Slot::FirstKeepsake => Slot::SecondKeepsake,
            Slot::SecondKeepsake => Slot::FirstKeepsake,
            Slot::Closing => Slot::Closing,
        }
    }

    /// The slot's index, for offsets and associated data.
    pub(crate) fn index(self) -> u8 {
        match self {
            Slot::First => 0,
            Slot::Second => 1,
            Slot::FirstKeepsake => 2,
            Slot::SecondKeepsake => 3,
            Slot::Closing => 4,
        }
    }
}

/// The smallest set of steps that the container is built from; a crash may fall between any two of them.
///
/// Errors are `io::Error`: `StorageFull` and its kin mean no room, `InvalidData` means damage.
pub(crate) trait Engine: Send + Sync {
    /// The value as of the last [`apply`](Engine::apply).
    fn get(&self, key: &DiskKey) -> io::Result<Option<Vec<u8>>>;

    /// Applies all of `batch` or nothing, and says its number. It may still be lost; batches are lost only in reverse order.
    fn apply(&self, batch: Batch) -> io::Result<u64>;

    /// When this returns, the batch with this number and all before it are on disk. Number 0 is no batch.
    fn sync(&self, number: u64) -> io::Result<()>;

    /// Whether a write has failed beside all calls, so that the next has to [`reopen`](Engine::reopen).
    fn has_failed(&self) -> bool {
        false
    }

    /// Whether something that had been stored was missing when it was opened.
    fn is_cut_back(&self) -> bool {
        false
    }

    /// Reads everything, and says whether it is all that was stored, as it was stored last.
    fn is_whole(&self) -> io::Result<bool> {
        Ok(true)
    }

    /// From now on what is there is all that was stored.
    fn take_for_whole(&self) -> io::Result<()> {
        Ok(())
    }

    /// Whether [`compact`](Engine::compact) would give back much room.
    fn is_bloated(&self) -> bool {
        false
    }

    /// Gives room back to the disk, beside other work.
    fn compact(&self) -> io::Result<()> {
        Ok(())
    }

    /// The bytes of a root slot.
    fn read_root(&self, slot: Slot) -> io::Result<Vec<u8>>;

    /// Overwrites a root slot in place; on disk when it returns. A crash inside may leave any mixture of old and new.
    fn write_root(&self, slot: Slot, bytes: &[u8; ROOT_SLOT_BYTES]) -> io::Result<()>;

    /// Drops all that is cached and opens again from what is on disk, after a failed write.
    fn reopen(&self) -> io::Result<()>;

    /// Lets go of the store and its lock. Everything fails afterwards.
    fn close(&self);

    /// Makes a file of `length` zero bytes, replacing any of that name.
    fn file_create(&self, name: &str, length: u64) -> io::Result<()>;
    /// Writes within the length.
    fn file_write(&self, name: &str, offset: u64, bytes: &[u8]) -> io::Result<()>;
    /// Exactly `length` bytes; `NotFound` if there is no such file.
    fn file_read(&self, name: &str, offset: u64, length: usize) -> io::Result<Vec<u8>>;
    /// All of a file of at most `limit` bytes; `NotFound` if there is no such file.
    fn file_read_whole(&self, name: &str, limit: usize) -> io::Result<Vec<u8>>;
    /// When this returns, the files and their names are on disk.
    fn file_sync(&self, names: &[String]) -> io::Result<()>;
    /// Removes it if it exists. After a crash it may be there again.
    fn file_remove(&self, name: &str) -> io::Result<()>;
    /// The names of all files.
    fn file_names(&self) -> io::Result<Vec<String>>;
}

/// A slot has a page of its own, so that writing one never touches the other's sectors.
pub(crate) const ROOT_SLOT_BYTES: usize = 4096;

/// Whether an error says that there is no room, here or within the user's quota.
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
    )
}
