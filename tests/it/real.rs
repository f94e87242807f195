//! Over real sockets, with real processes.

mod bad_input;
mod canaries;
mod care;
mod endings;
mod few_relays;
mod headless;
mod kills;
mod lending;
mod memory;
mod restore;

/// Twice, where once might be by chance.
async fn again(mut what: impl AsyncFnMut()) {
    what().await;
    what().await;
}
