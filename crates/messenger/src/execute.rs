//! Does one piece of work on the network. Knows nothing of the state: what it needs is in the job, what came of it in the
//! outcome. All of these futures are safe to drop.

use crate::dark::Dark;
use crate::descriptor::{FoundDescriptor, FoundSelf, LookUp, Publication, read};
use crate::files::roads::on_the_disk;
use crate::kept::Kept;
use crate::plan::at;
use crate::queue::TheirQueue;
use crate::randomness::Randomness;
use crate::transport::{OpenError, Transport};
use crate::work::{Item, Job, Outcome, Paying, Task, Unreachable};
use futures::StreamExt;
use futures::channel::mpsc;
use futures::future::{Either, join, join_all, select};
use futures::stream::FuturesUnordered;
use outis_identity::Address;
use outis_mailbox::client::{self, Driver, creation_challenge, request_challenge};
use outis_mailbox::descriptor::{AccountDescriptor, SealedDescriptor, newest};
use outis_mailbox::directory::{AccountRecord, Directory, Record};
use outis_mailbox::queue::{OwnedQueue, Place};
use outis_mailbox::work::{Proof, Search};
use outis_mailbox::{Efforts, Envelope, Kind, Mailbox, Postage};
use outis_wire::{Destination, Isolation, NetworkName, NodeId, Purpose, Service, UnixMillis};
use std::future::Future;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// What every piece of work has at hand.
pub(crate) struct Ways<T: Transport> {
    pub(crate) transport: Arc<T>,
    pub(crate) kept: Kept<T::Stream>,
    pub(crate) network: NetworkName,
    pub(crate) rng: Randomness,
    pub(crate) dark: Dark,
}

impl<T: Transport> Clone for Ways<T> {
    fn clone(&self) -> Self {
        Self {
            transport: Arc::clone(&self.transport),
            kept: self.kept.clone(),
            network: self.network.clone(),
            rng: self.rng.clone(),
            dark: self.dark.clone(),
        }
    }
}

impl<T: Transport> Ways<T> {
    /// Does a job that ends by itself. Listening is done by `crate::run`.
    pub(crate) async fn execute(self, task: Task, job: Job, now: UnixMillis) -> Outcome {
        match job {
            Job::Create { queue, kind, isolation } => {
                let created = within(SLOW, self.create(&queue, kind, isolation)).await.is_some();
                Outcome::Created { task, created }
            }
            Job::Delete { queue, isolation } => {
                let deleted = within(SLOW, self.delete(&queue, isolation)).await.is_some();
                Outcome::Deleted { task, deleted }
            }
            Job::Put {
                to,
                node,
                isolation,
                items,
            } => Outcome::Put {
                task,
                results: self.put(&to, node, isolation, items).await,
            },
            Job::Request {
                to,
                paying,
                isolation,
                envelopes,
            } => Outcome::Requested {
                task,
                stored: self.request(&to, &paying, isolation, envelopes).await,
            },
            Job::LookUp(look_up) => {
                let contact = Address::new(look_up.account);
                let found = self.look_up(look_up).await;
                let found = found.map(|found| {
                    found
                        .and_then(|descriptor| read(&contact, descriptor, now))
                        .map(Box::new)
                });
                Outcome::LookedUp { task, found }
            }
            Job::LookUpSelf(look_up) => {
                let found = self.look_up(look_up).await.map(|found| {
                    found.map(
                        |AccountDescriptor {
                             revision,
                             devices,
                             witness,
                             ..
                         }| FoundSelf {
                            descriptor: Box::new(FoundDescriptor {
                                revision,
                                devices,
                                witness,
                            }),
                        },
                    )
                });
                Outcome::LookedUpSelf { task, found }
            }
            Job::Publish(publication) => Outcome::Published {
                task,
                published: self.publish(publication).await,
            },
            Job::Road(road) => Outcome::RoadEnded {
                task,
                end: road.go(self).await,
            },
            Job::FillLocker(job) => Outcome::LockerFilled {
                task,
                stored: job.go(self).await,
            },
            Job::EmptyLocker(job) => Outcome::LockerEmptied {
                task,
                fetched: job.go(self).await,
            },
            Job::Save { saving, path } => {
                // If that fails the file stays in the container, to be saved elsewhere.
                let _ = on_the_disk(|| saving.save(Path::new(&path)));
                Outcome::Saved { task }
            }
            Job::Listen { .. } => Outcome::Deaf { task },
        }
    }

