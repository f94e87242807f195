//! No room: a limit on the size of files, and a small file system of our own where the system lets us have one.

use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};

use outis_vault::{Key, Order, Vault};

use crate::writer::{Job, STATE, content, create, filling, last, open, records, writer};

/// The writer's command, started by a shell that prepares its surroundings.
fn in_shell(prepare: &str, dir: &Path) -> Command {
    let inner = writer(Job::Fill, dir);
    let mut command = Command::new("bash");
    command
        .args(["-c", &format!("{prepare}; exec \"$@\""), "bash"])
        .arg(inner.get_program())
        .args(inner.get_args());
    command.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    command
}

fn run(mut command: Command) -> String {
    let mut child = command.spawn().expect("bash is there");
    let mut said = String::new();
    child
        .stdout
        .take()
        .expect("piped")
        .read_to_string(&mut said)
        .expect("it says text");
    assert!(
        child.wait().expect("it ends").success(),
        "a full disk is no crash: {said}"
    );
    said
}

fn last_told(said: &str) -> u64 {
    let mut told = said
        .lines()
        .filter_map(|line| line.split_once("told ")?.1.trim().parse().ok());
    told.next_back().expect("something was written")
}

fn check_and_go_on(vault: &Vault, told: u64) {
    let last = last(vault).unwrap().unwrap();
    assert!(last == told || last == told + 1, "told {told}, found {last}");
    for (n, value) in records(vault, Order::Descending, 10) {
        assert_eq!(value.dangerously_expose(), content(n));
    }
    vault.commit(filling(last + 1)).unwrap();
    assert_eq!(
        vault.get(&Key::single(STATE)).unwrap().unwrap().dangerously_expose(),
        content(last + 1)
    );
}

#[test]
fn a_file_that_may_not_grow_is_a_full_disk_and_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    create(dir.path()).lock();
    // In KiB; the signal that would kill the writer is ignored, so that the write fails instead.
    let said = run(in_shell("trap '' XFSZ; ulimit -f 2100", dir.path()));
    assert!(said.contains("full"), "{said}");
    check_and_go_on(&open(dir.path(), 0).unwrap(), last_told(&said));
}

#[test]
fn a_file_system_without_room_is_a_full_disk_and_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (small, kept) = (dir.path().join("small"), dir.path().join("kept"));
    std::fs::create_dir_all(&small).unwrap();
    create(&kept).lock();
    // A mount of our own, seen by nobody else; what it holds at the end is copied out.
    let script = format!(
        "mount -t tmpfs -o size=10m outis {small} && cp -a {kept}/. {small}/ && rm -rf {kept}; \
         trap 'cp -a {small}/. {kept}/' EXIT; \"$@\" && \"$@\"; exit",
        small = small.display(),
        kept = kept.display(),
    );
    std::fs::create_dir_all(&kept).unwrap();
    let inner = in_shell("true", &small);
    let mut command = Command::new("unshare");
    command
        .args(namespace())
        .args(["bash", "-c", &script, "bash"])
        .arg(inner.get_program())
        .args(inner.get_args());
    command.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let said = run(command);
    assert!(said.contains("full"), "{said}");
    check_and_go_on(&open(&kept, 0).unwrap(), last_told(&said));
}

/// A mount namespace of our own: anybody may have one, but for root in some containers, who needs no user namespace.
fn namespace() -> &'static [&'static str] {
    const OF_ANYBODY: &[&str] = &["--user", "--map-root-user", "--mount"];
    let tried = Command::new("unshare").args(OF_ANYBODY).arg("true").output();
    if tried.is_ok_and(|tried| tried.status.success()) {
        OF_ANYBODY
    } else {
        &["--mount"]
    }
}
