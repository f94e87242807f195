//! Speaking in the window: the web view's own microphone for tests hums.

use super::screens::in_the_sandbox;
use outis_tests::window::{Home, id};
use serde_json::json;

#[tokio::test]
async fn what_is_discarded_is_not_sent_and_the_microphone_is_let_go() {
    let window = in_the_sandbox(&Home::default()).await;
    window.click(&id("composer-record")).await;
    let begun = "return Number(document.querySelector('[data-testid=\"voice-bar\"]')?.dataset.ms) > 0";
    window.until("sound", begun, &[]).await;
    window.examine("voice-recording").await;
    window.press("Escape").await;
    window.see_gone(&id("voice-bar")).await;
    window.see(&id("composer")).await;
    let files = window.invoke("file_list", &json!({"params": {}})).await;
    assert_eq!(files["done"], json!([]));
    window.close().await;
}
