//! Lines that are no requests, and requests that are not in order.

use super::STRANGER;
use outis_tests::process::{Rpc, Setting, folder};
use serde_json::{Value, json};

async fn locked_rpc() -> (tempfile::TempDir, Rpc) {
    let dir = folder();
    let rpc = Rpc::start(dir.path(), &Setting::default()).await;
    (dir, rpc)
}

/// What an answer says: the number of JSON-RPC and our code.
fn codes(answer: &Value) -> (i64, String) {
    let error = &answer["error"];
    assert!(
        error["message"].as_str().is_some_and(|message| !message.is_empty()),
        "{answer}"
    );
    (
        error["code"].as_i64().expect("a number"),
        error["data"]["code"].as_str().expect("a code").to_owned(),
    )
}

#[tokio::test]
async fn a_line_that_is_no_request_gets_an_error_and_the_next_is_answered() {
    let (_dir, rpc) = locked_rpc().await;
    for (line, number) in [
        (&b"hello"[..], -32_700),
        (b"{", -32_700),
        (b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":", -32_700),
        (b"\xff\xfe\x00garbage", -32_700),
        (
            b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"account.status\"} trailing",
            -32_700,
        ),
        (b"[]", -32_600),
        (b"42", -32_600),
        (b"null", -32_600),
        (b"\"account.status\"", -32_600),
        (b"{}", -32_600),
        (b"{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"account.status\"}", -32_600),
        (b"{\"id\":1,\"method\":\"account.status\"}", -32_600),
        (b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":7}", -32_600),
    ] {
        rpc.write(&[line, b"\n"].concat()).await;
        let answer = rpc.unasked().await;
        assert_eq!(
            (codes(&answer), &answer["id"]),
            ((number, "invalid_params".to_owned()), &Value::Null),
            "{}",
            String::from_utf8_lossy(line)
        );
    }
    let deep = [vec![b'['; 200_000], b"\n".to_vec()].concat();
    rpc.write(&deep).await;
    assert_eq!(codes(&rpc.unasked().await).1, "invalid_params");
    assert_eq!(rpc.call("account.status", json!({})).await["state"], "locked");
    assert!(rpc.end().await.success());
}

#[tokio::test]
async fn a_line_over_1_mib_is_refused_and_the_next_is_answered() {
    let (_dir, rpc) = locked_rpc().await;
    let long =
        json!({"jsonrpc": "2.0", "id": 99_999, "method": "account.status", "params": {"x": "x".repeat(1 << 20)}});
    rpc.write_line(&long.to_string()).await;
    assert_eq!(codes(&rpc.unasked().await), (-32_600, "too_large".to_owned()));
    for _ in 0..64 {
        rpc.write(&vec![b'x'; 1 << 20]).await;
    }
    rpc.write(b"\n").await;
    assert_eq!(codes(&rpc.unasked().await), (-32_600, "too_large".to_owned()));
    // The positive control: the longest that is allowed is read.
    let short = json!({"jsonrpc": "2.0", "id": 99_998, "method": "account.status", "params": {"x": ""}}).to_string();
    let longest = short.replace("\"\"", &format!("\"{}\"", "x".repeat((1 << 20) - short.len())));
    assert_eq!(longest.len(), 1 << 20);
    rpc.write_line(&longest).await;
    assert_eq!(codes(&rpc.unasked().await), (-32_602, "invalid_params".to_owned()));
    assert_eq!(rpc.call("account.status", json!({})).await["state"], "locked");
}

#[tokio::test]
async fn unknown_methods_and_wrong_parameters_are_told_apart_and_echo_no_value() {
    let (_dir, rpc) = locked_rpc().await;
    for method in [
        "",
        "account",
        "account.",
        "account.Status",
        "rpc.discover",
        "account.undelete",
        "message.forward",
    ] {
        let answer = rpc.ask(method, json!({})).await.expect("an answer");
        assert_eq!(codes(&answer), (-32_601, "invalid_params".to_owned()), "{method:?}");
    }
    let secret = "canary-that-was-typed-into-the-wrong-field";
    for (method, params) in [
        ("account.status", json!([])),
        ("account.status", json!({"unknown": 1})),
        ("account.create", json!(["Alice", secret])),
        ("account.create", json!({})),
        ("account.create", json!({"nickname": "Alice"})),
        (
            "account.create",
            json!({"nickname": "Alice", "password": {"text": secret}}),
        ),
        ("account.create", json!({"nickname": 7, "password": secret})),
        (
            "account.unlock",
            json!({"nickname": "Alice", "password": [secret], "restore": false}),
        ),
        (
            "account.unlock",
            json!({"nickname": "Alice", "password": "x", "restore": secret}),
        ),
        ("contact.add", json!({"address": null})),
        ("message.list", json!({"contact": STRANGER, "limit": -1})),
        ("message.list", json!({"contact": STRANGER, "limit": 1e99})),
        ("settings.set", json!({"theme": "plaid"})),
        ("file.send", json!(null)),
    ] {
        let answer = rpc.ask(method, params.clone()).await.expect("an answer");
        assert_eq!(
            codes(&answer),
            (-32_602, "invalid_params".to_owned()),
            "{method} {params}"
        );
        assert!(!answer.to_string().contains(secret), "{method} repeats what was typed");
    }
    assert_eq!(
        rpc.refused("message.list", json!({"contact": STRANGER, "limit": 0}))
            .await,
        "invalid_params"
    );
    assert_eq!(rpc.call("account.status", Value::Null).await["state"], "locked");
}

