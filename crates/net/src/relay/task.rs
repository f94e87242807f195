//! The task that owns a relay's swarm. Everything else talks to it by commands.

use super::{
    check::{Judge, Judged},
    queries::{Queries, Settled},
    rates::{Neighbour, Rates},
    records::{Kept, Records},
    shared::Shared,
};
use crate::{
    address,
    clock::now,
    limits, protocol,
    streams::{self, OpenFailure, Request, Stream},
};
use futures::{StreamExt, channel::oneshot};
use libp2p::{
    Multiaddr, PeerId, StreamProtocol, Swarm, identify, kad, ping,
    swarm::{NetworkBehaviour, SwarmEvent},
};
use outis_mailbox::{
    descriptor::DirectoryKey,
    directory::{Checked, Record},
};
use outis_onion::{RelayDescriptor, SignedDescriptor};
use std::{sync::Arc, time::Duration};
use tokio::{sync::mpsc, time};

/// What a relay's swarm does.
#[derive(NetworkBehaviour)]
pub(super) struct Behaviour {
    pub(super) limits: limits::Behaviour,
    pub(super) identify: identify::Behaviour,
    pub(super) ping: ping::Behaviour,
    pub(super) kad: kad::Behaviour<Records>,
    pub(super) streams: streams::Behaviour,
}

/// What the task is asked to do.
pub(super) enum Command {
    /// Open a stream to another relay, dialling if need be.
    Open {
        peer: PeerId,
        addresses: Vec<Multiaddr>,
        protocol: StreamProtocol,
        reply: OpenReply,
    },
    /// Look a record up.
    Get {
        key: DirectoryKey,
        reply: oneshot::Sender<Vec<Record>>,
    },
    /// Store a judged record at its holders.
    Put {
        checked: Checked,
        record: Record,
        reply: oneshot::Sender<Stored>,
    },
    /// A relay has shown its own descriptor, or been reached where its descriptor says.
    Met {
        descriptor: Box<RelayDescriptor>,
        signed: SignedDescriptor,
    },
    /// What a look-up has found by now is enough.
    Enough(kad::QueryId),
    /// Close all connections and end.
    Shutdown,
}

type OpenReply = oneshot::Sender<Result<Stream, OpenFailure>>;

/// What came of a put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stored {
    /// So many holders say that they have it.
    At(u8),
    /// A newer one is here.
    Outdated,
}

pub(super) struct Task {
    pub(super) swarm: Swarm<Behaviour>,
    pub(super) commands: mpsc::Receiver<Command>,
    pub(super) own_commands: mpsc::WeakSender<Command>,
    pub(super) shared: Arc<Shared>,
    pub(super) judge: Judge,
    pub(super) queries: Queries,
    /// How fast each node may offer records.
    pub(super) offers: Rates,
    pub(super) repaired: Option<DirectoryKey>,
}

