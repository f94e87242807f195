//! A door to decoders that are nobody else's affair, for `fuzz/`. Not an interface: it changes without notice.
//!
//! Each panics if what it read is not written the same way.

use crate::{Backoff, Guards};
use outis_wire::UnixMillis;

/// A command, without the tag before it and the zeros behind it.
pub fn command(bytes: &[u8]) -> bool {
    crate::cell::command::reads_as_a_command(bytes)
}

/// A client's message to a hop.
pub fn beginning(bytes: &[u8]) -> bool {
    crate::handshake::reads_as_a_beginning(bytes)
}

/// A hop's answer.
pub fn answer(bytes: &[u8]) -> bool {
    crate::handshake::reads_as_an_answer(bytes)
}

/// An account's guards and second hops.
pub fn guards(bytes: &[u8]) -> bool {
    Guards::from_record(bytes).is_ok_and(|guards| is_same(bytes, &guards.to_record()))
}

/// An account's tries at destinations.
pub fn backoff(bytes: &[u8]) -> bool {
    Backoff::from_record(bytes).is_ok_and(|backoff| is_same(bytes, &backoff.to_record(UnixMillis(0))))
}

fn is_same(read: &[u8], written: &[u8]) -> bool {
    assert_eq!(read, written, "one value has two encodings");
    true
}
