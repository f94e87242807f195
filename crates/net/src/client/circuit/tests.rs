//! Circuits over real relays on loopback, and over one that means harm.

mod hostile;
mod sizes;

use super::*;
use crate::{ClientConfig, ClientState, Limits, Network, Relay, RelayConfig, Ways, streams::tests::soon};
use futures::{AsyncReadExt, AsyncWriteExt, future::join};
use outis_mailbox::{
    MemoryShelf,
    directory::Directory,
    rendezvous::{Cookie, join as meet},
};
use outis_onion::{Payload, credit::WINDOW};
use std::sync::Arc;
use tokio::task::JoinHandle;

fn network() -> NetworkName {
    "test".parse().expect("a name")
}

/// Some relays, and somebody who knows them all.
struct Story {
    relays: Vec<Relay>,
    client: Network,
}

const TCP: &str = "/ip4/127.0.0.1/tcp/0";
const QUIC: &str = "/ip4/127.0.0.1/udp/0/quic-v1";

async fn relay(bootstrap: &[crate::PeerAddress], limits: Limits, listen: &str) -> Relay {
    let config = RelayConfig {
        network: network(),
        listen: vec![listen.parse().expect("an address")],
        bootstrap: bootstrap.to_vec(),
        shelf: Arc::new(MemoryShelf::default()),
        mailbox: outis_mailbox::Limits::new(&network(), 1 << 20),
        directory_quota: 1 << 20,
        limits,
    };
    Relay::start(config).await.expect("a relay")
}

impl Story {
    async fn new(count: usize) -> Self {
        Self::over(TCP, count, Limits::relay()).await
    }

    async fn within(count: usize, limits: Limits) -> Self {
        Self::over(TCP, count, limits).await
    }

    /// All connections are of this kind.
    async fn over(listen: &str, count: usize, limits: Limits) -> Self {
        let mut relays = vec![relay(&[], limits.clone(), listen).await];
        let first = relays[0].addresses();
        for _ in 1..count {
            relays.push(relay(&first, limits.clone(), listen).await);
        }
        let config = ClientConfig {
            network: network(),
            bootstrap: first,
            state: ClientState::default(),
            own_relay: None,
            decoys: None,
            ways: Ways::dangerously_direct(&network()).expect("a network for tests"),
            limits: Limits::client(),
        };
        let client = Network::start(config).expect("a client");
        let known = soon(async {
            client
                .changes()
                .wait_for(|status| status.relays_known >= count)
                .await
                .is_ok()
        });
        assert!(known.await);
        Self { relays, client }
    }

    fn hop(&self, relay: usize) -> Hop {
        self.client.shared.hop(&self.relays[relay].node()).expect("known")
    }

    async fn try_circuit(&self, path: &[usize]) -> Result<Circuit, (usize, BuildError)> {
        let path: Vec<Hop> = path.iter().map(|relay| self.hop(*relay)).collect();
        soon(Circuit::build(&self.client.opener(), &path)).await
    }

    async fn circuit(&self, path: &[usize]) -> Circuit {
        self.try_circuit(path).await.expect("a circuit")
    }

    /// A stream over these relays, and the task that carries it.
    async fn stream(&self, path: &[usize], service: Service) -> (Near, Carrying) {
        carry(self.circuit(path).await, service)
    }

    /// Two streams over the same relays that meet at the last, and the tasks that carry them.
    async fn meeting(&self, path: &[usize], cookie: u8) -> ((Near, Near), [Carrying; 2]) {
        let (mut one, first) = self.stream(path, Service::Rendezvous).await;
        let (mut other, second) = self.stream(path, Service::Rendezvous).await;
        let cookie = Cookie([cookie; 32]);
        let (here, there) = soon(join(meet(&mut one, &cookie), meet(&mut other, &cookie))).await;
        here.expect("joined");
        there.expect("joined");
        ((one, other), [first, second])
    }

    async fn end(self) {
        soon(self.client.shutdown()).await;
        for relay in self.relays {
            soon(relay.shutdown()).await;
        }
    }
}

type Carrying = JoinHandle<Result<Carried, BuildError>>;

fn carry(mut circuit: Circuit, service: Service) -> (Near, Carrying) {
    let (near, mut talk) = circuit.ask(service).expect("built");
    (near, tokio::spawn(async move { circuit.carry(&mut talk).await }))
}

/// Writes until it stands still, where nobody reads at the other end of a meeting: at least one window is full then.
async fn fill(stream: &mut Near) {
    let block = vec![7; 64 * 1024];
    let (mut written, mut still) = (0, 0);
    let filling = async {
        while still < 5 || written <= usize::from(WINDOW) * Payload::MAX {
            match time::timeout(Duration::from_millis(100), stream.write(&block)).await {
                Ok(length) => {
                    written += length.expect("it lives");
                    still = 0;
                }
                Err(_) => still += 1,
            }
        }
    };
    soon(filling).await;
}

