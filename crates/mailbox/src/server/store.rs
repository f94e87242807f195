//! Queues as records on a shelf. Every change is one batch; the only thing kept in memory can be read from it again.

use super::{
    Swept,
    record::{
        Meta, Paid, QUEUES, QueueRecord, WORK, after, cost, digest_key, envelope_key, expose, meta_key, number, put,
        queue_key, record, remove, size, spent_key, within,
    },
};
use crate::{
    envelope::{Envelope, Size},
    limits::Limits,
    protocol::{Delivered, Kind, Order, Postage, Quote, Refusal},
    queue::{Pass, PassKey, QueueId, SendKey},
    shelf::{Change, Shelf, ShelfError},
    work::{Challenge, Hour, Proof, Purpose},
};
use outis_crypto::{Secret, hash, label, signature::VerifyingKey};
use outis_wire::{NetworkName, NodeId, UnixMillis, encode};
use std::{sync::Arc, time::Duration};

pub(super) struct Store<S> {
    shelf: Arc<S>,
    limits: Limits,
    network: NetworkName,
    node: NodeId,
    /// Sum of the reserves of all queues.
    reserved: u64,
    sweep_from: Vec<u8>,
    swept: UnixMillis,
    /// Batches applied, and how many of them are durable.
    applied: u64,
    durable: u64,
}

impl<S: Shelf> Store<S> {
    pub(super) fn open(shelf: S, limits: Limits, network: NetworkName, node: NodeId) -> Result<Self, ShelfError> {
        let mut store = Self {
            shelf: Arc::new(shelf),
            limits,
            network,
            node,
            reserved: 0,
            sweep_from: Vec::new(),
            swept: UnixMillis::default(),
            applied: 0,
            durable: 0,
        };
        store.count()?;
        Ok(store)
    }

    /// How many batches were applied. What a client is told of them waits until they are durable.
    pub(super) fn applied(&self) -> u64 {
        self.applied
    }

    /// Whether the first `batches` are durable.
    pub(super) fn is_durable(&self, batches: u64) -> bool {
        batches <= self.durable
    }

    /// The shelf, to be synced without the store's lock, and what will be durable then.
    pub(super) fn to_sync(&self) -> (Arc<S>, u64) {
        (Arc::clone(&self.shelf), self.applied)
    }

    /// What came of it. After a failure, what is on the shelf is counted again.
    pub(super) fn synced(&mut self, batches: u64, result: Result<(), ShelfError>) -> Result<(), ShelfError> {
        if result.is_ok() {
            self.durable = self.durable.max(batches);
        } else {
            self.count()?;
        }
        result
    }

    fn count(&mut self) -> Result<(), ShelfError> {
        let mut reserved = 0_u64;
        let mut from = Vec::new();
        loop {
            let page = self.shelf.scan(QUEUES, &from, PAGE)?;
            let Some((last, _)) = page.last() else { break };
            from = after(last);
            let queues = page.iter().filter_map(|(_, value)| record::<QueueRecord>(value));
            reserved = queues.fold(reserved, |sum, queue| sum.saturating_add(queue.reserve));
        }
        self.reserved = reserved;
        Ok(())
    }

    pub(super) fn reserved(&self) -> u64 {
        self.reserved
    }

    pub(super) fn stored(&self) -> u64 {
        self.shelf.size()
    }

    /// What creating such a queue costs: in proportion to its reserve, and from half full on twice as much for each further
    /// sixteenth.
    pub(super) fn quote_queue(&self, kind: Kind, now: UnixMillis) -> Result<Quote, Refusal> {
        let reserve = kind.reserve();
        if self.reserved.saturating_add(reserve) > self.limits.store {
            return Err(Refusal::StoreFull);
        }
        let shares = reserve.div_ceil(Kind::CONTACT.reserve());
        let sixteenths = self.reserved.saturating_mul(16) / self.limits.store.max(1);
        let effort = u64::from(self.limits.efforts.queue).saturating_mul(shares) << sixteenths.saturating_sub(8).min(8);
        Ok(Quote {
            effort: u32::try_from(effort).unwrap_or(u32::MAX),
            hour: Hour::of(now),
        })
    }

