//! Doors to decoders that are nobody else's affair, for `fuzz/`. Not an interface: it changes without notice.
//!
//! Each says whether bytes are one of its frames, and panics if what it read is not written the same way.

use crate::{directory, protocol};

/// A client's frame to a mailbox.
pub fn mailbox_request(bytes: &[u8]) -> bool {
    protocol::Request::read(bytes).is_ok_and(|(number, request)| is_same(bytes, &request.write(number)))
}

/// A mailbox's frame to a client.
pub fn mailbox_reply(bytes: &[u8]) -> bool {
    protocol::Reply::read(bytes).is_ok_and(|(number, reply)| is_same(bytes, &reply.write(number)))
}

/// A client's frame to the directory.
pub fn directory_request(bytes: &[u8]) -> bool {
    directory::Request::read(bytes).is_ok_and(|(number, request)| is_same(bytes, &request.write(number)))
}

/// The directory's frame to a client.
pub fn directory_reply(bytes: &[u8]) -> bool {
    directory::Reply::read(bytes).is_ok_and(|(number, reply)| is_same(bytes, &reply.write(number)))
}

fn is_same(read: &[u8], written: &[u8]) -> bool {
    assert_eq!(read, written, "one value has two encodings");
    true
}
