//! The handle.

use crate::amending::Scope;
use crate::commands::{ContactError, SendError, Verification};
use crate::contact::{Contact, ContactRecord};
use crate::dark::Dark;
use crate::disappearing::Expiring;
use crate::event::{Event, Events};
use crate::files::{FileError, Known as KnownTransfer, Metadata, Prepared, Transfer};
use crate::invites::{InviteError, InviteRecord, OpenInvite};
use crate::message::{FlightStep, Message, MessageId, TransferId};
use crate::opening::Opening;
use crate::own::{Known, Me, Origin};
use crate::peer::Peer;
use crate::randomness::Randomness;
use crate::settings::{ConversationSettings, SettingsChange};
use crate::state::State;
use crate::store::{NOBODY, Store, StoreError, table};
use crate::time::Tick;
use crate::transport::Clock;
use crate::work::Running;
use outis_crypto::{CryptoRng, signature::VerifyingKey};
use outis_identity::{Address, Identity, InviteToken};
use outis_vault::{Order, Vault};
use outis_wire::{NetworkName, NodeId};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// One account's messenger. Clones are handles to the same; commands may come from any thread, also while [`run`](Self::run)
/// is under way. Commands block for as long as a commit takes.
#[derive(Clone)]
pub struct Messenger {
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    state: Mutex<State>,
    pub(crate) wake: Notify,
    events: Arc<Events>,
}

/// What a messenger is told once.
pub struct Config {
    /// The network it is for.
    pub network: NetworkName,
    /// What others see, as the person typed it.
    pub nickname: String,
    /// How the account came here; counts only the first time.
    pub origin: Origin,
}

/// One of the mailboxes that keep our queues.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mailbox {
    /// The relay.
    pub node: NodeId,
    /// Whether it answers.
    pub healthy: bool,
}

impl Messenger {
    /// Reads everything that is not told yet. Does nothing on the network before [`run`](Self::run).
    ///
    /// # Errors
    /// If the vault cannot be read or written.
    pub fn open(
        vault: Arc<Vault>,
        identity: Identity,
        config: Config,
        clock: impl Clock,
        rng: impl CryptoRng + Send + 'static,
    ) -> Result<Self, StoreError> {
        let Config {
            network,
            nickname,
            origin,
        } = config;
        let store = Store::new(vault);
        let mut rng = Randomness::new(rng);
        let me = Me::load(&store, identity, nickname, origin, &mut rng)?;
        let mut peers = BTreeMap::new();
        for owner in store.owners(table::CONTACTS)? {
            let Some(record) = store.get::<ContactRecord>(table::CONTACTS, &owner, 0)? else {
                continue;
            };
            let key =
                VerifyingKey::from_bytes(owner).map_err(|_| StoreError::Damaged(outis_wire::DecodeError::Malformed))?;
            let contact = Address::new(key);
            peers.insert(contact, Peer::load(&store, &contact, record)?);
        }
        let requests = store.get(table::QUEUES, &NOBODY, 0)?.unwrap_or_default();
        let graves = store.get(table::QUEUES, &NOBODY, 1)?.unwrap_or_default();
        let invites =
            store.range::<InviteRecord>(table::INVITES, &NOBODY, 0..u64::MAX, Order::Ascending, usize::MAX)?;
        let mut transfers = BTreeMap::new();
        for owner in store.owners(table::TRANSFERS)? {
            if let Some(known) = KnownTransfer::load(&store, &TransferId(owner))? {
                transfers.insert(TransferId(owner), known);
            }
        }
        // What a crash or a withdrawn file left behind. A failure only means that it lies there a while longer.
        let _ = store.vault().files().sweep(|file| {
            transfers
                .get(&TransferId(file.0))
                .is_some_and(|known| known.record.keeps_file())
        });
        let events = Arc::new(Events::default());
        let expiring = Expiring::load(&store)?;
        let mut state = State {
            network,
            store,
            me,
            rng,
            clock: Arc::new(clock),
            events: Arc::clone(&events),
            peers,
            requests,
            graves,
            invites: invites.into_iter().collect(),
            running: Running::new(),
            tick: Tick::default(),
            relays: Vec::new(),
            directories: Vec::new(),
            rendezvous: Vec::new(),
            transfers,
            throttle: Arc::default(),
            dark: Dark::default(),
            opening: Opening::default(),
            expiring,
            next_loose: 0,
            lines_indexed: 0,
            deaf: Vec::new(),
            resting: Vec::new(),
        };
        let now = state.now();
        state.transfers.values().for_each(|known| known.hear_again(now));
        // What went while nobody was here is not shown once more.
        state.expire()?;
        Ok(Self {
            shared: Arc::new(Shared {
                state: Mutex::new(state),
                wake: Notify::new(),
                events,
            }),
        })
    }