    /// What putting into a request queue costs. A queue that is not there, or is none for requests, is quoted like an empty
    /// one.
    pub(super) fn quote_put(&self, id: &QueueId, now: UnixMillis) -> Result<Quote, ShelfError> {
        let requests = self.queue(id)?.is_some_and(|queue| queue.kind() == Kind::Requests);
        let paid = if requests { self.paid(id, now)? } else { Vec::new() };
        Ok(self.quote_for(&paid, now))
    }

    /// Creates a queue. The same order again only renews it.
    pub(super) fn create(&mut self, order: &Order, proof: &Proof, now: UnixMillis) -> Result<UnixMillis, Refusal> {
        let id = QueueId::of(&order.owner);
        let until = now.plus(self.limits.queue_life);
        if let Some(known) = self.queue(&id).map_err(failed)? {
            let same = known.kind() == order.kind && known.send == order.send && known.pass == *expose(&order.pass);
            return if same {
                self.renew(&id, known, now).map_err(failed)
            } else {
                Err(Refusal::NotAllowed)
            };
        }
        let quote = self.quote_queue(order.kind, now)?;
        let challenge = Challenge {
            network: &self.network,
            purpose: Purpose::Queue,
            target: self.node.0,
            content: order.digest(),
        };
        let spent = self.spend(&challenge, proof, quote)?;
        let record = QueueRecord::new(order, until);
        self.write(vec![put(queue_key(&id), encode(&record)), put(spent, Vec::new())])
            .map_err(failed)?;
        self.reserved = self.reserved.saturating_add(record.reserve);
        Ok(until)
    }

    /// An owner is there: the queue stays.
    pub(super) fn opened(&mut self, owner: &VerifyingKey, now: UnixMillis) -> Result<(QueueId, UnixMillis), Refusal> {
        let id = QueueId::of(owner);
        let record = self.living(&id, now)?;
        let until = self.renew(&id, record, now).map_err(failed)?;
        Ok((id, until))
    }

    /// Puts an envelope. The same one again changes nothing.
    pub(super) fn put(
        &mut self,
        id: &QueueId,
        send: &SendKey,
        postage: Postage,
        envelope: &Envelope,
        now: UnixMillis,
    ) -> Result<Put, Refusal> {
        let mut queue = self.living(id, now)?;
        if !Secret::from_bytes(queue.send).ct_eq(&Secret::from_bytes(send.digest())) {
            return Err(Refusal::NoSuchQueue);
        }
        let digest = envelope.digest();
        if self.shelf.get(&digest_key(id, &digest)).map_err(failed)?.is_some() {
            return Ok(Put::Again);
        }
        let mut changes = Vec::new();
        let postage = match (queue.kind(), postage) {
            (Kind::Direct { .. }, Postage::Free) => {
                self.make_room(id, &mut queue, envelope, now, &mut changes)?;
                Paid::Nothing
            }
            (Kind::Requests, _) if envelope.size() > Size::Medium => return Err(Refusal::NotAllowed),
            (Kind::Requests, Postage::Work(proof)) => {
                self.admit_paid(id, &mut queue, &proof, digest, now, &mut changes)?
            }
            (Kind::Requests, Postage::Pass(pass)) => self.admit_pass(id, &queue, &pass, now)?,
            (Kind::Requests, Postage::Free) => return Err(Refusal::Work(self.quote_put(id, now).map_err(failed)?)),
            (Kind::Direct { .. }, _) => return Err(Refusal::NotAllowed),
        };
        let number = queue.next;
        queue.next = number.saturating_add(1);
        queue.used = queue.used.saturating_add(cost(envelope.size().bytes()));
        let meta = Meta {
            expires: now.plus(self.limits.envelope_life),
            digest,
            paid: postage,
            bytes: size(envelope),
        };
        changes.push(put(meta_key(id, number), encode(&meta)));
        changes.push(put(envelope_key(id, number), envelope.as_bytes().to_vec()));
        changes.push(put(digest_key(id, &digest), number.to_be_bytes().to_vec()));
        changes.push(put(queue_key(id), encode(&queue)));
        self.write(changes).map_err(failed)?;
        Ok(Put::New)
    }

