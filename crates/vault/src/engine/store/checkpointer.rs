//! The thread that takes the journal into sled.

use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use super::shared::Shared;

/// A thread that sleeps until there is something to checkpoint.
#[derive(Default)]
pub(super) struct Checkpointer(Option<(SyncSender<()>, JoinHandle<()>)>);

impl Checkpointer {
    pub(super) fn start(store: Arc<Shared>) -> Self {
        let (tell, told) = sync_channel::<()>(1);
        let run = move || {
            while told.recv().is_ok() {
                if let Err(error) = store.checkpoint() {
                    tracing::warn!(error = %error.kind(), "the journal could not be taken into the store");
                }
            }
        };
        match thread::Builder::new().name("store".to_owned()).spawn(run) {
            Ok(thread) => Self(Some((tell, thread))),
            // Whoever writes does it then, when the journal has become long.
            Err(error) => {
                tracing::warn!(error = %error.kind(), "no thread for checkpoints");
                Self(None)
            }
        }
    }

    /// There is something to do. Never blocks.
    pub(super) fn wake(&self) {
        if let Self(Some((tell, _))) = self {
            // Full: it has been told already and has not begun.
            let _ = tell.try_send(());
        }
    }

    /// Returns when the thread has ended.
    pub(super) fn stop(&mut self) {
        if let Some((tell, thread)) = self.0.take() {
            drop(tell);
            if thread.join().is_err() {
                tracing::warn!("a checkpoint panicked");
            }
        }
    }
}
