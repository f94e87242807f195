//! The steps in which a process stores: watched from outside by `strace`, which holds each of them up for a moment, so that
//! a kill can be put exactly before or after it. The program itself knows nothing of this.

use std::{
    path::Path,
    process::Stdio,
    sync::{Arc, Mutex},
};
use tokio::{
    io::AsyncReadExt,
    process::{ChildStderr, Command},
    sync::{Notify, watch},
};

/// Where a kill falls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edge {
    /// What belongs to the step is written and not yet on disk; nobody was told.
    Before,
    /// It is on disk; nobody was told.
    After,
}

/// How many steps a process has begun and ended, and which will be its last.
#[derive(Debug, Clone)]
pub struct Steps(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    counts: watch::Sender<Counts>,
    last: Mutex<Option<(Edge, usize)>>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Counts {
    begun: usize,
    ended: usize,
}

impl Default for Steps {
    fn default() -> Self {
        Self(Arc::new(Inner {
            counts: watch::Sender::default(),
            last: Mutex::default(),
        }))
    }
}

impl Steps {
    /// How many have ended.
    pub fn count(&self) -> usize {
        self.0.counts.borrow().ended
    }

    /// Lets the `nth` step from now (from 1) be the last: the process is killed before or after it.
    pub fn kill_at(&self, edge: Edge, nth: usize) {
        let counts = *self.0.counts.borrow();
        let base = match edge {
            Edge::Before => counts.begun,
            Edge::After => counts.ended,
        };
        *self.0.last.lock().expect("no panics") = Some((edge, base + nth));
    }

    /// Counts what `strace` prints, byte for byte, since the beginning of a line stands there before the step happens.
    pub(super) async fn read(self, mut output: ChildStderr, kill: Arc<Notify>) {
        let (mut kept, mut chunk) = (Vec::new(), [0; 4_096]);
        while let Ok(length @ 1..) = output.read(&mut chunk).await {
            kept.extend_from_slice(chunk.get(..length).expect("as many as were read"));
            let mut counts = *self.0.counts.borrow();
            counts.begun += take(&kept, BEGUN);
            counts.ended += take(&kept, ENDED);
            // The beginnings of a mark that came in part, without the marks already counted.
            let whole = [BEGUN, ENDED]
                .iter()
                .filter_map(|mark| last(&kept, mark))
                .max()
                .unwrap_or_default();
            let partial = kept.len().saturating_sub(BEGUN.len().max(ENDED.len()) - 1);
            kept.drain(..whole.max(partial));
            self.0.counts.send_replace(counts);
            let reached = match *self.0.last.lock().expect("no panics") {
                Some((Edge::Before, nth)) => counts.begun >= nth,
                Some((Edge::After, nth)) => counts.ended >= nth,
                None => false,
            };
            if reached {
                kill.notify_one();
            }
        }
    }
}

fn take(text: &[u8], mark: &[u8]) -> usize {
    text.windows(mark.len()).filter(|window| *window == mark).count()
}

/// Where the last such mark ends.
fn last(text: &[u8], mark: &[u8]) -> Option<usize> {
    text.windows(mark.len())
        .rposition(|window| window == mark)
        .map(|at| at + mark.len())
}

/// `strace` around a program whose steps are watched. The program is the child; `strace` stands beside it.
///
/// # Panics
/// If `strace` is missing, or may not trace here.
pub(super) async fn watched(program: &Path) -> Command {
    let strace = |program: &Path| {
        let mut command = Command::new("strace");
        command.args(["-D", "-f", "-qq", "--seccomp-bpf", "-e", "signal=none"]);
        command
            .args(["-e", "trace=fsync,fdatasync", "-e", HOLD_UP])
            .arg(program);
        command
    };
    let probe = strace(Path::new("sync"))
        .arg("--data")
        .arg("/proc/self/exe")
        .stdin(Stdio::null())
        .output()
        .await;
    match probe {
        Err(error) => panic!("strace does not start ({error}): run `scripts/setup test`"),
        Ok(probe) => assert!(
            take(&probe.stderr, BEGUN) == 1,
            "strace cannot trace a process here, and without it nothing can be killed between two steps: {}",
            String::from_utf8_lossy(&probe.stderr)
        ),
    }
    strace(program)
}

/// In what `strace` prints.
const BEGUN: &[u8] = b"sync(";
const ENDED: &[u8] = b" = 0 (DELAYED)";

/// 30 ms on either side of each step, for the kill to come.
const HOLD_UP: &str = "inject=fsync,fdatasync:delay_enter=30000:delay_exit=30000";
