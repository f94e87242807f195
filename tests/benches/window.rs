//! What the window costs, and how long a person waits for it: the real window, on a display of its own.
//!
//! Run by `make bench` (or `scripts/with-display cargo bench -p outis-tests --bench window`). It prints numbers and judges
//! none; on a busy machine they mean nothing. `OUTIS_BENCH_MESSAGES` makes the long conversation shorter.

// What the window does not tell ends the measurement.
#![allow(clippy::indexing_slicing)]

use futures::future::join_all;
use outis_tests::{
    bench::{run, say},
    process::{Rpc, Setting, program},
    window::{Home, Undriven, Window, id, process_name},
};
use serde_json::{Value, json};
use std::{path::Path, sync::LazyLock, time::Instant};

fn main() {
    if std::env::var_os("DISPLAY").is_none() {
        say("window", "not measured: there is no display (scripts/with-display)");
        return;
    }
    run(measure());
}

async fn measure() {
    starting().await;
    newcomer().await;
    long_conversation().await;
    package();
}

async fn starting() {
    let mut times = Vec::new();
    for _ in 0..STARTS {
        let home = Home::default();
        let begun = Instant::now();
        let window = Undriven::open(&home).await;
        times.push(begun.elapsed().as_secs_f64() * 1e3);
        window.close().await;
    }
    spread("window: from the process to a page that answers", times);
}

/// Somebody who has never seen it, in *Try it here*.
async fn newcomer() {
    let home = Home::default();
    let begun = Instant::now();
    let window = Window::open(&home).await;
    window.click(&id("welcome-sandbox")).await;
    window.type_into(&id("composer"), "Is anybody there?").await;
    window.click(&id("composer-send")).await;
    window
        .read(r#"[data-testid="message"][data-direction="in"]"#, "Is anybody there?")
        .await;
    say(
        "newcomer: first start to an answer in the sandbox",
        &format!("{:.1} s, {} actions", begun.elapsed().as_secs_f64(), window.actions()),
    );
    for number in 0..CHAT {
        let words = format!("line {number}");
        window.type_into(&id("composer"), &words).await;
        window.click(&id("composer-send")).await;
    }
    let last = format!("line {}", CHAT - 1);
    window
        .read(r#"[data-testid="message"][data-direction="in"]"#, &last)
        .await;
    say(
        "memory: all processes, with a network inside, after a chat",
        &megabytes(&window),
    );
    window.close().await;
}

async fn long_conversation() {
    let home = Home::default();
    let me = write(&home.data_dir(), messages()).await;
    let window = Window::open(&home).await;
    window.click(&id("welcome-sign-in")).await;
    window.type_into(&id("sign-in-nickname"), NICKNAME).await;
    window.type_into(&id("sign-in-passphrase"), PASSPHRASE).await;
    let unlocked = after(&window, &id("sign-in-submit"), &id("conversation-item")).await;
    say("window: from the passphrase to the list", &format!("{unlocked:.0} ms"));

    let conversation = format!(r#"[data-testid="conversation-item"][data-address="{me}"]"#);
    let mut first = Vec::new();
    for _ in 0..OPENINGS {
        // The page keeps what it has read: only a fresh one opens a conversation for the first time.
        window.reload().await;
        window.see(&conversation).await;
        first.push(after(&window, &conversation, &id("message")).await);
    }
    spread(&format!("window: opening {} messages", messages()), first);
    let mut again = Vec::new();
    for _ in 0..OPENINGS {
        window.press("Escape").await;
        window.see_gone(&id("message")).await;
        again.push(after(&window, &conversation, &id("message")).await);
    }
    spread("window: the same, opened before", again);

    let scrolled = window.run(&SCROLL, &[json!(id("messages"))]).await;
    smooth("scrolling for 5 s", &scrolled);
    let typed = window.run(&TYPE, &[json!(id("composer"))]).await;
    smooth("typing for 5 s", &typed);
    say("memory: all processes, a long conversation open", &megabytes(&window));
    window.close().await;
}

/// An account on this machine alone, with so many notes to self; gives its address.
async fn write(dir: &Path, count: usize) -> String {
    let rpc = Rpc::start(dir, &Setting::default()).await;
    let account = json!({"nickname": NICKNAME, "password": PASSPHRASE});
    let account = rpc.call("account.create", account).await;
    let me = account["address"].as_str().expect("an address").to_owned();
    let numbers: Vec<usize> = (0..count).collect();
    for batch in numbers.chunks(AT_ONCE) {
        let sends = batch.iter().map(|number| {
            let text = format!("Line {number}. {}", "The sea was wine-dark. ".repeat((number * 7) % 9));
            rpc.call("message.send", json!({"contact": me, "text": text}))
        });
        join_all(sends).await;
    }
    rpc.end().await;
    me
}

/// Milliseconds from a click until something is there and drawn, by the page's own clock.
async fn after(window: &Window, click: &str, there: &str) -> f64 {
    window.see(&format!("{click}:not(:disabled)")).await;
    let took = window.run(AFTER, &[json!(click), json!(there)]).await;
    took.as_f64().expect("a number")
}

fn smooth(what: &str, measured: &Value) {
    let number = |name: &str| measured[name].as_f64().unwrap_or_default();
    say(
        &format!("window: {what}, frames and dropped ones"),
        &format!("{:.0}, {:.0}", number("frames"), number("dropped")),
    );
    say(
        &format!("window: {what}, the longest task"),
        &format!("{:.0} ms, {:.0} over 50 ms", number("longest"), number("long")),
    );
}

/// Shared pages are counted once, by their proportion.
fn megabytes(window: &Window) -> String {
    let size = |process: u32| -> u64 {
        let file = format!("/proc/{process}/smaps_rollup");
        let rollup = std::fs::read_to_string(file).unwrap_or_default();
        let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"));
        line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok())
            .unwrap_or_default()
    };
    let own = window.processes().into_iter();
    let own = own.filter(|process| !process_name(*process).contains("WebKitWebDriver"));
    let (mut total, mut parts) = (0, Vec::new());
    for process in own {
        let kilobytes = size(process);
        total += kilobytes;
        parts.push(format!("{} {}", process_name(process).trim(), kilobytes / 1000));
    }
    format!("{} MB ({})", total / 1000, parts.join(", "))
}

fn package() {
    let target = program("outis-desktop");
    let folder = target.ancestors().nth(2).map(|target| target.join("package"));
    let files = folder.and_then(|folder| std::fs::read_dir(folder).ok());
    let deb = files.into_iter().flatten().flatten().find(|file| {
        let name = file.file_name();
        Path::new(&name).extension().is_some_and(|extension| extension == "deb")
    });
    let size = deb.and_then(|file| file.metadata().ok()).map(|data| data.len());
    let size = size.map_or_else(
        || "not there: make package".to_owned(),
        |size| format!("{:.1} MB", size as f64 / 1e6),
    );
    say("package: the .deb", &size);
}

fn spread(what: &str, mut times: Vec<f64>) {
    times.sort_by(f64::total_cmp);
    let at = |percent: usize| {
        let index = times.len() * percent / 100;
        times.get(index).or(times.last()).copied().unwrap_or_default()
    };
    say(
        &format!("{what}, p50 and p95"),
        &format!("{:.0} and {:.0} ms", at(50), at(95)),
    );
}

fn messages() -> usize {
    let asked = std::env::var("OUTIS_BENCH_MESSAGES").ok();
    asked.and_then(|count| count.parse().ok()).unwrap_or(MESSAGES)
}

const NICKNAME: &str = "Ada";
const PASSPHRASE: &str = "seven grey lighthouses counted from the pier";
const STARTS: usize = 9;
const OPENINGS: usize = 20;
const CHAT: usize = 60;
const MESSAGES: usize = 100_000;
const AT_ONCE: usize = 200;

/// Until it is there and a frame with it was drawn.
const AFTER: &str = "
    const [click, there] = arguments;
    return new Promise((done) => {
        const begun = performance.now();
        const drawn = () => requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - begun)));
        const observer = new MutationObserver(() => {
            if (!document.querySelector(there)) return;
            observer.disconnect();
            drawn();
        });
        observer.observe(document, { subtree: true, childList: true });
        document.querySelector(click).click();
    });
