//! Search over all conversations, as one types.
//!
//! The index is made of segments ([`segment`]) in the container. Lines that are newer than all segments are not in it:
//! they are few, and read one by one. So storing a message stores nothing for the search; every [`BATCH`] lines the loop
//! writes a segment about them, and of [`FAN`] segments of about one size it makes one, until one has [`LARGEST`] lines.
//! What is lost of the index is made again: how far each conversation was looked through stands in it.
//!
//! Whatever deletes or changes a line has to say so in the same commit, with what the line said: [`forget`] and
//! [`update`], and [`forget_conversation`]. Then no word of it stands in the container any more.

mod segment;
#[cfg(test)]
mod tests;
mod words;

use crate::message::{Body, Message, MessageId};
use crate::state::State;
use crate::store::{Changes, Gone, LineRecord, Store, StoreError, table};
use outis_identity::Address;
use outis_vault::Order;
use outis_wire::UnixMillis;
use segment::{Draft, Line, Segment};
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use words::{Query, words};

/// Takes a line out of the index, in the commit that erases it.
pub(crate) fn forget(changes: &mut Changes, contact: &Address, position: u64, text: &str) {
    changes.erase(table::SEARCH_LATE, contact.as_bytes(), position);
    changes.no_longer_says(contact, position, text);
}

/// The same for a line that says something else from now on.
pub(crate) fn update(changes: &mut Changes, contact: &Address, position: u64, before: &str) {
    changes.put(table::SEARCH_LATE, contact.as_bytes(), position, &());
    changes.no_longer_says(contact, position, before);
}

/// A line is stored below others that may be in the index already: a gap that fills.
pub(crate) fn came_late(changes: &mut Changes, contact: &Address, position: u64) {
    changes.put(table::SEARCH_LATE, contact.as_bytes(), position, &());
}

/// Takes a whole conversation out, in the commit that erases it.
pub(crate) fn forget_conversation(store: &Store, changes: &mut Changes, contact: &Address) -> Result<(), StoreError> {
    changes.erase_all(table::SEARCH_LATE, contact.as_bytes());
    for segment in Segment::all(store)? {
        segment.forget_conversation(store, changes, contact)?;
    }
    Ok(())
}

/// Writes into a commit what is left of the index without these lines and what they said. For the store, once a commit.
pub(crate) fn take_out(store: &Store, changes: &mut Changes, gone: Vec<Gone>) -> Result<(), StoreError> {
    let words_of = |Gone {
                        contact,
                        position,
                        text,
                    }| (contact, position, words(&text));
    let gone: Vec<(Address, u64, Vec<String>)> = gone.into_iter().map(words_of).collect();
    for segment in Segment::all(store)? {
        segment.forget(store, changes, &gone)?;
    }
    Ok(())
}

impl State {
    /// Messages with these words, newest first, at most `limit`; and whether there are more.
    pub(crate) fn search(
        &self,
        query: &str,
        contact: Option<&Address>,
        limit: usize,
    ) -> Result<(Vec<Message>, bool), StoreError> {
        let Some(query) = Query::parse(query) else {
            return Ok((Vec::new(), false));
        };
        let terms = query.terms();
        let mut segments = Segment::all(&self.store)?;
        let mut found: BinaryHeap<Line> = BinaryHeap::new();
        for (line, text) in self.unindexed(&segments, contact)? {
            if query.matches(&text) {
                found.push(line);
            }
        }
        segments.retain(|segment| contact.is_none_or(|contact| segment.covers(contact)));
        segments.sort_by_key(|segment| segment.header.newest);
        let (mut messages, mut told, mut tries) = (Vec::new(), BTreeSet::new(), TRIES);
        loop {
            // Segments that may hold something newer than the newest found so far come first.
            while let Some(segment) =
                segments.pop_if(|next| found.peek().is_none_or(|line| line.at <= next.header.newest))
            {
                let hits = segment.find(&self.store, &terms)?;
                if hits.is_empty() {
                    continue;
                }
                let lines = (0..).zip(segment.lines(&self.store)?);
                let hit = lines.filter_map(|(number, line)| line.filter(|_| hits.contains(number)));
                found.extend(hit.filter(|line| contact.is_none_or(|contact| line.contact == *contact)));
            }
            let Some(line) = found.pop() else {
                return Ok((messages, false));
            };
            if tries == 0 {
                return Ok((messages, true));
            }
            tries -= 1;
            let id = MessageId {
                contact: line.contact,
                position: line.position,
            };
            // A phrase is more than its words, and a line may have changed since.
            if let Some(message) = self
                .message(&id)?
                .filter(|message| text_of(&message.body).is_some_and(|text| query.matches(text)) && told.insert(id))
            {
                if messages.len() == limit {
                    return Ok((messages, true));
                }
                messages.push(message);
            }
        }
    }

