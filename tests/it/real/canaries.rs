//! Known names, texts, files and passwords, looked for in everything that two accounts and six relays write: every file, its
//! name, and every line of logs that hold all there is to log.

use super::headless::bytes;
use outis_tests::{
    canary::{Needles, files},
    process::{Person, Relay, Setting, folder},
};
use serde_json::json;
use std::path::Path;

#[tokio::test]
async fn nothing_secret_stands_in_any_file_or_log_and_only_known_files_are_written() {
    let watched = folder();
    let setting = Setting {
        watched: Some(watched.path().to_owned()),
        ..Setting::default()
    };
    let relays = Relay::six_in(&setting).await;
    let setting = Setting {
        bootstrap: Setting::among(&relays).bootstrap,
        ..setting
    };
    let shared = folder();
    let (alice, bob) = tell(&setting, shared.path()).await;

    let mut needles = Needles::default();
    for canary in CANARIES {
        needles.add(canary, canary.as_bytes());
        needles.add(canary, canary.to_lowercase().as_bytes());
    }
    for person in [&alice, &bob] {
        needles.add("an address", person.address().as_bytes());
    }
    needles.add("the file's body", &body()[..64]);
    needles.add("the file's body", &body()[3 << 19..][..64]);

    let data: Vec<&Path> = [alice.dir(), bob.dir()]
        .into_iter()
        .chain(relays.iter().map(Relay::dir))
        .collect();
    for place in data.iter().copied().chain([watched.path()]) {
        assert_eq!(needles.hits(place), Vec::<String>::new(), "in {}", place.display());
    }

    for (place, allowed) in [(alice.dir(), OF_ACCOUNTS), (bob.dir(), OF_ACCOUNTS)]
        .into_iter()
        .chain(relays.iter().map(|relay| (relay.dir(), OF_RELAYS)))
        .chain([(watched.path(), OF_LOGS)])
    {
        for file in files(place).iter().filter(|file| file.is_file()) {
            let path = file
                .strip_prefix(place)
                .unwrap()
                .to_str()
                .expect("a name of ours is text");
            assert!(
                allowed.iter().any(|pattern| fits(path, pattern)),
                "{path} is no file that may be written"
            );
        }
    }
    // The positive controls: what was looked through is what was written, and what is there is found.
    let logged: u64 = files(watched.path())
        .iter()
        .map(|file| file.metadata().unwrap().len())
        .sum();
    assert!(logged > 1 << 20, "the logs hold all there is: {logged} bytes");
    let db = |dir: &Path| files(dir).iter().any(|file| file.ends_with("store/db"));
    assert!(data.into_iter().all(db), "the story was stored");
    control(&needles);
    for pattern in [
        "accounts/salt.txt",
        "accounts/zz/header",
        "relay/store/db/other",
        "message.txt",
    ] {
        assert!(
            !OF_ACCOUNTS
                .iter()
                .chain(OF_RELAYS)
                .any(|allowed| fits(pattern, allowed)),
            "{pattern}"
        );
    }
}

