//! sled mends its log in place and replaces its snapshot, and a power cut meanwhile may leave a log and a snapshot that do
//! not belong together; without any snapshot it was seen to take a log with everything in it for an empty one. So before
//! it touches a store that was not closed in good order, a copy of its files is put beside it, from which the mending
//! begins again until it has come through once, all of it on disk.
//!
//! | `store/closed` | `store.crashed` | means                                                                      |
//! | there          | –               | closed in good order                                                       |
//! | gone           | gone            | not closed; nothing has been mended yet, or all of it                      |
//! | gone           | there           | mending was cut short: begin again from the copy                           |

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;

use super::rebuild::beside;
use super::{remove_where, sync_folder};
use crate::engine::is_full;

/// Before sled opens the folder.
pub(super) fn prepare(folder: &Path) -> io::Result<()> {
    let (log, copy) = (folder.join(LOG), beside(folder, "crashed"));
    let was_closed = folder.join(CLOSED).is_file();
    if was_closed {
        fs::remove_file(folder.join(CLOSED))?;
        sync_folder(folder)?;
    }
    if was_closed || !log.is_file() {
        return remove(&copy);
    }
    if copy.join(LOG).is_file() {
        remove_where(folder, is_snapshot)?;
        for name in files_of(&copy)? {
            copy_file(&copy, folder, &name)?;
        }
        return sync_folder(folder);
    }
    if fs::metadata(&log)?.len() > MAX_COPIED {
        return Ok(());
    }
    match keep_copy(folder, &copy) {
        // Without room for it, mending goes on without it.
        Err(error) if is_full(&error) => remove(&beside(folder, MAKING)),
        kept => kept,
    }
}

/// sled has opened the folder, and all that it wrote is on disk.
pub(super) fn finish(folder: &Path) -> io::Result<()> {
    remove(&beside(folder, "crashed"))
}

/// sled has closed the folder. When this returns, all is on disk.
pub(super) fn mark_closed(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_file() {
            File::options().write(true).open(path)?.sync_all()?;
        }
    }
    sync_folder(folder)?;
    File::create(folder.join(CLOSED))?.sync_all()?;
    sync_folder(folder)
}

fn keep_copy(folder: &Path, copy: &Path) -> io::Result<()> {
    let making = beside(folder, MAKING);
    remove(&making)?;
    fs::create_dir_all(&making)?;
    for name in files_of(folder)? {
        copy_file(folder, &making, &name)?;
    }
    sync_folder(&making)?;
    fs::rename(&making, copy)?;
    copy.parent().map_or(Ok(()), sync_folder)
}

/// On disk when it returns, but for its name.
fn copy_file(from: &Path, to: &Path, name: &str) -> io::Result<()> {
    let (mut from, mut to) = (File::open(from.join(name))?, File::create(to.join(name))?);
    let mut buffer = vec![0; 1 << 20];
    loop {
        let length = from.read(&mut buffer)?;
        let Some(read) = buffer.get(..length).filter(|read| !read.is_empty()) else {
            return to.sync_all();
        };
        to.write_all(read)?;
    }
}

/// When this returns, nobody begins from this copy again: its log goes first, for good.
fn remove(copy: &Path) -> io::Result<()> {
    if !copy.is_dir() {
        return Ok(());
    }
    if copy.join(LOG).is_file() {
        fs::remove_file(copy.join(LOG))?;
        sync_folder(copy)?;
    }
    remove_where(copy, |_| true)?;
    fs::remove_dir(copy)
}

/// The names of what sled needs of a folder: its log, its configuration, its snapshots.
fn files_of(folder: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        names.extend(entry?.file_name().into_string().ok());
    }
    names.retain(|name| name == LOG || name == CONF || is_snapshot(name));
    Ok(names)
}

fn is_snapshot(name: &str) -> bool {
    name.starts_with("snap.")
}

const LOG: &str = "db";
const CONF: &str = "conf";
const CLOSED: &str = "closed";
const MAKING: &str = "crashing";
/// A longer log, which only a relay has, is mended where it stands.
const MAX_COPIED: u64 = 1024 * 1024 * 1024;
