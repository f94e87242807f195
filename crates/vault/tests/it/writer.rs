//! The process that the other tests kill or starve: this test binary again, told by its environment what to do.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use outis_crypto::password::Cost;
use outis_crypto::{SecretBytes, os_rng};
use outis_vault::{Commit, CommitError, FileError, FileId, Key, Layout, OpenError, Order, ReadError, Table, Vault};

const RECORDS: Table = Table(1);
pub(crate) const STATE: Table = Table(2);
const BALLAST: Table = Table(3);
const OWNER: [u8; 32] = [7; 32];
/// The writer keeps this many records and erases those before: enough for some of them to come to rest in pages.
pub(crate) const KEPT: u64 = 80;
/// So often it is closed, which takes the journal into sled, and opened again.
const REOPENED: u64 = 50;
/// Records are this far apart, so that fewer commits fill a window.
const STRIDE: u64 = 2;

const JOB: &str = "OUTIS_VAULT_WRITER_JOB";
const DIR: &str = "OUTIS_VAULT_WRITER_DIR";
/// After so many commits the writer ends in good order.
pub(crate) const LIMIT: &str = "OUTIS_VAULT_WRITER_LIMIT";

/// Nickname and password of an attempt, with a slash between them.
pub(crate) const ATTEMPT: &str = "OUTIS_VAULT_WRITER_ATTEMPT";

/// What the writer does until it is killed or fails.
#[derive(Clone, Copy)]
pub(crate) enum Job {
    /// Commits: a record more, the state anew, an old record erased; now and then a file.
    Commits,
    /// Commits: a record more each time, and nothing erased.
    Fill,
    /// Changes the password again and again.
    Passwords,
    /// Makes the account and deletes it, again and again.
    Accounts,
    /// Tries to open with the credentials of [`ATTEMPT`], once.
    Attempt,
}

/// The command that runs a job in another process. It says on its output what it has been told is done.
pub(crate) fn writer(job: Job, dir: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("a test binary has a path"));
    command.args(["writer::the_other_process", "--exact", "--nocapture"]);
    let job = match job {
        Job::Commits => "commits",
        Job::Fill => "fill",
        Job::Passwords => "passwords",
        Job::Accounts => "accounts",
        Job::Attempt => "attempt",
    };
    command.env(JOB, job).env(DIR, dir);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    command
}

/// A folder for tests that do without a disk that is slow to sync: a kill takes nothing from the system's memory, and
/// images of power cuts are the model's to make. `make test` names a place there that it clears, also of what a killed test left.
pub(crate) fn scratch() -> tempfile::TempDir {
    let memory = std::env::var_os("OUTIS_MEMORY").map_or_else(|| PathBuf::from("/dev/shm"), PathBuf::from);
    if memory.is_dir() {
        tempfile::tempdir_in(memory)
    } else {
        tempfile::tempdir()
    }
    .expect("room for a folder")
}

/// Opens the container of the tests.
pub(crate) fn open(dir: &Path, password: u64) -> Result<Vault, OpenError> {
    Vault::open(
        dir,
        "ada",
        format!("password {password}").as_bytes(),
        Cost::dangerously_cheap(),
        os_rng(),
    )
}

/// Makes it, with password 0.
pub(crate) fn create(dir: &Path) -> Vault {
    Vault::create(dir, "ada", b"password 0", Cost::dangerously_cheap(), os_rng()).expect("a fresh folder")
}

/// What record `n` holds: lengths from a few bytes to several pieces.
pub(crate) fn content(n: u64) -> Vec<u8> {
    let length = usize::try_from(n * 7_919 % 900).expect("small") * if n.is_multiple_of(10) { 20 } else { 1 };
    n.to_be_bytes().into_iter().cycle().take(8 + length).collect()
}

fn key(n: u64) -> Key {
    Key::new(RECORDS, OWNER, STRIDE * n)
}

/// The number of the last commit that the container has.
pub(crate) fn last(vault: &Vault) -> Result<Option<u64>, ReadError> {
    Ok(vault.last_index(RECORDS, &OWNER)?.map(|index| index / STRIDE))
}

/// All records, or the newest of them, in this order.
pub(crate) fn records(vault: &Vault, order: Order, limit: usize) -> Vec<(u64, SecretBytes)> {
    let found = vault.range(RECORDS, &OWNER, .., order, limit).expect("readable");
    found
        .into_iter()
        .map(|(index, value)| (index / STRIDE, value))
        .collect()
}

