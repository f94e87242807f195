//! How the primitives are used: secrets are compared in constant time, and there is one source of randomness, without
//! which nothing is made.

use std::convert::Infallible;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use outis_crypto::password::Cost;
use outis_crypto::{CryptoRng, Secret, aead, agreement, kem, signature};
use outis_vault::{Commit, Key, MemoryDisk, Order, Table, Vault};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng, TryCryptoRng, TryRng};

/// All Rust that ships, in all crates.
fn rust_files() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let crates = fs::read_dir(root.join("crates")).unwrap();
    let mut folders: Vec<PathBuf> = crates.map(|entry| entry.unwrap().path().join("src")).collect();
    folders.push(root.join("src-tauri/src"));
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files
}

/// What ships of a file: without its tests, and without comments.
fn shipped(path: &Path) -> String {
    let is_test = path.components().any(|part| part.as_os_str() == "tests")
        || ["tests.rs", "testing.rs"].iter().any(|name| path.ends_with(name));
    if is_test {
        return String::new();
    }
    let source = fs::read_to_string(path).unwrap();
    let code = source.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.flat_map(|line| [line, "\n"]).collect()
}

/// Statements that compare what a secret exposes, but for its length.
fn comparisons(code: &str) -> Vec<String> {
    let statements = code.split([';', '{', '}', ',']);
    let compares = |statement: &&str| {
        let exposed = statement
            .replace("dangerously_expose().len()", "")
            .replace("dangerously_expose().is_empty()", "");
        exposed.contains("dangerously_expose()") && (exposed.contains(" == ") || exposed.contains(" != "))
    };
    let words = |statement: &str| statement.split_whitespace().collect::<Vec<_>>().join(" ");
    statements.filter(compares).map(words).collect()
}

/// Not a secret of ours, and nobody waits for the answer: whether the clipboard still holds what was copied.
const COMPARED: [&str; 1] = ["if there.is_ok_and(|there| there == *text.dangerously_expose())"];

#[test]
fn no_exposed_secret_is_compared_but_in_constant_time() {
    let mut found = Vec::new();
    for path in rust_files() {
        let statements = comparisons(&shipped(&path)).into_iter();
        let unlisted = statements.filter(|statement| !COMPARED.contains(&statement.as_str()));
        found.extend(unlisted.map(|statement| format!("{}: {statement}", path.display())));
    }
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn a_comparison_of_exposed_secrets_is_caught() {
    assert_eq!(comparisons("let same = one.dangerously_expose() == two;").len(), 1);
    assert_eq!(comparisons("if one\n    != two.dangerously_expose() {").len(), 1);
    assert!(comparisons("let fits = one.dangerously_expose().len() == 32; one.ct_eq(&two)").is_empty());
}

#[test]
fn secrets_that_differ_anywhere_are_not_equal() {
    let secret = Secret::from_bytes([7; 32]);
    assert!(secret.ct_eq(&secret.dangerously_duplicate()));
    for bit in 0..256 {
        let mut bytes = [7; 32];
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert!(!secret.ct_eq(&Secret::from_bytes(bytes)), "bit {bit}");
    }
}

/// Names by which randomness comes into Rust.
const SOURCES: [&str; 12] = [
    "getrandom",
    "SysRng",
    "thread_rng",
    "rand::rng(",
    "rand::random",
    "SmallRng",
    "StdRng",
    "ChaCha20Rng",
    "fastrand",
    "RandomState",
    "seed_from_u64",
    "from_os_rng",
];

fn sources(code: &str) -> Vec<&'static str> {
    SOURCES.into_iter().filter(|source| code.contains(source)).collect()
}

#[test]
fn randomness_comes_from_the_system_through_one_door() {
    let mut found = Vec::new();
    for path in rust_files() {
        let is_the_door = path.ends_with("crates/crypto/src/lib.rs");
        let names = sources(&shipped(&path));
        assert!(
            !is_the_door || names == ["getrandom", "SysRng"],
            "positive control: the door is seen"
        );
        if !is_the_door && !names.is_empty() {
            found.push(format!("{}: {names:?}", path.display()));
        }
    }
    assert_eq!(found, Vec::<String>::new());
}

