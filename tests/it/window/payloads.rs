//! What somebody might write who wants the page to run, load or call something, and what notices it if that works.

use std::{
    net::Ipv4Addr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Notify,
};

/// A place on this machine that nobody has reason to ask for anything.
pub(super) struct Canary {
    port: u16,
    visits: Arc<AtomicUsize>,
    visited: Arc<Notify>,
}

impl Canary {
    pub(super) async fn listen() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let canary = Self {
            port: listener.local_addr().unwrap().port(),
            visits: Arc::default(),
            visited: Arc::default(),
        };
        let (visits, visited) = (Arc::clone(&canary.visits), Arc::clone(&canary.visited));
        tokio::spawn(async move {
            while listener.accept().await.is_ok() {
                visits.fetch_add(1, Ordering::SeqCst);
                visited.notify_one();
            }
        });
        canary
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn visits(&self) -> usize {
        self.visits.load(Ordering::SeqCst)
    }

    /// Comes by, to show that it is noticed.
    pub(super) async fn visit(&self) {
        let _stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).await.unwrap();
        self.visited.notified().await;
    }
}

/// Each way in, with one thing to do there: some hundred. In the long form with each thing, and as filters are fooled: over
/// five hundred.
pub(super) fn all(port: u16, long: bool) -> Vec<String> {
    let scripts = [
        "window.ran()",
        "__TAURI_INTERNALS__.invoke('account_lock',{params:{}})",
        "location='http://127.0.0.1:PORT/'",
    ];
    let mut payloads: Vec<String> = LOADS
        .iter()
        .map(|load| load.replace("URL", "http://127.0.0.1:PORT/x"))
        .collect();
    for (number, way) in WAYS.iter().enumerate() {
        let first = number % scripts.len();
        let taken = if long { scripts.len() } else { 1 };
        let chosen = scripts.iter().cycle().skip(first).take(taken);
        payloads.extend(chosen.map(|script| way.replace("SCRIPT", script)));
    }
    if long {
        let disguised: Vec<_> = payloads
            .iter()
            .enumerate()
            .filter_map(|(number, payload)| Some(DISGUISES.get(number % DISGUISES.len())?(payload)))
            .collect();
        payloads.extend(disguised);
    }
    for payload in &mut payloads {
        *payload = payload.replace("PORT", &port.to_string());
    }
    payloads
}

/// What a filter may not see through, and a page that decodes once too often does.
const DISGUISES: &[fn(&str) -> String] = &[
    str::to_uppercase,
    |payload| payload.replace('<', "<\u{0}"),
    |payload| payload.replace('<', "<\n").replace('=', "\t=\n"),
    |payload| payload.replace('<', "&lt;").replace('>', "&gt;"),
    |payload| payload.replace('<', "&#x3c;").replace('>', "&#x3e;"),
    |payload| payload.replace('<', "%3C").replace('>', "%3E").replace('"', "%22"),
    |payload| payload.replace('<', "\\u003c").replace('>', "\\u003e"),
    |payload| payload.replace('<', "\u{ff1c}").replace('>', "\u{ff1e}"),
    |payload| format!("\">'></textarea></title></style></script>{payload}"),
    |payload| format!("<![CDATA[{payload}]]>"),
    |payload| format!("<!--{payload}--!>{payload}"),
    |payload| format!("<svg><desc>{payload}</desc></svg>"),
    |payload| format!("\u{feff}{payload}\u{200b}"),
];

/// Counts scripts that run and whatever the policy has to stop.
pub(super) const WATCH: &str = "
    window.seen = { ran: 0, refused: 0, policy: '' };
    window.ran = () => (window.seen.ran += 1);
    for (const name of ['alert', 'confirm', 'prompt', 'open', 'print']) window[name] = window.ran;
    document.addEventListener('securitypolicyviolation', (event) => {
        window.seen.refused += 1;
        window.seen.policy = event.originalPolicy;
        document.documentElement.dataset.refused = window.seen.refused;
    });
";

/// What came of it all.
pub(super) const WHAT_HAPPENED: &str = "
    const { ran, refused } = window.seen;
    return { ran, refused, page: location.href.replace(/\\/$/, '') };
";