    /// Writes the next lines into the index, if there are enough. Whether there are more.
    pub(crate) fn index_some(&mut self) -> Result<bool, StoreError> {
        let lines = self.lines_given();
        if lines.saturating_sub(self.lines_indexed) < BATCH as u64 {
            return Ok(false);
        }
        let segments = Segment::all(&self.store)?;
        let scanned = scanned(&segments);
        let (mut draft, mut changes) = (Draft::default(), Changes::new());
        let (mut taken, mut places, mut waiting) = (0, 0, 0);
        for (contact, end) in self.conversations() {
            let from = scanned.get(&contact).map_or(1, |scanned| scanned + 1);
            let there = usize::try_from(end.saturating_sub(from)).unwrap_or(usize::MAX);
            waiting += there;
            let mut from = from;
            while from < end && taken < LARGEST_BATCH && places < PLACES_IN_BATCH {
                let owner = contact.as_bytes();
                let lines =
                    self.store
                        .range::<LineRecord>(table::LINES, owner, from..end, Order::Ascending, AT_ONCE)?;
                taken += lines.len();
                let last = lines.last().filter(|_| lines.len() == AT_ONCE);
                let scanned = last.map_or(end - 1, |(position, _)| *position);
                from = scanned + 1;
                draft.scanned.insert(contact, scanned);
                for (position, line) in lines {
                    draft
                        .lines
                        .extend(entry(&contact, position, &line).inspect(|(_, words)| places += words.len()));
                }
            }
        }
        if waiting < BATCH {
            self.lines_indexed = lines.saturating_sub(waiting as u64);
            return Ok(false);
        }
        for (contact, position, line) in self.late(None)? {
            changes.erase(table::SEARCH_LATE, contact.as_bytes(), position);
            if scanned.get(&contact).is_some_and(|scanned| position <= *scanned) {
                draft.scanned.entry(contact).or_default();
                draft
                    .lines
                    .extend(line.as_ref().and_then(|line| entry(&contact, position, line)));
            }
        }
        let next = segments.last().map_or(0, |segment| segment.number + 1);
        draft.write(&mut changes, next);
        self.store.commit(changes)?;
        self.merge_segments()?;
        Ok(true)
    }

    /// Lines that are in no segment yet, with their text. While a whole history waits to be indexed, its newest only.
    fn unindexed(&self, segments: &[Segment], of: Option<&Address>) -> Result<Vec<(Line, String)>, StoreError> {
        let scanned = scanned(segments);
        let mut found = Vec::new();
        let mut room = LARGEST_BATCH;
        for (contact, end) in self.conversations() {
            let from = scanned.get(&contact).map_or(1, |scanned| scanned + 1);
            if of.is_some_and(|of| *of != contact) || from >= end {
                continue;
            }
            let owner = contact.as_bytes();
            let lines = self
                .store
                .range::<LineRecord>(table::LINES, owner, from..end, Order::Descending, room)?;
            room -= lines.len();
            found.extend(
                lines
                    .into_iter()
                    .filter_map(|(position, line)| plain(&contact, position, line)),
            );
        }
        let late = self.late(of)?.into_iter();
        found.extend(late.filter_map(|(contact, position, line)| plain(&contact, position, line?)));
        Ok(found)
    }

