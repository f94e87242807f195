//! Where changes are durable first: two files that are overwritten in turns, one write and one `fdatasync` for all that
//! wait together. sled takes a kilobyte and more for each of them; here they take what they are long, and what is
//! overwritten or removed again before the next checkpoint never reaches sled.
//!
//! A file holds the *frames* of one *epoch*: epochs ascend, the even ones stand in the first file. A frame begins at a
//! multiple of 4 096 bytes, so that no block is written again that holds something told:
//!
//! | offset | size | field                                                                          |
//! |      0 |   32 | check: hash of all that follows                                                |
//! |     32 |   32 | the check of the frame before; zeros in the first                              |
//! |     64 |    8 | epoch                                                                          |
//! |     72 |    4 | length of the body                                                             |
//! |     76 |    n | body: changes, in order                                                        |
//!
//! A change is `key length (2) ‖ value length (4; 2^32 − 1: removed) ‖ key ‖ value`. Frames count while they follow from
//! one another; what was left of another epoch, or of a life before a crash, does not.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use outis_crypto::{hash, label};
use outis_wire::Reader;

use super::overlay::Changes;
use super::sync_folder;

/// The two files, and where the next frame goes.
pub(super) struct Journal {
    files: [Half; 2],
    epoch: u64,
    position: u64,
    /// The check of the last frame of this epoch.
    last: Check,
}

/// What the journal has that sled has not.
#[derive(Default)]
pub(super) struct Replayed {
    /// Of the epoch before the one that is being written, if that was not checkpointed.
    pub(super) frozen: Option<(u64, Changes)>,
    pub(super) active: Changes,
    /// Something is missing between sled and this, or in it.
    pub(super) has_gap: bool,
}

struct Half {
    file: File,
    /// Up to here it has blocks on the disk, so that syncing need not tell of new ones.
    length: u64,
}

/// The frames of one file.
struct Epoch {
    number: u64,
    changes: Changes,
    end: u64,
    last: Check,
    /// Behind a frame that does not count there is one of this epoch.
    is_torn_within: bool,
}

struct Frame<'a> {
    check: Check,
    previous: Check,
    epoch: u64,
    body: &'a [u8],
}

type Check = [u8; 32];

impl Journal {
    /// Opens or makes the files in `folder`, and reads what came after the epoch `done`.
    pub(super) fn open(folder: &Path, done: u64) -> io::Result<(Self, Replayed)> {
        let [first, second] = JOURNALS.map(|name| folder.join(name));
        let are_new = !first.is_file() || !second.is_file();
        let mut files = [Half::open(&first)?, Half::open(&second)?];
        if are_new {
            sync_folder(folder)?;
        }
        let mut epochs = Vec::new();
        for (parity, half) in (0..).zip(&mut files) {
            let bytes = half.read()?;
            let Some(epoch) = Epoch::read(&bytes) else { continue };
            if epoch.number > done && epoch.number % 2 == parity {
                half.write_again(&bytes, epoch.end)?;
                epochs.push(epoch);
            }
        }
        epochs.sort_by_key(|epoch| epoch.number);
        let mut replayed = Replayed::default();
        let follow = (done + 1..).zip(&epochs).all(|(number, epoch)| epoch.number == number);
        replayed.has_gap = !follow || epochs.iter().any(|epoch| epoch.is_torn_within);
        let (epoch, position, last) = match epochs.pop() {
            Some(active) => {
                replayed.active = active.changes;
                (active.number, active.end, active.last)
            }
            None => (done + 1, 0, [0; 32]),
        };
        replayed.frozen = epochs.pop().map(|frozen| (frozen.number, frozen.changes));
        let journal = Self {
            files,
            epoch,
            position,
            last,
        };
        Ok((journal, replayed))
    }

    /// Which epoch is being written.
    pub(super) fn epoch(&self) -> u64 {
        self.epoch
    }

