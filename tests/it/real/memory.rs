//! What root finds in the memory of `outis rpc`, and what the system says of the process.

use outis_crypto::password::Cost;
use outis_identity::{Identity, Nickname, Password};
use outis_tests::canary::Needles;
use outis_tests::lab::{Memory, is_root};
use outis_tests::process::{Person, Relay, Rpc, Setting, folder, program};
use serde_json::json;
use std::{
    collections::BTreeSet,
    fs::File,
    os::unix::fs::{MetadataExt, PermissionsExt},
    process::Stdio,
};
use tokio::process::Command;

#[tokio::test]
async fn nothing_of_a_locked_account_is_left_in_memory() {
    if !is_root() {
        // Only root may look, and that is what the other test shows.
        let rpc = Rpc::start(folder().path(), &Setting::default()).await;
        rpc.call("account.status", json!({})).await;
        let denied = File::open(format!("/proc/{}/mem", rpc.pid())).unwrap_err();
        assert_eq!(denied.kind(), std::io::ErrorKind::PermissionDenied);
        return;
    }
    let relays = Relay::six().await;
    let setting = Setting::among(&relays);
    let alice = Person::create_with("CanaryAlice", PASSWORD, &setting).await;
    let bob = Person::create("CanaryBob", &setting).await;
    alice.ask(&bob, GREETING).await;
    bob.await_contact(&alice, "incoming").await;
    bob.accept(&alice).await;
    alice.await_contact(&bob, "accepted").await;
    let alias = json!({"address": bob.address(), "alias": ALIAS});
    alice.rpc().call("contact.rename", alias).await;
    alice.say(&bob, SAID).await;
    bob.say(&alice, HEARD).await;
    alice.await_text(&bob, HEARD).await;
    alice.rpc().call("message.search", json!({"query": HEARD})).await;

    let mut needles = Needles::default();
    let (nickname, password) = (Nickname::parse("CanaryAlice"), Password::parse(PASSWORD));
    let identity = Identity::derive(&nickname.unwrap(), &password.unwrap(), Cost::ACCOUNT).unwrap();
    let key = identity.to_record().dangerously_expose().to_vec();
    needles.add("the account's key", &key[key.len() - 32..]);
    for (name, text) in [
        ("the password", PASSWORD),
        ("a greeting", GREETING),
        ("an alias", ALIAS),
        ("what was said", SAID),
        ("what was heard", HEARD),
        ("half a line", HALF),
    ] {
        needles.add(name, text.as_bytes());
    }
    // The positive control: what an open account needs is there, and so is what was read of a line that has not ended.
    alice.rpc().write(format!("\"{HALF}").as_bytes()).await;
    let mut open = BTreeSet::new();
    while !open.contains("half a line") {
        // Nothing tells when it has read so far, so one looks until it has.
        open = Memory::of(alice.rpc().pid(), &needles).names();
    }
    for needed in ["the account's key", "an alias", "half a line"] {
        assert!(open.contains(needed), "{needed} is not among {open:?}");
    }
    alice.rpc().write_line("\"").await;
    alice.rpc().unasked().await;

    alice.rpc().call("account.lock", json!({})).await;
    assert_eq!(
        Memory::of(alice.rpc().pid(), &needles).names(),
        BTreeSet::new(),
        "after locking"
    );
}

#[tokio::test]
async fn the_process_leaves_no_core_dump_and_lets_nobody_look_in() {
    let dir = folder();
    std::fs::set_permissions(dir.path(), PermissionsExt::from_mode(0o777)).unwrap();
    // Root may look at everything, so that it is told apart only where somebody else runs the program.
    let somebody = is_root().then_some(65_534);
    let with = |program: &std::path::Path| {
        let mut command = Command::new(program);
        somebody.map(|uid| command.uid(uid));
        command
    };
    let place = dir.path().join("outis");
    std::fs::copy(program("outis"), &place).unwrap();
    let mut command = with(&place);
    command.arg("rpc").arg("--data-dir").arg(dir.path().join("data"));
    let rpc = Rpc::run(command, None);
    let status = rpc.call("account.status", json!({})).await;
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", rpc.pid())).unwrap();
    let core = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"))
        .unwrap();
    assert_eq!(core.split_whitespace().collect::<Vec<_>>()[4..6], ["0", "0"], "{core}");
    let owner = |pid: u32| std::fs::metadata(format!("/proc/{pid}/mem")).unwrap().uid();
    assert_eq!(owner(rpc.pid()), 0, "only root may look into its memory");
    // The positive control: a process that asks for nothing.
    let mut other = with("/bin/cat".as_ref())
        .stdin(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let pid = other.id().unwrap();
    let its_limits = std::fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
    assert!(its_limits.contains("Max core file size"));
    assert_ne!(owner(pid), 0);
    other.kill().await.unwrap();

    // Without the right to lock pages it says so, where there is anything that they could go to.
    let locked = locked_pages(rpc.pid());
    let swap = std::fs::read_to_string("/proc/swaps").unwrap();
    let swap = swap.lines().skip(1).any(|line| !line.starts_with("/dev/zram"));
    assert_eq!(status["may_be_swapped"] == true, locked == 0 && swap);
    assert!(rpc.end().await.success());
}

#[tokio::test]
async fn where_the_system_allows_it_no_page_can_go_to_swap() {
    let rpc = Rpc::start(folder().path(), &Setting::default()).await;
    let status = rpc.call("account.status", json!({})).await;
    assert_eq!(may_lock(), locked_pages(rpc.pid()) > 0);
    if may_lock() {
        assert_eq!(status.get("may_be_swapped"), None);
    }
}

fn locked_pages(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmLck:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Whether this process, and so its children, may lock all their pages: by right, or without a limit.
fn may_lock() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let rights = status.lines().find_map(|line| line.strip_prefix("CapEff:")).unwrap();
    let by_right = u64::from_str_radix(rights.trim(), 16).unwrap() >> 14 & 1 == 1;
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap();
    let limit = limits
        .lines()
        .find(|line| line.starts_with("Max locked memory"))
        .unwrap();
    by_right || limit.split_whitespace().nth(4) == Some("unlimited")
}

const PASSWORD: &str = "canary of nine copper kettles on a quiet stove";
const GREETING: &str = "canary greeting from the reading room";
const ALIAS: &str = "canary alias of a lighthouse keeper";
const SAID: &str = "canary said to somebody about the harvest";
const HEARD: &str = "canary heard from somebody about the ferry";
const HALF: &str = "canary in half a line that has not ended";
