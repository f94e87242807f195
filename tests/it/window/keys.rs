//! Without a pointer: every step by key, and the focus in sight on every step.

use super::{bob::Bob, see_own};
use outis_tests::{
    process::{Relay, Setting},
    window::{Home, Window, id},
};

#[tokio::test]
async fn from_the_first_start_to_the_first_message_by_keys_alone() {
    let relays = Relay::six().await;
    let mut bob = Bob::create(&Setting::among(&relays)).await;
    let ada = Window::open(&Home::default()).await;

    ada.tab_to(&id("welcome-create")).await;
    ada.press("Enter").await;
    ada.tab_to(&id("create-nickname")).await;
    ada.type_keys("Ada").await;
    ada.tab_to(&id("create-written-down")).await;
    ada.press("Space").await;
    ada.tab_to(&id("create-submit")).await;
    ada.press("Enter").await;
    ada.see(&id("main")).await;

    ada.press("Control+Shift+N").await;
    ada.tab_to(&id("add-relay-address")).await;
    ada.type_keys(relays.first().expect("six relays").address()).await;
    ada.press("Enter").await;
    ada.see(r#"[data-testid="network-state"][data-state="hidden"]"#).await;

    ada.press("Control+N").await;
    ada.tab_to(&id("add-contact-address")).await;
    ada.type_keys(bob.address()).await;
    ada.tab_to(&id("add-contact-greeting")).await;
    ada.type_keys("It is me, from the library.").await;
    ada.tab_to(&id("add-contact-submit")).await;
    ada.press("Enter").await;
    bob.accepts("Ada", "It is me, from the library.").await;
    ada.see(r#"[data-testid="conversation-item"][data-state="accepted"]"#)
        .await;

    ada.tab_to(&id("composer")).await;
    ada.type_keys("No hand was on a mouse.").await;
    ada.press("Enter").await;
    see_own(&ada, "No hand was on a mouse.", "delivered").await;
    bob.hears("No hand was on a mouse.").await;
    ada.close().await;
}
