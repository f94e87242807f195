//! The client's side of a mailbox: any number of requests at once over one stream, and pushes.
//!
//! [`connect`] gives a handle and a driver. The driver is a future that moves bytes; it has to be polled (spawned, or
//! selected beside the work) for anything to happen, and ends when all handles and subscriptions are gone or the stream is.
//!
//! All requests are safe to drop: they have then happened or not, and every one may be repeated. There is no clock here, so
//! there are no time-outs: wrap what must not take for ever.

mod driver;

use crate::{
    envelope::Envelope,
    limits::WINDOW,
    protocol::{Context, Kind, MAX_ACKNOWLEDGED, Mode, Order, Postage, Quote, Refusal, Reply, Request},
    queue::{OwnedQueue, Place, QueueId, SendKey},
    work::{Challenge, Proof, Purpose},
};
use driver::{Call, Pushed};
pub use driver::{ConnectionError, Driver};
use futures::{
    AsyncRead, AsyncWrite, SinkExt, Stream,
    channel::{mpsc, oneshot},
};
use outis_wire::{NetworkName, NodeId, UnixMillis};
use std::{
    pin::Pin,
    task::{Context as Task, Poll, ready},
};

/// Takes a stream that was opened to the mailbox on `node`.
pub fn connect<T>(stream: T, network: NetworkName, node: NodeId) -> (Mailbox, Driver<T>)
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    let (calls, receiver) = mpsc::channel(CALLS);
    (Mailbox { calls, node }, Driver::new(stream, network, node, receiver))
}

/// A handle on a connection to one mailbox. Clones share it.
#[derive(Clone)]
pub struct Mailbox {
    calls: mpsc::Sender<Call>,
    node: NodeId,
}

impl Mailbox {
    /// The relay at the other end.
    pub fn node(&self) -> NodeId {
        self.node
    }

    /// What creating a queue costs here now.
    ///
    /// # Errors
    /// See [`RequestError`]; the same holds for all requests.
    pub async fn quote_queue(&mut self, kind: Kind) -> Result<Quote, RequestError> {
        match self.ask(Request::QuoteQueue { kind }).await? {
            Reply::Quoted(quote) => Ok(quote),
            other => Err(unexpected(other)),
        }
    }

    /// What putting into a request queue costs now.
    #[allow(clippy::missing_errors_doc)]
    pub async fn quote_put(&mut self, queue: QueueId) -> Result<Quote, RequestError> {
        match self.ask(Request::QuotePut { queue }).await? {
            Reply::Quoted(quote) => Ok(quote),
            other => Err(unexpected(other)),
        }
    }

    /// Creates a queue, paid by work for [`creation_challenge`] at the hour of the quote. Says until when it stays unless
    /// it is opened again.
    #[allow(clippy::missing_errors_doc)]
    pub async fn create(&mut self, queue: &OwnedQueue, kind: Kind, proof: Proof) -> Result<UnixMillis, RequestError> {
        let key = queue.owner_key();
        let order = order(queue, kind);
        let sign = move |context: &Context| {
            let signature = context.sign_order(&key, &order);
            Request::Create {
                order,
                proof,
                signature,
            }
        };
        match self.ask_signed(Box::new(sign), None).await? {
            Reply::Created { until } => Ok(until),
            other => Err(unexpected(other)),
        }
    }

    /// Opens a queue without having it pushed: renews it, and lets this connection acknowledge and delete.
    #[allow(clippy::missing_errors_doc)]
    pub async fn open(&mut self, queue: &OwnedQueue) -> Result<UnixMillis, RequestError> {
        match self.ask_signed(sign_open(queue, Mode::Quiet), None).await? {
            Reply::Opened { until } => Ok(until),
            other => Err(unexpected(other)),
        }
    }

    /// Opens a queue and has everything in it, then whatever arrives, pushed. At most [`Subscription::WINDOW`] envelopes
    /// come before some are acknowledged.
    #[allow(clippy::missing_errors_doc)]
    pub async fn subscribe(&mut self, queue: &OwnedQueue) -> Result<Subscription, RequestError> {
        // One place more than the mailbox may use: for the end of the backlog, and for the end.
        let (sender, pushed) = mpsc::channel(WINDOW + 2);
        match self.ask_signed(sign_open(queue, Mode::Subscribe), Some(sender)).await? {
            Reply::Opened { until } => Ok(Subscription {
                until,
                pushed,
                _connection: self.calls.clone(),
            }),
            other => Err(unexpected(other)),
        }
    }

    /// Puts an envelope. When this returns, the mailbox has it on disk; the same put again changes nothing.
    #[allow(clippy::missing_errors_doc)]
    pub async fn put(&mut self, place: &Place, envelope: Envelope, postage: Postage) -> Result<(), RequestError> {
        let send = SendKey(place.send.0.dangerously_duplicate());
        match self
            .ask(Request::Put {
                queue: place.queue,
                send,
                postage,
                envelope,
            })
            .await?
        {
            Reply::Stored => Ok(()),
            other => Err(unexpected(other)),
        }
    }

