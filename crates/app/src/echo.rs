//! Somebody to talk to in the sandbox: accepts every request and says what it was told.

use crate::{
    App, Error, Event, Events,
    dto::{
        AcceptFile, ContactAddress, CreateAccount, Direction, Message, MessageBody, Nothing, SendMessage, TransferState,
    },
};
use tokio::task::JoinHandle;

pub(crate) struct Echo {
    app: App,
    address: String,
    answering: JoinHandle<()>,
}

impl Echo {
    pub(crate) async fn start(app: App) -> Result<Self, Error> {
        let password = app.account_suggest_passphrase(Nothing {}).await?.passphrase;
        let events = app.events();
        let account = app
            .account_create(CreateAccount {
                nickname: "Echo".to_owned(),
                password,
            })
            .await?;
        let answering = tokio::spawn(answer(app.clone(), events));
        Ok(Self {
            app,
            address: account.address,
            answering,
        })
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) async fn stop(self) {
        self.answering.abort();
        self.app.shutdown().await;
    }
}

async fn answer(app: App, mut events: Events) {
    loop {
        let answered = match events.next().await {
            Event::ContactRequest { contact } => app
                .contact_accept(ContactAddress {
                    address: contact.address,
                })
                .await
                .map(drop),
            Event::MessageReceived { message } => reply(&app, message).await,
            Event::TransferUpdated { transfer }
                if transfer.direction == Direction::In && transfer.state == TransferState::Offered =>
            {
                app.file_accept(AcceptFile {
                    id: transfer.id,
                    save_to: None,
                })
                .await
                .map(drop)
            }
            _ => Ok(()),
        };
        if let Err(error) = answered {
            tracing::debug!(%error, "the echo has nothing to say");
        }
    }
}

async fn reply(app: &App, message: Message) -> Result<(), Error> {
    let MessageBody::Text { text } = message.body else {
        return Ok(());
    };
    let send = SendMessage {
        contact: message.contact,
        text,
        reply_to: Some(message.id),
    };
    app.message_send(send).await.map(drop)
}
