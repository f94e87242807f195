//! The encrypted container: one account's records and files, sealed, erasable, and on disk before anybody is told so.
//!
//! A [`Vault`] is a map from [`Key`] (table, owner, index) to small values, changed by atomic [`Commit`]s, with sealed
//! [`Files`] beside it. It knows nothing of what the records mean. The same type stands on a [`MemoryDisk`], which forgets
//! in a crash what a disk would forget, so that simulations can crash between any two steps. [`RelayStore`] is the plain
//! durable store of a relay, which has nothing to hide but must not lose anything either; an [`ArchiveWriter`] seals what is
//! to be carried elsewhere. This is *not* a general database: values are at most [`MAX_RECORD_BYTES`], and one process has
//! it at a time.
//!
//! Invariants:
//! - nothing but sealed bytes of padded sizes, pseudo-random keys and file names is ever written;
//! - what a commit did is on disk when it returns, and after a crash anywhere all of it happened or nothing;
//! - a value opens only where it was put: swapped, replayed and erased records do not open;
//! - erased and replaced values cannot be read again from any byte the store ever wrote, a second later or once
//!   [`Vault::settle`] has returned;
//! - a wrong nickname, a wrong password and a missing account are one error after the same work;
//! - what cannot be read is an error where it is met, and [`Vault::check`] finds all of it: nothing is lost in silence;
//! - only this crate imports sled.
//!
//! How a commit comes about: `state/transaction.rs` collects what it changes in records, indexes, pages (`page`, `pack`) and keys
//! (`forest`); `state.rs` writes files of pages, then the root key if anything was erased, then one batch of the
//! `engine`; whoever committed waits for the disk outside the lock, together with others.
//!
//! Formats: `docs/protocol/vault.md`.

mod archive;
mod check;
mod commit;
#[doc(hidden)]
pub mod decoders;
mod engine;
mod errors;
mod fault;
mod files;
mod folder;
mod forest;
mod header;
mod index;
mod keepsake;
mod key;
mod lock_file;
mod pack;
mod page;
mod relay_store;
mod root;
mod sealed;
mod state;
mod tidier;
mod vault;

pub use archive::{ArchiveKey, ArchiveReader, ArchiveWriter, Item, ReadArchiveError, WriteArchiveError};
pub use check::Loss;
pub use commit::Commit;
pub use engine::memory::MemoryDisk;
pub use errors::{ChangePasswordError, CommitError, CreateError, DestroyError, FileError, OpenError, ReadError};
pub use files::{FileId, Files, Layout};
pub use key::{Key, Table};
pub use relay_store::{Mark, RelayBatch, RelayPair, RelayStore, RelayStoreError};
pub use vault::{Order, Vault};

/// The largest record. What is larger belongs in a file.
pub const MAX_RECORD_BYTES: usize = 128 * 1024;
