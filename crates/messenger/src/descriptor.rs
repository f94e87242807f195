//! Publishing our descriptor, and reading ours and others'.

use crate::event::Event;
use crate::meeting::Found;
use crate::own::{Known, Witness};
use crate::plan::Plan;
use crate::queue::{TheirQueue, sample};
use crate::state::State;
use crate::store::{Changes, NOBODY, StoreError, table};
use crate::time::{Backoff, Tick};
use crate::work::{Job, Owner, Task, Unreachable};
use outis_crypto::signature::VerifyingKey;
use outis_crypto::{Secret, aead};
use outis_identity::{Address, DeviceId, Generation, Standing, VerifiedDevice};
use outis_mailbox::descriptor::{
    AccountDescriptor, DirectoryKey, ListedDevice, PUBLISHED, READ_ORDER, Revision, SealedDescriptor,
};
use outis_ratchet::{Prekey, Remote, SignedPrekey};
use outis_wire::{Epoch, Isolation, NodeId, UnixMillis};
use std::time::Duration;

/// Where publication stands.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Publishing {
    pub(crate) wanted: bool,
    /// The day that was published last, since this start.
    published: Option<Epoch>,
    backoff: Backoff,
    /// The price of a request that was published last.
    pub(crate) asked: u32,
    looked_up: Option<Tick>,
    look_up: Backoff,
    /// Something speaks for it that the account was signed in to elsewhere.
    doubted: bool,
    /// Doubts that turned out to be wrong, one after the other.
    in_vain: u32,
}

impl Publishing {
    /// Our own descriptor is read before anything else is done.
    pub(crate) fn look_up_again(&mut self) {
        self.looked_up = None;
    }

    /// Something speaks for it that the account was signed in to elsewhere: our own descriptor is read again soon, and the
    /// less soon the more often it said nothing of the kind.
    pub(crate) fn doubt(&mut self) {
        self.doubted = true;
    }

    /// The way to it is there again after we were cut off: nobody knows what was missed.
    pub(crate) fn reconnected(&mut self) {
        self.doubted = true;
        self.look_up.succeeded();
    }

    /// When our own descriptor is to be read again.
    fn look_up_due(&self) -> Tick {
        let pause = if self.doubted {
            DOUBT_PAUSE.saturating_mul(1 << self.in_vain.min(10)).min(SELF_LOOK_UP)
        } else {
            SELF_LOOK_UP
        };
        self.looked_up.map_or(Tick::default(), |at| at.plus(pause))
    }

    fn was_looked_up(&mut self, tick: Tick) {
        self.look_up.succeeded();
        self.looked_up = Some(tick);
        self.in_vain = if self.doubted {
            self.in_vain.saturating_add(1)
        } else {
            0
        };
        self.doubted = false;
    }
}

/// An account to look up, and by which ways.
pub(crate) struct LookUp {
    pub(crate) account: VerifyingKey,
    pub(crate) keys: Vec<(Epoch, DirectoryKey)>,
    pub(crate) via: Vec<(NodeId, Isolation)>,
}

/// The same for our own account.
pub(crate) type SelfLookUp = LookUp;

/// Descriptors to publish, the most needed first.
pub(crate) struct Publication {
    pub(crate) descriptors: Vec<SealedDescriptor>,
    pub(crate) via: Vec<(NodeId, Isolation)>,
    /// Who is asked whether they are there.
    pub(crate) check: Vec<(NodeId, Isolation)>,
}

/// What our own descriptor says.
#[derive(Debug, Clone)]
pub(crate) struct FoundSelf {
    pub(crate) descriptor: Box<FoundDescriptor>,
}

/// The part of a descriptor that tells of devices.
#[derive(Debug, Clone)]
pub(crate) struct FoundDescriptor {
    pub(crate) revision: Revision,
    pub(crate) devices: Vec<ListedDevice>,
    pub(crate) witness: Vec<u8>,
}

impl State {
    /// Reads a contact's descriptor by several ways.
    pub(crate) fn look_up(&mut self, contact: &Address, _isolation: Isolation) -> Job {
        Job::LookUp(self.look_up_account(contact))
    }

