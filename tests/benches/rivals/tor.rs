//! A private Tor network on this machine (`TestingTorNetwork`): three authorities, four more relays, a client, and an onion
//! service that echoes or gives bytes.

use std::{
    net::{Ipv4Addr, TcpListener as Probe},
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    process::{Child, Command},
};

/// The network. Its processes are killed when it is dropped.
pub(crate) struct Tor {
    socks: u16,
    onion: String,
    _children: Vec<Child>,
    _dir: TempDir,
}

impl Tor {
    /// Starts it, and returns once the onion service has answered.
    pub(crate) async fn start() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let service = serve().await;
        let mut ports = ports(20).into_iter();
        let mut port = move || ports.next().expect("enough ports");
        let mut authorities = Vec::new();
        let mut known = String::new();
        for nth in 1..=3 {
            let (name, onion, directory) = (format!("authority{nth}"), port(), port());
            let folder = folder(dir.path(), &name);
            let identity = certify(&folder, directory).await;
            let setting = format!(
                "{COMMON}{RELAY}{AUTHORITY}Nickname {name}\nDataDirectory {}\nORPort {onion}\nDirPort {directory}\nSocksPort 0\n",
                folder.display()
            );
            std::fs::write(folder.join("torrc"), &setting).expect("a file");
            let fingerprint = fingerprint(&folder, &name).await;
            known +=
                &format!("DirAuthority {name} orport={onion} v3ident={identity} 127.0.0.1:{directory} {fingerprint}\n");
            authorities.push((folder, setting));
        }
        let mut children = Vec::new();
        for (folder, setting) in &authorities {
            children.push(run(folder, &format!("{setting}{known}")));
        }
        for nth in 1..=4 {
            let (name, onion) = (format!("relay{nth}"), port());
            let folder = folder(dir.path(), &name);
            let place = folder.display();
            let setting =
                format!("{COMMON}{RELAY}{known}Nickname {name}\nDataDirectory {place}\nORPort {onion}\nSocksPort 0\n");
            children.push(run(&folder, &setting));
        }
        let (of_service, of_client, socks) = (folder(dir.path(), "service"), folder(dir.path(), "client"), port());
        let hidden = folder(&of_service, "onion");
        let setting = format!(
            "{COMMON}{known}DataDirectory {}\nSocksPort 0\nHiddenServiceDir {}\nHiddenServicePort 7 127.0.0.1:{service}\n",
            of_service.display(),
            hidden.display()
        );
        children.push(run(&of_service, &setting));
        let setting = format!(
            "{COMMON}{known}DataDirectory {}\nSocksPort {socks}\n",
            of_client.display()
        );
        let mut client = run(&of_client, &setting);
        until_said(&mut client, "Bootstrapped 100%").await;
        children.push(client);
        let onion = std::fs::read_to_string(hidden.join("hostname")).expect("the service has a name by now");
        let tor = Self {
            socks,
            onion: onion.trim().to_owned(),
            _children: children,
            _dir: dir,
        };
        for _ in 0..90 {
            if tor.connect("first").await.is_some() {
                return tor;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        panic!("the onion service does not answer");
    }

    /// How long connections over fresh circuits take, sorted. One that fails is not counted.
    pub(crate) async fn fresh_connections(&self, count: usize) -> Vec<Duration> {
        let mut took = Vec::new();
        for nth in 0..count {
            let begun = Instant::now();
            if self.connect(&format!("fresh {nth}")).await.is_some() {
                took.push(begun.elapsed());
            }
        }
        took.sort();
        took
    }

    /// How long a small message takes there and back over one connection, sorted.
    pub(crate) async fn round_trips(&self, count: usize) -> Vec<Duration> {
        let mut stream = self.connect("echo").await.expect("it has answered before");
        stream.write_all(b"e").await.expect("a stream");
        let (mut took, mut back) = (Vec::new(), [0; 400]);
        for _ in 0..count {
            let begun = Instant::now();
            stream.write_all(&[7; 400]).await.expect("a stream");
            stream.read_exact(&mut back).await.expect("a stream");
            took.push(begun.elapsed());
        }
        took.sort();
        took
    }

    /// Bytes a second from the service, over so many connections at once, each with circuits of its own.
    pub(crate) async fn rate(&self, streams: usize) -> f64 {
        let mut opened = Vec::new();
        for nth in 0..streams {
            opened.push(
                self.connect(&format!("file {nth} of {streams}"))
                    .await
                    .expect("it has answered before"),
            );
        }
        let begun = Instant::now();
        let pulling = opened.into_iter().map(|mut stream| async move {
            stream.write_all(b"f").await.expect("a stream");
            let mut sink = tokio::io::sink();
            tokio::io::copy(&mut stream, &mut sink).await.expect("a stream")
        });
        let bytes: u64 = futures::future::join_all(pulling).await.into_iter().sum();
        bytes as f64 / begun.elapsed().as_secs_f64()
    }

    /// A stream to the service by SOCKS 5 (RFC 1928). Another user, other circuits (`IsolateSOCKSAuth`).
    async fn connect(&self, user: &str) -> Option<TcpStream> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.socks))
            .await
            .expect("tor listens");
        stream.set_nodelay(true).expect("a socket");
        let short = |text: &str| u8::try_from(text.len()).expect("a short text");
        // One step after the other: what comes before it was asked for, tor throws away.
        stream.write_all(&[5, 1, 2]).await.ok()?;
        stream.read_exact(&mut [0; 2]).await.ok()?;
        let credentials = [&[1, short(user)], user.as_bytes(), &[1, b'-']].concat();
        stream.write_all(&credentials).await.ok()?;
        stream.read_exact(&mut [0; 2]).await.ok()?;
        let request = [&[5, 1, 0, 3, short(&self.onion)], self.onion.as_bytes(), &[0, 7]].concat();
        stream.write_all(&request).await.ok()?;
        let mut reply = [0; 10];
        stream.read_exact(&mut reply).await.ok()?;
        (reply[1] == 0).then_some(stream)
    }
}

