//! sled 0.34.7 as it comes, with nothing sealed and keys in order; synced as it says it does, and then really.

use std::fs::File;
use std::path::Path;

use crate::Store;
use crate::messages::Message;

struct Bare {
    db: sled::Db,
    log: File,
}

pub fn open(dir: &Path) -> Box<dyn Store> {
    let dir = dir.join("sled");
    let db = sled::open(&dir).expect("it opens");
    let log = File::open(dir.join("db")).expect("its log");
    Box::new(Bare { db, log })
}

fn key(conversation: u32, number: u64) -> Vec<u8> {
    [conversation.to_be_bytes().as_slice(), &number.to_be_bytes()].concat()
}

impl Store for Bare {
    fn put(&self, batch: &[Message]) {
        let mut writes = sled::Batch::default();
        for message in batch {
            writes.insert(key(message.conversation, message.number), message.text.as_bytes());
        }
        self.db.apply_batch(writes).expect("there is room");
        self.db.flush().expect("there is room");
        self.log.sync_data().expect("a disk");
    }

    fn last_50(&self, conversation: u32) -> usize {
        let found = self.db.scan_prefix(conversation.to_be_bytes()).rev().take(50);
        found.map(|pair| pair.expect("readable").1.len()).filter(|length| *length > 0).count()
    }

    fn get(&self, conversation: u32, number: u64) -> Vec<u8> {
        let found = self.db.get(key(conversation, number)).expect("readable");
        found.expect("it is there").to_vec()
    }
}
