//! A segment of the index: the words of some lines, and in which lines each stands.
//!
//! ```text
//! owner: 24 zeros ‖ number of the segment
//! index 0             header: how many lines, from when to when, whose, and the first word of each block
//! index 1, 2, …       the lines, oldest first, 4 096 a record
//! index 2^32 + block  words in order, each with the lines it stands in
//! ```
//!
//! It is written once and then only loses lines: those that were deleted.

use super::words::Term;
use crate::store::{Changes, Store, StoreError, table};
use outis_identity::Address;
use outis_wire::UnixMillis;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A segment in the store, without its words.
pub(super) struct Segment {
    pub(super) number: u64,
    pub(super) header: Header,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Header {
    /// Lines in it, also those that were forgotten since.
    pub(super) lines: u32,
    /// Places where a word stands.
    pub(super) places: u64,
    pub(super) newest: UnixMillis,
    pub(super) contacts: Vec<Covered>,
    /// Number and first word of each block, in the order of the words.
    blocks: Vec<(u32, String)>,
}

/// What a segment covers of one conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Covered {
    /// `None` once the conversation was forgotten.
    pub(super) contact: Option<Address>,
    lowest: u64,
    highest: u64,
    /// No line of the conversation up to here has to be looked at again.
    pub(super) scanned: u64,
}

/// A line that can be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Line {
    pub(super) at: UnixMillis,
    pub(super) contact: Address,
    pub(super) position: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Chunk {
    first: UnixMillis,
    /// Which of the contacts, where, and how long after the line before. A line that was forgotten has position 0.
    lines: Vec<(u16, u64, u64)>,
}

/// Words in order, and the numbers of the lines that each stands in, in order.
type Block = Vec<(String, Vec<u32>)>;

/// A segment in the making.
#[derive(Default)]
pub(super) struct Draft {
    /// How far each conversation was looked through.
    pub(super) scanned: BTreeMap<Address, u64>,
    /// Lines with their words.
    pub(super) lines: Vec<(Line, Vec<String>)>,
}

/// Lines of a segment.
pub(super) struct Hits(Vec<u64>);

impl Segment {
    /// Every segment, in the order in which they were made.
    pub(super) fn all(store: &Store) -> Result<Vec<Self>, StoreError> {
        let mut segments = Vec::new();
        for owner in store.owners(table::SEARCH)? {
            let (_, number) = owner.split_at(24);
            let number = number.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
            if let Some(header) = store.get::<Header>(table::SEARCH, &owner, HEADER)? {
                segments.push(Self { number, header });
            }
        }
        segments.sort_unstable_by_key(|segment| segment.number);
        Ok(segments)
    }

    pub(super) fn covers(&self, contact: &Address) -> bool {
        self.header
            .contacts
            .iter()
            .any(|covered| covered.contact == Some(*contact))
    }

