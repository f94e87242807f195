//! Files that are not there, change, or would overwrite something.

use crate::real::headless::bytes;
use outis_tests::process::{Person, Relay, Setting, folder};
use serde_json::{Value, json};
use std::path::Path;

#[tokio::test]
async fn a_file_that_is_missing_vanishes_changes_or_would_overwrite_is_refused_or_fails_on_both_sides() {
    let relays = Relay::six().await;
    let (alice, bob) = Person::two_contacts(&Setting::among(&relays)).await;
    let shared = folder();
    let path = |name: &str| shared.path().join(name);

    let _socket = std::os::unix::net::UnixListener::bind(path("socket")).unwrap();
    for unreadable in [path("missing.bin"), path("socket"), "/dev/zero".into(), "".into()] {
        let send = json!({"contact": bob.address(), "path": unreadable.to_str()});
        assert_eq!(
            alice.rpc().refused("file.send", send).await,
            "file_unreadable",
            "{}",
            unreadable.display()
        );
    }
    assert!(alice.transfers(&bob).await.is_empty(), "no refusal has left anything");

    let content = bytes(700_000);
    type Spoil<'a> = (&'a str, &'a dyn Fn(&Path));
    let spoil: [Spoil<'_>; 4] = [
        ("vanishes.bin", &|path| std::fs::remove_file(path).unwrap()),
        ("shrinks.bin", &|path| std::fs::write(path, &content[..1_000]).unwrap()),
        ("changes.bin", &|path| {
            let mut other = content.clone();
            other[400_000] ^= 1;
            std::fs::write(path, other).unwrap();
        }),
        ("becomes-a-folder", &|path| {
            std::fs::remove_file(path).unwrap();
            std::fs::create_dir(path).unwrap();
        }),
    ];
    for (name, spoil) in spoil {
        std::fs::write(path(name), &content).unwrap();
        let offered = alice.offer(&bob, &path(name)).await;
        let taken = bob.await_offer(&alice, name).await;
        spoil(&path(name));
        bob.rpc().call("file.accept", json!({"id": taken})).await;
        alice.await_transfer(&offered, &["failed"]).await;
        bob.await_transfer(&taken, &["failed"]).await;
        let save = json!({"id": taken, "path": path("never.bin").to_str()});
        assert_eq!(bob.rpc().refused("file.save", save).await, "invalid_params", "{name}");
        assert!(!path("never.bin").exists());
    }

    let good = path("good.bin");
    std::fs::write(&good, &content).unwrap();
    let offered = alice.offer(&bob, &good).await;
    let taken = bob.await_offer(&alice, "good.bin").await;
    let precious = path("precious.txt");
    std::fs::write(&precious, "do not lose this").unwrap();
    let accept = json!({"id": taken, "save_to": precious.to_str()});
    assert_eq!(bob.rpc().refused("file.accept", accept).await, "path_exists");
    for (person, id, method) in [
        (&alice, &offered, "file.accept"),
        (&alice, &offered, "file.decline"),
        (&bob, &taken, "file.resume"),
    ] {
        assert_eq!(
            person.rpc().refused(method, json!({"id": id})).await,
            "invalid_params",
            "{method}"
        );
    }
    bob.rpc().call("file.accept", json!({"id": taken})).await;
    bob.await_transfer(&taken, &["complete"]).await;
    alice.await_transfer(&offered, &["complete"]).await;
    for (to, expected) in [
        (precious.clone(), "path_exists"),
        (shared.path().to_owned(), "path_exists"),
        (path("no-such-folder/copy.bin"), "invalid_params"),
    ] {
        let save = json!({"id": taken, "path": to.to_str()});
        assert_eq!(bob.rpc().refused("file.save", save).await, expected, "{}", to.display());
    }
    assert_eq!(std::fs::read(&precious).unwrap(), b"do not lose this");
    save(&bob, &taken, &path("copy.bin")).await;
    assert!(
        std::fs::read(path("copy.bin")).unwrap() == content,
        "after all of this a file still arrives whole"
    );

    ends_as(&alice, &bob, &good, Ending::Declined).await;
    ends_as(&alice, &bob, &good, Ending::Cancelled).await;
    alice.say(&bob, "Did you get it?").await;
    bob.say(&alice, "In the end.").await;
}

async fn save(person: &Person, id: &str, path: &Path) {
    person
        .rpc()
        .call("file.save", json!({"id": id, "path": path.to_str()}))
        .await;
}

enum Ending {
    Declined,
    Cancelled,
}

async fn ends_as(alice: &Person, bob: &Person, good: &Path, ending: Ending) {
    let name = format!("again-{}", good.file_name().and_then(|name| name.to_str()).unwrap());
    let again = good.with_file_name(&name);
    std::fs::copy(good, &again).unwrap();
    let known: Vec<Value> = bob.transfers(alice).await;
    let offered = alice.offer(bob, &again).await;
    let taken = bob
        .rpc()
        .until("a new offer", async |_: &_| {
            let transfers = bob.transfers(alice).await;
            let is_new = |transfer: &Value| known.iter().all(|known| known["id"] != transfer["id"]);
            transfers.into_iter().find(is_new)
        })
        .await;
    let id = taken["id"].as_str().unwrap();
    match ending {
        Ending::Declined => {
            bob.rpc().call("file.decline", json!({"id": id})).await;
            alice.await_transfer(&offered, &["declined"]).await;
        }
        Ending::Cancelled => {
            alice.rpc().call("file.cancel", json!({"id": offered})).await;
            bob.await_transfer(id, &["cancelled"]).await;
        }
    }
    assert_eq!(
        bob.rpc()
            .refused("file.accept", json!({"id": id, "save_to": again.to_str()}))
            .await,
        "invalid_params"
    );
}
