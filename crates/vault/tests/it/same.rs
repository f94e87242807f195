//! What opening asks of the system when it fails: the same for every wrong attempt, so that neither the time nor the trace
//! tells whose account is here.

use std::process::{Command, Stdio};

use crate::trace::names_asked_for;
use crate::writer::{ATTEMPT, Job, create, scratch, writer};

#[test]
fn every_wrong_attempt_reads_the_same_files_in_the_same_order() {
    let dir = scratch();
    create(dir.path()).lock();
    let attempt = |nickname: &str, password: &str| -> Vec<String> {
        let log = dir.path().with_extension("asked");
        let mut inner = writer(Job::Attempt, dir.path());
        inner.env(ATTEMPT, format!("{nickname}/{password}"));
        let mut strace = Command::new("strace");
        strace
            .args(["-f", "-y", "-xx", "-e", "trace=%file,%desc", "-o"])
            .arg(&log);
        strace.arg(inner.get_program()).args(inner.get_args());
        strace.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let status = strace
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        assert!(status.expect("this test needs strace").success());
        let asked = names_asked_for(&std::fs::read_to_string(&log).unwrap(), dir.path());
        std::fs::remove_file(log).unwrap();
        asked
    };
    let wrong_password = attempt("ada", "password 1");
    assert!(!wrong_password.is_empty());
    assert_eq!(attempt("adb", "password 0"), wrong_password, "a wrong nickname");
    assert_eq!(
        attempt("nobody", "nothing"),
        wrong_password,
        "an account that never was"
    );
    assert!(
        attempt("ada", "password 0").len() > wrong_password.len(),
        "positive control"
    );
}
