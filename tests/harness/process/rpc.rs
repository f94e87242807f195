//! An account in a process of its own, line by line.

use super::{PATIENCE, Setting, Steps, outis, program, steps};
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    path::Path,
    process::{ExitStatus, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::{ChildStdin, ChildStdout, Command},
    sync::{Notify, oneshot, watch},
    task::JoinHandle,
    time,
};

/// One `outis rpc`. Killed when dropped.
pub struct Rpc {
    pid: u32,
    input: tokio::sync::Mutex<Option<ChildStdin>>,
    shared: Arc<Shared>,
    next_id: AtomicU64,
    kill: Arc<Notify>,
    status: Option<JoinHandle<ExitStatus>>,
    steps: Option<Steps>,
}

/// The process ended before it said what was waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended;

#[derive(Default)]
struct Shared {
    waiting: Mutex<HashMap<u64, oneshot::Sender<Value>>>,
    events: Mutex<Vec<Value>>,
    seen: watch::Sender<usize>,
    unasked: Mutex<Vec<Value>>,
}

impl Rpc {
    /// Starts one for a data folder.
    pub async fn start(dir: &Path, setting: &Setting) -> Self {
        let mut command = setting.outis();
        command.args(outis("rpc", dir, &setting.bootstrap));
        if !setting.lends.is_empty() {
            command.arg("--relay");
        }
        for address in &setting.lends {
            command.args(["--listen", address]);
        }
        setting.apply(&mut command, "rpc");
        Self::run(command, None)
    }

    /// Starts one whose every step of storing can be watched, and be its last.
    pub async fn start_in_steps(dir: &Path, setting: &Setting) -> Self {
        let mut command = steps::watched(&program("outis")).await;
        command.args(outis("rpc", dir, &setting.bootstrap));
        Self::run(command, Some(Steps::default()))
    }

