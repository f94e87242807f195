//! Moves a connection's bytes.

use super::Push;
use crate::{
    frames::{FrameReader, FrameWriter},
    protocol::{Context, Delivered, MAX_FRAME, Reply, Request},
};
use futures::{
    AsyncRead, AsyncWrite, Stream,
    channel::{mpsc, oneshot},
};
use outis_wire::{NetworkName, NodeId};
use std::{
    collections::{HashMap, VecDeque},
    future::Future,
    io,
    pin::Pin,
    task::{Context as Task, Poll},
};

/// Makes a request that the owner signs for this connection.
pub(super) type Sign = Box<dyn FnOnce(&Context) -> Request + Send>;

pub(super) enum Call {
    Plain {
        request: Request,
        reply: oneshot::Sender<Reply>,
    },
    /// Waits for the mailbox's nonce.
    Signed {
        sign: Sign,
        pushed: Option<mpsc::Sender<Pushed>>,
        reply: oneshot::Sender<Reply>,
    },
}

pub(super) struct Pushed(pub(super) Push);

/// The future that drives a connection. See [`super::connect`].
#[must_use = "a connection does nothing unless its driver is polled"]
pub struct Driver<T> {
    stream: T,
    network: NetworkName,
    node: NodeId,
    calls: mpsc::Receiver<Call>,
    no_more_calls: bool,
    context: Option<Context>,
    input: FrameReader,
    output: FrameWriter,
    next: u32,
    /// Signed requests that wait for the nonce.
    unsigned: VecDeque<Call>,
    waiting: HashMap<u32, Waiting>,
    subscriptions: HashMap<u32, mpsc::Sender<Pushed>>,
}

struct Waiting {
    reply: oneshot::Sender<Reply>,
    pushed: Option<mpsc::Sender<Pushed>>,
}

impl<T: AsyncRead + AsyncWrite + Unpin> Driver<T> {
    pub(super) fn new(stream: T, network: NetworkName, node: NodeId, calls: mpsc::Receiver<Call>) -> Self {
        Self {
            stream,
            network,
            node,
            calls,
            no_more_calls: false,
            context: None,
            input: FrameReader::default(),
            output: FrameWriter::default(),
            next: 1,
            unsigned: VecDeque::new(),
            waiting: HashMap::new(),
            subscriptions: HashMap::new(),
        }
    }

    fn take_calls(&mut self, task: &mut Task<'_>) {
        while self.output.waiting() < HIGH_WATER && self.waiting.len() + self.unsigned.len() < OUTSTANDING {
            match Pin::new(&mut self.calls).poll_next(task) {
                Poll::Ready(Some(call)) => self.take(call),
                Poll::Ready(None) => {
                    self.no_more_calls = true;
                    return;
                }
                Poll::Pending => return,
            }
        }
    }

    fn take(&mut self, call: Call) {
        match (call, &self.context) {
            (Call::Plain { request, reply }, _) => self.send(&request, Waiting { reply, pushed: None }),
            (Call::Signed { sign, pushed, reply }, Some(context)) => {
                let request = sign(context);
                self.send(&request, Waiting { reply, pushed });
            }
            (call, None) => self.unsigned.push_back(call),
        }
    }

    fn send(&mut self, request: &Request, waiting: Waiting) {
        // Whoever dropped the request before it was sent does not want it any more.
        if waiting.reply.is_canceled() {
            return;
        }
        let number = self.next;
        self.next = self.next.wrapping_add(1).max(1);
        self.output.push(&request.write(number));
        self.waiting.insert(number, waiting);
    }

    fn hear(&mut self, frame: &[u8]) -> Result<(), ConnectionError> {
        let (number, reply) = Reply::read(frame).map_err(|_| ConnectionError::Protocol)?;
        match reply {
            Reply::Hello { nonce } => {
                let context = Context {
                    network: self.network.clone(),
                    node: self.node,
                    nonce,
                };
                if number != 0 || self.context.replace(context).is_some() {
                    return Err(ConnectionError::Protocol);
                }
                while let Some(call) = self.unsigned.pop_front() {
                    self.take(call);
                }
                Ok(())
            }
            Reply::Delivered(Delivered {
                number: of,
                paid,
                envelope,
            }) => self.push(
                number,
                Push::Delivered {
                    number: of,
                    paid,
                    envelope,
                },
            ),
            Reply::CaughtUp => self.push(number, Push::CaughtUp),
            Reply::Ended => {
                self.push(number, Push::Ended)?;
                self.subscriptions.remove(&number);
                Ok(())
            }
            other => {
                let Waiting { reply, pushed } = self.waiting.remove(&number).ok_or(ConnectionError::Protocol)?;
                if let (Reply::Opened { .. }, Some(pushed)) = (&other, pushed) {
                    self.subscriptions.insert(number, pushed);
                }
                // Nobody may be waiting any more; the reply is then for nobody.
                let _ = reply.send(other);
                Ok(())
            }
        }
    }

    fn push(&mut self, number: u32, push: Push) -> Result<(), ConnectionError> {
        let pushed = self.subscriptions.get_mut(&number).ok_or(ConnectionError::Protocol)?;
        match pushed.try_send(Pushed(push)) {
            Err(error) if error.is_full() => Err(ConnectionError::Protocol),
            // A subscription that was dropped: what comes for it comes again in the next.
            Ok(()) | Err(_) => Ok(()),
        }
    }

    fn poll_driver(&mut self, task: &mut Task<'_>) -> Poll<Result<(), ConnectionError>> {
        for _ in 0..FAIR_SHARE {
            self.take_calls(task);
            let drained = self
                .output
                .poll_drain(task, &mut self.stream)
                .map_err(ConnectionError::Stream)?
                .is_ready();
            if self.no_more_calls && drained && self.waiting.is_empty() {
                return Pin::new(&mut self.stream)
                    .poll_close(task)
                    .map_err(ConnectionError::Stream);
            }
            match self.input.poll_frame(task, &mut self.stream, MAX_FRAME) {
                Poll::Ready(Ok(Some(frame))) => self.hear(&frame)?,
                Poll::Ready(Ok(None)) => return Poll::Ready(Err(ConnectionError::Ended)),
                Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::InvalidData => {
                    return Poll::Ready(Err(ConnectionError::Protocol));
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Err(ConnectionError::Stream(error))),
                Poll::Pending => return Poll::Pending,
            }
        }
        task.waker().wake_by_ref();
        Poll::Pending
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> Future for Driver<T> {
    /// `Ok` when all handles were dropped and everything was answered.
    type Output = Result<(), ConnectionError>;

    fn poll(mut self: Pin<&mut Self>, task: &mut Task<'_>) -> Poll<Self::Output> {
        self.poll_driver(task)
    }
}

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
pub enum ConnectionError {
    /// The stream's own error.
    #[error("the stream failed")]
    Stream(#[source] io::Error),
    /// The mailbox closed the stream.
    #[error("the mailbox closed the stream")]
    Ended,
    /// The mailbox does not keep to the protocol.
    #[error("the mailbox does not keep to the protocol")]
    Protocol,
}

/// Bytes on their way out above which no further request is taken.
const HIGH_WATER: usize = 256 * 1024;

/// Requests that wait for a reply.
const OUTSTANDING: usize = 64;

/// Steps before the executor gets its turn.
const FAIR_SHARE: usize = 64;