#[tokio::test]
async fn nothing_but_opening_is_possible_while_the_account_is_locked() {
    let (_dir, rpc) = locked_rpc().await;
    let address = json!({"address": STRANGER});
    let message = format!("{STRANGER}/1");
    let transfer = json!({"id": "0".repeat(64)});
    for (method, params) in [
        ("account.confirm_new", json!({})),
        ("contact.add", address.clone()),
        ("contact.list", json!({})),
        ("contact.accept", address.clone()),
        ("contact.decline", address.clone()),
        ("contact.block", address.clone()),
        ("contact.unblock", address.clone()),
        ("contact.remove", address),
        ("contact.rename", json!({"address": STRANGER, "alias": "Nobody"})),
        ("contact.verify", json!({"address": STRANGER, "verified": true})),
        ("contact.invite", json!({})),
        ("contact.invite", json!({"once": true})),
        ("contact.invites", json!({})),
        ("contact.revoke_invite", json!({"id": 1})),
        ("message.send", json!({"contact": STRANGER, "text": "Hello."})),
        ("message.list", json!({"contact": STRANGER})),
        ("message.mark_read", json!({"contact": STRANGER, "up_to": message})),
        ("message.explain", json!({"id": message})),
        ("file.send", json!({"contact": STRANGER, "path": "/proc/self/exe"})),
        ("file.accept", transfer.clone()),
        ("file.decline", transfer.clone()),
        ("file.pause", transfer.clone()),
        ("file.resume", transfer.clone()),
        ("file.cancel", transfer.clone()),
        ("file.save", json!({"id": "0".repeat(64), "path": "/nowhere"})),
        ("file.list", json!({})),
        (
            "network.add_peer",
            json!({"address": "/ip4/127.0.0.1/udp/9/quic-v1/p2p/12D3KooWEmjibEetvawqWaMdvrWoVxLJp2ZyXyRSqVdQxVNj8QUr"}),
        ),
        ("settings.get", json!({})),
        ("settings.set", json!({"theme": "dark"})),
    ] {
        assert_eq!(rpc.refused(method, params).await, "locked", "{method}");
    }
    assert_eq!(rpc.call("account.status", json!({})).await, json!({"state": "locked"}));
    assert_eq!(rpc.call("account.lock", json!({})).await, json!({}));
    assert_eq!(rpc.call("network.status", json!({})).await["online"], false);
}

#[tokio::test]
async fn requests_that_overlap_are_all_answered_and_a_notification_is_not() {
    let (_dir, rpc) = locked_rpc().await;
    rpc.write_line("{\"jsonrpc\":\"2.0\",\"method\":\"account.status\"}")
        .await;
    rpc.write_line("{\"jsonrpc\":\"2.0\",\"method\":\"no.such\"}").await;
    rpc.write_line("{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"account.status\"}")
        .await;
    rpc.write_line("{\"jsonrpc\":\"2.0\",\"id\":\"text\",\"method\":\"account.status\"}")
        .await;
    let mut ids = [rpc.unasked().await["id"].clone(), rpc.unasked().await["id"].clone()];
    ids.sort_by_key(Value::to_string);
    assert_eq!(ids, [json!("text"), Value::Null], "the two notifications got no answer");
    let many = (0..500).map(|_| rpc.call("account.suggest_passphrase", json!({})));
    let mut passphrases: Vec<String> = Vec::new();
    for suggestion in futures::future::join_all(many).await {
        passphrases.push(suggestion["passphrase"].as_str().expect("text").to_owned());
    }
    passphrases.sort();
    passphrases.dedup();
    assert_eq!(passphrases.len(), 500, "each is another");
    assert!(rpc.end().await.success());
}
