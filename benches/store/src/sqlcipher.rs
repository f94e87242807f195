//! SQLCipher: keyed, in WAL mode, every commit synced, messages clustered by conversation and number. The key is given raw,
//! so that opening does without its key derivation as ours does without Argon2id.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, params};

use crate::Store;
use crate::messages::Message;

struct SqlCipher {
    connection: Mutex<Connection>,
    has_search: bool,
}

pub fn open(dir: &Path) -> Box<dyn Store> {
    Box::new(SqlCipher::open(dir, false))
}

pub fn open_with_search(dir: &Path) -> Box<dyn Store> {
    Box::new(SqlCipher::open(dir, true))
}

impl SqlCipher {
    fn open(dir: &Path, has_search: bool) -> Self {
        let connection = Connection::open(dir.join("messages.db")).expect("it opens");
        let key = "01".repeat(32);
        connection
            .execute_batch(&format!(
                "PRAGMA key = \"x'{key}'\"; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
                 CREATE TABLE IF NOT EXISTS messages (conversation INTEGER, number INTEGER, text TEXT NOT NULL,
                     PRIMARY KEY (conversation, number)) WITHOUT ROWID;"
            ))
            .expect("a keyed database");
        let version: String = connection
            .query_row("PRAGMA cipher_version", [], |row| row.get(0))
            .expect("this is SQLCipher");
        assert!(!version.is_empty());
        if has_search {
            connection
                .execute_batch("CREATE VIRTUAL TABLE IF NOT EXISTS search USING fts5(text, content='');")
                .expect("FTS5 is built in");
        }
        Self { connection: Mutex::new(connection), has_search }
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for SqlCipher {
    fn put(&self, batch: &[Message]) {
        let mut connection = self.connection();
        let transaction = connection.transaction().expect("no other writer");
        for message in batch {
            let Message { conversation, number, text } = message;
            let number = *number as i64;
            transaction
                .prepare_cached("INSERT INTO messages VALUES (?1, ?2, ?3)")
                .and_then(|mut insert| insert.execute(params![conversation, number, text]))
                .expect("there is room");
            if self.has_search {
                transaction
                    .prepare_cached("INSERT INTO search (rowid, text) VALUES (?1, ?2)")
                    .and_then(|mut insert| insert.execute(params![(i64::from(*conversation) << 32) | number, text]))
                    .expect("there is room");
            }
        }
        transaction.commit().expect("there is room");
    }

    fn last_50(&self, conversation: u32) -> usize {
        let connection = self.connection();
        let mut select = connection
            .prepare_cached("SELECT text FROM messages WHERE conversation = ?1 ORDER BY number DESC LIMIT 50")
            .expect("readable");
        let found = select.query_map([conversation], |row| row.get::<_, String>(0)).expect("readable");
        found.map(|text| text.expect("readable").len()).filter(|length| *length > 0).count()
    }

    fn get(&self, conversation: u32, number: u64) -> Vec<u8> {
        let connection = self.connection();
        let mut select = connection
            .prepare_cached("SELECT text FROM messages WHERE conversation = ?1 AND number = ?2")
            .expect("readable");
        let text: String = select.query_row(params![conversation, number as i64], |row| row.get(0)).expect("it is there");
        text.into_bytes()
    }
}
