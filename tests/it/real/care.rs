//! What one does with an account now and then, over the headless interface and at full cost.

use outis_tests::process::{Person, Rpc, Setting, folder};
use serde_json::json;

const OTHER: &str = "an umbrella forgotten on the night train to Trieste";

#[tokio::test]
async fn a_new_password_an_archive_a_deletion_and_the_archive_brings_the_account_back() {
    let files = folder();
    let path = files.path().join("alice.outis");
    let mut alice = Person::create("Alice", &Setting::default()).await;
    let note = json!({"contact": alice.address(), "text": "The ferry leaves at seven."});
    alice.rpc().call("message.send", note).await;
    let password = alice.credentials()["password"].clone();
    let change = |old: &str, new: &str| json!({"old": old, "new": new});
    let old = password.as_str().expect("text");
    let rpc = alice.rpc();
    assert_eq!(
        rpc.refused("account.change_password", change(OTHER, OTHER)).await,
        "wrong_credentials"
    );
    assert_eq!(
        rpc.refused("account.change_password", change(old, "qwerty")).await,
        "weak_password"
    );
    rpc.call("account.change_password", change(old, OTHER)).await;
    let archive = json!({"path": path.to_str()});
    rpc.call("account.export", archive.clone()).await;
    assert_eq!(rpc.refused("account.export", archive).await, "path_exists");
    rpc.call("account.lock", json!({})).await;
    assert_eq!(
        rpc.refused("account.unlock", alice.credentials()).await,
        "wrong_credentials"
    );
    rpc.call("account.unlock", json!({"nickname": "Alice", "password": OTHER}))
        .await;
    assert_eq!(
        rpc.refused("account.delete", json!({"password": old})).await,
        "wrong_credentials"
    );
    rpc.call("account.delete", json!({"password": OTHER})).await;
    assert_eq!(rpc.call("account.status", json!({})).await["state"], "locked");
    let gone = json!({"nickname": "Alice", "password": OTHER});
    assert_eq!(rpc.refused("account.unlock", gone).await, "wrong_credentials");
    alice.leave().await;

    let elsewhere = folder();
    let rpc = Rpc::start(elsewhere.path(), &Setting::default()).await;
    let import = |password: &str| json!({"path": path.to_str(), "nickname": "Alice", "password": password});
    assert_eq!(rpc.refused("account.import", import(old)).await, "wrong_credentials");
    let account = rpc.call("account.import", import(OTHER)).await;
    assert_eq!(account["address"], alice.address());
    let found = rpc.call("message.search", json!({"query": "FERR"})).await;
    assert_eq!(found["messages"][0]["body"]["text"], "The ferry leaves at seven.");
    assert_eq!(found["more"], false);
    assert!(rpc.end().await.success());
}
