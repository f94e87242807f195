//! In the real window, driven as a person drives it, with real processes on the other side.
//!
//! Pictures of every screen go to `screenshots/`, which git ignores: tests cannot see whether something is beautiful.

mod bob;
mod borders;
mod keys;
mod locking;
mod payloads;
mod screens;
mod spoofs;
mod traces;
mod voice;

use bob::Bob;
use outis_tests::{
    process::{Relay, Setting, folder, soak},
    window::{Home, Window, id},
};
use rand_chacha::ChaCha12Rng;
use rand_core::{Rng, SeedableRng};
use serde_json::{Value, json};
use std::path::Path;

#[tokio::test]
async fn ada_meets_bob_in_the_window_chats_and_sends_a_file() {
    let relays = Relay::six().await;
    let mut bob = Bob::create(&Setting::among(&relays)).await;
    let shared = folder();
    let survey = shared.path().join("Survey of the north coast.bin");
    let content = bytes(100_000_000);
    std::fs::write(&survey, &content).unwrap();
    let mut home = Home::default();
    home.open = Some(survey.clone());

    let ada = Window::open(&home).await;
    ada.see(&id("welcome")).await;
    ada.picture("welcome").await;
    let passphrase = create(&ada, "Ada").await;
    add_relay(&ada, &relays).await;
    meet(&ada, &mut bob).await;
    chat(&ada, &mut bob).await;
    send_the_file(&ada, &bob, &content).await;
    look_around(&ada, &bob).await;
    let before = ada.run(&format!("return {SHOWN}"), &[]).await;
    ada.close().await;

    home.open = None;
    let ada = Window::open(&home).await;
    ada.click(&id("welcome-sign-in")).await;
    ada.type_into(&id("sign-in-nickname"), "Ada").await;
    ada.type_into(&id("sign-in-passphrase"), &passphrase).await;
    ada.picture("sign-in").await;
    ada.click(&id("sign-in-submit")).await;
    ada.click(&conversation(&bob)).await;
    ada.see(r#"[data-testid="file-card"][data-state="complete"]"#).await;
    let the_same = format!("return {SHOWN} === arguments[0]");
    ada.until("everything, after nickname and passphrase", &the_same, &[before])
        .await;
    bob.says("Good to see you again.").await;
    ada.read(&id("message"), "Good to see you again.").await;
    ada.close().await;
}

/// Takes the passphrase that is suggested, and gives it.
async fn create(ada: &Window, nickname: &str) -> String {
    ada.click(&id("welcome-create")).await;
    ada.type_into(&id("create-nickname"), nickname).await;
    ada.see(r#"[data-testid="create-strength"][data-acceptable="true"]"#)
        .await;
    let passphrase = ada.property(&id("create-passphrase"), "value").await;
    assert!(passphrase.split_whitespace().count() >= 6, "a passphrase is suggested");
    ada.click(&id("create-written-down")).await;
    ada.picture("create").await;
    ada.click(&id("create-submit")).await;
    ada.see(&id("working")).await;
    ada.see(&id("main")).await;
    passphrase
}

async fn add_relay(ada: &Window, relays: &[Relay]) {
    ada.see(r#"[data-testid="network-state"][data-state="offline"]"#).await;
    ada.picture("first-room").await;
    ada.click(&id("network-banner-action")).await;
    ada.picture("network-offline").await;
    let address = relays.first().expect("six relays").address();
    ada.type_into(&id("add-relay-address"), address).await;
    ada.click(&id("add-relay-submit")).await;
    // One address is enough to learn of others.
    ada.see(r#"[data-testid="network-relays"]:not([data-value="0"], [data-value="1"], [data-value="2"])"#)
        .await;
    ada.see(r#"[data-testid="network-state"][data-state="hidden"]"#).await;
    ada.see(r#"[data-testid="network-route"][data-hops="3"]"#).await;
    ada.picture("network").await;
}

async fn meet(ada: &Window, bob: &mut Bob) {
    ada.click(&id("add-contact")).await;
    ada.see(&id("my-qr")).await;
    ada.picture("add-contact").await;
    ada.type_into(&id("add-contact-address"), bob.address()).await;
    ada.type_into(&id("add-contact-greeting"), "It is me, from the library.")
        .await;
    ada.click(&id("add-contact-submit")).await;
    ada.see(r#"[data-testid="conversation-item"][data-state="requested"]"#)
        .await;
    ada.picture("requested").await;
    bob.accepts("Ada", "It is me, from the library.").await;
    ada.see(r#"[data-testid="conversation-item"][data-state="accepted"]"#)
        .await;
    ada.read(&id("conversation-name"), "Bob").await;
}

async fn chat(ada: &Window, bob: &mut Bob) {
    say(ada, "We found a cove on the north side.").await;
    see_own(ada, "We found a cove on the north side.", "delivered").await;
    bob.hears("We found a cove on the north side.").await;
    bob.says("Who saw you come ashore?").await;
    ada.read(&id("message"), "Who saw you come ashore?").await;

    bob.is_cut_off().await;
    say(ada, "Nobody.").await;
    say(ada, "The ship leaves at dawn. Bring the map.").await;
    see_own(ada, "The ship leaves at dawn. Bring the map.", "stored").await;
    ada.picture("stored").await;
    ada.click(&id("message-why")).await;
    ada.see(&id("explain-step")).await;
    ada.picture("explain").await;
    ada.click(&id("dialog-close")).await;
    ada.see_gone(&id("explain")).await;

    bob.comes_back().await;
    bob.hears("The ship leaves at dawn. Bring the map.").await;
    see_own(ada, "The ship leaves at dawn. Bring the map.", "delivered").await;
    bob.says("I will be there before the light: https://example.org/tides")
        .await;
    ada.read(&id("message"), "I will be there before the light").await;
}

async fn send_the_file(ada: &Window, bob: &Bob, content: &[u8]) {
    ada.click(&id("attach")).await;
    ada.see(r#"[data-testid="file-card"][data-state="offered"]"#).await;
    let transfer = bob.accepts_a_file("Survey of the north coast.bin").await;
    ada.see(r#"[data-testid="file-card"][data-state="active"]"#).await;
    ada.picture("file-on-its-way").await;
    ada.see(r#"[data-testid="file-card"][data-state="complete"]"#).await;
    let copy = folder();
    let copy = copy.path().join("copy.bin");
    bob.saves(&transfer, &copy).await;
    assert!(
        std::fs::read(&copy).unwrap() == content,
        "the file that arrived is the file that was sent"
    );
    bob.says("It is all here. Thank you.").await;
    ada.read(&id("message"), "It is all here. Thank you.").await;
}

/// What is left to look at.
async fn look_around(ada: &Window, bob: &Bob) {
    ada.picture("conversation").await;
    ada.click(&id("message-link")).await;
    ada.read(&id("link-host"), "example.org").await;
    ada.picture("link").await;
    ada.click(&id("dialog-close")).await;
    ada.click(&id("details-toggle")).await;
    ada.see(&id("safety-number")).await;
    ada.picture("details").await;
    ada.click(&id("details-toggle")).await;
    ada.click(&id("settings")).await;
    ada.see(&id("settings-page")).await;
    ada.picture("settings").await;
    ada.click(&conversation(bob)).await;
    ada.read(&id("message"), "It is all here. Thank you.").await;
}

#[tokio::test]
async fn the_sandbox_answers() {
    let home = Home::default();
    let window = Window::open(&home).await;
    window.click(&id("welcome-sandbox")).await;
    // The echo has accepted: there is something to write in.
    window.type_into(&id("composer"), "Is anybody there?").await;
    window.click(&id("composer-send")).await;
    window
        .read(r#"[data-testid="message"][data-direction="in"]"#, "Is anybody there?")
        .await;
    see_own(&window, "Is anybody there?", "delivered").await;
    assert!(
        window.actions() <= 12,
        "from the first start to an answered message in {} actions",
        window.actions()
    );
    window.see(&id("sandbox-banner")).await;
    window.picture("sandbox").await;
    window.click(&id("sandbox-leave")).await;
    window.see(&id("welcome")).await;
    window.close().await;
}

#[tokio::test]
async fn only_listed_commands_can_be_called() {
    let home = Home::default();
    let window = Window::open(&home).await;
    window.see(&id("welcome")).await;
    let status = window.invoke("account_status", &json!({"params": {}})).await;
    assert_eq!(status, json!({"done": {"state": "locked"}}), "a listed command answers");
    for command in listed_commands() {
        // Without its parameters it does nothing, and says that they are missing: so it was let through.
        let answer = window.invoke(&command, &json!({})).await;
        let refusal = answer["refused"].as_str().unwrap_or_default();
        assert!(refusal.starts_with("invalid args"), "{command}: {answer}");
    }
    for command in payloads::UNLISTED_COMMANDS {
        let answer = window
            .invoke(command, &json!({"params": {}, "path": "/etc/passwd"}))
            .await;
        let refusal = answer["refused"].as_str().unwrap_or_default();
        let refused = refusal.contains("not allowed") || refusal.contains("not found");
        assert!(refused, "{command}: {answer}");
    }
    let state = "return [typeof __TAURI__, Object.isFrozen(Object.prototype)]";
    assert_eq!(window.run(state, &[]).await, json!(["undefined", true]));
    window.close().await;
}

#[tokio::test]
async fn content_cannot_run() {
    let relays = Relay::six().await;
    let mut bob = Bob::create(&Setting::among(&relays)).await;
    let canary = payloads::Canary::listen().await;
    let ada = Window::open(&Home::default()).await;
    create_quickly(&ada, &relays).await;
    ada.run(payloads::WATCH, &[]).await;
    let long = soak();
    let payloads = payloads::all(canary.port(), long);
    assert!(payloads.len() >= if long { 500 } else { 100 }, "{}", payloads.len());

    ada.click(&id("add-contact")).await;
    for field in ["search", "add-contact-address", "add-contact-greeting"] {
        ada.run(payloads::TYPE_EACH, &[json!(id(field)), json!(payloads)]).await;
    }
    ada.type_into(&id("add-contact-address"), bob.address()).await;
    ada.click(&id("add-contact-submit")).await;
    bob.accepts("Ada", "").await;
    ada.see(r#"[data-testid="conversation-item"][data-state="accepted"]"#)
        .await;
    ada.run(payloads::TYPE_EACH, &[json!(id("composer")), json!(payloads)])
        .await;
    for (number, payload) in payloads.iter().enumerate() {
        let mark = format!("№{number}.");
        bob.says_later(&format!("{payload} {mark}")).await;
        ada.read(&id("message"), &mark).await;
    }
    let made = r#"return document.querySelectorAll('[data-testid="messages"] :is(a, img, iframe, script, object, embed, form, video, audio, link, style, base, meta)').length"#;
    assert_eq!(ada.run(made, &[]).await, 0, "words become nothing but words");
    ada.click(&id("details-toggle")).await;
    ada.run(payloads::TYPE_EACH, &[json!(id("details-alias")), json!(payloads)])
        .await;

    let nothing = json!({"ran": 0, "refused": 0, "page": "tauri://localhost"});
    assert_eq!(ada.run(payloads::WHAT_HAPPENED, &[]).await, nothing);
    assert_eq!(canary.visits(), 0, "nothing was asked for");
    ada.see(&id("main")).await;

    // The same, where it does happen, is noticed.
    ada.run("window.ran()", &[]).await;
    ada.run(payloads::BREAK_IN, &[json!(canary.port())]).await;
    let broken = "const seen = window.seen; return seen.ran > 0 && seen.refused > 1";
    ada.until("the detectors see a break-in", broken, &[]).await;
    canary.visit().await;
    assert_eq!(canary.visits(), 1);
    assert_policy_is_as_configured(&ada).await;
    ada.close().await;
}

/// An account with a relay, no pictures.
async fn create_quickly(ada: &Window, relays: &[Relay]) {
    let account = json!({"nickname": "Ada", "password": "seven grey lighthouses counted from the pier"});
    let made = ada.invoke("account_create", &json!({ "params": account })).await;
    assert!(made["done"]["address"].is_string(), "{made}");
    let address = relays.first().expect("six relays").address();
    let added = ada
        .invoke("network_add_peer", &json!({"params": {"address": address}}))
        .await;
    assert_eq!(added["refused"], Value::Null);
    ada.reload().await;
}

/// What is in force is what the configuration says; only hashes of the shell's own scripts are added to it.
async fn assert_policy_is_as_configured(window: &Window) {
    let configuration: Value = serde_json::from_str(include_str!("../../src-tauri/tauri.conf.json")).unwrap();
    let configured = configuration["app"]["security"]["csp"].as_object().expect("a policy");
    let in_force = window.run("return window.seen.policy", &[]).await;
    let in_force = in_force.as_str().expect("a policy is in force");
    let mut directives = 0;
    for directive in in_force.split(';').map(str::trim).filter(|text| !text.is_empty()) {
        let (name, sources) = directive.split_once(' ').unwrap_or((directive, ""));
        let wanted = configured.get(name).and_then(Value::as_str);
        let wanted = wanted.unwrap_or_else(|| panic!("{name} is not configured"));
        for source in sources.split_whitespace() {
            let own_script = name == "script-src" && source.starts_with("'sha256-");
            assert!(
                own_script || wanted.split_whitespace().any(|word| word == source),
                "{directive}"
            );
        }
        directives += 1;
    }
    assert_eq!(directives, configured.len());
    assert_eq!(configured["default-src"], "'none'");
}

async fn say(window: &Window, words: &str) {
    window.type_into(&id("composer"), words).await;
    window.click(&id("composer-send")).await;
}

/// Waits until one's own message got so far, or further.
async fn see_own(window: &Window, words: &str, state: &str) {
    let script = r#"
        const states = ['queued', 'stored', 'delivered', 'read'];
        const far = states.indexOf(arguments[1]);
        return [...document.querySelectorAll('[data-testid="message"][data-direction="out"]')]
            .some(e => e.textContent.includes(arguments[0]) && states.indexOf(e.dataset.state) >= far)"#;
    window
        .until(&format!("“{words}” is {state}"), script, &[json!(words), json!(state)])
        .await;
}

/// All messages in sight: who wrote, what, and how far one's own got.
const SHOWN: &str = r#"JSON.stringify([...document.querySelectorAll('[data-testid="message"]')]
    .map(e => [e.dataset.id, e.dataset.kind, e.dataset.direction === 'out' ? e.dataset.state : 'in', e.textContent]))"#;

fn conversation(bob: &Bob) -> String {
    format!(r#"[data-testid="conversation-item"][data-address="{}"]"#, bob.address())
}

/// What the capability allows the page, without the shell's own.
fn listed_commands() -> Vec<String> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../src-tauri/capabilities/main.json");
    let capability: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let permissions = capability["permissions"].as_array().expect("a list");
    let commands: Vec<String> = permissions
        .iter()
        .filter_map(|permission| permission.as_str()?.strip_prefix("allow-"))
        .map(|name| name.replace('-', "_"))
        .collect();
    assert!(commands.len() > 30);
    commands
}

/// Bytes that nothing makes smaller, always the same.
fn bytes(length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    ChaCha12Rng::seed_from_u64(7).fill_bytes(&mut bytes);
    bytes
}