    pub(crate) async fn mailbox(&self, node: NodeId, isolation: Isolation) -> Option<(Mailbox, Driver<T::Stream>)> {
        let stream = self.open(node, Service::Mailbox, Purpose::Mailbox, isolation).await?;
        Some(client::connect(stream, self.network.clone(), node))
    }

    async fn create(&self, queue: &OwnedQueue, kind: Kind, isolation: Isolation) -> Option<()> {
        let (mut mailbox, driver) = self.mailbox(queue.node(), isolation).await?;
        driven(driver, self.recreate(&mut mailbox, queue, kind)).await
    }

    /// Pays for a queue and creates it on a connection that is there.
    pub(crate) async fn recreate(&self, mailbox: &mut Mailbox, queue: &OwnedQueue, kind: Kind) -> Option<()> {
        let quote = mailbox.quote_queue(kind).await.ok()?;
        let challenge = creation_challenge(&self.network, queue, kind);
        let proof = worked(challenge.search(quote.hour, affordable(quote.effort)?, &mut self.rng.clone())).await;
        mailbox.create(queue, kind, proof).await.ok().map(drop)
    }

    async fn delete(&self, queue: &OwnedQueue, isolation: Isolation) -> Option<()> {
        let (mut mailbox, driver) = self.mailbox(queue.node(), isolation).await?;
        driven(driver, async {
            match mailbox.open(queue).await {
                Ok(_) => mailbox.delete(queue.id()).await.ok(),
                // It lapsed already.
                Err(client::RequestError::Refused(outis_mailbox::Refusal::NoSuchQueue)) => Some(()),
                Err(_) => None,
            }
        })
        .await
    }

    async fn put(
        &self,
        to: &TheirQueue,
        node: NodeId,
        isolation: Isolation,
        items: Vec<(Item, Envelope)>,
    ) -> Vec<(Item, bool)> {
        let failed = |items: &[(Item, Envelope)]| items.iter().map(|(item, _)| (*item, false)).collect();
        let Some(place) = to.place(node) else {
            return failed(&items);
        };
        let mut kept = self.kept.take((node, isolation));
        loop {
            let again = kept.is_some();
            let connection = match kept.take() {
                Some(connection) => Some(connection),
                None => self.mailbox(node, isolation).await,
            };
            let Some((mailbox, mut driver)) = connection else {
                return failed(&items);
            };
            let puts = async { Some(put_all(&mailbox, place, &items).await) };
            let results = driven(&mut driver, puts).await.unwrap_or_else(|| failed(&items));
            if results.iter().all(|(_, stored)| *stored) {
                self.kept.keep((node, isolation), mailbox, driver);
            } else if again {
                // It had ended while nothing went over it, perhaps. The same puts again change nothing.
                continue;
            }
            return results;
        }
    }

    /// Into the request queue's mailboxes, one after the other; gives how many took it.
    async fn request(
        &self,
        to: &TheirQueue,
        paying: &Paying,
        isolation: Isolation,
        envelopes: Vec<(NodeId, Envelope)>,
    ) -> usize {
        let mut puts: FuturesUnordered<_> = envelopes
            .into_iter()
            .map(|(node, envelope)| async move {
                let isolation = at(isolation, node);
                within(SLOW, self.request_one(to, paying, node, isolation, envelope))
                    .await
                    .is_some()
            })
            .collect();
        let mut stored = 0;
        while let Some(done) = puts.next().await {
            stored += usize::from(done);
        }
        stored
    }

