//! What a writer told the system, recorded by `strace`: sled has no disk that a test could put under it.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::writer::{Job, writer};

/// One call that changes the disk, or that says what is done.
#[derive(Debug, Clone)]
pub(crate) enum Call {
    Open {
        path: PathBuf,
        creates: bool,
        truncates: bool,
    },
    Write {
        path: PathBuf,
        offset: usize,
        bytes: Vec<u8>,
    },
    Truncate {
        path: PathBuf,
        length: usize,
    },
    /// `fsync` or `fdatasync`; of a folder, it makes names durable. `sync_file_range` is not recorded: it promises nothing.
    Sync {
        path: PathBuf,
    },
    Rename {
        from: PathBuf,
        to: PathBuf,
    },
    Remove {
        path: PathBuf,
    },
    /// The writer said that this commit is done.
    Told(u64),
}

/// Lets a writer make `commits` commits under `strace`.
pub(crate) fn record(dir: &Path, commits: u64) -> Vec<Call> {
    let log = dir.with_extension("trace");
    let inner = writer(Job::Commits, dir);
    let mut strace = Command::new("strace");
    strace
        .args(["-f", "-y", "-xx", "-s", "4000000", "-e", CALLS, "-o"])
        .arg(&log);
    strace.arg(inner.get_program()).args(inner.get_args());
    strace.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    strace.env(crate::writer::LIMIT, commits.to_string());
    let status = strace
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    assert!(
        status.expect("this test needs strace").success(),
        "strace may not trace here, or the writer failed"
    );
    Parser::default().parse(&fs::read_to_string(&log).unwrap())
}

const CALLS: &str =
    "trace=openat,write,pwrite64,lseek,fsync,fdatasync,ftruncate,rename,renameat,renameat2,unlink,unlinkat";

#[derive(Default)]
struct Parser {
    /// Calls that another thread's output came between, by thread.
    unfinished: HashMap<String, String>,
    /// Where plain writes to a descriptor go.
    positions: HashMap<String, usize>,
    calls: Vec<Call>,
}

impl Parser {
    fn parse(mut self, log: &str) -> Vec<Call> {
        for line in log.lines() {
            let (thread, line) = line.trim_start().split_once(' ').unwrap();
            let line = line.trim_start();
            if let Some(begun) = line.strip_suffix("<unfinished ...>") {
                self.unfinished.insert(thread.to_owned(), begun.trim_end().to_owned());
            } else if let Some((_, ended)) = line.strip_prefix("<... ").and_then(|line| line.split_once(" resumed>")) {
                let begun = self.unfinished.remove(thread).unwrap_or_default();
                self.call(&(begun + ended));
            } else {
                self.call(line);
            }
        }
        self.calls
    }

    fn call(&mut self, line: &str) {
        let Some((call, result)) = line.rsplit_once(" = ") else {
            return;
        };
        let Some((name, arguments)) = call.trim_end().strip_suffix(')').and_then(|call| call.split_once('(')) else {
            return;
        };
        let result: i64 = result.split(['<', ' ']).next().unwrap().parse().unwrap_or(-1);
        let Ok(result) = usize::try_from(result) else { return };
        let arguments: Vec<&str> = arguments.split(", ").collect();
        let texts = || {
            arguments
                .iter()
                .filter(|argument| argument.starts_with('"'))
                .map(|argument| path_of(argument))
        };
        let call = match name {
            "openat" => {
                let path = texts().next().unwrap();
                self.positions.insert(format!("{result}<{}>", path.display()), 0);
                Call::Open {
                    path,
                    creates: line.contains("O_CREAT"),
                    truncates: line.contains("O_TRUNC"),
                }
            }
            "write" => {
                let bytes = unescape(arguments[1]);
                if arguments[0].starts_with("1<") {
                    let said = String::from_utf8_lossy(&bytes).into_owned();
                    let told = said
                        .lines()
                        .filter_map(|line| line.split_once("told ")?.1.trim().parse().ok());
                    return self.calls.extend(told.map(Call::Told));
                }
                let (descriptor, path) = file_of(arguments[0]);
                let position = self.positions.entry(descriptor).or_default();
                let offset = std::mem::replace(position, *position + bytes.len());
                Call::Write { path, offset, bytes }
            }
            "lseek" => {
                self.positions.insert(file_of(arguments[0]).0, result);
                return;
            }
            "pwrite64" => {
                let (offset, bytes) = (arguments[3].parse().unwrap(), unescape(arguments[1]));
                Call::Write {
                    path: file_of(arguments[0]).1,
                    offset,
                    bytes,
                }
            }
            "ftruncate" => Call::Truncate {
                path: file_of(arguments[0]).1,
                length: arguments[1].parse().unwrap(),
            },
            "fsync" | "fdatasync" => Call::Sync {
                path: file_of(arguments[0]).1,
            },
            "unlink" | "unlinkat" => Call::Remove {
                path: texts().next().unwrap(),
            },
            _ => Call::Rename {
                from: texts().next().unwrap(),
                to: texts().nth(1).unwrap(),
            },
        };
        self.calls.push(call);
    }
}

/// `7<\x2f\x74…>` is descriptor 7 on that path.
fn file_of(argument: &str) -> (String, PathBuf) {
    let (number, rest) = argument.split_once('<').unwrap();
    let path = path_of(rest.trim_end_matches('>'));
    (format!("{number}<{}>", path.display()), path)
}

fn path_of(escaped: &str) -> PathBuf {
    PathBuf::from(String::from_utf8(unescape(escaped)).unwrap())
}

/// `\x68\x69` is "hi".
fn unescape(text: &str) -> Vec<u8> {
    text.trim_matches('"')
        .split("\\x")
        .skip(1)
        .map(|digits| u8::from_str_radix(digits, 16).unwrap())
        .collect()
}

/// The calls that name something under `dir`, in order: call and name, with the digits of account tags left out.
pub(crate) fn names_asked_for(log: &str, dir: &Path) -> Vec<String> {
    let under = |text: &str| -> Option<String> {
        let path = path_of(text.trim_end_matches(['>', ')']));
        let name = path.strip_prefix(dir).ok()?.display().to_string();
        let is_tag = |part: &str| part.len() == 32 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
        let parts: Vec<&str> = name
            .split('/')
            .map(|part| if is_tag(part) { "<tag>" } else { part })
            .collect();
        Some(parts.join("/"))
    };
    let mut asked = Vec::new();
    for line in log.lines() {
        let Some((_, line)) = line.trim_start().split_once(' ') else {
            continue;
        };
        let Some((call, rest)) = line.trim_start().split_once('(') else {
            continue;
        };
        let Some(start) = rest.find("\\x") else { continue };
        let text: String = rest[start..]
            .chars()
            .take_while(|c| !matches!(c, '"' | '>' | ','))
            .collect();
        asked.extend(under(&text).map(|name| format!("{call} {name}")));
    }
    asked
}