/// Puts each text into a field as typing does, then empties it.
pub(super) const TYPE_EACH: &str = "
    const [selector, texts] = arguments;
    const field = document.querySelector(selector);
    for (const text of [...texts, '']) {
        field.value = text;
        field.dispatchEvent(new InputEvent('input', { bubbles: true, data: text }));
    }
";

/// What a page that takes words for markup would do with three of them.
pub(super) const BREAK_IN: &str = "
    const place = document.createElement('div');
    document.body.append(place);
    place.innerHTML = `<img src=x: onerror=\"window.ran()\"><img src=\"http://127.0.0.1:${arguments[0]}/x\">`;
";

/// Names that belong to no command, to plugins that are not there, and to plugins that are but not for the page.
pub(super) const UNLISTED_COMMANDS: &[&str] = &[
    "account_export_everything",
    "shutdown",
    "__proto__",
    "constructor",
    "",
    "../account_status",
    "account.status",
    "Account_Status",
    "plugin:fs|read_file",
    "plugin:fs|read_text_file",
    "plugin:fs|write_file",
    "plugin:fs|read_dir",
    "plugin:fs|remove",
    "plugin:http|fetch",
    "plugin:shell|execute",
    "plugin:shell|open",
    "plugin:opener|open_url",
    "plugin:opener|open_path",
    "plugin:opener|reveal_item_in_dir",
    "plugin:dialog|open",
    "plugin:dialog|save",
    "plugin:dialog|message",
    "plugin:clipboard-manager|read_text",
    "plugin:clipboard-manager|read_image",
    "plugin:clipboard-manager|write_text",
    "plugin:event|emit",
    "plugin:event|emit_to",
    "plugin:window|create",
    "plugin:window|close",
    "plugin:window|set_title",
    "plugin:webview|create_webview_window",
    "plugin:webview|create_webview",
    "plugin:webview|internal_toggle_devtools",
    "plugin:webview|webview_close",
    "plugin:path|resolve_directory",
    "plugin:app|version",
    "plugin:app|app_hide",
    "plugin:image|from_path",
    "plugin:resources|close",
    "plugin:menu|new",
    "plugin:tray|new",
    "plugin:process|exit",
    "plugin:os|platform",
    "plugin:updater|check",
];

