//! WebDriver, as much of it as a story needs: JSON over HTTP on loopback, one connection a request.

use super::{Home, PATIENCE};
use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use std::{net::Ipv4Addr, path::Path, process::Stdio, sync::OnceLock};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    process::{Child, Command},
};

/// A driver, and its session once one began.
pub(super) struct Driver {
    port: u16,
    session: OnceLock<String>,
}

impl Driver {
    /// Starts WebKit's driver in a group of its own, with what the window is to find around it.
    pub(super) async fn start(home: &Home) -> (Child, Self) {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let port = free.local_addr().expect("its number").port();
        drop(free);
        let mut command = Command::new("WebKitWebDriver");
        command
            .arg(format!("--port={port}"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        home.environment(&mut command);
        let child = command.spawn().unwrap_or_else(|error| {
            panic!("WebKitWebDriver does not start ({error}): run `scripts/setup test`");
        });
        let session = OnceLock::new();
        (child, Self { port, session })
    }

    /// Starts the program and attaches to its page.
    pub(super) async fn begin(&self, program: &Path) {
        // It answers nobody before it listens, and says to nobody that it does.
        while TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).await.is_err() {
            tokio::task::yield_now().await;
        }
        let options = json!({"binary": program, "args": []});
        let wanted = json!({"capabilities": {"alwaysMatch": {"webkitgtk:browserOptions": options}}});
        let begun = self.ask("POST", "/session", &wanted).await.expect("a session");
        let id = begun["sessionId"].as_str().expect("its id").to_owned();
        self.session.set(id).expect("one session a driver");
        let patience = json!({"script": PATIENCE.as_millis()});
        self.post("/timeouts", &patience).await.expect("timeouts");
    }

    /// Runs the body of a function and gives what it returns.
    pub(super) async fn now(&self, script: &str, arguments: &[Value]) -> Result<Value, String> {
        self.post("/execute/sync", &json!({"script": script, "args": arguments}))
            .await
    }

    /// The same for one that tells its result to its last argument.
    pub(super) async fn later(&self, script: &str, arguments: &[Value]) -> Result<Value, String> {
        self.post("/execute/async", &json!({"script": script, "args": arguments}))
            .await
    }

    /// Clicks, as a pointer does.
    pub(super) async fn click(&self, selector: &str) {
        self.element(selector, "click", json!({})).await;
    }

    /// Types, as a keyboard does.
    pub(super) async fn type_keys(&self, selector: &str, text: &str) {
        self.element(selector, "value", json!({"text": text})).await;
    }

    /// Takes the pointer off whatever it is over.
    pub(super) async fn point_at_nothing(&self) {
        self.point(&[json!({"type": "pointerMove", "duration": 0, "x": 4, "y": 4})])
            .await;
    }

    /// Opens what a second button opens, at a place in the page.
    pub(super) async fn second_click(&self, x: i64, y: i64) {
        self.point(&[
            json!({"type": "pointerMove", "duration": 0, "x": x, "y": y}),
            json!({"type": "pointerDown", "button": 2}),
            json!({"type": "pointerUp", "button": 2}),
        ])
        .await;
    }

    /// Presses keys together, whatever has the focus, and lets go of them in turn.
    pub(super) async fn press(&self, keys: &[String]) {
        let down = keys.iter().map(|key| json!({"type": "keyDown", "value": key}));
        let up = keys.iter().rev().map(|key| json!({"type": "keyUp", "value": key}));
        let steps: Vec<Value> = down.chain(up).collect();
        let keyboard = json!({"type": "key", "id": "keyboard", "actions": steps});
        self.post("/actions", &json!({"actions": [keyboard]}))
            .await
            .expect("a key");
    }

    async fn point(&self, steps: &[Value]) {
        let pointer = json!({"type": "pointer", "id": "pointer", "actions": steps});
        self.post("/actions", &json!({"actions": [pointer]}))
            .await
            .expect("a move");
    }

    /// The page as PNG.
    pub(super) async fn picture(&self) -> Vec<u8> {
        let path = self.path("/screenshot");
        let picture = self.ask("GET", &path, &Value::Null).await.expect("a picture");
        BASE64_STANDARD.decode(picture.as_str().expect("text")).expect("base64")
    }

    /// Loads the page anew.
    pub(super) async fn reload(&self) {
        self.post("/refresh", &json!({})).await.expect("a page");
    }

    /// Gives the window another size.
    pub(super) async fn resize(&self, width: u32, height: u32) {
        let size = json!({"width": width, "height": height});
        self.post("/window/rect", &size).await.expect("a size");
    }

    async fn element(&self, selector: &str, action: &str, body: Value) {
        let wanted = json!({"using": "css selector", "value": selector});
        let found = self.post("/element", &wanted).await;
        let found = found.unwrap_or_else(|error| panic!("no {selector}: {error}"));
        let id = found.as_object().and_then(|reference| reference.values().next());
        let id = id.and_then(Value::as_str).expect("a reference");
        let done = self.post(&format!("/element/{id}/{action}"), &body).await;
        done.unwrap_or_else(|error| panic!("{action} of {selector}: {error}"));
    }

    async fn post(&self, path: &str, body: &Value) -> Result<Value, String> {
        self.ask("POST", &self.path(path), body).await
    }

    fn path(&self, path: &str) -> String {
        format!("/session/{}{path}", self.session.get().expect("a session"))
    }

    async fn ask(&self, method: &str, path: &str, body: &Value) -> Result<Value, String> {
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nConnection: close\r\nContent-Type: application/json\r\n\
             Content-Length: {length}\r\n\r\n{body}",
            self.port
        );
        let exchange = async {
            let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).await?;
            stream.write_all(request.as_bytes()).await?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await?;
            Ok::<_, std::io::Error>(answer)
        };
        let answer = exchange.await.map_err(|error| format!("the driver is gone: {error}"))?;
        let (_, json) = answer.split_once("\r\n\r\n").ok_or("no answer from the driver")?;
        let mut answer: Value = serde_json::from_str(json).map_err(|error| format!("{error}: {json}"))?;
        let value = answer["value"].take();
        match value["error"].as_str() {
            Some(error) => Err(format!("{error}: {}", value["message"])),
            None => Ok(value),
        }
    }
}
