//! `kill -9` between any two steps of storing, of whoever sends, of whoever receives, and of relays: what was promised comes
//! exactly once and in order, and both sides' conversations are the same at the end.

use super::headless::bytes;
use outis_tests::process::{Edge, Ended, Person, Relay, Rpc, Setting, folder, soak};
use serde_json::{Value, json};

#[tokio::test]
async fn a_sender_killed_between_any_two_steps_loses_doubles_and_swaps_nothing() {
    let relays = Relay::six().await;
    let (mut alice, bob) = Person::two_contacts(&Setting::among(&relays)).await;
    alice.leave().await;
    alice.come_back_in_steps().await;
    let begun = alice.rpc().steps().count();
    alice.say(&bob, "The pilot.").await;
    let moments = moments(alice.rpc().steps().count() - begun);

    let mut promised = vec!["The pilot.".to_owned()];
    for (round, (edge, nth)) in moments.into_iter().enumerate() {
        let words = format!("Line {round:03}.");
        alice.rpc().steps().kill_at(edge, nth);
        let params = json!({"contact": bob.address(), "text": words});
        // An answer is a promise. Without one, either is right.
        if let Ok(answer) = alice.rpc().ask("message.send", params).await {
            promised.push(words);
            let _ = delivered(alice.rpc(), &answer["result"]["id"]).await;
        }
        alice.die().await;
        alice.come_back_in_steps().await;
    }
    check(&alice, &bob, promised).await;
}

#[tokio::test]
async fn a_recipient_killed_between_any_two_steps_gets_each_message_once_and_in_order() {
    let relays = Relay::six().await;
    let (alice, mut bob) = Person::two_contacts(&Setting::among(&relays)).await;
    bob.leave().await;
    bob.come_back_in_steps().await;
    let begun = bob.rpc().steps().count();
    alice.say(&bob, "The pilot.").await;
    let moments = moments(bob.rpc().steps().count() - begun);

    let mut promised = vec!["The pilot.".to_owned()];
    for (round, (edge, nth)) in moments.into_iter().enumerate() {
        let words = format!("Line {round:03}.");
        bob.rpc().steps().kill_at(edge, nth);
        let id = Value::from(alice.send(&bob, &words).await);
        promised.push(words);
        tokio::select! {
            _ = bob.rpc().until_or_end("the kill", async |_: &Rpc| None::<()>) => {}
            delivered = delivered(alice.rpc(), &id) => delivered.expect("nobody kills Alice"),
        }
        bob.die().await;
        bob.come_back_in_steps().await;
    }
    check(&alice, &bob, promised).await;
}

#[tokio::test]
async fn relays_killed_in_the_middle_of_a_chat_lose_nothing() {
    let mut relays = Relay::six().await;
    let setting = Setting::among(&relays);
    let (alice, bob) = Person::two_contacts(&setting).await;
    let (mut of_alice, mut of_bob) = (Vec::new(), Vec::new());
    for round in 0..relays.len() * if soak() { 20 } else { 1 } {
        let relay = relays.remove(0);
        let (words, answer) = (format!("Line {round:03}."), format!("Answer {round:03}."));
        alice.send(&bob, &words).await;
        let (relay, _) = tokio::join!(relay.restart(&setting), bob.send(&alice, &answer));
        relays.push(relay);
        of_alice.push(words);
        of_bob.push(answer);
    }
    check(&alice, &bob, of_alice).await;
    check(&bob, &alice, of_bob).await;
}

#[tokio::test]
async fn a_meeting_goes_on_wherever_the_two_are_killed() {
    let relays = Relay::six().await;
    let setting = Setting::among(&relays);
    let (mut alice, mut bob) = (
        Person::create("Alice", &setting).await,
        Person::create("Bob", &setting).await,
    );
    alice.leave().await;
    for (edge, nth) in [(Edge::Before, 1), (Edge::After, 1), (Edge::Before, 3), (Edge::After, 5)] {
        alice.come_back_in_steps().await;
        alice.rpc().steps().kill_at(edge, nth);
        let _ = alice
            .rpc()
            .ask(
                "contact.add",
                json!({"address": bob.address(), "greeting": "It is me."}),
            )
            .await;
        let asked = alice.rpc().until_or_end("the kill", async |rpc: &Rpc| {
            let explained = rpc.ask("contact.list", json!({})).await.ok()?;
            (explained["result"][0]["state"] == "accepted").then_some(())
        });
        tokio::select! {
            _ = asked => {}
            _ = bob.await_contact(&alice, "incoming") => {}
        }
        alice.die().await;
    }
    alice.come_back().await;
    bob.await_contact(&alice, "incoming").await;
    bob.leave().await;
    for (edge, nth) in [(Edge::Before, 1), (Edge::After, 1), (Edge::Before, 3), (Edge::After, 5)] {
        bob.come_back_in_steps().await;
        bob.rpc().steps().kill_at(edge, nth);
        let _ = bob
            .rpc()
            .ask("contact.accept", json!({"address": alice.address()}))
            .await;
        tokio::select! {
            _ = bob.rpc().until_or_end("the kill", async |_: &Rpc| None::<()>) => {}
            _ = alice.await_nickname(&bob, "Bob") => {}
        }
        bob.die().await;
    }
    bob.come_back().await;
    if bob.contact(&alice).await.expect("a contact")["state"] == "incoming" {
        bob.accept(&alice).await;
    }
    alice.await_contact(&bob, "accepted").await;
    alice.say(&bob, "At last.").await;
    bob.say(&alice, "Here I am.").await;
    assert_eq!(bob.texts(&alice, "in").await, ["At last."]);
}

