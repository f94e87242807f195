//! What a message costs: `cargo bench -p outis-ratchet`.
//!
//! One message is one call of `send` and one of `receive`, on one core, with a text of 1 KiB. *Ping-pong* takes a turn with
//! each message (fresh X25519 and ML-KEM keys on both sides); a *burst* stays in one chain. The rows *from records* read and
//! write both sessions as the container keeps them, each time.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a program that measures and prints"
)]

use outis_crypto::SecretBytes;
use outis_identity::{DeviceCertificate, DeviceKeys, Generation, Identity};
use outis_ratchet::{InitialMessage, Local, Prekey, Remote, Session, SkippedId, initiate, respond};
use outis_wire::Epoch;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

fn main() {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let [alice, bob] = [1, 2].map(|seed| Person::new(seed, &mut rng));

    println!("{:<32} {:>10}", "ratchet", "µs");
    row("handshake", || {
        alice.begin_with(&bob, &mut rng);
    });
    for (name, rest) in [("", Rest::InMemory), (", from records", Rest::InRecords)] {
        let (mut a, mut b) = alice.begin_with(&bob, &mut rng);
        let mut there = false;
        row(&format!("message, ping-pong{name}"), || {
            there = !there;
            let (from, to) = if there { (&mut b, &mut a) } else { (&mut a, &mut b) };
            deliver(from, to, rest, &mut rng);
        });
        let (mut a, mut b) = alice.begin_with(&bob, &mut rng);
        row(&format!("message, burst{name}"), || {
            deliver(&mut a, &mut b, rest, &mut rng)
        });
    }
}

#[derive(Clone, Copy)]
enum Rest {
    InMemory,
    InRecords,
}

impl Rest {
    fn keep(self, session: Session) -> Session {
        match self {
            Self::InMemory => session,
            Self::InRecords => Session::from_record(session.to_record().dangerously_expose()).unwrap(),
        }
    }
}

fn deliver(from: &mut Session, to: &mut Session, rest: Rest, rng: &mut ChaCha20Rng) {
    let (step, ciphertext) = from.send(rng, &[7; 1024]).unwrap();
    *from = rest.keep(step.session);
    let skipped = BTreeMap::<SkippedId, SecretBytes>::new();
    let (step, _) = to.receive(EPOCH.start(), &skipped, &ciphertext).unwrap();
    *to = rest.keep(step.session);
}

/// The median of many rounds, each shorter than a slice of the scheduler, so that other work on the machine counts little.
fn row(name: &str, mut work: impl FnMut()) {
    let mut round = || {
        let start = Instant::now();
        (0..ROUND).for_each(|_| work());
        start.elapsed() / ROUND
    };
    let mut rounds: Vec<Duration> = (0..ROUNDS).map(|_| round()).collect();
    rounds.sort();
    let median = rounds.get(ROUNDS / 2).copied().unwrap_or_default();
    println!("{name:<32} {:>10.1}", median.as_secs_f64() * 1e6);
}

struct Person {
    keys: DeviceKeys,
    certificate: DeviceCertificate,
    prekey: Prekey,
}

impl Person {
    fn new(seed: u8, rng: &mut ChaCha20Rng) -> Self {
        let account = Identity::from_record(&[&[1], [seed; 32].as_slice()].concat()).unwrap();
        let keys = DeviceKeys::generate(rng);
        let expires = EPOCH.start().plus(DeviceCertificate::LIFETIME);
        let certificate = account.certify(keys.public(), Generation::FIRST, expires);
        Self {
            keys,
            certificate,
            prekey: Prekey::generate(rng, EPOCH),
        }
    }

    fn local(&self) -> Local<'_> {
        Local::new(&self.keys, &self.certificate, EPOCH.start()).unwrap()
    }

    fn begin_with(&self, other: &Self, rng: &mut ChaCha20Rng) -> (Session, Session) {
        let device = other.certificate.verify(EPOCH.start()).unwrap();
        let remote = Remote::new(device, &other.prekey.public(&other.keys)).unwrap();
        let (session, message) = initiate(rng, &self.local(), &remote, b"hello").unwrap();
        let message = InitialMessage::from_bytes(&message.to_bytes()).unwrap();
        let accepted = respond(&other.local(), &other.prekey, &message, EPOCH.start()).unwrap();
        (session, accepted.session)
    }
}

const EPOCH: Epoch = Epoch(20_000);

/// Even, so that each round has as many messages there as back.
const ROUND: u32 = 2;

const ROUNDS: usize = 1_001;
