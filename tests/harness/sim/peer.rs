//! People.

use super::net::SimNet;
use outis_crypto::password::Cost;
use outis_identity::{Address, Identity, Nickname, Password};
use outis_messenger::{
    Body, Config, Contact, ContactState, Delivery, Direction, Message, MessageId, Messenger, Origin,
};
use outis_vault::{MemoryDisk, Vault};
use outis_wire::UnixMillis;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tokio::task::JoinHandle;

/// Somebody with a computer: it may be switched off and on again, and crash.
pub struct TestPeer {
    /// What they call themselves.
    pub name: &'static str,
    net: SimNet,
    person: u32,
    seed: u64,
    starts: u64,
    disk: MemoryDisk,
    skew: Arc<AtomicI64>,
    origin: Origin,
    running: Option<(Messenger, JoinHandle<()>)>,
}

/// Makes people with numbers of their own.
pub struct Accounts {
    net: SimNet,
    seed: u64,
    next: u32,
}

impl Accounts {
    /// For this network.
    pub fn new(net: &SimNet, seed: u64) -> Self {
        Self {
            net: net.clone(),
            seed,
            next: 0,
        }
    }

    /// Somebody new, running.
    pub fn create(&mut self, name: &'static str) -> TestPeer {
        self.on_a_machine(name, Origin::Created)
    }

    /// Somebody's second machine, running.
    pub fn restore(&mut self, name: &'static str) -> TestPeer {
        self.on_a_machine(name, Origin::Restored)
    }

    /// A copy of somebody's folder on a second machine that runs it too.
    pub fn copy(&mut self, of: &TestPeer, folder: &MemoryDisk) -> TestPeer {
        let disk = folder.copy(self.seed);
        self.with_disk(of.name, of.origin, Some(disk))
    }

    fn on_a_machine(&mut self, name: &'static str, origin: Origin) -> TestPeer {
        self.with_disk(name, origin, None)
    }

    fn with_disk(&mut self, name: &'static str, origin: Origin, disk: Option<MemoryDisk>) -> TestPeer {
        self.next += 1;
        let seed = self.seed.wrapping_mul(1_000).wrapping_add(u64::from(self.next));
        let mut peer = TestPeer {
            name,
            net: self.net.clone(),
            person: self.next,
            seed,
            starts: 0,
            disk: disk.unwrap_or_else(|| MemoryDisk::new(seed)),
            skew: Arc::default(),
            origin,
            running: None,
        };
        peer.start();
        peer
    }
}

impl TestPeer {
    /// Switches on.
    pub fn start(&mut self) {
        self.starts += 1;
        let rng = |purpose: u64| ChaCha20Rng::seed_from_u64(self.seed ^ (self.starts << 32) ^ (purpose << 60));
        let vault = Vault::in_memory(&self.disk, rng(1)).expect("a disk in memory opens");
        let config = Config {
            network: self.net.name(),
            nickname: self.name.to_owned(),
            origin: self.origin,
        };
        let (net, skew) = (self.net.clone(), Arc::clone(&self.skew));
        let clock = move || skewed(net.now(), skew.load(Ordering::Relaxed));
        let messenger = Messenger::open(Arc::new(vault), identity(self.name), config, clock, rng(2)).expect("opens");
        let (handle, way) = (messenger.clone(), Arc::new(self.net.way(self.person)));
        let task = tokio::spawn(async move { handle.run(way).await });
        self.running = Some((messenger, task));
    }

    /// Switches off in an orderly way: as far as the messenger knows, at any moment.
    pub fn stop(&mut self) {
        if let Some((_, task)) = self.running.take() {
            task.abort();
        }
        self.net.set_offline(self.person, true);
        self.net.set_offline(self.person, false);
    }

    /// Pulls the plug: what the disk had not synced may be gone.
    pub fn crash(&mut self) {
        self.stop();
        self.disk.restart();
    }

    /// Takes a copy of the folder, as a backup would.
    pub fn back_up(&self) -> MemoryDisk {
        self.disk.copy(self.seed)
    }

    /// Puts an old copy in the place of the folder. Only while switched off.
    pub fn put_back(&mut self, copy: &MemoryDisk) {
        assert!(!self.is_running(), "the folder is in use");
        self.disk = copy.copy(self.seed);
    }

    /// The program is killed: what it wrote is there, synced or not.
    pub fn kill(&mut self) {
        self.stop();
    }

    /// Gone without a word, to everybody else: no stream of theirs ends.
    pub fn vanish(&mut self) {
        self.net.vanish(self.person);
        if let Some((_, task)) = self.running.take() {
            task.abort();
        }
    }

    /// Back after [`vanish`](Self::vanish).
    pub fn reappear(&mut self) {
        self.net.set_offline(self.person, false);
        self.start();
    }

    /// Bytes read from roads of files so far.
    pub fn carried(&self) -> u64 {
        self.net.carried(self.person)
    }

    /// Roads of files opened so far.
    pub fn roads(&self) -> usize {
        self.net.roads(self.person)
    }