    /// The first envelope whose number is at least `from`.
    pub(super) fn next(&self, id: &QueueId, from: u64, now: UnixMillis) -> Result<Option<Delivered>, ShelfError> {
        let mut from = meta_key(id, from);
        loop {
            let page = self.shelf.scan(&within(b'm', id), &from, 8)?;
            let Some((last, _)) = page.last() else { return Ok(None) };
            from = after(last);
            for (key, value) in &page {
                let alive = record::<Meta>(value).filter(|meta| meta.expires > now);
                let (Some(number), Some(meta)) = (number(key), alive) else {
                    continue;
                };
                let bytes = self.shelf.get(&envelope_key(id, number))?.unwrap_or_default();
                if let Ok(envelope) = Envelope::from_bytes(bytes) {
                    return Ok(Some(Delivered {
                        number,
                        paid: match meta.paid {
                            Paid::Work(proof) => Some(proof),
                            Paid::Nothing | Paid::Pass(_) => None,
                        },
                        envelope,
                    }));
                }
            }
        }
    }

    /// Deletes envelopes that have arrived.
    pub(super) fn acknowledge(&mut self, id: &QueueId, numbers: &[u64]) -> Result<(), ShelfError> {
        let Some(mut queue) = self.queue(id)? else {
            return Ok(());
        };
        let mut changes = Vec::new();
        for number in numbers {
            if let Some(meta) = self.meta(id, *number)? {
                remove(id, *number, &meta, &mut queue, &mut changes);
            }
        }
        if changes.is_empty() {
            return Ok(());
        }
        changes.push(put(queue_key(id), encode(&queue)));
        self.write(changes)
    }

    /// Deletes a queue and all in it, readable or not.
    pub(super) fn delete(&mut self, id: &QueueId) -> Result<(), ShelfError> {
        let reserve = self.queue(id)?.map_or(0, |queue| queue.reserve);
        let mut keys = vec![queue_key(id)];
        for (key, _) in self.shelf.scan(&within(b'm', id), &[], usize::MAX)? {
            keys.extend(number(&key).map(|number| envelope_key(id, number)));
            keys.push(key);
        }
        keys.extend(
            self.shelf
                .scan(&within(b'd', id), &[], usize::MAX)?
                .into_iter()
                .map(|(key, _)| key),
        );
        self.write(keys.into_iter().map(|key| Change::Remove { key }).collect())?;
        self.reserved = self.reserved.saturating_sub(reserve);
        Ok(())
    }

    /// One step of [`Store::sweep`], if some time has passed since the last.
    pub(super) fn sweep_sometimes(&mut self, now: UnixMillis) -> Result<(), ShelfError> {
        if now.since(self.swept) >= SWEEP_EVERY || self.swept > now {
            self.sweep(now)?;
        }
        Ok(())
    }

    /// Removes lapsed queues, expired envelopes and forgotten work, some at a time.
    pub(super) fn sweep(&mut self, now: UnixMillis) -> Result<Swept, ShelfError> {
        self.swept = now;
        self.forget_work(now)?;
        let page = self.shelf.scan(QUEUES, &self.sweep_from, SWEEP_STEP)?;
        let Some((last, _)) = page.last() else {
            self.sweep_from.clear();
            return Ok(Swept::Round);
        };
        let from = after(last);
        for (key, value) in &page {
            let Some(id) = key.get(1..).and_then(|id| id.try_into().ok()).map(QueueId) else {
                continue;
            };
            match record::<QueueRecord>(value) {
                Some(queue) if queue.until > now => self.expire(&id, queue, now)?,
                _ => self.delete(&id)?,
            }
        }
        self.sweep_from = from;
        Ok(if page.len() < SWEEP_STEP {
            self.sweep_from.clear();
            Swept::Round
        } else {
            Swept::Partly
        })
    }

