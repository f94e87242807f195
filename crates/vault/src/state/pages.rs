//! A transaction's dealings with pages: reading from them, leaving them, folding windows that have come to rest.

use std::collections::HashMap;
use std::sync::Arc;

use outis_crypto::{Secret, SecretBytes};

use super::transaction::{Source, Transaction, read_whole};
use crate::engine::DiskKey;
use crate::fault::{Damage, Fault};
use crate::folder::hex;
use crate::forest::TreeId;
use crate::key::Place;
use crate::page::{Entry, Header, MAX_FOLDED, MIN_FOLDED, Page, PageId, Version, WINDOW, offset};
use crate::sealed;

/// What is remembered of stored pages. Never ahead of the engine but within a commit; forgotten after a failed one.
#[derive(Default)]
pub(super) struct PageCache {
    /// Where each page stands; `None` if there is none.
    homes: HashMap<PageId, Option<Home>>,
    /// Those read last, the newest at the end.
    opened: Vec<(PageId, Arc<Page>)>,
}

/// Where a page stands.
struct Home {
    version: Version,
    /// Key and length of its file, if it does not stand in its header.
    file: Option<(Secret<32>, usize)>,
}

/// A page that the transaction has changed.
pub(super) struct ChangedPage {
    /// The version that is stored.
    old: Option<Version>,
    page: Page,
}

/// Files to write, and names of files to remove.
type Files = (Vec<(DiskKey, Vec<u8>)>, Vec<DiskKey>);

impl PageCache {
    fn find(&mut self, id: PageId) -> Option<Arc<Page>> {
        let at = self.opened.iter().position(|(of, _)| *of == id)?;
        let found = self.opened.remove(at);
        let page = found.1.clone();
        self.opened.push(found);
        Some(page)
    }

    fn remember(&mut self, id: PageId, page: Arc<Page>) {
        self.opened.retain(|(of, _)| *of != id);
        if self.opened.len() >= OPENED_PAGES {
            self.opened.remove(0);
        }
        self.opened.push((id, page));
    }

    fn note(&mut self, id: PageId, home: Option<Home>) {
        if self.homes.len() >= KNOWN_PAGES {
            self.homes.clear();
        }
        self.homes.insert(id, home);
    }

    fn forget(&mut self, id: PageId) {
        self.homes.remove(&id);
        self.opened.retain(|(of, _)| *of != id);
    }
}

