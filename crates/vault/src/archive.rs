//! One sealed file to carry an account elsewhere: a stream of items, in order, whole or not at all.
//!
//! | offset | size   | field                                                                             |
//! |      0 |      1 | version = 1                                                                       |
//! |      1 |     32 | salt, random                                                                      |
//! |     33 |    104 | file key (32 random bytes) under the credentials' key, committing AEAD;            |
//! |        |        | associated data: bytes 0…32                                                       |
//! |    137 | 65 580 | each chunk: `seal(length (4) ‖ bytes ‖ zeros up to 65 536)` under the file key;   |
//! |        |        | associated data: the chunk's number (8) ‖ 1 for the last, else 0                   |
//!
//! Chunks are sealed as in STREAM (Hoang, Reyhanitabar, Rogaway, Vizár 2015): number and last-mark are bound, so a chunk
//! that is missing, repeated, moved, or left off at the end is noticed. All have one size, so the file's length tells its
//! contents' to 64 KiB. What the chunks hold, put together, is items: `tag (2) ‖ length (4) ‖ body`.
//!
//! Nothing here knows what the items mean. The reader gives an item only when its chunks were authentic; that nothing is
//! missing behind it is known when [`ArchiveReader::next_item`] has returned `None`. An importer therefore uses what it
//! has read only then.

use std::io::{self, Read, Write};

use outis_crypto::password::{Cost, TooLittleMemory};
use outis_crypto::{CryptoRng, Secret, SecretBytes, aead, derive, hash, label};
use outis_wire::Reader;
use zeroize::Zeroizing;

use crate::engine::is_full;

/// Writes an archive. Buffers one chunk; give it a file, not a buffer around one.
pub struct ArchiveWriter<W> {
    out: W,
    key: Secret<32>,
    chunk: Zeroizing<Vec<u8>>,
    number: u64,
}

/// Reads an archive.
pub struct ArchiveReader<R> {
    input: R,
    key: Secret<32>,
    /// Of the present chunk what has not been read yet, from `at`.
    chunk: SecretBytes,
    at: usize,
    number: u64,
    is_last: bool,
}

/// What opens the archives of an account: made from its credentials once, so that one can be written when they are not at
/// hand. Belongs in the container.
pub struct ArchiveKey {
    salt: [u8; 32],
    key: Secret<32>,
}

impl ArchiveKey {
    /// Runs the password function once.
    ///
    /// # Errors
    /// [`TooLittleMemory`].
    pub fn derive(
        nickname: &str,
        password: &[u8],
        cost: Cost,
        rng: &mut impl CryptoRng,
    ) -> Result<Self, TooLittleMemory> {
        let salt = *Secret::<32>::random(rng).dangerously_expose();
        let key = credentials_key(&salt, nickname, password, cost)?;
        Ok(Self { salt, key })
    }

    /// Whether it was made from these. Runs the password function once.
    ///
    /// # Errors
    /// [`TooLittleMemory`].
    pub fn is_of(&self, nickname: &str, password: &[u8], cost: Cost) -> Result<bool, TooLittleMemory> {
        Ok(credentials_key(&self.salt, nickname, password, cost)?.ct_eq(&self.key))
    }

    /// A second copy.
    #[must_use]
    pub fn dangerously_duplicate(&self) -> Self {
        Self {
            salt: self.salt,
            key: self.key.dangerously_duplicate(),
        }
    }

    /// The length of its record.
    pub const RECORD_BYTES: usize = 64;

    /// For the container, and for nothing else: salt and key.
    pub fn to_record(&self) -> SecretBytes {
        SecretBytes::from([self.salt.as_slice(), self.key.dangerously_expose()].concat())
    }

    /// Reads what [`to_record`](Self::to_record) wrote.
    pub fn from_record(record: &[u8]) -> Option<Self> {
        let (salt, key) = record.split_first_chunk::<32>()?;
        let key = Secret::from_slice(key)?;
        Some(Self { salt: *salt, key })
    }
}

/// One thing in an archive. What the tag means, and how the body is read, is the caller's affair.
pub struct Item {
    /// What kind of thing it is.
    pub tag: u16,
    /// At most [`Item::MAX_BYTES`].
    pub body: SecretBytes,
}

impl Item {
    /// No body is longer; what is longer is several items.
    pub const MAX_BYTES: usize = 8 * 1024 * 1024;
}

