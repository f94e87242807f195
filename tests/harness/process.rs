//! Real processes of the `outis` program: relays (`outis node`) and accounts (`outis rpc`), over real sockets on loopback.
//!
//! Nothing here waits for a time: a story waits for what a process tells. What never comes ends in a panic that says what
//! it was.
//!
//! Types to know: [`Relay`], [`Rpc`] (a process and its lines) and [`Person`] (an account in such a process).

mod person;
mod relay;
mod rpc;
mod steps;

pub use person::Person;
pub use relay::Relay;
pub use rpc::{Ended, Rpc};
pub use steps::{Edge, Steps};

use crate::lab::{Host, Inside};
use std::{
    fs::File,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};
use tokio::process::Command;

/// The network of all tests.
pub const NETWORK: &str = "test-stories";

/// What a process is started with beside its data folder.
#[derive(Debug, Clone, Default)]
pub struct Setting {
    /// Relays to begin with.
    pub bootstrap: Vec<String>,
    /// Log everything there is into `logs/` here, one file a process, and let whatever is written beside the data folder
    /// (to the home folder, for temporary files, where the process stands) go to `elsewhere/` here.
    pub watched: Option<PathBuf>,
    /// Run on a host of a lab.
    pub inside: Option<Inside>,
    /// A person's program is a relay for others too, listening here.
    pub lends: Vec<String>,
}

impl Setting {
    /// Beginning with these relays.
    pub fn among(relays: &[Relay]) -> Self {
        let bootstrap = relays.iter().map(|relay| relay.address().to_owned()).collect();
        Self {
            bootstrap,
            ..Self::default()
        }
    }

    /// The same on a host of a lab.
    #[must_use]
    pub fn on(&self, host: &Host) -> Self {
        Self {
            inside: Some(host.inside()),
            ..self.clone()
        }
    }

    /// `outis`, where it is to run.
    fn outis(&self) -> Command {
        let outis = program("outis");
        self.inside
            .as_ref()
            .map_or_else(|| Command::new(&outis), |inside| inside.command(&outis).into())
    }

    fn apply(&self, command: &mut Command, name: &str) {
        let Some(watched) = &self.watched else { return };
        let (logs, elsewhere) = (watched.join("logs"), watched.join("elsewhere"));
        for folder in [&logs, &elsewhere] {
            std::fs::create_dir_all(folder).expect("a folder for what is watched");
        }
        let nth = std::fs::read_dir(&logs).expect("the folder for logs").count();
        let log = File::create_new(logs.join(format!("{nth:03}-{name}.log"))).expect("a log");
        command.env("OUTIS_LOG", "trace").stderr(Stdio::from(log));
        for variable in [
            "HOME",
            "TMPDIR",
            "XDG_CACHE_HOME",
            "XDG_CONFIG_HOME",
            "XDG_DATA_HOME",
            "XDG_RUNTIME_DIR",
        ] {
            command.env(variable, &elsewhere);
        }
        command.current_dir(&elsewhere);
    }
}

/// `target/…/NAME`, which `cargo build --workspace` makes.
///
/// # Panics
/// If it has not been built.
pub fn program(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a test knows where it stands");
    let built = test
        .parent()
        .and_then(Path::parent)
        .expect("tests stand in target/PROFILE/deps")
        .join(name);
    assert!(
        built.exists(),
        "{} is missing: run `cargo build --workspace` first",
        built.display()
    );
    built
}

/// Whether the long forms are asked for (`make soak`).
pub fn soak() -> bool {
    std::env::var_os("OUTIS_SOAK").is_some()
}

/// A fresh folder that is gone with the story.
pub fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

fn outis(subcommand: &str, dir: &Path, bootstrap: &[String]) -> Vec<String> {
    let dir = dir.to_str().expect("a temporary folder's path is text");
    let mut arguments: Vec<String> = [subcommand, "--network", NETWORK, "--no-mainline", "--data-dir", dir]
        .map(str::to_owned)
        .into();
    for address in bootstrap {
        arguments.extend(["--bootstrap".to_owned(), address.clone()]);
    }
    arguments
}

async fn signal(pid: u32, name: &str) {
    let sent = Command::new("kill").args(["-s", name, &pid.to_string()]).status().await;
    assert!(sent.expect("kill starts").success(), "SIG{name} is sent");
}

/// After this long nothing comes any more: only so that a story that hangs says where.
const PATIENCE: Duration = Duration::from_secs(150);
