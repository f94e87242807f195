//! An account that is unlocked: its container, its messenger, its way into the network.

use crate::{
    Error, Event,
    account::Ground,
    dto::{self, NetworkStatus},
    events::Outlet,
    file, memory,
    records::{self, Profile},
    relay::Relay,
    transport::Ways,
    uploads::Uploads,
};
use outis_identity::Address;
use outis_messenger::{self as messenger, Messenger, Origin};
use outis_net::{ClientConfig, Limits, Network, PeerAddress};
use outis_onion::Decoys;
use outis_vault::Vault;
use outis_wire::{NetworkName, UnixMillis};
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, SystemTime},
};
use tokio::{
    sync::{Notify, oneshot, watch},
    task::JoinSet,
    time,
};

pub(crate) struct Unlocked {
    pub(crate) profile: Profile,
    pub(crate) address: Address,
    pub(crate) vault: Arc<Vault>,
    pub(crate) messenger: Messenger,
    pub(crate) network: Network,
    pub(crate) relay: Option<Relay>,
    /// Where its container stands.
    pub(crate) ground: Ground,
    /// Counts changes of what the network knows of the account.
    account_changes: watch::Sender<u64>,
    running: Mutex<Option<Running>>,
    uploads: Mutex<Uploads>,
    /// Ends the messenger's loop.
    stop: Arc<Notify>,
    /// Contacts or settings are others than those that were kept.
    pub(crate) to_keep: Notify,
}

struct Running {
    tasks: JoinSet<()>,
    messenger: oneshot::Receiver<()>,
}

/// Where an account goes on the network.
pub(crate) struct Place<'a> {
    pub(crate) network: &'a NetworkName,
    pub(crate) bootstrap: Vec<PeerAddress>,
    pub(crate) relay: Option<&'a Relay>,
    pub(crate) outlet: &'a Outlet,
    pub(crate) ground: Ground,
}

impl Unlocked {
    /// Joins the network with what the container holds. Gives the account back and what runs for it.
    pub(crate) fn start(vault: Vault, origin: Origin, place: Place<'_>) -> Result<Arc<Self>, Error> {
        let Place {
            network: name,
            bootstrap,
            relay,
            outlet,
            ground,
        } = place;
        let vault = Arc::new(vault);
        let (identity, profile) = (records::identity(&vault)?, records::profile(&vault)?);
        let address = identity.address();
        let config = messenger::Config {
            network: name.clone(),
            nickname: profile.nickname.clone(),
            origin,
        };
        let messenger = Messenger::open(Arc::clone(&vault), identity, config, now, outis_crypto::os_rng())?;
        messenger.limit_files(records::settings(&vault)?.file_rate);
        let state = records::network(&vault);
        let client = ClientConfig {
            decoys: Some(Decoys::MEAN),
            network: name.clone(),
            bootstrap,
            state,
            own_relay: relay.map(Relay::node),
            ways: outis_net::Ways::default(),
            limits: Limits::client(),
        };
        let network = Network::start(client).map_err(Error::internal)?;
        let unlocked = Arc::new(Self {
            profile,
            address,
            vault,
            messenger,
            network,
            relay: relay.cloned(),
            ground,
            account_changes: watch::Sender::new(0),
            running: Mutex::default(),
            uploads: Mutex::default(),
            stop: Arc::default(),
            to_keep: Notify::new(),
        });
        let running = Running {
            messenger: unlocked.run_messenger()?,
            tasks: unlocked.spawn_tasks(outlet),
        };
        *unlocked.running.lock().unwrap_or_else(PoisonError::into_inner) = Some(running);
        Ok(unlocked)
    }

    /// Leaves the network, stores what is worth remembering, wipes the keys.
    pub(crate) async fn close(&self) {
        let running = self.running.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.stop.notify_one();
        if let Some(Running { mut tasks, messenger }) = running {
            tasks.shutdown().await;
            // Answered by the thread's end, however it ends.
            let _ = messenger.await;
        }
        *self.uploads() = Uploads::default();
        self.remember();
        self.keep();
        self.network.shutdown().await;
        self.vault.lock();
    }

