//! Folders and images between two people.

use outis_messenger::{FileError, Metadata, TransferId, TransferState};
use outis_tests::sim::{Accounts, SimNet, TestPeer, befriend};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

const MINUTES: Duration = Duration::from_secs(20 * 60);

/// Offers, accepts, waits and saves.
async fn sent(alice: &TestPeer, bob: &TestPeer, path: &Path, metadata: Metadata, to: &Path) -> TransferId {
    let offered = alice
        .send_file_with(&bob.address(), path, metadata)
        .expect("is offered");
    bob.until("it is offered", MINUTES, |messenger| {
        messenger.transfer(&offered.id).map(drop)
    })
    .await;
    bob.accept_file(&offered.id, None).expect("is accepted");
    bob.until("it is complete", MINUTES, |messenger| {
        messenger
            .transfer(&offered.id)
            .filter(|transfer| transfer.state == TransferState::Complete)
            .map(drop)
    })
    .await;
    bob.save_file(&offered.id, to).expect("is saved");
    offered.id
}

/// All that is in a folder, as paths from it; folders end with a slash.
fn tree(top: &Path) -> BTreeSet<String> {
    fn walk(top: &Path, at: &Path, found: &mut BTreeSet<String>) {
        for entry in fs::read_dir(at).expect("reads") {
            let entry = entry.expect("reads");
            let path = entry.path();
            let name = path
                .strip_prefix(top)
                .expect("is below")
                .to_str()
                .expect("text")
                .to_owned();
            if entry.file_type().expect("reads").is_dir() {
                found.insert(name + "/");
                walk(top, &path, found);
            } else {
                found.insert(name);
            }
        }
    }
    let mut found = BTreeSet::new();
    walk(top, top, &mut found);
    found
}

fn segment(marker: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len() + 2).expect("short").to_be_bytes();
    [&[0xff, marker][..], &length, body].concat()
}

