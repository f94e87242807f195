//! What the page may not do to the machine around it, and what it leaves on the clipboard.

use super::{payloads::Canary, screens::in_the_sandbox};
use outis_tests::window::{Home, Window, id};
use serde_json::json;
use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf, time::Duration};
use tokio::time;

#[tokio::test]
async fn the_page_cannot_leave_open_windows_or_reach_the_network() {
    let canary = Canary::listen().await;
    let window = Window::open(&Home::default()).await;
    window.see(&id("welcome")).await;
    let ways = window.run(WAYS_OUT, &[json!(canary.port())]).await;
    let ways: Vec<String> = serde_json::from_value(ways).expect("their names");
    assert_eq!(ways.len(), 20, "{ways:?}");
    let mut open = Vec::new();
    for way in &ways {
        let go = "return window.waysOut[arguments[0]]()";
        let came = window.run(go, &[json!(way)]).await;
        if came != "refused" || canary.visits() > 0 {
            open.push(format!("{way}: {came}, {} visits", canary.visits()));
        }
    }
    assert_eq!(open, Vec::<String>::new());
    window.see(&id("welcome")).await;
    assert_eq!(window.run("return location.origin", &[]).await, "tauri://localhost");
    assert_eq!(window.pages().len(), 1, "there is one page, and it has no frames");
    assert_eq!(canary.visits(), 0);
    // The control: a visit is noticed.
    canary.visit().await;
    assert_eq!(canary.visits(), 1);
    window.close().await;
}

