//! kill -9 at moments that nobody chose. The full figure (1 000) runs when `OUTIS_SOAK` is set.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Child;

use outis_vault::{Key, OpenError, Order, Vault};

use crate::writer::{Job, KEPT, STATE, content, create, last, open, records, scratch, writer};

fn kills(short: u64, full: u64) -> u64 {
    if std::env::var_os("OUTIS_SOAK").is_some() {
        full
    } else {
        short
    }
}

/// Lets a writer say `lines` lines, kills it, and gives the last number that it said was done.
fn kill_after(job: Job, dir: &Path, lines: u64) -> Option<u64> {
    let mut child: Child = writer(job, dir).spawn().expect("it can be run");
    let told = BufReader::new(child.stdout.take().expect("piped"))
        .lines()
        .map_while(Result::ok);
    let mut numbers = told.filter_map(|line| line.split_once("told ")?.1.trim().parse::<u64>().ok());
    let mut last = None;
    for _ in 0..lines {
        last = Some(numbers.next().expect("the writer goes on until it is killed"));
    }
    child.kill().expect("it runs");
    // What it said between our last look and its end counts too.
    last = numbers.last().or(last);
    child.wait().expect("it was killed");
    last
}

#[test]
fn a_killed_writer_loses_nothing_that_was_told_and_leaves_no_half() {
    let dir = scratch();
    create(dir.path()).lock();
    let mut told = None;
    let kills = kills(50, 1_000);
    for kill in 0..kills {
        // The moment within a commit is the scheduler's choice; how many commits, a fixed sequence's.
        told = kill_after(Job::Commits, dir.path(), kill * 31 % 17).or(told);
        check(&open(dir.path(), 0).expect("it opens"), told);
    }
    assert!(told > Some(kills), "positive control: the writers did write");
}

pub(crate) fn check(vault: &Vault, told: Option<u64>) {
    let last = last(vault).unwrap();
    assert!(last >= told, "told {told:?}, found {last:?}");
    let Some(last) = last else { return };
    let records = records(vault, Order::Ascending, usize::MAX);
    let expected: Vec<u64> = (last.saturating_sub(KEPT - 1)..=last).collect();
    assert_eq!(records.iter().map(|(n, _)| *n).collect::<Vec<_>>(), expected);
    for (n, value) in records {
        assert_eq!(value.dangerously_expose(), content(n));
    }
    let state = vault.get(&Key::single(STATE)).unwrap().unwrap();
    assert_eq!(
        state.dangerously_expose(),
        content(last),
        "both halves of a commit or none"
    );
    vault.files().sweep(|_| true).unwrap();
}

#[test]
fn a_killed_change_of_password_leaves_exactly_one_password() {
    let dir = scratch();
    let vault = create(dir.path());
    vault.commit(crate::writer::commit(0)).unwrap();
    vault.lock();
    let mut told = 0;
    for kill in 0..kills(20, 200) {
        told = kill_after(Job::Passwords, dir.path(), kill % 3).unwrap_or(told);
        // The change that was under way has happened or not.
        let opened: Vec<u64> = (told..told + 2).filter(|n| opens(dir.path(), *n)).collect();
        assert_eq!(opened.len(), 1, "told {told}, opened by {opened:?}");
        assert!(told == 0 || !opens(dir.path(), told - 1));
        told = opened[0];
    }
}

#[test]
fn a_killed_making_or_deleting_leaves_an_account_or_none() {
    let dir = scratch();
    let (mut there, mut gone) = (0, 0);
    for kill in 0..kills(20, 200) {
        kill_after(Job::Accounts, dir.path(), 1 + kill % 4);
        match open(dir.path(), 0) {
            Ok(vault) => {
                check(&vault, None);
                there += 1;
            }
            Err(OpenError::WrongCredentials) => gone += 1,
            Err(error) => panic!("kill {kill}: {error:?}"),
        }
    }
    assert!(
        there > 0 && gone > 0,
        "positive control: both are met, {there} and {gone}"
    );
}

fn opens(dir: &Path, password: u64) -> bool {
    match open(dir, password) {
        Ok(vault) => {
            check(&vault, Some(0));
            true
        }
        Err(OpenError::WrongCredentials) => false,
        Err(error) => panic!("password {password}: {error:?}"),
    }
}
