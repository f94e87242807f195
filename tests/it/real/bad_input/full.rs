//! A disk without room: what does not fit is refused, nothing is lost, and it goes on when there is room again.
//!
//! The disk is a small one in memory, in a mount namespace of the process, reached from here through `/proc/PID/root`.

use crate::real::headless::bytes;
use outis_tests::process::{NETWORK, Person, Relay, Rpc, Setting, folder, program};
use serde_json::json;
use std::{
    fs::File,
    io::{self, Write},
    path::{Path, PathBuf},
};
use tokio::process::Command;

#[tokio::test]
async fn a_full_disk_refuses_and_loses_nothing_and_goes_on_when_there_is_room() {
    let relays = Relay::six().await;
    let setting = Setting::among(&relays);
    let alice = Person::create("Alice", &setting).await;
    let (bob, disk) = on_a_small_disk(&setting).await;
    let credentials = json!({"nickname": "Bob", "password": "Bob counts seven grey lighthouses from the pier"});
    let address = bob.call("account.create", credentials).await["address"].clone();
    alice.rpc().call("contact.add", json!({"address": address})).await;
    let request = bob.event("a request", |event| event["type"] == "contact.request").await;
    assert_eq!(request["contact"]["address"], alice.address());
    bob.call("contact.accept", json!({"address": alice.address()})).await;
    alice
        .rpc()
        .event("accepted", |event| event["contact"]["state"] == "accepted")
        .await;

    let shared = folder();
    let original = shared.path().join("large.bin");
    std::fs::write(&original, bytes(9 << 20)).unwrap();
    let send = json!({"contact": address, "path": original.to_str()});
    let offered = alice.rpc().call("file.send", send).await["id"].clone();
    let offer = bob.event("an offer", |event| event["type"] == "transfer.updated").await;
    let taken = offer["transfer"]["id"].clone();

    fill(&disk);
    let mut refused = Vec::new();
    let mut kept = Vec::new();
    for number in 0..400 {
        let words = format!("Line {number:03}. {}", "x".repeat(4_000));
        let params = json!({"contact": alice.address(), "text": words});
        match bob.try_call("message.send", params).await {
            Ok(_) => kept.push(words),
            Err(code) => refused.push(code),
        }
        if refused.len() == 5 {
            break;
        }
    }
    assert_eq!(refused, ["disk_full"; 5], "after {} that fitted", kept.len());
    let accepted = bob.try_call("file.accept", json!({"id": taken})).await;
    assert!(
        accepted.is_ok() || accepted == Err("disk_full".to_owned()),
        "{accepted:?}"
    );
    // What comes from outside waits at the mailboxes; reading goes on.
    let waiting = alice
        .rpc()
        .call("message.send", json!({"contact": address, "text": "Any room?"}))
        .await;
    assert_eq!(texts(&bob, alice.address(), "out").await, kept);

    std::fs::remove_file(disk.join(FILLER)).unwrap();
    let last = "There is room again.".to_owned();
    bob.call("message.send", json!({"contact": alice.address(), "text": last}))
        .await;
    kept.push(last);
    alice
        .rpc()
        .until("Alice has all that was not refused", async |rpc: &Rpc| {
            (texts(rpc, address.as_str()?, "in").await == kept).then_some(())
        })
        .await;
    alice
        .rpc()
        .until("Bob has what waited", async |rpc: &Rpc| {
            let explained = rpc.call("message.explain", json!({"id": waiting["id"]})).await;
            let steps = explained.as_array()?;
            steps.iter().any(|step| step["step"] == "delivered").then_some(())
        })
        .await;
    if accepted.is_err() {
        bob.call("file.accept", json!({"id": taken})).await;
    }
    alice.await_transfer(offered.as_str().unwrap(), &["complete"]).await;
    let copy = shared.path().join("copy.bin");
    bob.call("file.save", json!({"id": taken, "path": copy.to_str()})).await;
    assert!(
        std::fs::read(copy).unwrap() == std::fs::read(original).unwrap(),
        "the file came whole"
    );
    assert!(bob.end().await.success());
}

async fn on_a_small_disk(setting: &Setting) -> (Rpc, PathBuf) {
    let mut command = Command::new("unshare");
    command.args(namespace()).args(["sh", "-c", MOUNT_AND_RUN, "sh"]);
    command
        .arg(program("outis"))
        .args(["rpc", "--network", NETWORK, "--no-mainline", "--data-dir", DISK]);
    for address in &setting.bootstrap {
        command.args(["--bootstrap", address]);
    }
    let rpc = Rpc::run(command, None);
    let answer = rpc.ask("account.status", json!({})).await;
    assert!(
        answer.is_ok(),
        "no mount namespace can be made here, and without one there is no small disk"
    );
    let disk = PathBuf::from(format!("/proc/{}/root{DISK}", rpc.pid()));
    (rpc, disk)
}

/// A mount namespace of our own: anybody may have one, but for root in some containers, who needs no user namespace.
fn namespace() -> &'static [&'static str] {
    const OF_ANYBODY: &[&str] = &["--user", "--map-root-user", "--mount"];
    let tried = std::process::Command::new("unshare")
        .args(OF_ANYBODY)
        .arg("true")
        .output();
    if tried.is_ok_and(|tried| tried.status.success()) {
        OF_ANYBODY
    } else {
        &["--mount"]
    }
}

/// Leaves no byte free.
fn fill(disk: &Path) {
    let mut filler = File::create(disk.join(FILLER)).unwrap();
    for size in [1 << 20, 1 << 12, 1] {
        let block = vec![7; size];
        loop {
            match filler.write_all(&block) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::StorageFull => break,
                Err(error) => panic!("{error}"),
            }
        }
    }
}

async fn texts(rpc: &Rpc, with: &str, direction: &str) -> Vec<String> {
    let page = rpc.call("message.list", json!({"contact": with, "limit": 500})).await;
    let messages = page["messages"].as_array().expect("a list");
    messages
        .iter()
        .filter(|message| message["direction"] == direction && message["body"]["kind"] == "text")
        .map(|message| message["body"]["text"].as_str().map(str::to_owned).expect("text"))
        .collect()
}

/// Seen by that process alone.
const DISK: &str = "/mnt";
const MOUNT_AND_RUN: &str = "mount -t tmpfs -o size=48m outis /mnt && exec \"$@\"";
const FILLER: &str = "filler";