impl Task {
    /// Runs until told to shut down or until nobody can tell any more.
    pub(super) async fn run(mut self) {
        let mut upkeep = time::interval(UPKEEP);
        upkeep.set_missed_tick_behavior(time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                command = self.commands.recv() => match command {
                    Some(Command::Shutdown) | None => break,
                    Some(command) => self.on_command(command),
                },
                event = self.swarm.select_next_some() => self.on_event(event),
                _ = upkeep.tick() => self.upkeep(),
            }
        }
        self.goodbye().await;
    }

    fn on_command(&mut self, command: Command) {
        let behaviour = self.swarm.behaviour_mut();
        match command {
            Command::Open {
                peer,
                addresses,
                protocol,
                reply,
            } => {
                behaviour.streams.open(peer, addresses, Request { protocol, reply });
            }
            Command::Get { key, reply } => self.queries.get(&mut behaviour.kad, key, reply),
            Command::Put { checked, record, reply } => self.put(checked, record, reply),
            Command::Met { descriptor, signed } => self.met(*descriptor, signed),
            Command::Enough(query) => self.queries.enough(&mut behaviour.kad, query),
            Command::Shutdown => {}
        }
    }

    fn put(&mut self, checked: Checked, record: Record, reply: oneshot::Sender<Stored>) {
        let bytes = record.to_bytes();
        let kad = &mut self.swarm.behaviour_mut().kad;
        let here = match kad.store_mut().keep(&checked, bytes.clone()) {
            Kept::Outdated => {
                // Nobody waits any more if this fails.
                let _ = reply.send(Stored::Outdated);
                return;
            }
            Kept::Stored | Kept::Already => 1,
            Kept::Full => 0,
        };
        self.queries.put(kad, checked.key, bytes, here, Some(reply));
    }

    fn met(&mut self, descriptor: RelayDescriptor, signed: SignedDescriptor) {
        let Some(peer) = address::peer_of(&descriptor.node) else {
            return;
        };
        for address in &descriptor.addresses {
            self.swarm
                .behaviour_mut()
                .kad
                .add_address(&peer, address::to_multiaddr(address));
        }
        let node = descriptor.node;
        self.shared.learn(descriptor, signed);
        self.shared.known().reached(&node);
    }

    fn on_event(&mut self, event: SwarmEvent<BehaviourEvent>) {
        match event {
            SwarmEvent::NewListenAddr { address, .. } => self.shared.listening(&address),
            SwarmEvent::ExpiredListenAddr { address, .. } => self.shared.not_listening(&address),
            SwarmEvent::ConnectionEstablished { peer_id, endpoint, .. } if endpoint.is_dialer() => {
                if let Some(node) = address::node_of(&peer_id) {
                    self.shared.known().reached(&node);
                }
            }
            SwarmEvent::OutgoingConnectionError {
                peer_id: Some(peer), ..
            } => {
                if let Some(node) = address::node_of(&peer)
                    && !self.swarm.is_connected(&peer)
                {
                    self.shared.known().failed(&node, now());
                }
            }
            SwarmEvent::Behaviour(BehaviourEvent::Ping(event)) => {
                if let Some(peer) = protocol::gone(&event) {
                    // Fails only for a peer that is gone already.
                    let _ = self.swarm.disconnect_peer_id(peer);
                }
            }
            SwarmEvent::Behaviour(BehaviourEvent::Kad(event)) => self.on_kad(event),
            _ => {}
        }
    }

    fn on_kad(&mut self, event: kad::Event) {
        match event {
            kad::Event::InboundRequest {
                request:
                    kad::InboundRequest::PutRecord {
                        source,
                        record: Some(record),
                        ..
                    },
            } => self.offered(source, &record),
            kad::Event::OutboundQueryProgressed { id, result, step, .. } => {
                let kad = &mut self.swarm.behaviour_mut().kad;
                match self.queries.progressed(kad, &self.judge, id, result, step.last) {
                    Settled::Nothing => {}
                    Settled::FirstFound => self.enough_soon(id),
                }
            }
            _ => {}
        }
    }

    /// Another relay thinks that we should hold this.
    fn offered(&mut self, source: PeerId, record: &kad::Record) {
        let key = record.key.as_ref().try_into().ok().map(DirectoryKey);
        let store = self.swarm.behaviour_mut().kad.store_mut();
        if key.and_then(|key| store.record(&key)).as_ref() == Some(&record.value) {
            return;
        }
        // Kademlia says yes in any case; a check costs a millisecond of this task.
        if !self.offers.take(Neighbour::Peer(source), 1, time::Instant::now()) {
            return;
        }
        let Ok(Judged { checked, relay }) = self.judge.judge_bytes(record.key.as_ref(), &record.value, now()) else {
            return;
        };
        self.swarm
            .behaviour_mut()
            .kad
            .store_mut()
            .keep(&checked, record.value.clone());
        if let Some((descriptor, signed)) = relay {
            self.shared.learn(descriptor, signed);
        }
    }

    /// Other holders get a moment to answer as well, in case theirs is newer.
    fn enough_soon(&self, query: kad::QueryId) {
        let commands = self.own_commands.clone();
        tokio::spawn(async move {
            time::sleep(GRACE).await;
            if let Some(commands) = commands.upgrade() {
                // Fails only if the task has ended.
                let _ = commands.send(Command::Enough(query)).await;
            }
        });
    }

    fn upkeep(&mut self) {
        let now = now();
        self.shared.known().forget_old(now.epoch());
        self.shared.renew(now);
        let kad = &mut self.swarm.behaviour_mut().kad;
        kad.store_mut().expire(now);
        self.repair();
    }

    /// Stores some records anew at their holders of today: those that no node we know is nearer to than we are. So the loss
    /// of holders is made good, by one of those that are left.
    fn repair(&mut self) {
        let own = kad::KBucketKey::from(*self.swarm.local_peer_id());
        let kad = &mut self.swarm.behaviour_mut().kad;
        let keys = kad.store_mut().keys_after(self.repaired, REPAIRED_AT_ONCE);
        self.repaired = keys.last().copied().filter(|_| keys.len() == REPAIRED_AT_ONCE);
        for key in keys {
            let target = kad::KBucketKey::new(kad::RecordKey::new(&key.0));
            let ours = target.distance(&own);
            let nearest = kad
                .get_closest_local_peers(&target)
                .next()
                .map(|peer| target.distance(&peer));
            if nearest.is_some_and(|nearest| nearest < ours) {
                continue;
            }
            if let Some(record) = kad.store_mut().record(&key) {
                self.queries.put(kad, key, record, 1, None);
            }
        }
    }

    async fn goodbye(&mut self) {
        self.commands.close();
        let peers: Vec<PeerId> = self.swarm.connected_peers().copied().collect();
        for peer in peers {
            // Fails only for a peer that is gone already.
            let _ = self.swarm.disconnect_peer_id(peer);
        }
        let goodbye = async {
            while self.swarm.connected_peers().next().is_some() {
                self.swarm.select_next_some().await;
            }
        };
        // Whoever does not answer is left behind.
        let _ = time::timeout(GOODBYE, goodbye).await;
    }
}

/// Between two rounds of upkeep.
const UPKEEP: Duration = Duration::from_secs(10 * 60);

/// For further answers after the first record was found.
const GRACE: Duration = Duration::from_millis(300);

const GOODBYE: Duration = Duration::from_secs(1);

/// Records looked at in one round: a thousand take about two hours and a half.
const REPAIRED_AT_ONCE: usize = 64;
