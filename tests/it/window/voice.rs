//! Speaking in the window: the web view's own microphone for tests hums, and what it hums is recorded and sent.

use super::screens::in_the_sandbox;
use base64::{Engine, prelude::BASE64_STANDARD};
use outis_tests::window::{Home, Window, id};
use serde_json::{Value, json};
use std::collections::BTreeSet;

#[tokio::test]
async fn what_is_spoken_is_sent_at_a_constant_bit_rate() {
    let window = in_the_sandbox(&Home::default()).await;
    window.click(&id("composer-record")).await;
    let long_enough = "return Number(document.querySelector('[data-testid=\"voice-bar\"]')?.dataset.ms) >= 1000";
    window.until("a second of sound", long_enough, &[]).await;
    window.click(&id("voice-send")).await;
    window
        .see(r#"[data-testid="voice-message"]:not([data-state="unknown"])"#)
        .await;
    let spoken = spoken(&window).await;
    let packets = packets(&spoken.file);
    let sizes: BTreeSet<usize> = packets.iter().map(Vec::len).collect();
    assert_eq!(
        sizes.len(),
        1,
        "every fiftieth of a second has as many bytes: {sizes:?}"
    );
    assert!(packets.len() >= 50, "{}", packets.len());
    assert!(
        packets.iter().collect::<BTreeSet<_>>().len() > 10,
        "the control: what is in them differs"
    );
    let expected = spoken.ms / 20;
    assert!(
        packets.len().abs_diff(expected) <= 1,
        "{} for {}",
        packets.len(),
        spoken.ms
    );
    assert!(spoken.waveform.iter().any(|level| *level > 0), "it hums");

    window.examine("voice-message").await;
    window.close().await;
}

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

struct Spoken {
    file: Vec<u8>,
    ms: usize,
    waveform: Vec<u64>,
}

/// The one voice message that was sent, as the core has it.
async fn spoken(window: &Window) -> Spoken {
    let files = window.invoke("file_list", &json!({"params": {}})).await;
    let transfer = &files["done"][0];
    let read = json!({"params": {"id": transfer["id"]}});
    let part = window.invoke("file_read", &read).await;
    let bytes = part["done"]["bytes"].as_str().unwrap_or_else(|| panic!("{part}"));
    let waveform = transfer["voice"]["waveform"].as_array().expect("a waveform");
    Spoken {
        file: BASE64_STANDARD.decode(bytes).expect("base64"),
        ms: transfer["voice"]["ms"].as_u64().expect("how long it is") as usize,
        waveform: waveform.iter().filter_map(Value::as_u64).collect(),
    }
}

/// What is in the pages of an Ogg file (RFC 3533) after the two that describe it.
fn packets(mut file: &[u8]) -> Vec<Vec<u8>> {
    let mut packets = Vec::new();
    while !file.is_empty() {
        assert_eq!(&file[..4], b"OggS");
        let segments = usize::from(file[26]);
        let (lengths, mut body) = file[27..].split_at(segments);
        for length in lengths {
            let (packet, rest) = body.split_at(usize::from(*length));
            packets.push(packet.to_vec());
            body = rest;
        }
        file = body;
    }
    packets.split_off(2)
}
