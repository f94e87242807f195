//! A thief with the disk: known names, texts and keys are looked for in every byte and every name.

use std::fs;
use std::path::{Path, PathBuf};

use outis_crypto::os_rng;
use outis_crypto::password::Cost;
use outis_vault::{Commit, FileId, Key, Layout, RelayBatch, RelayStore, Table, Vault};

const NICKNAME: &str = "calypso-of-ogygia";
const PASSWORD: &[u8] = b"seven years and nobody came";
const TEXT: &[u8] = b"the raft is ready, meet me at the western beach";
const OWNER: [u8; 32] = *b"contact-key-of-nobody-in-particu";
const FILE: &[u8] = b"blueprint of the raft, sheet one of twelve";

/// All forms in which the canaries would give themselves away.
fn needles() -> Vec<Vec<u8>> {
    let plain: [&[u8]; 5] = [NICKNAME.as_bytes(), PASSWORD, TEXT, &OWNER, FILE];
    let forms = |canary: &[u8]| {
        let wide: Vec<u8> = canary.iter().flat_map(|byte| [*byte, 0]).collect();
        let lower = hex::encode(canary);
        let upper = lower.to_uppercase();
        let mut forms = vec![canary.to_vec(), wide, lower.into_bytes(), upper.into_bytes()];
        // Base64 of it at each of the three alignments, without the characters that depend on the neighbours.
        forms.extend((0..3).map(|shift| base64_core(canary, shift)));
        forms
    };
    plain.into_iter().flat_map(forms).collect()
}

fn base64_core(canary: &[u8], shift: usize) -> Vec<u8> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let padded: Vec<u8> = std::iter::repeat_n(0, shift).chain(canary.iter().copied()).collect();
    let encoded = padded.chunks_exact(3).flat_map(|chunk| {
        let bits = u32::from_be_bytes([0, chunk[0], chunk[1], chunk[2]]);
        [18, 12, 6, 0].map(|shift| ALPHABET[((bits >> shift) & 63) as usize])
    });
    encoded.skip(4).collect()
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        }
        found.push(path);
    }
    found
}

fn hits(dir: &Path) -> usize {
    // By their first byte, so that one pass over all bytes is enough.
    let mut needles_by_start: [Vec<Vec<u8>>; 256] = std::array::from_fn(|_| Vec::new());
    for needle in needles() {
        needles_by_start[usize::from(needle[0])].push(needle);
    }
    let mut hits = 0;
    for path in files(dir) {
        let mut haystack = path
            .strip_prefix(dir)
            .unwrap()
            .to_string_lossy()
            .into_owned()
            .into_bytes();
        if path.is_file() {
            haystack.extend(fs::read(&path).unwrap());
        }
        for (start, byte) in haystack.iter().enumerate() {
            let here = &haystack[start..];
            hits += needles_by_start[usize::from(*byte)]
                .iter()
                .filter(|needle| here.starts_with(needle))
                .count();
        }
    }
    hits
}

#[test]
fn nothing_that_was_put_in_can_be_found_in_any_file() {
    let dir = tempfile::tempdir().unwrap();
    let cost = Cost::dangerously_cheap();
    let vault = Vault::create(dir.path(), NICKNAME, PASSWORD, cost, os_rng()).unwrap();
    for n in 0..30 {
        vault
            .commit(Commit::new().put(Key::new(Table(1), OWNER, n), TEXT.to_vec()))
            .unwrap();
    }
    vault
        .commit(
            Commit::new()
                .put(Key::new(Table(1), OWNER, 99), TEXT.repeat(1_000))
                .erase(Key::new(Table(1), OWNER, 3)),
        )
        .unwrap();
    let id = FileId(OWNER);
    vault
        .files()
        .create(
            id,
            Layout {
                chunk_bytes: 64,
                chunks: 2,
            },
        )
        .unwrap();
    vault.files().write_chunk(id, 0, FILE).unwrap();
    vault.files().sync(id).unwrap();
    vault
        .change_password(NICKNAME, PASSWORD, b"another", cost, &mut os_rng())
        .unwrap();
    assert_eq!(hits(dir.path()), 0, "while open");
    vault.lock();
    assert_eq!(hits(dir.path()), 0, "when locked");
}

#[test]
fn the_same_search_finds_a_leak() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(hits(dir.path()), 0);
    RelayStore::open(dir.path())
        .unwrap()
        .write(RelayBatch::new().put(OWNER, TEXT))
        .unwrap();
    assert!(hits(dir.path()) >= 2, "a store that does not seal");
    for leak in [
        hex::encode(TEXT).into_bytes(),
        TEXT.iter().flat_map(|byte| [*byte, 0]).collect(),
    ] {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("leak"), leak).unwrap();
        assert_eq!(hits(dir.path()), 1);
    }
    // "x" ‖ text, in base64.
    fs::write(dir.path().join("leak"), base64_core(&[b"x", TEXT].concat(), 0)).unwrap();
    assert!(hits(dir.path()) >= 3);
}

#[test]
fn every_path_is_on_the_list() {
    let dir = tempfile::tempdir().unwrap();
    let vault = Vault::create(dir.path(), NICKNAME, PASSWORD, Cost::dangerously_cheap(), os_rng()).unwrap();
    vault
        .files()
        .create(
            FileId([1; 32]),
            Layout {
                chunk_bytes: 64,
                chunks: 1,
            },
        )
        .unwrap();
    let is_hex = |text: &str| text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    for path in files(dir.path()) {
        let path = path.strip_prefix(dir.path()).unwrap().to_string_lossy().into_owned();
        let known = match path.split('/').collect::<Vec<_>>().as_slice() {
            ["salt"] => true,
            [tag] => is_hex(tag),
            [tag, rest @ ..] if is_hex(tag) => match rest {
                ["header" | "lock" | "root" | "reserve" | "store" | "files"] => true,
                ["journal.0" | "journal.1"] => true,
                ["files", name] => is_hex(name),
                ["store", "db" | "conf" | "blobs" | "written" | "closed"] => true,
                ["store", name] => name.starts_with("snap."),
                _ => false,
            },
            _ => false,
        };
        assert!(known, "{path}");
    }
}
