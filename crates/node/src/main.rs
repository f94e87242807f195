//! The `outis` program.
//!
//! - `outis rpc`: an account without a screen, by JSON-RPC on standard input and output (`docs/protocol/rpc.md`);
//! - `outis node`: a relay for somebody with a server;
//! - `outis demo`: the whole story on one machine;
//! - `outis completions`, `outis manual`: what shells and `man` are told of it.
//!
//! Everything it does is `outis-app`'s; here are only the command line, the lines that go in and out, and the ending.

mod arguments;
mod demo;
mod manual;
mod metrics;
mod relay;
mod rpc;
mod stop;

use arguments::{Arguments, Command};
use clap::Parser;
use std::{alloc::System, error::Error, process::ExitCode};
use zeroizing_alloc::ZeroAlloc;

/// Whatever is freed is wiped: texts, lines and buffers of libraries too.
#[global_allocator]
static WIPING: ZeroAlloc<System> = ZeroAlloc(System);

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    outis_app::shield();
    outis_app::open_many();
    // Logs go to standard error: standard output belongs to the answers.
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(tracing_subscriber::EnvFilter::from_env("OUTIS_LOG"))
        .init();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return complain(&error),
    };
    let done: Result<(), Box<dyn Error>> = runtime.block_on(async {
        match arguments.command {
            Command::Rpc(arguments) => rpc::run(arguments).await?,
            Command::Node(arguments) => relay::run(arguments).await?,
            Command::Demo(arguments) => demo::run(arguments).await?,
            Command::Completions(arguments) => manual::completions(arguments)?,
            Command::Manual(arguments) => manual::write(arguments)?,
        }
        Ok(())
    });
    // Reading standard input blocks a thread that nothing can wake; everything that matters is closed by now.
    runtime.shutdown_background();
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => complain(&error),
    }
}

fn complain(error: &dyn std::fmt::Display) -> ExitCode {
    use std::io::Write;
    // If standard error is gone too there is nobody left to tell.
    let _ = writeln!(std::io::stderr(), "outis: {error}");
    ExitCode::FAILURE
}

/// Threads that run tasks. Blocking work (key derivation, disks) has threads of its own.
const WORKERS: usize = 2;