    /// The lines that have all of these words.
    pub(super) fn find(&self, store: &Store, terms: &[Term<'_>]) -> Result<Hits, StoreError> {
        let mut found: Option<Hits> = None;
        for term in terms {
            let mut hits = Hits::none(self.header.lines);
            for number in self.blocks_of(*term) {
                for (word, lines) in self.block(store, number)? {
                    if term.is(&word) {
                        lines.into_iter().for_each(|line| hits.insert(line));
                    }
                }
            }
            let both = match found {
                None => hits,
                Some(found) => found.and(&hits),
            };
            if both.is_empty() {
                return Ok(both);
            }
            found = Some(both);
        }
        Ok(found.unwrap_or_else(|| Hits::none(0)))
    }

    /// Its lines; `None` for those that were forgotten.
    pub(super) fn lines(&self, store: &Store) -> Result<Vec<Option<Line>>, StoreError> {
        let mut lines = Vec::new();
        for number in 0..chunks(self.header.lines) {
            let Some(chunk) = store.get::<Chunk>(table::SEARCH, &owner(self.number), 1 + number)? else {
                break;
            };
            let mut at = chunk.first;
            for (contact, position, later) in chunk.lines {
                at = UnixMillis(at.0.saturating_add(later));
                let covered = self.header.contacts.get(usize::from(contact));
                let contact = covered.and_then(|covered| covered.contact).filter(|_| position > 0);
                lines.push(contact.map(|contact| Line { at, contact, position }));
            }
        }
        Ok(lines)
    }

    /// Takes lines out, with the words they have. Given together, since each record is written once a commit.
    pub(super) fn forget(
        mut self,
        store: &Store,
        changes: &mut Changes,
        gone: &[(Address, u64, Vec<String>)],
    ) -> Result<(), StoreError> {
        let may_have = |(contact, position, _): &&(Address, u64, Vec<String>)| {
            let mut contacts = self.header.contacts.iter();
            contacts.any(|of| of.contact == Some(*contact) && (of.lowest..=of.highest).contains(position))
        };
        let gone: BTreeMap<(Address, u64), &Vec<String>> = gone
            .iter()
            .filter(may_have)
            .map(|(contact, position, words)| ((*contact, *position), words))
            .collect();
        if gone.is_empty() {
            return Ok(());
        }
        let mut lines = self.lines(store)?;
        let mut dropped: BTreeMap<&str, BTreeSet<u32>> = BTreeMap::new();
        for (number, slot) in (0..).zip(&mut lines) {
            let words = slot.and_then(|line| gone.get(&(line.contact, line.position)));
            let Some(words) = words else { continue };
            *slot = None;
            for word in *words {
                dropped.entry(word).or_default().insert(number);
            }
        }
        if dropped.is_empty() {
            return Ok(());
        }
        let blocks: BTreeSet<u32> = dropped
            .keys()
            .flat_map(|word| self.blocks_of(Term::Whole(word)))
            .collect();
        self.rewrite(store, changes, &lines, blocks, |word, line| {
            dropped.get(word).is_some_and(|lines| lines.contains(&line))
        })
    }

    /// Takes a whole conversation out.
    pub(super) fn forget_conversation(
        mut self,
        store: &Store,
        changes: &mut Changes,
        contact: &Address,
    ) -> Result<(), StoreError> {
        if !self.covers(contact) {
            return Ok(());
        }
        let mut lines = self.lines(store)?;
        let mut gone = Hits::none(self.header.lines);
        for (number, slot) in (0..).zip(&mut lines) {
            if slot.is_some_and(|line| line.contact == *contact) {
                *slot = None;
                gone.insert(number);
            }
        }
        for covered in &mut self.header.contacts {
            if covered.contact == Some(*contact) {
                *covered = Covered {
                    contact: None,
                    lowest: 0,
                    highest: 0,
                    scanned: 0,
                };
            }
        }
        let blocks = self.header.blocks.iter().map(|(number, _)| *number).collect();
        self.rewrite(store, changes, &lines, blocks, |_, line| gone.contains(line))
    }

    /// Every word in it.
    #[cfg(test)]
    pub(super) fn words(&self, store: &Store) -> Result<BTreeSet<String>, StoreError> {
        let mut words: BTreeSet<String> = self.header.blocks.iter().map(|(_, first)| first.clone()).collect();
        for (number, _) in &self.header.blocks {
            words.extend(self.block(store, *number)?.into_iter().map(|(word, _)| word));
        }
        Ok(words)
    }

    /// Everything in it, to be written into another.
    fn melt(&self, store: &Store, into: &mut Draft) -> Result<(), StoreError> {
        for covered in &self.header.contacts {
            if let Some(contact) = covered.contact {
                let scanned = into.scanned.entry(contact).or_default();
                *scanned = covered.scanned.max(*scanned);
            }
        }
        let lines = self.lines(store)?;
        let mut words: Vec<Vec<String>> = lines.iter().map(|_| Vec::new()).collect();
        for (number, _) in &self.header.blocks {
            for (word, lines) in self.block(store, *number)? {
                for line in lines {
                    if let Some(words) = words.get_mut(index(line)) {
                        words.push(word.clone());
                    }
                }
            }
        }
        let living = lines.into_iter().zip(words);
        into.lines
            .extend(living.filter_map(|(line, words)| Some((line?, words))));
        Ok(())
    }

    fn rewrite(
        &mut self,
        store: &Store,
        changes: &mut Changes,
        lines: &[Option<Line>],
        blocks: BTreeSet<u32>,
        is_gone: impl Fn(&str, u32) -> bool,
    ) -> Result<(), StoreError> {
        let owner = owner(self.number);
        for number in blocks {
            let mut block = self.block(store, number)?;
            let before = block.iter().map(|(_, lines)| lines.len()).sum::<usize>();
            for (word, lines) in &mut block {
                lines.retain(|line| !is_gone(word, *line));
            }
            if block.iter().map(|(_, lines)| lines.len()).sum::<usize>() == before {
                continue;
            }
            block.retain(|(_, lines)| !lines.is_empty());
            match block.first() {
                Some((first, _)) => {
                    let known = self.header.blocks.iter_mut().find(|(known, _)| *known == number);
                    if let Some((_, known)) = known {
                        known.clone_from(first);
                    }
                    changes.put(table::SEARCH, &owner, BLOCKS + u64::from(number), &block);
                }
                None => {
                    self.header.blocks.retain(|(known, _)| *known != number);
                    changes.erase(table::SEARCH, &owner, BLOCKS + u64::from(number));
                }
            }
        }
        put_lines(changes, self.number, &self.header, lines);
        changes.put(table::SEARCH, &owner, HEADER, &self.header);
        Ok(())
    }

    /// The blocks where a word may stand.
    fn blocks_of(&self, term: Term<'_>) -> Vec<u32> {
        let (Term::Whole(word) | Term::Begun(word)) = term;
        let blocks = &self.header.blocks;
        let after = blocks.partition_point(|(_, first)| first.as_str() <= word);
        let tail = blocks.iter().skip(after.saturating_sub(1));
        let (mut first, mut chosen) = (after > 0, Vec::new());
        for (number, begins) in tail {
            if std::mem::take(&mut first) || term.is(begins) {
                chosen.push(*number);
            } else {
                break;
            }
        }
        chosen
    }

    fn block(&self, store: &Store, number: u32) -> Result<Block, StoreError> {
        let block = store.get(table::SEARCH, &owner(self.number), BLOCKS + u64::from(number))?;
        Ok(block.unwrap_or_default())
    }
}

impl Term<'_> {
    fn is(self, word: &str) -> bool {
        match self {
            Self::Whole(whole) => word == whole,
            Self::Begun(begun) => word.starts_with(begun),
        }
    }
}