    fn look_up_account(&mut self, account: &Address) -> LookUp {
        let today = self.now().epoch();
        let network = self.network.clone();
        let key = *account.account_key();
        let keys = READ_ORDER
            .iter()
            .filter_map(|days| {
                let epoch = today.offset(*days);
                Some((epoch, DirectoryKey::of(&network, &key, epoch).ok()?))
            })
            .collect();
        LookUp {
            account: key,
            keys,
            via: self.ways(WAYS),
        }
    }

    /// Relays that are asked about the directory, each by a way of its own.
    fn ways(&mut self, count: usize) -> Vec<(NodeId, Isolation)> {
        let nodes = sample(&self.directories, count, &mut self.rng);
        nodes.into_iter().map(|node| (node, self.fresh_isolation())).collect()
    }

    pub(crate) fn plan_self(&mut self, plan: &mut Plan) -> Result<(), StoreError> {
        let (now, tick) = (self.now(), self.tick);
        let publishing = self.me.publishing;
        let stale = plan.is_due(publishing.look_up_due(), tick);
        let waits_for_person = self.me.cleared && !self.me.record.confirmed;
        if stale
            && !waits_for_person
            && !self.running.contains(&Task::LookUpSelf)
            && plan.is_due(publishing.look_up.until(), tick)
        {
            let address = self.address();
            let look_up = self.look_up_account(&address);
            plan.jobs.push((Task::LookUpSelf, Job::LookUpSelf(look_up)));
            return Ok(());
        }
        let today = now.epoch();
        let due = publishing.wanted || publishing.published != Some(today);
        let ready = self.me.may_publish() && !stale && self.requests.sequence() > 0;
        if due && ready && !self.running.contains(&Task::Publish) && plan.is_due(publishing.backoff.until(), tick) {
            let publication = self.publication(now)?;
            if let Some(publication) = publication {
                self.me.publishing.wanted = false;
                plan.jobs.push((Task::Publish, Job::Publish(publication)));
            }
        }
        Ok(())
    }

    /// Descriptors for two days back and two weeks ahead, each with its epoch's prekey.
    fn publication(&mut self, now: UnixMillis) -> Result<Option<Publication>, StoreError> {
        let today = now.epoch();
        let mut changes = Changes::new();
        let mut record = self.me.record.clone();
        record.publications = record.publications.saturating_add(1);
        self.me.certify(&mut record, now);
        let Some(certificate) = record.certificate.clone() else {
            return Ok(None);
        };
        let witness = record.witness(&mut self.rng);
        let mut prekeys = Vec::new();
        for epoch in published(today) {
            let index = u64::from(epoch.0);
            let prekey = match self.store.get_bytes(table::PREKEYS, &NOBODY, index)? {
                Some(bytes) => Prekey::from_record(bytes.dangerously_expose()).map_err(StoreError::Session)?,
                None => {
                    let prekey = Prekey::generate(&mut self.rng, epoch);
                    changes.put_bytes(
                        table::PREKEYS,
                        &NOBODY,
                        index,
                        prekey.to_record().dangerously_expose().to_vec(),
                    );
                    prekey
                }
            };
            prekeys.push(prekey);
        }
        for (index, bytes) in self.store.range_bytes(table::PREKEYS, &NOBODY, PREKEYS)? {
            let over = Prekey::from_record(bytes.dangerously_expose()).is_ok_and(|prekey| prekey.is_over(now));
            if over {
                changes.erase(table::PREKEYS, &NOBODY, index);
            }
        }
        self.forget_requests(&mut changes, today)?;
        changes.put(table::DEVICE, &NOBODY, 0, &record);
        self.store.commit(changes)?;
        let revision = Revision {
            generation: record.generation,
            counter: record.publications,
        };
        self.me.record = record;
        self.me.publishing.asked = self.asking_price();
        let price = Some(self.me.publishing.asked).filter(|price| *price > 0);
        let mut descriptors = Vec::new();
        for prekey in prekeys {
            let Some(requests) = self.requests.named() else {
                return Ok(None);
            };
            let device = ListedDevice {
                certificate: certificate.clone(),
                prekey: prekey.public(&self.me.keys).to_bytes(),
            };
            let content = AccountDescriptor {
                revision,
                devices: vec![device],
                requests,
                witness: self.seal_witness(&witness),
                more: price.map(AccountDescriptor::asking).into_iter().collect(),
            };
            let signing = self.me.identity.dangerously_signing_key();
            let Ok(sealed) = content.seal(&mut self.rng, &self.network, prekey.epoch(), signing) else {
                return Ok(None);
            };
            descriptors.push(sealed);
        }
        let mut ways = self.ways(PUBLISH_WAYS + CHECK_WAYS);
        let check = ways.split_off(ways.len().min(PUBLISH_WAYS));
        let check = if check.is_empty() { ways.clone() } else { check };
        Ok(Some(Publication {
            descriptors,
            via: ways,
            check,
        }))
    }