    /// The next event. Safe to drop.
    pub async fn next_event(&self) -> Event {
        self.shared.events.next().await
    }

    /// An event if there is one.
    pub fn try_next_event(&self) -> Option<Event> {
        self.shared.events.try_next()
    }

    /// Our own address.
    pub fn address(&self) -> Address {
        self.shared.state().address()
    }

    /// Whether the network knows the account.
    pub fn known(&self) -> Known {
        self.shared.state().me.known
    }

    /// Whether the account signed in on another device: nothing is sent from here any more.
    pub fn is_superseded(&self) -> bool {
        self.shared.state().me.is_superseded()
    }

    /// Says that an account the network does not know is new. Until then nothing is published.
    ///
    /// # Errors
    /// If the store fails; the same holds for all commands.
    pub fn confirm_new(&self) -> Result<(), StoreError> {
        self.command(State::confirm_new)
    }

    /// Says that this device is to go on although the account was used elsewhere: the other one is superseded then.
    #[allow(clippy::missing_errors_doc)]
    pub fn take_over(&self) -> Result<(), StoreError> {
        self.command(State::take_over)
    }

    /// Asks somebody to be a contact; saying yes, if they asked first.
    ///
    /// # Errors
    /// See [`ContactError`]; the same holds for all commands about contacts.
    pub fn add_contact(
        &self,
        contact: Address,
        alias: Option<String>,
        greeting: Option<String>,
    ) -> Result<Contact, ContactError> {
        self.command(|state| state.add_contact(contact, alias, greeting, None))
    }

    /// The same with the token of their invite: nothing is paid then, and a full list does not keep us out. One that is not
    /// good any more makes no difference.
    #[allow(clippy::missing_errors_doc)]
    pub fn add_invited(
        &self,
        contact: Address,
        alias: Option<String>,
        greeting: Option<String>,
        token: &InviteToken,
    ) -> Result<Contact, ContactError> {
        self.command(|state| state.add_contact(contact, alias, greeting, Some(token)))
    }

    /// Makes an invite that one person can use once.
    ///
    /// # Errors
    /// See [`InviteError`].
    pub fn make_invite(&self) -> Result<(OpenInvite, InviteToken), InviteError> {
        self.command(State::make_invite)
    }

    /// The invites that nobody has used yet.
    pub fn open_invites(&self) -> Vec<OpenInvite> {
        self.shared.state().open_invites()
    }

    /// Takes an invite back.
    #[allow(clippy::missing_errors_doc)]
    pub fn revoke_invite(&self, id: u64) -> Result<(), InviteError> {
        self.command(|state| state.revoke_invite(id))
    }

    /// All contacts, in no order that means anything.
    pub fn contacts(&self) -> Vec<Contact> {
        self.shared.state().contacts()
    }

    /// One contact.
    #[allow(clippy::missing_errors_doc)]
    pub fn contact(&self, contact: &Address) -> Result<Contact, ContactError> {
        self.shared.state().contact(contact)
    }

    /// Says yes to somebody who asked.
    #[allow(clippy::missing_errors_doc)]
    pub fn accept_contact(&self, contact: &Address) -> Result<Contact, ContactError> {
        self.command(|state| state.accept_contact(contact))
    }

    /// Says no, in silence.
    #[allow(clippy::missing_errors_doc)]
    pub fn decline_contact(&self, contact: &Address) -> Result<Contact, ContactError> {
        self.command(|state| state.decline_contact(contact))
    }