    async fn request_one(
        &self,
        to: &TheirQueue,
        paying: &Paying,
        node: NodeId,
        isolation: Isolation,
        envelope: Envelope,
    ) -> Option<()> {
        let place = to.place(node)?;
        let (mut mailbox, driver) = self.mailbox(node, isolation).await?;
        driven(driver, async {
            let price = match paying {
                Paying::Invited => return mailbox.put(place, envelope, Postage::Free).await.ok(),
                Paying::Work(price) => *price,
                Paying::Passes(passes) => {
                    if let Some(pass) = passes.as_ref().and_then(|passes| passes.pass(place.queue))
                        && mailbox.put(place, envelope.clone(), Postage::Pass(pass)).await.is_ok()
                    {
                        return Some(());
                    }
                    0
                }
            };
            let quote = mailbox.quote_put(place.queue).await.ok()?;
            let challenge = request_challenge(&self.network, &place.queue, &envelope);
            let effort = affordable(quote.effort.max(price))?;
            let proof = worked(challenge.search(quote.hour, effort, &mut self.rng.clone())).await;
            mailbox.put(place, envelope, Postage::Work(proof)).await.ok()
        })
        .await
    }

    /// The newest that any of the ways gives; once one has answered, the others have a little while left.
    async fn look_up(&self, look_up: LookUp) -> Result<Option<AccountDescriptor>, Unreachable> {
        let mut asked: FuturesUnordered<_> = look_up
            .via
            .iter()
            .map(|(node, isolation)| self.ask(*node, *isolation, &look_up))
            .collect();
        let mut best: Option<AccountDescriptor> = None;
        let mut reached = false;
        let mut patience = SLOW;
        while let Some(answer) = within(patience, asked.next()).await {
            let Some(found) = answer else { continue };
            reached = true;
            if let Some(found) = found {
                patience = A_LITTLE;
                if best.as_ref().is_none_or(|best| best.revision < found.revision) {
                    best = Some(found);
                }
            }
        }
        if reached { Ok(best) } else { Err(Unreachable) }
    }

    /// `None` if the relay did not answer.
    async fn ask(&self, node: NodeId, isolation: Isolation, look_up: &LookUp) -> Option<Option<AccountDescriptor>> {
        let mut directory = self.directory(node, isolation).await?;
        let mut best: Option<AccountDescriptor> = None;
        for (epoch, key) in &look_up.keys {
            let records = within(QUICK, async { directory.get(*key).await.ok() }).await?;
            let sealed = records.into_iter().filter_map(|record| match record {
                Record::Account(account) => Some(account.into_descriptor()),
                Record::Relay(_) => None,
            });
            if let Some(found) = newest(sealed, &self.network, &look_up.account, *epoch) {
                best = Some(found);
                break;
            }
        }
        Some(best)
    }

    async fn directory(&self, node: NodeId, isolation: Isolation) -> Option<Directory<T::Stream>> {
        let stream = self
            .open(node, Service::Directory, Purpose::Directory, isolation)
            .await?;
        Some(Directory::new(stream))
    }

    /// Whoever does not answer is remembered for a while.
    async fn open(&self, node: NodeId, service: Service, purpose: Purpose, isolation: Isolation) -> Option<T::Stream> {
        let opening = self.transport.open(Destination { node, service }, purpose, isolation);
        match tokio::time::timeout(OPENING, opening).await {
            Ok(Ok(stream)) => {
                self.dark.answered(node, Instant::now());
                Some(stream)
            }
            Ok(Err(OpenError::TooFewRelays)) => None,
            Ok(Err(OpenError::Unreachable)) | Err(_) => {
                self.dark.failed(node, Instant::now());
                None
            }
        }
    }