    /// What was handed over and is not sent yet.
    pub(crate) fn uploads(&self) -> MutexGuard<'_, Uploads> {
        self.uploads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn account(&self) -> dto::Account {
        dto::Account {
            address: self.address.to_string(),
            nickname: self.profile.nickname.clone(),
            created_at: self.profile.created_at.0,
        }
    }

    /// Waits until it is known whether the network knows the account, or until nobody can be asked.
    pub(crate) async fn known(&self) -> dto::Known {
        let mut changes = self.account_changes.subscribe();
        let answered = async {
            loop {
                match self.messenger.known() {
                    messenger::Known::Yes => return dto::Known::Answered(true),
                    messenger::Known::No => return dto::Known::Answered(false),
                    messenger::Known::Unreachable => return dto::Known::Unanswered(dto::Unreachable::Unreachable),
                    messenger::Known::Asking => {}
                }
                if changes.changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
            }
        };
        let unanswered = dto::Known::Unanswered(dto::Unreachable::Unreachable);
        time::timeout(ASKING, answered).await.unwrap_or(unanswered)
    }

    pub(crate) fn status(&self) -> NetworkStatus {
        let status = self.network.status();
        let mailbox = |mailbox: messenger::Mailbox| dto::MailboxStatus {
            node_id: mailbox.node.to_string(),
            healthy: mailbox.healthy,
        };
        NetworkStatus {
            online: status.online,
            node_id: status.node.to_string(),
            peers: status.peers as u64,
            relays_known: status.relays_known as u64,
            too_few_relays: !self.network.knows_enough(),
            mailboxes: self.messenger.mailboxes().into_iter().map(mailbox).collect(),
            circuits: self
                .network
                .circuits()
                .into_iter()
                .map(dto::CircuitStatus::from)
                .collect(),
            guards: self.network.guards().iter().map(ToString::to_string).collect(),
            relay: self.relay.as_ref().map(Relay::shown).unwrap_or_default(),
            bytes_in: status.bytes_in,
            bytes_out: status.bytes_out,
        }
    }