    pub(crate) fn published(&mut self, published: bool) -> Result<(), StoreError> {
        let tick = self.tick;
        if !published {
            self.me.publishing.wanted = true;
            self.me
                .publishing
                .backoff
                .failed(tick, PUBLISH_AGAIN, PUBLISH_AGAIN_LONGEST, &mut self.rng);
            return Ok(());
        }
        self.me.publishing.published = Some(self.now().epoch());
        self.me.publishing.backoff.succeeded();
        // What was published last is what stands there now.
        self.change_device(|_, record, _| {
            let last = record.witnesses.last().copied();
            record.witnesses = last.into_iter().collect();
        })?;
        self.events.push(Event::AccountUpdated);
        Ok(())
    }

    /// Our own descriptor was read: is this still the device that speaks for the account?
    pub(crate) fn found_self(&mut self, found: Result<Option<FoundSelf>, Unreachable>) -> Result<(), StoreError> {
        let tick = self.tick;
        let Ok(found) = found else {
            if self.me.known == Known::Asking {
                self.me.known = Known::Unreachable;
                self.events.push(Event::AccountUpdated);
            }
            self.me
                .publishing
                .look_up
                .failed(tick, PUBLISH_AGAIN, PUBLISH_AGAIN_LONGEST, &mut self.rng);
            return Ok(());
        };
        self.me.publishing.was_looked_up(tick);
        let now = self.now();
        let address = self.address();
        let found = found.map(|found| *found.descriptor);
        let device = found
            .as_ref()
            .and_then(|found| latest_device(&found.devices, &address, now));
        let ours = (self.me.record.generation, self.me.keys.public().id());
        match (device, found) {
            (Some(device), Some(found)) if self.me.record.generation > Generation::default() => {
                let theirs = (device.generation(), device.id());
                let standing = Standing::of(theirs, ours);
                // An older one, from a relay that missed the newer, says nothing: it was ours or is overcome.
                let newest = found.revision.counter >= self.me.record.publications;
                // Published by this device, but not by what this folder remembers: it is an old copy, or one of two.
                let copied = newest && standing == Standing::Same && !self.witnessed(&found.witness);
                let ahead = standing == Standing::Same && device.generation() > ours.0;
                if standing == Standing::Successor || copied || ahead {
                    return self.superseded(device.generation(), copied);
                }
                self.me.cleared = true;
            }
            (Some(device), _) => {
                self.me.known = Known::Yes;
                let next = device.generation().next().unwrap_or(device.generation());
                self.take_generation(next)?;
                self.me.cleared = true;
            }
            (None, _) => {
                self.me.cleared = true;
                if self.me.record.generation == Generation::default() {
                    self.me.known = Known::No;
                    if self.me.record.confirmed {
                        self.take_generation(Generation::FIRST)?;
                    }
                }
            }
        }
        self.events.push(Event::AccountUpdated);
        Ok(())
    }

    fn take_generation(&mut self, generation: Generation) -> Result<(), StoreError> {
        self.change_device(|me, record, now| {
            record.generation = generation;
            record.highest = generation;
            record.confirmed = true;
            me.certify(record, now);
        })
    }