const WAYS: &[&str] = &[
    "<script>SCRIPT</script>",
    "<SCRIPT>SCRIPT</SCRIPT>",
    "<scr<script>ipt>SCRIPT</scr</script>ipt>",
    "<script/x>SCRIPT</script>",
    "<script type=module>SCRIPT</script>",
    "\"><script>SCRIPT</script>",
    "'><script>SCRIPT</script>",
    "</textarea><script>SCRIPT</script>",
    "</title><script>SCRIPT</script>",
    "</style><script>SCRIPT</script>",
    "--><script>SCRIPT</script>",
    "]]><script>SCRIPT</script>",
    "<img src=x onerror=\"SCRIPT\">",
    "<img src=x onerror=SCRIPT//",
    "<img/src=x/onerror=SCRIPT>",
    "<img src=`x` onerror=SCRIPT>",
    "<img src=x:x onerror=SCRIPT>",
    "<IMG SRC=x OnErRoR=SCRIPT>",
    "<svg onload=SCRIPT>",
    "<svg/onload=SCRIPT>",
    "<svg><script>SCRIPT</script></svg>",
    "<svg><animate onbegin=SCRIPT attributeName=x dur=1s>",
    "<svg><set onbegin=SCRIPT attributename=x>",
    "<svg><foreignObject><script>SCRIPT</script></foreignObject></svg>",
    "<svg><a xlink:href=\"javascript:SCRIPT\"><text y=20>x</text></a></svg>",
    "<math><mtext><script>SCRIPT</script></mtext></math>",
    "<math href=\"javascript:SCRIPT\">x</math>",
    "<body onload=SCRIPT>",
    "<body onpageshow=SCRIPT>",
    "<iframe srcdoc=\"<script>parent.SCRIPT</script>\"></iframe>",
    "<iframe src=\"javascript:SCRIPT\"></iframe>",
    "<iframe onload=SCRIPT></iframe>",
    "<object data=\"javascript:SCRIPT\"></object>",
    "<embed src=\"javascript:SCRIPT\">",
    "<input autofocus onfocus=SCRIPT>",
    "<select autofocus onfocus=SCRIPT>",
    "<textarea autofocus onfocus=SCRIPT>",
    "<details open ontoggle=SCRIPT>",
    "<video><source onerror=SCRIPT></video>",
    "<audio src=x onerror=SCRIPT>",
    "<marquee onstart=SCRIPT>x</marquee>",
    "<form action=\"javascript:SCRIPT\"><button>x</button></form>",
    "<button formaction=\"javascript:SCRIPT\">x</button>",
    "<a href=\"javascript:SCRIPT\">x</a>",
    "<a href=\"jAvAsCrIpT:SCRIPT\">x</a>",
    "<a href=\"java\nscript:SCRIPT\">x</a>",
    "<a href=\"data:text/html,<script>SCRIPT</script>\">x</a>",
    "<div style=\"animation-name:x\" onanimationstart=SCRIPT></div>",
    "<div style=\"width:expression(SCRIPT)\"></div>",
    "<style>*{background:url(javascript:SCRIPT)}</style>",
    "<noscript><p title=\"</noscript><img src=x onerror=SCRIPT>\">",
    "<template><script>SCRIPT</script></template>",
    "<xss onpointerenter=SCRIPT style=position:fixed;inset:0>x</xss>",
    "<div contenteditable onbeforeinput=SCRIPT>x</div>",
    "<base href=\"javascript:SCRIPT//\">",
    "javascript:SCRIPT",
    "JaVaScRiPt:SCRIPT",
    "javascript://example.org/%0aSCRIPT",
    "data:text/html,<script>SCRIPT</script>",
    "data:text/html;base64,PHNjcmlwdD5yYW4oKTwvc2NyaXB0Pg==",
    "vbscript:SCRIPT",
    "[x](javascript:SCRIPT)",
    "[x](<javascript:SCRIPT>)",
    "![x](x\" onerror=\"SCRIPT)",
    "[x]: javascript:SCRIPT",
    "<javascript:SCRIPT>",
    "`<script>SCRIPT</script>`",
    "```html\n<script>SCRIPT</script>\n```",
    "{{constructor.constructor('SCRIPT')()}}",
    "{@html '<script>SCRIPT</script>'}",
    "${SCRIPT}",
    "#{SCRIPT}",
    "<%= SCRIPT %>",
    "';SCRIPT;//",
    "\";SCRIPT;//",
    "\\';SCRIPT;//",
    "\u{2028}SCRIPT\u{2029}",
    "\u{202e}>tpircs/<SCRIPT>tpircs<",
    "&lt;script&gt;SCRIPT&lt;/script&gt;",
    "&#60;script&#62;SCRIPT&#60;/script&#62;",
    "\\u003cscript\\u003eSCRIPT\\u003c/script\\u003e",
    "%3Cscript%3ESCRIPT%3C/script%3E",
    "+ADw-script+AD4-SCRIPT+ADw-/script+AD4-",
    "https://example.org/\"onmouseover=\"SCRIPT",
    "https://example.org/'><script>SCRIPT</script>",
    "https://javascript:SCRIPT@example.org/",
];

const LOADS: &[&str] = &[
    "URL",
    "<img src=URL>",
    "![x](URL)",
    "<link rel=stylesheet href=URL>",
    "<link rel=prefetch href=URL>",
    "<link rel=dns-prefetch href=URL>",
    "<script src=URL></script>",
    "<iframe src=URL></iframe>",
    "<video src=URL autoplay></video>",
    "<video poster=URL></video>",
    "<object data=URL></object>",
    "<svg><image href=URL></svg>",
    "<svg><use href=\"URL#x\"></svg>",
    "<style>@import 'URL';</style>",
    "<style>@font-face{font-family:x;src:url(URL)}*{font-family:x}</style>",
    "<div style=\"background:url(URL)\">x</div>",
    "<meta http-equiv=refresh content=\"0;url=URL\">",
    "<body background=URL>",
    "<form action=URL id=f><input autofocus onfocus=f.submit()></form>",
    "<a href=URL ping=URL>x</a>",
    "<base href=URL>",
    "<portal src=URL></portal>",
];
