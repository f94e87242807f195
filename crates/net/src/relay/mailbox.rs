//! The thread on which a relay's mailbox is served.
//!
//! A mailbox syncs before it answers, and calls to its shelf block. On a thread of its own it holds up nobody else; more
//! threads would only wait for one another, since there is one shelf.

use super::{StartError, shelf::SharedShelf};
use crate::{circuit::Near, clock::now};
use outis_crypto::os_rng;
use outis_mailbox::{Nonce, Server};
use std::{thread, time::Duration};
use tokio::{
    runtime,
    sync::{mpsc, oneshot},
    task::JoinSet,
    time,
};

/// Serves streams until their queue ends; `ended` tells when it has.
pub(super) fn start(
    server: Server<SharedShelf>,
    streams: mpsc::Receiver<Near>,
    ended: oneshot::Sender<()>,
) -> Result<(), StartError> {
    let runtime = runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .map_err(StartError::Thread)?;
    let run = move || {
        runtime.block_on(serve(server, streams));
        drop(runtime);
        // Nobody waits any more if this fails.
        let _ = ended.send(());
    };
    thread::Builder::new()
        .name("outis-mailbox".to_owned())
        .spawn(run)
        .map_err(StartError::Thread)?;
    Ok(())
}

async fn serve(server: Server<SharedShelf>, mut streams: mpsc::Receiver<Near>) {
    let mut serving = JoinSet::new();
    let mut sweep = time::interval(SWEEP);
    loop {
        tokio::select! {
            biased;
            Some(_) = serving.join_next(), if !serving.is_empty() => {}
            stream = streams.recv() => match stream {
                Some(stream) => {
                    serving.spawn(server.serve(stream, now, Nonce::random(&mut os_rng())));
                }
                None => break,
            },
            _ = sweep.tick() => {
                if server.sweep(now()).is_err() {
                    tracing::warn!("the mailbox's store could not be swept");
                }
            }
        }
    }
    // What was answered is durable, so serving may end anywhere.
    serving.shutdown().await;
}

/// Between two sweeps, each over some of the queues.
const SWEEP: Duration = Duration::from_secs(60);
