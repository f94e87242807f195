//! Somebody in the demonstration: an account, and what one does and waits for.

use outis_app::{App, Error, Event, Sandbox, dto::*};
use std::{
    path::Path,
    time::{Duration, Instant},
};
use tokio::sync::Mutex;

pub(crate) struct Person {
    name: &'static str,
    app: App,
    account: Account,
    passphrase: Sensitive,
    /// When the last message was sent, by its id.
    sent: Mutex<Option<(String, Instant)>>,
}

impl Person {
    pub(crate) async fn new(sandbox: &Sandbox, name: &'static str) -> Result<Self, Error> {
        let app = sandbox.app(name).await?;
        let passphrase = app.account_suggest_passphrase(Nothing {}).await?.passphrase;
        let create = CreateAccount {
            nickname: name.to_owned(),
            password: passphrase.clone(),
        };
        let account = app.account_create(create).await?;
        Ok(Self {
            name,
            app,
            account,
            passphrase,
            sent: Mutex::default(),
        })
    }

    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    pub(crate) fn address(&self) -> &str {
        &self.account.address
    }

    pub(crate) async fn ask(&self, other: &Self, greeting: &str) -> Result<(), Error> {
        let add = AddContact {
            address: other.account.address.clone(),
            alias: None,
            greeting: Some(greeting.to_owned()),
        };
        self.app.contact_add(add).await.map(drop)
    }

    /// Waits for the other's request and gives its greeting.
    pub(crate) async fn await_request(&self, other: &Self) -> Result<String, Error> {
        let request = self.await_contact(other, ContactState::Incoming).await?;
        Ok(request.greeting.unwrap_or_default())
    }

    pub(crate) async fn accept(&self, other: &Self) -> Result<(), Error> {
        self.app
            .contact_accept(ContactAddress {
                address: other.account.address.clone(),
            })
            .await
            .map(drop)
    }

    pub(crate) async fn await_contact(&self, other: &Self, state: ContactState) -> Result<Contact, Error> {
        self.until(async || {
            let contacts = self.app.contact_list(Nothing {}).await?;
            Ok(contacts
                .into_iter()
                .find(|contact| contact.address == other.account.address && contact.state == state))
        })
        .await
    }

    /// The relays that keep mail for this person.
    pub(crate) async fn mailboxes(&self) -> Result<Vec<String>, Error> {
        let status = self.app.network_status(Nothing {}).await?;
        Ok(status.mailboxes.into_iter().map(|mailbox| mailbox.node_id).collect())
    }

    pub(crate) async fn send(&self, to: &Self, text: &str) -> Result<String, Error> {
        let begun = Instant::now();
        let send = SendMessage {
            contact: to.account.address.clone(),
            text: text.to_owned(),
            reply_to: None,
        };
        let id = self.app.message_send(send).await?.id;
        *self.sent.lock().await = Some((id.clone(), begun));
        Ok(id)
    }

    /// Waits until a message is at least this far, and gives how long that took if it was the last one sent.
    pub(crate) async fn await_state(&self, id: &str, state: MessageState) -> Result<Duration, Error> {
        self.until(async || {
            let steps = self.app.message_explain(MessageRef { id: id.to_owned() }).await?;
            let reached = match state {
                MessageState::Stored => &["stored", "delivered", "read"][..],
                _ => &["delivered", "read"],
            };
            Ok(steps
                .iter()
                .any(|step| reached.contains(&step.step.as_str()))
                .then_some(()))
        })
        .await?;
        let sent = self.sent.lock().await;
        Ok(sent
            .as_ref()
            .filter(|(last, _)| last == id)
            .map(|(_, begun)| begun.elapsed())
            .unwrap_or_default())
    }

    /// The way that a message takes.
    pub(crate) fn route(&self, to: &Self) -> String {
        format!(
            "{} → three relays → one of {}'s mailboxes ← three relays ← {}",
            self.name, to.name, to.name
        )
    }

    /// The texts of a conversation, oldest first.
    pub(crate) async fn conversation(&self, other: &Self) -> Result<Vec<String>, Error> {
        let list = ListMessages {
            contact: other.account.address.clone(),
            before: None,
            after: None,
            around: None,
            limit: Some(500),
        };
        let page = self.app.message_list(list).await?;
        let text = |message: Message| match message.body {
            MessageBody::Text { text } => Some(text),
            _ => None,
        };
        Ok(page.messages.into_iter().filter_map(text).collect())
    }

    pub(crate) async fn go_away(&self) -> Result<(), Error> {
        self.app.account_lock(Nothing {}).await.map(drop)
    }

    pub(crate) async fn come_back(&self) -> Result<(), Error> {
        let unlock = UnlockAccount {
            nickname: self.name.to_owned(),
            password: self.passphrase.clone(),
            restore: false,
        };
        self.app.account_unlock(unlock).await.map(drop)
    }

    pub(crate) async fn offer(&self, to: &Self, path: &Path) -> Result<Transfer, Error> {
        let path = path.to_string_lossy().into_owned();
        self.app
            .file_send(SendFile {
                contact: to.account.address.clone(),
                path,
                keep_metadata: false,
            })
            .await
    }

    /// Waits for an offer of the other, and gives the transfer's id.
    pub(crate) async fn await_offer(&self, from: &Self, offered: &Transfer) -> Result<String, Error> {
        self.until(async || {
            let list = ListFiles {
                contact: Some(from.account.address.clone()),
            };
            let transfers = self.app.file_list(list).await?;
            Ok(transfers
                .into_iter()
                .find(|transfer| transfer.size == offered.size)
                .map(|transfer| transfer.id))
        })
        .await
    }

    /// Says yes to an offer.
    pub(crate) async fn take(&self, id: &str) -> Result<(), Error> {
        self.app
            .file_accept(AcceptFile {
                id: id.to_owned(),
                save_to: None,
            })
            .await
            .map(drop)
    }

    pub(crate) async fn save(&self, id: &str, path: &Path) -> Result<(), Error> {
        let path = path.to_string_lossy().into_owned();
        self.app
            .file_save(SaveFile {
                id: id.to_owned(),
                path,
            })
            .await
            .map(drop)
    }

    /// Waits until a transfer is complete.
    pub(crate) async fn await_file(&self, id: &str, mut progress: impl FnMut(&Transfer)) -> Result<Transfer, Error> {
        self.until(async || {
            let transfers = self.app.file_list(ListFiles::default()).await?;
            let Some(transfer) = transfers.into_iter().find(|transfer| transfer.id == id) else {
                return Ok(None);
            };
            progress(&transfer);
            match transfer.state {
                TransferState::Complete => Ok(Some(transfer)),
                TransferState::Failed | TransferState::Cancelled | TransferState::Declined => {
                    Err(Error::internal("the transfer has failed"))
                }
                _ => Ok(None),
            }
        })
        .await
    }

    pub(crate) async fn leave(&self) {
        self.app.shutdown().await;
    }

    /// Looks at each event until there is what is waited for.
    async fn until<T>(&self, mut look: impl AsyncFnMut() -> Result<Option<T>, Error>) -> Result<T, Error> {
        let mut events = self.app.events();
        loop {
            if let Some(found) = look().await? {
                return Ok(found);
            }
            while !matches!(
                events.next().await,
                Event::MessageReceived { .. }
                    | Event::MessageUpdated { .. }
                    | Event::ContactRequest { .. }
                    | Event::ContactUpdated { .. }
                    | Event::TransferUpdated { .. }
            ) {}
        }
    }
}