    fn expire(&mut self, id: &QueueId, mut queue: QueueRecord, now: UnixMillis) -> Result<(), ShelfError> {
        let mut changes = Vec::new();
        for (number, meta) in self.metas(id)?.into_iter().filter(|(_, meta)| meta.expires <= now) {
            remove(id, number, &meta, &mut queue, &mut changes);
        }
        if changes.is_empty() {
            return Ok(());
        }
        changes.push(put(queue_key(id), encode(&queue)));
        self.write(changes)
    }

    fn forget_work(&mut self, now: UnixMillis) -> Result<(), ShelfError> {
        let old = self.shelf.scan(WORK, &[], PAGE)?;
        let keep = Hour(Hour::of(now).0.saturating_sub(2)).0.to_be_bytes();
        let old = old
            .into_iter()
            .filter(|(key, _)| key.get(1..5).is_some_and(|hour| *hour < keep[..]));
        let changes: Vec<Change> = old.map(|(key, _)| Change::Remove { key }).collect();
        if changes.is_empty() {
            Ok(())
        } else {
            self.write(changes)
        }
    }

    /// Room in a direct queue: what has expired goes first, what is alive never.
    fn make_room(
        &self,
        id: &QueueId,
        queue: &mut QueueRecord,
        envelope: &Envelope,
        now: UnixMillis,
        changes: &mut Vec<Change>,
    ) -> Result<(), Refusal> {
        let needed = cost(envelope.size().bytes());
        if queue.used.saturating_add(needed) <= queue.reserve {
            return Ok(());
        }
        for (number, meta) in self
            .metas(id)
            .map_err(failed)?
            .into_iter()
            .filter(|(_, meta)| meta.expires <= now)
        {
            remove(id, number, &meta, queue, changes);
        }
        if queue.used.saturating_add(needed) <= queue.reserve {
            Ok(())
        } else {
            Err(Refusal::QueueFull)
        }
    }

    /// A place among the 64 dearest.
    fn admit_paid(
        &self,
        id: &QueueId,
        queue: &mut QueueRecord,
        proof: &Proof,
        content: [u8; 32],
        now: UnixMillis,
        changes: &mut Vec<Change>,
    ) -> Result<Paid, Refusal> {
        let paid = self.paid(id, now).map_err(failed)?;
        let challenge = Challenge {
            network: &self.network,
            purpose: Purpose::Request,
            target: id.0,
            content,
        };
        let spent = self.spend(&challenge, proof, self.quote_for(&paid, now))?;
        changes.push(put(spent, Vec::new()));
        if paid.len() >= self.limits.request_places
            && let Some((_, number)) = paid.first()
            && let Some(meta) = self.meta(id, *number).map_err(failed)?
        {
            remove(id, *number, &meta, queue, changes);
        }
        Ok(Paid::Work(*proof))
    }

    /// A place for a contact: 64 in all, four a contact.
    fn admit_pass(&self, id: &QueueId, queue: &QueueRecord, pass: &Pass, now: UnixMillis) -> Result<Paid, Refusal> {
        if !PassKey(Secret::from_bytes(queue.pass)).made(pass) {
            return Err(Refusal::NotAllowed);
        }
        let metas = self.metas(id).map_err(failed)?;
        let names = metas
            .iter()
            .filter(|(_, meta)| meta.expires > now)
            .filter_map(|(_, meta)| match meta.paid {
                Paid::Pass(name) => Some(name),
                Paid::Nothing | Paid::Work(_) => None,
            });
        let (all, own) = names.fold((0, 0), |(all, own), name| {
            (all + 1, own + usize::from(name == pass.name))
        });
        if all >= self.limits.request_places || own >= PLACES_EACH {
            Err(Refusal::QueueFull)
        } else {
            Ok(Paid::Pass(pass.name))
        }
    }

