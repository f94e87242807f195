//! Addresses with mistakes in them, and people with whom one is not in contact.

use super::{OTHER_STRANGER, STRANGER};
use outis_tests::process::{Person, Setting};
use serde_json::json;

#[tokio::test]
async fn what_is_wrong_with_an_address_a_contact_or_a_text_is_said() {
    let alice = Person::create("Alice", &Setting::default()).await;
    let rpc = alice.rpc();
    for wrong in mistakes(STRANGER) {
        for (method, params) in [
            ("contact.add", json!({"address": wrong})),
            ("message.send", json!({"contact": wrong, "text": "Hello."})),
        ] {
            assert_eq!(rpc.refused(method, params).await, "invalid_address", "{wrong}");
        }
    }
    for invite in ["outis:", "outis:nobody", "outis:?nickname=Bob"] {
        assert_eq!(
            rpc.refused("contact.add", json!({"address": invite})).await,
            "invalid_address",
            "{invite}"
        );
    }
    for peer in [
        "",
        "127.0.0.1:4001",
        "/ip4/127.0.0.1/tcp/4001",
        "/ip4/127.0.0.1/tcp/4001/p2p/nobody",
    ] {
        assert_eq!(
            rpc.refused("network.add_peer", json!({"address": peer})).await,
            "invalid_address",
            "{peer}"
        );
    }
    assert_eq!(
        rpc.refused("contact.add", json!({"address": alice.address()})).await,
        "self_contact"
    );
    let own_invite = rpc.call("contact.invite", json!({})).await["link"].clone();
    assert_eq!(
        rpc.refused("contact.add", json!({"address": own_invite})).await,
        "self_contact"
    );
    assert_eq!(
        rpc.call("contact.list", json!({})).await,
        json!([]),
        "no refusal has left anything"
    );

    let stranger = json!({"address": STRANGER});
    for method in [
        "contact.accept",
        "contact.decline",
        "contact.block",
        "contact.unblock",
        "contact.remove",
    ] {
        assert_eq!(rpc.refused(method, stranger.clone()).await, "not_found", "{method}");
    }
    let rename = json!({"address": STRANGER, "alias": "Nobody"});
    assert_eq!(rpc.refused("contact.rename", rename).await, "not_found");
    let verify = json!({"address": STRANGER, "verified": true});
    assert_eq!(rpc.refused("contact.verify", verify).await, "not_found");
    assert_eq!(
        rpc.refused("message.list", json!({"contact": STRANGER})).await,
        "not_found"
    );
    let hello = json!({"contact": STRANGER, "text": "Hello."});
    assert_eq!(rpc.refused("message.send", hello.clone()).await, "not_a_contact");
    let file = json!({"contact": STRANGER, "path": "/proc/self/exe"});
    assert_eq!(rpc.refused("file.send", file).await, "not_a_contact");
    for id in [
        "",
        "nonsense",
        &format!("{STRANGER}/1"),
        &format!("{}/99", alice.address()),
    ] {
        assert_eq!(
            rpc.refused("message.explain", json!({"id": id})).await,
            "not_found",
            "{id:?}"
        );
    }
    for id in ["", "nonsense", &format!("{STRANGER}/1")] {
        let read = json!({"contact": alice.address(), "up_to": id});
        assert_eq!(rpc.refused("message.mark_read", read).await, "not_found", "{id:?}");
    }
    for id in ["", "nonsense", &"0".repeat(64)] {
        for method in [
            "file.accept",
            "file.decline",
            "file.pause",
            "file.resume",
            "file.cancel",
        ] {
            assert_eq!(
                rpc.refused(method, json!({"id": id})).await,
                "not_found",
                "{method} {id:?}"
            );
        }
        assert_eq!(
            rpc.refused("file.save", json!({"id": id, "path": "/nowhere"})).await,
            "not_found"
        );
    }

    let too_long = json!({"address": STRANGER, "greeting": "x".repeat(1_001)});
    assert_eq!(rpc.refused("contact.add", too_long).await, "too_large");
    rpc.call("contact.add", stranger.clone()).await;
    assert_eq!(
        rpc.refused("contact.accept", stranger.clone()).await,
        "not_a_contact",
        "they never asked"
    );
    assert_eq!(rpc.refused("contact.decline", stranger.clone()).await, "not_a_contact");
    let rename = json!({"address": STRANGER, "alias": "x".repeat(10_000)});
    assert_eq!(rpc.refused("contact.rename", rename).await, "too_large");

    for length in [(64 << 10) + 1, 900 << 10] {
        let long = json!({"contact": STRANGER, "text": "x".repeat(length)});
        assert_eq!(rpc.refused("message.send", long).await, "too_large", "{length}");
    }
    let longest = json!({"contact": STRANGER, "text": "é".repeat(32 << 10)});
    rpc.call("message.send", longest).await;
    rpc.call("message.send", hello.clone()).await;
    let page = rpc.call("message.list", json!({"contact": STRANGER})).await;
    let messages = page["messages"].as_array().expect("a list");
    assert_eq!(
        messages.len(),
        2,
        "the longest is sent, what is longer has left nothing"
    );
    assert!(messages.iter().all(|message| message["state"] == "queued"));

    rpc.call("contact.block", stranger.clone()).await;
    assert_eq!(rpc.refused("message.send", hello.clone()).await, "blocked");
    assert_eq!(rpc.refused("contact.add", stranger.clone()).await, "blocked");
    assert_eq!(rpc.refused("contact.accept", stranger.clone()).await, "blocked");
    let file = json!({"contact": STRANGER, "path": "/proc/self/exe"});
    assert_eq!(rpc.refused("file.send", file).await, "blocked");
    rpc.call("contact.unblock", stranger).await;
    rpc.call("message.send", hello).await;
    rpc.call("contact.add", json!({"address": OTHER_STRANGER})).await;
    let page = rpc.call("message.list", json!({"contact": STRANGER})).await;
    assert_eq!(page["messages"].as_array().map(Vec::len), Some(3));
}

/// Every address that differs in one place: another letter, a letter missing, doubled or swapped, another case.
fn mistakes(address: &str) -> Vec<String> {
    let letters: Vec<char> = address.chars().collect();
    let mut wrong = vec![
        String::new(),
        "outis1".to_owned(),
        format!("{address}q"),
        address.replace("outis", "autis"),
    ];
    for (at, letter) in letters.iter().enumerate() {
        let with = |replacement: &[char]| -> String {
            letters[..at]
                .iter()
                .chain(replacement)
                .chain(&letters[at + 1..])
                .collect()
        };
        wrong.push(with(&[if *letter == 'q' { 'p' } else { 'q' }]));
        wrong.push(with(&[]));
        wrong.push(with(&[*letter, *letter]));
        if letter.is_ascii_lowercase() {
            wrong.push(with(&[letter.to_ascii_uppercase()]));
        }
        if let Some(next) = letters.get(at + 1).filter(|next| *next != letter) {
            let mut swapped = letters.clone();
            swapped[at] = *next;
            swapped[at + 1] = *letter;
            wrong.push(swapped.into_iter().collect());
        }
    }
    wrong
}