#[tokio::test]
async fn only_a_confirmed_https_link_reaches_the_browser() {
    let mut home = Home::default();
    let browser = Browser::install(&mut home);
    let window = in_the_sandbox(&home).await;
    let schemes = [
        "http",
        "file",
        "javascript",
        "data",
        "ftp",
        "smb",
        "ssh",
        "telnet",
        "mailto",
        "tel",
        "sms",
        "magnet",
        "outis",
        "tauri",
        "ipc",
        "about",
        "blob",
        "view-source",
        "ws",
        "wss",
        "steam",
        "vscode",
        "ms-msdt",
        "search-ms",
        "ldap",
        "gopher",
        "irc",
        "news",
        "nfs",
        "sftp",
        "git",
        "chrome",
        "resource",
        "jar",
        "vbscript",
        "x-apple",
        "intent",
        "itms",
        "market",
        "facetime",
        "skype",
        "zoommtg",
        "slack",
        "spotify",
        "xmpp",
        "sip",
        "bitcoin",
        "geo",
        "webcal",
        "dav",
    ];
    assert_eq!(schemes.len(), 50);
    for scheme in schemes {
        for url in [format!("{scheme}://example.org/x"), format!("{scheme}:example.org")] {
            let answer = window.invoke("open_link", &json!({"params": {"url": url}})).await;
            assert_eq!(answer["refused"]["code"], "invalid_params", "{url}: {answer}");
        }
    }
    let all = schemes.map(|scheme| format!("{scheme}://example.org/x")).join(" ");
    super::say(&window, &all).await;
    super::say(&window, "and https://example.org/tides?month=11").await;
    window
        .see(r#"[data-testid="message"][data-direction="in"] [data-testid="message-link"]"#)
        .await;
    let links = "return [...document.querySelectorAll('[data-testid=\"message\"][data-direction=\"out\"] [data-testid=\"message-link\"]')].map(link => link.textContent)";
    assert_eq!(
        window.run(links, &[]).await,
        json!(["https://example.org/tides?month=11"])
    );

    window.click(&id("message-link")).await;
    window.read(&id("link-host"), "example.org").await;
    assert_eq!(browser.opened(), "", "nothing before it is confirmed");
    window.click(&id("link-open")).await;
    window.see_gone(&id("link-host")).await;
    browser.until_opened("https://example.org/tides?month=11\n").await;
    window.close().await;
}

#[tokio::test]
async fn what_was_copied_does_not_stay_on_the_clipboard() {
    let mut home = Home::default();
    home.variables.push(("OUTIS_AUTOMATION_CLIPBOARD_MS", "4000".into()));
    let window = in_the_sandbox(&home).await;
    window.click(&id("add-contact")).await;
    window.see(&id("my-address")).await;
    window.click(&id("my-address-copy")).await;
    let pasted = paste(&window).await;
    assert!(
        pasted.starts_with("outis1"),
        "the control: it is there at first: {pasted:?}"
    );
    let cleared = async {
        // Nobody tells the page of the clipboard's end.
        while paste(&window).await.contains("outis1") {
            time::sleep(Duration::from_millis(100)).await;
        }
    };
    time::timeout(Duration::from_secs(60), cleared)
        .await
        .expect("it is cleared");
    window.close().await;
}

/// What a person would find on the clipboard.
async fn paste(window: &Window) -> String {
    let field = id("add-contact-greeting");
    let empty = "const field = document.querySelector(arguments[0]); field.value = ''; field.focus()";
    window.run(empty, &[json!(field)]).await;
    window.press("Control+V").await;
    window.property(&field, "value").await
}

/// Stands where the system's way to a browser would, and writes down what it is to open.
struct Browser {
    opened: PathBuf,
}

impl Browser {
    fn install(home: &mut Home) -> Self {
        let folder = home.path().join("bin");
        fs::create_dir(&folder).unwrap();
        let opened = home.path().join("opened");
        for name in ["xdg-open", "gio", "gnome-open", "kde-open", "wslview"] {
            let program = folder.join(name);
            fs::write(&program, format!("#!/bin/sh\necho \"$1\" >>'{}'\n", opened.display())).unwrap();
            fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        }
        let mut path = folder.into_os_string();
        path.push(":");
        path.push(std::env::var_os("PATH").unwrap_or_default());
        home.variables.push(("PATH", path));
        Self { opened }
    }

    fn opened(&self) -> String {
        fs::read_to_string(&self.opened).unwrap_or_default()
    }

    async fn until_opened(&self, text: &str) {
        let opened = async {
            while self.opened() != text {
                time::sleep(Duration::from_millis(20)).await;
            }
        };
        let in_time = time::timeout(Duration::from_secs(30), opened).await;
        assert!(in_time.is_ok(), "{:?} in place of {text:?}", self.opened());
    }
}

/// Each way out of a page by its name, to be tried.
const WAYS_OUT: &str = "
    const url = `http://127.0.0.1:${arguments[0]}/`;
    const element = (name, values) => {
        const made = Object.assign(document.createElement(name), values);
        document.body.append(made);
        return made;
    };
    const loads = (name, values) => new Promise((done) => {
        const made = element(name, values);
        const end = (result) => () => { made.remove(); done(result); };
        made.onload = end('loaded');
        made.onerror = end('refused');
        document.addEventListener('securitypolicyviolation', end('refused'), { once: true });
    });
    const stays = (go) => new Promise((done) => {
        document.addEventListener('securitypolicyviolation', () => done('refused'), { once: true });
        const before = location.href;
        go();
        setTimeout(() => done(location.href === before ? 'refused' : 'left'), 300);
    });
    const violates = (act) => new Promise((done) => {
        document.addEventListener('securitypolicyviolation', () => done('refused'), { once: true });
        act();
        setTimeout(() => done('not refused'), 5000);
    });
    const throws = async (act) => {
        try { await act(); return 'done'; } catch { return 'refused'; }
    };
    const closes = (made) => new Promise((done) => {
        made.onopen = () => done('opened');
        made.onerror = () => done('refused');
    });
    const ways = {
        href: () => stays(() => { location.href = url; }),
        replace: () => stays(() => location.replace(url)),
        file: () => stays(() => { location.href = 'file:///etc/passwd'; }),
        data: () => stays(() => { location.href = 'data:text/html,x'; }),
        script: () => stays(() => { location.href = 'javascript:window.left=1'; }),
        click: () => stays(() => { const link = element('a', { href: url }); link.click(); link.remove(); }),
        blank: () => stays(() => { const link = element('a', { href: url, target: '_blank' }); link.click(); link.remove(); }),
        open: async () => (window.open(url) === null ? 'refused' : 'opened'),
        form: () => stays(() => { const form = element('form', { action: url }); form.submit(); form.remove(); }),
        refresh: () => stays(() => element('meta', { httpEquiv: 'refresh', content: `0;url=${url}` })),
        frame: () => loads('iframe', { src: url }),
        object: () => loads('object', { data: url }),
        image: () => loads('img', { src: url }),
        script_file: () => loads('script', { src: url }),
        style: () => loads('link', { rel: 'stylesheet', href: url }),
        fetch: () => throws(() => fetch(url)),
        beacon: () => violates(() => navigator.sendBeacon(url, 'x')),
        socket: () => throws(async () => { if ((await closes(new WebSocket(url.replace('http', 'ws')))) === 'refused') throw new Error(); }),
        source: () => throws(async () => { if ((await closes(new EventSource(url))) === 'refused') throw new Error(); }),
        worker: () => throws(async () => { const made = new Worker('data:text/javascript,postMessage(1)'); await new Promise((done, failed) => { made.onmessage = done; made.onerror = failed; }); }),
    };
    window.waysOut = ways;
    return Object.keys(ways);
";