    /// The messenger's commits wait for the disk, so it has a thread of its own. Files are carried beside it.
    fn run_messenger(&self) -> Result<oneshot::Receiver<()>, Error> {
        let carriers = tokio::runtime::Handle::current();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(Error::internal)?;
        let ways = Arc::new(Ways::new(self.network.clone(), self.relay.as_ref().map(Relay::node)));
        let (messenger, stop) = (self.messenger.clone(), Arc::clone(&self.stop));
        let (ended, end) = oneshot::channel();
        thread::Builder::new()
            .name("messenger".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    tokio::select! {
                        biased;
                        () = stop.notified() => {}
                        () = messenger.run_beside(ways, carriers) => {}
                    }
                });
                memory::wipe_stack();
                // Fails only if nobody waits for it.
                let _ = ended.send(());
            })
            .map_err(Error::internal)?;
        Ok(end)
    }

    fn spawn_tasks(self: &Arc<Self>, outlet: &Outlet) -> JoinSet<()> {
        let mut tasks = JoinSet::new();
        tasks.spawn({
            let (unlocked, outlet) = (Arc::clone(self), outlet.clone());
            async move {
                loop {
                    let event = unlocked.messenger.next_event().await;
                    unlocked.tell(event, &outlet);
                }
            }
        });
        tasks.spawn({
            let (unlocked, outlet) = (Arc::clone(self), outlet.clone());
            async move {
                let (mut changes, mut circuits) = (unlocked.network.changes(), unlocked.network.circuit_changes());
                loop {
                    let goes_on = tokio::select! {
                        biased;
                        changed = changes.changed() => changed.is_ok(),
                        changed = circuits.changed() => changed.is_ok(),
                    };
                    if !goes_on {
                        break;
                    }
                    outlet.push(Event::NetworkUpdated {
                        status: unlocked.status(),
                    });
                    time::sleep(STATUS_PAUSE).await;
                }
            }
        });
        tasks.spawn({
            let unlocked = Arc::clone(self);
            async move {
                let (mut changes, mut counts) = (unlocked.network.changes(), unlocked.network.counts());
                loop {
                    let goes_on = tokio::select! {
                        biased;
                        changed = changes.changed() => changed.is_ok(),
                        counted = counts.changed() => counted.is_ok(),
                    };
                    if !goes_on {
                        break;
                    }
                    time::sleep(REMEMBERING_PAUSE).await;
                    unlocked.remember();
                }
            }
        });
        tasks.spawn({
            let unlocked = Arc::clone(self);
            async move {
                loop {
                    unlocked.to_keep.notified().await;
                    time::sleep(KEEPING_PAUSE).await;
                    unlocked.keep();
                }
            }
        });
        tasks
    }

    /// Tells the faces what the messenger says has changed, as it is now.
    fn tell(&self, event: messenger::Event, outlet: &Outlet) {
        match event {
            messenger::Event::MessageReceived(id) => {
                if let Ok(Some(message)) = self.shown_message(&id) {
                    outlet.push(Event::MessageReceived { message });
                }
            }
            messenger::Event::MessageUpdated(id) => match self.shown_message(&id) {
                Ok(Some(message)) => outlet.push(Event::MessageUpdated { message }),
                Ok(None) => outlet.push(Event::MessageRemoved {
                    contact: id.contact.to_string(),
                    id: id.to_string(),
                }),
                Err(error) => tracing::debug!(%error, "a message could not be read"),
            },
            messenger::Event::ContactRequest(contact) => {
                if let Ok(contact) = self.messenger.contact(&contact) {
                    outlet.push(Event::ContactRequest {
                        contact: self.shown_contact(contact),
                    });
                }
            }
            messenger::Event::ContactUpdated(contact) => {
                self.to_keep.notify_one();
                outlet.push(match self.messenger.contact(&contact) {
                    Ok(contact) => Event::ContactUpdated {
                        contact: self.shown_contact(contact),
                    },
                    Err(_) => Event::ContactRemoved {
                        contact: contact.to_string(),
                    },
                });
            }
            messenger::Event::Typing(contact) => outlet.push(Event::ContactTyping {
                contact: contact.to_string(),
            }),
            messenger::Event::TransferUpdated(id) => {
                if let Some(transfer) = self.messenger.transfer(&id) {
                    outlet.push(Event::TransferUpdated {
                        transfer: file::shown(transfer),
                    });
                }
            }
            messenger::Event::AccountUpdated => {
                self.account_changes.send_modify(|count| *count += 1);
                outlet.push(Event::NetworkUpdated { status: self.status() });
            }
            messenger::Event::Superseded => outlet.push(Event::AccountSuperseded {}),
            messenger::Event::Everything => {
                outlet.push(Event::EventsMissed {});
                for contact in self.messenger.contacts() {
                    outlet.push(Event::ContactUpdated {
                        contact: self.shown_contact(contact),
                    });
                }
                for transfer in self.messenger.transfers(None) {
                    outlet.push(Event::TransferUpdated {
                        transfer: file::shown(transfer),
                    });
                }
            }
        }
    }

    fn remember(&self) {
        // A saving only: the next start asks again where this fails.
        if let Err(error) = records::put_network(&self.vault, self.network.state()) {
            tracing::warn!(%error, "could not remember relays");
        }
    }
}

/// The clock on the wall.
pub(crate) fn now() -> UnixMillis {
    let since = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    UnixMillis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// For the question whether the network knows an account.
const ASKING: Duration = Duration::from_secs(30);

/// Between two reports of the network's state.
const STATUS_PAUSE: Duration = Duration::from_millis(250);

/// Relays that were learned and circuits that were counted are stored together.
const REMEMBERING_PAUSE: Duration = Duration::from_secs(5);

/// Contacts that change often are kept together.
const KEEPING_PAUSE: Duration = Duration::from_secs(60);
