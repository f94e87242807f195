//! An account on a second machine: known by the network or not, taken over visibly, its contacts told.

use super::{again, bad_input::STRANGER};
use outis_tests::process::{Person, Relay, Rpc, Setting};
use serde_json::json;

#[tokio::test]
async fn a_second_sign_in_takes_over_visibly_and_messages_go_on() {
    let relays = Relay::six().await;
    let setting = Setting::among(&relays);
    let (alice, mut bob) = Person::two_contacts(&setting).await;
    alice.say(&bob, "To the old machine.").await;
    bob.say(&alice, "From the old machine.").await;
    bob.leave().await;
    alice.send(&bob, "Said while the machines changed.").await;

    let (new_bob, known) = Person::restore(&bob, &setting).await;
    assert_eq!(known, json!(true));
    assert_eq!(
        new_bob.address(),
        bob.address(),
        "nickname and password are the account"
    );
    assert_eq!(
        new_bob.rpc().call("account.status", json!({})).await["state"],
        "unlocked"
    );

    let request = new_bob.await_contact(&alice, "incoming").await;
    assert_eq!(request["returning"], true, "shown as somebody who was a contact before");
    assert_eq!(request["nickname"], "Alice");
    new_bob.accept(&alice).await;
    new_bob.await_text(&alice, "Said while the machines changed.").await;
    new_bob.say(&alice, "From the new machine.").await;
    alice.say(&new_bob, "To the new machine.").await;
    let notes = notes(&alice, &bob).await;
    assert_eq!(notes, ["new_device"], "the contact is told of the new device");
    assert_eq!(
        alice.texts(&bob, "in").await,
        ["From the old machine.", "From the new machine."]
    );

    bob.come_back().await;
    bob.rpc()
        .event("the old machine is told", |event| event["type"] == "account.superseded")
        .await;
    let status = bob.rpc().call("account.status", json!({})).await;
    assert_eq!(status["state"], "superseded");
    let send = json!({"contact": alice.address(), "text": "Me too."});
    assert_eq!(bob.rpc().refused("message.send", send).await, "account_superseded");
    assert_eq!(
        bob.texts(&alice, "in").await,
        ["To the old machine."],
        "what was here can be read"
    );
    bob.leave().await;
    bob.come_back().await;
    let status = bob.rpc().call("account.status", json!({})).await;
    assert_eq!(status["state"], "superseded", "also after a restart");

    alice.say(&new_bob, "Still there?").await;
    new_bob.say(&alice, "Still here.").await;
}

#[tokio::test]
async fn an_account_that_the_network_does_not_know_publishes_nothing_until_the_person_says_so() {
    let relays = Relay::six().await;
    let setting = Setting::among(&relays);
    let (alice, bob) = Person::two_contacts(&setting).await;

    let mistyped = json!({"nickname": "Bop", "password": "Bob counts seven grey lighthouses from the pier"});
    let folder = outis_tests::process::folder();
    let elsewhere = Rpc::start(folder.path(), &setting).await;
    assert_eq!(
        elsewhere.refused("account.unlock", mistyped.clone()).await,
        "wrong_credentials",
        "a machine that has not seen an account makes none unasked"
    );
    assert!(elsewhere.end().await.success());
    let (bop, known) = Person::restore_with(&mistyped, &setting).await;
    assert_eq!(known, json!(false));
    assert_ne!(bop.address(), bob.address());

    alice.ask(&bop, "Is that you?").await;
    // Two whole exchanges and a look by Bop's own program are more than an answer would have taken.
    again(async || {
        alice.say(&bob, "Anything from Bop?").await;
        bob.say(&alice, "No.").await;
    })
    .await;
    assert_eq!(alice.contact(&bop).await.expect("asked")["state"], "requested");
    assert_eq!(bop.rpc().call("contact.list", json!({})).await, json!([]));
    let status = bop.rpc().call("network.status", json!({})).await;
    assert_eq!(status["online"], true, "the silence is not for want of relays");
    assert_eq!(status["mailboxes"], json!([]), "no queue was made");
    // What is written meanwhile waits.
    bop.rpc().call("contact.add", json!({"address": STRANGER})).await;

    bop.rpc().call("account.confirm_new", json!({})).await;
    bop.await_contact(&alice, "incoming").await;
    bop.accept(&alice).await;
    alice.await_contact(&bop, "accepted").await;
    bop.say(&alice, "I mistyped, and stay.").await;
}

#[tokio::test]
async fn without_a_relay_it_is_said_that_nobody_could_be_asked() {
    let credentials = json!({"nickname": "Robinson", "password": "one island and twenty eight patient years"});
    let (robinson, known) = Person::restore_with(&credentials, &Setting::default()).await;
    assert_eq!(known, json!("unreachable"));
    assert_eq!(robinson.rpc().call("network.status", json!({})).await["online"], false);
    robinson
        .rpc()
        .call(
            "message.send",
            json!({"contact": robinson.address(), "text": "A footprint!"}),
        )
        .await;
    assert_eq!(robinson.texts(&robinson, "out").await, ["A footprint!"]);
}

async fn notes(person: &Person, of: &Person) -> Vec<String> {
    let messages = person.messages(of).await;
    messages
        .iter()
        .filter(|message| message["body"]["kind"] == "note")
        .filter_map(|message| message["body"]["note"].as_str().map(str::to_owned))
        .collect()
}
