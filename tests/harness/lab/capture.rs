//! Records what goes over a host's link, by `tcpdump`, and adds it up as it comes.

use super::{
    Host, Inside, Lab, NOBODY,
    packet::{Kind, Reader},
    traffic::Traffic,
};
use crate::canary::Needles;
use std::{
    collections::BTreeMap,
    mem,
    net::{IpAddr, SocketAddr},
    process::Stdio,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    process::{Child, ChildStdout, Command},
    sync::watch,
    task::JoinHandle,
    time,
};

/// A recording that runs, of all of a host's interfaces, the one to itself included.
pub struct Capture {
    host: String,
    inside: Inside,
    child: Child,
    traffic: Arc<Mutex<Traffic>>,
    marks: watch::Receiver<u16>,
    asked: u16,
    reading: JoinHandle<()>,
    errors: BufReader<tokio::process::ChildStderr>,
}

impl Capture {
    /// Begins, and returns once nothing is missed any more.
    ///
    /// # Panics
    /// If `tcpdump` is missing or may not record.
    pub async fn start(host: &Host, needles: &Arc<Needles>) -> Self {
        let mut command = Command::from(host.inside().command("tcpdump"));
        command.args([
            "-i",
            "any",
            "-y",
            "LINUX_SLL2",
            "-n",
            "-U",
            "-Z",
            "root",
            "-B",
            "32768",
            "-w",
            "-",
        ]);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let mut child = command.spawn().expect("nsenter starts");
        let mut errors = BufReader::new(child.stderr.take().expect("piped"));
        let mut said = String::new();
        while !said.contains("listening on") {
            let more = errors.read_line(&mut said).await.expect("a pipe");
            assert!(
                more > 0,
                "tcpdump does not record here (run `scripts/setup test`): {said}"
            );
        }
        let (mark, marks) = watch::channel(0);
        let traffic = Arc::default();
        let output = child.stdout.take().expect("piped");
        let reading = tokio::spawn(read(output, Arc::clone(&traffic), Arc::clone(needles), mark));
        Self {
            host: host.name().to_owned(),
            inside: host.inside(),
            child,
            traffic,
            marks,
            asked: 0,
            reading,
            errors,
        }
    }

    /// What has gone over the link since this was last asked.
    ///
    /// Nothing is guessed by time: a packet to nobody is sent, and once it was recorded everything before it was.
    pub async fn take(&mut self) -> Traffic {
        self.asked += 1;
        let (asked, port) = (self.asked, FIRST_MARK + self.asked);
        self.inside.shell(&format!("printf mark > /dev/udp/{NOBODY}/{port}"));
        let seen = time::timeout(PATIENCE, self.marks.wait_for(|seen| *seen >= asked));
        seen.await.expect("the mark is recorded").expect("tcpdump runs");
        mem::take(&mut *self.traffic.lock().expect("no panics"))
    }

    /// The same, and ends.
    ///
    /// # Panics
    /// If a packet went by unrecorded.
    pub async fn end(mut self) -> Traffic {
        let traffic = self.take().await;
        let pid = self.child.id().expect("it runs");
        crate::process::signal(pid, "INT").await;
        let mut said = String::new();
        self.errors.read_to_string(&mut said).await.expect("a pipe");
        self.reading.await.expect("a task that does not panic");
        assert!(
            said.contains("\n0 packets dropped by kernel"),
            "on the link of {} packets went by unrecorded: {said}",
            self.host
        );
        traffic
    }
}

/// Recordings of all hosts of a lab.
pub struct Recording(Vec<Capture>);

impl Recording {
    /// Begins on all links.
    pub async fn start(lab: &Lab, needles: Needles) -> Self {
        let needles = Arc::new(needles);
        let mut captures = Vec::new();
        for host in lab.hosts() {
            captures.push(Capture::start(host, &needles).await);
        }
        Self(captures)
    }

    /// What has gone over each link since this was last asked, by the host's name.
    pub async fn take(&mut self) -> BTreeMap<String, Traffic> {
        let mut all = BTreeMap::new();
        for capture in &mut self.0 {
            all.insert(capture.host.clone(), capture.take().await);
        }
        all
    }

    /// The same, and ends.
    pub async fn end(self) -> BTreeMap<String, Traffic> {
        let mut all = BTreeMap::new();
        for capture in self.0 {
            all.insert(capture.host.clone(), capture.end().await);
        }
        all
    }
}

async fn read(mut output: ChildStdout, traffic: Arc<Mutex<Traffic>>, needles: Arc<Needles>, mark: watch::Sender<u16>) {
    let (mut reader, mut chunk) = (Reader::default(), vec![0; 1 << 16]);
    while let Ok(length @ 1..) = output.read(&mut chunk).await {
        for packet in reader.push(&chunk[..length]) {
            match &packet.kind {
                Kind::Datagram(datagram) if is_mark(datagram.to) => {
                    mark.send_replace(datagram.to.port() - FIRST_MARK);
                }
                _ => traffic.lock().expect("no panics").add(&packet, &needles),
            }
        }
    }
}

fn is_mark(to: SocketAddr) -> bool {
    to.ip() == IpAddr::V4(NOBODY)
}

/// The ports of marks begin here.
const FIRST_MARK: u16 = 10_000;

const PATIENCE: Duration = Duration::from_secs(60);