/// Echoes to who says `e`, gives [`FILE`] bytes to who says `f`.
async fn serve() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
    let port = listener.local_addr().expect("a socket").port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                stream.set_nodelay(true)?;
                if stream.read_u8().await? == b'e' {
                    let (mut from, mut to) = stream.split();
                    tokio::io::copy(&mut from, &mut to).await?;
                } else {
                    let piece = vec![7; 1 << 16];
                    for _ in 0..FILE / piece.len() {
                        stream.write_all(&piece).await?;
                    }
                }
                std::io::Result::Ok(())
            });
        }
    });
    port
}

/// Makes an authority's long-term key and its certificate, and gives the key's fingerprint.
async fn certify(folder: &Path, directory: u16) -> String {
    let keys = self::folder(folder, "keys");
    let mut command = Command::new("tor-gencert");
    command.args(["--create-identity-key", "--passphrase-fd", "0", "-m", "12", "-a"]);
    command.arg(format!("127.0.0.1:{directory}")).current_dir(&keys);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut child = command.spawn().expect("tor-gencert: run `scripts/setup bench`");
    child
        .stdin
        .take()
        .expect("piped")
        .write_all(b"-\n")
        .await
        .expect("it reads");
    assert!(
        child.wait().await.expect("a child").success(),
        "tor-gencert makes a key"
    );
    let certificate = std::fs::read_to_string(keys.join("authority_certificate")).expect("it made one");
    let line = certificate.lines().find_map(|line| line.strip_prefix("fingerprint "));
    line.expect("a certificate has a fingerprint").to_owned()
}

/// The fingerprint of a relay's own key.
async fn fingerprint(folder: &Path, name: &str) -> String {
    // It wants to know authorities before it says anything; any will do.
    let nobody = format!("nobody orport=1 v3ident={0} 127.0.0.1:1 {0}", "0".repeat(40));
    let mut command = Command::new("tor");
    command
        .arg("-f")
        .arg(folder.join("torrc"))
        .args(["--list-fingerprint", "--DirAuthority", &nobody]);
    let said = command.output().await.expect("tor starts").stdout;
    let said = String::from_utf8_lossy(&said).into_owned();
    let line = said.lines().find_map(|line| line.strip_prefix(name));
    line.expect("tor says the fingerprint").replace(' ', "")
}

fn run(folder: &Path, setting: &str) -> Child {
    std::fs::write(folder.join("torrc"), setting).expect("a file");
    let mut command = Command::new("tor");
    command.arg("-f").arg(folder.join("torrc"));
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    let mut child = command.spawn().expect("tor: run `scripts/setup bench`");
    if !setting.contains("SocksPort 0") {
        return child;
    }
    // Nobody reads what the others say, and a full pipe must not stop them.
    let mut said = child.stdout.take().expect("piped");
    tokio::spawn(async move { tokio::io::copy(&mut said, &mut tokio::io::sink()).await });
    child
}

async fn until_said(child: &mut Child, words: &str) {
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    loop {
        let line = lines.next_line().await.expect("a pipe").expect("tor runs on");
        if line.contains(words) {
            break;
        }
    }
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
}

fn folder(within: &Path, name: &str) -> PathBuf {
    use std::os::unix::fs::DirBuilderExt;
    let path = within.join(name);
    std::fs::DirBuilder::new().mode(0o700).create(&path).expect("a folder");
    path
}

/// Ports that were free a moment ago.
fn ports(count: usize) -> Vec<u16> {
    let probes: Vec<Probe> = (0..count)
        .map(|_| Probe::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port"))
        .collect();
    probes
        .iter()
        .map(|probe| probe.local_addr().expect("a socket").port())
        .collect()
}

/// What each connection gives.
const FILE: usize = 32 << 20;

const COMMON: &str = "TestingTorNetwork 1\nShutdownWaitLength 0\nLog notice stdout\n";
const RELAY: &str = "Address 127.0.0.1\nAssumeReachable 1\nExitRelay 1\nExitPolicy accept 127.0.0.0/8:*\n\
                     ExitPolicyRejectPrivate 0\n";
const AUTHORITY: &str = "AuthoritativeDirectory 1\nV3AuthoritativeDirectory 1\nContactInfo nobody@example.com\n\
                         TestingV3AuthInitialVotingInterval 10\nTestingV3AuthInitialVoteDelay 2\n\
                         TestingV3AuthInitialDistDelay 2\nV3AuthVotingInterval 20\nV3AuthVoteDelay 3\nV3AuthDistDelay 3\n\
                         TestingDirAuthVoteExit *\nTestingDirAuthVoteHSDir *\nTestingDirAuthVoteGuard *\n\
                         TestingMinExitFlagThreshold 0\nAuthDirMaxServersPerAddr 0\n";
