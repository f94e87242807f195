//! A folder as one file: what is in it, and then the contents, one after the other.
//!
//! | size | field                                                                        |
//! |    4 | length of the manifest, big-endian                                           |
//! |    n | the manifest: version = 1, then by the strict codec a list of entries        |
//! |      | contents of the files, in the order of the entries                           |
//!
//! An entry is its folder's place in the list, from 1 (0 for the top), its name, and for a file its size. A folder stands
//! before what is in it. So there are no paths, nothing to climb out of, and one way to write a tree.

use crate::SafeName;
use serde::{Deserialize, Serialize};

/// What is in a folder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Manifest {
    entries: Vec<Entry>,
}

/// A file or a folder in a folder.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    folder: u32,
    name: String,
    size: Option<u64>,
}

/// Where a folder stands in a manifest that is being made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Folder(u32);

impl Manifest {
    /// An empty folder.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a folder in a folder, by its name on the sender's disk.
    ///
    /// # Errors
    /// See [`ManifestError`].
    pub fn add_folder(&mut self, within: Folder, name: &str) -> Result<Folder, ManifestError> {
        self.add(within, name, None)?;
        Ok(Folder(
            u32::try_from(self.entries.len()).map_err(|_| ManifestError::TooMuch)?,
        ))
    }

    /// Adds a file in a folder, by its name on the sender's disk.
    ///
    /// # Errors
    /// See [`ManifestError`].
    pub fn add_file(&mut self, within: Folder, name: &str, size: u64) -> Result<(), ManifestError> {
        self.add(within, name, Some(size))
    }

    fn add(&mut self, within: Folder, name: &str, size: Option<u64>) -> Result<(), ManifestError> {
        self.entries.push(Entry {
            folder: within.0,
            name: name.to_owned(),
            size,
        });
        if self.entries.len() > MAX_ENTRIES {
            return Err(ManifestError::TooMuch);
        }
        Ok(())
    }

    /// All of it; a folder before what is in it.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Bytes of all files.
    pub fn contents(&self) -> u64 {
        self.entries
            .iter()
            .filter_map(|entry| entry.size)
            .fold(0, u64::saturating_add)
    }

    /// What stands in front of the contents.
    ///
    /// # Errors
    /// What cannot be read again.
    pub fn encode(&self) -> Result<Vec<u8>, ManifestError> {
        let body = outis_wire::encode(&(VERSION, &self.entries));
        Self::decode(&body)?;
        let length = u32::try_from(body.len()).map_err(|_| ManifestError::TooMuch)?;
        Ok([&length.to_be_bytes()[..], &body].concat())
    }

    /// How many bytes of manifest follow on the first four.
    ///
    /// # Errors
    /// See [`ManifestError`].
    pub fn length(prefix: [u8; Self::PREFIX]) -> Result<usize, ManifestError> {
        usize::try_from(u32::from_be_bytes(prefix))
            .ok()
            .filter(|length| *length <= MAX_ENCODED)
            .ok_or(ManifestError::TooMuch)
    }

    /// Reads what follows on the first four bytes.
    ///
    /// # Errors
    /// See [`ManifestError`].
    pub fn decode(body: &[u8]) -> Result<Self, ManifestError> {
        match body.first() {
            Some(&VERSION) => {}
            Some(&other) => return Err(ManifestError::UnknownVersion(other)),
            None => return Err(ManifestError::Malformed),
        }
        if body.len() > MAX_ENCODED {
            return Err(ManifestError::TooMuch);
        }
        let (_, entries): (u8, Vec<Entry>) =
            outis_wire::decode(body, MAX_ENCODED).map_err(|_| ManifestError::Malformed)?;
        let manifest = Self { entries };
        manifest.check()?;
        Ok(manifest)
    }

    fn check(&self) -> Result<(), ManifestError> {
        if self.entries.len() > MAX_ENTRIES || self.contents() > MAX_CONTENTS {
            return Err(ManifestError::TooMuch);
        }
        // How deep each folder so far is; `None` for a file.
        let mut depths: Vec<Option<usize>> = Vec::with_capacity(self.entries.len());
        for entry in &self.entries {
            let depth = match entry.folder.checked_sub(1) {
                None => 0,
                Some(place) => {
                    let above = usize::try_from(place).ok().and_then(|place| depths.get(place));
                    above.copied().flatten().ok_or(ManifestError::Malformed)? + 1
                }
            };
            if depth >= MAX_DEPTH || entry.name.len() > MAX_NAME {
                return Err(ManifestError::TooMuch);
            }
            depths.push(entry.size.is_none().then_some(depth));
        }
        Ok(())
    }

    /// Bytes that say how long a manifest is.
    pub const PREFIX: usize = 4;
}

impl Folder {
    /// The folder that is sent.
    pub const TOP: Self = Self(0);
}

impl Entry {
    /// The place of its folder among the entries; `None` for the top.
    pub fn folder(&self) -> Option<usize> {
        usize::try_from(self.folder.checked_sub(1)?).ok()
    }

    /// Bytes of a file; `None` for a folder.
    pub fn size(&self) -> Option<u64> {
        self.size
    }

    /// What to call it here.
    pub fn name(&self) -> SafeName {
        SafeName::from_untrusted(&self.name)
    }

    /// What its sender calls it: for the sender, who reads it there. Anywhere else it is a trap.
    pub fn dangerously_expose_name(&self) -> &str {
        &self.name
    }
}

/// Shows nothing: names of files belong into no log.
impl std::fmt::Debug for Entry {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            folder: _,
            name: _,
            size: _,
        } = self;
        out.write_str("Entry(..)")
    }
}

/// Why there is no manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// Made by a newer version of Outis.
    #[error("folder of unknown version {0}")]
    UnknownVersion(u8),
    /// More files, longer names or deeper folders than can be sent.
    #[error("too much for one folder")]
    TooMuch,
    /// No manifest.
    #[error("malformed folder")]
    Malformed,
}

const VERSION: u8 = 1;

/// Files and folders in a folder, all the way down.
const MAX_ENTRIES: usize = 16_384;

/// Folders in folders: with the longest safe names they fit a path of Linux.
const MAX_DEPTH: usize = 24;

/// As long as a name can be on the systems there are.
const MAX_NAME: usize = 255;

const MAX_ENCODED: usize = 1024 * 1024;

/// What fits a file.
const MAX_CONTENTS: u64 = 1 << 40;

#[cfg(test)]
mod tests;
