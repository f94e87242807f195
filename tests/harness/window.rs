//! The real window, seen and used as a person does: found by test ids, clicked, typed into, looked at.
//!
//! It is driven through WebKit's own WebDriver. Nothing is looked for twice in the hope that it came: the page itself says
//! when what is waited for is there, by observing its own tree.
//!
//! Types to know: [`Window`] (a running program and its page) and [`Home`] (what it is started with).

mod driver;
mod examine;
mod keyboard;
mod undriven;

pub use undriven::Undriven;

use crate::process::{self, NETWORK};
use driver::Driver;
use serde_json::{Value, json};
use std::{
    cell::Cell,
    collections::BTreeSet,
    ffi::OsString,
    path::{Path, PathBuf},
    process::Stdio,
    sync::Arc,
    time::Duration,
};
use tempfile::TempDir;
use tokio::{
    io::AsyncReadExt,
    process::{Child, Command},
    time,
};

/// Where somebody's window keeps what it keeps, and what they would choose in its dialogs.
pub struct Home {
    dir: Arc<TempDir>,
    /// The file that is chosen when one is asked for.
    pub open: Option<PathBuf>,
    /// Further variables that the program finds.
    pub variables: Vec<(&'static str, OsString)>,
}

impl Default for Home {
    fn default() -> Self {
        let dir = process::folder();
        std::fs::create_dir(dir.path().join("tmp")).expect("a folder");
        Self {
            dir: Arc::new(dir),
            open: None,
            variables: Vec::new(),
        }
    }
}

/// A window that is open. What it started is killed when it is dropped.
pub struct Window {
    driver: Driver,
    child: Child,
    group: u32,
    actions: Cell<usize>,
    /// What it keeps is there as long as it runs, also where nobody asks for its home again.
    _dir: Arc<TempDir>,
}

impl Window {
    /// Starts the program and waits for its page.
    ///
    /// # Panics
    /// Without a display, without a driver, or if no page comes.
    pub async fn open(home: &Home) -> Self {
        assert!(
            std::env::var_os("DISPLAY").is_some(),
            "there is no display to open a window on: run this as `scripts/with-display cargo nextest run …`"
        );
        let (mut child, driver) = Driver::start(home).await;
        let group = child.id().expect("it runs");
        let program = process::program("outis-desktop");
        tokio::select! {
            begun = time::timeout(PATIENCE, driver.begin(&program)) => begun.expect("a window in time"),
            status = child.wait() => panic!("WebKitWebDriver ended: {status:?}"),
        }
        let window = Self {
            driver,
            child,
            group,
            actions: Cell::new(0),
            _dir: Arc::clone(&home.dir),
        };
        window.resize(1280, 800).await;
        window
    }

    /// Closes it as the end of a person's session does, and waits until nothing of it runs any more.
    pub async fn close(mut self) {
        self.signal("-TERM");
        let mut output = self.child.stdout.take().expect("piped");
        let mut said = Vec::new();
        // Everything of it holds the same pipe: it ends with the last of them.
        time::timeout(PATIENCE, output.read_to_end(&mut said))
            .await
            .expect("the window closes in time")
            .expect("a pipe");
    }

    /// Clicks, once it can be.
    pub async fn click(&self, selector: &str) {
        self.count();
        let enabled = format!("{selector}:not(:disabled)");
        self.see(&enabled).await;
        self.driver.click(&enabled).await;
    }

    /// Types, key by key, once it can be.
    pub async fn type_into(&self, selector: &str, text: &str) {
        self.count();
        let enabled = format!("{selector}:not(:disabled)");
        self.see(&enabled).await;
        self.driver.type_keys(&enabled, text).await;
    }

    /// Clicks with the second button, which opens what one can do with something.
    pub async fn second_click(&self, selector: &str) {
        self.count();
        self.see(selector).await;
        let middle = "
            const { x, y, width, height } = document.querySelector(arguments[0]).getBoundingClientRect();
            return [Math.round(x + width / 2), Math.round(y + height / 2)]";
        let at = self.run(middle, &[json!(selector)]).await;
        let place = |index| at.get(index).and_then(Value::as_i64).expect("a number");
        self.driver.second_click(place(0), place(1)).await;
    }

    /// How often it was clicked and typed into, and keys were pressed.
    pub fn actions(&self) -> usize {
        self.actions.get()
    }

    /// Waits until something is there.
    pub async fn see(&self, selector: &str) {
        let there = "return document.querySelector(arguments[0]) !== null";
        self.until(selector, there, &[json!(selector)]).await;
    }

    /// Waits until something is no longer there.
    pub async fn see_gone(&self, selector: &str) {
        let gone = "return document.querySelector(arguments[0]) === null";
        self.until(&format!("no {selector}"), gone, &[json!(selector)]).await;
    }

