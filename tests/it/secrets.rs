//! What must never be printed: the types that hold secrets, and everything that is written to a log.

use serde::Serialize;
use std::{
    fmt::{Debug, Display},
    fs,
    marker::PhantomData,
    path::{Path, PathBuf},
};

/// Whether a type has a trait: an inherent constant goes before one of a trait, where its bound holds.
macro_rules! has {
    ($type:ty, $trait:path) => {{
        #[allow(dead_code)]
        trait Without {
            const HAS: bool = false;
        }
        impl<T: ?Sized> Without for T {}
        #[allow(dead_code)]
        struct Probe<T: ?Sized>(PhantomData<T>);
        #[allow(dead_code)]
        impl<T: ?Sized + $trait> Probe<T> {
            const HAS: bool = true;
        }
        <Probe<$type>>::HAS
    }};
}

macro_rules! leaks {
    ($($type:ty),+ $(,)?) => {
        [$((
            stringify!($type),
            has!($type, Debug) || has!($type, Display) || has!($type, Serialize),
        )),+]
        .into_iter()
        .filter_map(|(name, leaks)| leaks.then_some(name))
        .collect::<Vec<_>>()
    };
}

#[test]
fn types_that_hold_secrets_can_be_neither_printed_nor_serialised() {
    use outis_crypto::{Secret, SecretBytes, agreement, kem, signature};
    use outis_identity::{DeviceKeys, Identity, Passphrase, Password};
    use outis_onion::OnionKeys;
    use outis_ratchet::{Prekey, SkippedKey};
    let leaking = leaks![
        Secret<16>,
        Secret<32>,
        Secret<64>,
        SecretBytes,
        Option<Secret<32>>,
        agreement::SecretKey,
        kem::DecapsulationKey,
        signature::SigningKey,
        DeviceKeys,
        Identity,
        Passphrase,
        Password,
        OnionKeys,
        Prekey,
        SkippedKey,
    ];
    assert_eq!(leaking, Vec::<&str>::new());
}

#[test]
fn a_type_that_could_be_printed_is_caught() {
    #[derive(Debug)]
    #[allow(dead_code)]
    struct Careless([u8; 32]);
    #[derive(Serialize)]
    struct Stored([u8; 32]);
    assert_eq!(
        leaks![Careless, Stored, String, Option<Careless>, PhantomData<()>],
        ["Careless", "Stored", "String", "Option<Careless>", "PhantomData<()>"]
    );
}

/// What a log statement may show beside its own words. None of it comes from a person or a peer: errors of ours, whose
/// texts hold no values but sizes and versions, kinds of the system's errors, and counts.
const SHOWN: &[&str] = &[
    "%error",
    "error = %error.kind()",
    "error = %first.kind()",
    "missed",
    "?current",
    "%cause",
    "code = ?error.code",
];

#[test]
fn every_log_statement_shows_words_and_listed_values_only() {
    let mut statements = 0;
    for file in rust_files(&root()) {
        for statement in log_statements(&fs::read_to_string(&file).expect("a source")) {
            statements += 1;
            let unlisted = shown(&statement)
                .into_iter()
                .find(|value| !SHOWN.contains(&value.as_str()));
            assert_eq!(unlisted, None, "{}: {statement}", file.display());
        }
    }
    assert!(statements > 5, "no log statement was found at all");
}

#[test]
fn a_log_statement_that_shows_more_is_caught() {
    let source = r#"
        tracing::info!("all is well");
        tracing::debug!(%error, "no way");
        tracing::trace!(
            ?address,
            "{} says {text}", name
        );
        info!(contact = %peer, "hello");
    "#;
    let all: Vec<Vec<String>> = log_statements(source).iter().map(|one| shown(one)).collect();
    assert_eq!(
        all,
        [
            vec![],
            vec!["%error".to_owned()],
            vec![
                "?address".to_owned(),
                "\"{} says {text}\"".to_owned(),
                "name".to_owned()
            ],
            vec!["contact = %peer".to_owned()],
        ]
    );
}

/// What stands between the brackets of each log macro.
fn log_statements(source: &str) -> Vec<String> {
    const LEVELS: [&str; 6] = ["trace!(", "debug!(", "info!(", "warn!(", "error!(", "event!("];
    let mut found: Vec<(usize, String)> = Vec::new();
    for level in LEVELS {
        for (at, _) in source.match_indices(level) {
            let inside = source.get(at + level.len()..).unwrap_or_default();
            let mut depth = 1_usize;
            let end = inside.find(|c| {
                depth = match c {
                    '(' => depth + 1,
                    ')' => depth - 1,
                    _ => depth,
                };
                depth == 0
            });
            found.push((
                at,
                inside.get(..end.unwrap_or(inside.len())).unwrap_or_default().to_owned(),
            ));
        }
    }
    found.sort();
    found.into_iter().map(|(_, statement)| statement).collect()
}

/// Its arguments but for plain words. No text of ours has a comma outside quotes.
fn shown(statement: &str) -> Vec<String> {
    let mut quoted = false;
    statement
        .split(|c| {
            quoted ^= c == '"';
            c == ',' && !quoted
        })
        .map(str::trim)
        .filter(|argument| !argument.is_empty() && (!argument.starts_with('"') || argument.contains('{')))
        .map(str::to_owned)
        .collect()
}

/// All Rust that ships.
fn rust_files(root: &Path) -> Vec<PathBuf> {
    let crates = fs::read_dir(root.join("crates")).expect("the crates");
    let mut folders: Vec<PathBuf> = crates.map(|entry| entry.expect("a crate").path().join("src")).collect();
    folders.push(root.join("src-tauri/src"));
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a readable folder") {
            let path = entry.expect("a readable entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
