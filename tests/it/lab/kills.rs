//! Relays on a conversation's ways are killed while it goes on.

use outis_tests::process::{Person, Relay, Setting, soak};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// What a relay is to a conversation.
#[derive(Debug, Clone, Copy)]
enum Part {
    /// The first relay of the sender's ways.
    Guard,
    /// The second.
    Middle,
    /// Keeps queues of the sender: what the other answers comes through it.
    Mailbox,
    /// Keeps queues of the recipient: where the sender's ways end.
    Endpoint,
}

#[tokio::test]
async fn a_guard_killed_in_the_middle_of_a_chat_loses_and_doubles_nothing() {
    each_message_once(Part::Guard).await;
}

#[tokio::test]
async fn a_middle_killed_in_the_middle_of_a_chat_loses_and_doubles_nothing() {
    each_message_once(Part::Middle).await;
}

#[tokio::test]
async fn a_mailbox_killed_in_the_middle_of_a_chat_loses_and_doubles_nothing() {
    each_message_once(Part::Mailbox).await;
}

#[tokio::test]
async fn an_endpoint_killed_in_the_middle_of_a_chat_loses_and_doubles_nothing() {
    each_message_once(Part::Endpoint).await;
}

#[tokio::test]
async fn all_mailboxes_and_all_guards_of_both_die_at_once_and_each_message_arrives_once() {
    for _ in 0..if soak() { 100 } else { 1 } {
        let mut relays = network(24).await;
        let setting = Setting::among(&relays[..3]);
        let (alice, bob) = Person::two_contacts(&setting).await;
        let mut talk = Talk::default();
        talk.turn(&alice, &bob).await;
        let mut doomed = BTreeSet::new();
        for person in [&alice, &bob] {
            let status = status(person).await;
            doomed.extend(ids(&status["guards"]));
            doomed.extend(mailboxes(&status));
        }
        assert!(doomed.len() >= 6, "there is something to kill: {doomed:?}");
        talk.say(&alice, &bob).await;
        // They die with all that they keep.
        relays.retain(|relay| !doomed.contains(relay.node_id()));
        assert!(relays.len() >= 6, "there is something left: {}", relays.len());
        talk.say(&bob, &alice).await;
        talk.turn(&alice, &bob).await;
        talk.check(&alice, &bob).await;
    }
}

async fn each_message_once(part: Part) {
    let mut relays = network(10).await;
    let setting = Setting::among(&relays[..3]);
    let (alice, bob) = Person::two_contacts(&setting).await;
    let mut talk = Talk::default();
    talk.turn(&alice, &bob).await;
    for _ in 0..if soak() { 100 } else { 5 } {
        let victim = victim(part, &alice, &bob).await;
        let at = relays.iter().position(|relay| relay.node_id() == victim);
        let relay = relays.swap_remove(at.expect("a relay of ours"));
        talk.say(&alice, &bob).await;
        let (relay, ()) = tokio::join!(relay.restart(&setting), talk.say(&bob, &alice));
        relays.push(relay);
        talk.turn(&alice, &bob).await;
    }
    talk.check(&alice, &bob).await;
}

/// The relay that plays this part for Alice now.
async fn victim(part: Part, alice: &Person, bob: &Person) -> String {
    match part {
        Part::Guard => hop(alice, 0).await,
        Part::Middle => hop(alice, 1).await,
        Part::Mailbox => mailboxes(&status(alice).await).first().expect("mailboxes").clone(),
        Part::Endpoint => mailboxes(&status(bob).await).first().expect("mailboxes").clone(),
    }
}

/// The nth relay of one of somebody's circuits.
async fn hop(person: &Person, nth: usize) -> String {
    person
        .rpc()
        .until("a circuit", async |rpc| {
            let status = rpc.call("network.status", json!({})).await;
            let circuits = status["circuits"].as_array()?;
            circuits
                .iter()
                .find_map(|circuit| ids(&circuit["hops"]).get(nth).cloned())
        })
        .await
}

async fn status(person: &Person) -> Value {
    person.rpc().call("network.status", json!({})).await
}

fn mailboxes(status: &Value) -> Vec<String> {
    let mailboxes = status["mailboxes"].as_array().cloned().unwrap_or_default();
    mailboxes
        .iter()
        .filter_map(|mailbox| mailbox["node_id"].as_str().map(str::to_owned))
        .collect()
}

fn ids(list: &Value) -> Vec<String> {
    let ids = list.as_array().cloned().unwrap_or_default();
    ids.iter().filter_map(|id| id.as_str().map(str::to_owned)).collect()
}

async fn network(count: usize) -> Vec<Relay> {
    let mut relays = Relay::six().await;
    while relays.len() < count {
        relays.push(Relay::start(&Setting::among(&relays[..1])).await);
    }
    relays
}

/// What was said, by whom.
#[derive(Default)]
struct Talk {
    said: Vec<(String, String)>,
}

impl Talk {
    /// Says something and does not wait.
    async fn say(&mut self, from: &Person, to: &Person) {
        let words = format!("Line {:03}.", self.said.len());
        from.send(to, &words).await;
        self.said.push((from.address().to_owned(), words));
    }

    /// Says something each way and waits until it is there, and with it all that went before.
    async fn turn(&mut self, one: &Person, other: &Person) {
        for (from, to) in [(one, other), (other, one)] {
            self.say(from, to).await;
            let words = self.said.last().expect("just said").1.clone();
            to.await_text(from, &words).await;
        }
    }

    /// Each heard each line of the other once and in order, and there is no gap.
    async fn check(&self, one: &Person, other: &Person) {
        for (from, to) in [(one, other), (other, one)] {
            let said: Vec<&String> = self
                .said
                .iter()
                .filter(|(who, _)| who == from.address())
                .map(|(_, words)| words)
                .collect();
            let heard = to.texts(from, "in").await;
            assert_eq!(heard.iter().collect::<Vec<_>>(), said, "once and in order");
            let messages = to.messages(from).await;
            assert!(
                messages.iter().all(|message| message["body"]["kind"] != "gap"),
                "no gap"
            );
        }
    }
}
