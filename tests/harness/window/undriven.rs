//! The window as people have it: nobody drives it, and its page is incognito.

use super::{Home, PATIENCE};
use crate::process;
use std::process::Stdio;
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStderr, Command},
    time,
};

/// A program that shows its window to whoever looks at the screen.
pub struct Undriven {
    child: Child,
    said: Lines<BufReader<ChildStderr>>,
}

impl Undriven {
    /// Starts it, and returns when its page has run and spoken to the program.
    ///
    /// # Panics
    /// If no page comes.
    pub async fn open(home: &Home) -> Self {
        let mut command = Command::new(process::program("outis-desktop"));
        home.environment(&mut command);
        command
            .env_remove("TAURI_WEBVIEW_AUTOMATION")
            .env("OUTIS_LOG", "outis_desktop=debug")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        let mut child = command.spawn().expect("the program starts");
        let mut said = BufReader::new(child.stderr.take().expect("piped")).lines();
        let spoken = async {
            while let Some(line) = said.next_line().await.expect("a pipe") {
                if line.contains("the page has spoken") {
                    return;
                }
            }
            panic!("it ended before its page came");
        };
        time::timeout(PATIENCE, spoken).await.expect("a page in time");
        Self { child, said }
    }

    /// Ends it as the end of a session does, and waits until nothing of it runs any more.
    ///
    /// # Panics
    /// If it does not end.
    pub async fn close(mut self) {
        let id = self.child.id().expect("it runs");
        let told = Command::new("kill").args(["-TERM", &id.to_string()]).status().await;
        assert!(told.is_ok_and(|told| told.success()));
        let ended = async {
            // All of its processes hold this pipe.
            while self.said.next_line().await.expect("a pipe").is_some() {}
            self.child.wait().await.expect("it ends").success()
        };
        assert!(time::timeout(PATIENCE, ended).await.expect("the window closes in time"));
    }
}
