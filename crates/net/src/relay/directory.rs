//! Answers for the directory on others' behalf.

use super::{
    check::Judge,
    rates::{Neighbour, Rates},
    shared::Shared,
    task::{Command, Stored},
};
use crate::{address, clock::now, random, streams::Remote};
use futures::channel::oneshot;
use futures::io::{AsyncRead, AsyncWrite};
use libp2p::PeerId;
use outis_mailbox::{
    descriptor::DirectoryKey,
    directory::{Record, Refusal, Reply, Request, serve},
};
use outis_wire::NodeId;
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    sync::{Semaphore, mpsc},
    time::{self, Instant},
};

/// Serves the directory protocol. Clones are the same directory.
#[derive(Clone)]
pub(super) struct Answerer {
    pub(super) shared: Arc<Shared>,
    pub(super) judge: Judge,
    pub(super) commands: mpsc::WeakSender<Command>,
    pub(super) at_once: Arc<Semaphore>,
    pub(super) rates: Arc<Mutex<Rates>>,
}

/// Who asks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asker {
    /// The node itself, proven by its connection; nobody where a circuit ends.
    peer: Option<PeerId>,
    /// Whose share of our time it takes.
    neighbour: Neighbour,
}

impl Asker {
    /// A node that opened a stream to us.
    pub(super) fn direct(Remote { peer, address }: &Remote) -> Self {
        Self {
            peer: Some(*peer),
            neighbour: Neighbour::of(*peer, address),
        }
    }

    /// Somebody at the other end of a circuit that reaches us through a neighbour.
    pub(super) fn through(neighbour: Neighbour) -> Self {
        Self { peer: None, neighbour }
    }
}

impl Answerer {
    /// Serves one stream until it ends or rests for too long.
    pub(super) async fn serve(&self, stream: impl AsyncRead + AsyncWrite + Unpin, asker: Asker) {
        let last = Arc::new(Mutex::new(Instant::now()));
        let serving = serve(stream, |request| {
            *last.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
            self.answer(asker, request)
        });
        let resting = async {
            loop {
                let since = *last.lock().unwrap_or_else(PoisonError::into_inner);
                if since.elapsed() >= REST {
                    return;
                }
                time::sleep_until(since + REST).await;
            }
        };
        tokio::select! {
            biased;
            // However it ended, the stream is dropped.
            _ = serving => {}
            () = resting => {}
        }
    }

    async fn answer(&self, Asker { peer, neighbour }: Asker, request: Request) -> Reply {
        let cost = match &request {
            Request::Put(_) | Request::Get(_) => 1,
            Request::Sample(_) => 2,
            Request::Announce(_) => 4,
        };
        if !self
            .rates
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take(neighbour, cost, Instant::now())
        {
            return Reply::Refused(Refusal::Unavailable);
        }
        let Ok(_turn) = self.at_once.acquire().await else {
            return Reply::Refused(Refusal::Unavailable);
        };
        match request {
            Request::Put(record) => self.put(record).await,
            Request::Get(key) => self.get(key).await,
            Request::Sample(count) => Reply::Relays(self.sample(usize::from(count))),
            Request::Announce(descriptor) => match peer {
                Some(peer) => self.announced(peer, descriptor).await,
                None => Reply::Refused(Refusal::Invalid),
            },
        }
    }

    async fn put(&self, record: Record) -> Reply {
        let Ok(judged) = self.judge.judge(&record, now()) else {
            return Reply::Refused(Refusal::Invalid);
        };
        let (reply, answer) = oneshot::channel();
        let put = Command::Put {
            checked: judged.checked,
            record,
            reply,
        };
        match self.ask(put, answer).await {
            Some(Stored::At(0)) | None => Reply::Refused(Refusal::Unavailable),
            Some(Stored::At(holders)) => Reply::Stored(holders),
            Some(Stored::Outdated) => Reply::Refused(Refusal::Outdated),
        }
    }

    async fn get(&self, key: DirectoryKey) -> Reply {
        let (reply, answer) = oneshot::channel();
        match self.ask(Command::Get { key, reply }, answer).await {
            Some(records) => Reply::Found(records),
            None => Reply::Refused(Refusal::Unavailable),
        }
    }

    fn sample(&self, count: usize) -> Vec<Vec<u8>> {
        let known = self.shared.known();
        let mut others = known.descriptors();
        random::shuffle(&mut others);
        let own = self.shared.own_descriptor();
        let own = own.iter().map(|own| own.to_bytes());
        own.chain(others.into_iter().map(|signed| signed.to_bytes()))
            .take(count)
            .collect()
    }

    /// Only a relay itself makes itself known: its connection proves that it is the one.
    async fn announced(&self, asker: PeerId, descriptor: Vec<u8>) -> Reply {
        let record = Record::Relay(descriptor);
        let relay = self.judge.judge(&record, now()).ok().and_then(|judged| judged.relay);
        let Some((descriptor, signed)) = relay.filter(|(relay, _)| is_of(asker, &relay.node)) else {
            return Reply::Refused(Refusal::Invalid);
        };
        let Some(commands) = self.commands.upgrade() else {
            return Reply::Refused(Refusal::Unavailable);
        };
        let met = Command::Met {
            descriptor: Box::new(descriptor),
            signed,
        };
        match commands.send(met).await {
            Ok(()) => Reply::Stored(1),
            Err(_) => Reply::Refused(Refusal::Unavailable),
        }
    }

    async fn ask<T>(&self, command: Command, answer: oneshot::Receiver<T>) -> Option<T> {
        self.commands.upgrade()?.send(command).await.ok()?;
        time::timeout(ANSWERING, answer).await.ok()?.ok()
    }
}

fn is_of(peer: PeerId, node: &NodeId) -> bool {
    address::node_of(&peer).as_ref() == Some(node)
}

/// Until a stream that asks nothing is closed.
const REST: Duration = Duration::from_secs(60);

/// For one answer.
const ANSWERING: Duration = Duration::from_secs(20);
