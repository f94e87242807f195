//! The memory of a process that runs, as root reads it.

use crate::canary::Needles;
use std::{
    collections::BTreeSet,
    fs::File,
    io::{Read, Seek, SeekFrom},
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
        let mut all = Self::default();
        for (start, length) in maps.lines().filter_map(writable) {
            let mut piece = Vec::new();
            // What was given back in the meantime is no memory any more.
            if memory.seek(SeekFrom::Start(start)).is_err() {
                continue;
            }
            let _ = memory.by_ref().take(length).read_to_end(&mut piece);
            all.bytes += piece.len() as u64;
            all.found
                .extend(needles.in_bytes(&piece).into_iter().map(str::to_owned));
        }
        all
    }
}

/// Start and length of a line of `/proc/PID/maps` (proc(5)) that can be read and written.
fn writable(line: &str) -> Option<(u64, u64)> {
    let (range, rest) = line.split_once(' ')?;
    let (start, end) = range.split_once('-')?;
    let (start, end) = (u64::from_str_radix(start, 16).ok()?, u64::from_str_radix(end, 16).ok()?);
    rest.starts_with("rw").then_some((start, end - start))
}