/// As a camera writes it, as far as anybody looks who does not decode it.
fn photograph() -> Vec<u8> {
    [
        &[0xff, 0xd8][..],
        &segment(0xe1, &[b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0", WHERE].concat()),
        &segment(0xdb, &[1; 65]),
        &segment(0xda, &[2; 10]),
        &[7; 100_000],
        &[0xff, 0xd9],
    ]
    .concat()
}

const WHERE: &[u8] = b"N 38.3666 E 20.7181";

fn tells(path: &Path) -> bool {
    let bytes = fs::read(path).expect("reads");
    bytes.windows(WHERE.len()).any(|window| window == WHERE)
}

#[tokio::test(start_paused = true)]
async fn a_folder_arrives_as_a_tree_without_links_and_what_cameras_wrote() {
    let dir = tempfile::tempdir().expect("a folder");
    let net = SimNet::new(60, 8);
    let mut accounts = Accounts::new(&net, 60);
    let (alice, mut bob) = (accounts.create("Alice"), accounts.create("Bob"));
    befriend(&alice, &bob).await;
    let top = dir.path().join("Ithaca");
    fs::create_dir_all(top.join("maps/old/empty")).expect("is made");
    fs::write(top.join("maps/north cove.txt"), "a cove").expect("is written");
    fs::write(top.join("maps/old/large"), vec![5; 300_000]).expect("is written");
    fs::write(top.join("nothing"), "").expect("is written");
    fs::write(top.join("photo.jpg"), photograph()).expect("is written");
    #[cfg(unix)]
    std::os::unix::fs::symlink("/etc/passwd", top.join("link")).expect("is made");

    let copy = dir.path().join("copy");
    let id = sent(&alice, &bob, &top, Metadata::Removed, &copy).await;
    let there = bob.transfer(&id).expect("is known");
    assert_eq!((there.name.as_str(), there.folder), ("Ithaca", true));
    let expected = [
        "maps/",
        "maps/north cove.txt",
        "maps/old/",
        "maps/old/empty/",
        "maps/old/large",
        "nothing",
        "photo.jpg",
    ];
    assert_eq!(tree(&copy), expected.map(str::to_owned).into());
    assert_eq!(fs::read(copy.join("maps/old/large")).expect("reads"), vec![5; 300_000]);
    assert_eq!(fs::read(copy.join("maps/north cove.txt")).expect("reads"), b"a cove");
    assert!(tells(&top.join("photo.jpg")) && !tells(&copy.join("photo.jpg")));
    assert!(matches!(bob.save_file(&id, &copy), Err(FileError::PathExists)));
    bob.crash();
    bob.start();
    bob.save_file(&id, &dir.path().join("again"))
        .expect("is saved after a restart too");
}

/// Names that this disk takes and another one would act on.
#[tokio::test(start_paused = true)]
async fn two_hundred_hostile_names_in_a_folder_stay_in_it() {
    let dir = tempfile::tempdir().expect("a folder");
    let net = SimNet::new(61, 8);
    let mut accounts = Accounts::new(&net, 61);
    let (alice, bob) = (accounts.create("Alice"), accounts.create("Bob"));
    befriend(&alice, &bob).await;
    let top = dir.path().join("..hostile");
    fs::create_dir(&top).expect("is made");
    let devices = [
        "CON",
        "nul.txt",
        "COM1",
        "LPT9.log",
        "aux",
        "desktop.ini",
        "autorun.inf",
        "-rf",
        "~",
        "...x",
    ];
    let marks = [
        "\\", ":", "*", "?", "\"", "<", ">", "|", "\u{202e}", "\u{200b}", "\u{ff0f}", "\u{2215}", "\n", "\t", "\u{7f}",
        " ", ".",
    ];
    let mut names: BTreeSet<String> = devices.map(str::to_owned).into();
    for mark in marks {
        for shape in [
            "..{}..{}evil",
            "C{}evil",
            "evil{}",
            "{}evil",
            "evil{}txt",
            "{}{}server{}share",
            "a{}stream",
            "gpj{}exe",
            "{}.",
            "x{}y{}z",
            "..{}",
        ] {
            names.insert(shape.replace("{}", mark));
        }
    }
    names.retain(|name| name != ".." && name != ".");
    assert!(names.len() >= 190, "{}", names.len());
    for name in &names {
        fs::create_dir(top.join(name)).expect("this disk takes it");
        fs::write(top.join(name).join(name), name).expect("this disk takes it");
    }
    let inside = dir.path().join("inside");
    fs::create_dir(&inside).expect("is made");
    let copy = inside.join("copy");
    sent(&alice, &bob, &top, Metadata::Removed, &copy).await;
    let saved = tree(&copy);
    assert_eq!(saved.len(), 2 * names.len(), "all of them, none over another");
    assert_eq!(
        tree(&inside).iter().filter(|path| !path.starts_with("copy/")).count(),
        0,
        "nothing beside it"
    );
    let bad = |path: &String| {
        path.contains([
            '\\', ':', '*', '?', '"', '<', '>', '|', '\n', '\t', '\u{202e}', '\u{200b}',
        ])
    };
    assert_eq!(saved.iter().filter(|path| bad(path)).count(), 0);
    assert!(
        names.iter().filter(|name| bad(name)).count() > 90,
        "the control: they were hostile"
    );
    let contents: BTreeSet<String> = saved
        .iter()
        .filter(|path| !path.ends_with('/'))
        .map(|path| fs::read_to_string(copy.join(path)).expect("reads"))
        .collect();
    assert_eq!(contents, names, "each with its own contents");
}

#[tokio::test(start_paused = true)]
async fn an_image_goes_without_what_a_camera_wrote_unless_told_otherwise() {
    let dir = tempfile::tempdir().expect("a folder");
    let net = SimNet::new(62, 8);
    let mut accounts = Accounts::new(&net, 62);
    let (mut alice, bob) = (accounts.create("Alice"), accounts.create("Bob"));
    befriend(&alice, &bob).await;
    let photo = dir.path().join("photo.jpg");
    fs::write(&photo, photograph()).expect("is written");
    let saved = |name: &str| -> PathBuf { dir.path().join(name) };
    sent(&alice, &bob, &photo, Metadata::Kept, &saved("kept.jpg")).await;
    assert_eq!(
        fs::read(saved("kept.jpg")).expect("reads"),
        photograph(),
        "told otherwise"
    );
    // What is sent does not depend on the file any more, nor on the program that read it.
    let offered = alice.send_file(&bob.address(), &photo).expect("is offered");
    fs::remove_file(&photo).expect("is removed");
    alice.crash();
    alice.start();
    bob.until("it is offered", MINUTES, |messenger| {
        messenger.transfer(&offered.id).map(drop)
    })
    .await;
    bob.accept_file(&offered.id, Some(saved("bare.jpg")))
        .expect("is accepted");
    bob.until("it is saved", MINUTES, |_| saved("bare.jpg").exists().then_some(()))
        .await;
    alice
        .until("she knows", MINUTES, |messenger| {
            messenger
                .transfer(&offered.id)
                .filter(|transfer| transfer.state == TransferState::Complete)
                .map(drop)
        })
        .await;
    assert!(!tells(&saved("bare.jpg")) && tells(&saved("kept.jpg")));
    assert!(fs::metadata(saved("bare.jpg")).expect("is there").len() > 100_000);

    let broken = dir.path().join("broken.png");
    fs::write(&broken, b"\x89PNG\r\n\x1a\nnothing").expect("is written");
    assert!(matches!(
        alice.send_file(&bob.address(), &broken),
        Err(FileError::Metadata)
    ));
    alice
        .send_file_with(&bob.address(), &broken, Metadata::Kept)
        .expect("as it is");
}