/// Why no archive was written. What has been written until then is of no use.
#[derive(Debug, thiserror::Error)]
pub enum WriteArchiveError {
    /// An item is longer than [`Item::MAX_BYTES`].
    #[error("an item of {length} bytes is too long for an archive")]
    TooLarge {
        /// Its length.
        length: usize,
    },
    /// The key derivation needs more memory than there is.
    #[error(transparent)]
    TooLittleMemory(#[from] TooLittleMemory),
    /// No room.
    #[error("the disk is full")]
    DiskFull,
    /// The file system refused.
    #[error("could not write the archive")]
    Write(#[source] io::Error),
}

/// Why an archive was not read.
#[derive(Debug, thiserror::Error)]
pub enum ReadArchiveError {
    /// These credentials do not open it; or its first bytes are damaged, which looks the same.
    #[error("wrong nickname or password")]
    WrongCredentials,
    /// It ends too early: this is not all of it.
    #[error("the archive is cut short")]
    CutShort,
    /// It is not what was written.
    #[error("the archive is damaged")]
    Damaged,
    /// Written by a later version of this program.
    #[error("archive format {found} is newer than {supported}")]
    TooNew {
        /// The version found.
        found: u8,
        /// The newest that this program reads.
        supported: u8,
    },
    /// The key derivation needs more memory than there is.
    #[error(transparent)]
    TooLittleMemory(#[from] TooLittleMemory),
    /// The file system refused.
    #[error("could not read the archive")]
    Read(#[source] io::Error),
}

impl<W: Write> ArchiveWriter<W> {
    /// Begins an archive that these credentials open. Runs the password function once.
    ///
    /// # Errors
    /// See [`WriteArchiveError`].
    pub fn create(
        out: W,
        nickname: &str,
        password: &[u8],
        cost: Cost,
        rng: &mut impl CryptoRng,
    ) -> Result<Self, WriteArchiveError> {
        let credentials = ArchiveKey::derive(nickname, password, cost, rng)?;
        Self::create_with(out, &credentials, rng)
    }

    /// Begins an archive that the credentials behind this key open.
    ///
    /// # Errors
    /// See [`WriteArchiveError`].
    pub fn create_with(
        mut out: W,
        credentials: &ArchiveKey,
        rng: &mut impl CryptoRng,
    ) -> Result<Self, WriteArchiveError> {
        let key = Secret::random(rng);
        let front = [&[VERSION], credentials.salt.as_slice()].concat();
        let wrapped = aead::committing::seal(&credentials.key, rng, &front, key.dangerously_expose());
        out.write_all(&front)?;
        out.write_all(&wrapped)?;
        Ok(Self {
            out,
            key,
            chunk: empty_chunk(),
            number: 0,
        })
    }

    /// Adds an item.
    ///
    /// # Errors
    /// See [`WriteArchiveError`].
    pub fn put(&mut self, tag: u16, body: &[u8], rng: &mut impl CryptoRng) -> Result<(), WriteArchiveError> {
        let length = u32::try_from(body.len())
            .ok()
            .filter(|_| body.len() <= Item::MAX_BYTES)
            .ok_or(WriteArchiveError::TooLarge { length: body.len() })?;
        self.append(&tag.to_be_bytes(), rng)?;
        self.append(&length.to_be_bytes(), rng)?;
        self.append(body, rng)
    }

    /// Ends the archive, which is not one before, and gives back what it was written to. Syncing that is the caller's.
    ///
    /// # Errors
    /// See [`WriteArchiveError`].
    pub fn finish(mut self, rng: &mut impl CryptoRng) -> Result<W, WriteArchiveError> {
        self.seal_chunk(LAST, rng)?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn append(&mut self, mut bytes: &[u8], rng: &mut impl CryptoRng) -> Result<(), WriteArchiveError> {
        while !bytes.is_empty() {
            // A chunk is sealed when more comes than fits, so that the last one is never empty but in an empty archive.
            if self.chunk.len() == LENGTH + CHUNK {
                self.seal_chunk(MORE, rng)?;
            }
            let room = LENGTH + CHUNK - self.chunk.len();
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.chunk.extend_from_slice(now);
            bytes = later;
        }
        Ok(())
    }

    fn seal_chunk(&mut self, mark: u8, rng: &mut impl CryptoRng) -> Result<(), WriteArchiveError> {
        let length = u32::try_from(self.chunk.len() - LENGTH).expect("a chunk is 64 KiB");
        if let Some(front) = self.chunk.first_chunk_mut::<LENGTH>() {
            *front = length.to_be_bytes();
        }
        self.chunk.resize(LENGTH + CHUNK, 0);
        let sealed = aead::seal(&self.key, rng, &associated(self.number, mark), &self.chunk);
        self.out.write_all(&sealed)?;
        self.number += 1;
        self.chunk = empty_chunk();
        Ok(())
    }
}

impl<R: Read> ArchiveReader<R> {
    /// Opens an archive. Runs the password function once.
    ///
    /// # Errors
    /// See [`ReadArchiveError`].
    pub fn open(mut input: R, nickname: &str, password: &[u8], cost: Cost) -> Result<Self, ReadArchiveError> {
        let mut front = [0; HEADER];
        fill(&mut input, &mut front)?;
        let mut reader = Reader::new(&front);
        let version = reader.u8().map_err(|_| ReadArchiveError::CutShort)?;
        match version {
            VERSION => {}
            0 => return Err(ReadArchiveError::Damaged),
            found => {
                return Err(ReadArchiveError::TooNew {
                    found,
                    supported: VERSION,
                });
            }
        }
        let salt: [u8; 32] = reader.array().map_err(|_| ReadArchiveError::CutShort)?;
        let associated = [&[VERSION], salt.as_slice()].concat();
        let key = aead::committing::open(
            &credentials_key(&salt, nickname, password, cost)?,
            &associated,
            reader.rest(),
        )
        .map_err(|_| ReadArchiveError::WrongCredentials)?;
        Ok(Self {
            input,
            key: Secret::from_slice(key.dangerously_expose()).ok_or(ReadArchiveError::Damaged)?,
            chunk: SecretBytes::from(Vec::new()),
            at: 0,
            number: 0,
            is_last: false,
        })
    }

    /// The next item. `None` says that this was all of them, and that nothing is missing.
    ///
    /// # Errors
    /// See [`ReadArchiveError`].
    pub fn next_item(&mut self) -> Result<Option<Item>, ReadArchiveError> {
        if self.is_exhausted()? {
            return Ok(None);
        }
        let mut front = [0; ITEM_HEADER];
        self.take(&mut front)?;
        let [tag_high, tag_low, length @ ..] = front;
        let length = usize::try_from(u32::from_be_bytes(length))
            .ok()
            .filter(|length| *length <= Item::MAX_BYTES)
            .ok_or(ReadArchiveError::Damaged)?;
        let mut body = Zeroizing::new(vec![0; length]);
        self.take(&mut body)?;
        Ok(Some(Item {
            tag: u16::from_be_bytes([tag_high, tag_low]),
            body: SecretBytes::from(std::mem::take(&mut *body)),
        }))
    }

    /// How many bytes of the archive have been read, to show how far it is.
    pub fn position(&self) -> u64 {
        HEADER as u64 + self.number * SEALED as u64
    }

    /// Whether all has been read; reads on to find out.
    fn is_exhausted(&mut self) -> Result<bool, ReadArchiveError> {
        while self.at == self.chunk.dangerously_expose().len() {
            if self.is_last {
                return Ok(true);
            }
            self.next_chunk()?;
        }
        Ok(false)
    }

    fn take(&mut self, mut to: &mut [u8]) -> Result<(), ReadArchiveError> {
        while !to.is_empty() {
            if self.is_exhausted()? {
                return Err(ReadArchiveError::Damaged);
            }
            let from = self.chunk.dangerously_expose().get(self.at..).unwrap_or_default();
            let length = from.len().min(to.len());
            let (now, later) = to.split_at_mut(length);
            now.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
            self.at += length;
            to = later;
        }
        Ok(())
    }

    fn next_chunk(&mut self) -> Result<(), ReadArchiveError> {
        let mut sealed = vec![0; SEALED];
        fill(&mut self.input, &mut sealed)?;
        let open = |mark| aead::open(&self.key, &associated(self.number, mark), &sealed);
        let (plain, is_last) = match open(MORE) {
            Ok(plain) => (plain, false),
            Err(_) => (open(LAST).map_err(|_| ReadArchiveError::Damaged)?, true),
        };
        if is_last && self.input.read(&mut [0])? != 0 {
            return Err(ReadArchiveError::Damaged);
        }
        let mut reader = Reader::new(plain.dangerously_expose());
        let length = reader.u32().map_err(|_| ReadArchiveError::Damaged)?;
        let length = usize::try_from(length).map_err(|_| ReadArchiveError::Damaged)?;
        let bytes = reader.bytes(length).map_err(|_| ReadArchiveError::Damaged)?;
        self.chunk = SecretBytes::from(bytes.to_vec());
        self.at = 0;
        self.number += 1;
        self.is_last = is_last;
        Ok(())
    }
}

fn credentials_key(
    salt: &[u8; 32],
    nickname: &str,
    password: &[u8],
    cost: Cost,
) -> Result<Secret<32>, TooLittleMemory> {
    let salt = hash(label::ARCHIVE_SALT, &[salt, nickname.as_bytes()]);
    let stretched = outis_crypto::password::stretch::<32>(password, &salt, cost)?;
    Ok(derive(label::ARCHIVE_KEY, &stretched, &[]))
}

fn associated(number: u64, mark: u8) -> Vec<u8> {
    [number.to_be_bytes().as_slice(), &[mark]].concat()
}

fn empty_chunk() -> Zeroizing<Vec<u8>> {
    let mut chunk = Zeroizing::new(Vec::with_capacity(LENGTH + CHUNK));
    chunk.extend_from_slice(&[0; LENGTH]);
    chunk
}

fn fill(input: &mut impl Read, to: &mut [u8]) -> Result<(), ReadArchiveError> {
    match input.read_exact(to) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(ReadArchiveError::CutShort),
        result => Ok(result?),
    }
}

impl From<io::Error> for WriteArchiveError {
    fn from(error: io::Error) -> Self {
        if is_full(&error) {
            Self::DiskFull
        } else {
            Self::Write(error)
        }
    }
}

impl From<io::Error> for ReadArchiveError {
    fn from(error: io::Error) -> Self {
        Self::Read(error)
    }
}

const VERSION: u8 = 1;
const CHUNK: usize = 64 * 1024;
const LENGTH: usize = 4;
const SEALED: usize = LENGTH + CHUNK + aead::OVERHEAD;
const HEADER: usize = 1 + 32 + 32 + aead::committing::OVERHEAD;
const ITEM_HEADER: usize = 2 + 4;
const MORE: u8 = 0;
const LAST: u8 = 1;

#[cfg(test)]
mod tests;