impl Transaction<'_> {
    /// Whether there is a page for a place, as far as that is known without reading.
    pub(super) fn has_page(&self, place: &Place) -> bool {
        let id = PageId::of(place);
        self.changed.contains_key(&id) || matches!(self.pages.homes.get(&id), Some(Some(_)))
    }

    /// The record at a place, if its page has it.
    pub(super) fn read_from_page(&mut self, place: &Place) -> Result<Option<SecretBytes>, Fault> {
        let value = |entry: &Entry| SecretBytes::from(entry.value.dangerously_expose().to_vec());
        let id = PageId::of(place);
        if let Some(changed) = self.changed.get(&id) {
            return Ok(changed.page.get(offset(place)).map(value));
        }
        Ok(self.page(id)?.and_then(|page| page.get(offset(place)).map(value)))
    }

    /// Takes a record out of its page, if it is in one, and forgets the key that it had by itself.
    pub(super) fn leave_page(&mut self, place: &Place) -> Result<bool, Fault> {
        let id = PageId::of(place);
        if !self.changed.contains_key(&id) {
            let Some(page) = self.page(id)? else { return Ok(false) };
            if page.get(offset(place)).is_none() {
                return Ok(false);
            }
            let old = self.home(id)?.map(|home| home.version);
            let page = page.duplicate();
            self.changed.insert(id, ChangedPage { old, page });
        }
        let left = self
            .changed
            .get_mut(&id)
            .and_then(|changed| changed.page.remove(offset(place)));
        let Some(entry) = left else { return Ok(false) };
        let source = Source {
            engine: self.engine,
            keys: self.keys,
        };
        self.forest.forget(TreeId::of(place), entry.serial, &source)?;
        Ok(true)
    }

    /// Removes the header of a page that does not open.
    pub(super) fn give_up_broken_page(&mut self, id: PageId) -> Result<(), Fault> {
        if self.changed.contains_key(&id) {
            return Ok(());
        }
        match self.page(id) {
            Err(Fault::Damage(_)) => {
                Version::BOTH
                    .iter()
                    .for_each(|version| self.remove_unread(&id.place(*version)));
                self.pages.forget(id);
                Ok(())
            }
            found => found.map(drop),
        }
    }

    /// A window has been begun: those two away from it have come to rest, if they are not among the owner's last two.
    pub(super) fn fold_beside(&mut self, begun: PageId) -> Result<(), Fault> {
        for distance in [-2, 2] {
            let Some(id) = begun.neighbour(distance) else { continue };
            let (numbers, last) = self.numbers(id)?;
            let rests = last.is_some_and(|last| last / WINDOW >= id.window.saturating_add(2));
            if !rests || numbers.len() < MIN_FOLDED || self.changed.contains_key(&id) || self.home(id)?.is_some() {
                continue;
            }
            match self.fold(id, &numbers) {
                // What is damaged stays where it is, and is told when it is read.
                Err(Fault::Damage(_)) => {}
                folded => folded?,
            }
        }
        Ok(())
    }

    fn fold(&mut self, id: PageId, numbers: &[u64]) -> Result<(), Fault> {
        const MISSING: Damage = Damage("a record in the index is missing");
        let mut page = Page::default();
        for number in numbers {
            let place = Place {
                index: *number,
                ..id.record(0)
            };
            let (head, whole) = read_whole(self, self.keys, &place)?.ok_or(MISSING)?;
            let source = Source {
                engine: self.engine,
                keys: self.keys,
            };
            let key = self.forest.key(TreeId::of(&place), head.serial, &source)?;
            let value = sealed::open(&key, &place, &whole)?;
            if value.dangerously_expose().len() <= MAX_FOLDED {
                let serial = head.serial;
                page.insert(offset(&place), Entry { serial, value });
            }
        }
        if page.len() < MIN_FOLDED {
            return Ok(());
        }
        for offset in page.offsets() {
            self.clear_pieces(&id.record(offset))?;
        }
        self.changed.insert(id, ChangedPage { old: None, page });
        Ok(())
    }

    /// Stores the pages that have changed, each beside its old version, whose key is forgotten.
    pub(super) fn store_pages(&mut self) -> Result<Files, Fault> {
        let (mut files, mut doomed) = Files::default();
        for (id, ChangedPage { old, page }) in std::mem::take(&mut self.changed) {
            self.pages.forget(id);
            if let Some(old) = old {
                self.clear(id.place(old))?;
                doomed.push(self.keys.disk_key(&id.place(old), 0));
            }
            if page.is_empty() {
                continue;
            }
            let place = id.place(old.map_or(Version::Even, Version::other));
            let (header, file) = page.seal(&place, self.rng);
            self.add(place, &header)?;
            files.extend(file.map(|file| (self.keys.disk_key(&place, 0), file)));
        }
        Ok((files, doomed))
    }

    /// A page as stored.
    fn page(&mut self, id: PageId) -> Result<Option<Arc<Page>>, Fault> {
        if let Some(page) = self.pages.find(id) {
            return Ok(Some(page));
        }
        let Some(home) = self.home(id)? else { return Ok(None) };
        let place = id.place(home.version);
        let file = home
            .file
            .as_ref()
            .map(|(key, length)| (key.dangerously_duplicate(), *length));
        let page = match file {
            Some((key, length)) => {
                let name = hex(&self.keys.disk_key(&place, 0));
                let file = self.engine.file_read(&name, 0, length).map_err(missing)?;
                Page::open(&key, &place, &file)?
            }
            None => match self.header(&place)? {
                Some(Header::Inline(page)) => page,
                _ => return Err(Damage("a page is not where it was").into()),
            },
        };
        let page = Arc::new(page);
        self.pages.remember(id, page.clone());
        Ok(Some(page))
    }

    fn home(&mut self, id: PageId) -> Result<Option<&Home>, Fault> {
        if !self.pages.homes.contains_key(&id) {
            let mut home = None;
            for version in Version::BOTH {
                let file = match self.header(&id.place(version))? {
                    None => continue,
                    Some(Header::File { key, length }) => Some((key, length)),
                    Some(Header::Inline(page)) => {
                        self.pages.remember(id, Arc::new(page));
                        None
                    }
                };
                home = Some(Home { version, file });
                break;
            }
            self.pages.note(id, home);
        }
        Ok(self.pages.homes.get(&id).and_then(Option::as_ref))
    }

    fn header(&mut self, place: &Place) -> Result<Option<Header>, Fault> {
        let Some(bytes) = self.read_alone(place)? else {
            return Ok(None);
        };
        Ok(Some(Header::decode(bytes.dangerously_expose())?))
    }
}

/// A file that is gone or shorter than it was is damage, whatever the system calls it.
fn missing(error: std::io::Error) -> Fault {
    match error.kind() {
        std::io::ErrorKind::NotFound | std::io::ErrorKind::UnexpectedEof => Damage("a page is missing").into(),
        _ => error.into(),
    }
}

/// Pages kept open, some twenty kilobytes each.
const OPENED_PAGES: usize = 32;
/// Homes of pages kept in memory; beyond that all are read again.
const KNOWN_PAGES: usize = 1 << 15;
