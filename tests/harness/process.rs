//! Real processes of the `outis` program: relays (`outis node`) and accounts (`outis rpc`), over real sockets on loopback.
//!
//! Nothing here waits for a time: a story waits for a line that a process prints, and the test runner ends what hangs.

use serde_json::{Value, json};
use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    process::Stdio,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::{Child, ChildStdin, Command},
    sync::{oneshot, watch},
};

/// The network of all tests.
pub const NETWORK: &str = "test-stories";

/// `target/…/NAME`, which `cargo build --workspace` makes.
///
/// # Panics
/// If it has not been built.
pub fn program(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a test knows where it stands");
    let built = test.parent().and_then(Path::parent).expect("tests stand in target/PROFILE/deps").join(name);
    assert!(built.exists(), "{} is missing: run `cargo build --workspace` first", built.display());
    built
}

/// One `outis node`. Killed when dropped.
pub struct Relay {
    child: Child,
    dir: Arc<TempDir>,
    address: String,
    node_id: String,
}

impl Relay {
    /// Starts one on a free port of loopback and waits until it is ready.
    pub async fn start(bootstrap: &[String]) -> Self {
        let dir = Arc::new(tempfile::tempdir().expect("a temporary folder"));
        Self::start_in(dir, "/ip4/127.0.0.1/udp/0/quic-v1".to_owned(), bootstrap).await
    }

    /// Six relays that know each other through the first.
    pub async fn six() -> Vec<Self> {
        let mut relays = vec![Self::start(&[]).await];
        while relays.len() < 6 {
            let bootstrap = [relays[0].address().to_owned()];
            relays.push(Self::start(&bootstrap).await);
        }
        relays
    }

    /// Kills it as a power cut would and starts it again at the same place.
    pub async fn restart(mut self, bootstrap: &[String]) -> Self {
        self.child.kill().await.expect("it ran");
        let (listen, _) = self.address.rsplit_once("/p2p/").expect("an address ends in the relay's id");
        Self::start_in(Arc::clone(&self.dir), listen.to_owned(), bootstrap).await
    }

    async fn start_in(dir: Arc<TempDir>, listen: String, bootstrap: &[String]) -> Self {
        let mut command = Command::new(program("outis"));
        command.arg("node").args(["--network", NETWORK, "--no-mainline", "--listen", &listen]);
        command.arg("--data-dir").arg(dir.path());
        for address in bootstrap {
            command.args(["--bootstrap", address]);
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().expect("outis starts");
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let ready = lines.next_line().await.expect("a pipe").expect("a relay says that it is ready");
        let ready: Value = serde_json::from_str(&ready).expect("its first line is JSON");
        assert_eq!(ready["ready"], true);
        let address = ready["addresses"][0].as_str().expect("an address").to_owned();
        let node_id = ready["node_id"].as_str().expect("an id").to_owned();
        Self { child, dir, address, node_id }
    }

    /// Its multiaddress, with its id.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Its id.
    pub fn node_id(&self) -> &str {
        &self.node_id
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id().expect("it runs")
    }

    /// Where it keeps what it keeps.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }
}

/// One `outis rpc`. Killed when dropped.
pub struct Rpc {
    child: Child,
    input: tokio::sync::Mutex<ChildStdin>,
    shared: Arc<Shared>,
    next_id: AtomicU64,
}

#[derive(Default)]
struct Shared {
    waiting: Mutex<HashMap<u64, oneshot::Sender<Value>>>,
    events: Mutex<Vec<Value>>,
    seen: watch::Sender<usize>,
    unasked: Mutex<Vec<Value>>,
}

impl Rpc {
    /// Starts one for a data folder.
    pub async fn start(dir: &Path, bootstrap: &[String]) -> Self {
        let mut command = Command::new(program("outis"));
        command.args(["rpc", "--network", NETWORK, "--no-mainline"]).arg("--data-dir").arg(dir);
        for address in bootstrap {
            command.args(["--bootstrap", address]);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().expect("outis starts");
        let input = tokio::sync::Mutex::new(child.stdin.take().expect("piped"));
        let output = BufReader::new(child.stdout.take().expect("piped"));
        let shared = Arc::new(Shared::default());
        tokio::spawn(read(output, Arc::clone(&shared)));
        Self { child, input, shared, next_id: AtomicU64::new(1) }
    }

    /// Asks, and gives the result or the error's `data.code`.
    pub async fn try_call(&self, method: &str, params: Value) -> Result<Value, String> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let (reply, answer) = oneshot::channel();
        self.shared.waiting.lock().expect("no panics").insert(id, reply);
        self.write_line(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).to_string()).await;
        let answer = answer.await.unwrap_or_else(|_| panic!("outis ended before it answered {method}"));
        match answer.get("error") {
            Some(error) => Err(error["data"]["code"].as_str().unwrap_or("no code").to_owned()),
            None => Ok(answer["result"].clone()),
        }
    }

