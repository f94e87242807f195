//! This device: its keys, its generation, and whether it may speak for its account.

use crate::descriptor::Publishing;
use crate::event::Event;
use crate::randomness::Randomness;
use crate::settings::ConversationSettings;
use crate::state::State;
use crate::store::{Changes, NOBODY, Store, StoreError, table};
use outis_crypto::CryptoRng;
use outis_identity::{Address, DeviceCertificate, DeviceKeys, Generation, Identity};
use outis_ratchet::Local;
use outis_wire::UnixMillis;
use serde::{Deserialize, Serialize};

/// Who we are on this machine.
pub(crate) struct Me {
    pub(crate) address: Address,
    pub(crate) identity: Identity,
    pub(crate) nickname: String,
    pub(crate) keys: DeviceKeys,
    pub(crate) record: DeviceRecord,
    /// Since this start, the account's descriptor was read and nothing spoke against this device.
    pub(crate) cleared: bool,
    pub(crate) known: Known,
    pub(crate) publishing: Publishing,
}

/// What is stored of this device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DeviceRecord {
    pub(crate) keys: Vec<u8>,
    /// 0 until it is known which one to take.
    pub(crate) generation: Generation,
    pub(crate) certificate: Option<DeviceCertificate>,
    /// The highest generation seen of this account.
    pub(crate) highest: Generation,
    /// Nothing is published before the account is known to be the person's own, or the person says it is new.
    pub(crate) confirmed: bool,
    pub(crate) superseded: bool,
    /// It was superseded because this folder is an old copy, or one of two that are in use.
    pub(crate) copied: bool,
    /// Starts of this installation.
    pub(crate) starts: u64,
    /// Seals the witness in the descriptor.
    pub(crate) witness_key: [u8; 32],
    /// Witnesses that may stand in the descriptor, the one to be published last.
    pub(crate) witnesses: Vec<Witness>,
    /// Counts publications.
    pub(crate) publications: u64,
    /// Where the next note to self goes.
    pub(crate) next_note: u64,
    /// What was chosen for the notes to self.
    pub(crate) notes: ConversationSettings,
    /// Names our ways, to this program only. The same from start to start, so that what is counted of a way goes on counting.
    pub(crate) isolation: [u8; 32],
}

/// Shows whether a descriptor was published by this very state of this device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Witness {
    pub(crate) start: u64,
    pub(crate) random: [u8; 32],
}

/// How the account came to this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// It was created here just now.
    Created,
    /// The person signed in with the credentials of an account that may exist elsewhere.
    Restored,
}

/// Whether the network knows the account. Asked when it is signed in to on a new machine, so that a mistyped nickname does
/// not silently become a new, empty account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// Not asked yet.
    Asking,
    /// It has published before.
    Yes,
    /// Nothing was found.
    No,
    /// Nobody could be asked.
    Unreachable,
}

impl Me {
    /// Reads this device's record, or makes one for a new installation.
    pub(crate) fn load(
        store: &Store,
        identity: Identity,
        nickname: String,
        origin: Origin,
        rng: &mut Randomness,
    ) -> Result<Self, StoreError> {
        let mut record = match store.get::<DeviceRecord>(table::DEVICE, &NOBODY, 0)? {
            Some(record) => record,
            None => {
                let mut record = DeviceRecord::new(&DeviceKeys::generate(rng), origin, rng);
                // Notes that came in an archive.
                let last = store.last_index(table::LINES, identity.address().as_bytes())?;
                record.next_note = last.map_or(1, |last| last.saturating_add(1));
                record
            }
        };
        record.starts = record.starts.saturating_add(1);
        let mut changes = Changes::new();
        changes.put(table::DEVICE, &NOBODY, 0, &record);
        store.commit(changes)?;
        let keys = DeviceKeys::from_record(&record.keys)
            .map_err(|_| StoreError::Damaged(outis_wire::DecodeError::Malformed))?;
        let known = if record.generation > Generation::default() {
            Known::Yes
        } else {
            Known::Asking
        };
        let address = identity.address();
        Ok(Self {
            address,
            identity,
            nickname,
            keys,
            record,
            cleared: false,
            known,
            publishing: Publishing::default(),
        })
    }

