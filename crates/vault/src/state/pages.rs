//! A transaction's dealings with pages: reading from them, leaving them, folding windows that have come to rest.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use outis_crypto::SecretBytes;

use super::transaction::{Before, Source, Transaction, read_whole};
use crate::engine::DiskKey;
use crate::fault::{Damage, Fault};
use crate::folder::hex;
use crate::forest::TreeId;
use crate::key::Place;
use crate::pack::Catalog;
use crate::page::{Entry, Header, MAX_FOLDED, MIN_FOLDED, Page, PageId, Plain, Sealed, Spot, Version, WINDOW, offset};
use crate::sealed;

/// What is remembered of stored pages. Never ahead of the engine but within a commit; forgotten after a failed one.
#[derive(Default)]
pub(super) struct PageCache {
    /// Where each page stands; `None` if there is none.
    homes: HashMap<PageId, Option<Home>>,
    /// Those read last, the newest at the end.
    opened: Vec<(PageId, Arc<Plain>)>,
    /// Windows that have come to rest, and are to be folded together. Forgotten in a crash, and found again when their
    /// neighbours come to rest.
    resting: BTreeSet<PageId>,
}

/// Where a page stands.
struct Home {
    version: Version,
    /// Where in which pack, if it does not stand in its header.
    spot: Option<Spot>,
}

/// A page that the transaction has changed.
pub(super) struct ChangedPage {
    /// The version that is stored, and its pack.
    old: Option<(Version, Option<u64>)>,
    page: Page,
}

/// Files to write, and names of files to remove.
type Files = (Vec<(DiskKey, Vec<u8>)>, Vec<DiskKey>);

/// A pack in the making.
#[derive(Default)]
struct Pack {
    number: u64,
    catalog: Catalog,
    bytes: Vec<u8>,
}

impl PageCache {
    /// How many windows wait to be folded.
    pub(super) fn resting(&self) -> usize {
        self.resting.len()
    }

    /// Pages are read anew.
    pub(super) fn forget_opened(&mut self) {
        self.homes.clear();
        self.opened.clear();
    }

    fn find(&mut self, id: PageId) -> Option<Arc<Plain>> {
        let at = self.opened.iter().position(|(of, _)| *of == id)?;
        let found = self.opened.remove(at);
        let page = found.1.clone();
        self.opened.push(found);
        Some(page)
    }

    fn remember(&mut self, id: PageId, page: Arc<Plain>) {
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
        let id = PageId::of(place);
        if let Some(changed) = self.changed.get(&id) {
            let value = |entry: &Entry| SecretBytes::from(entry.value.dangerously_expose().to_vec());
            return Ok(changed.page.get(offset(place)).map(value));
        }
        let Some(page) = self.page(id)? else { return Ok(None) };
        Ok(page.find(offset(place))?.map(|value| SecretBytes::from(value.to_vec())))
    }

