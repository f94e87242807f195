//! Opens streams: to relays that are known, and to those that others have to be asked about.

use super::{OpenError, Shared, Stream, task::Command};
use crate::{
    address,
    clock::now,
    directory,
    known::Lookup,
    protocol, random,
    streams::{self, OpenFailure},
};
use futures::channel::oneshot;
use libp2p::PeerId;
use outis_mailbox::descriptor::DirectoryKey;
use outis_onion::{RelayAddress, SignedDescriptor};
use outis_wire::{Destination, NodeId, Service};
use std::{sync::Arc, time::Duration};
use tokio::{sync::mpsc, time};

/// Opens streams for handles and for the keeper, without keeping the swarm alive.
#[derive(Clone)]
pub(super) struct Opener {
    pub(super) shared: Arc<Shared>,
    pub(super) commands: mpsc::WeakSender<Command>,
}

impl Opener {
    /// A stream to a service of a relay, which is looked up if it is not known.
    pub(super) async fn open(&self, Destination { node, service }: Destination) -> Result<Stream, OpenError> {
        let lookup = self.shared.known().addresses(&node, now());
        let addresses = match lookup {
            Lookup::At(addresses) => addresses,
            Lookup::BackingOff => return Err(OpenError::Unreachable),
            Lookup::Unknown => self.resolve(node).await?,
        };
        self.open_at(node, service, &addresses).await
    }

    async fn open_at(&self, node: NodeId, service: Service, addresses: &[RelayAddress]) -> Result<Stream, OpenError> {
        let peer = address::peer_of(&node).ok_or(OpenError::UnknownRelay)?;
        let first = self.request(peer, service, addresses).await;
        // The connection may have died unnoticed just before: one more try, on a new one.
        match first {
            Err(OpenFailure::Lost) => self.request(peer, service, addresses).await,
            settled => settled,
        }
        .map(Stream)
        .map_err(|failure| match failure {
            OpenFailure::Unreachable | OpenFailure::TimedOut | OpenFailure::Lost => OpenError::Unreachable,
            OpenFailure::Unsupported => OpenError::Unsupported,
            OpenFailure::Busy => OpenError::Busy,
            OpenFailure::Closed => OpenError::Closed,
        })
    }

    async fn request(
        &self,
        peer: PeerId,
        service: Service,
        addresses: &[RelayAddress],
    ) -> Result<streams::Stream, OpenFailure> {
        let (reply, answer) = oneshot::channel();
        let addresses = addresses.iter().map(address::to_multiaddr).collect();
        let protocol = protocol::of(&self.shared.network, service);
        let commands = self.commands.upgrade().ok_or(OpenFailure::Closed)?;
        let command = Command::Open {
            peer,
            addresses,
            protocol,
            reply,
        };
        commands.send(command).await.map_err(|_| OpenFailure::Closed)?;
        drop(commands);
        // The reply is dropped unanswered when the connection dies at the wrong moment.
        time::timeout(OPENING, answer)
            .await
            .map_err(|_| OpenFailure::TimedOut)?
            .unwrap_or(Err(OpenFailure::Lost))
    }

    /// Asks relays that are known where another one is.
    async fn resolve(&self, node: NodeId) -> Result<Vec<RelayAddress>, OpenError> {
        let key = DirectoryKey::relay(&self.shared.network, &node);
        for asked in self.some_to_ask() {
            let Ok(found) = self.ask(asked, directory::Question::Get(key)).await else {
                continue;
            };
            self.shared.learn(found);
            let lookup = self.shared.known().addresses(&node, now());
            if let Lookup::At(addresses) = lookup {
                return Ok(addresses);
            }
        }
        Err(OpenError::UnknownRelay)
    }

    /// What one relay's directory says.
    pub(super) async fn ask(
        &self,
        node: NodeId,
        question: directory::Question,
    ) -> Result<Vec<SignedDescriptor>, OpenError> {
        let lookup = self.shared.known().addresses(&node, now());
        let Lookup::At(addresses) = lookup else {
            return Err(OpenError::Unreachable);
        };
        let asking = async {
            let stream = self.open_at(node, Service::Directory, &addresses).await?;
            directory::ask(stream, question)
                .await
                .map_err(|_| OpenError::Unreachable)
        };
        time::timeout(ASKING, asking)
            .await
            .unwrap_or(Err(OpenError::Unreachable))
    }

    /// Up to three relays, drawn at random from those that may answer.
    pub(super) fn some_to_ask(&self) -> Vec<NodeId> {
        let mut askable = self.shared.known().askable(now());
        random::shuffle(&mut askable);
        askable.truncate(ASKED_AT_ONCE);
        askable
    }
}

/// For dialling and negotiating one stream.
const OPENING: Duration = Duration::from_secs(15);

/// For one answer of a directory, dialling included.
const ASKING: Duration = Duration::from_secs(20);

/// Bootstrap relays asked, and relays asked for one look-up.
const ASKED_AT_ONCE: usize = 3;
