//! The swarm, discovery and streams between nodes.
//!
//! A *client* ([`Network`]) has a fresh key at each start; it never listens, never relays and never speaks Kademlia: it
//! dials its guards and opens streams to the services of relays, each over a circuit of three relays more. A *relay*
//! ([`Relay`]) keeps its key, listens, passes circuits on, and serves: mailboxes, the directory (kept together with other
//! relays by Kademlia) and rendezvous. The two never share a swarm, a key or a connection, even in one process.
//!
//! It is *not* the place where anything personal is understood: what passes here is sealed, signed or blinded by others.
//! Nor does it know what is in a cell: that is `outis-onion`'s affair.
//!
//! Types to know: [`Network`], [`Stream`], [`Relay`], [`Limits`], [`PeerAddress`].
//!
//! Invariants:
//! - one task owns each swarm; everything else talks to it by commands, and every channel, queue, map and retry is bounded;
//! - every protocol id of ours carries the network's name, so test networks never touch the real one;
//! - a client opens nothing but circuits, and connects to nobody but its guards, once it knows enough relays to have some;
//!   with too few it sends nothing ([`OpenError::TooFewRelays`]), never by a shorter way;
//! - a circuit serves one destination, purpose and isolation, and one that stands still holds up no other;
//! - only IP addresses are dialled, private ones only on networks that were asked to be private: nobody is asked for a
//!   name, and no stranger's word leads us into our own house;
//! - nothing from the directory is believed or stored before its signature, key, revision and end are checked;
//! - an idle node sleeps: what waits, waits for an event or a long timer.

mod address;
mod budget;
mod circuit;
mod client;
mod clock;
mod directory;
mod known;
mod limits;
mod protocol;
mod random;
mod relay;
mod streams;
mod transport;

pub use address::{AddressError, ListenAddress, PeerAddress};
pub use client::{CircuitStatus, ClientConfig, Network, OpenError, StartError, Status, Stream, Ways};
pub use known::ClientState;
pub use limits::Limits;
pub use relay::{Relay, RelayConfig, RelayStatus, StartError as RelayStartError};
