//! What docs/ARCHITECTURE.md says of the rooms, held against the manifests and the sources.

use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Where each of these comes in, and nowhere else.
const DOORS: &[(&str, &[&str])] = &[
    ("sled", &["outis-vault"]),
    ("libp2p", &["outis-net"]),
    ("tauri", &["outis-desktop"]),
    ("argon2", &["outis-crypto"]),
    ("chacha20poly1305", &["outis-crypto"]),
    ("curve25519-dalek", &["outis-crypto"]),
    ("ed25519-dalek", &["outis-crypto"]),
    ("x25519-dalek", &["outis-crypto"]),
    ("ml-kem", &["outis-crypto"]),
    ("libcrux-ml-kem", &["outis-crypto"]),
    ("hkdf", &["outis-crypto"]),
    // The tests turn its compiler on; they call nothing of it.
    ("equix", &["outis-mailbox", "outis-tests"]),
];

/// No clock, no randomness of their own, no files, no sockets, no runtime.
const PURE: &[&str] = &["wire", "crypto", "identity", "ratchet", "onion", "transfer"];

#[test]
fn crates_import_only_what_the_map_allows() {
    assert_eq!(forbidden(&packages(), &map()), Vec::<String>::new());
}

#[test]
fn an_arrow_that_the_map_does_not_have_is_caught() {
    let mut packages = packages();
    packages
        .entry("outis-ratchet".to_owned())
        .or_default()
        .insert("outis-net".to_owned());
    packages
        .entry("outis-node".to_owned())
        .or_default()
        .insert("sled".to_owned());
    packages.insert("outis-common".to_owned(), BTreeSet::new());
    let found = forbidden(&packages, &map());
    assert_eq!(
        found,
        [
            "outis-common is no room of the map",
            "outis-node imports sled, whose door is outis-vault",
            "outis-ratchet imports outis-net",
        ]
    );
}

#[test]
fn unsafe_code_is_forbidden_everywhere() {
    let root = fs::read_to_string(root().join("Cargo.toml")).expect("the workspace's manifest");
    assert!(root.lines().any(|line| line.trim() == "unsafe_code = \"forbid\""));
    for manifest in manifests() {
        let text = fs::read_to_string(&manifest).expect("a manifest");
        assert!(
            inherits_lints(&text),
            "{} does not inherit the workspace's lints",
            manifest.display()
        );
    }
    assert!(
        !inherits_lints("[package]\nname = \"x\"\n"),
        "a manifest without lints is seen"
    );
    let lenient: Vec<_> = sources()
        .into_iter()
        .filter(|file| says(file, "allow(unsafe_code)"))
        .collect();
    assert_eq!(
        lenient,
        Vec::<PathBuf>::new(),
        "forbidden lints cannot be allowed; nobody should try"
    );
}

#[test]
fn pure_crates_ask_nobody_for_the_time_or_for_chance() {
    const DOORS_OUT: &[&str] = &[
        "SystemTime::now",
        "Instant::now",
        "std::fs",
        "TcpStream",
        "UdpSocket",
        "std::env",
        "tokio::",
        "thread::spawn",
    ];
    let mut found = Vec::new();
    for room in PURE {
        for file in rust_files(&root().join("crates").join(room).join("src")) {
            let text = without_tests(&fs::read_to_string(&file).expect("a source"));
            let random = *room != "crypto" && text.contains("os_rng(");
            if random || DOORS_OUT.iter().any(|door| text.contains(door)) {
                found.push(file);
            }
        }
    }
    assert_eq!(found, Vec::<PathBuf>::new());
}

#[test]
fn files_are_short_and_modules_have_names() {
    const LONGEST: usize = 600;
    for file in sources() {
        assert_ne!(
            file.file_name().and_then(|name| name.to_str()),
            Some("mod.rs"),
            "{}",
            file.display()
        );
        let lines = without_tests(&fs::read_to_string(&file).expect("a source"))
            .lines()
            .count();
        assert!(lines <= LONGEST, "{} has {lines} lines", file.display());
    }
    let long = format!(
        "{}#[cfg(test)]\nmod tests {{\n{}}}\n",
        "//\n".repeat(5),
        "//\n".repeat(9)
    );
    assert_eq!(without_tests(&long).lines().count(), 5);
}

/// What takes long has a short form, and reads `OUTIS_SOAK` for the long one.
#[test]
fn no_test_is_left_out() {
    const LEFT_OUT: &str = concat!("#[", "ignore");
    let folders = ["benches", "crates", "fuzz", "src-tauri", "tests"];
    let files = folders
        .iter()
        .flat_map(|folder| files_but(&["target"], &root().join(folder)));
    let files: Vec<PathBuf> = files.collect();
    assert!(files.iter().any(|file| file.ends_with("tests/it/architecture.rs")));
    let left_out: Vec<_> = files.into_iter().filter(|file| says(file, LEFT_OUT)).collect();
    assert_eq!(left_out, Vec::<PathBuf>::new());
    for script in ["test", "soak"] {
        let script = fs::read_to_string(root().join("scripts").join(script)).expect("a script");
        assert!(script.contains("nextest run") && !script.contains("-ignored"));
    }
}

