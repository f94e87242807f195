//! Relays, and the ways to them.

use super::hostile::{Hostile, Hostility};
use super::pipe::{self, End, Scissors};
use super::tap::{Heard, Tap};
use outis_mailbox::descriptor::DirectoryKey;
use outis_mailbox::directory::{self, AccountRecord, Record, Refusal, Reply, Request};
use outis_mailbox::rendezvous::{self, Answer, Cookie};
use outis_mailbox::{Efforts, Limits, MemoryShelf, Nonce, Server, Shelf};
use outis_messenger::{OpenError, Transport};
use outis_wire::{Destination, Isolation, NetworkName, NodeId, Purpose, Service, UnixMillis};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, oneshot};
use tokio::task::AbortHandle;
use tokio::time::Instant;

/// A network of relays. Clones are handles to the same.
#[derive(Clone)]
pub struct SimNet(Arc<Shared>);

/// What goes wrong, each as one in so many, drawn for every event; 0 for never.
#[derive(Debug, Clone, Copy, Default)]
pub struct Faults {
    /// Streams that do not open, in percent.
    pub refused: u32,
    /// Streams that are cut within a few seconds, in percent.
    pub cut: u32,
    /// The longest delay of a write, in milliseconds.
    pub delay: u32,
}

struct Shared {
    name: NetworkName,
    start: Instant,
    state: Mutex<State>,
    changed: Notify,
}

struct State {
    rng: ChaCha20Rng,
    faults: Faults,
    relays: BTreeMap<NodeId, Relay>,
    directory: BTreeMap<DirectoryKey, AccountRecord>,
    /// People who are cut off from everything.
    offline: BTreeSet<u32>,
    streams: Vec<(u32, NodeId, Scissors)>,
    waiting: BTreeMap<[u8; 32], oneshot::Sender<End>>,
    /// Bytes a second over a relay's rendezvous.
    slow: BTreeMap<NodeId, u64>,
    /// Bytes that people have read from roads of files.
    carried: BTreeMap<u32, Arc<AtomicU64>>,
    /// Roads of files that people have opened.
    roads: BTreeMap<u32, usize>,
    /// Where mailboxes write down what they hear.
    tap: Option<Tap>,
    /// A digest of everything that was opened and when.
    trace: [u8; 32],
}

struct Relay {
    server: Server<Arc<MemoryShelf>>,
    shelf: Arc<MemoryShelf>,
    alive: bool,
    hostility: Option<Arc<Hostile>>,
    serving: Vec<AbortHandle>,
}

/// One person's ways into the network.
#[derive(Clone)]
pub struct Way {
    net: SimNet,
    person: u32,
}

/// The hour at which every simulation begins: noon of some day.
const BEGINNING: UnixMillis = UnixMillis(20_500 * 24 * 60 * 60 * 1000 + 12 * 60 * 60 * 1000);

impl SimNet {
    /// A network of `relays` relays on which nothing goes wrong yet.
    pub fn new(seed: u64, relays: u16) -> Self {
        let name: NetworkName = "test-sim".parse().expect("a name");
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let relays = (0..relays)
            .map(|_| {
                let mut id = [0; 32];
                rng.fill_bytes(&mut id);
                let node = NodeId(id);
                (node, Relay::start(Arc::new(MemoryShelf::default()), &name, node))
            })
            .collect();
        let state = State {
            rng,
            faults: Faults::default(),
            relays,
            directory: BTreeMap::new(),
            offline: BTreeSet::new(),
            streams: Vec::new(),
            waiting: BTreeMap::new(),
            slow: BTreeMap::new(),
            carried: BTreeMap::new(),
            roads: BTreeMap::new(),
            tap: None,
            trace: [0; 32],
        };
        Self(Arc::new(Shared {
            name,
            start: Instant::now(),
            state: Mutex::new(state),
            changed: Notify::new(),
        }))
    }

    /// Its name.
    pub fn name(&self) -> NetworkName {
        self.0.name.clone()
    }

    /// What a clock that is right shows.
    pub fn now(&self) -> UnixMillis {
        BEGINNING.plus(self.0.start.elapsed())
    }

    /// The ways of one person.
    pub fn way(&self, person: u32) -> Way {
        Way {
            net: self.clone(),
            person,
        }
    }

    /// What goes wrong from now on.
    pub fn set_faults(&self, faults: Faults) {
        self.state().faults = faults;
    }