    fn superseded(&mut self, highest: Generation, copied: bool) -> Result<(), StoreError> {
        self.change_device(|_, record, _| {
            record.superseded = true;
            record.copied |= copied;
            record.highest = record.highest.max(highest);
        })?;
        self.me.cleared = false;
        // Nothing is listened to either: whoever has the account now does that.
        self.deaf.push(Owner::Requests);
        self.deaf.extend(self.peers.keys().copied().map(Owner::Contact));
        self.deaf.extend(self.invites.keys().copied().map(Owner::Invite));
        self.events.push(Event::Superseded);
        Ok(())
    }

    fn seal_witness(&mut self, witness: &Witness) -> Vec<u8> {
        let key = Secret::from_bytes(self.me.record.witness_key);
        aead::seal(
            &key,
            &mut self.rng,
            self.me.address.as_bytes(),
            &outis_wire::encode(witness),
        )
    }

    /// Whether this very state of this device published it.
    fn witnessed(&self, sealed: &[u8]) -> bool {
        let key = Secret::from_bytes(self.me.record.witness_key);
        let Ok(plain) = aead::open(&key, self.me.address.as_bytes(), sealed) else {
            return false;
        };
        let witness = outis_wire::decode::<Witness>(plain.dangerously_expose(), 64);
        witness.is_ok_and(|witness| self.me.record.witnesses.contains(&witness))
    }

    /// Requests are remembered as long as the prekey they were made for lives.
    fn forget_requests(&self, changes: &mut Changes, today: Epoch) -> Result<(), StoreError> {
        for name in self.store.owners(table::REQUESTS)? {
            if self
                .store
                .get::<u32>(table::REQUESTS, &name, 0)?
                .is_some_and(|until| until < today.0)
            {
                changes.erase(table::REQUESTS, &name, 0);
            }
        }
        Ok(())
    }
}

/// Checks what a contact's descriptor says, against their address.
pub(crate) fn read(contact: &Address, descriptor: AccountDescriptor, now: UnixMillis) -> Option<Found> {
    let device = latest_device(&descriptor.devices, contact, now)?;
    let listed = descriptor
        .devices
        .iter()
        .find(|listed| is(listed, device.id(), contact, now))?;
    let prekey = SignedPrekey::from_bytes(&listed.prekey).ok()?;
    let remote = Remote::new(device, &prekey).ok()?;
    Some(Found {
        remote,
        price: descriptor.price(),
        requests: TheirQueue::of(descriptor.requests),
    })
}

fn latest_device(devices: &[ListedDevice], account: &Address, now: UnixMillis) -> Option<VerifiedDevice> {
    let verified = devices.iter().filter_map(|listed| listed.certificate.verify(now).ok());
    verified
        .filter(|device| device.account() == account)
        .reduce(|best, device| {
            if device.standing(&best) == Standing::Successor {
                device
            } else {
                best
            }
        })
}

fn is(listed: &ListedDevice, id: DeviceId, account: &Address, now: UnixMillis) -> bool {
    listed
        .certificate
        .verify(now)
        .is_ok_and(|device| device.id() == id && device.account() == account)
}

/// The epochs to publish for, nearest first.
fn published(today: Epoch) -> Vec<Epoch> {
    let mut days: Vec<i32> = PUBLISHED.collect();
    days.sort_by_key(|days| (days.abs(), *days));
    days.into_iter().map(|days| today.offset(days)).collect()
}

/// Ways by which a descriptor is looked up.
const WAYS: usize = 3;
/// Ways by which ours is put, and by which it is read back.
const PUBLISH_WAYS: usize = 3;
const CHECK_WAYS: usize = 2;

/// Our own descriptor is read this often, and this often at most where there is reason to doubt.
const DOUBT_PAUSE: Duration = Duration::from_secs(2 * 60);
const SELF_LOOK_UP: Duration = Duration::from_secs(60 * 60);

const PUBLISH_AGAIN: Duration = Duration::from_secs(5);
const PUBLISH_AGAIN_LONGEST: Duration = Duration::from_secs(5 * 60);

/// More prekeys than this are never alive: 17 ahead and 16 days back.
const PREKEYS: usize = 256;