    /// Waits until a text stands in something.
    pub async fn read(&self, selector: &str, text: &str) {
        let stands =
            "return [...document.querySelectorAll(arguments[0])].some(e => e.textContent.includes(arguments[1]))";
        let what = format!("“{text}” in {selector}");
        self.until(&what, stands, &[json!(selector), json!(text)]).await;
    }

    /// Waits until a piece of script gives something, looking again whenever the page changes, and gives it.
    pub async fn until(&self, what: &str, script: &str, arguments: &[Value]) -> Value {
        let watch = AWAIT.replace("LOOK", script);
        match self.driver.later(&watch, &[json!(arguments)]).await {
            Ok(found) => found,
            Err(error) => panic!(
                "this never came in the window: {what} ({error}); it shows:\n{}",
                self.run("return document.body.innerText", &[]).await
            ),
        }
    }

    /// Runs a piece of script in the page, past its content security policy.
    pub async fn run(&self, script: &str, arguments: &[Value]) -> Value {
        self.driver
            .now(script, arguments)
            .await
            .unwrap_or_else(|error| panic!("{script}: {error}"))
    }

    /// Calls a command as the page would, and gives what comes back: `{"done": …}` or `{"refused": …}`.
    pub async fn invoke(&self, command: &str, parameters: &Value) -> Value {
        let script = "const [command, parameters, tell] = arguments;
            __TAURI_INTERNALS__.invoke(command, parameters).then(done => tell({ done }), refused => tell({ refused }))";
        let answer = self.driver.later(script, &[json!(command), parameters.clone()]).await;
        answer.unwrap_or_else(|error| panic!("{command}: {error}"))
    }

    /// Loads the page anew: it keeps nothing, and asks the core.
    pub async fn reload(&self) {
        self.driver.reload().await;
    }

    /// Returns when these processes are gone and others have taken their place.
    ///
    /// # Panics
    /// If that does not come.
    pub async fn until_renewed(&self, pages: &BTreeSet<u32>) {
        let renewed = async {
            // They are nobody's children here, so nothing tells.
            loop {
                let now = self.pages();
                if !now.is_empty() && now.is_disjoint(pages) {
                    return;
                }
                time::sleep(Duration::from_millis(20)).await;
            }
        };
        time::timeout(PATIENCE, renewed).await.expect("a new page in time");
    }

    /// Returns when all of its processes that ended have been taken note of.
    ///
    /// # Panics
    /// If that does not come.
    pub async fn until_nothing_dead_is_left(&self) {
        let buried = async {
            while !zombies(self.group).is_empty() {
                time::sleep(Duration::from_millis(20)).await;
            }
        };
        time::timeout(PATIENCE, buried)
            .await
            .expect("somebody takes note in time");
    }

    /// The processes of its pages.
    pub fn pages(&self) -> BTreeSet<u32> {
        let shows_a_page = |process: &u32| process_name(*process).contains("WebKitWebProc");
        self.processes().into_iter().filter(shows_a_page).collect()
    }

    /// The processes that show it: the program's own, and those of its web views.
    pub fn processes(&self) -> Vec<u32> {
        let members = group(self.group).into_iter();
        members
            .filter(|(_, state)| state != "Z")
            .map(|(process, _)| process)
            .collect()
    }

    /// A text as the page has it, such as an element's property.
    pub async fn property(&self, selector: &str, property: &str) -> String {
        let script = "return String(document.querySelector(arguments[0])[arguments[1]])";
        let value = self.run(script, &[json!(selector), json!(property)]).await;
        value.as_str().expect("text").to_owned()
    }

    /// Writes pictures of what is shown, light and dark, large and small, for people to look at.
    pub async fn picture(&self, name: &str) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../screenshots");
        std::fs::create_dir_all(&folder).expect("a folder for pictures");
        for (width, height) in [(800, 600), (1280, 800)] {
            self.resize(width, height).await;
            self.driver.point_at_nothing().await;
            for theme in ["dark", "light"] {
                self.run(THEME, &[json!(theme)]).await;
                self.driver.later(DRAWN, &[]).await.expect("a frame");
                let file = folder.join(format!("{name}-{theme}-{width}x{height}.png"));
                std::fs::write(file, self.driver.picture().await).expect("a picture");
            }
        }
        self.run(THEME, &[Value::Null]).await;
    }

    async fn resize(&self, width: u32, height: u32) {
        self.driver.resize(width, height).await;
        let is_so = "return innerWidth === arguments[0] && innerHeight === arguments[1]";
        let what = format!("a window of {width} × {height}");
        self.until(&what, is_so, &[json!(width), json!(height)]).await;
    }