impl Draft {
    /// Writes it as a segment of this number.
    pub(super) fn write(mut self, changes: &mut Changes, number: u64) {
        self.lines.sort_unstable_by_key(|(line, _)| *line);
        let mut covered: BTreeMap<Address, Covered> = BTreeMap::new();
        let nothing = |(contact, scanned): (&Address, &u64)| {
            let nothing = Covered {
                contact: Some(*contact),
                lowest: u64::MAX,
                highest: 0,
                scanned: *scanned,
            };
            (*contact, nothing)
        };
        covered.extend(self.scanned.iter().map(nothing));
        let mut lines = Vec::with_capacity(self.lines.len());
        let mut words: BTreeMap<String, Vec<u32>> = BTreeMap::new();
        for (number, (line, own)) in (0..).zip(self.lines) {
            if let Some(covered) = covered.get_mut(&line.contact) {
                covered.lowest = covered.lowest.min(line.position);
                covered.highest = covered.highest.max(line.position);
            }
            lines.push(Some(line));
            for word in own {
                let lines = words.entry(word).or_default();
                if lines.last() != Some(&number) {
                    lines.push(number);
                }
            }
        }
        let owner = owner(number);
        let mut blocks = Vec::new();
        let mut put = |block: &mut Block| {
            if let Some((first, _)) = block.first() {
                let number = u32::try_from(blocks.len()).unwrap_or(u32::MAX);
                blocks.push((number, first.clone()));
                changes.put(table::SEARCH, &owner, BLOCKS + u64::from(number), block);
                block.clear();
            }
        };
        let (mut block, mut size) = (Block::new(), 0);
        let places = words.values().map(|lines| lines.len() as u64).sum();
        for (word, lines) in words {
            let more = word.len() + 2 + 2 * lines.len();
            if size + more > BLOCK_BYTES {
                put(&mut block);
                size = 0;
            }
            size += more;
            block.push((word, lines));
        }
        put(&mut block);
        let time = |line: Option<&Option<Line>>| line.copied().flatten().map_or(UnixMillis(0), |line| line.at);
        let header = Header {
            lines: u32::try_from(lines.len()).unwrap_or(u32::MAX),
            places,
            newest: time(lines.last()),
            contacts: covered.into_values().collect(),
            blocks,
        };
        put_lines(changes, number, &header, &lines);
        changes.put(table::SEARCH, &owner, HEADER, &header);
    }
}