/// The commit that follows the one numbered `n - 1`.
pub(crate) fn commit(n: u64) -> Commit {
    let commit = Commit::new()
        .put(key(n), content(n))
        .put(Key::single(STATE), content(n));
    match n.checked_sub(KEPT) {
        Some(old) => commit.erase(key(old)),
        None => commit,
    }
}

/// As [`commit`], but nothing is erased and each record takes room.
pub(crate) fn filling(n: u64) -> Commit {
    let record = content(n);
    let commit = Commit::new()
        .put(key(n), record.clone())
        .put(Key::single(STATE), record);
    commit.put(Key::new(BALLAST, OWNER, n), vec![0; 20_000])
}

/// The body of the other process. Run without its environment, it has nothing to do.
#[test]
fn the_other_process() {
    let (Ok(job), Some(dir)) = (std::env::var(JOB), std::env::var_os(DIR)) else {
        return;
    };
    let dir = PathBuf::from(dir);
    match job.as_str() {
        "commits" => write_commits(&dir, commit, REOPENED),
        "fill" => write_commits(&dir, filling, u64::MAX),
        "accounts" => make_and_delete(&dir),
        "attempt" => attempt(&dir),
        _ => change_passwords(&dir),
    }
}

fn write_commits(dir: &Path, commit: fn(u64) -> Commit, reopened: u64) {
    let mut vault = open(dir, 0).expect("it opens after any kill");
    let n = last(&vault).expect("readable").map_or(0, |last| last + 1);
    let limit = std::env::var(LIMIT)
        .ok()
        .and_then(|limit| limit.parse().ok())
        .unwrap_or(u64::MAX);
    for n in (n..).take(usize::try_from(limit).expect("no more than memory could count")) {
        if n % reopened == reopened - 1 {
            vault.lock();
            vault = open(dir, 0).expect("it was closed in good order");
        }
        let done = write_file(&vault, n).map_err(Failure::File);
        match done.and_then(|()| vault.commit(commit(n)).map_err(Failure::Commit)) {
            Ok(()) => say(&format!("told {n}")),
            Err(Failure::File(FileError::DiskFull) | Failure::Commit(CommitError::DiskFull)) => return say("full"),
            Err(failure) => panic!("{failure:?}"),
        }
    }
}

#[derive(Debug)]
enum Failure {
    File(#[allow(dead_code, reason = "shown when it is unexpected")] FileError),
    Commit(#[allow(dead_code, reason = "shown when it is unexpected")] CommitError),
}

/// Now and then a file comes before the commit.
fn write_file(vault: &Vault, n: u64) -> Result<(), FileError> {
    if !n.is_multiple_of(25) {
        return Ok(());
    }
    let id = FileId([u8::try_from(n % 5).expect("small"); 32]);
    vault.files().create(
        id,
        Layout {
            chunk_bytes: 20_000,
            chunks: 2,
        },
    )?;
    vault.files().write_chunk(id, 1, &content(n))?;
    vault.files().sync(id)
}

fn change_passwords(dir: &Path) {
    let mut n = (0..).find(|n| open(dir, *n).is_ok()).expect("one of them opens");
    let vault = open(dir, n).expect("it just did");
    loop {
        let (old, new) = (format!("password {n}"), format!("password {}", n + 1));
        let cost = Cost::dangerously_cheap();
        vault
            .change_password("ada", old.as_bytes(), new.as_bytes(), cost, &mut os_rng())
            .expect("there is room");
        n += 1;
        say(&format!("told {n}"));
    }
}

fn attempt(dir: &Path) {
    let given = std::env::var(ATTEMPT).expect("it says with what");
    let (nickname, password) = given.split_once('/').expect("two of them");
    let opened = Vault::open(dir, nickname, password.as_bytes(), Cost::dangerously_cheap(), os_rng());
    let is_right = given == "ada/password 0";
    assert!(opened.is_ok() == is_right && (is_right || matches!(opened, Err(OpenError::WrongCredentials))));
}

fn make_and_delete(dir: &Path) {
    for n in (0..).step_by(2) {
        // Made now, or left by the writer before.
        let vault = open(dir, 0).unwrap_or_else(|_| create(dir));
        vault.commit(commit(0)).expect("there is room");
        vault.lock();
        say(&format!("told {n}"));
        let destroyed = Vault::destroy(dir, "ada", b"password 0", Cost::dangerously_cheap(), &mut os_rng());
        destroyed.expect("it is there and locked");
        say(&format!("told {}", n + 1));
    }
}

/// One line, at once, on the real output: the test harness holds nothing of it back.
fn say(line: &str) {
    let mut out = std::io::stdout();
    writeln!(out, "{line}")
        .and_then(|()| out.flush())
        .expect("the parent listens");
}
