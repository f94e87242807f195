//! For tests: what a client's line shows beneath libp2p's own frames.

use super::Network;
use crate::streams::tests::soon;
use outis_onion::Cell;
use std::{future::Future, time::Duration};
use tokio::time;

/// A client that does nothing by itself but to keep circuits in stock.
pub(super) struct Line<'a> {
    client: &'a Network,
    /// Circuits that are in stock when nothing happens.
    spares: usize,
}

impl<'a> Line<'a> {
    pub(super) fn of(client: &'a Network, spares: usize) -> Self {
        // Who looks for relays would be seen as well.
        let tasks = client.tasks.lock().expect("no panic");
        tasks.as_ref().expect("it runs").keepers[0].abort();
        Self { client, spares }
    }

    /// Cells that went out and came in while this was done, and until nothing more did.
    pub(super) async fn shown(&self, doing: impl Future) -> (u64, u64) {
        let before = self.still().await;
        soon(doing).await;
        let after = self.still().await;
        let cells = |bytes: u64| {
            assert_eq!(bytes % Cell::BYTES as u64, 0, "whole cells");
            bytes / Cell::BYTES as u64
        };
        (cells(after.0 - before.0), cells(after.1 - before.1))
    }

    async fn still(&self) -> (u64, u64) {
        let mut quiet = 0;
        let mut last = self.bytes();
        soon(async {
            while quiet < 20 {
                time::sleep(Duration::from_millis(50)).await;
                let now = self.bytes();
                let is_quiet = now == last && self.client.shared.pool.spares() == self.spares;
                quiet = if is_quiet { quiet + 1 } else { 0 };
                last = now;
            }
        })
        .await;
        last
    }

    fn bytes(&self) -> (u64, u64) {
        let status = self.client.status();
        (status.bytes_out, status.bytes_in)
    }
}
