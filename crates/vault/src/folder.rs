//! The data directory: one folder per account, named by a tag that only the credentials give.
//!
//! ```text
//! salt           32 random bytes of this installation
//! <tag>/header   format version and wrapped data key
//!       header.new   only while a password changes
//!       lock     who has it open
//!       root     two root slots, overwritten in place
//!       reserve  room for opening when the disk is full
//!       store/   sled
//!       files/   sealed files
//! .new-…/  .gone-…/   accounts that are being made or destroyed
//! ```
//!
//! An account begins and ends, and changes its password, with the renaming of its folder: one atomic step each.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use outis_crypto::password::{Cost, TooLittleMemory};
use outis_crypto::{CryptoRng, Secret, derive, hash, label};

use crate::engine::disk::ROOT;
use crate::engine::store::sync_folder;
use crate::fault::Damage;
use crate::header::Header;
use crate::lock_file::LockFile;

/// Who asks: the canonical nickname and the password.
#[derive(Clone, Copy)]
pub(crate) struct Credentials<'a> {
    pub(crate) nickname: &'a str,
    pub(crate) password: &'a [u8],
}

/// How a password is stretched: Argon2id, or in tests the same with a counter.
pub(crate) type Stretch<'a> = dyn FnMut(&[u8], &[u8; 32]) -> Result<Secret<32>, TooLittleMemory> + 'a;

/// Argon2id at a cost.
pub(crate) fn argon2id(cost: Cost) -> impl FnMut(&[u8], &[u8; 32]) -> Result<Secret<32>, TooLittleMemory> {
    move |password, salt| outis_crypto::password::stretch(password, salt, cost)
}

/// What credentials give: where their account would stand, and the key to its header.
pub(crate) struct Door {
    pub(crate) folder: PathBuf,
    pub(crate) key: Secret<32>,
}

impl Door {
    /// Exactly one run of the password function, whatever stands on the disk.
    pub(crate) fn find(
        dir: &Path,
        salt: &[u8; 32],
        who: Credentials<'_>,
        stretch: &mut Stretch<'_>,
    ) -> Result<Self, TooLittleMemory> {
        let salt = hash(label::VAULT_SALT, &[salt, who.nickname.as_bytes()]);
        let root = stretch(who.password, &salt)?;
        let tag = derive::<16>(label::VAULT_TAG, &root, &[]);
        Ok(Self {
            folder: dir.join(hex(tag.dangerously_expose())),
            key: derive(label::VAULT_KEK, &root, &[]),
        })
    }
}

/// The salt of this installation, if it has one. A lost one is taken from any account's header.
pub(crate) fn read_salt(dir: &Path) -> io::Result<Option<[u8; 32]>> {
    let beside = read_if_exists(&dir.join(SALT))?.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
    if beside.is_some() {
        return Ok(beside);
    }
    for folder in folders(dir)? {
        let header = read_if_exists(&folder.join(HEADER))?.and_then(|bytes| Header::decode(&bytes).ok());
        if let Some(header) = header {
            return Ok(Some(header.salt));
        }
    }
    Ok(None)
}

/// As [`read_salt`], and makes one for a fresh installation.
pub(crate) fn ensure_salt(dir: &Path, rng: &mut impl CryptoRng) -> io::Result<[u8; 32]> {
    let salt = read_salt(dir)?.unwrap_or_else(|| *Secret::random(rng).dangerously_expose());
    if read_if_exists(&dir.join(SALT))?.as_deref() != Some(&salt) {
        let beside = dir.join(unique(NEW, rng));
        write_durably(&beside, &salt)?;
        fs::rename(&beside, dir.join(SALT))?;
        sync_folder(dir)?;
    }
    Ok(salt)
}

/// Makes the data directory, readable by its owner only.
pub(crate) fn ensure_directory(dir: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)
}

/// A name for a folder or file in the making.
pub(crate) fn new_folder(dir: &Path, rng: &mut impl CryptoRng) -> PathBuf {
    dir.join(unique(NEW, rng))
}

