//! A person whose program is a relay for others too.

use outis_tests::process::{NETWORK, Person, Relay, Rpc, Setting, folder, program};
use serde_json::{Value, json};
use tokio::process::Command;

#[tokio::test]
async fn a_person_who_lends_a_relay_is_served_by_others_and_serves_others() {
    let relays = Relay::six().await;
    let setting = Setting::among(&relays);
    let dir = folder();
    let mut command = Command::new(program("outis"));
    command
        .args(["rpc", "--network", NETWORK, "--no-mainline", "--data-dir"])
        .arg(dir.path());
    command.args(["--relay", "--listen", "/ip4/127.0.0.1/udp/0/quic-v1"]);
    for address in &setting.bootstrap {
        command.args(["--bootstrap", address]);
    }
    let lender = Rpc::run(command, None);
    let relay = lender.call("network.status", json!({})).await["relay"].clone();
    assert_eq!(relay["on"], true, "lent while the account is locked too");
    let (own, listening) = (
        relay["node_id"].clone(),
        relay["listening"][0].as_str().expect("an address").to_owned(),
    );

    let password = "eleven kind strangers with lanterns on the shore";
    let account = lender
        .call("account.create", json!({"nickname": "Lender", "password": password}))
        .await;
    let address = account["address"].clone();
    let mailboxes = lender
        .until("own mailboxes", async |rpc: &Rpc| {
            let status = rpc.call("network.status", json!({})).await;
            let mailboxes: Vec<Value> = status["mailboxes"].as_array()?.clone();
            (mailboxes.len() >= 3).then_some(mailboxes)
        })
        .await;
    assert!(
        mailboxes.iter().all(|mailbox| mailbox["node_id"] != own),
        "one's own relay is never one's own mailbox"
    );
    let status = lender.call("network.status", json!({})).await;
    assert_ne!(status["node_id"], own, "the client and the relay are two nodes");

    // Alice begins with the lent relay alone, and finds the others through it.
    let alice = Person::create(
        "Alice",
        &Setting {
            bootstrap: vec![listening],
            ..Setting::default()
        },
    )
    .await;
    alice
        .rpc()
        .call("contact.add", json!({"address": address, "greeting": "Thank you."}))
        .await;
    let request = lender
        .event("a request", |event| event["type"] == "contact.request")
        .await;
    assert_eq!(request["contact"]["greeting"], "Thank you.");
    lender.call("contact.accept", json!({"address": alice.address()})).await;
    alice
        .rpc()
        .event("accepted", |event| event["contact"]["state"] == "accepted")
        .await;
    let sent = lender
        .call(
            "message.send",
            json!({"contact": alice.address(), "text": "You are welcome."}),
        )
        .await;
    lender
        .until("delivery", async |rpc: &Rpc| {
            let explained = rpc.call("message.explain", json!({"id": sent["id"]})).await;
            explained
                .as_array()?
                .iter()
                .any(|step| step["step"] == "delivered")
                .then_some(())
        })
        .await;
    assert!(lender.end().await.success());
}
