//! People for tests: seeded, with a store that keeps what each step says.

use crate::{
    Accepted, InitialMessage, Local, Prekey, ReceiveError, Remote, Session, SkippedId, Step, initiate, respond,
};
use outis_crypto::SecretBytes;
use outis_identity::{DeviceCertificate, DeviceKeys, Generation, Identity, VerifiedDevice};
use outis_wire::{Epoch, UnixMillis};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use std::{collections::BTreeMap, convert::Infallible, time::Duration};

pub(crate) const EPOCH: Epoch = Epoch(20_000);

pub(crate) fn now() -> UnixMillis {
    EPOCH.start()
}

pub(crate) fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

/// An account with one device and a prekey.
pub(crate) struct Person {
    pub(crate) account: Identity,
    pub(crate) keys: DeviceKeys,
    pub(crate) certificate: DeviceCertificate,
    pub(crate) prekey: Prekey,
}

impl Person {
    pub(crate) fn new(seed: u8) -> Self {
        let mut rng = rng(u64::from(seed));
        let account = Identity::from_record(&[&[1], [seed; 32].as_slice()].concat()).unwrap();
        let keys = DeviceKeys::generate(&mut rng);
        let expires = now().plus(DeviceCertificate::LIFETIME);
        let certificate = account.certify(keys.public(), Generation::FIRST, expires);
        let prekey = Prekey::generate(&mut rng, EPOCH);
        Self {
            account,
            keys,
            certificate,
            prekey,
        }
    }

    pub(crate) fn local(&self) -> Local<'_> {
        Local::new(&self.keys, &self.certificate, now()).unwrap()
    }

    pub(crate) fn device(&self) -> VerifiedDevice {
        self.certificate.verify(now()).unwrap()
    }

    /// This person as strangers see them.
    pub(crate) fn remote(&self) -> Remote {
        Remote::new(self.device(), &self.prekey.public(&self.keys)).unwrap()
    }

    pub(crate) fn initiate(&self, other: &Self, payload: &[u8], seed: u64) -> (Side, InitialMessage) {
        let mut rng = rng(seed);
        let (session, message) = initiate(&mut rng, &self.local(), &other.remote(), payload).unwrap();
        (
            Side {
                session,
                store: BTreeMap::new(),
                rng,
                now: now(),
            },
            message,
        )
    }

    pub(crate) fn respond(&self, message: &InitialMessage, seed: u64) -> (Side, SecretBytes) {
        let Accepted { session, payload, .. } = respond(&self.local(), &self.prekey, message, now()).unwrap();
        (
            Side {
                session,
                store: BTreeMap::new(),
                rng: rng(seed),
                now: now(),
            },
            payload,
        )
    }
}

/// Two who have just begun.
pub(crate) fn pair(seed: u64) -> (Side, Side) {
    let (alice, bob) = (Person::new(1), Person::new(2));
    let (a, message) = alice.initiate(&bob, b"hello", seed);
    let (b, payload) = bob.respond(&message, seed + 1);
    assert_eq!(payload.dangerously_expose(), b"hello");
    (a, b)
}

/// One side of a session, and what it has stored.
pub(crate) struct Side {
    pub(crate) session: Session,
    pub(crate) store: BTreeMap<SkippedId, SecretBytes>,
    pub(crate) rng: ChaCha20Rng,
    pub(crate) now: UnixMillis,
}

impl Side {
    pub(crate) fn send(&mut self, plaintext: &[u8]) -> Vec<u8> {
        let (step, ciphertext) = self.session.send(&mut self.rng, plaintext).unwrap();
        self.commit(step);
        ciphertext
    }

    pub(crate) fn receive(&mut self, ciphertext: &[u8]) -> Result<Vec<u8>, ReceiveError<Infallible>> {
        let (step, plaintext) = self.session.receive(self.now, &self.store, ciphertext)?;
        self.commit(step);
        Ok(plaintext.dangerously_expose().to_vec())
    }

    pub(crate) fn wait(&mut self, duration: Duration) {
        self.now = self.now.plus(duration);
    }

    /// Everything that is stored, as bytes.
    pub(crate) fn state(&self) -> Vec<u8> {
        let mut state = self.session.to_record().dangerously_expose().to_vec();
        for (id, key) in &self.store {
            state.extend_from_slice(&id.index().to_be_bytes());
            state.extend_from_slice(key.dangerously_expose());
        }
        state
    }

    /// Somebody else's copy of everything that is stored, as after a theft.
    pub(crate) fn stolen(&self) -> Self {
        let copy = |key: &SecretBytes| SecretBytes::from(key.dangerously_expose().to_vec());
        Self {
            session: Session::from_record(self.session.to_record().dangerously_expose()).unwrap(),
            store: self.store.iter().map(|(id, key)| (*id, copy(key))).collect(),
            rng: rng(u64::MAX),
            now: self.now,
        }
    }

    /// As a store would do it: what it keeps is exactly what the session says is missing.
    fn commit(&mut self, step: Step) {
        for (id, key) in step.added {
            assert!(
                self.store.insert(id, key.to_record()).is_none(),
                "{id:?} was stored before"
            );
        }
        for id in step.removed {
            assert!(self.store.remove(&id).is_some(), "{id:?} was not stored");
        }
        // Every session of every test goes through its record, so that no test passes only in memory.
        self.session = Session::from_record(step.session.to_record().dangerously_expose()).unwrap();
        assert_eq!(
            self.session.to_record().dangerously_expose(),
            step.session.to_record().dangerously_expose()
        );
        assert_eq!(self.session.skipped(), self.store.len());
    }
}