    /// Asks what has to work.
    pub async fn call(&self, method: &str, params: Value) -> Value {
        self.try_call(method, params).await.unwrap_or_else(|code| panic!("{method} failed: {code}"))
    }

    /// Writes any line, well-formed or not. The process may be gone.
    pub async fn write_line(&self, line: &str) {
        let mut input = self.input.lock().await;
        let _ = input.write_all(format!("{line}\n").as_bytes()).await;
        let _ = input.flush().await;
    }

    /// Waits until `look` finds something, looking again at each event.
    pub async fn until<T>(&self, what: &str, mut look: impl AsyncFnMut(&Self) -> Option<T>) -> T {
        let mut seen = self.shared.seen.subscribe();
        loop {
            seen.mark_unchanged();
            if let Some(found) = look(self).await {
                return found;
            }
            assert!(*seen.borrow() != ENDED, "outis ended before: {what}");
            seen.changed().await.expect("the sender lives as long as this");
        }
    }

    /// Waits for an event, from the first that ever came.
    pub async fn event(&self, what: &str, mut matches: impl FnMut(&Value) -> bool) -> Value {
        self.until(what, async |rpc: &Self| rpc.events().into_iter().find(|event| matches(event))).await
    }

    /// All events so far.
    pub fn events(&self) -> Vec<Value> {
        self.shared.events.lock().expect("no panics").clone()
    }

    /// Waits for an answer that belongs to no request: the answer to a malformed line.
    pub async fn unasked(&self) -> Value {
        self.until("an answer without an id", async |rpc: &Self| rpc.shared.unasked.lock().expect("no panics").pop()).await
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id().expect("it runs")
    }

    /// Kills it as a power cut would.
    pub async fn kill(mut self) {
        self.child.kill().await.expect("it ran");
    }

    /// Ends its input and gives its exit status.
    pub async fn end(self) -> std::process::ExitStatus {
        let Self { mut child, input, .. } = self;
        drop(input);
        child.wait().await.expect("it ran")
    }
}

async fn read(output: BufReader<tokio::process::ChildStdout>, shared: Arc<Shared>) {
    let mut lines = output.lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let value: Value = serde_json::from_str(&line).expect("each line of standard output is JSON");
        if value["method"] == "event" {
            shared.events.lock().expect("no panics").push(value["params"].clone());
        } else if let Some(id) = value["id"].as_u64() {
            if let Some(reply) = shared.waiting.lock().expect("no panics").remove(&id) {
                let _ = reply.send(value);
            }
            continue;
        } else {
            shared.unasked.lock().expect("no panics").push(value);
        }
        shared.seen.send_modify(|count| *count += 1);
    }
    // Whoever waits is told by the channels' ends.
    shared.waiting.lock().expect("no panics").clear();
    shared.seen.send_replace(ENDED);
}

/// In place of a count: there will be no more.
const ENDED: usize = usize::MAX;
