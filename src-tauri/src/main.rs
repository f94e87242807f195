//! The desktop window.
//!
//! A shell: it starts the core, opens one window and forwards. What is true is decided in `outis-app`; what may be called
//! stands in `build.rs` and `capabilities/main.json`.

#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

mod automation;
mod commands;
mod notices;
mod place;
mod renewal;
mod shell;
mod tray;
mod window;

use outis_app::{App, Config, Error, Event};
use shell::Shell;
use std::{alloc::System, error::Error as StdError, path::PathBuf, sync::Arc};
use tauri::{Emitter, Manager, RunEvent};
use tray::Tray;
use window::Start;
use zeroizing_alloc::ZeroAlloc;

/// Whatever is freed is wiped.
#[global_allocator]
static WIPING: ZeroAlloc<System> = ZeroAlloc(System);

fn main() -> Result<(), Box<dyn StdError>> {
    outis_app::shield();
    outis_app::open_many();
    renewal::bury();
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(tracing_subscriber::EnvFilter::from_env("OUTIS_LOG"))
        .init();
    let core = Arc::new(tauri::async_runtime::block_on(async { App::start(config()?).await })?);
    let mut program = tauri::Builder::default();
    if is_the_usual_one() {
        // Before all others, so that a second one ends before it has done anything.
        program = program.plugin(tauri_plugin_single_instance::init(|app, _, _| window::show(app)));
    }
    let window = program
        .plugin(tauri_plugin_autostart::Builder::new().args([HIDDEN]).build())
        .plugin(tauri_plugin_clipboard_manager::init())
        .plugin(tauri_plugin_dialog::init())
        .plugin(tauri_plugin_opener::init())
        .manage(Arc::clone(&core))
        .manage(Shell::open(&data_dir()?))
        .invoke_handler(commands::handler())
        .setup({
            let core = Arc::clone(&core);
            move |app| {
                let (handle, shell) = (app.handle(), app.state::<Shell>());
                if let Some(tray) = Tray::new(handle, &shell.words()) {
                    shell.give_tray(tray);
                }
                window::open(handle, start(&shell))?;
                tauri::async_runtime::spawn(notices::follow(handle.clone(), Arc::clone(&core)));
                forward_events(handle.clone(), core);
                leave_when_told(handle.clone());
                Ok(())
            }
        })
        .build(tauri::generate_context!())?;
    window.run(move |handle, event| {
        if matches!(event, RunEvent::Exit) {
            tauri::async_runtime::block_on(core.shutdown());
            window::clean_up(handle);
            renewal::finish(handle);
        }
    });
    Ok(())
}

/// A folder of its own makes it another program, which runs beside the usual one.
fn is_the_usual_one() -> bool {
    !automation::is_on() && std::env::var_os("OUTIS_DATA_DIR").is_none()
}

/// Where nothing would bring a hidden window back, it is shown whatever was asked for.
fn start(shell: &Shell) -> Start {
    let asked = std::env::args().any(|argument| argument == HIDDEN);
    if asked && shell.tray().is_some() {
        Start::Hidden
    } else {
        Start::Shown
    }
}

/// Begins in the tray.
const HIDDEN: &str = "--hidden";

/// Each of the core's events goes to the page under one name; its type tells which it is.
fn forward_events(handle: tauri::AppHandle, core: Arc<App>) {
    tauri::async_runtime::spawn(async move {
        let mut events = core.events();
        loop {
            let event = events.next().await;
            let locked_itself = matches!(event, Event::AccountLocked {});
            // Fails only while there is no window, and whoever opens one reads the state afresh.
            let _ = handle.emit("outis", event);
            if locked_itself {
                renewal::begin(&handle);
            }
        }
    });
}

/// The end of a session, or of a test, comes as a signal: what is open is closed in good order.
#[cfg(unix)]
fn leave_when_told(handle: tauri::AppHandle) {
    use tokio::signal::unix::{SignalKind, signal};
    tauri::async_runtime::spawn(async move {
        // Without it the signal ends the program at once, which loses nothing either.
        let Ok(mut told) = signal(SignalKind::terminate()) else {
            return;
        };
        if told.recv().await.is_some() {
            handle.exit(0);
        }
    });
}

#[cfg(not(unix))]
fn leave_when_told(_: tauri::AppHandle) {}

fn config() -> Result<Config, Error> {
    let network = std::env::var("OUTIS_NETWORK").unwrap_or_else(|_| "main".to_owned());
    Config::new(data_dir()?, &network, &[])
}

/// `OUTIS_DATA_DIR`, or where the system keeps a user's data.
fn data_dir() -> Result<PathBuf, Error> {
    std::env::var_os("OUTIS_DATA_DIR")
        .map(PathBuf::from)
        .or_else(|| dirs::data_local_dir().map(|dir| dir.join("outis")))
        .ok_or_else(|| Error::internal("this system names no folder for a user's data"))
}