";

/// Counts frames, and how long the page's one thread was busy at a time.
const WATCH: &str = "
    const watch = (act, milliseconds) => new Promise((done) => {
        const begun = performance.now();
        const frames = [];
        const gaps = [];
        let last = begun;
        let running = true;
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = () => {
            const now = performance.now();
            gaps.push(now - last);
            last = now;
            if (running) port2.postMessage(0);
        };
        port2.postMessage(0);
        const frame = (now) => {
            frames.push(now);
            act(frames.length);
            if (now - begun < milliseconds) return requestAnimationFrame(frame);
            running = false;
            const usual = 1000 / 60;
            const missed = frames.slice(1).map((at, index) => Math.max(0, Math.round((at - frames[index]) / usual) - 1));
            done({
                frames: frames.length,
                dropped: missed.reduce((sum, count) => sum + count, 0),
                longest: Math.max(...gaps),
                long: gaps.filter((gap) => gap > 50).length,
            });
        };
        requestAnimationFrame(frame);
    });
";

/// Back through a conversation, three screens a second.
static SCROLL: LazyLock<String> = LazyLock::new(|| {
    format!(
        "{WATCH}
        const list = document.querySelector(arguments[0]);
        return watch(() => {{
            list.dispatchEvent(new WheelEvent('wheel', {{ deltaY: -30, bubbles: true }}));
            list.scrollTop -= 30;
        }}, 5000);"
    )
});

/// Thirty letters a second.
static TYPE: LazyLock<String> = LazyLock::new(|| {
    format!(
        "{WATCH}
        const field = document.querySelector(arguments[0]);
        field.focus();
        return watch((frame) => {{
            if (frame % 2) return;
            field.value += 'the sea was wine-dark '[frame / 2 % 22];
            field.dispatchEvent(new InputEvent('input', {{ bubbles: true }}));
        }}, 5000);"
    )
});
