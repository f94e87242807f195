//! Every screen in the real window: seen, found without grave fault by axe, in light and dark, and kept as a picture.

use super::{create_quickly, say, see_own};
use crate::window::bob::Bob;
use outis_tests::{
    process::{Relay, Setting},
    window::{Home, Window, id},
};
use serde_json::json;

#[tokio::test]
async fn the_door_says_what_this_is_and_why_one_is_not_let_in() {
    let window = Window::open(&Home::default()).await;
    window.see(&id("welcome")).await;
    window.examine("welcome").await;
    window.click(&id("welcome-sign-in")).await;
    window.see(&id("sign-in")).await;
    window.examine("sign-in").await;
    window.click(&id("sign-in-import")).await;
    window.see(&id("import")).await;
    window.examine("import").await;
    window.click(&id("back")).await;
    window.see(&id("sign-in")).await;
    window.type_into(&id("sign-in-nickname"), "Nobody").await;
    window
        .type_into(&id("sign-in-passphrase"), "not the one it was made with")
        .await;
    window.click(&id("sign-in-submit")).await;
    window.see(&id("sign-in-unknown")).await;
    window.examine("sign-in-unknown").await;
    window.click(&id("sign-in-restore")).await;
    window.see(&id("confirm-new")).await;
    window.examine("confirm-new").await;
    window.close().await;
}