async fn until(mut done: impl FnMut() -> bool) {
    soon(async {
        while !done() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

/// That the stream has ended, well or badly.
async fn ended(stream: &mut Near) {
    let mut rest = Vec::new();
    // What came before may be read; what counts is that it is over.
    let _ = soon(stream.read_to_end(&mut rest)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whichever_relay_of_a_circuit_dies_its_stream_ends_and_another_one_goes_another_way() {
    for listen in [TCP, QUIC] {
        dies_wherever(Story::over(listen, 8, Limits::relay()).await).await;
    }
}

async fn dies_wherever(mut story: Story) {
    for killed in [3, 2, 1, 0] {
        let path: Vec<usize> = (0..=killed).collect();
        let (mut stream, carried) = story.stream(&path, Service::Directory).await;
        soon(story.relays.remove(killed).shutdown()).await;
        ended(&mut stream).await;
        let outcome = soon(carried).await.expect("no panic");
        assert!(matches!(outcome, Err(BuildError::Broken)), "{outcome:?}");
        let others: Vec<usize> = (0..4).collect();
        let (stream, _carried) = story.stream(&others, Service::Directory).await;
        soon(Directory::new(stream).sample(1))
            .await
            .expect("another circuit works");
    }
    story.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_circuit_that_stands_still_holds_up_no_other_over_the_same_relays() {
    for listen in [TCP, QUIC] {
        stands_still(Story::over(listen, 4, Limits::relay()).await).await;
    }
}

async fn stands_still(story: Story) {
    let path = [0, 1, 2, 3];
    let mut stalled = Vec::new();
    for cookie in 0..4 {
        let ((mut one, other), carried) = story.meeting(&path, cookie).await;
        fill(&mut one).await;
        stalled.push((one, other, carried));
    }
    let ((mut one, mut other), _carried) = story.meeting(&path, 99).await;
    let sent: Vec<u8> = (0..3_000_000u32).map(|n| (n % 251) as u8).collect();
    let there = sent.clone();
    let writing = tokio::spawn(async move {
        one.write_all(&there).await.expect("written");
        one.close().await.expect("closed");
        one
    });
    let mut got = Vec::new();
    soon(other.read_to_end(&mut got)).await.expect("read");
    assert!(got == sent);
    drop((writing, stalled));
    story.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_than_a_window_ends_the_circuit() {
    let story = Story::new(4).await;
    let path = [0, 1, 2, 3];
    let (mut other, _carried) = story.stream(&path, Service::Rendezvous).await;
    let mut circuit = story.circuit(&path).await;
    let (mut near, mut talk) = circuit.ask(Service::Rendezvous).expect("built");
    let cookie = Cookie([77; 32]);
    let meeting = async {
        let (here, there) = join(meet(&mut near, &cookie), meet(&mut other, &cookie)).await;
        here.and(there).expect("joined");
        fill(&mut near).await;
    };
    tokio::select! {
        () = meeting => {}
        outcome = circuit.carry(&mut talk) => panic!("{outcome:?}"),
    }
    let standing = time::timeout(Duration::from_millis(100), circuit.carry(&mut talk)).await;
    assert!(standing.is_err(), "control: it stands still and lives");
    // More than all windows on the way, wherever they stand.
    for _ in 0..3 * WINDOW {
        let cell = circuit.seal(Command::Data(Payload::first_of(b"more"))).expect("built");
        circuit.link.push(cell);
    }
    let outcome = soon(circuit.carry(&mut talk)).await;
    assert!(matches!(outcome, Err(BuildError::Broken)), "{outcome:?}");
    ended(&mut other).await;
    story.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn noise_instead_of_cells_ends_the_circuit_and_nothing_else() {
    let story = Story::new(4).await;
    let path = [0, 1, 2, 3];
    let (stream, _carried) = story.stream(&path, Service::Directory).await;
    let mut honest = Directory::new(stream);
    let mut circuit = story.circuit(&path).await;
    circuit.link.push(Cell::from_bytes(Box::new([0x5a; Cell::BYTES])));
    poll_fn(|cx| circuit.link.poll_send(cx)).await;
    assert_eq!(soon(circuit.broken()).await, BuildError::Broken);
    soon(honest.sample(1)).await.expect("others go on");

    // As the first cell of a stream, it is not even answered.
    let guard = soon(story.client.opener().guard(&story.hop(0).descriptor))
        .await
        .expect("a stream");
    let mut link = Link::new(guard);
    link.send(Cell::from_bytes(Box::new([0x5a; Cell::BYTES])))
        .await
        .expect("written");
    assert!(soon(link.receive()).await.is_err());
    story.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeated_handshake_is_not_answered() {
    let story = Story::new(1).await;
    let hop = story.hop(0);
    let (_pending, create) = begin(&network(), &hop.descriptor, &mut os_rng());
    for first in [true, false] {
        let stream = soon(story.client.opener().guard(&hop.descriptor))
            .await
            .expect("a stream");
        let mut link = Link::new(stream);
        link.send(create.to_cell()).await.expect("written");
        assert_eq!(soon(link.receive()).await.is_ok(), first);
    }
    story.end().await;
}

/// R34, where it touches streams: what a relay on the way does to cells is seen by no other relay as anything but noise, and
/// nobody takes noise for what was said.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_that_drops_repeats_swaps_or_tags_cells_ends_its_circuit_and_changes_nothing_that_is_read() {
    use hostile::{Harm, Hostile, Towards};
    let story = Story::new(4).await;
    let sent: Vec<u8> = (0..300_000u32).map(|n| (n % 251) as u8).collect();
    let cases = [Harm::None, Harm::Drop, Harm::Repeat, Harm::Swap, Harm::Tag];
    for (number, harm) in (0..).zip(cases) {
        for towards in [Towards::Endpoint, Towards::Client] {
            let hostile = Hostile::new(harm, towards).await;
            let path = [story.hop(0), hostile.hop.clone(), story.hop(1), story.hop(3)];
            let circuit = soon(Circuit::build(&story.client.opener(), &path))
                .await
                .expect("a circuit");
            let (mut one, carried) = carry(circuit, Service::Rendezvous);
            let (mut other, _carried) = story.stream(&[0, 1, 2, 3], Service::Rendezvous).await;
            let cookie = Cookie([number; 32]);
            let (here, there) = soon(join(meet(&mut one, &cookie), meet(&mut other, &cookie))).await;
            here.and(there).expect("joined");
            let (mut from, mut to) = match towards {
                Towards::Endpoint => (one, other),
                Towards::Client => (other, one),
            };
            let text = sent.clone();
            let writing = tokio::spawn(async move {
                // Fails where the circuit ends.
                let _ = from.write_all(&text).await;
                let _ = from.close().await;
                from
            });
            let mut got = Vec::new();
            let outcome = soon(to.read_to_end(&mut got)).await;
            if harm == Harm::None {
                outcome.expect("control: nothing happens to it");
                assert!(got == sent);
            } else {
                assert!(got.len() < sent.len() && sent.starts_with(&got), "{harm:?} {towards:?}");
                let ended = soon(carried).await.expect("no panic");
                assert!(
                    matches!(ended, Err(BuildError::Broken)),
                    "{harm:?} {towards:?} {ended:?}"
                );
            }
            drop(soon(writing).await);
            hostile.end().await;
        }
    }
    story.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn circuits_that_stand_still_cost_a_relay_no_more_than_its_budget() {
    const BUDGET: usize = 2 << 20;
    let limits = Limits {
        circuit_memory: BUDGET,
        ..Limits::relay()
    };
    let story = Story::within(4, limits).await;
    let mut stalled = Vec::new();
    for cookie in 0..6 {
        let ((mut one, other), carried) = story.meeting(&[0, 1, 2, 3], cookie).await;
        let writing = tokio::spawn(async move {
            // Until its circuit ends.
            while one.write_all(&[7; 4_096]).await.is_ok() {}
        });
        stalled.push((writing, other, carried));
    }
    until(|| {
        assert!(story.relays.iter().all(|relay| relay.status().held <= BUDGET));
        // The control: without a budget they would hold more.
        story.relays.iter().any(|relay| relay.status().ended_circuits > 0)
    })
    .await;
    // Those that were ended made room for one that moves.
    let ((mut one, mut other), _carried) = story.meeting(&[0, 1, 2, 3], 99).await;
    one.write_all(b"through").await.expect("written");
    one.close().await.expect("closed");
    let mut got = Vec::new();
    soon(other.read_to_end(&mut got)).await.expect("read");
    assert_eq!(got, b"through");
    for (writing, other, _carried) in stalled {
        drop(other);
        writing.abort();
    }
    story.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_of_a_circuit_is_left_when_it_has_ended() {
    let story = Story::new(4).await;
    let mut all = Vec::new();
    for cookie in 0..8 {
        all.push(story.meeting(&[0, 1, 2, 3], cookie).await);
    }
    until(|| story.relays.iter().all(|relay| relay.status().circuits == 16)).await;
    drop(all);
    // A task that was let go of still carries; what its user has left ends it.
    until(|| {
        story
            .relays
            .iter()
            .all(|relay| relay.status().circuits == 0 && relay.status().held == 0)
    })
    .await;
    story.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_takes_so_many_circuits_from_one_neighbour() {
    let limits = Limits {
        circuits_per_neighbour: 3,
        ..Limits::relay()
    };
    let story = Story::within(1, limits).await;
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(story.circuit(&[0]).await);
    }
    assert!(story.try_circuit(&[0]).await.is_err());
    held.pop();
    until(|| story.relays[0].status().circuits == 2).await;
    held.push(story.circuit(&[0]).await);
    drop(held);
    story.end().await;
}