    /// Runs any command that ends in `outis rpc …`.
    pub fn run(mut command: Command, steps: Option<Steps>) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        if steps.is_some() {
            command.stderr(Stdio::piped());
        }
        let mut child = command.spawn().expect("outis starts");
        let pid = child.id().expect("it runs");
        let input = tokio::sync::Mutex::new(child.stdin.take());
        let output = BufReader::new(child.stdout.take().expect("piped"));
        let shared = Arc::new(Shared::default());
        let kill = Arc::new(Notify::new());
        tokio::spawn(read(output, Arc::clone(&shared)));
        if let (Some(steps), Some(errors)) = (&steps, child.stderr.take()) {
            tokio::spawn(steps.clone().read(errors, Arc::clone(&kill)));
        }
        let killed = Arc::clone(&kill);
        let status = tokio::spawn(async move {
            tokio::select! {
                status = child.wait() => return status.expect("a child"),
                () = killed.notified() => {}
            }
            child.start_kill().expect("it runs");
            child.wait().await.expect("a child")
        });
        Self {
            pid,
            input,
            shared,
            next_id: AtomicU64::new(1),
            kill,
            status: Some(status),
            steps,
        }
    }

    /// Asks, and gives the answer's line.
    pub async fn ask(&self, method: &str, params: Value) -> Result<Value, Ended> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let (reply, answer) = oneshot::channel();
        self.shared.waiting.lock().expect("no panics").insert(id, reply);
        if *self.shared.seen.borrow() == ENDED {
            return Err(Ended);
        }
        self.write_line(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).to_string())
            .await;
        let answer = time::timeout(PATIENCE, answer).await;
        answer
            .unwrap_or_else(|_| panic!("no answer to {method}"))
            .map_err(|_| Ended)
    }

    /// Asks, and gives the result or the error's `data.code`.
    pub async fn try_call(&self, method: &str, params: Value) -> Result<Value, String> {
        let answer = self.ask(method, params).await;
        let answer = answer.unwrap_or_else(|_| panic!("outis ended before it answered {method}"));
        match answer.get("error") {
            Some(error) => Err(error["data"]["code"].as_str().unwrap_or("no code").to_owned()),
            None => Ok(answer["result"].clone()),
        }
    }

    /// Asks what has to work.
    pub async fn call(&self, method: &str, params: Value) -> Value {
        self.try_call(method, params)
            .await
            .unwrap_or_else(|code| panic!("{method} failed: {code}"))
    }

    /// Asks what must be refused, and gives the error's code.
    pub async fn refused(&self, method: &str, params: Value) -> String {
        match self.try_call(method, params).await {
            Ok(result) => panic!("{method} was not refused: {result}"),
            Err(code) => code,
        }
    }

    /// Writes any line, well-formed or not. The process may be gone.
    pub async fn write_line(&self, line: &str) {
        self.write(format!("{line}\n").as_bytes()).await;
    }

    /// Writes any bytes.
    pub async fn write(&self, bytes: &[u8]) {
        if let Some(input) = self.input.lock().await.as_mut() {
            let _ = input.write_all(bytes).await;
            let _ = input.flush().await;
        }
    }

    /// Waits until `look` finds something, looking again at each event.
    pub async fn until<T>(&self, what: &str, look: impl AsyncFnMut(&Self) -> Option<T>) -> T {
        self.until_or_end(what, look)
            .await
            .unwrap_or_else(|_| panic!("outis ended before: {what}"))
    }

    /// The same for a process that may end first.
    pub async fn until_or_end<T>(&self, what: &str, mut look: impl AsyncFnMut(&Self) -> Option<T>) -> Result<T, Ended> {
        let mut seen = self.shared.seen.subscribe();
        let waiting = async {
            loop {
                seen.mark_unchanged();
                if let Some(found) = look(self).await {
                    return Ok(found);
                }
                if *seen.borrow() == ENDED {
                    return Err(Ended);
                }
                seen.changed().await.expect("the sender lives as long as this");
            }
        };
        match time::timeout(PATIENCE, waiting).await {
            Ok(found) => found,
            Err(_) => panic!("this never came: {what}; the last events: {}", self.last_events()),
        }
    }

    /// Waits for an event, from the first that ever came.
    pub async fn event(&self, what: &str, mut matches: impl FnMut(&Value) -> bool) -> Value {
        self.until(what, async |rpc: &Self| {
            rpc.events().into_iter().find(|event| matches(event))
        })
        .await
    }

    /// All events so far.
    pub fn events(&self) -> Vec<Value> {
        self.shared.events.lock().expect("no panics").clone()
    }

    /// How many events there were so far.
    pub fn events_so_far(&self) -> usize {
        self.shared.events.lock().expect("no panics").len()
    }

    /// Waits for an event after the first so many, without asking anything.
    pub async fn event_after(&self, first: usize, what: &str, mut matches: impl FnMut(&Value) -> bool) {
        let mut looked = first;
        self.until(what, async |rpc: &Self| {
            let events = rpc.shared.events.lock().expect("no panics");
            let found = events.iter().skip(looked).any(&mut matches);
            looked = events.len();
            found.then_some(())
        })
        .await;
    }

    fn last_events(&self) -> String {
        let events = self.events();
        let from = events.len().saturating_sub(8);
        events.iter().skip(from).map(|event| format!("\n  {event}")).collect()
    }

    /// Waits for an answer that belongs to no request of ours: the answer to a malformed line.
    pub async fn unasked(&self) -> Value {
        self.until("an answer without an id", async |rpc: &Self| {
            rpc.shared.unasked.lock().expect("no panics").pop()
        })
        .await
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// The steps of storing, where it was started so that they are seen.
    pub fn steps(&self) -> &Steps {
        self.steps.as_ref().expect("started in steps")
    }

    /// Kills it as a power cut would.
    pub async fn kill(mut self) {
        self.kill.notify_one();
        self.ended().await;
    }

    /// Ends its input and gives its exit status.
    pub async fn end(mut self) -> ExitStatus {
        self.input.lock().await.take();
        self.ended().await
    }

    /// Waits until it has ended.
    pub async fn ended(&mut self) -> ExitStatus {
        let status = self.status.take().expect("it ends once");
        time::timeout(PATIENCE, status)
            .await
            .expect("it ends in time")
            .expect("a task that does not panic")
    }
}

impl Drop for Rpc {
    fn drop(&mut self) {
        self.kill.notify_one();
    }
}

async fn read(output: BufReader<ChildStdout>, shared: Arc<Shared>) {
    let mut lines = output.lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let value: Value = serde_json::from_str(&line).expect("each line of standard output is JSON");
        if value["method"] == "event" {
            shared.events.lock().expect("no panics").push(value["params"].clone());
        } else if let Some(reply) = value["id"]
            .as_u64()
            .and_then(|id| shared.waiting.lock().expect("no panics").remove(&id))
        {
            // Whoever asked may have given up.
            let _ = reply.send(value);
            continue;
        } else {
            shared.unasked.lock().expect("no panics").push(value);
        }
        shared.seen.send_modify(|count| *count += 1);
    }
    // Whoever waits is told by the channels' ends.
    shared.seen.send_replace(ENDED);
    shared.waiting.lock().expect("no panics").clear();
}

/// In place of a count: there will be no more.
const ENDED: usize = usize::MAX;