    fn count(&self) {
        self.actions.set(self.actions.get() + 1);
    }

    /// To the driver, the program and the web view's processes, which are one group of their own.
    fn signal(&self, signal: &str) {
        let group = format!("-{}", self.group);
        // What has ended already needs no signal.
        let _ = std::process::Command::new("kill")
            .args([signal, "--", &group])
            .stderr(Stdio::null())
            .status();
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        self.signal("-KILL");
    }
}

impl Home {
    /// A folder that is gone with it.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Where the account is.
    pub fn data_dir(&self) -> PathBuf {
        self.dir.path().join("outis")
    }

    /// Every file beneath it, as paths from there.
    ///
    /// # Panics
    /// If it cannot be read.
    pub fn files(&self) -> Vec<PathBuf> {
        let (mut files, mut folders) = (Vec::new(), vec![self.dir.path().to_owned()]);
        while let Some(folder) = folders.pop() {
            // What is deleted while one looks is not there.
            for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                let path = entry.path();
                if path.is_dir() && !path.is_symlink() {
                    folders.push(path);
                } else if let Ok(inside) = path.strip_prefix(self.dir.path()) {
                    files.push(inside.to_owned());
                }
            }
        }
        files.sort();
        files
    }

    /// Nothing of the person at this machine is touched.
    fn environment(&self, command: &mut Command) {
        command
            .env("OUTIS_DATA_DIR", self.data_dir())
            .env("HOME", self.dir.path())
            .env("TMPDIR", self.dir.path().join("tmp"))
            .env_remove("XDG_RUNTIME_DIR")
            .env("OUTIS_NETWORK", NETWORK)
            .env("TAURI_WEBVIEW_AUTOMATION", "true")
            .env("LC_ALL", "C.UTF-8")
            .env("TZ", "UTC")
            .env("MESA_SHADER_CACHE_DISABLE", "true");
        for name in ["XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"] {
            command.env(name, self.dir.path().join(name));
        }
        if let Some(path) = &self.open {
            command.env("OUTIS_AUTOMATION_OPEN", path);
        }
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
    }
}

/// The processes of a group that ended and nobody took note of.
pub fn zombies(of: u32) -> Vec<u32> {
    let members = group(of).into_iter();
    members
        .filter(|(_, state)| state == "Z")
        .map(|(process, _)| process)
        .collect()
}

/// The processes of a group, each with its state (proc(5)).
fn group(wanted: u32) -> Vec<(u32, String)> {
    let all = std::fs::read_dir("/proc").expect("processes").flatten();
    all.filter_map(|entry| {
        let process = entry.file_name().to_str()?.parse().ok()?;
        let status = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
        // Its name stands in brackets and may hold anything; then state, parent and group.
        let (_, after_name) = status.rsplit_once(')')?;
        let mut fields = after_name.split_whitespace();
        let (state, group) = (fields.next()?, fields.nth(1)?);
        (group == wanted.to_string()).then(|| (process, state.to_owned()))
    })
    .collect()
}

/// As the system has it, cut to 15 letters; nothing for one that has ended.
pub fn process_name(process: u32) -> String {
    std::fs::read_to_string(format!("/proc/{process}/comm")).unwrap_or_default()
}

/// The selector for a test id.
pub fn id(name: &str) -> String {
    format!("[data-testid=\"{name}\"]")
}

/// After this long nothing comes any more: only so that a story that hangs says where.
const PATIENCE: Duration = Duration::from_secs(120);

/// Looks at once, and again at whatever changes in the page.
const AWAIT: &str = "
    const [parameters, tell] = arguments;
    const look = function () { LOOK };
    const observer = new MutationObserver(again);
    function again() {
        const found = look(...parameters);
        if (!found) return;
        observer.disconnect();
        removeEventListener('resize', again);
        tell(found);
    }
    observer.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
    addEventListener('resize', again);
    again();
";

/// Answers when what is shown has been drawn, with its fonts, and nothing is half-way to another colour.
const DRAWN: &str = "
    const [tell] = arguments;
    const still = () => {
        for (const animation of document.getAnimations()) {
            // What never ends cannot be finished.
            try { animation.finish(); } catch { animation.cancel(); }
        }
        requestAnimationFrame(() => tell(true));
    };
    document.fonts.ready.then(() => requestAnimationFrame(() => requestAnimationFrame(still)));
";

/// What the settings would do, without leaving the screen; `null` gives back what they say.
const THEME: &str = "
    const { dataset } = document.documentElement;
    window.themeBefore ??= dataset.theme ?? '';
    const theme = arguments[0] ?? window.themeBefore;
    if (theme) dataset.theme = theme; else delete dataset.theme;
";
