//! Makes a relay known to others and others to it.
//!
//! It announces itself to each relay that it learns of, asks each for a sample, and so on until there is nobody new: a few
//! relays that know one address find one another as fast as they can dial.

use super::{check::Judge, shared::Shared, task::Command};
use crate::{address, clock::now, protocol};
use futures::{StreamExt, channel::oneshot, stream};
use outis_mailbox::directory::{Directory, LookupError, Record};
use outis_onion::{RelayAddress, SignedDescriptor};
use outis_wire::NodeId;
use std::{collections::HashMap, sync::Arc, time::Duration};
use tokio::{sync::mpsc, time};

pub(super) struct Finder {
    pub(super) shared: Arc<Shared>,
    pub(super) judge: Judge,
    pub(super) commands: mpsc::WeakSender<Command>,
}

impl Finder {
    /// Runs until it is aborted.
    pub(super) async fn run(self) {
        let mut own = self.shared.own.subscribe();
        // Which descriptor of ours each of them has been shown.
        let mut met: HashMap<NodeId, SignedDescriptor> = HashMap::new();
        loop {
            let Some(descriptor) = own.borrow_and_update().clone() else {
                if own.changed().await.is_err() {
                    return;
                }
                continue;
            };
            if self.round(&descriptor, &mut met).await {
                self.publish(&descriptor).await;
                continue;
            }
            let rest = self
                .shared
                .known()
                .next_retry(now())
                .map_or(LONGEST_REST, |at| at.since(now()));
            tokio::select! {
                biased;
                changed = own.changed() => if changed.is_err() { return },
                () = self.shared.learned.notified() => {}
                () = time::sleep(rest.clamp(SHORTEST_REST, LONGEST_REST)) => {}
            }
        }
    }

    /// Meets those that have not been met. Says whether it met any.
    async fn round(&self, own: &SignedDescriptor, met: &mut HashMap<NodeId, SignedDescriptor>) -> bool {
        let mut strangers = {
            let known = self.shared.known();
            // One that was away is greeted anew, and leaves its place to another meanwhile.
            met.retain(|node, _| !known.is_away(node));
            known.reachable(now())
        };
        strangers.retain(|(node, _)| *node != self.shared.node && met.get(node) != Some(own));
        // In a large network a few dozen neighbours are enough; Kademlia finds the others.
        let room = NEIGHBOURS.saturating_sub(met.values().filter(|shown| *shown == own).count());
        strangers.truncate(room);
        let greeted = stream::iter(strangers)
            .map(|(node, addresses)| async move { (node, self.greet(node, addresses, own).await) })
            .buffer_unordered(AT_ONCE)
            .collect::<Vec<_>>()
            .await;
        let mut any = false;
        for (node, greeting) in greeted {
            match greeting {
                Ok(()) => {
                    any = true;
                    met.insert(node, own.clone());
                }
                Err(Silent) => self.shared.known().failed(&node, now()),
            }
        }
        any
    }

    /// Announces ourselves to one relay and asks it for others.
    async fn greet(&self, node: NodeId, addresses: Vec<RelayAddress>, own: &SignedDescriptor) -> Result<(), Silent> {
        let peer = address::peer_of(&node).ok_or(Silent)?;
        let (reply, stream) = oneshot::channel();
        let command = Command::Open {
            peer,
            addresses: addresses.iter().map(address::to_multiaddr).collect(),
            protocol: protocol::directory(&self.shared.network),
            reply,
        };
        self.commands
            .upgrade()
            .ok_or(Silent)?
            .send(command)
            .await
            .map_err(|_| Silent)?;
        let talking = async {
            let stream = stream.await.map_err(|_| Silent)?.map_err(|_| Silent)?;
            let mut directory = Directory::new(stream);
            directory
                .announce(own.to_bytes())
                .await
                .map_err(|_: LookupError| Silent)?;
            directory
                .sample(outis_mailbox::directory::MAX_SAMPLE)
                .await
                .map_err(|_| Silent)
        };
        let found = time::timeout(GREETING, talking).await.map_err(|_| Silent)??;
        for bytes in found {
            self.found(node, bytes).await;
        }
        Ok(())
    }

    async fn found(&self, teller: NodeId, bytes: Vec<u8>) {
        let Ok(signed) = SignedDescriptor::from_bytes(&bytes) else {
            return;
        };
        if signed.claimed_node() != Some(teller) && self.shared.known().holds(&signed) {
            return;
        }
        let Ok(judged) = self.judge.judge(&Record::Relay(bytes), now()) else {
            return;
        };
        let Some((descriptor, signed)) = judged.relay else {
            return;
        };
        if descriptor.node != teller {
            return self.shared.learn(descriptor, signed);
        }
        // The one we talk to, and so is where it says.
        if let Some(commands) = self.commands.upgrade() {
            // Fails only if the task has ended.
            let _ = commands
                .send(Command::Met {
                    descriptor: Box::new(descriptor),
                    signed,
                })
                .await;
        }
    }

    /// Puts our descriptor where the directory keeps it.
    async fn publish(&self, own: &SignedDescriptor) {
        let record = Record::Relay(own.to_bytes());
        let Ok(judged) = self.judge.judge(&record, now()) else {
            return;
        };
        let Some(commands) = self.commands.upgrade() else {
            return;
        };
        let (reply, stored) = oneshot::channel();
        let put = Command::Put {
            checked: judged.checked,
            record,
            reply,
        };
        if commands.send(put).await.is_ok() {
            drop(commands);
            // What came of it shows at the next round; repair does the rest.
            let _ = time::timeout(GREETING, stored).await;
        }
    }
}

/// A relay that did not answer as a relay does.
#[derive(Debug)]
struct Silent;

/// Relays greeted at once.
const AT_ONCE: usize = 8;

/// Relays that we make ourselves known to directly.
const NEIGHBOURS: usize = 64;

/// For one greeting, dialling included.
const GREETING: Duration = Duration::from_secs(20);

const SHORTEST_REST: Duration = Duration::from_millis(100);

const LONGEST_REST: Duration = Duration::from_secs(10 * 60);