    /// How long this epoch has become.
    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// Writes a frame; on disk when it returns. After an error nothing may be written before it is opened again.
    pub(super) fn append(&mut self, body: &[u8]) -> io::Result<()> {
        let length = u32::try_from(body.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
        let mut frame = Vec::with_capacity((HEADER + body.len()).next_multiple_of(BLOCK));
        frame.extend_from_slice(&[0; CHECK]);
        frame.extend_from_slice(&self.last);
        frame.extend_from_slice(&self.epoch.to_be_bytes());
        frame.extend_from_slice(&length.to_be_bytes());
        frame.extend_from_slice(body);
        let check = frame.get(CHECK..).map(check_of).unwrap_or_default();
        if let Some(front) = frame.first_chunk_mut() {
            *front = check;
        }
        frame.resize(frame.len().next_multiple_of(BLOCK), 0);
        let position = self.position;
        self.half().write(position, &frame)?;
        self.position += frame.len() as u64;
        self.last = check;
        Ok(())
    }

    /// Begins the next epoch, over what the other file held: sled must have all of that.
    pub(super) fn begin_next(&mut self) -> io::Result<()> {
        self.epoch += 1;
        self.position = 0;
        self.last = [0; 32];
        self.half().truncate(KEPT)
    }

    /// Gives the room back. sled must have everything.
    pub(super) fn clear(&mut self) -> io::Result<()> {
        self.files.iter_mut().try_for_each(|half| half.truncate(0))
    }

    fn half(&mut self) -> &mut Half {
        let [even, odd] = &mut self.files;
        if self.epoch.is_multiple_of(2) { even } else { odd }
    }
}

/// Enters one change at the end of a frame's body.
pub(super) fn encode(body: &mut Vec<u8>, key: &[u8], value: Option<&[u8]>) -> io::Result<()> {
    let too_long = |_| io::Error::from(io::ErrorKind::InvalidInput);
    body.extend_from_slice(&u16::try_from(key.len()).map_err(too_long)?.to_be_bytes());
    let length = match value {
        Some(value) => u32::try_from(value.len()).map_err(too_long)?,
        None => REMOVED,
    };
    body.extend_from_slice(&length.to_be_bytes());
    body.extend_from_slice(key);
    body.extend_from_slice(value.unwrap_or_default());
    Ok(())
}

fn decode(body: &[u8], changes: &mut Changes) -> Option<()> {
    let mut reader = Reader::new(body);
    while !reader.is_empty() {
        let key = usize::from(reader.u16().ok()?);
        let length = reader.u32().ok()?;
        let key = reader.bytes(key).ok()?.to_vec();
        let value = match length {
            REMOVED => None,
            length => Some(reader.bytes(usize::try_from(length).ok()?).ok()?.to_vec()),
        };
        changes.insert(key, value);
    }
    Some(())
}

impl Epoch {
    /// `None` if the file does not begin with a frame that begins an epoch.
    fn read(bytes: &[u8]) -> Option<Self> {
        let mut epoch: Option<Self> = None;
        let mut rest = bytes;
        while let Some(frame) = Frame::read(rest) {
            let (number, last) = epoch
                .as_ref()
                .map_or((frame.epoch, [0; 32]), |epoch| (epoch.number, epoch.last));
            if frame.epoch != number || frame.previous != last {
                break;
            }
            let found = epoch.get_or_insert_with(|| Self {
                number,
                changes: Changes::new(),
                end: 0,
                last,
                is_torn_within: false,
            });
            if decode(frame.body, &mut found.changes).is_none() {
                break;
            }
            let length = (HEADER + frame.body.len()).next_multiple_of(BLOCK);
            found.end += length as u64;
            found.last = frame.check;
            rest = rest.get(length..).unwrap_or_default();
        }
        let number = epoch.as_ref()?.number;
        // A frame is written when the one before it is on disk, so only the last may be torn.
        let mut behind = rest.chunks(BLOCK).enumerate().skip(1);
        let is_torn_within = behind.any(|(block, _)| {
            let at = rest.get(block * BLOCK..).unwrap_or_default();
            let has_epoch = at.get(EPOCH_AT..EPOCH_AT + 8) == Some(number.to_be_bytes().as_slice());
            has_epoch && Frame::read(at).is_some()
        });
        epoch.map(|epoch| Self {
            is_torn_within,
            ..epoch
        })
    }
}

/// Whether a file's bytes begin with a frame.
pub(crate) fn is_journal(bytes: &[u8]) -> bool {
    Epoch::read(bytes).is_some()
}

impl<'a> Frame<'a> {
    fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let check = reader.array().ok()?;
        let previous = reader.array().ok()?;
        let epoch = reader.u64().ok()?;
        let length = usize::try_from(reader.u32().ok()?).ok()?;
        let body = reader.bytes(length).ok()?;
        let checked = bytes.get(CHECK..HEADER + length)?;
        (check_of(checked) == check).then_some(Self {
            check,
            previous,
            epoch,
            body,
        })
    }
}

fn check_of(bytes: &[u8]) -> Check {
    hash(label::VAULT_JOURNAL, &[bytes])
}

impl Half {
    fn open(path: &Path) -> io::Result<Self> {
        let file = File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(path)?;
        let length = file.metadata()?.len();
        Ok(Self { file, length })
    }

    fn read(&mut self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.file.seek(SeekFrom::Start(0))?;
        self.file.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// After a crash or a failure, what can be read may stand in the system's memory only, whatever it says.
    fn write_again(&mut self, bytes: &[u8], end: u64) -> io::Result<()> {
        let bytes = usize::try_from(end)
            .ok()
            .and_then(|end| bytes.get(..end))
            .unwrap_or(bytes);
        self.write(0, bytes)
    }

    fn write(&mut self, position: u64, bytes: &[u8]) -> io::Result<()> {
        let end = position + bytes.len() as u64;
        if end > self.length {
            // Zeros ahead: overwriting them is cheaper to sync than making the file longer each time.
            let ahead = STEP.min(self.length.max(BLOCK as u64));
            self.file.seek(SeekFrom::Start(end))?;
            if io::copy(&mut io::repeat(0).take(ahead), &mut self.file).is_ok() {
                self.length = end + ahead;
            } else {
                self.length = end;
            }
        }
        self.file.seek(SeekFrom::Start(position))?;
        self.file.write_all(bytes)?;
        self.file.sync_data()
    }

    fn truncate(&mut self, length: u64) -> io::Result<()> {
        if self.length <= length {
            return Ok(());
        }
        self.file.set_len(length)?;
        self.file.sync_data()?;
        self.length = length;
        Ok(())
    }
}

/// The names of the two files.
pub(crate) const JOURNALS: [&str; 2] = ["journal.0", "journal.1"];
const CHECK: usize = 32;
const EPOCH_AT: usize = 64;
const HEADER: usize = 76;
const BLOCK: usize = 4096;
const REMOVED: u32 = u32::MAX;
/// A file grows by what it is long, but by no more than this.
const STEP: u64 = 1024 * 1024;
/// A file that has become longer is cut when it is begun anew.
const KEPT: u64 = 16 * 1024 * 1024;

#[cfg(test)]
mod tests;
