//! The real window on a host whose link is recorded: what a page would fetch, look up or call would show there.

use outis_tests::{
    canary::Needles,
    lab::{Lab, Recording, beyond_this_machine},
};
use std::{collections::BTreeSet, process::Stdio};
use tokio::process::Command;

#[tokio::test]
async fn a_window_full_of_links_and_payloads_sends_nothing_beyond_its_machine() {
    let lab = Lab::of(&["home"]);
    let home = lab.host("home");
    let mut recording = Recording::start(&lab, Needles::default()).await;

    // The whole story of another test, with its relays, on that host.
    let this = std::env::current_exe().unwrap();
    let mut story = Command::from(home.inside().command(this));
    story
        .args(["--exact", "window::content_cannot_run", "--nocapture"])
        .stdin(Stdio::null());
    let told = story.output().await.unwrap();
    let said = String::from_utf8_lossy(&told.stdout).into_owned() + &String::from_utf8_lossy(&told.stderr);
    assert!(told.status.success() && said.contains("1 passed"), "{said}");
    let seen = recording.take().await.remove("home").unwrap();
    assert_eq!(beyond_this_machine(&seen), BTreeSet::new());
    assert!(
        seen.flows.len() > 10,
        "window, relays and driver were seen to talk on the machine itself"
    );

    // The positive control: the host has a way to the world, and what takes it is seen.
    home.plant("93.184.216.34:443".parse().unwrap(), "GET / HTTP/1.1");
    let seen = recording.take().await.remove("home").unwrap();
    let beyond = beyond_this_machine(&seen);
    assert!(
        beyond.iter().any(|flow| flow.contains("93.184.216.34:443 (HTTP)")),
        "{beyond:?}"
    );
    recording.end().await;
}