    /// Ignores whatever comes from now on, and deletes the queues that they write to.
    #[allow(clippy::missing_errors_doc)]
    pub fn block_contact(&self, contact: &Address) -> Result<Contact, ContactError> {
        self.command(|state| state.block_contact(contact))
    }

    /// Takes that back: they are sent a new card.
    #[allow(clippy::missing_errors_doc)]
    pub fn unblock_contact(&self, contact: &Address) -> Result<Contact, ContactError> {
        self.command(|state| state.unblock_contact(contact))
    }

    /// Forgets a contact and the whole conversation, for good.
    #[allow(clippy::missing_errors_doc)]
    pub fn remove_contact(&self, contact: &Address) -> Result<(), ContactError> {
        self.command(|state| state.remove_contact(contact))
    }

    /// Calls a contact something; nothing, for what they call themselves.
    #[allow(clippy::missing_errors_doc)]
    pub fn rename_contact(&self, contact: &Address, alias: Option<String>) -> Result<Contact, ContactError> {
        self.command(|state| state.rename_contact(contact, alias))
    }

    /// Says whether safety numbers were compared; confirms a new device too.
    #[allow(clippy::missing_errors_doc)]
    pub fn verify_contact(&self, contact: &Address, verified: Verification) -> Result<Contact, ContactError> {
        self.command(|state| state.verify_contact(contact, verified))
    }

    /// Sends a text, at once and durably, online or not. To one's own address it is a note to self, which never leaves.
    ///
    /// # Errors
    /// See [`SendError`].
    pub fn send_text(
        &self,
        contact: &Address,
        text: impl Into<String>,
        reply_to: Option<MessageId>,
    ) -> Result<MessageId, SendError> {
        self.command(|state| state.send_text(contact, text.into(), reply_to))
    }

    /// Deletes a message, here or everywhere.
    ///
    /// # Errors
    /// See [`SendError`]; the same holds for all changes of messages.
    pub fn delete_message(&self, id: &MessageId, scope: Scope) -> Result<(), SendError> {
        self.command(|state| state.delete_message(id, scope))
    }

    /// Gives one of our own texts another wording.
    #[allow(clippy::missing_errors_doc)]
    pub fn edit_message(&self, id: &MessageId, text: impl Into<String>) -> Result<Message, SendError> {
        self.command(|state| state.edit_message(id, text.into()))
    }

    /// Puts an emoji on a message in place of our last one; an empty one takes it back.
    #[allow(clippy::missing_errors_doc)]
    pub fn react_to_message(&self, id: &MessageId, emoji: &str) -> Result<Message, SendError> {
        self.command(|state| state.react_to_message(id, emoji))
    }

    /// Changes what is named for a conversation and gives all of it.
    #[allow(clippy::missing_errors_doc)]
    pub fn set_conversation(
        &self,
        contact: &Address,
        change: &SettingsChange,
    ) -> Result<ConversationSettings, SendError> {
        self.command(|state| state.set_conversation(contact, change))
    }

    /// Something is being written to a contact: they are told, if they are to be told. To be called as long as it is so.
    #[allow(clippy::missing_errors_doc)]
    pub fn typing(&self, contact: &Address) -> Result<(), ContactError> {
        self.command(|state| state.typing(contact))
    }

    /// What was chosen for a conversation.
    #[allow(clippy::missing_errors_doc)]
    pub fn conversation_settings(&self, contact: &Address) -> Result<ConversationSettings, ContactError> {
        self.shared.state().conversation_settings(contact)
    }

    /// One message.
    #[allow(clippy::missing_errors_doc)]
    pub fn message(&self, id: &MessageId) -> Result<Option<Message>, StoreError> {
        self.shared.state().message(id)
    }

    /// Messages with all these words or beginnings of words, in all conversations or one, newest first, at most `limit`; and
    /// whether there are more.
    #[allow(clippy::missing_errors_doc)]
    pub fn search(
        &self,
        query: &str,
        contact: Option<&Address>,
        limit: usize,
    ) -> Result<(Vec<Message>, bool), StoreError> {
        self.shared.state().search(query, contact, limit)
    }

    /// Brings the search index up to date. The loop does it by and by; what is found does not depend on it, only how fast.
    #[allow(clippy::missing_errors_doc)]
    pub fn index_all(&self) -> Result<(), StoreError> {
        while self.shared.state().index_some()? {}
        Ok(())
    }

