//! One connection's part: negotiates streams and hands them over.

use super::{OpenFailure, Remote, Request, Shared, Stream, ending::Endings, stream::Held};
use futures::channel::oneshot;
use futures::future::{Ready, ready};
use libp2p::{
    InboundUpgrade, StreamProtocol,
    core::upgrade::{ReadyUpgrade, UpgradeInfo},
    swarm::{
        ConnectionHandler, ConnectionHandlerEvent, StreamUpgradeError, SubstreamProtocol,
        handler::{ConnectionEvent, DialUpgradeError, FullyNegotiatedInbound, FullyNegotiatedOutbound},
    },
};
use std::{
    collections::VecDeque,
    convert::Infallible,
    sync::{Arc, atomic::Ordering},
    task::{Context, Poll},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Opens and accepts the streams of one connection.
pub(crate) struct Handler {
    shared: Arc<Shared>,
    remote: Remote,
    places: Arc<Semaphore>,
    share: Option<Arc<Semaphore>>,
    requests: VecDeque<Request>,
    opening: usize,
    endings: Endings,
}

type Reply = oneshot::Sender<Result<Stream, OpenFailure>>;

impl Handler {
    pub(super) fn new(shared: Arc<Shared>, remote: Remote, share: Option<Arc<Semaphore>>) -> Self {
        let places = Arc::new(Semaphore::new(shared.limits.inbound_per_connection));
        Self {
            shared,
            remote,
            places,
            share,
            requests: VecDeque::new(),
            opening: 0,
            endings: Endings::default(),
        }
    }

    fn accept(&mut self, inner: libp2p::Stream, protocol: &StreamProtocol) {
        let accepted = self
            .shared
            .accepted
            .iter()
            .find(|accepted| accepted.protocol == *protocol);
        let queue = accepted.and_then(|accepted| accepted.queue.try_reserve().ok());
        let held = self.take_places().and_then(|places| self.hold(places));
        match (queue, held) {
            (Some(queue), Some(held)) => {
                queue.send(Stream::new(inner, self.remote.clone(), self.endings.add(), held));
            }
            // Dropping the stream resets it, so the other side knows.
            _ => {
                self.shared.counters.refused.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// One on the connection and, from the internet, one in the share of the place that it comes from.
    fn take_places(&self) -> Option<Vec<OwnedSemaphorePermit>> {
        let places = std::iter::once(&self.places).chain(&self.share);
        places.map(|place| Arc::clone(place).try_acquire_owned().ok()).collect()
    }

    fn opened(&mut self, inner: libp2p::Stream, reply: Reply) {
        let stream = self
            .hold(Vec::new())
            .map(|held| Stream::new(inner, self.remote.clone(), self.endings.add(), held));
        // If nobody waits any more, the stream comes back in the error and is dropped here.
        let _ = reply.send(stream.ok_or(OpenFailure::Busy));
    }

    fn hold(&self, places: Vec<OwnedSemaphorePermit>) -> Option<Held> {
        let memory = self.shared.budget.reserve(self.shared.limits.memory_per_stream)?;
        Some(Held::new(memory, places, Arc::clone(&self.shared.counters)))
    }
}

impl ConnectionHandler for Handler {
    type FromBehaviour = Request;
    type ToBehaviour = Infallible;
    type InboundProtocol = Protocols;
    type OutboundProtocol = ReadyUpgrade<StreamProtocol>;
    type InboundOpenInfo = ();
    type OutboundOpenInfo = Reply;

    fn listen_protocol(&self) -> SubstreamProtocol<Protocols> {
        SubstreamProtocol::new(Protocols(Arc::clone(&self.shared)), ()).with_timeout(self.shared.limits.negotiation)
    }

    fn poll(
        &mut self,
        _: &mut Context<'_>,
    ) -> Poll<ConnectionHandlerEvent<Self::OutboundProtocol, Reply, Self::ToBehaviour>> {
        // No waker is kept: the connection polls again after each event that could change the outcome.
        while self.opening < self.shared.limits.opening_per_connection {
            let Some(Request { protocol, reply }) = self.requests.pop_front() else {
                break;
            };
            if reply.is_canceled() {
                continue;
            }
            self.opening += 1;
            let protocol =
                SubstreamProtocol::new(ReadyUpgrade::new(protocol), reply).with_timeout(self.shared.limits.negotiation);
            return Poll::Ready(ConnectionHandlerEvent::OutboundSubstreamRequest { protocol });
        }
        Poll::Pending
    }

    fn on_behaviour_event(&mut self, request: Request) {
        if self.requests.len() >= self.shared.limits.waiting {
            return request.fail(OpenFailure::Busy);
        }
        self.requests.push_back(request);
    }

    fn on_connection_event(&mut self, event: ConnectionEvent<Protocols, Self::OutboundProtocol, (), Reply>) {
        match event {
            ConnectionEvent::FullyNegotiatedInbound(FullyNegotiatedInbound {
                protocol: (stream, protocol),
                ..
            }) => {
                self.accept(stream, &protocol);
            }
            ConnectionEvent::FullyNegotiatedOutbound(FullyNegotiatedOutbound {
                protocol: stream,
                info: reply,
            }) => {
                self.opening = self.opening.saturating_sub(1);
                self.opened(stream, reply);
            }
            ConnectionEvent::DialUpgradeError(DialUpgradeError { info: reply, error }) => {
                self.opening = self.opening.saturating_sub(1);
                let failure = match error {
                    StreamUpgradeError::Timeout => OpenFailure::TimedOut,
                    StreamUpgradeError::NegotiationFailed => OpenFailure::Unsupported,
                    StreamUpgradeError::Io(_) => OpenFailure::Lost,
                    StreamUpgradeError::Apply(never) => match never {},
                };
                let _ = reply.send(Err(failure));
            }
            _ => {}
        }
    }
}

/// Accepts any of our protocols and says which it was.
#[derive(Debug, Clone)]
pub(crate) struct Protocols(Arc<Shared>);

impl UpgradeInfo for Protocols {
    type Info = StreamProtocol;
    type InfoIter = std::vec::IntoIter<StreamProtocol>;

    fn protocol_info(&self) -> Self::InfoIter {
        let all: Vec<_> = self
            .0
            .accepted
            .iter()
            .map(|accepted| accepted.protocol.clone())
            .collect();
        all.into_iter()
    }
}

impl InboundUpgrade<libp2p::Stream> for Protocols {
    type Output = (libp2p::Stream, StreamProtocol);
    type Error = Infallible;
    type Future = Ready<Result<Self::Output, Infallible>>;

    fn upgrade_inbound(self, stream: libp2p::Stream, protocol: StreamProtocol) -> Self::Future {
        ready(Ok((stream, protocol)))
    }
}
