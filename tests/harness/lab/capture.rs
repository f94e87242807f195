//! Records what goes over a host's link, by a program of ours in its namespace, and adds it up as it comes.

use super::{
    Host, Inside, Lab, NOBODY,
    packet::{Kind, Reader},
    traffic::Traffic,
};
use crate::{canary::Needles, process::program};
use std::{
    collections::BTreeMap,
    mem,
    net::{IpAddr, SocketAddr},
    process::Stdio,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    io::AsyncReadExt,
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
}

impl Capture {
    /// Begins, and returns once nothing is missed any more.
    ///
    /// # Panics
    /// If it may not record.
    pub async fn start(host: &Host, needles: &Arc<Needles>) -> Self {
        let mut command = Command::from(host.inside().command(program("outis-record")));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().expect("nsenter starts");
        let mut output = child.stdout.take().expect("piped");
        let begun = output.read_exact(&mut [0; 4]).await;
        begun.expect("whoever may make a network namespace may record in it");
        let (mark, marks) = watch::channel(0);
        let traffic = Arc::default();
        let reader = Reader::of(host.address().into());
        let reading = tokio::spawn(read(output, reader, Arc::clone(&traffic), Arc::clone(needles), mark));
        Self {
            host: host.name().to_owned(),
            inside: host.inside(),
            child,
            traffic,
            marks,
            asked: 0,
            reading,
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
        seen.await.expect("the mark is recorded").expect("the recording runs");
        mem::take(&mut *self.traffic.lock().expect("no panics"))
    }

    /// The same, and ends.
    ///
    /// # Panics
    /// If a packet went by unrecorded.
    pub async fn end(mut self) -> Traffic {
        let traffic = self.take().await;
        let missed = missed(&self.inside);
        self.child.kill().await.expect("it runs");
        self.reading.await.expect("a task that does not panic");
        assert_eq!(missed, 0, "packets went by unrecorded on the link of {}", self.host);
        traffic
    }
}

/// How many packets the kernel could not give to who records here, which `ss` shows at the end of a socket's memory.
fn missed(inside: &Inside) -> u64 {
    let said = inside
        .command("ss")
        .args(["-0", "-m", "-n"])
        .output()
        .expect("ss starts");
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    let counts: Vec<u64> = said
        .split("skmem:(")
        .skip(1)
        .filter_map(|memory| memory.split(')').next()?.rsplit(",d").next()?.parse().ok())
        .collect();
    assert!(!counts.is_empty(), "the socket that records is shown: {said}");
    counts.iter().sum()
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

async fn read(
    mut output: ChildStdout,
    mut reader: Reader,
    traffic: Arc<Mutex<Traffic>>,
    needles: Arc<Needles>,
    mark: watch::Sender<u16>,
) {
    let mut chunk = vec![0; 1 << 16];
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
