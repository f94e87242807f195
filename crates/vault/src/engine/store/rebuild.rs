//! Writing a bloated store anew: into a folder beside it, which then takes its place.
//!
//! | `store`       | `store.new`       | `store.old` | means                                               |
//! | there         | perhaps, unfinished | perhaps   | nothing happened, or all of it: leftovers are removed |
//! | gone          | whole             | there       | the swap was cut short: it is finished              |

use std::fs::{self, File};
use std::io::{self, Write};
use std::ops::Bound;
use std::path::{Path, PathBuf};

use super::base::{Base, MARK};
use super::sync_folder;

/// Copies every pair into `store.new`; nothing may be written meanwhile.
pub(super) fn copy(folder: &Path, from: &Base, floor: u64) -> io::Result<Base> {
    finish(folder)?;
    let to = Base::open(&beside(folder, "new"), floor)?;
    let mut after = Bound::Unbounded;
    loop {
        let pairs: Vec<_> = from.scan(after, |pairs| {
            pairs.filter(|(key, _)| key != MARK).take(PAIRS_AT_ONCE).collect()
        })?;
        let Some((last, _)) = pairs.last() else {
            to.take_mark_of(from)?;
            return Ok(to);
        };
        after = Bound::Excluded(last.to_vec());
        to.write(pairs.iter().map(|(key, value)| (key.as_ref(), Some(value.as_ref()))))?;
    }
}

/// Closes the copy and notes that it is whole; on disk when it returns.
pub(super) fn seal(folder: &Path, copy: &Base) -> io::Result<()> {
    let new = beside(folder, "new");
    copy.sync()?;
    copy.close();
    let length = fs::metadata(new.join("db"))?.len();
    let mut written = File::create(new.join(WRITTEN))?;
    written.write_all(&length.to_be_bytes())?;
    written.sync_all()?;
    sync_folder(&new)?;
    new.parent().map_or(Ok(()), sync_folder)
}

/// Puts `store.new` in the place of `store`, which must be closed.
pub(super) fn swap(folder: &Path) -> io::Result<()> {
    fs::rename(folder, beside(folder, "old"))?;
    finish(folder)
}

/// Finishes a swap that was cut short, or removes what is left of an attempt.
pub(super) fn finish(folder: &Path) -> io::Result<()> {
    let (new, old) = (beside(folder, "new"), beside(folder, "old"));
    if old.is_dir() && !folder.is_dir() {
        fs::rename(&new, folder)?;
        folder.parent().map_or(Ok(()), sync_folder)?;
    }
    for leftover in [new, old].iter().filter(|leftover| leftover.is_dir()) {
        fs::remove_dir_all(leftover)?;
    }
    Ok(())
}

/// How long the log was when it was last written anew; 0 if it never was.
pub(super) fn length_when_written(folder: &Path) -> io::Result<u64> {
    match fs::read(folder.join(WRITTEN)) {
        Ok(bytes) => Ok(<[u8; 8]>::try_from(bytes).map_or(0, u64::from_be_bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(error),
    }
}

pub(super) fn beside(folder: &Path, suffix: &str) -> PathBuf {
    folder.with_extension(suffix)
}

const WRITTEN: &str = "written";
const PAIRS_AT_ONCE: usize = 256;
