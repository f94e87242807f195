//! A relay that does as it should until it means harm.

use super::*;
use crate::{
    address,
    clock::now,
    protocol,
    streams::tests::{Node, QUIC, node_as},
};
use libp2p::identity::Keypair;
use outis_crypto::{Secret, os_rng, signature::SigningKey};
use outis_onion::{Forward, OnionKeys, RelayLayers, ReplayFilter, Roles, Scope, Software, answer};

/// What becomes of a cell that it should pass on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Harm {
    None,
    Drop,
    Repeat,
    /// Sends it after the one that follows.
    Swap,
    /// Changes one bit, so that somebody at the other end might know the circuit by it.
    Tag,
}

/// Which cells it does it to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Towards {
    Endpoint,
    Client,
}

pub(super) struct Hostile {
    pub(super) hop: Hop,
    task: JoinHandle<()>,
}

impl Hostile {
    pub(super) async fn new(harm: Harm, towards: Towards) -> Self {
        let seed = Secret::<32>::random(&mut os_rng());
        let key = SigningKey::from_seed(&seed);
        let keypair = Keypair::ed25519_from_bytes(*seed.dangerously_expose()).expect("any 32 bytes");
        let mut node = node_as(keypair, protocol::circuit(&network()), Some(QUIC), Limits::relay()).await;
        let mut keys = OnionKeys::empty();
        let today = now().epoch();
        keys.rotate(today, &mut os_rng());
        let (at, _) = address::from_multiaddr(node.address()).expect("ours");
        let descriptor = RelayDescriptor {
            node: outis_wire::NodeId(*key.verifying_key().as_bytes()),
            epoch: today,
            revision: 0,
            addresses: vec![at],
            onion_key: keys.public(today).expect("made above"),
            roles: Roles::HOP,
            software: Software::this(),
        };
        let signed = descriptor.sign(&key, &network()).expect("its own key");
        let own = descriptor.node;
        let task = tokio::spawn(async move {
            let stream = node.take().await;
            let mut link = Link::new(stream);
            // However it ends: the streams are dropped.
            let _ = serve(&node, own, &keys, &mut link, harm, towards).await;
        });
        Self {
            hop: Hop { signed, descriptor },
            task,
        }
    }

    pub(super) async fn end(self) {
        self.task.abort();
        // Aborted, or at its end.
        let _ = self.task.await;
    }
}

async fn serve(
    node: &Node,
    own: outis_wire::NodeId,
    keys: &OnionKeys,
    back: &mut Link<streams::Stream>,
    harm: Harm,
    towards: Towards,
) -> Option<()> {
    let create = Create::from_cell(&back.receive().await.ok()?).ok()?;
    let mut seen = ReplayFilter::new();
    let (secrets, created) = answer(&network(), own, keys, &create, &mut seen, &mut os_rng()).ok()?;
    back.send(created.to_cell()).await.ok()?;
    let mut layers = RelayLayers::new(secrets);
    let Forward::Mine(Command::Extend(extend)) = layers.forward(back.receive().await.ok()?).ok()? else {
        return None;
    };
    let next = extend
        .descriptor
        .verify(&network(), Scope::Private, now().epoch())
        .ok()?;
    let addresses = next.addresses.iter().map(address::to_multiaddr).collect();
    let stream = node.ask_at(address::peer_of(&next.node)?, addresses, protocol::circuit(&network()));
    let mut ahead = Link::new(stream.await.ok()?.ok()?);
    ahead.send(extend.create.to_cell()).await.ok()?;
    let created = Created::from_cell(&ahead.receive().await.ok()?).ok()?;
    back.send(layers.originate(Command::Extended(Box::new(created))))
        .await
        .ok()?;

    let (mut forward, mut backward) = (Spoiler::new(harm), Spoiler::new(harm));
    match towards {
        Towards::Endpoint => backward.harm = Harm::None,
        Towards::Client => forward.harm = Harm::None,
    }
    loop {
        tokio::select! {
            cell = back.receive() => {
                let Forward::NotMine(cell) = layers.forward(cell.ok()?).ok()? else { return None };
                forward.spoil(cell, &mut ahead);
                poll_fn(|cx| ahead.poll_send(cx)).await;
            }
            cell = ahead.receive() => {
                let cell = layers.backward(cell.ok()?);
                backward.spoil(cell, back);
                poll_fn(|cx| back.poll_send(cx)).await;
            }
        }
    }
}

/// Does it to one cell.
struct Spoiler {
    harm: Harm,
    seen: u32,
    kept: Option<Cell>,
}

impl Spoiler {
    fn new(harm: Harm) -> Self {
        Self {
            harm,
            seen: 0,
            kept: None,
        }
    }

    fn spoil(&mut self, cell: Cell, to: &mut Link<streams::Stream>) {
        self.seen += 1;
        let kept = self.kept.take();
        match self.harm {
            harm if self.seen != SPOILED || harm == Harm::None => to.push(cell),
            Harm::None | Harm::Drop => {}
            Harm::Repeat => {
                to.push(cell.clone());
                to.push(cell);
            }
            Harm::Swap => self.kept = Some(cell),
            Harm::Tag => {
                let mut bytes = cell.into_bytes();
                bytes[4_000] ^= 1;
                to.push(Cell::from_bytes(bytes));
            }
        }
        if let Some(kept) = kept {
            to.push(kept);
        }
    }
}

/// Late enough for circuits to be built and streams to be open.
const SPOILED: u32 = 20;
