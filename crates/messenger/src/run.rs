//! The loop: asks the state what there is to do, does it, and tells the state what came of it.

use crate::execute::{Ways, driven, within};
use crate::kept::Kept;
use crate::receiving::Verdict;
use crate::state::State;
use crate::time::Tick;
use crate::transport::Transport;
use crate::work::{Job, Outcome, Owner, Task};
use crate::{Messenger, Shared};
use futures::channel::mpsc;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt, SinkExt, StreamExt};
use outis_mailbox::client::{Push, RequestError, Subscription, paid_for};
use outis_mailbox::queue::{OwnedQueue, QueueId};
use outis_mailbox::work::Proof;
use outis_mailbox::{Envelope, Refusal};
use outis_wire::Isolation;
use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::task::JoinSet;
use tokio::time::Instant;

impl Messenger {
    /// Does all that is to be done on the network, until it is dropped. Nothing is lost by dropping it: what was told is
    /// stored, and what was not told is done again by the next loop.
    pub async fn run<T: Transport>(&self, transport: Arc<T>) {
        self.run_beside(transport, Handle::current()).await;
    }

    /// The same, with files carried on another runtime, so that a message never waits for a chunk.
    pub async fn run_beside<T: Transport>(&self, transport: Arc<T>, carriers: Handle) {
        let (network, rng, dark) = {
            let state = self.shared.state();
            (state.network.clone(), state.rng.clone(), state.dark.clone())
        };
        let (heard, hearing) = mpsc::channel(HEARD);
        let ways = Ways {
            transport,
            kept: Kept::default(),
            network,
            rng,
            dark,
        };
        let began = Instant::now();
        let mut run = Run {
            shared: &self.shared,
            ways,
            carriers,
            began,
            jobs: FuturesUnordered::new(),
            ears: BTreeMap::new(),
            heard,
            trouble: None,
        };
        run.go(hearing).await;
    }
}

struct Run<'a, T: Transport> {
    shared: &'a Shared,
    ways: Ways<T>,
    /// Where files are carried.
    carriers: Handle,
    began: Instant,
    jobs: FuturesUnordered<BoxFuture<'static, Outcome>>,
    /// Where acknowledgements for a queue go.
    ears: BTreeMap<(Owner, QueueId), mpsc::Sender<u64>>,
    heard: mpsc::Sender<(Owner, QueueId, Heard)>,
    /// The store failed: nothing is begun before then.
    trouble: Option<Tick>,
}

/// What a subscription gives.
enum Heard {
    /// Its number, what it was paid with, and it.
    Envelope(u64, Option<Proof>, Envelope),
    CaughtUp,
}

impl<T: Transport> Run<'_, T> {
    async fn go(&mut self, mut hearing: mpsc::Receiver<(Owner, QueueId, Heard)>) {
        self.shared.state().begin_again();
        loop {
            let next = self.begin();
            let transport = Arc::clone(&self.ways.transport);
            tokio::select! {
                biased;
                // What arrives goes first: a receipt settles what outcomes would only put on record. Each is followed by an
                // outcome, so that whoever is told much still learns what came of his own.
                Some((owner, id, heard)) = hearing.next() => {
                    self.hear(owner, id, heard);
                    if let Some(Some(outcome)) = self.jobs.next().now_or_never() {
                        self.finish(outcome);
                    }
                }
                Some(outcome) = self.jobs.next(), if !self.jobs.is_empty() => self.finish(outcome),
                () = self.shared.wake.notified() => {}
                () = transport.changed() => {}
                () = tokio::time::sleep_until(self.began + next.0) => {}
            }
        }
    }

    /// Begins what is to be done now; gives when to look again.
    fn begin(&mut self) -> Tick {
        let tick = self.tick();
        if let Some(until) = self.trouble.filter(|until| *until > tick) {
            return until;
        }
        self.trouble = None;
        let (planned, now) = {
            let mut state = self.shared.state();
            state.tick = tick;
            state.see(|service| self.ways.transport.relays(service));
            (state.plan(), state.now())
        };
        for owner in std::mem::take(&mut self.shared.state().deaf) {
            self.ears.retain(|(listening, _), _| *listening != owner);
        }
        for resting in std::mem::take(&mut self.shared.state().resting) {
            self.ears.remove(&resting);
        }
        let Ok((jobs, next)) = planned else {
            return self.trouble(tick);
        };
        for (task, job) in jobs {
            let ways = self.ways.clone();
            let work = match (task, job) {
                (Task::Listen(owner, id), Job::Listen { queue, isolation }) => {
                    let (acknowledge, acknowledged) = mpsc::channel(Subscription::WINDOW * 2);
                    self.ears.insert((owner, id), acknowledge);
                    let listen = listen(ways, owner, queue, isolation, self.heard.clone(), acknowledged);
                    listen.map(move |()| Outcome::Deaf { task }).boxed()
                }
                (task, job) if job.is_heavy() => carried(&self.carriers, task, ways.execute(task, job, now)).boxed(),
                (task, job) => ways.execute(task, job, now).boxed(),
            };
            self.jobs.push(work);
        }
        match self.ways.kept.sweep() {
            Some(sweep) => next.min(Tick(sweep.saturating_duration_since(self.began))),
            None => next,
        }
    }

    fn finish(&mut self, outcome: Outcome) {
        let tick = self.tick();
        if let Task::Listen(owner, id) = outcome.task() {
            self.ears.remove(&(owner, id));
        }
        let result = {
            let mut state = self.shared.state();
            state.tick = tick;
            state.finished(outcome)
        };
        if result.is_err() {
            self.trouble(tick);
        }
    }

    fn hear(&mut self, owner: Owner, id: QueueId, heard: Heard) {
        let tick = self.tick();
        let result = {
            let mut state = self.shared.state();
            state.tick = tick;
            match heard {
                Heard::CaughtUp => {
                    state.caught_up(owner, id);
                    return;
                }
                Heard::Envelope(number, paid, envelope) => state
                    .envelope_came(owner, id, paid, &envelope)
                    .map(|verdict| (number, verdict)),
            }
        };
        match result {
            Ok((number, Verdict::Done)) => {
                // A full or closed ear only means that the envelope comes once more.
                if let Some(ear) = self.ears.get_mut(&(owner, id)) {
                    let _ = ear.try_send(number);
                }
            }
            Ok((_, Verdict::Later)) => {}
            Err(_) => {
                // It was not taken, and a subscription pushes each envelope once: hang up, so that it comes again.
                self.ears.remove(&(owner, id));
                self.trouble(tick);
            }
        }
    }

    fn tick(&self) -> Tick {
        Tick(self.began.elapsed())
    }

    fn trouble(&mut self, tick: Tick) -> Tick {
        let until = tick.plus(TROUBLE);
        self.trouble = Some(until);
        until
    }
}

