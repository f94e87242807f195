//! The network as the messenger asks for it.

use outis_messenger::{OpenError, Transport};
use outis_net::{Network, Status, Stream};
use outis_onion::Roles;
use outis_wire::{Destination, Isolation, NodeId, Purpose, Service};
use tokio::sync::{Mutex, watch};

/// Ways to other people's relays: never to this machine's own.
pub(crate) struct Ways {
    network: Network,
    own: Option<NodeId>,
    changes: Mutex<watch::Receiver<Status>>,
}

impl Ways {
    pub(crate) fn new(network: Network, own: Option<NodeId>) -> Self {
        let changes = Mutex::new(network.changes());
        Self { network, own, changes }
    }
}

impl Transport for Ways {
    type Stream = Stream;

    async fn open(&self, to: Destination, purpose: Purpose, isolation: Isolation) -> Result<Stream, OpenError> {
        if self.own == Some(to.node) {
            return Err(OpenError::Unreachable);
        }
        self.network.open(to, purpose, isolation).await.map_err(|error| {
            tracing::debug!(%error, "no way to a relay");
            match error {
                outis_net::OpenError::TooFewRelays => OpenError::TooFewRelays,
                _ => OpenError::Unreachable,
            }
        })
    }

    fn relays(&self, service: Service) -> Vec<NodeId> {
        let roles = match service {
            Service::Mailbox => Roles::MAILBOX,
            Service::Directory => Roles::DIRECTORY,
            Service::Rendezvous => Roles::RENDEZVOUS,
        };
        let mut relays = self.network.relays(roles);
        relays.retain(|node| Some(*node) != self.own);
        relays
    }

    async fn changed(&self) {
        // Ends only with the network, and then there is nothing to wake up for.
        if self.changes.lock().await.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
