//! Doors to decoders that are nobody else's affair, for `fuzz/`. Not an interface: it changes without notice.
//!
//! Each says whether bytes are one of its values, and panics if what it read does not come back.

use crate::files::Signal;
use crate::parcel::{Entry, Parcel};
use crate::payload::{Payload, Request};
use outis_wire::Tagged;

/// What an envelope carries.
pub fn payload(bytes: &[u8]) -> bool {
    Payload::decode(bytes).is_some_and(|payload| is_same(bytes, &payload.encode()))
}

/// What the first message of a request says.
pub fn request(bytes: &[u8]) -> bool {
    Request::decode(bytes).is_ok_and(|request| is_same(bytes, &request.encode()))
}

/// The plaintext of a session's message. An entry of a newer version is kept by its tag alone, so only parcels that are
/// wholly understood are written the same way.
pub fn parcel(bytes: &[u8]) -> bool {
    Parcel::decode(bytes).is_ok_and(|parcel| {
        let understood = !parcel.entries.iter().any(|entry| matches!(entry, Entry::Unknown(_)));
        !understood || is_same(bytes, &parcel.encode())
    })
}

/// What one says to the other about a file.
pub fn signal(bytes: &[u8]) -> bool {
    let tagged = outis_wire::decode::<Tagged>(bytes, 1 << 16).ok();
    tagged
        .and_then(|tagged| Signal::from_tagged(&tagged))
        .is_some_and(|signal| is_same(bytes, &outis_wire::encode(&signal.to_tagged())))
}

fn is_same(read: &[u8], written: &[u8]) -> bool {
    assert_eq!(read, written, "one value has two encodings");
    true
}