    /// Takes a record out of its page, if it is in one, and forgets the key that it had by itself.
    pub(super) fn leave_page(&mut self, place: &Place) -> Result<bool, Fault> {
        let id = PageId::of(place);
        if !self.changed.contains_key(&id) {
            let is_there = match self.page(id)? {
                Some(page) => page.find(offset(place))?.is_some(),
                None => false,
            };
            if !is_there {
                return Ok(false);
            }
            self.change_page(id)?;
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

    /// A window has been begun: those two away from it and more have come to rest, if they are not among the owner's last
    /// two. What waited in a crash is found again by its neighbours.
    pub(super) fn rest_beside(&mut self, begun: PageId) {
        let neighbours = [-4, -3, -2, 2]
            .into_iter()
            .filter_map(|distance| begun.neighbour(distance));
        self.pages.resting.extend(neighbours);
    }

    /// Folds all windows that have come to rest.
    pub(super) fn fold_resting(&mut self) -> Result<(), Fault> {
        for id in std::mem::take(&mut self.pages.resting) {
            let (numbers, last) = self.numbers(id)?;
            let rests = last.is_some_and(|last| last / WINDOW >= id.window.saturating_add(2));
            if !rests || numbers.len() < MIN_FOLDED || self.changed.contains_key(&id) {
                continue;
            }
            let folded = match self.home(id) {
                Ok(None) => self.fold(id, &numbers),
                home => home.map(drop),
            };
            match folded {
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
        self.leave_packs(&mut doomed)?;
        let mut pack = Pack::default();
        for (id, ChangedPage { old, page }) in std::mem::take(&mut self.changed) {
            self.pages.forget(id);
            let old = old.map(|(version, _)| version);
            if let Some(old) = old {
                self.clear(id.place(old))?;
            }
            if page.is_empty() {
                continue;
            }
            let place = id.place(old.map_or(Version::Even, Version::other));
            let header = match page.seal(&place, self.rng) {
                Sealed::Inline(header) => header,
                Sealed::Packed(key, bytes) => {
                    if pack.catalog.is_full() {
                        files.push(self.store_pack(std::mem::take(&mut pack))?);
                    }
                    if pack.catalog.is_empty() {
                        pack.number = self.rng.next_u64();
                    }
                    let length = u32::try_from(bytes.len()).map_err(|_| Damage("a page is too large"))?;
                    let offset = pack.catalog.add(id, length);
                    pack.bytes.extend_from_slice(&bytes);
                    let pack = pack.number;
                    Spot {
                        key,
                        pack,
                        offset,
                        length,
                    }
                    .header()
                }
            };
            self.add(place, &header)?;
        }
        if !pack.catalog.is_empty() {
            files.push(self.store_pack(pack)?);
        }
        Ok((files, doomed))
    }

    fn store_pack(&mut self, pack: Pack) -> Result<(DiskKey, Vec<u8>), Fault> {
        let place = Catalog::place(pack.number);
        self.add(place, &pack.catalog.encode())?;
        Ok((self.keys.disk_key(&place, 0), pack.bytes))
    }

    /// Strikes the pages that have changed from the catalogs of their packs. Of a pack that is mostly dead then, the other
    /// pages move too.
    fn leave_packs(&mut self, doomed: &mut Vec<DiskKey>) -> Result<(), Fault> {
        let mut left: BTreeMap<u64, Vec<PageId>> = BTreeMap::new();
        for (id, changed) in &self.changed {
            if let Some((_, Some(pack))) = changed.old {
                left.entry(pack).or_default().push(*id);
            }
        }
        for (pack, pages) in left {
            let place = Catalog::place(pack);
            // Without a catalog the file stays until nothing names it.
            let Some(stored) = self.read_alone(&place)? else {
                continue;
            };
            let mut catalog = Catalog::decode(stored.dangerously_expose())?;
            pages.into_iter().for_each(|id| catalog.remove(id));
            if catalog.is_wasteful() {
                for id in catalog.pages().collect::<Vec<_>>() {
                    match self.change_page(id) {
                        Ok(()) => catalog.remove(id),
                        // It stays where it is, and is told when it is read.
                        Err(Fault::Damage(_)) => {}
                        Err(fault) => return Err(fault),
                    }
                }
            }
            if catalog.is_empty() {
                self.clear(place)?;
                doomed.push(self.keys.disk_key(&place, 0));
            } else {
                self.store(place, &catalog.encode(), Before::Forget)?;
            }
        }
        Ok(())
    }

    /// Opens a stored page for changing.
    fn change_page(&mut self, id: PageId) -> Result<(), Fault> {
        let page = self.page(id)?.ok_or(Damage("a page is missing"))?.page()?;
        let old = self
            .home(id)?
            .map(|home| (home.version, home.spot.as_ref().map(|spot| spot.pack)));
        self.changed.insert(id, ChangedPage { old, page });
        Ok(())
    }

    /// A page as stored.
    fn page(&mut self, id: PageId) -> Result<Option<Arc<Plain>>, Fault> {
        if let Some(page) = self.pages.find(id) {
            return Ok(Some(page));
        }
        let (engine, keys) = (self.engine, self.keys);
        let Some(home) = self.home(id)? else { return Ok(None) };
        let place = id.place(home.version);
        let page = match &home.spot {
            Some(spot) => {
                let name = hex(&keys.disk_key(&Catalog::place(spot.pack), 0));
                let length = usize::try_from(spot.length).map_err(|_| Damage("a page is too large"))?;
                let sealed = engine.file_read(&name, spot.offset.into(), length).map_err(missing)?;
                Plain::open(&spot.key, &place, &sealed)?
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
                let spot = match self.header(&id.place(version))? {
                    None => continue,
                    Some(Header::Packed(spot)) => Some(spot),
                    Some(Header::Inline(page)) => {
                        self.pages.remember(id, Arc::new(page));
                        None
                    }
                };
                home = Some(Home { version, spot });
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
/// So many windows come to rest before a commit folds them on its way.
pub(super) const MAX_RESTING: usize = 256;