    /// Why a message is where it is. Stays on this machine.
    #[allow(clippy::missing_errors_doc)]
    pub fn explain(&self, id: &MessageId) -> Result<Option<Vec<FlightStep>>, StoreError> {
        self.shared.state().flight(id)
    }

    /// Everything up to this message was looked at: its time runs, if it goes by itself, and the contact is told if they are
    /// to be told.
    #[allow(clippy::missing_errors_doc)]
    pub fn mark_read(&self, up_to: &MessageId) -> Result<(), ContactError> {
        self.command(|state| state.mark_read(up_to))
    }

    /// Offers a file or a folder. It is read once now, and again chunk by chunk when it is wanted: it has to stay where and what it is.
    ///
    /// # Errors
    /// See [`FileError`]; the same holds for all commands about files.
    pub fn send_file(&self, contact: &Address, path: &Path) -> Result<Transfer, FileError> {
        self.send_file_with(contact, path, Metadata::Removed)
    }

    /// The same, and says whether what a camera wrote into images is sent along.
    #[allow(clippy::missing_errors_doc)]
    pub fn send_file_with(&self, contact: &Address, path: &Path, metadata: Metadata) -> Result<Transfer, FileError> {
        let (vault, mut rng) = {
            let state = self.shared.state();
            (Arc::clone(state.store.vault()), state.rng.clone())
        };
        let prepared = Prepared::read(path, metadata, &mut rng)?;
        prepared.keep(&vault)?;
        self.command(|state| state.offer_file(contact, prepared))
    }

    /// Says yes to a file. With `save_to` it is also saved there as soon as it is complete.
    #[allow(clippy::missing_errors_doc)]
    pub fn accept_file(&self, id: &TransferId, save_to: Option<PathBuf>) -> Result<Transfer, FileError> {
        self.command(|state| state.accept_file(id, save_to))
    }

    /// Says no to a file.
    #[allow(clippy::missing_errors_doc)]
    pub fn decline_file(&self, id: &TransferId) -> Result<Transfer, FileError> {
        self.command(|state| state.decline_file(id))
    }

    /// Ends a transfer, whoever sends it; what had come of it is erased.
    #[allow(clippy::missing_errors_doc)]
    pub fn cancel_file(&self, id: &TransferId) -> Result<Transfer, FileError> {
        self.command(|state| state.cancel_file(id))
    }

    /// Lets a transfer rest.
    #[allow(clippy::missing_errors_doc)]
    pub fn pause_file(&self, id: &TransferId) -> Result<Transfer, FileError> {
        self.command(|state| state.pause_file(id))
    }

    /// Lets it go on.
    #[allow(clippy::missing_errors_doc)]
    pub fn resume_file(&self, id: &TransferId) -> Result<Transfer, FileError> {
        self.command(|state| state.resume_file(id))
    }

    /// Saves a complete file where nothing is yet.
    #[allow(clippy::missing_errors_doc)]
    pub fn save_file(&self, id: &TransferId, path: &Path) -> Result<(), FileError> {
        let saving = self.shared.state().file_to_save(id)?;
        saving.save(path)
    }

    /// Bytes a second that files may take, each way; `None` for as much as there is.
    pub fn limit_files(&self, bytes_a_second: Option<u64>) {
        self.shared.state().throttle.set(bytes_a_second);
    }

    /// All transfers, or those with one contact.
    pub fn transfers(&self, contact: Option<&Address>) -> Vec<Transfer> {
        self.shared.state().shown_transfers(contact)
    }

    /// One transfer.
    pub fn transfer(&self, id: &TransferId) -> Option<Transfer> {
        self.shared.state().shown_transfer(id)
    }

    /// The relays that keep our queues.
    pub fn mailboxes(&self) -> Vec<Mailbox> {
        self.shared.state().mailboxes()
    }

    pub(crate) fn command<R>(&self, command: impl FnOnce(&mut State) -> R) -> R {
        let result = command(&mut self.shared.state());
        self.shared.wake.notify_one();
        result
    }
}

impl Shared {
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        // Commands change the store first and memory after it, in steps that do not panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
