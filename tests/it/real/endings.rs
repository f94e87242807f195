//! How programs begin and end: signals, places that are taken, command lines that make no sense, the demonstration.

use outis_tests::process::{NETWORK, Person, Relay, Setting, folder, program};
use std::{path::Path, process::Output, time::Duration};
use tokio::{process::Command, time};

#[tokio::test]
async fn both_signals_end_both_programs_in_good_order() {
    let relay = Relay::start(&Setting::default()).await;
    let setting = Setting::among(std::slice::from_ref(&relay));
    let mut alice = Person::create("Alice", &setting).await;
    for signal in ["INT", "TERM"] {
        alice.send(&alice, signal).await;
        assert!(alice.end_by(signal).await.success(), "outis rpc on SIG{signal}");
        alice.come_back().await;
    }
    assert_eq!(
        alice.texts(&alice, "out").await,
        ["INT", "TERM"],
        "everything was flushed"
    );
    assert!(relay.end_by("TERM").await.success(), "outis node on SIGTERM");
    let relay = Relay::start(&Setting::default()).await;
    assert!(relay.end_by("INT").await.success(), "outis node on SIGINT");
}

#[tokio::test]
async fn a_relay_that_cannot_start_says_why_and_ends() {
    let relay = Relay::start(&Setting::default()).await;
    let taken = |link: &str| {
        let at = relay.addresses().iter().find(|at| at.contains(link)).unwrap();
        at.rsplit_once("/p2p/").unwrap().0.to_owned()
    };
    let (tcp, udp) = (taken("/tcp/"), taken("/udp/"));
    let fresh = folder();
    for (what, dir, arguments) in [
        (
            "a folder in use",
            relay.dir(),
            &["--listen", "/ip4/127.0.0.1/udp/0/quic-v1"][..],
        ),
        ("a port of TCP in use", fresh.path(), &["--listen", &tcp]),
        ("a port of UDP in use", fresh.path(), &["--listen", &udp]),
        ("no multiaddress", fresh.path(), &["--listen", "localhost:4001"]),
        (
            "no relay's address",
            fresh.path(),
            &["--bootstrap", "/ip4/127.0.0.1/udp/1/quic-v1"],
        ),
        ("no network's name", fresh.path(), &["--network", "two words"]),
        ("no size", fresh.path(), &["--storage-quota", "much"]),
        ("a file in place of the folder", &program("outis"), &[]),
    ] {
        let output = node(dir, arguments).await;
        assert!(!output.status.success(), "{what}");
        assert!(output.stdout.is_empty(), "{what}: it never was ready");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!said.trim().is_empty() && !said.contains("panicked"), "{what}: {said}");
    }
    assert!(
        relay.end_by("TERM").await.success(),
        "the one that runs was not disturbed"
    );
}

#[tokio::test]
async fn the_demonstration_verifies_what_it_shows() {
    let mut command = Command::new(program("outis"));
    let output = command
        .args(["demo", "--relays", "6", "--size", "3MiB"])
        .kill_on_drop(true)
        .output()
        .await
        .unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{told}");
    let last = told.lines().last().unwrap_or_default();
    assert!(last.starts_with("Verified: "), "{told}");
}

async fn node(dir: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(program("outis"));
    command.args(["node", "--no-mainline", "--data-dir"]).arg(dir);
    if !arguments.contains(&"--network") {
        command.args(["--network", NETWORK]);
    }
    command.args(arguments).kill_on_drop(true);
    let ended = time::timeout(Duration::from_secs(60), command.output()).await;
    ended.unwrap_or_else(|_| panic!("it runs, with {arguments:?}")).unwrap()
}
