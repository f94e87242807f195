//! The main story without a screen: six relays, two people, a chat, an absence, a file, a restart of both.

use outis_tests::process::{Person, Relay, Setting, folder};
use rand_chacha::ChaCha12Rng;
use rand_core::{Rng, SeedableRng};
use serde_json::{Value, json};

#[tokio::test]
async fn two_people_meet_chat_share_a_file_and_find_all_of_it_after_a_restart() {
    let relays = Relay::six().await;
    let setting = Setting::among(&relays);
    let mut alice = Person::create("Alice", &setting).await;
    let mut bob = Person::create("Bob", &setting).await;

    alice.ask(&bob, "It is me, from the library.").await;
    let request = bob.await_contact(&alice, "incoming").await;
    assert_eq!(request["nickname"], "Alice");
    assert_eq!(request["greeting"], "It is me, from the library.");
    bob.accept(&alice).await;
    let accepted = alice.await_contact(&bob, "accepted").await;
    assert_eq!(accepted["nickname"], "Bob");
    let safety_number = bob.contact(&alice).await.expect("a contact")["safety_number"].clone();
    assert_eq!(accepted["safety_number"], safety_number, "both see one safety number");

    alice.say(&bob, "We found a cove on the north side.").await;
    bob.say(&alice, "Who saw you come ashore?").await;
    alice.say(&bob, "Nobody.").await;

    bob.leave().await;
    for words in ["The ship leaves at dawn.", "Bring the map.", "And tell nobody."] {
        alice.say_later(&bob, words).await;
    }
    bob.come_back().await;
    bob.await_text(&alice, "And tell nobody.").await;
    bob.say(&alice, "I will be there before the light.").await;

    let shared = folder();
    let (original, copy) = (shared.path().join("survey.bin"), shared.path().join("copy.bin"));
    let content = bytes(3 << 20);
    std::fs::write(&original, &content).unwrap();
    let offered = alice.offer(&bob, &original).await;
    let taken = bob.await_offer(&alice, "survey.bin").await;
    bob.rpc().call("file.accept", json!({"id": taken})).await;
    let of_bob = bob.await_transfer(&taken, &["complete"]).await;
    let of_alice = alice.await_transfer(&offered, &["complete"]).await;
    assert_eq!(of_bob["blake3"], of_alice["blake3"]);
    assert!(of_bob["blake3"].as_str().is_some_and(|hash| hash.len() == 64));
    bob.rpc()
        .call("file.save", json!({"id": taken, "path": copy.to_str()}))
        .await;
    assert!(
        std::fs::read(&copy).unwrap() == content,
        "the file that arrived is the file that was sent"
    );

    let invite = bob.rpc().call("contact.invite", json!({"once": true})).await;
    assert!(invite["link"].as_str().is_some_and(|link| link.contains("&t=")));
    let before = [seen(&alice, &bob).await, seen(&bob, &alice).await];
    for person in [&mut alice, &mut bob] {
        person.leave().await;
        person.come_back().await;
    }
    let after = [seen(&alice, &bob).await, seen(&bob, &alice).await];
    assert_eq!(after, before, "after nickname and password everything is there");
    let open = bob.rpc().call("contact.invites", json!({})).await;
    assert_eq!(open, json!([invite["once"]]), "an invite outlives a restart");
    bob.rpc()
        .call("contact.revoke_invite", json!({"id": invite["once"]["id"]}))
        .await;
    assert_eq!(bob.rpc().call("contact.invites", json!({})).await, json!([]));
    assert_eq!(alice.texts(&bob, "out").await, OF_ALICE);
    assert_eq!(bob.texts(&alice, "in").await, OF_ALICE);
    assert_eq!(bob.texts(&alice, "out").await, OF_BOB);
    assert_eq!(alice.texts(&bob, "in").await, OF_BOB);
    std::fs::remove_file(&copy).unwrap();
    bob.rpc()
        .call("file.save", json!({"id": taken, "path": copy.to_str()}))
        .await;
    assert!(
        std::fs::read(&copy).unwrap() == content,
        "a sealed file is there after a restart"
    );

    alice.say(&bob, "Again.").await;
    alice.leave().await;
    bob.leave().await;
}

/// What somebody sees of another, but for what only says how far the moment is.
async fn seen(person: &Person, other: &Person) -> (Value, Vec<Value>, Vec<Value>) {
    let mut transfers = person.transfers(other).await;
    for transfer in &mut transfers {
        transfer["rate"] = Value::Null;
    }
    let contact = person.contact(other).await.expect("a contact");
    (contact, person.messages(other).await, transfers)
}

/// Bytes that nothing makes smaller, always the same.
pub(super) fn bytes(length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    ChaCha12Rng::seed_from_u64(7).fill_bytes(&mut bytes);
    bytes
}

const OF_ALICE: [&str; 5] = [
    "We found a cove on the north side.",
    "Nobody.",
    "The ship leaves at dawn.",
    "Bring the map.",
    "And tell nobody.",
];
const OF_BOB: [&str; 2] = ["Who saw you come ashore?", "I will be there before the light."];
