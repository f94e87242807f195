//! A ciphertext, given to a session that has heard and said something.

use crate::golden;
use outis_crypto::SecretBytes;
use outis_ratchet::{Session, SkippedId};
use outis_wire::UnixMillis;
use std::collections::BTreeMap;

/// Whether it opens. Whatever it is, the session that it was given to is as it was.
pub(super) fn message(bytes: &[u8]) -> bool {
    let record = golden::bytes("ratchet-session-record");
    let session = Session::from_record(&record).expect("the golden session");
    let skipped: BTreeMap<SkippedId, SecretBytes> = BTreeMap::from([(
        SkippedId { chain: 0, number: 0 },
        golden::bytes("ratchet-skipped-key").into(),
    )]);
    let opened = session.receive(UnixMillis(20_000 * 86_400_000), &skipped, bytes);
    assert!(
        session.to_record().dangerously_expose() == record,
        "receiving has changed the session"
    );
    opened.is_ok()
}