    /// Deletes envelopes of a queue that this connection has created or opened. Numbers may come in any order, any number
    /// of them; those that are gone are no error.
    #[allow(clippy::missing_errors_doc)]
    pub async fn acknowledge(&mut self, queue: QueueId, numbers: &[u64]) -> Result<(), RequestError> {
        let mut numbers = numbers.to_vec();
        numbers.sort_unstable();
        numbers.dedup();
        for some in numbers.chunks(MAX_ACKNOWLEDGED) {
            match self
                .ask(Request::Acknowledge {
                    queue,
                    numbers: some.to_vec(),
                })
                .await?
            {
                Reply::Acknowledged => {}
                other => return Err(unexpected(other)),
            }
        }
        Ok(())
    }

    /// Deletes a queue, that this connection has created or opened, and all in it.
    #[allow(clippy::missing_errors_doc)]
    pub async fn delete(&mut self, queue: QueueId) -> Result<(), RequestError> {
        match self.ask(Request::Delete { queue }).await? {
            Reply::Deleted => Ok(()),
            other => Err(unexpected(other)),
        }
    }

    async fn ask(&mut self, request: Request) -> Result<Reply, RequestError> {
        self.call(|reply| Call::Plain { request, reply }).await
    }

    async fn ask_signed(
        &mut self,
        sign: driver::Sign,
        pushed: Option<mpsc::Sender<Pushed>>,
    ) -> Result<Reply, RequestError> {
        self.call(|reply| Call::Signed { sign, pushed, reply }).await
    }

    async fn call(&mut self, call: impl FnOnce(oneshot::Sender<Reply>) -> Call) -> Result<Reply, RequestError> {
        let (sender, reply) = oneshot::channel();
        self.calls.send(call(sender)).await.map_err(|_| RequestError::Closed)?;
        match reply.await.map_err(|_| RequestError::Closed)? {
            Reply::Refused(refusal) => Err(RequestError::Refused(refusal)),
            other => Ok(other),
        }
    }
}

/// The work that creating `queue` as `kind` is paid with.
pub fn creation_challenge<'a>(network: &'a NetworkName, queue: &OwnedQueue, kind: Kind) -> Challenge<'a> {
    Challenge {
        network,
        purpose: Purpose::Queue,
        target: queue.node().0,
        content: order(queue, kind).digest(),
    }
}

/// The work that putting `envelope` into a stranger's request queue is paid with.
pub fn request_challenge<'a>(network: &'a NetworkName, queue: &QueueId, envelope: &Envelope) -> Challenge<'a> {
    Challenge {
        network,
        purpose: Purpose::Request,
        target: queue.0,
        content: envelope.digest(),
    }
}

/// How much work was really done for putting `envelope` into `queue`; nothing, if the proof does not hold. In which hour,
/// the mailbox has checked: it is the one that turns proofs away which were made in advance.
pub fn paid_for(network: &NetworkName, queue: &QueueId, envelope: &Envelope, proof: &Proof) -> u32 {
    let challenge = request_challenge(network, queue, envelope);
    let holds = challenge.check_at_any_hour(proof, proof.effort).is_ok();
    if holds { proof.effort } else { 0 }
}

/// Envelopes as they are pushed. Ends with [`Push::Ended`], or silently with the connection.
pub struct Subscription {
    until: UnixMillis,
    pushed: mpsc::Receiver<Pushed>,
    /// A subscription keeps the connection open.
    _connection: mpsc::Sender<Call>,
}

impl Subscription {
    /// Envelopes that come unacknowledged, at most.
    pub const WINDOW: usize = WINDOW;

    /// Until when the queue stays unless it is opened again.
    pub fn until(&self) -> UnixMillis {
        self.until
    }
}

impl Stream for Subscription {
    type Item = Push;

    fn poll_next(mut self: Pin<&mut Self>, task: &mut Task<'_>) -> Poll<Option<Push>> {
        Poll::Ready(ready!(Pin::new(&mut self.pushed).poll_next(task)).map(|Pushed(push)| push))
    }
}

/// What a subscription gives.
#[derive(Debug)]
pub enum Push {
    /// An envelope. It comes again in the next subscription until it is acknowledged by its number.
    Delivered {
        /// Its number in the queue.
        number: u64,
        /// The work that it was paid with, if its queue is one for requests, as the mailbox says: see [`paid_for`].
        paid: Option<Proof>,
        /// The envelope.
        envelope: Envelope,
    },
    /// All that lay in the queue has been pushed. Comes once.
    CaughtUp,
    /// The queue was deleted, or is pushed to somebody else with the owner's key now.
    Ended,
}

/// Why a request came to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// The mailbox said no.
    #[error("the mailbox refused: {0}")]
    Refused(#[source] Refusal),
    /// The connection is gone; whether the request happened is not known. The driver knows why.
    #[error("the connection to the mailbox is closed")]
    Closed,
    /// The mailbox answered something else than what was asked.
    #[error("the mailbox does not keep to the protocol")]
    Protocol,
}

fn order(queue: &OwnedQueue, kind: Kind) -> Order {
    let owner = queue.owner_key().verifying_key();
    Order {
        owner,
        kind,
        send: queue.send_key().digest(),
        pass: queue.pass_key(),
    }
}

fn sign_open(queue: &OwnedQueue, mode: Mode) -> driver::Sign {
    let key = queue.owner_key();
    Box::new(move |context: &Context| Request::Open {
        owner: key.verifying_key(),
        mode,
        signature: context.sign_open(&key, mode),
    })
}

fn unexpected(_: Reply) -> RequestError {
    RequestError::Protocol
}

/// Requests that wait for the driver.
const CALLS: usize = 32;

#[cfg(test)]
mod tests;