    /// Cuts somebody off, or lets them back in.
    pub fn set_offline(&self, person: u32, offline: bool) {
        let mut state = self.state();
        if offline {
            state.offline.insert(person);
            state.cut(|who, _| who == person);
        } else {
            state.offline.remove(&person);
        }
        drop(state);
        self.0.changed.notify_waiters();
    }

    /// Somebody is gone without a word: their streams stay open and nothing comes through.
    pub fn vanish(&self, person: u32) {
        let mut state = self.state();
        state.offline.insert(person);
        for (_, _, scissors) in state.streams.iter().filter(|(who, _, _)| *who == person) {
            scissors.freeze();
        }
        state.streams.retain(|(who, _, _)| *who != person);
    }

    /// A relay's rendezvous carries so many bytes a second from now on, for streams that meet from now on.
    pub fn slow_down(&self, node: NodeId, bytes_a_second: u64) {
        self.state().slow.insert(node, bytes_a_second);
    }

    /// Bytes in all relays' mailboxes.
    pub fn stored(&self) -> u64 {
        let state = self.state();
        state.relays.values().map(|relay| relay.server.usage().stored).sum()
    }

    /// Bytes that somebody has read from roads of files.
    pub fn carried(&self, person: u32) -> u64 {
        let state = self.state();
        state
            .carried
            .get(&person)
            .map_or(0, |bytes| bytes.load(Ordering::Relaxed))
    }

    /// Roads of files that somebody has opened.
    pub fn roads(&self, person: u32) -> usize {
        self.state().roads.get(&person).copied().unwrap_or_default()
    }

    /// All relays.
    pub fn relays(&self) -> Vec<NodeId> {
        self.state().relays.keys().copied().collect()
    }

    /// A relay dies. What it had is on its shelf until it is [`revived`](Self::revive), and gone if it is wiped.
    pub fn kill(&self, node: NodeId) {
        let mut state = self.state();
        if let Some(relay) = state.relays.get_mut(&node) {
            relay.alive = false;
            for serving in relay.serving.drain(..) {
                serving.abort();
            }
        }
        state.cut(|_, at| at == node);
        drop(state);
        self.0.changed.notify_waiters();
    }

    /// A relay comes back with what was on its shelf.
    pub fn revive(&self, node: NodeId) {
        let mut state = self.state();
        let name = self.name();
        if let Some(relay) = state.relays.get_mut(&node) {
            let shelf = Arc::clone(&relay.shelf);
            *relay = Relay::start(shelf, &name, node);
        }
        drop(state);
        self.0.changed.notify_waiters();
    }

    /// A relay forgets everything, as if its disk had been replaced.
    pub fn wipe(&self, node: NodeId) {
        self.kill(node);
        if let Some(relay) = self.state().relays.get_mut(&node) {
            relay.shelf = Arc::new(MemoryShelf::default());
        }
        self.revive(node);
    }

    /// Every directory forgets every descriptor.
    pub fn forget_descriptors(&self) {
        self.state().directory.clear();
    }

    /// A relay's mailbox turns against its users, for streams that are opened from now on. Gives what it has done.
    pub fn turn(&self, node: NodeId, hostility: Hostility) -> Arc<Hostile> {
        let mut state = self.state();
        let hostility = Arc::new(Hostile::new(hostility, state.rng.next_u64()));
        if let Some(relay) = state.relays.get_mut(&node) {
            relay.hostility = Some(Arc::clone(&hostility));
        }
        state.cut(|_, at| at == node);
        hostility
    }

    /// Everything that the relays hold between them: ids, queues with what lies in them, and the directory.
    pub fn holdings(&self) -> Vec<u8> {
        let state = self.state();
        let mut all = Vec::new();
        for (node, relay) in &state.relays {
            all.extend(node.0);
            let records = relay.shelf.scan(&[], &[], usize::MAX).expect("a shelf in memory reads");
            all.extend(records.into_iter().flat_map(|(key, value)| [key, value]).flatten());
        }
        for (key, record) in &state.directory {
            all.extend(key.0);
            all.extend(Record::Account(record.clone()).to_bytes());
        }
        all
    }

    /// From now on all mailboxes write down what they hear. What a stream said is there when it has ended.
    pub fn listen_in(&self) {
        self.state().tap = Some(Tap::default());
    }

    /// What they wrote down.
    pub fn heard(&self) -> Vec<Heard> {
        self.state().tap.as_ref().map(Tap::heard).unwrap_or_default()
    }

    /// Streams that somebody has open now.
    pub fn open_streams(&self, person: u32) -> usize {
        let state = self.state();
        let open = |(who, _, scissors): &&(u32, NodeId, Scissors)| *who == person && !scissors.is_done();
        state.streams.iter().filter(open).count()
    }

