//! The headless person on the other side of a window.

use outis_tests::process::{Person, Rpc, Setting};
use serde_json::{Value, json};
use std::path::Path;

/// Bob, and whom he knows.
pub(super) struct Bob {
    person: Person,
    ada: Option<String>,
}

impl Bob {
    pub(super) async fn create(setting: &Setting) -> Self {
        let person = Person::create("Bob", setting).await;
        Self { person, ada: None }
    }

    pub(super) fn address(&self) -> &str {
        self.person.address()
    }

    /// Asks somebody who has never heard of him.
    pub(super) async fn asks(&self, address: &str, greeting: &str) {
        let request = json!({"address": address, "greeting": greeting});
        self.rpc().call("contact.add", request).await;
    }

    /// Waits for somebody's request and says yes.
    pub(super) async fn accepts(&mut self, nickname: &str, greeting: &str) {
        let contact = self
            .rpc()
            .until("a request", async |rpc: &Rpc| {
                let contacts = rpc.call("contact.list", json!({})).await;
                list(&contacts)
                    .into_iter()
                    .find(|contact| contact["state"] == "incoming")
            })
            .await;
        assert_eq!(contact["nickname"], nickname);
        assert_eq!(contact["greeting"].as_str().unwrap_or_default(), greeting);
        let address = contact["address"].as_str().expect("an address").to_owned();
        self.rpc().call("contact.accept", json!({"address": address})).await;
        self.ada = Some(address);
    }

    /// Sends a text and waits until it was delivered.
    pub(super) async fn says(&self, words: &str) {
        let id = self.says_later(words).await;
        self.until_message(words, |message| {
            message["id"] == id && (message["state"] == "delivered" || message["state"] == "read")
        })
        .await;
    }

    /// Sends a text and gives the message's id.
    pub(super) async fn says_later(&self, words: &str) -> Value {
        let message = json!({"contact": self.ada(), "text": words});
        self.rpc().call("message.send", message).await["id"].clone()
    }

    /// Waits until a text has come.
    pub(super) async fn hears(&self, words: &str) {
        self.until_message(words, |message| {
            message["direction"] == "in" && message["body"]["text"] == words
        })
        .await;
    }

    /// The process ends as in a power cut.
    pub(super) async fn is_cut_off(&mut self) {
        self.person.die().await;
    }

    pub(super) async fn comes_back(&mut self) {
        self.person.come_back().await;
    }

    /// Waits for the offer of a name, says yes and gives the transfer's id.
    pub(super) async fn accepts_a_file(&self, name: &str) -> Value {
        let offer = self
            .until_transfer("an offer", |transfer| transfer["name"] == name)
            .await;
        let transfer = offer["id"].clone();
        self.rpc().call("file.accept", json!({"id": transfer})).await;
        transfer
    }

    /// Waits until a file is whole and writes it down.
    pub(super) async fn saves(&self, transfer: &Value, path: &Path) {
        self.until_transfer("the whole file", |found| {
            found["id"] == *transfer && found["state"] == "complete"
        })
        .await;
        self.rpc()
            .call("file.save", json!({"id": transfer, "path": path}))
            .await;
    }

    fn rpc(&self) -> &Rpc {
        self.person.rpc()
    }

    fn ada(&self) -> &str {
        self.ada.as_deref().expect("they have met")
    }

    async fn until_message(&self, what: &str, matches: impl Fn(&Value) -> bool) -> Value {
        let question = json!({"contact": self.ada(), "limit": 500});
        self.rpc()
            .until(what, async |rpc: &Rpc| {
                let page = rpc.call("message.list", question.clone()).await;
                list(&page["messages"]).into_iter().find(|message| matches(message))
            })
            .await
    }

    async fn until_transfer(&self, what: &str, matches: impl Fn(&Value) -> bool) -> Value {
        self.rpc()
            .until(what, async |rpc: &Rpc| {
                let transfers = rpc.call("file.list", json!({})).await;
                list(&transfers).into_iter().find(|transfer| matches(transfer))
            })
            .await
    }
}

fn list(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap_or_default()
}