#[tokio::test]
async fn a_file_arrives_whole_wherever_the_two_are_killed() {
    let relays = Relay::six().await;
    let (mut alice, mut bob) = Person::two_contacts(&Setting::among(&relays)).await;
    let shared = folder();
    let (original, copy) = (shared.path().join("survey.bin"), shared.path().join("copy.bin"));
    let content = bytes(if soak() { 1 << 30 } else { 32 << 20 });
    std::fs::write(&original, &content).unwrap();
    let offered = alice.offer(&bob, &original).await;
    let taken = bob.await_offer(&alice, "survey.bin").await;
    bob.rpc().call("file.accept", json!({"id": taken})).await;
    // Slow enough that every kill falls into the middle of it.
    let rate = content.len() / 12;
    alice.rpc().call("settings.set", json!({"file_rate": rate})).await;
    let kills = if soak() { 20 } else { 4 };
    bob.leave().await;
    for nth in 1..=kills {
        bob.come_back_in_steps().await;
        bob.rpc().steps().kill_at(Edge::Before, nth * nth);
        died_or_complete(&mut bob, &taken).await;
    }
    bob.come_back().await;
    let begun = done(&bob, &taken).await;
    for nth in 1..=kills {
        // Bob hears nothing for a few seconds, and calls her again.
        let part = begun + (content.len() as u64 - begun) * nth as u64 / (kills as u64 + 1);
        bob.rpc()
            .until("another part", async |_: &Rpc| {
                (done(&bob, &taken).await >= part).then_some(())
            })
            .await;
        alice.die().await;
        alice.come_back().await;
    }
    bob.await_transfer(&taken, &["complete"]).await;
    alice.await_transfer(&offered, &["complete"]).await;
    bob.rpc()
        .call("file.save", json!({"id": taken, "path": copy.to_str()}))
        .await;
    assert!(std::fs::read(&copy).unwrap() == content, "byte for byte");
}

/// How many bytes of a transfer are there.
async fn done(person: &Person, id: &str) -> u64 {
    let transfers = person.rpc().call("file.list", json!({})).await;
    let transfers = transfers.as_array().cloned().unwrap_or_default();
    let this = transfers.iter().find(|transfer| transfer["id"] == id);
    this.and_then(|transfer| transfer["done"].as_u64()).unwrap_or_default()
}

async fn died_or_complete(person: &mut Person, id: &str) {
    let complete = async |rpc: &Rpc| {
        let transfers = rpc.ask("file.list", json!({})).await.ok()?;
        let transfers = transfers["result"].as_array()?;
        let this = transfers.iter().find(|transfer| transfer["id"] == id)?;
        (this["state"] == "complete").then_some(())
    };
    let _ = person.rpc().until_or_end("the kill, or the file", complete).await;
    person.die().await;
}

/// Waits until the recipient's receipt for a message is there, or until the sender is dead.
async fn delivered(sender: &Rpc, id: &Value) -> Result<(), Ended> {
    sender
        .until_or_end("the kill, or delivery", async |rpc: &Rpc| {
            let explained = rpc.ask("message.explain", json!({"id": id})).await.ok()?;
            let steps = explained["result"].as_array()?;
            steps.iter().any(|step| step["step"] == "delivered").then_some(())
        })
        .await
}

/// Both have the same, everything promised is in it once, and nothing stands out of order.
async fn check(sender: &Person, recipient: &Person, promised: Vec<String>) {
    sender.say(recipient, "The end.").await;
    let sent = sender.texts(recipient, "out").await;
    let received = recipient.texts(sender, "in").await;
    assert_eq!(received, sent, "what one sent is what the other has");
    let mut sorted = sent.clone();
    sorted.sort_by_key(|words| (words == "The end.", words != "The pilot.", words.clone()));
    sorted.dedup();
    assert_eq!(sent, sorted, "once and in order");
    for words in promised {
        assert!(sent.contains(&words), "promised and lost: {words}");
    }
    let messages = recipient.messages(sender).await;
    assert!(
        messages.iter().all(|message| message["body"]["kind"] != "gap"),
        "no gap"
    );
}

/// Where to kill: before and after each of the steps that one message takes, as evenly as there are kills.
fn moments(steps: usize) -> Vec<(Edge, usize)> {
    assert!(steps > 0, "no step was seen, so nothing is between two");
    let all: Vec<_> = (1..=steps)
        .flat_map(|nth| [(Edge::Before, nth), (Edge::After, nth)])
        .collect();
    let kills = if soak() { KILLS_SOAK } else { KILLS };
    (0..kills)
        .filter_map(|kill| all.get(kill * all.len() / kills).copied())
        .collect()
}

/// Of each side.
const KILLS: usize = 20;
const KILLS_SOAK: usize = 500;
