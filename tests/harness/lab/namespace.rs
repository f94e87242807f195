//! Network namespaces that last as long as the process that holds them.

use std::{
    ffi::OsStr,
    io::{BufRead, BufReader, Read, Write},
    process::{Child, Command, Stdio},
};

/// A network namespace, held by a child that waits for the end of its input: it is gone with us, however we go.
pub(super) struct Namespace {
    holder: Child,
    inside: Inside,
}

/// How to run something in a namespace. Copies do not hold it.
#[derive(Debug, Clone)]
pub struct Inside {
    /// Enters it: a program and its arguments, to which a command is added.
    enter: Vec<String>,
}

impl Namespace {
    /// The first of a lab. As somebody who is not root, it stands in a user namespace in which we are.
    ///
    /// # Panics
    /// Where neither is allowed.
    pub(super) fn first() -> Self {
        let plain: &[&str] = &["--net"];
        let mapped: &[&str] = &["--user", "--map-root-user", "--net"];
        let mut refused = Vec::new();
        for how in [plain, mapped] {
            let mut command = Command::new("unshare");
            command.args(how).args(["--", "sh", "-c", HOLD]);
            match hold(command) {
                Ok(holder) => {
                    let pid = holder.id();
                    let mut enter = vec!["nsenter".to_owned(), format!("--net=/proc/{pid}/ns/net")];
                    if how == mapped {
                        enter.push(format!("--user=/proc/{pid}/ns/user"));
                        enter.push("--preserve-credentials".to_owned());
                    }
                    enter.push("--".to_owned());
                    let inside = Inside { enter };
                    return Self { holder, inside };
                }
                Err(why) => refused.push(format!("unshare {}: {why}", how.join(" "))),
            }
        }
        panic!(
            "no network namespace can be made here, and without them nothing shows who talks to whom: run this as root, or \
             allow user namespaces (sysctl kernel.unprivileged_userns_clone=1, kernel.apparmor_restrict_unprivileged_userns=0)\n{}",
            refused.join("\n")
        );
    }

    /// One more, which the first may join to itself.
    pub(super) fn beside(first: &Self) -> Self {
        let mut command = first.inside.command("unshare");
        command.args(["--net", "--", "sh", "-c", HOLD]);
        let holder = hold(command).unwrap_or_else(|why| panic!("a further network namespace: {why}"));
        let mut inside = first.inside.clone();
        for part in &mut inside.enter {
            if part.starts_with("--net=") {
                *part = format!("--net=/proc/{}/ns/net", holder.id());
            }
        }
        Self { holder, inside }
    }

    /// The process that holds it.
    pub(super) fn holder(&self) -> u32 {
        self.holder.id()
    }

    pub(super) fn inside(&self) -> Inside {
        self.inside.clone()
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        drop(self.holder.stdin.take());
        // It ends by itself.
        let _ = self.holder.wait();
    }
}

impl Inside {
    /// A command that will run here. Its process is the program itself: what entered has become it.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut parts = self.enter.iter();
        let mut command = Command::new(parts.next().expect("it is never empty"));
        command.args(parts).arg(program);
        command
    }

    /// Runs lines of bash.
    pub(super) fn shell(&self, lines: &str) {
        let mut command = self.command("bash");
        command.args(["-c", lines]);
        run(command, "");
    }

    /// Runs lines of `ip`.
    pub(super) fn ip(&self, lines: &str) {
        let mut command = self.command("ip");
        command.args(["-batch", "-"]);
        run(command, lines);
    }
}

/// Starts a holder and waits until it stands in its namespace.
fn hold(mut command: Command) -> Result<Child, String> {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command
        .spawn()
        .map_err(|error| format!("{error} (is util-linux installed?)"))?;
    let mut line = String::new();
    let mut output = BufReader::new(child.stdout.take().expect("piped"));
    output.read_line(&mut line).map_err(|error| error.to_string())?;
    if line.trim() == "here" {
        return Ok(child);
    }
    let mut why = String::new();
    let mut errors = child.stderr.take().expect("piped");
    errors.read_to_string(&mut why).map_err(|error| error.to_string())?;
    let _ = child.wait();
    Err(why.trim().to_owned())
}

fn run(mut command: Command, input: &str) {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?}: {error}; run `scripts/setup test`"));
    let mut stdin = child.stdin.take().expect("piped");
    stdin.write_all(input.as_bytes()).expect("it reads");
    drop(stdin);
    let done = child.wait_with_output().expect("a child");
    assert!(
        done.status.success(),
        "{command:?} {input}: {}",
        String::from_utf8_lossy(&done.stderr)
    );
}

/// Says that it is there, then waits for the end of its input.
const HOLD: &str = "echo here; exec cat";
