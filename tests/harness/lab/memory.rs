//! The memory of a process that runs, as root reads it.

use crate::canary::Needles;
use std::{
    collections::BTreeSet,
    fs::File,
    io::{Read, Seek, SeekFrom},
    os::unix::fs::MetadataExt,
};

/// What was found in a process's memory, and how much there was of it.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// The needles found.
    pub found: BTreeSet<String>,
    /// How many bytes were read.
    pub bytes: u64,
}

impl Memory {
    /// Looks through all that a process can write to: heap, stacks, data.
    ///
    /// # Panics
    /// If it may not be read: this takes root, or a process of one's own that has not forbidden it.
    pub fn of(pid: u32, needles: &Needles) -> Self {
        let maps = std::fs::read_to_string(format!("/proc/{pid}/maps")).expect("the process runs");
        let mut memory =
            File::open(format!("/proc/{pid}/mem")).unwrap_or_else(|error| panic!("memory of {pid}: {error}"));
        let mut present = File::open(format!("/proc/{pid}/pagemap")).expect("the process runs");
        let mut all = Self::default();
        let mut piece = Vec::new();
        for (start, length) in maps.lines().filter_map(writable) {
            for (start, length) in runs(&mut present, start, length) {
                piece.clear();
                // What was given back in the meantime is no memory any more.
                if memory.seek(SeekFrom::Start(start)).is_err() {
                    continue;
                }
                let _ = memory.by_ref().take(length).read_to_end(&mut piece);
                all.bytes += piece.len() as u64;
                all.found
                    .extend(needles.in_bytes(&piece).into_iter().map(str::to_owned));
            }
        }
        all
    }

    /// The names of those found, in whatever form.
    pub fn names(&self) -> BTreeSet<String> {
        let name = |found: &String| found.split(" (").next().unwrap_or(found).to_owned();
        self.found.iter().map(name).collect()
    }
}

/// Whether this process, and so its children, may look into others that have forbidden it.
pub fn is_root() -> bool {
    std::fs::metadata("/proc/self").expect("a process").uid() == 0
}

/// The parts of a range that are in memory or in swap: a process may set aside far more than it ever fills. Nothing longer
/// than [`LONGEST`] at once, and each begins with the page that the last one ended with, so that nothing is cut in two.
fn runs(pagemap: &mut File, start: u64, length: u64) -> Vec<(u64, u64)> {
    let mut runs: Vec<(u64, u64)> = Vec::new();
    let (first, pages) = (start / PAGE, length / PAGE);
    let mut entries = Vec::new();
    for block in (0..pages).step_by(ENTRIES) {
        entries.clear();
        let wanted = 8 * (pages - block).min(ENTRIES as u64);
        if pagemap.seek(SeekFrom::Start(8 * (first + block))).is_err() {
            continue;
        }
        let _ = pagemap.by_ref().take(wanted).read_to_end(&mut entries);
        for (index, entry) in entries.chunks_exact(8).enumerate() {
            let entry = u64::from_le_bytes(entry.try_into().expect("eight bytes"));
            if entry >> 62 == 0 {
                continue;
            }
            let at = (first + block + index as u64) * PAGE;
            match runs.last_mut() {
                Some((start, length)) if *start + *length == at && *length < LONGEST => *length += PAGE,
                Some((start, length)) if *start + *length == at => runs.push((at - PAGE, 2 * PAGE)),
                _ => runs.push((at, PAGE)),
            }
        }
    }
    runs
}

/// Start and length of a line of `/proc/PID/maps` (proc(5)) that can be read and written.
fn writable(line: &str) -> Option<(u64, u64)> {
    let (range, rest) = line.split_once(' ')?;
    let (start, end) = range.split_once('-')?;
    let (start, end) = (u64::from_str_radix(start, 16).ok()?, u64::from_str_radix(end, 16).ok()?);
    rest.starts_with("rw").then_some((start, end - start))
}

/// Of all machines that this runs on.
const PAGE: u64 = 4_096;

/// Pages asked about at once.
const ENTRIES: usize = 1 << 16;

/// Bytes read at once.
const LONGEST: u64 = 16 << 20;