/// Reads and unwraps the header of a folder that this process has locked, and finishes or takes back a change of
/// password that a crash interrupted.
pub(crate) fn unlock(folder: &Path, key: &Secret<32>) -> Result<(Header, Secret<32>), crate::OpenError> {
    const MISSING: Damage = Damage("the header is missing");
    let (path, pending) = (folder.join(HEADER), folder.join(HEADER_NEW));
    if let Some(bytes) = read_if_exists(&pending)? {
        // It opens with this key only if the folder was renamed already: then the change has happened.
        if let Ok(header) = Header::decode(&bytes)
            && let Ok(data_key) = header.unwrap(key)
        {
            finish_header(folder)?;
            return Ok((header, data_key));
        }
    }
    let header = Header::decode(&read_if_exists(&path)?.ok_or(MISSING)?)?;
    let data_key = header.unwrap(key)?;
    shred(&pending)?;
    Ok((header, data_key))
}

/// Writes a header; durable when it returns.
pub(crate) fn write_header(folder: &Path, header: &Header) -> io::Result<()> {
    write_durably(&folder.join(HEADER), &header.encode())?;
    sync_folder(folder)
}

/// Writes the header that will hold once the folder is renamed.
pub(crate) fn write_pending_header(folder: &Path, header: &Header) -> io::Result<()> {
    write_durably(&folder.join(HEADER_NEW), &header.encode())?;
    sync_folder(folder)
}

/// Takes the pending header back.
pub(crate) fn drop_pending_header(folder: &Path) -> io::Result<()> {
    shred(&folder.join(HEADER_NEW))
}

/// Overwrites the old header in place, so that the old password opens nothing, and puts the pending one in its place.
pub(crate) fn finish_header(folder: &Path) -> io::Result<()> {
    overwrite(&folder.join(HEADER))?;
    fs::rename(folder.join(HEADER_NEW), folder.join(HEADER))?;
    sync_folder(folder)
}

/// Renames an account's folder: the one step by which it appears, moves or disappears.
pub(crate) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    to.parent().map_or(Ok(()), sync_folder)
}

/// Takes an account out of sight in one step, then overwrites what would open it, then removes the rest.
pub(crate) fn destroy(dir: &Path, folder: &Path, rng: &mut impl CryptoRng) -> io::Result<()> {
    let gone = dir.join(unique(GONE, rng));
    rename(folder, &gone)?;
    remove(&gone)?;
    sync_folder(dir)
}

/// Removes what crashes left of accounts in the making or unmaking.
pub(crate) fn sweep(dir: &Path) -> io::Result<()> {
    if !dir.exists() {
        return Ok(());
    }
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name();
        let Some(name) = name
            .to_str()
            .filter(|name| name.starts_with(NEW) || name.starts_with(GONE))
        else {
            continue;
        };
        let path = dir.join(name);
        if !path.is_dir() {
            fs::remove_file(&path)?;
        } else if let Some(_lock) = LockFile::take(&path)? {
            remove(&path)?;
        }
    }
    Ok(())
}

fn remove(folder: &Path) -> io::Result<()> {
    for name in [ROOT, HEADER, HEADER_NEW] {
        overwrite(&folder.join(name))?;
    }
    fs::remove_dir_all(folder)
}

fn folders(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut found: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.is_dir())
        .collect();
    found.sort();
    Ok(found)
}

fn read_if_exists(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn write_durably(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Overwrites a file in place with zeros and removes it, if it is there.
fn shred(path: &Path) -> io::Result<()> {
    overwrite(path)?;
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

fn overwrite(path: &Path) -> io::Result<()> {
    let mut file = match File::options().write(true).open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        file => file?,
    };
    let length = file.metadata()?.len();
    io::copy(&mut io::Read::take(io::repeat(0), length), &mut file)?;
    file.flush()?;
    file.sync_all()
}

fn unique(prefix: &str, rng: &mut impl CryptoRng) -> String {
    format!("{prefix}{}", hex(Secret::<8>::random(rng).dangerously_expose()))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

const SALT: &str = "salt";
const HEADER: &str = "header";
const HEADER_NEW: &str = "header.new";
const NEW: &str = ".new-";
const GONE: &str = ".gone-";
