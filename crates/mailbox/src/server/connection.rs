//! One stream: requests in, replies and pushes out, with a bounded amount of both in memory.

use super::{ServeError, Shared, store::Put};
use crate::{
    frames::{FrameReader, FrameWriter},
    limits::WINDOW,
    protocol::{Context, MAX_FRAME, Mode, Refusal, Reply, Request},
    queue::QueueId,
    shelf::{Shelf, ShelfError},
};
use futures::{
    AsyncRead, AsyncWrite,
    future::poll_fn,
    ready,
    task::{AtomicWaker, Context as Task, Poll},
};
use outis_wire::UnixMillis;
use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    sync::{Arc, Mutex, PoisonError},
};

pub(super) struct Connection<S: Shelf, T, C> {
    shared: Arc<Shared<S>>,
    stream: T,
    clock: C,
    context: Context,
    input: FrameReader,
    output: FrameWriter,
    bell: Arc<Bell>,
    open: BTreeMap<QueueId, Option<Subscription>>,
    ended: bool,
    /// Batches that must be durable before anything more goes out.
    owed: u64,
    waited: bool,
}

impl<S: Shelf, T, C> Connection<S, T, C>
where
    T: AsyncRead + AsyncWrite + Send + Unpin,
    C: Fn() -> UnixMillis + Send,
{
    pub(super) fn new(shared: Arc<Shared<S>>, stream: T, clock: C, context: Context) -> Self {
        let number = {
            let mut state = shared.state();
            state.next_connection += 1;
            state.next_connection
        };
        let mut output = FrameWriter::default();
        output.push(&Reply::Hello { nonce: context.nonce }.write(0));
        Self {
            shared,
            stream,
            clock,
            context,
            input: FrameReader::default(),
            output,
            bell: Arc::new(Bell {
                number,
                waker: AtomicWaker::new(),
                rung: Mutex::default(),
            }),
            open: BTreeMap::new(),
            ended: false,
            owed: 0,
            waited: false,
        }
    }

    pub(super) async fn run(mut self) -> Result<(), ServeError> {
        poll_fn(|task| self.poll(task)).await
    }

    fn poll(&mut self, task: &mut Task<'_>) -> Poll<Result<(), ServeError>> {
        loop {
            let mut steps = 0;
            while steps < FAIR_SHARE && self.step(task)? {
                steps += 1;
            }
            ready!(self.settle(task))?;
            let was_full = self.output.waiting() >= HIGH_WATER;
            let drained = self.output.poll_drain(task, &mut self.stream);
            let drained = drained.map_err(ServeError::Stream)?.is_ready();
            if self.ended && drained {
                return Poll::Ready(Ok(()));
            }
            if self.ended || !drained {
                return Poll::Pending;
            }
            if steps == FAIR_SHARE {
                // There may be more; others get their turn first.
                task.waker().wake_by_ref();
                return Poll::Pending;
            }
            if !was_full {
                return Poll::Pending;
            }
        }
    }

    /// Does what there is to do next; says whether there was anything. If not, the task is woken when there is, or the
    /// output is full.
    fn step(&mut self, task: &mut Task<'_>) -> Result<bool, ServeError> {
        if self.ended || self.output.waiting() >= HIGH_WATER {
            return Ok(false);
        }
        self.bell.waker.register(task.waker());
        let pushed = self.hear_bell() | self.deliver();
        match self.input.poll_frame(task, &mut self.stream, MAX_FRAME) {
            Poll::Ready(Ok(Some(frame))) => self.answer(&frame)?,
            Poll::Ready(Ok(None)) => self.ended = true,
            Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::InvalidData => return Err(ServeError::Protocol),
            Poll::Ready(Err(error)) => return Err(ServeError::Stream(error)),
            Poll::Pending => return Ok(pushed),
        }
        Ok(true)
    }

    /// Lets no answer out before what it says is durable. Waiting one turn first lets every other connection that has
    /// something to do put it into the same wait for the disk.
    fn settle(&mut self, task: &mut Task<'_>) -> Poll<Result<(), ServeError>> {
        if self.shared.state().store.is_durable(self.owed) {
            self.waited = false;
            return Poll::Ready(Ok(()));
        }
        if !std::mem::replace(&mut self.waited, true) {
            task.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.waited = false;
        Poll::Ready(self.shared.make_durable(self.owed).map_err(ServeError::Shelf))
    }

    fn answer(&mut self, frame: &[u8]) -> Result<(), ServeError> {
        let (number, request) = Request::read(frame).map_err(|_| ServeError::Protocol)?;
        let now = (self.clock)();
        // A sweep that fails is tried again by the next request; this one says for itself whether the shelf works.
        let _ = self.shared.state().store.sweep_sometimes(now);
        let reply = self.reply_to(number, request, now).unwrap_or_else(Reply::Refused);
        self.output.push(&reply.write(number));
        self.owed = self.shared.state().store.applied();
        Ok(())
    }

    fn reply_to(&mut self, number: u32, request: Request, now: UnixMillis) -> Result<Reply, Refusal> {
        match request {
            Request::QuoteQueue { kind } => self.shared.state().store.quote_queue(kind, now).map(Reply::Quoted),
            Request::QuotePut { queue } => self
                .shared
                .state()
                .store
                .quote_put(&queue, now)
                .map(Reply::Quoted)
                .map_err(failed),
            Request::Create {
                order,
                proof,
                signature,
            } => {
                if !self.context.signed_order(&order, &signature) {
                    return Err(Refusal::NotAllowed);
                }
                self.check_room(&QueueId::of(&order.owner))?;
                let until = self.shared.state().store.create(&order, &proof, now)?;
                self.open.entry(QueueId::of(&order.owner)).or_insert(None);
                Ok(Reply::Created { until })
            }
            Request::Open { owner, mode, signature } => {
                if !self.context.signed_open(&owner, mode, &signature) {
                    return Err(Refusal::NotAllowed);
                }
                self.check_room(&QueueId::of(&owner))?;
                let (queue, until) = self.shared.state().store.opened(&owner, now)?;
                match mode {
                    Mode::Quiet => drop(self.open.entry(queue).or_insert(None)),
                    Mode::Subscribe => self.subscribe(queue, number),
                }
                Ok(Reply::Opened { until })
            }
            Request::Put {
                queue,
                send,
                postage,
                envelope,
            } => {
                let mut state = self.shared.state();
                if state.store.put(&queue, &send, postage, &envelope, now)? == Put::New
                    && let Some(bell) = state.subscribers.get(&queue)
                {
                    bell.ring(queue, Ring::Arrived);
                }
                Ok(Reply::Stored)
            }
            Request::Acknowledge { queue, numbers } => {
                let subscription = self.open.get_mut(&queue).ok_or(Refusal::NoSuchQueue)?;
                self.shared
                    .state()
                    .store
                    .acknowledge(&queue, &numbers)
                    .map_err(failed)?;
                if let Some(subscription) = subscription {
                    subscription
                        .in_flight
                        .retain(|number| numbers.binary_search(number).is_err());
                }
                Ok(Reply::Acknowledged)
            }
            Request::Delete { queue } => {
                self.open.remove(&queue).ok_or(Refusal::NoSuchQueue)?;
                let mut state = self.shared.state();
                state.store.delete(&queue).map_err(failed)?;
                if let Some(bell) = state.subscribers.remove(&queue) {
                    bell.ring(queue, Ring::Ended);
                }
                Ok(Reply::Deleted)
            }
        }
    }

    fn check_room(&self, queue: &QueueId) -> Result<(), Refusal> {
        let room = self.open.len() < self.shared.limits.open_queues || self.open.contains_key(queue);
        if room { Ok(()) } else { Err(Refusal::TooMany) }
    }

    fn subscribe(&mut self, queue: QueueId, number: u32) {
        let before = self.shared.state().subscribers.insert(queue, Arc::clone(&self.bell));
        if let Some(before) = before.filter(|bell| bell.number != self.bell.number) {
            before.ring(queue, Ring::Ended);
        }
        self.bell.forget(&queue);
        let subscription = Subscription {
            number,
            next: 0,
            in_flight: BTreeSet::new(),
            look: true,
            caught_up: false,
        };
        if let Some(Some(before)) = self.open.insert(queue, Some(subscription)) {
            self.output.push(&Reply::Ended.write(before.number));
        }
    }

    /// Says whether anything was rung.
    fn hear_bell(&mut self) -> bool {
        let heard = self.bell.heard();
        let any = !heard.is_empty();
        for (queue, ring) in heard {
            let Some(Some(subscription)) = self.open.get_mut(&queue) else {
                continue;
            };
            match ring {
                Ring::Arrived => subscription.look = true,
                Ring::Ended => {
                    self.output.push(&Reply::Ended.write(subscription.number));
                    self.open.insert(queue, None);
                }
            }
        }
        any
    }

    /// Pushes at most one envelope a queue; says whether it pushed anything.
    fn deliver(&mut self) -> bool {
        let now = (self.clock)();
        let mut pushed = false;
        for (queue, subscription) in &mut self.open {
            let Some(subscription) = subscription else { continue };
            let room = subscription.in_flight.len() < WINDOW;
            if !subscription.look || !room || self.output.waiting() >= HIGH_WATER {
                continue;
            }
            pushed = true;
            match self.shared.state().store.next(queue, subscription.next, now) {
                Ok(Some(delivered)) => {
                    subscription.next = delivered.number.saturating_add(1);
                    subscription.in_flight.insert(delivered.number);
                    self.output
                        .push(&Reply::Delivered(delivered).write(subscription.number));
                }
                Ok(None) => {
                    subscription.look = false;
                    if !subscription.caught_up {
                        subscription.caught_up = true;
                        self.output.push(&Reply::CaughtUp.write(subscription.number));
                    }
                }
                // The next arrival looks again; the client sees nothing lost, since nothing was acknowledged.
                Err(_) => subscription.look = false,
            }
        }
        pushed
    }
}

impl<S: Shelf, T, C> Drop for Connection<S, T, C> {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        for queue in self.open.keys() {
            if state
                .subscribers
                .get(queue)
                .is_some_and(|bell| bell.number == self.bell.number)
            {
                state.subscribers.remove(queue);
            }
        }
    }
}

struct Subscription {
    /// The request that pushes belong to.
    number: u32,
    next: u64,
    in_flight: BTreeSet<u64>,
    /// Whether there may be something to push.
    look: bool,
    caught_up: bool,
}

/// Wakes the connection that a queue is pushed to.
pub(super) struct Bell {
    number: u64,
    waker: AtomicWaker,
    rung: Mutex<BTreeMap<QueueId, Ring>>,
}

impl Bell {
    fn ring(&self, queue: QueueId, ring: Ring) {
        self.rung
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(queue, ring);
        self.waker.wake();
    }

    /// A new subscription hears nothing of what was rung for the one before it.
    fn forget(&self, queue: &QueueId) {
        self.rung.lock().unwrap_or_else(PoisonError::into_inner).remove(queue);
    }

    fn heard(&self) -> BTreeMap<QueueId, Ring> {
        std::mem::take(&mut *self.rung.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[derive(Clone, Copy)]
enum Ring {
    Arrived,
    Ended,
}

fn failed(_: ShelfError) -> Refusal {
    Refusal::Failed
}

/// Bytes on their way out above which nothing more is read or pushed.
const HIGH_WATER: usize = 128 * 1024;

/// Steps before others get their turn.
const FAIR_SHARE: usize = 16;
