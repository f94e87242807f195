//! Somebody with an account in an `outis rpc` of their own.

use super::{Rpc, Setting, folder};
use serde_json::{Value, json};
use std::{
    path::Path,
    process::ExitStatus,
    sync::Arc,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// A person, who may be away: then no process runs.
pub struct Person {
    nickname: String,
    password: String,
    address: String,
    setting: Setting,
    rpc: Option<Rpc>,
    /// After the process that writes to it.
    dir: Arc<TempDir>,
}

impl Person {
    /// Starts a program and creates an account, at full cost.
    pub async fn create(nickname: &str, setting: &Setting) -> Self {
        let password = format!("{nickname} counts seven grey lighthouses from the pier");
        Self::create_with(nickname, &password, setting).await
    }

    /// The same with a password.
    pub async fn create_with(nickname: &str, password: &str, setting: &Setting) -> Self {
        let dir = Arc::new(folder());
        let rpc = Rpc::start(dir.path(), setting).await;
        let account = rpc
            .call("account.create", json!({"nickname": nickname, "password": password}))
            .await;
        Self {
            nickname: nickname.to_owned(),
            password: password.to_owned(),
            address: text(&account["address"]),
            dir,
            setting: setting.clone(),
            rpc: Some(rpc),
        }
    }

    /// The same account on another machine, and whether the network knows it.
    pub async fn restore(other: &Self, setting: &Setting) -> (Self, Value) {
        Self::restore_with(&other.credentials(), setting).await
    }

    /// Signs in on a machine that has never seen the account.
    pub async fn restore_with(credentials: &Value, setting: &Setting) -> (Self, Value) {
        let dir = Arc::new(folder());
        let rpc = Rpc::start(dir.path(), setting).await;
        let mut params = credentials.clone();
        params["restore"] = Value::Bool(true);
        let account = rpc.call("account.unlock", params).await;
        let person = Self {
            nickname: text(&credentials["nickname"]),
            password: text(&credentials["password"]),
            address: text(&account["address"]),
            dir,
            setting: setting.clone(),
            rpc: Some(rpc),
        };
        (person, account["known"].clone())
    }

    /// Two people who have accepted each other.
    pub async fn two_contacts(setting: &Setting) -> (Self, Self) {
        let (alice, bob) = (Self::create("Alice", setting).await, Self::create("Bob", setting).await);
        alice.ask(&bob, "It is me, from the library.").await;
        bob.await_contact(&alice, "incoming").await;
        bob.accept(&alice).await;
        alice.await_contact(&bob, "accepted").await;
        (alice, bob)
    }

    /// The program of somebody who is there.
    pub fn rpc(&self) -> &Rpc {
        self.rpc.as_ref().expect("this person is away")
    }

    /// The account's address.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Nickname and password, as parameters.
    pub fn credentials(&self) -> Value {
        json!({"nickname": self.nickname, "password": self.password})
    }

    /// Where the container is.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Ends the program in good order.
    pub async fn leave(&mut self) {
        let status = self.rpc.take().expect("this person is away").end().await;
        assert!(status.success(), "outis rpc ended with {status}");
    }

    /// Ends the program by a signal, and gives its exit status.
    pub async fn end_by(&mut self, signal: &str) -> ExitStatus {
        let mut rpc = self.rpc.take().expect("this person is away");
        super::signal(rpc.pid(), signal).await;
        rpc.ended().await
    }

    /// Kills the program as a power cut would, unless that has happened.
    pub async fn die(&mut self) {
        self.rpc.take().expect("this person is away").kill().await;
    }

    /// Starts the program and opens the container.
    pub async fn come_back(&mut self) {
        let rpc = Rpc::start(self.dir.path(), &self.setting).await;
        rpc.call("account.unlock", self.credentials()).await;
        self.rpc = Some(rpc);
    }

    /// The same with each step of storing watched, from after the container was opened.
    pub async fn come_back_in_steps(&mut self) {
        let rpc = Rpc::start_in_steps(self.dir.path(), &self.setting).await;
        rpc.call("account.unlock", self.credentials()).await;
        self.rpc = Some(rpc);
    }

    /// Asks somebody to be a contact.
    pub async fn ask(&self, other: &Self, greeting: &str) {
        self.rpc()
            .call("contact.add", json!({"address": other.address, "greeting": greeting}))
            .await;
    }

    /// Says yes.
    pub async fn accept(&self, other: &Self) {
        self.rpc()
            .call("contact.accept", json!({"address": other.address}))
            .await;
    }

    /// The contact as this person sees it.
    pub async fn contact(&self, other: &Self) -> Option<Value> {
        let contacts = self.rpc().call("contact.list", json!({})).await;
        let contacts = contacts.as_array().cloned().unwrap_or_default();
        contacts
            .into_iter()
            .find(|contact| contact["address"] == *other.address)
    }

    /// Waits until the contact is in a state, and gives it.
    pub async fn await_contact(&self, other: &Self, state: &str) -> Value {
        let what = format!("{} sees {} as {state}", self.nickname, other.nickname);
        self.rpc()
            .until(&what, async |_: &Rpc| {
                self.contact(other).await.filter(|contact| contact["state"] == state)
            })
            .await
    }

    /// Waits until the contact has said what they call themselves.
    pub async fn await_nickname(&self, other: &Self, nickname: &str) {
        let what = format!("{} learns that {nickname} is {nickname}", self.nickname);
        self.rpc()
            .until(&what, async |_: &Rpc| {
                let contact = self.contact(other).await?;
                (contact["nickname"] == nickname).then_some(())
            })
            .await;
    }

    /// Sends a text and gives the message's id.
    pub async fn send(&self, to: &Self, words: &str) -> String {
        let sent = self
            .rpc()
            .call("message.send", json!({"contact": to.address, "text": words}))
            .await;
        text(&sent["id"])
    }

    /// Sends a text and waits until it was delivered.
    pub async fn say(&self, to: &Self, words: &str) {
        let id = self.send(to, words).await;
        self.await_message(to, &id, &["delivered", "read"]).await;
    }

    /// Sends a text and waits until it is told that it was delivered: how long that takes, and nothing else.
    pub async fn say_quickly(&self, to: &Self, words: &str) -> Duration {
        let seen = self.rpc().events_so_far();
        let begun = Instant::now();
        let id = self.send(to, words).await;
        let what = format!("{} is told that {words} was delivered", self.nickname);
        self.rpc()
            .event_after(seen, &what, |event| {
                let message = &event["message"];
                message["id"] == *id && ["delivered", "read"].iter().any(|state| message["state"] == *state)
            })
            .await;
        begun.elapsed()
    }

    /// Sends a text to somebody who is away, and waits until a mailbox has it.
    pub async fn say_later(&self, to: &Self, words: &str) {
        let id = self.send(to, words).await;
        self.await_message(to, &id, &["stored"]).await;
    }

    /// Waits until an own message is in one of these states.
    pub async fn await_message(&self, with: &Self, id: &str, states: &[&str]) {
        let what = format!("a message of {} to {} is {states:?}", self.nickname, with.nickname);
        self.rpc()
            .until(&what, async |_: &Rpc| {
                let reached =
                    |message: &Value| message["id"] == id && states.iter().any(|state| message["state"] == *state);
                self.messages(with).await.iter().any(reached).then_some(())
            })
            .await;
    }

    /// The whole conversation, oldest first.
    pub async fn messages(&self, with: &Self) -> Vec<Value> {
        let mut all = Vec::new();
        let mut params = json!({"contact": with.address, "limit": 500});
        loop {
            let page = self.rpc().call("message.list", params.clone()).await;
            let messages = page["messages"].as_array().cloned().unwrap_or_default();
            let oldest = messages.first().map(|message| message["id"].clone());
            all.splice(..0, messages);
            match oldest {
                Some(oldest) if page["more"] == true => params["before"] = oldest,
                _ => return all,
            }
        }
    }

    /// The texts that went one way (`in` or `out`), oldest first.
    pub async fn texts(&self, with: &Self, direction: &str) -> Vec<String> {
        let of_kind = |message: &Value| message["direction"] == direction && message["body"]["kind"] == "text";
        let messages = self.messages(with).await;
        messages
            .iter()
            .filter(|message| of_kind(message))
            .map(|message| text(&message["body"]["text"]))
            .collect()
    }

    /// Waits until a text has come.
    pub async fn await_text(&self, from: &Self, words: &str) {
        let what = format!("{} reads “{words}”", self.nickname);
        self.rpc()
            .until(&what, async |_: &Rpc| {
                self.texts(from, "in")
                    .await
                    .iter()
                    .any(|text| text == words)
                    .then_some(())
            })
            .await;
    }

    /// Offers a file and gives the transfer's id.
    pub async fn offer(&self, to: &Self, path: &Path) -> String {
        let offered = self
            .rpc()
            .call("file.send", json!({"contact": to.address, "path": path.to_str()}))
            .await;
        text(&offered["id"])
    }

    /// Waits for the other's offer of a name, and gives the transfer's id.
    pub async fn await_offer(&self, from: &Self, name: &str) -> String {
        let what = format!("{} is offered {name}", self.nickname);
        self.rpc()
            .until(&what, async |_: &Rpc| {
                let offers = self.transfers(from).await;
                let offer = offers.iter().find(|offer| offer["name"] == name)?;
                Some(text(&offer["id"]))
            })
            .await
    }

    /// All transfers with somebody.
    pub async fn transfers(&self, with: &Self) -> Vec<Value> {
        let transfers = self.rpc().call("file.list", json!({"contact": with.address})).await;
        transfers.as_array().cloned().unwrap_or_default()
    }

    /// Waits until a transfer is in one of these states, and gives it.
    pub async fn await_transfer(&self, id: &str, states: &[&str]) -> Value {
        let what = format!("a transfer of {} is {states:?}", self.nickname);
        self.rpc()
            .until(&what, async |rpc: &Rpc| {
                let transfers = rpc.call("file.list", json!({})).await;
                let transfers = transfers.as_array().cloned().unwrap_or_default();
                let found = transfers.into_iter().find(|transfer| transfer["id"] == id)?;
                states.iter().any(|state| found["state"] == *state).then_some(found)
            })
            .await
    }
}

fn text(value: &Value) -> String {
    value.as_str().expect("text").to_owned()
}
