//! Five attackers at once against one relay, while two people talk over it.

use futures::{AsyncWriteExt, FutureExt, future::join_all};
use outis_mailbox::rendezvous::{self, Cookie};
use outis_net::{ClientConfig, ClientState, Limits, Network, Stream, Ways};
use outis_tests::process::{NETWORK, Person, Relay, Setting};
use outis_wire::{Destination, Isolation, NetworkName, NodeId, Purpose, Service};
use std::net::SocketAddr;
use tokio::{io::AsyncWriteExt as _, net::TcpStream};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_attackers_at_once_cost_a_relay_64_mib_at_most_and_others_are_served() {
    let relays = Relay::six().await;
    let victim = relays.first().expect("six of them");
    let (alice, bob) = Person::two_contacts(&Setting::among(&relays)).await;
    alice.say(&bob, "Before the storm.").await;
    let before = kibibytes(victim.pid(), "VmRSS:");

    // Each kind with ids of its own: who was refused too often is not heard for a while.
    let attackers: Vec<Attacker> = (0..26).map(|nth| Attacker::of(victim, nth)).collect();
    let knocking = connections(victim).await;
    let (slow, huge) = (
        attackers[0].slow_senders(200).await,
        attackers[1].huge_lengths(200).await,
    );
    let stalled = join_all(attackers[2..6].iter().map(|attacker| attacker.stalled_pairs(60))).await;
    let mut held = Vec::new();
    for attacker in &attackers[6..] {
        held.extend(attacker.open_many(Service::Rendezvous, 500).await);
    }

    // All of it is held while the two go on.
    for number in 0..10 {
        alice.say(&bob, &format!("Line {number}.")).await;
        bob.say(&alice, &format!("Answer {number}.")).await;
    }
    let cost = kibibytes(victim.pid(), "VmHWM:").saturating_sub(before) / 1024;
    assert!(cost <= 64, "the attack cost {cost} MiB");

    // The positive controls: each of them did come that far.
    let swallowed: usize = stalled.iter().map(|(_, bytes)| bytes).sum();
    assert!(knocking.len() >= 1_000, "{} connections", knocking.len());
    assert!(held.len() >= 500, "{} streams of the 10 000 asked for", held.len());
    assert!(
        slow.len() >= 32 && huge >= 32,
        "{} slow senders, {huge} huge lengths",
        slow.len()
    );
    assert!(
        swallowed >= 1 << 20,
        "{swallowed} bytes wait for readers that do not read"
    );
    for attacker in attackers {
        attacker.network.shutdown().await;
    }
}

/// Somebody who asks the relay directly, with an id of their own.
struct Attacker {
    network: Network,
    victim: NodeId,
    nth: u8,
}

impl Attacker {
    fn of(victim: &Relay, nth: u8) -> Self {
        let name: NetworkName = NETWORK.parse().unwrap();
        let network = Network::start(ClientConfig {
            bootstrap: victim
                .addresses()
                .iter()
                .map(|address| address.parse().unwrap())
                .collect(),
            state: ClientState::default(),
            own_relay: None,
            decoys: None,
            ways: Ways::dangerously_direct(&name).expect("a network for tests"),
            limits: Limits::client(),
            network: name,
        });
        Self {
            network: network.expect("a client"),
            victim: victim.node_id().parse().unwrap(),
            nth,
        }
    }

    /// As many streams as are given.
    async fn open_many(&self, service: Service, count: usize) -> Vec<Stream> {
        let to = Destination {
            node: self.victim,
            service,
        };
        let opening = (0..count).map(|_| self.network.open(to, Purpose::Directory, Isolation([self.nth; 32])));
        join_all(opening).await.into_iter().flatten().collect()
    }

    /// The beginning of a frame, and then nothing.
    async fn slow_senders(&self, count: usize) -> Vec<Stream> {
        let mut senders = self.open_many(Service::Mailbox, count).await;
        for sender in &mut senders {
            let _ = sender.write_all(&[0, 0, 1]).await;
            let _ = sender.flush().await;
        }
        senders
    }

    /// Frames that say they are 4 GiB long. Gives how many were sent.
    async fn huge_lengths(&self, count: usize) -> usize {
        let mut sent = 0;
        for service in [Service::Mailbox, Service::Directory] {
            for mut sender in self.open_many(service, count / 2).await {
                let _ = sender.write_all(&[0xff; 4]).await;
                let _ = sender.write_all(&[7; 1 << 16]).await;
                let _ = sender.flush().await;
                sent += 1;
            }
        }
        sent
    }

    /// Pairs joined at the relay of which one writes as much as it may and the other reads nothing.
    async fn stalled_pairs(&self, count: u8) -> (Vec<(Stream, Stream)>, usize) {
        let mut pairs = Vec::new();
        let mut swallowed = 0;
        for nth in 0..count {
            let mut two = self.open_many(Service::Rendezvous, 2).await.into_iter();
            let (Some(mut writer), Some(mut reader)) = (two.next(), two.next()) else {
                continue;
            };
            let mut cookie = [self.nth; 32];
            cookie[0] = nth;
            let cookie = Cookie(cookie);
            let (one, other) = futures::join!(
                rendezvous::join(&mut writer, &cookie),
                rendezvous::join(&mut reader, &cookie)
            );
            if one.is_err() || other.is_err() {
                continue;
            }
            swallowed += write_until_it_stalls(&mut writer).await;
            pairs.push((writer, reader));
        }
        (pairs, swallowed)
    }
}

/// How much is taken before no more is.
async fn write_until_it_stalls(writer: &mut Stream) -> usize {
    let piece = vec![7; 1 << 14];
    let mut taken = 0;
    let mut idle = 0;
    while idle < 50 && taken < 8 << 20 {
        match writer.write(&piece).now_or_never() {
            Some(Ok(length)) => {
                taken += length;
                idle = 0;
            }
            Some(Err(_)) => break,
            None => {
                idle += 1;
                tokio::task::yield_now().await;
            }
        }
    }
    taken
}

/// Connections that greet and say no more.
async fn connections(victim: &Relay) -> Vec<TcpStream> {
    let at = victim
        .addresses()
        .iter()
        .find_map(|address| tcp(address))
        .expect("it listens on TCP");
    let mut all = Vec::new();
    for _ in 0..1_000 {
        let mut stream = TcpStream::connect(at).await.expect("the kernel takes it");
        let _ = stream.write_all(b"\x13/multistream/1.0.0\n").await;
        all.push(stream);
    }
    all
}

/// The socket of `/ip4/…/tcp/…/p2p/…`.
fn tcp(address: &str) -> Option<SocketAddr> {
    let (ip, rest) = address.strip_prefix("/ip4/")?.split_once("/tcp/")?;
    let port = rest.split('/').next()?;
    format!("{ip}:{port}").parse().ok()
}

/// A line of `/proc/PID/status` in KiB (proc(5)): what is resident, or the most that ever was.
fn kibibytes(pid: u32, line: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let value = status
        .lines()
        .find_map(|found| found.strip_prefix(line))
        .expect("a line of it");
    value.trim().trim_end_matches(" kB").parse().expect("a number")
}