    /// Everything that was opened and written so far, when, and how long it was, as one number.
    pub fn trace(&self) -> [u8; 32] {
        self.state().trace
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The delays of what one side writes, which goes into the trace.
    fn delays(&self, from: [&[u8]; 2]) -> Box<dyn FnMut(usize) -> Duration + Send> {
        let (net, from) = (self.clone(), from.concat());
        Box::new(move |length| {
            let mut state = net.state();
            state.note(net.0.start.elapsed(), &[&from[..], &length.to_be_bytes()].concat());
            let longest = state.faults.delay.max(1);
            Duration::from_millis(u64::from(1 + state.rng.next_u32() % longest))
        })
    }

    fn serve(&self, person: u32, isolation: Isolation, Destination { node, service }: Destination, end: End) {
        let now = self.now();
        let mut state = self.state();
        let mut nonce = [0; 32];
        state.rng.fill_bytes(&mut nonce);
        let net = self.clone();
        let tap = state.tap.clone();
        let Some(relay) = state.relays.get_mut(&node) else {
            return;
        };
        let serving = match service {
            Service::Mailbox => {
                let server = relay.server.clone();
                let hostility = relay.hostility.clone();
                let nonce = Nonce::random(&mut ChaCha20Rng::from_seed(nonce));
                tokio::spawn(async move {
                    let clock = move || net.now();
                    let instant = || -> Box<dyn FnMut(usize) -> Duration + Send> { Box::new(|_| Duration::ZERO) };
                    let (inner, outer, _) = pipe::stream(instant(), instant());
                    match (hostility, tap) {
                        (Some(hostility), _) => {
                            let served = std::pin::pin!(server.serve(outer, clock, nonce));
                            futures::future::select(served, std::pin::pin!(hostility.stand_between(end, inner))).await;
                        }
                        (None, Some(tap)) => {
                            let heard = Heard {
                                node,
                                way: isolation,
                                person,
                                at: now,
                                frames: Vec::new(),
                            };
                            let served = std::pin::pin!(server.serve(outer, clock, nonce));
                            let between = std::pin::pin!(tap.stand_between(heard, end, inner));
                            // What was said before the end is written down.
                            let (_ended, ()) = futures::future::join(served, between).await;
                        }
                        (None, None) => drop(server.serve(end, clock, nonce).await),
                    }
                })
                .abort_handle()
            }
            Service::Directory => tokio::spawn(async move {
                let answer = move |request| {
                    let reply = net.answer(request);
                    async move { reply }
                };
                drop(directory::serve(end, answer).await);
            })
            .abort_handle(),
            Service::Rendezvous => tokio::spawn(async move { net.join(node, end).await }).abort_handle(),
        };
        relay.serving.retain(|serving| !serving.is_finished());
        relay.serving.push(serving);
    }

    fn answer(&self, request: Request) -> Reply {
        let now = self.now();
        let efforts = Efforts::of(&self.0.name);
        let mut state = self.state();
        match request {
            Request::Put(Record::Account(record)) => {
                let Ok(checked) = record.check(&self.0.name, &efforts, now) else {
                    return Reply::Refused(Refusal::Invalid);
                };
                let known = state
                    .directory
                    .get(&checked.key)
                    .and_then(|known| known.check(&self.0.name, &efforts, now).ok());
                if known.is_some_and(|known| known.order > checked.order) {
                    return Reply::Refused(Refusal::Outdated);
                }
                state.directory.insert(checked.key, record);
                Reply::Stored(1)
            }
            Request::Get(key) => Reply::Found(
                state
                    .directory
                    .get(&key)
                    .cloned()
                    .map(Record::Account)
                    .into_iter()
                    .collect(),
            ),
            Request::Put(_) | Request::Sample(_) | Request::Announce(_) => Reply::Refused(Refusal::Unavailable),
        }
    }

    /// The first of two streams waits here for the second.
    async fn join(self, node: NodeId, mut end: End) {
        let Ok(Cookie(cookie)) = rendezvous::read_cookie(&mut end).await else {
            return;
        };
        let other = self.state().waiting.remove(&cookie);
        match other {
            Some(other) => drop(other.send(end)),
            None => {
                let (sender, receiver) = oneshot::channel();
                self.state().waiting.insert(cookie, sender);
                let Ok(mut other) = receiver.await else { return };
                for end in [&mut end, &mut other] {
                    if rendezvous::answer(end, Answer::Joined).await.is_err() {
                        return;
                    }
                }
                let (left, right) = (futures::AsyncReadExt::split(end), futures::AsyncReadExt::split(other));
                let ((left_read, mut left_write), (right_read, mut right_write)) = (left, right);
                let rate = self.state().slow.get(&node).copied();
                let there = pump(left_read, &mut right_write, rate);
                let back = pump(right_read, &mut left_write, rate);
                futures::future::select(std::pin::pin!(there), std::pin::pin!(back)).await;
            }
        }
    }
}

/// Copies until the end, at most so many bytes a second.
async fn pump(
    mut from: impl futures::AsyncRead + Unpin,
    to: &mut (impl futures::AsyncWrite + Unpin),
    bytes_a_second: Option<u64>,
) -> std::io::Result<()> {
    use futures::{AsyncReadExt, AsyncWriteExt};
    let mut buffer = vec![0; 8 * 1024];
    loop {
        let length = from.read(&mut buffer).await?;
        if length == 0 {
            return to.close().await;
        }
        if let Some(rate) = bytes_a_second {
            tokio::time::sleep(Duration::from_secs_f64(length as f64 / rate as f64)).await;
        }
        to.write_all(buffer.get(..length).unwrap_or_default()).await?;
    }
}

impl State {
    fn percent(&mut self, percent: u32) -> bool {
        self.rng.next_u32() % 100 < percent
    }

