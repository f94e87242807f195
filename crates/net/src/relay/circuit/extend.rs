//! Lengthens a circuit by one relay.

use crate::{
    address::{self, is_private},
    circuit::Link,
    clock::now,
    protocol,
    relay::{
        shared::{Shared, lock},
        task,
    },
    streams::Stream,
};
use futures::{FutureExt, channel::oneshot, future::BoxFuture};
use outis_onion::{Cell, Created, Extend, Refusal, RelayDescriptor, Scope, SignedDescriptor};
use outis_wire::NetworkName;
use std::{io, sync::Arc, time::Duration};
use tokio::{sync::mpsc, time};

/// Asks other relays to take part in a circuit. It dials by a relay's own signed word, and nowhere else.
#[derive(Clone)]
pub(in crate::relay) struct Extender {
    pub(in crate::relay) shared: Arc<Shared>,
    pub(in crate::relay) commands: mpsc::WeakSender<task::Command>,
}

/// A way to the next relay, and its answer to the one whose circuit it is.
pub(in crate::relay) struct Extended {
    pub(super) link: Link<Stream>,
    pub(super) reply: Created,
}

impl Extender {
    pub(super) fn extend(self, asked: Extend) -> BoxFuture<'static, Result<Extended, Refusal>> {
        async move {
            let Extend { descriptor, create } = asked;
            let next = self.check(&descriptor).ok_or(Refusal::Descriptor)?;
            let asking = async {
                let stream = self.open(&next).await.ok_or(Refusal::Unreachable)?;
                let mut link = Link::new(stream);
                let answer = ask(&mut link, create.to_cell()).await.map_err(|_| Refusal::HungUp)?;
                let reply = Created::from_cell(&answer).map_err(|_| Refusal::HungUp)?;
                Ok(Extended { link, reply })
            };
            time::timeout(ASKING, asking).await.unwrap_or(Err(Refusal::Unreachable))
        }
        .boxed()
    }

    /// Nobody's word but the relay's own says where it is; and it is not ourselves.
    fn check(&self, descriptor: &SignedDescriptor) -> Option<RelayDescriptor> {
        let Shared { network, node, .. } = &*self.shared;
        let next = descriptor.verify(network, self.scope(), now().epoch()).ok()?;
        (next.node != *node).then_some(next)
    }

    /// A relay that the internet reaches leads nobody into a house, its owner's or another's.
    fn scope(&self) -> Scope {
        let listening = lock(&self.shared.listening);
        let house = self.shared.network != NetworkName::default() || listening.iter().all(is_private);
        if house {
            self.shared.scope.scope()
        } else {
            Scope::Public
        }
    }

    async fn open(&self, next: &RelayDescriptor) -> Option<Stream> {
        let (reply, stream) = oneshot::channel();
        let command = task::Command::Open {
            peer: address::peer_of(&next.node)?,
            addresses: next.addresses.iter().map(address::to_multiaddr).collect(),
            protocol: protocol::circuit(&self.shared.network),
            reply,
        };
        self.commands.upgrade()?.send(command).await.ok()?;
        stream.await.ok()?.ok()
    }
}

async fn ask(link: &mut Link<Stream>, create: Cell) -> io::Result<Cell> {
    link.send(create).await?;
    link.receive().await
}

/// For another relay to answer, dialling included.
const ASKING: Duration = Duration::from_secs(10);