impl State {
    /// An envelope was pushed from one of our queues.
    fn envelope_came(
        &mut self,
        owner: Owner,
        id: QueueId,
        paid: Option<Proof>,
        envelope: &Envelope,
    ) -> Result<Verdict, crate::StoreError> {
        // A superseded device receipts nothing, and takes nothing that it would have to receipt.
        if self.me.is_superseded() {
            return Ok(Verdict::Later);
        }
        let payload = self
            .queue_of(owner)
            .and_then(|queue| queue.mailbox(id))
            .map(|mailbox| mailbox.queue.open(envelope));
        // What was not sealed for this queue was put there by the mailbox itself: nobody else is answered for it.
        let Some(Ok(payload)) = payload else {
            return Ok(Verdict::Done);
        };
        match owner {
            Owner::Requests => {
                // The mailbox could say anything.
                let work = paid.map_or(0, |proof| paid_for(&self.network, &id, envelope, &proof));
                self.came_to_requests(payload.dangerously_expose(), work)
            }
            Owner::Contact(contact) => self.came(&contact, payload.dangerously_expose()),
            Owner::Invite(id) => self.came_by_invite(id, payload.dangerously_expose()),
        }
    }
}

/// Does a piece of work on another runtime. It ends with this future.
fn carried<W>(carriers: &Handle, task: Task, work: W) -> impl Future<Output = Outcome> + use<W>
where
    W: Future<Output = Outcome> + Send + 'static,
{
    let mut there = JoinSet::new();
    there.spawn_on(work, carriers);
    async move {
        match there.join_next().await {
            Some(Ok(outcome)) => outcome,
            // It panicked, or its runtime is gone.
            _ => Outcome::Lost { task },
        }
    }
}

/// Subscribes to one of our queues and passes on what comes, until the connection ends. Creates the queue again if the
/// mailbox has lost it.
async fn listen<T: Transport>(
    ways: Ways<T>,
    owner: Owner,
    queue: Arc<OwnedQueue>,
    isolation: Isolation,
    heard: mpsc::Sender<(Owner, QueueId, Heard)>,
    acknowledged: mpsc::Receiver<u64>,
) {
    let Some((mut mailbox, driver)) = ways.mailbox(queue.node(), isolation).await else {
        return;
    };
    let id = queue.id();
    let work = async {
        let mut subscription = match within(ANSWER, async { Some(mailbox.subscribe(&queue).await) }).await? {
            Ok(subscription) => subscription,
            Err(RequestError::Refused(Refusal::NoSuchQueue)) => {
                ways.recreate(&mut mailbox, &queue, owner.kind()).await?;
                within(ANSWER, async { mailbox.subscribe(&queue).await.ok() }).await?
            }
            Err(_) => return None,
        };
        let mut heard = heard;
        let pushes = async {
            while let Some(push) = subscription.next().await {
                let news = match push {
                    Push::Delivered { number, paid, envelope } => Heard::Envelope(number, paid, envelope),
                    Push::CaughtUp => Heard::CaughtUp,
                    Push::Ended => return,
                };
                if heard.send((owner, id, news)).await.is_err() {
                    return;
                }
            }
        };
        let acknowledgements = async {
            let mut acknowledged = acknowledged.ready_chunks(Subscription::WINDOW);
            while let Some(numbers) = acknowledged.next().await {
                if mailbox.acknowledge(id, &numbers).await.is_err() {
                    return;
                }
            }
        };
        futures::future::select(std::pin::pin!(pushes), std::pin::pin!(acknowledgements)).await;
        Some(())
    };
    driven(driver, work).await;
}

/// What a loop has heard and not looked at.
const HEARD: usize = 64;

/// After a failure of the store.
const TROUBLE: Duration = Duration::from_secs(1);

const ANSWER: Duration = Duration::from_secs(30);