    /// The disk, to crash at a chosen step.
    pub fn disk(&self) -> &MemoryDisk {
        &self.disk
    }

    /// Whether it is running.
    pub fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// Sets the clock wrong by so many seconds.
    pub fn set_clock(&self, seconds: i64) {
        self.skew.store(seconds * 1_000, Ordering::Relaxed);
    }

    /// Streams that are open now.
    pub fn open_streams(&self) -> usize {
        self.net.open_streams(self.person)
    }

    /// Cuts the cable, or plugs it in.
    pub fn set_offline(&self, offline: bool) {
        self.net.set_offline(self.person, offline);
    }

    /// Nothing comes through any more, and nothing says so, until `set_offline(false)` lets new streams open.
    pub fn freeze_line(&self) {
        self.net.vanish(self.person);
    }

    /// Waits until something is true, for at most so long by the simulated clock.
    pub async fn until<R>(&self, what: &str, limit: Duration, mut check: impl FnMut(&Messenger) -> Option<R>) -> R {
        let deadline = tokio::time::Instant::now() + limit;
        loop {
            if let Some(result) = check(self) {
                return result;
            }
            assert!(
                tokio::time::Instant::now() < deadline,
                "{} waited {limit:?} until {what}: {}",
                self.name,
                self.story()
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until a contact is in a state.
    pub async fn until_contact(&self, contact: &TestPeer, state: ContactState) -> Contact {
        let address = contact.address();
        let what = format!("{} is {state:?}", contact.name);
        self.until(&what, MINUTES, |messenger| {
            messenger
                .contact(&address)
                .ok()
                .filter(|contact| contact.state == state)
        })
        .await
    }

    /// Waits until exactly these texts of a contact are shown, in this order.
    pub async fn until_heard(&self, contact: &TestPeer, texts: &[&str]) {
        let what = format!("{texts:?} came from {}", contact.name);
        self.until(&what, MINUTES, |_| (self.heard(contact) == texts).then_some(()))
            .await;
    }

    /// Waits until a message is as far as this.
    pub async fn until_delivery(&self, id: &MessageId, state: Delivery) {
        let what = format!("{id:?} is {state:?}");
        self.until(&what, MINUTES, |messenger| {
            messenger
                .message(id)
                .expect("reads")
                .filter(|m| m.state >= state)
                .map(drop)
        })
        .await;
    }

    /// Says something.
    pub fn say(&self, to: &TestPeer, text: &str) -> MessageId {
        self.send_text(&to.address(), text, None).expect("is sent")
    }

    /// The whole conversation with somebody.
    pub fn conversation(&self, with: &TestPeer) -> Vec<Message> {
        self.messages(&with.address(), None, usize::MAX - 1).expect("reads").0
    }

    /// The texts that came from somebody, in the order in which they show; gaps show as `[n]`.
    pub fn heard(&self, from: &TestPeer) -> Vec<String> {
        let lines = self
            .conversation(from)
            .into_iter()
            .filter(|message| message.direction == Direction::In);
        lines
            .filter_map(|message| match message.body {
                Body::Text(text) => Some(text),
                Body::Gap(count) => Some(format!("[{count}]")),
                _ => None,
            })
            .collect()
    }

    fn story(&self) -> String {
        let contacts: Vec<String> = self
            .contacts()
            .into_iter()
            .map(|contact| {
                let (lines, _) = self.messages(&contact.address, None, 20).expect("reads");
                let lines: Vec<String> = lines
                    .iter()
                    .map(|line| format!("{:?} {:?} {:?}", line.direction, line.body, line.state))
                    .collect();
                format!("{:?} {:?} {lines:#?}", contact.nickname, contact.state)
            })
            .collect();
        contacts.join("\n")
    }
}

impl Deref for TestPeer {
    type Target = Messenger;

    fn deref(&self) -> &Messenger {
        &self.running.as_ref().expect("is switched on").0
    }
}

impl Drop for TestPeer {
    fn drop(&mut self) {
        if let Some((_, task)) = self.running.take() {
            task.abort();
        }
    }
}

/// Two people who asked and said yes.
pub async fn befriend(alice: &TestPeer, bob: &TestPeer) {
    alice.add_contact(bob.address(), None, None).expect("is asked");
    bob.until_contact(alice, ContactState::Incoming).await;
    bob.accept_contact(&alice.address()).expect("is accepted");
    alice.until_contact(bob, ContactState::Accepted).await;
}

/// Somebody's address.
pub fn address_of(name: &str) -> Address {
    identity(name).address()
}

fn identity(name: &str) -> Identity {
    let nickname = Nickname::parse(name).expect("a nickname");
    let password = Password::parse("correct horse battery staple").expect("a password");
    Identity::derive(&nickname, &password, Cost::dangerously_cheap()).expect("is cheap")
}

fn skewed(now: UnixMillis, by: i64) -> UnixMillis {
    UnixMillis(now.0.saturating_add_signed(by))
}

const MINUTES: Duration = Duration::from_secs(10 * 60);
