//! Over real sockets, with real processes.

mod headless;