    /// Works, puts by all ways, and reads back by others. Done when all are stored and today's and its neighbours are found.
    ///
    /// Each is put as soon as it is paid for, while the next is worked for: who waits for the first, today's, waits for
    /// nothing else.
    async fn publish(&self, publication: Publication) -> bool {
        let wanted = publication.descriptors.len();
        let (mut queues, puts): (Vec<_>, Vec<_>) = publication
            .via
            .iter()
            .map(|(node, isolation)| {
                let (queue, records) = mpsc::channel(wanted);
                (queue, self.put_all(*node, *isolation, records))
            })
            .unzip();
        let work = async {
            for descriptor in &publication.descriptors {
                let effort = Efforts::of(&self.network).descriptor;
                let Ok(search) = AccountRecord::search(descriptor, &self.network, effort, &mut self.rng.clone()) else {
                    break;
                };
                let record = AccountRecord::new(descriptor.clone(), worked(search).await);
                for queue in &mut queues {
                    // A way that has failed takes no more; there is room for all of them.
                    let _ = queue.try_send(record.clone());
                }
            }
            drop(queues);
        };
        let ((), stored) = join(work, join_all(puts)).await;
        if stored.into_iter().max().unwrap_or(0) < wanted {
            return false;
        }
        let checks = publication
            .check
            .iter()
            .map(|(node, isolation)| self.is_there(*node, *isolation, &publication.descriptors));
        join_all(checks).await.into_iter().any(|there| there)
    }

    /// Puts what comes, in order, until one is refused; gives how many were stored.
    async fn put_all(&self, node: NodeId, isolation: Isolation, mut records: mpsc::Receiver<AccountRecord>) -> usize {
        let Some(mut directory) = self.directory(node, isolation).await else {
            return 0;
        };
        let mut stored = 0;
        while let Some(record) = records.next().await {
            let put = within(QUICK, async { directory.put(Record::Account(record)).await.ok() }).await;
            if put.is_none() {
                break;
            }
            stored += 1;
        }
        stored
    }

    async fn is_there(&self, node: NodeId, isolation: Isolation, descriptors: &[SealedDescriptor]) -> bool {
        let Some(mut directory) = self.directory(node, isolation).await else {
            return false;
        };
        for descriptor in descriptors.iter().take(MOST_NEEDED) {
            let Ok(verified) = descriptor.clone().verify(&self.network) else {
                return false;
            };
            let key = verified.directory_key();
            let found = within(QUICK, async { directory.get(key).await.ok() })
                .await
                .unwrap_or_default();
            let there = found
                .iter()
                .any(|record| matches!(record, Record::Account(account) if account.descriptor() == descriptor));
            if !there {
                return false;
            }
        }
        true
    }
}

/// Polls a connection's driver beside the work on it. `None` if the connection ended first.
pub(crate) async fn driven<D: Future, R>(driver: D, work: impl Future<Output = Option<R>>) -> Option<R> {
    match select(pin!(work), pin!(driver)).await {
        Either::Left((result, _)) => result,
        // What was answered before the end is still to be taken.
        Either::Right((_, work)) => within(Duration::ZERO, work).await,
    }
}

/// All at once: the mailbox answers each.
async fn put_all(mailbox: &Mailbox, place: &Place, items: &[(Item, Envelope)]) -> Vec<(Item, bool)> {
    let puts = items.iter().map(|(item, envelope)| {
        let mut mailbox = mailbox.clone();
        async move {
            let put = async { mailbox.put(place, envelope.clone(), Postage::Free).await.ok() };
            (*item, within(QUICK, put).await.is_some())
        }
    });
    join_all(puts).await
}

/// Gives up after `limit`.
pub(crate) async fn within<R>(limit: Duration, work: impl Future<Output = Option<R>>) -> Option<R> {
    tokio::time::timeout(limit, work).await.ok().flatten()
}

/// Works step by step, so that others get their turn.
async fn worked(mut search: Search) -> Proof {
    loop {
        if let Some(proof) = search.step() {
            return proof;
        }
        tokio::task::yield_now().await;
    }
}

/// A mailbox may ask for much when it is flooded, but not for a day of work.
fn affordable(effort: u32) -> Option<u32> {
    (effort <= MAX_EFFORT).then_some(effort)
}

const MAX_EFFORT: u32 = 4_096;

const OPENING: Duration = Duration::from_secs(30);
const QUICK: Duration = Duration::from_secs(20);
const SLOW: Duration = Duration::from_secs(90);
const A_LITTLE: Duration = Duration::from_secs(2);

/// Descriptors that are read back: today's, yesterday's and tomorrow's.
const MOST_NEEDED: usize = 3;
