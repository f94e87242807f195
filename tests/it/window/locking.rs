//! What is left when an account is locked: the program begins anew, so nothing.

use outis_tests::{
    canary::Needles,
    lab::{Memory, is_root},
    window::{Home, Window, id, process_name, zombies},
};
use serde_json::json;
use std::{collections::BTreeSet, fs::File, io::ErrorKind, os::unix::process::CommandExt, process::Command};

const NICKNAME: &str = "CanaryOfTheWindow";
const PASSPHRASE: &str = "seven canaries went below and six of them sang";

#[tokio::test]
async fn nothing_of_a_locked_account_is_in_the_memory_of_any_process_of_the_window() {
    let home = Home::default();
    let window = Window::open(&home).await;
    window.click(&id("welcome-create")).await;
    fill(&window, "create-nickname", NICKNAME).await;
    fill(&window, "create-passphrase", PASSPHRASE).await;
    window.click(&id("create-written-down")).await;
    window.click(&id("create-submit")).await;
    window.see(&id("main")).await;
    let mut needles = Needles::default();
    needles.add("the nickname", NICKNAME.as_bytes());
    needles.add("the passphrase", PASSPHRASE.as_bytes());

    window.see(&id("lock")).await;
    let all = BTreeSet::from(["the nickname".to_owned(), "the passphrase".to_owned()]);
    if is_root() {
        assert_eq!(
            memory(&window, &needles),
            all,
            "the control: the look finds what is there before"
        );
    }

    let pages = window.pages();
    let lock = format!("setTimeout(() => document.querySelector('{}').click())", id("lock"));
    window.run(&lock, &[]).await;
    // The driver cannot follow to the new page, which has nothing in common with the old one.
    window.until_renewed(&pages).await;
    if is_root() {
        assert_eq!(memory(&window, &needles), BTreeSet::new());
    } else {
        // Only root may look, so nobody else finds anything.
        let program = window
            .processes()
            .into_iter()
            .find(|process| process_name(*process).contains("outis"));
        let memory = File::open(format!("/proc/{}/mem", program.expect("it runs")));
        assert_eq!(memory.unwrap_err().kind(), ErrorKind::PermissionDenied);
    }
    window.until_nothing_dead_is_left().await;
    window.close().await;
}

/// The control for the above.
#[test]
fn a_process_that_ended_unnoticed_is_seen() {
    let mut child = Command::new("true").process_group(0).spawn().unwrap();
    let id = child.id();
    while zombies(id).is_empty() {
        std::thread::yield_now();
    }
    assert_eq!(zombies(id), vec![id]);
    child.wait().unwrap();
    assert_eq!(zombies(id), Vec::<u32>::new());
}

/// Puts a text into a field without the driver's having it, which keeps what passes through it: it is told backwards.
async fn fill(window: &Window, field: &str, text: &str) {
    window.see(&id(field)).await;
    let backwards: String = text.chars().rev().collect();
    let script = "
        const field = document.querySelector(arguments[0]);
        field.value = [...arguments[1]].reverse().join('');
        field.dispatchEvent(new Event('input', { bubbles: true }));";
    window.run(script, &[json!(id(field)), json!(backwards)]).await;
}

/// What is found in the program's process and those of its web views. The driver types for the test and is none of them.
fn memory(window: &Window, needles: &Needles) -> BTreeSet<String> {
    let processes = window.processes().into_iter();
    processes
        .filter(|process| !process_name(*process).contains("WebKitWebDriver"))
        .flat_map(|process| Memory::of(process, needles).names())
        .collect()
}