    /// The account signed in on another device, or this one was rolled back.
    pub(crate) fn is_superseded(&self) -> bool {
        self.record.superseded
    }

    /// Whether descriptors may be published and queues be made.
    pub(crate) fn may_publish(&self) -> bool {
        self.record.confirmed && self.may_speak()
    }

    /// Whether this device may speak for its account.
    pub(crate) fn may_speak(&self) -> bool {
        self.cleared && self.record.generation > Generation::default() && !self.record.superseded
    }

    /// This device as sessions need it; `None` until it has a generation.
    pub(crate) fn local(&self, now: UnixMillis) -> Option<Local<'_>> {
        Local::new(&self.keys, self.record.certificate.as_ref()?, now).ok()
    }

    /// The account's word for this device, for another while.
    pub(crate) fn certify(&self, record: &mut DeviceRecord, now: UnixMillis) {
        let expires = now.plus(DeviceCertificate::LIFETIME);
        record.certificate = Some(self.identity.certify(self.keys.public(), record.generation, expires));
    }

    /// The descriptor is to be published (again) as soon as may be.
    pub(crate) fn publication_wanted(&mut self) {
        self.publishing.wanted = true;
    }
}

impl DeviceRecord {
    /// Witnesses of publications that may have come to be, at most.
    const WITNESSES: usize = 8;

    /// The witness of this start, made when something is published for the first time since: starts that publish nothing
    /// push none out.
    pub(crate) fn witness(&mut self, rng: &mut Randomness) -> Witness {
        if let Some(last) = self.witnesses.last().filter(|last| last.start == self.starts) {
            return *last;
        }
        if self.witnesses.len() >= Self::WITNESSES {
            // The first is known to have been published; those after it only may have been.
            self.witnesses.remove(1);
        }
        let witness = Witness {
            start: self.starts,
            random: random(rng),
        };
        self.witnesses.push(witness);
        witness
    }

    fn new(keys: &DeviceKeys, origin: Origin, rng: &mut Randomness) -> Self {
        Self {
            keys: keys.to_record().dangerously_expose().to_vec(),
            generation: Generation::default(),
            certificate: None,
            highest: Generation::default(),
            confirmed: origin == Origin::Created,
            superseded: false,
            copied: false,
            starts: 0,
            witness_key: random(rng),
            witnesses: Vec::new(),
            publications: 0,
            next_note: 1,
            notes: ConversationSettings::default(),
            isolation: random(rng),
        }
    }
}

impl State {
    /// The person says that an account which the network does not know is new.
    pub(crate) fn confirm_new(&mut self) -> Result<(), StoreError> {
        self.change_device(|me, record, now| {
            record.confirmed = true;
            if record.generation == Generation::default() {
                record.generation = Generation::FIRST;
                me.certify(record, now);
            }
        })?;
        self.me.cleared = true;
        self.me.publication_wanted();
        self.events.push(Event::AccountUpdated);
        Ok(())
    }

    /// The person wants to go on here although the account was used elsewhere: this device takes the next generation.
    pub(crate) fn take_over(&mut self) -> Result<(), StoreError> {
        if self.me.record.superseded && self.me.record.copied {
            self.begin_afresh()?;
        }
        self.change_device(|me, record, now| {
            if !record.superseded {
                return;
            }
            record.superseded = false;
            record.generation = record
                .highest
                .max(record.generation)
                .next()
                .unwrap_or(record.generation);
            record.highest = record.generation;
            me.certify(record, now);
        })?;
        self.me.publishing.look_up_again();
        self.me.publication_wanted();
        self.events.push(Event::AccountUpdated);
        Ok(())
    }

    pub(crate) fn change_device(
        &mut self,
        change: impl FnOnce(&Me, &mut DeviceRecord, UnixMillis),
    ) -> Result<(), StoreError> {
        let mut record = self.me.record.clone();
        change(&self.me, &mut record, self.now());
        let mut changes = Changes::new();
        changes.put(table::DEVICE, &NOBODY, 0, &record);
        self.store.commit(changes)?;
        self.me.record = record;
        Ok(())
    }
}

fn random(rng: &mut impl CryptoRng) -> [u8; 32] {
    let mut bytes = [0; 32];
    rng.fill_bytes(&mut bytes);
    bytes
}