    /// Lines that changed or came after those below them were indexed.
    fn late(&self, of: Option<&Address>) -> Result<Vec<(Address, u64, Option<LineRecord>)>, StoreError> {
        let mut late = Vec::new();
        for (contact, _) in self.conversations() {
            if of.is_some_and(|of| *of != contact) {
                continue;
            }
            let owner = contact.as_bytes();
            let range = 0..u64::MAX;
            for (position, ()) in
                self.store
                    .range::<()>(table::SEARCH_LATE, owner, range, Order::Ascending, LARGEST_BATCH)?
            {
                late.push((contact, position, self.store.get(table::LINES, owner, position)?));
            }
        }
        Ok(late)
    }

    /// Makes one segment of many small ones.
    fn merge_segments(&self) -> Result<(), StoreError> {
        let segments = Segment::all(&self.store)?;
        let next = segments.last().map_or(0, |segment| segment.number + 1);
        let mut levels: BTreeMap<u32, Vec<Segment>> = BTreeMap::new();
        for segment in segments {
            let level = segment.header.lines.max(1).ilog(FAN as u32);
            levels.entry(level).or_default().push(segment);
        }
        for (_, mut level) in levels {
            let (mut lines, mut places, mut contacts) = (0, 0, 0);
            let fits = level.iter().take_while(|segment| {
                lines += segment.header.lines;
                places += segment.header.places;
                contacts += segment.header.contacts.len();
                lines <= LARGEST && places <= PLACES && contacts <= CONTACTS
            });
            let count = fits.count().min(FAN);
            if level.len() >= FAN && count > 1 {
                level.truncate(count);
                let mut changes = Changes::new();
                segment::merge(&self.store, &mut changes, &level, next)?;
                return self.store.commit(changes);
            }
        }
        Ok(())
    }

    /// Every conversation, the note to self too, and the position after its last line.
    pub(crate) fn conversations(&self) -> Vec<(Address, u64)> {
        let own = (self.address(), self.me.record.next_note);
        let others = self
            .peers
            .iter()
            .map(|(contact, peer)| (*contact, peer.record.next_position));
        others.chain([own]).collect()
    }

    /// Positions that were ever given, in all conversations.
    fn lines_given(&self) -> u64 {
        self.conversations().iter().map(|(_, end)| end.saturating_sub(1)).sum()
    }
}

/// How far each conversation was looked through.
fn scanned(segments: &[Segment]) -> BTreeMap<Address, u64> {
    let mut scanned: BTreeMap<Address, u64> = BTreeMap::new();
    for covered in segments.iter().flat_map(|segment| &segment.header.contacts) {
        if let Some(contact) = covered.contact {
            let known = scanned.entry(contact).or_default();
            *known = covered.scanned.max(*known);
        }
    }
    scanned
}

fn plain(contact: &Address, position: u64, line: LineRecord) -> Option<(Line, String)> {
    let found = Line {
        at: time_of(&line),
        contact: *contact,
        position,
    };
    text_of(&line.body).map(|text| (found, text.to_owned()))
}

fn entry(contact: &Address, position: u64, line: &LineRecord) -> Option<(Line, Vec<String>)> {
    let mut words = words(text_of(&line.body)?);
    words.sort_unstable();
    words.dedup();
    let found = Line {
        at: time_of(line),
        contact: *contact,
        position,
    };
    Some((found, words))
}

fn time_of(line: &LineRecord) -> UnixMillis {
    line.received_at.unwrap_or(line.sent_at)
}

/// What of a line can be searched.
fn text_of(body: &Body) -> Option<&str> {
    match body {
        Body::Text(text) => Some(text),
        _ => None,
    }
}

/// So many new lines make a segment.
const BATCH: usize = 256;

/// A history that comes at once goes into larger ones.
const LARGEST_BATCH: usize = 2_048;

/// So many segments of about one size make one.
const FAN: usize = 8;

/// No segment has more lines, so that none takes long to write.
const LARGEST: u32 = 16_384;

/// A page of lines.
const AT_ONCE: usize = 64;

/// Nor more places where a word stands, so that its header fits a record.
const PLACES: u64 = 600_000;
const PLACES_IN_BATCH: usize = 200_000;

/// Nor more conversations.
const CONTACTS: usize = 1_024;

/// Lines that are looked at for one search, whether or not they turn out to have the phrase.
const TRIES: usize = 4_096;
