//! A relay in a process of its own.

use super::{PATIENCE, Setting, folder, outis};
use crate::lab::Host;
use serde_json::Value;
use std::{
    path::Path,
    process::{ExitStatus, Stdio},
    sync::Arc,
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Child,
    time,
};

/// One `outis node`. Killed when dropped.
pub struct Relay {
    child: Child,
    dir: Arc<TempDir>,
    addresses: Vec<String>,
    node_id: String,
}

impl Relay {
    /// Starts one on free ports of loopback, QUIC and TCP, and waits until it is ready.
    pub async fn start(setting: &Setting) -> Self {
        let listen = ["/ip4/127.0.0.1/udp/0/quic-v1", "/ip4/127.0.0.1/tcp/0"].map(str::to_owned);
        Self::start_in(Arc::new(folder()), &listen, setting).await
    }

    /// Starts one on a host of a lab.
    pub async fn start_on(host: &Host, setting: &Setting) -> Self {
        Self::start_in(Arc::new(folder()), &host.listen(), &setting.on(host)).await
    }

    /// The same, with QUIC alone.
    pub async fn start_with_quic_on(host: &Host, setting: &Setting) -> Self {
        let [quic, _] = host.listen();
        Self::start_in(Arc::new(folder()), &[quic], &setting.on(host)).await
    }

    /// Six relays that know each other through the first.
    pub async fn six() -> Vec<Self> {
        Self::six_in(&Setting::default()).await
    }

    /// The same, with logs.
    pub async fn six_in(setting: &Setting) -> Vec<Self> {
        let mut relays = vec![Self::start(setting).await];
        while relays.len() < 6 {
            let bootstrap = relays.iter().take(1).map(|relay| relay.address().to_owned()).collect();
            relays.push(
                Self::start(&Setting {
                    bootstrap,
                    ..setting.clone()
                })
                .await,
            );
        }
        relays
    }

    /// Kills it as a power cut would and starts it again at the same place.
    pub async fn restart(mut self, setting: &Setting) -> Self {
        self.child.kill().await.expect("it ran");
        let listen: Vec<String> = self
            .addresses
            .iter()
            .map(|address| {
                address
                    .rsplit_once("/p2p/")
                    .expect("an address ends in the relay's id")
                    .0
            })
            .map(str::to_owned)
            .collect();
        let again = Self::start_in(Arc::clone(&self.dir), &listen, setting).await;
        assert_eq!(again.node_id, self.node_id, "a relay keeps its key");
        again
    }

    /// Ends it by a signal, and gives its exit status.
    pub async fn end_by(mut self, signal: &str) -> ExitStatus {
        super::signal(self.pid(), signal).await;
        let ended = time::timeout(PATIENCE, self.child.wait()).await;
        ended.expect("it ends in time").expect("a child")
    }

    async fn start_in(dir: Arc<TempDir>, listen: &[String], setting: &Setting) -> Self {
        let mut command = setting.outis();
        command.args(outis("node", dir.path(), &setting.bootstrap));
        for address in listen {
            command.args(["--listen", address]);
        }
        setting.apply(&mut command, "node");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().expect("outis starts");
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let ready = time::timeout(PATIENCE, lines.next_line())
            .await
            .expect("a relay is ready in time")
            .expect("a pipe")
            .expect("a relay says that it is ready");
        let ready: Value = serde_json::from_str(&ready).expect("its first line is JSON");
        assert_eq!(ready["ready"], true);
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        let addresses: Vec<String> = ready["addresses"]
            .as_array()
            .expect("a list")
            .iter()
            .map(text)
            .collect();
        assert!(!addresses.is_empty(), "a relay listens somewhere");
        Self {
            child,
            dir,
            addresses,
            node_id: text(&ready["node_id"]),
        }
    }

    /// Its first multiaddress, with its id.
    pub fn address(&self) -> &str {
        self.addresses.first().expect("checked at the start")
    }

    /// All of them.
    pub fn addresses(&self) -> &[String] {
        &self.addresses
    }

    /// Its id.
    pub fn node_id(&self) -> &str {
        &self.node_id
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id().expect("it runs")
    }

    /// Whether its process still runs.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("its state").is_none()
    }

    /// Where it keeps what it keeps.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }
}
