//! Doors to decoders that are nobody else's affair, for `fuzz/`. Not an interface: it changes without notice.
//!
//! Each says whether bytes are one of its records, and panics if what it read is not written the same way.

use crate::{engine, forest::Forest, header::Header, index::Index, pack::Catalog, page, page::Page};

/// The header of a folder.
pub fn header(bytes: &[u8]) -> bool {
    Header::decode(bytes).is_ok_and(|header| is_same(bytes, &header.encode()))
}

/// The root record: the seeds of all keys.
pub fn forest(bytes: &[u8]) -> bool {
    Forest::decode(bytes).is_ok_and(|(number, forest)| is_same(bytes, &forest.encode(number)))
}

/// One part of an index of records.
pub fn index_part(bytes: &[u8]) -> bool {
    let mut index = Index::new(0);
    index.load_part(bytes).is_ok_and(|()| {
        let _ = (index.count(), index.first_free());
        true
    })
}

/// An index's own record.
pub fn index_directory(bytes: &[u8]) -> bool {
    Index::decode_directory(bytes).is_ok()
}

/// A page of records.
pub fn page(bytes: &[u8]) -> bool {
    Page::decode(bytes).is_ok_and(|page| is_same(bytes, &page.to_bytes()))
}

/// Where a page of records stands, or the page itself.
pub fn page_header(bytes: &[u8]) -> bool {
    match page::Header::decode(bytes) {
        Ok(page::Header::Inline(plain)) => plain.page().is_ok(),
        Ok(page::Header::Packed(spot)) => is_same(bytes, &spot.header()),
        Err(_) => false,
    }
}

/// Which pages a pack holds.
pub fn pack(bytes: &[u8]) -> bool {
    Catalog::decode(bytes).is_ok_and(|catalog| is_same(bytes, &catalog.encode()))
}

/// What stands in a file of the journal: whether there is a frame.
pub fn journal(bytes: &[u8]) -> bool {
    engine::store::is_journal(bytes)
}

fn is_same(read: &[u8], written: &[u8]) -> bool {
    assert_eq!(read, written, "one value has two encodings");
    true
}