#[tokio::test]
async fn creating_an_account_says_what_its_passphrase_is_worth() {
    let window = Window::open(&Home::default()).await;
    window.click(&id("welcome-create")).await;
    window
        .see(r#"[data-testid="create-strength"][data-acceptable="true"]"#)
        .await;
    window.type_into(&id("create-nickname"), "Ada").await;
    window.examine("create").await;
    let field = id("create-passphrase");
    window
        .run("document.querySelector(arguments[0]).select()", &[json!(field)])
        .await;
    window.type_into(&field, "ithaca12").await;
    window
        .see(r#"[data-testid="create-strength"][data-acceptable="false"]"#)
        .await;
    window.examine("create-weak").await;
    window.click(&id("create-suggest")).await;
    window
        .see(r#"[data-testid="create-strength"][data-acceptable="true"]"#)
        .await;
    window.click(&id("create-written-down")).await;
    window.click(&id("create-submit")).await;
    window.see(&id("main")).await;
    window.examine("first-room").await;
    window.close().await;
}

#[tokio::test]
async fn the_room_shows_who_is_there_and_leads_everywhere() {
    let window = in_the_sandbox(&Home::default()).await;
    say(&window, "Is anybody there?").await;
    see_own(&window, "Is anybody there?", "delivered").await;
    window.press("Escape").await;
    window.see_gone(&id("conversation")).await;
    window.examine("main").await;
    window.second_click(&id("conversation-item")).await;
    window.see(&id("menu-pin")).await;
    window.examine("conversation-menu").await;
    // Another size of the window closes a menu.
    window.press("Escape").await;
    window.second_click(&id("conversation-item")).await;
    window.click(&id("menu-pin")).await;
    window
        .see(r#"[data-testid="conversation-item"][data-pinned="true"]"#)
        .await;
    window.second_click(&id("conversation-item")).await;
    window.click(&id("menu-archive")).await;
    window.click(&id("archive-open")).await;
    window.examine("archive").await;
    window.click(&id("archive-close")).await;
    window.type_into(&id("search"), "anybody").await;
    window.see(&id("search-hit")).await;
    window.examine("search").await;
    window.press("Escape").await;
    window.press("Control+K").await;
    window.see(&id("palette-entry")).await;
    window.examine("palette").await;
    window.press("Escape").await;
    window.press("Control+/").await;
    window.see(&id("shortcuts")).await;
    window.examine("shortcuts").await;
    window.close().await;
}

#[tokio::test]
async fn a_conversation_is_talked_in() {
    let window = in_the_sandbox(&Home::default()).await;
    for words in [
        "We found a cove on the north side. There is fresh water, and nobody has been here for years.",
        "Nobody saw us come ashore.",
        "The tide tables are here: https://example.org/tides?month=11",
    ] {
        say(&window, words).await;
        see_own(&window, words, "delivered").await;
    }
    window.read(theirs(), "tide tables").await;
    window.examine("conversation").await;
    window.close().await;
}

#[tokio::test]
async fn details_say_who_it_is_and_what_was_agreed() {
    let window = in_the_sandbox(&Home::default()).await;
    window.click(&id("details-toggle")).await;
    window.see(&id("safety-number")).await;
    window.examine("details").await;
    window.click(&id("details-verify")).await;
    window.see(&id("details-unverify")).await;
    window.examine("details-verified").await;
    window.click(&id("details-qr")).await;
    window.see(&id("qr")).await;
    window.examine("details-qr").await;
    window.press("Escape").await;
    window.click(&id("details-files")).await;
    window.see(&id("files-dialog")).await;
    window.examine("details-files").await;
    window.press("Escape").await;
    window.click(&id("details-remove")).await;
    window.see(&id("confirm-remove")).await;
    window.examine("details-remove").await;
    window.press("Escape").await;
    window.click(&id("details-block")).await;
    window.see(&id("confirm-block")).await;
    window.examine("details-block").await;
    window.click(&id("confirm-block-yes")).await;
    window.see(&id("composer-closed")).await;
    window.examine("blocked").await;
    window.close().await;
}

#[tokio::test]
async fn adding_somebody_says_what_is_wrong_with_an_address() {
    let window = in_the_sandbox(&Home::default()).await;
    window.click(&id("add-contact")).await;
    window.see(&id("my-qr")).await;
    window.examine("add-contact").await;
    window.type_into(&id("add-contact-address"), "outis1qqqq").await;
    window.click(&id("add-contact-submit")).await;
    window.see(&id("add-contact-address-error")).await;
    window.examine("add-contact-wrong").await;
    window.close().await;
}

#[tokio::test]
async fn the_network_screen_says_how_hidden_one_is() {
    let window = in_the_sandbox(&Home::default()).await;
    say(&window, "Which way do I go?").await;
    see_own(&window, "Which way do I go?", "delivered").await;
    window.click(&id("network-state")).await;
    window.see(r#"[data-testid="network-route"][data-hops="3"]"#).await;
    window.examine("network").await;
    window.close().await;

    let window = Window::open(&Home::default()).await;
    create_alone(&window).await;
    window.click(&id("network-state")).await;
    window.see(&id("add-relay-address")).await;
    window.type_into(&id("add-relay-address"), "relay.example").await;
    window.click(&id("add-relay-submit")).await;
    window.see(&id("add-relay-address-error")).await;
    window.examine("network-offline").await;
    window.close().await;
}

#[tokio::test]
async fn settings_say_what_each_choice_means() {
    let window = Window::open(&Home::default()).await;
    create_alone(&window).await;
    window.click(&id("settings")).await;
    for section in [
        "account",
        "privacy",
        "notifications",
        "storage",
        "network",
        "appearance",
        "language",
        "shortcuts",
        "about",
    ] {
        window
            .click(&format!(
                r#"[data-testid="settings-section"][data-section="{section}"]"#
            ))
            .await;
        window
            .see(&format!(r#"[data-testid="settings-page"][data-section="{section}"]"#))
            .await;
        window.examine(&format!("settings-{section}")).await;
    }
    window
        .click(r#"[data-testid="settings-section"][data-section="account"]"#)
        .await;
    for dialog in ["password", "delete"] {
        window.click(&id(&format!("settings-{dialog}"))).await;
        window.see("[role=\"dialog\"], dialog").await;
        window.examine(&format!("settings-{dialog}")).await;
        window.press("Escape").await;
        window.see_gone("[role=\"dialog\"], dialog").await;
    }
    window
        .click(r#"[data-testid="settings-section"][data-section="appearance"]"#)
        .await;
    window
        .run(
            "const choice = document.querySelector(arguments[0]); choice.value = '150';
            choice.dispatchEvent(new Event('change', { bubbles: true }));",
            &[json!(id("settings-zoom"))],
        )
        .await;
    window.examine("large-text").await;
    window.close().await;
}

#[tokio::test]
async fn a_stranger_asks_first() {
    let relays = Relay::six().await;
    let bob = Bob::create(&Setting::among(&relays)).await;
    let ada = Window::open(&Home::default()).await;
    create_quickly(&ada, &relays).await;
    let status = ada.invoke("account_status", &json!({"params": {}})).await;
    let address = status["done"]["account"]["address"].as_str().expect("an address");
    bob.asks(address, "It is me, from the library. You left your map there.")
        .await;
    ada.click(&id("requests-banner")).await;
    ada.read(&id("request-greeting"), "from the library").await;
    ada.examine("requests").await;
    ada.click(&id("request-accept")).await;
    ada.see(r#"[data-testid="conversation-item"][data-state="accepted"]"#)
        .await;
    ada.close().await;
}

/// The control: axe sees what is wrong where something is.
#[tokio::test]
async fn a_faulty_screen_is_found_out() {
    let window = Window::open(&Home::default()).await;
    window.see(&id("welcome")).await;
    assert_eq!(window.faults().await, Vec::<String>::new());
    window
        .run(
            "const fault = document.createElement('button');
            fault.style.cssText = 'inline-size: 3000px; block-size: 20px; flex: none';
            document.body.append(fault);
            const pale = document.createElement('p');
            pale.textContent = 'Who can read this?';
            pale.style.cssText = 'color: #eee; background: #fff; position: fixed; inset: 0 auto auto 0';
            document.body.append(pale);",
            &[],
        )
        .await;
    let faults = window.faults().await.join("\n");
    for expected in ["wider than the window", "button-name", "color-contrast"] {
        assert!(faults.contains(expected), "{expected} in {faults}");
    }
    window.close().await;
}

/// In *Try it here*, before the conversation with the echo.
pub(super) async fn in_the_sandbox(home: &Home) -> Window {
    let window = Window::open(home).await;
    window.click(&id("welcome-sandbox")).await;
    window.see(&id("composer")).await;
    window
}

/// An account without any relay.
pub(super) async fn create_alone(window: &Window) {
    window.see(&id("welcome")).await;
    let account = json!({"nickname": "Ada", "password": "seven grey lighthouses counted from the pier"});
    let made = window.invoke("account_create", &json!({ "params": account })).await;
    assert!(made["done"]["address"].is_string(), "{made}");
    window.reload().await;
    window.see(&id("main")).await;
}

fn theirs() -> &'static str {
    r#"[data-testid="message"][data-direction="in"]"#
}