/// Everything that can hold a canary: names, a greeting, an alias, texts both ways and while away, a file that is saved, one
/// that stays, refusals, a wrong password, restarts. Gives the two with their programs ended.
async fn tell(setting: &Setting, shared: &Path) -> (Person, Person) {
    let mut alice = Person::create_with(CANARIES[0], CANARIES[2], setting).await;
    let mut bob = Person::create_with(CANARIES[1], CANARIES[3], setting).await;
    alice.ask(&bob, CANARIES[4]).await;
    bob.await_contact(&alice, "incoming").await;
    bob.accept(&alice).await;
    alice.await_contact(&bob, "accepted").await;
    let alias = json!({"address": bob.address(), "alias": CANARIES[5]});
    alice.rpc().call("contact.rename", alias).await;
    alice.say(&bob, CANARIES[6]).await;
    bob.say(&alice, CANARIES[7]).await;
    alice.rpc().call("contact.invite", json!({})).await;
    alice
        .rpc()
        .call("message.send", json!({"contact": alice.address(), "text": CANARIES[8]}))
        .await;

    let path = shared.join(CANARIES[9]);
    std::fs::write(&path, body()).unwrap();
    let saved = shared.join(CANARIES[10]);
    for save_to in [None, saved.to_str()] {
        let offered = alice.offer(&bob, &path).await;
        let taken = bob
            .rpc()
            .until("an offer", async |_: &_| {
                let transfers = bob.transfers(&alice).await;
                let offer = transfers.iter().find(|transfer| transfer["state"] == "offered")?;
                Some(offer["id"].as_str()?.to_owned())
            })
            .await;
        let mut accept = json!({"id": taken});
        if let Some(save_to) = save_to {
            accept["save_to"] = save_to.into();
        }
        bob.rpc().call("file.accept", accept).await;
        bob.await_transfer(&taken, &["complete"]).await;
        alice.await_transfer(&offered, &["complete"]).await;
    }
    let missing = json!({"contact": bob.address(), "path": format!("/nowhere/{}", CANARIES[9])});
    alice.rpc().refused("file.send", missing).await;
    alice
        .rpc()
        .refused("contact.add", json!({"address": CANARIES[6]}))
        .await;
    alice.rpc().write_line(CANARIES[7]).await;
    alice.rpc().unasked().await;

    bob.die().await;
    alice.say_later(&bob, CANARIES[11]).await;
    bob.come_back().await;
    bob.await_text(&alice, CANARIES[11]).await;
    bob.rpc().call("account.lock", json!({})).await;
    let wrong = json!({"nickname": CANARIES[1], "password": CANARIES[12]});
    assert_eq!(bob.rpc().refused("account.unlock", wrong).await, "wrong_credentials");
    alice.leave().await;
    bob.leave().await;
    (alice, bob)
}

/// 3 MiB that nothing else holds.
fn body() -> Vec<u8> {
    bytes(3 << 20)
}

/// Names and words that stand nowhere by chance.
const CANARIES: [&str; 13] = [
    "Calypso-of-Ogygia",
    "Polyphemus-the-Cyclops",
    "seven grey lighthouses counted from the wet pier",
    "four blind shepherds under an enormous sheep",
    "Greetings from the island of Aeaea",
    "My only guest in seven years",
    "The raft is ready, meet me at the western beach.",
    "Nobody has blinded me, and nobody else was there.",
    "A note to self: twelve axes in a row",
    "blueprint-of-the-raft-sheet-one.bin",
    "where-the-blueprint-went.bin",
    "The suitors suspect nothing so far.",
    "a password that was mistyped with salt water",
];

/// What may be written, by place: `*` is any one name, `#` one of hexadecimal digits.
const OF_ACCOUNTS: &[&str] = &[
    "accounts/salt",
    "accounts/#/header",
    "accounts/#/lock",
    "accounts/#/root",
    "accounts/#/reserve",
    "accounts/#/files/#",
    "accounts/#/journal.0",
    "accounts/#/journal.1",
    "accounts/#/store/conf",
    "accounts/#/store/db",
    "accounts/#/store/snap.#",
    "accounts/#/store/closed",
    "accounts/#/store/blobs/#",
];
const OF_RELAYS: &[&str] = &[
    "relay/lock",
    "relay/journal.0",
    "relay/journal.1",
    "relay/store/conf",
    "relay/store/db",
    "relay/store/snap.#",
    "relay/store/closed",
    "relay/store/blobs/#",
];
const OF_LOGS: &[&str] = &["logs/*"];

fn fits(path: &str, pattern: &str) -> bool {
    let (path, pattern): (Vec<&str>, Vec<&str>) = (path.split('/').collect(), pattern.split('/').collect());
    let part = |(name, pattern): (&&str, &&str)| match pattern.split_once('#') {
        Some((before, "")) => name
            .strip_prefix(before)
            .is_some_and(|rest| !rest.is_empty() && rest.chars().all(|c| c.is_ascii_hexdigit())),
        _ => *pattern == "*" || name == pattern,
    };
    path.len() == pattern.len() && path.iter().zip(&pattern).all(part)
}

/// Each form is found in the middle of a large file and in a file's name, and nothing is found where nothing is.
fn control(needles: &Needles) {
    let place = folder();
    let mut around = bytes(100_000);
    around.reverse();
    needles.control(&around);
    std::fs::write(place.path().join("planted"), &around).unwrap();
    assert_eq!(needles.hits(place.path()), Vec::<String>::new());
    std::fs::write(place.path().join(CANARIES[9]), "").unwrap();
    assert_eq!(needles.hits(place.path()).len(), 1, "a name gives itself away too");
}
