//! c-toxcore, by the program beside this file, which the bench compiles.

use std::{process::Command, time::Duration};

/// What two people on Tox wait for.
pub(crate) struct Tox {
    /// From making both accounts to seeing each other.
    pub(crate) met: Duration,
    /// From sending a message to its receipt, sorted.
    pub(crate) receipts: Vec<Duration>,
    /// Bytes a second of a file.
    pub(crate) rate: f64,
}

impl Tox {
    /// Measures, with so many microseconds between two turns (0: as many as toxcore asks for).
    pub(crate) fn measure(pause: u32) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let program = folder.path().join("tox");
        let mut compiler = Command::new("cc");
        compiler.args(["-O2", "-o"]).arg(&program);
        compiler.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/benches/rivals/tox.c"));
        let compiled = compiler.args(["-ltoxcore", "-lpthread"]).status().expect("cc starts");
        assert!(
            compiled.success(),
            "libtoxcore-dev is missing: run `scripts/setup bench`"
        );
        let mut command = Command::new(&program);
        command.args(["33745", &FILE.to_string(), &pause.to_string()]);
        let said = command.output().expect("it starts");
        assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
        let said = String::from_utf8_lossy(&said.stdout).into_owned();
        let all = |what: &str| -> Vec<f64> {
            let values = said
                .lines()
                .filter_map(|line| line.strip_prefix(what)?.trim().parse().ok());
            values.collect()
        };
        let one = |what: &str| all(what).first().copied().expect("it said so");
        let mut receipts: Vec<Duration> = all("receipt").into_iter().map(Duration::from_secs_f64).collect();
        receipts.sort();
        Self {
            met: Duration::from_secs_f64(one("met")),
            receipts,
            rate: one("file") * 1e6,
        }
    }
}

const FILE: usize = 64 << 20;