/// A release build has developer tools only with this feature, of either crate, whoever turns it on.
#[test]
fn a_release_window_has_no_developer_tools() {
    let metadata = cargo_metadata(&["--locked"]);
    let nodes = metadata["resolve"]["nodes"].as_array().expect("a list");
    for (package, other) in [("tauri", "wry"), ("wry", "x11")] {
        let features: Vec<_> = nodes
            .iter()
            .filter(|node| {
                node["id"]
                    .as_str()
                    .is_some_and(|id| id.contains(&format!("#{package}@")))
            })
            .flat_map(|node| node["features"].as_array().expect("a list"))
            .filter_map(Value::as_str)
            .collect();
        assert!(features.contains(&other), "{package}'s features were not found");
        assert!(!features.contains(&"devtools"), "{package} has developer tools");
    }
}

/// Everything that is imported and must not be, in order.
fn forbidden(packages: &BTreeMap<String, BTreeSet<String>>, map: &BTreeMap<String, BTreeSet<String>>) -> Vec<String> {
    let mut found = Vec::new();
    for (package, imports) in packages {
        let Some(allowed) = map.get(package) else {
            found.push(format!("{package} is no room of the map"));
            continue;
        };
        for import in imports {
            if import.starts_with("outis-") && !allowed.contains(import) {
                found.push(format!("{package} imports {import}"));
            }
            let door = DOORS
                .iter()
                .find(|(name, at)| name == import && !at.contains(&package.as_str()));
            if let Some((_, at)) = door {
                found.push(format!(
                    "{package} imports {import}, whose door is {}",
                    at.join(" and ")
                ));
            }
        }
    }
    found
}

/// Package → packages that it may import, from the table of rooms in docs/ARCHITECTURE.md.
fn map() -> BTreeMap<String, BTreeSet<String>> {
    let text = fs::read_to_string(root().join("docs/ARCHITECTURE.md")).expect("the map");
    let mut map = BTreeMap::<String, BTreeSet<String>>::new();
    for line in text.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let &[room, _, may] = cells.as_slice() else { continue };
        let rooms_above = map.keys().cloned().collect();
        let allowed = match may {
            "all above" | "any" => rooms_above,
            names => names.split_whitespace().map(|name| format!("outis-{name}")).collect(),
        };
        map.insert(package(room.trim_matches('`')), allowed);
    }
    assert!(map.len() > 10, "the table of rooms was not found");
    map
}

fn package(room: &str) -> String {
    match room.rsplit('/').next().unwrap_or(room) {
        "src-tauri" => "outis-desktop".to_owned(),
        name => format!("outis-{name}"),
    }
}

/// Package → everything its manifest names, of all kinds of dependencies.
fn packages() -> BTreeMap<String, BTreeSet<String>> {
    let named = |value: &Value| value["name"].as_str().expect("a name").to_owned();
    let list = |value: &Value| value.as_array().expect("a list").clone();
    list(&cargo_metadata(&["--no-deps"])["packages"])
        .iter()
        .map(|package| {
            (
                named(package),
                list(&package["dependencies"]).iter().map(named).collect(),
            )
        })
        .collect()
}

fn manifests() -> Vec<PathBuf> {
    let metadata = cargo_metadata(&["--no-deps"]);
    let packages = metadata["packages"].as_array().expect("a list");
    packages
        .iter()
        .filter_map(|package| package["manifest_path"].as_str().map(PathBuf::from))
        .collect()
}

fn cargo_metadata(arguments: &[&str]) -> Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--offline", "--format-version", "1"])
        .args(arguments)
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

fn inherits_lints(manifest: &str) -> bool {
    manifest
        .split("[lints]")
        .nth(1)
        .is_some_and(|rest| rest.trim_start().starts_with("workspace = true"))
}

/// All Rust that ships: no tests, no benches.
fn sources() -> Vec<PathBuf> {
    let members = manifests()
        .into_iter()
        .filter_map(|manifest| manifest.parent().map(|folder| folder.join("src")));
    members
        .filter(|folder| folder.exists())
        .flat_map(|folder| rust_files(&folder))
        .collect()
}

/// But for those that hold nothing but tests.
fn rust_files(folder: &Path) -> Vec<PathBuf> {
    files_but(&["tests", "testing", "vectors"], folder)
}

fn files_but(skipped: &[&str], folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("a readable entry").path();
        let name = path
            .file_stem()
            .and_then(|name| name.to_str())
            .unwrap_or_default()
            .to_owned();
        if skipped.contains(&name.as_str()) {
            continue;
        }
        if path.is_dir() {
            files.extend(files_but(skipped, &path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

fn without_tests(source: &str) -> String {
    source
        .split("#[cfg(test)]\nmod tests {")
        .next()
        .unwrap_or_default()
        .to_owned()
}

fn says(file: &Path, words: &str) -> bool {
    fs::read_to_string(file).expect("a source").contains(words)
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