    /// Checks work, and that it is not spent; gives the record that spends it.
    fn spend(&self, challenge: &Challenge<'_>, proof: &Proof, quote: Quote) -> Result<Vec<u8>, Refusal> {
        challenge
            .check(proof, quote.effort, quote.hour)
            .map_err(|_| Refusal::Work(quote))?;
        let mut bytes = Vec::with_capacity(Proof::SIZE);
        proof.write(&mut bytes);
        let key = spent_key(
            proof.hour,
            &hash(label::MAILBOX_SPENT, &[&challenge.target, &challenge.content, &bytes]),
        );
        match self.shelf.get(&key).map_err(failed)? {
            Some(_) => Err(Refusal::Work(quote)),
            None => Ok(key),
        }
    }

    fn quote_for(&self, paid: &[(u32, u64)], now: UnixMillis) -> Quote {
        let places = self.limits.request_places;
        let steps = u32::try_from(paid.len() * 4 / places.max(1)).unwrap_or(u32::MAX).min(3);
        let base = self.limits.efforts.request.saturating_mul(1 << steps);
        let cheapest = paid
            .first()
            .filter(|_| paid.len() >= places)
            .map_or(0, |(effort, _)| effort.saturating_add(1));
        Quote {
            effort: base.max(cheapest),
            hour: Hour::of(now),
        }
    }

    /// What strangers paid for what lies in a request queue, cheapest and then newest first, with its number.
    fn paid(&self, id: &QueueId, now: UnixMillis) -> Result<Vec<(u32, u64)>, ShelfError> {
        let metas = self.metas(id)?.into_iter().filter(|(_, meta)| meta.expires > now);
        let mut paid: Vec<(u32, u64)> = metas
            .filter_map(|(number, meta)| match meta.paid {
                Paid::Work(proof) => Some((proof.effort, number)),
                Paid::Nothing | Paid::Pass(_) => None,
            })
            .collect();
        paid.sort_unstable_by_key(|(effort, number)| (*effort, std::cmp::Reverse(*number)));
        Ok(paid)
    }

    fn renew(&mut self, id: &QueueId, mut queue: QueueRecord, now: UnixMillis) -> Result<UnixMillis, ShelfError> {
        let until = now.plus(self.limits.queue_life);
        // Each opening would be a write; a day more or less is nothing against the life of a queue.
        if until.since(queue.until) >= RENEW_EVERY {
            queue.until = until;
            self.write(vec![put(queue_key(id), encode(&queue))])?;
        }
        Ok(queue.until)
    }

    fn living(&self, id: &QueueId, now: UnixMillis) -> Result<QueueRecord, Refusal> {
        let queue = self.queue(id).map_err(failed)?.filter(|queue| queue.until > now);
        queue.ok_or(Refusal::NoSuchQueue)
    }

    fn queue(&self, id: &QueueId) -> Result<Option<QueueRecord>, ShelfError> {
        Ok(self.shelf.get(&queue_key(id))?.as_deref().and_then(record))
    }

    fn meta(&self, id: &QueueId, number: u64) -> Result<Option<Meta>, ShelfError> {
        Ok(self.shelf.get(&meta_key(id, number))?.as_deref().and_then(record))
    }

    /// All envelopes of a queue: at most some hundreds, since the smallest takes 4 KiB of its reserve.
    fn metas(&self, id: &QueueId) -> Result<Vec<(u64, Meta)>, ShelfError> {
        let records = self.shelf.scan(&within(b'm', id), &[], usize::MAX)?;
        Ok(records
            .into_iter()
            .filter_map(|(key, value)| Some((number(&key)?, record(&value)?)))
            .collect())
    }

    fn write(&mut self, changes: Vec<Change>) -> Result<(), ShelfError> {
        self.shelf.apply(changes)?;
        self.applied += 1;
        Ok(())
    }
}

/// What became of a put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Put {
    New,
    Again,
}

fn failed(_: ShelfError) -> Refusal {
    Refusal::Failed
}

const PAGE: usize = 256;
const SWEEP_STEP: usize = 16;
const SWEEP_EVERY: Duration = Duration::from_secs(15);
const RENEW_EVERY: Duration = Duration::from_secs(24 * 60 * 60);
/// Envelopes that one contact may have in a request queue.
const PLACES_EACH: usize = 4;

#[cfg(test)]
mod tests;