/// Works for so many draws, and panics then, as the system's does when it fails.
struct Failing(ChaCha20Rng, u64);

impl Failing {
    fn after(draws: u64) -> Self {
        Self(ChaCha20Rng::seed_from_u64(5), draws)
    }

    fn draw(&mut self) -> &mut ChaCha20Rng {
        self.1 = self.1.checked_sub(1).expect("there is no randomness");
        &mut self.0
    }
}

impl TryRng for Failing {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.draw().next_u32())
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.draw().next_u64())
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.draw().fill_bytes(bytes);
        Ok(())
    }
}

impl TryCryptoRng for Failing {}

fn stops<T>(make: impl FnOnce(&mut Failing) -> T, draws: u64) -> bool {
    catch_unwind(AssertUnwindSafe(|| make(&mut Failing::after(draws)))).is_err()
}

#[test]
fn without_randomness_no_key_and_no_ciphertext_is_made() {
    fn is_random(_: &mut impl CryptoRng) {}
    is_random(&mut outis_crypto::os_rng());
    let key = Secret::from_bytes([1; 32]);
    type Make<'a> = &'a dyn Fn(&mut Failing);
    let makes: [(&str, Make<'_>); 6] = [
        ("a secret", &|rng| drop(Secret::<32>::random(rng))),
        ("a signing key", &|rng| drop(signature::SigningKey::generate(rng))),
        ("an agreement key", &|rng| drop(agreement::SecretKey::generate(rng))),
        ("a decapsulation key", &|rng| drop(kem::DecapsulationKey::generate(rng))),
        ("a ciphertext", &|rng| drop(aead::seal(&key, rng, b"", b"text"))),
        ("a committing ciphertext", &|rng| {
            drop(aead::committing::seal(&key, rng, b"", b"text"))
        }),
    ];
    for (what, make) in makes {
        assert!(stops(make, 0), "{what}");
        assert!(!stops(make, 99), "positive control: {what}");
    }
}

#[test]
fn a_container_whose_randomness_fails_stores_nothing_and_keeps_what_it_has() {
    let dir = tempfile::tempdir().unwrap();
    let cost = Cost::dangerously_cheap();
    assert!(stops(
        |_| Vault::create(dir.path(), "ada", b"password", cost, Failing::after(0)),
        0
    ));
    let key = |index| Key::new(Table(1), [1; 32], index);
    let mut failed = 0;
    for draws in 0..40 {
        let disk = MemoryDisk::new(draws);
        let before = Vault::in_memory(&disk, Failing::after(10_000)).unwrap();
        before.commit(Commit::new().put(key(0), b"kept".to_vec())).unwrap();
        let Ok(opened) = catch_unwind(AssertUnwindSafe(|| Vault::in_memory(&disk, Failing::after(draws)))) else {
            failed += 1;
            continue;
        };
        let vault = opened.unwrap();
        let commit = Commit::new()
            .put(key(0), b"newer".to_vec())
            .put(key(1), b"more".to_vec());
        let is_done = catch_unwind(AssertUnwindSafe(|| vault.commit(commit))).is_ok();
        failed += u64::from(!is_done);
        // Closing overwrites the old root with what looks random, or stops too.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(vault)));
        let vault = Vault::in_memory(&disk, Failing::after(10_000)).unwrap();
        let found = vault.range(Table(1), &[1; 32], .., Order::Ascending, 9).unwrap();
        let found: Vec<_> = found.iter().map(|(_, value)| value.dangerously_expose()).collect();
        let expected: &[&[u8]] = if is_done { &[b"newer", b"more"] } else { &[b"kept"] };
        assert_eq!(found, expected, "after {draws} draws");
    }
    assert!(failed > 0 && failed < 40, "positive control: {failed} of 40 failed");
}
