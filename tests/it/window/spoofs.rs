//! Text that would deceive, as the real window lays it out.

use super::screens::create_alone;
use outis_tests::window::{Home, Window, id};
use serde_json::json;

#[tokio::test]
async fn hidden_characters_are_shown_and_turn_nothing_around() {
    let window = Window::open(&Home::default()).await;
    create_alone(&window).await;
    let cases = cases();
    assert!(cases.len() >= 200, "{}", cases.len());
    let status = window.invoke("account_status", &json!({"params": {}})).await;
    let me = status["done"]["account"]["address"].clone();
    // Each on a line of its own: what turns text around ends with its line.
    let text = cases.join("\n");
    let sent = window
        .invoke("message_send", &json!({"params": {"contact": me, "text": text}}))
        .await;
    assert!(sent["done"]["id"].is_string(), "{sent}");
    let own = format!(r#"[data-testid="conversation-item"][data-address={me}]"#);
    window.click(&own).await;
    window.see(&id("message")).await;

    let hidden: usize = cases
        .iter()
        .map(|case| case.chars().filter(|sign| is_hidden(*sign)).count())
        .sum();
    let shown = "return document.querySelectorAll('[data-testid=\"message\"] .words .control').length";
    assert_eq!(
        window.run(shown, &[]).await,
        json!(hidden),
        "each hidden character has its mark"
    );
    let order = window.run(ORDER, &[json!("[data-testid=\"message\"] .words")]).await;
    assert_eq!(
        order,
        json!([]),
        "everything stands in the order in which it was written"
    );

    // The control: without its mark, such a character does turn text around, and that is seen.
    let bare = "
        const bare = document.createElement('p');
        bare.id = 'bare';
        bare.textContent = 'report\\u202etxt.exe';
        document.body.append(bare);";
    window.run(bare, &[]).await;
    let turned = window.run(ORDER, &[json!("#bare")]).await;
    assert_ne!(turned, json!([]));
    window.run("document.querySelector('#bare').remove()", &[]).await;
    window.picture("spoofs").await;
    window.close().await;
}

/// Each hidden character in each place where it would deceive.
fn cases() -> Vec<String> {
    let mut cases = Vec::new();
    for sign in HIDDEN.chars() {
        cases.extend([
            format!("report{sign}txt.exe"),
            format!("{sign}paypal.com"),
            format!("pay{sign}pal.com is safe"),
            format!("Ada{sign}"),
            format!("see https://example.org/{sign}gpj.exe now"),
            format!("one {sign}{sign} two"),
            format!("a{sign}b{sign}c"),
            format!("({sign}) [1] <2>"),
        ]);
    }
    cases
}

fn is_hidden(sign: char) -> bool {
    HIDDEN.contains(sign)
}

/// Marks of direction, joiners and spaces without width, and others that are not seen.
const HIDDEN: &str = "\u{200b}\u{200e}\u{200f}\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\u{2060}\u{2061}\u{2062}\u{2063}\u{2064}\
\u{2066}\u{2067}\u{2068}\u{2069}\u{206a}\u{206b}\u{206c}\u{206d}\u{206e}\u{206f}\u{feff}\u{061c}\u{180e}\u{00ad}\u{2028}";

/// Letters that stand before one that was written before them, line by line.
const ORDER: &str = "
    const wrong = [];
    for (const root of document.querySelectorAll(arguments[0])) {
        const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
        const range = document.createRange();
        let end = -Infinity;
        for (let node = walker.nextNode(); node; node = walker.nextNode()) {
            // The marks themselves are small, and their letters may stand out of them.
            if (node.parentElement.closest('.control')) continue;
            for (let at = 0; at < node.length; at += 1) {
                if (node.data[at] === '\\n') {
                    end = -Infinity;
                    continue;
                }
                range.setStart(node, at);
                range.setEnd(node, at + 1);
                // At the beginning of a line there is one more, of nothing, at the end of the line before.
                const place = [...range.getClientRects()].at(-1);
                if (!place || place.width === 0) continue;
                const { left, right } = place;
                if (left < end - 1) wrong.push(node.data.slice(Math.max(0, at - 8), at + 8));
                end = right;
            }
        }
    }
    return wrong;
";
