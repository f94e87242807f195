//! A whole network in one thread, on a clock that only moves when everybody waits.
//!
//! [`SimNet`] has relays with real mailboxes and one directory that all of them answer for; between it and the people there
//! are streams with delays, losses and partitions, all from one seed. [`TestPeer`] is a person with a disk that forgets in a
//! crash what a disk forgets. Run it under `#[tokio::test(start_paused = true)]`: the same seed then gives the same run.

mod hostile;
mod net;
mod peer;
mod pipe;
mod tap;

pub use hostile::{Hostile, Hostility};
pub use net::{Faults, SimNet, Way};
pub use peer::{Accounts, TestPeer, address_of, befriend};
pub use tap::Heard;