/// Writes one segment in the place of several.
pub(super) fn merge(store: &Store, changes: &mut Changes, segments: &[Segment], number: u64) -> Result<(), StoreError> {
    let mut draft = Draft::default();
    for segment in segments {
        segment.melt(store, &mut draft)?;
        changes.erase_all(table::SEARCH, &owner(segment.number));
    }
    draft.write(changes, number);
    Ok(())
}

impl Hits {
    fn none(lines: u32) -> Self {
        Self(vec![0; index(lines).div_ceil(64)])
    }

    fn insert(&mut self, line: u32) {
        if let Some(word) = self.0.get_mut(index(line / 64)) {
            *word |= 1 << (line % 64);
        }
    }

    pub(super) fn contains(&self, line: u32) -> bool {
        self.0
            .get(index(line / 64))
            .is_some_and(|word| word >> (line % 64) & 1 == 1)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    fn and(mut self, other: &Self) -> Self {
        self.0.iter_mut().zip(&other.0).for_each(|(own, other)| *own &= other);
        self
    }
}

fn put_lines(changes: &mut Changes, number: u64, header: &Header, lines: &[Option<Line>]) {
    let contacts = header.contacts.iter().map(|covered| covered.contact);
    let which: BTreeMap<Address, u16> = contacts
        .zip(0..)
        .filter_map(|(contact, n)| Some((contact?, n)))
        .collect();
    for (part, lines) in (1..).zip(lines.chunks(CHUNK)) {
        let first = lines
            .iter()
            .flatten()
            .map(|line| line.at)
            .next()
            .unwrap_or(UnixMillis(0));
        let mut before = first;
        let of = |line: &Option<Line>| {
            let Some((line, contact)) = line.and_then(|line| Some((line, *which.get(&line.contact)?))) else {
                // Nothing is left of it, not even when it was.
                return (0, 0, 0);
            };
            let later = line.at.0.saturating_sub(before.0);
            before = line.at;
            (contact, line.position, later)
        };
        let lines = lines.iter().map(of).collect();
        changes.put(table::SEARCH, &owner(number), part, &Chunk { first, lines });
    }
}

fn owner(number: u64) -> [u8; 32] {
    let mut owner = [0; 32];
    let (_, end) = owner.split_at_mut(24);
    end.copy_from_slice(&number.to_be_bytes());
    owner
}

fn chunks(lines: u32) -> u64 {
    u64::from(lines).div_ceil(CHUNK as u64)
}

fn index(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

const HEADER: u64 = 0;
const BLOCKS: u64 = 1 << 32;

/// Lines of one record.
const CHUNK: usize = 4_096;

/// Words and numbers of one block, about: one piece of the container's.
const BLOCK_BYTES: usize = 6 * 1024;
