//! What an open container does by itself: a second after the commit that made it the one before, it overwrites the root
//! before the last; and a log that has become bloated it writes anew.

use std::sync::Weak;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

/// A thread that sleeps until it is told that something was erased, and ends when this is dropped.
pub(crate) struct Tidier(SyncSender<()>);

impl Tidier {
    /// Starts the thread; `tidy` is given what it watches, while that lives.
    pub(crate) fn start<T: Send + Sync + 'static>(watched: Weak<T>, tidy: fn(&T)) -> Self {
        let (tell, told) = sync_channel(1);
        // Without a thread the next erasing commit does it, or closing.
        if let Err(error) = thread::Builder::new()
            .name("vault".to_owned())
            .spawn(move || run(&told, &watched, tidy))
        {
            tracing::warn!(error = %error.kind(), "no thread to overwrite old keys with");
        }
        Self(tell)
    }

    /// There is something to do. Never blocks.
    pub(crate) fn wake(&self) {
        // Full: it has been told already and has not begun.
        let _ = self.0.try_send(());
    }
}

fn run<T>(told: &Receiver<()>, watched: &Weak<T>, tidy: fn(&T)) {
    while told.recv().is_ok() {
        thread::sleep(DELAY);
        let Some(watched) = watched.upgrade() else { return };
        tidy(&watched);
    }
}

/// Time for the next erasing commit to come and do it on its way.
const DELAY: Duration = Duration::from_secs(1);