    fn cut(&mut self, which: impl Fn(u32, NodeId) -> bool) {
        self.streams.retain(|(person, node, scissors)| {
            if which(*person, *node) {
                scissors.cut();
            }
            !which(*person, *node) && !scissors.is_done()
        });
    }

    fn note(&mut self, at: Duration, what: &[u8]) {
        let at = u64::try_from(at.as_millis()).unwrap_or(u64::MAX).to_be_bytes();
        self.trace = outis_crypto::hash(outis_crypto::label::MESSENGER_CHAIN, &[&self.trace, &at, what]);
    }
}

impl Relay {
    fn start(shelf: Arc<MemoryShelf>, name: &NetworkName, node: NodeId) -> Self {
        let limits = Limits::new(name, 1 << 30);
        let server = Server::open(Arc::clone(&shelf), limits, name.clone(), node).expect("a shelf in memory reads");
        Self {
            server,
            shelf,
            alive: true,
            hostility: None,
            serving: Vec::new(),
        }
    }
}

impl Transport for Way {
    type Stream = End;

    async fn open(&self, to: Destination, purpose: Purpose, isolation: Isolation) -> Result<End, OpenError> {
        let (refused, cut, delay) = {
            let mut state = self.net.state();
            let at = self.net.0.start.elapsed();
            state.note(
                at,
                &[&self.person.to_be_bytes()[..], &to.node.0, &[purpose as u8]].concat(),
            );
            let faults = state.faults;
            let delay = Duration::from_millis(u64::from(1 + state.rng.next_u32() % faults.delay.max(1)));
            let refused = state.percent(faults.refused);
            let cut = state
                .percent(faults.cut)
                .then(|| Duration::from_millis(u64::from(state.rng.next_u32() % 4_000)));
            (refused, cut, delay)
        };
        tokio::time::sleep(delay).await;
        let there = {
            let state = self.net.state();
            state.relays.get(&to.node).is_some_and(|relay| relay.alive) && !state.offline.contains(&self.person)
        };
        if !there || refused {
            tokio::time::sleep(Duration::from_secs(1)).await;
            return Err(OpenError::Unreachable);
        }
        let person = self.person.to_be_bytes();
        let (mut ours, theirs, scissors) = pipe::stream(
            self.net.delays([&person, &to.node.0]),
            self.net.delays([&to.node.0, &person]),
        );
        {
            let mut state = self.net.state();
            if purpose == Purpose::File {
                ours.count(Arc::clone(state.carried.entry(self.person).or_default()));
                *state.roads.entry(self.person).or_default() += 1;
            }
            state.streams.retain(|(_, _, scissors)| !scissors.is_done());
            state.streams.push((self.person, to.node, scissors.clone()));
        }
        self.net.serve(self.person, isolation, to, theirs);
        if let Some(after) = cut {
            tokio::spawn(async move {
                tokio::time::sleep(after).await;
                scissors.cut();
            });
        }
        Ok(ours)
    }

    fn relays(&self, _: Service) -> Vec<NodeId> {
        // Who is dead is not known before it was tried.
        self.net.relays()
    }

    async fn changed(&self) {
        self.net.0.changed.notified().await;
    }
}
