//! Too few relays for a circuit: nothing leaves, nothing is lost, and whoever asks is told why.

use outis_tests::process::{Person, Relay, Setting};
use serde_json::{Value, json};

#[tokio::test]
async fn with_five_relays_nothing_leaves_and_with_six_all_of_it_does() {
    let first = Relay::start(&Setting::default()).await;
    let setting = Setting::among(std::slice::from_ref(&first));
    let mut relays = vec![first];
    while relays.len() < 5 {
        relays.push(Relay::start(&setting).await);
    }
    let (alice, bob) = (
        Person::create("Alice", &setting).await,
        Person::create("Bob", &setting).await,
    );
    alice.ask(&bob, "It is me.").await;
    let id = alice.send(&bob, "Are there enough of us?").await;
    let status = async || alice.rpc().call("network.status", json!({})).await;
    let explain = async || alice.rpc().call("message.explain", json!({"id": id})).await;

    let five = alice
        .rpc()
        .until("all five are known", async |_| {
            Some(status().await).filter(|status| status["relays_known"] == 5)
        })
        .await;
    assert_eq!(five["online"], true);
    assert_eq!(five["too_few_relays"], true);
    assert_eq!(five["circuits"], json!([]));
    assert_eq!(
        five["mailboxes"],
        json!([]),
        "nothing was asked of any relay but where others are"
    );
    let steps = explain().await;
    let last = steps.as_array().and_then(|steps| steps.last()).expect("it was queued");
    assert_eq!(last["step"], "too_few_relays");
    assert!(bob.contact(&alice).await.is_none());

    relays.push(Relay::start(&setting).await);
    bob.await_contact(&alice, "incoming").await;
    bob.accept(&alice).await;
    bob.await_text(&alice, "Are there enough of us?").await;
    alice.await_message(&bob, &id, &["delivered"]).await;
    let six = status().await;
    assert_eq!(six["too_few_relays"], false, "control");
    let circuits = six["circuits"].as_array().expect("circuits");
    let whole = |circuit: &Value| circuit["hops"].as_array().is_some_and(|hops| hops.len() == 3);
    assert!(!circuits.is_empty() && circuits.iter().all(whole));
    assert_eq!(six["guards"].as_array().map(Vec::len), Some(2));
    let told = |step: &Value| step["step"] == "too_few_relays";
    assert!(!explain().await.as_array().expect("a record").iter().any(told));
}
