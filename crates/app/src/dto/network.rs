//! `network.*`

use outis_wire::Purpose;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A relay's address.
#[derive(Debug, Clone, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub struct AddPeer {
    /// A multiaddress with the relay's id: `/ip4/…/udp/…/quic-v1/p2p/12D3KooW…`.
    pub address: String,
}

/// How we are connected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct NetworkStatus {
    /// Whether a relay answers.
    pub online: bool,
    /// The client's id, a fresh one at each start; empty while locked.
    pub node_id: String,
    /// Relays we are connected with.
    pub peers: u64,
    /// Relays we could use.
    pub relays_known: u64,
    /// Whether those are too few for circuits: then nothing is sent, and nothing goes another way.
    pub too_few_relays: bool,
    /// Relays that keep queues of ours.
    pub mailboxes: Vec<MailboxStatus>,
    /// Ways through the network.
    pub circuits: Vec<CircuitStatus>,
    /// First relays of all our circuits.
    pub guards: Vec<String>,
    /// What this machine does for others.
    pub relay: RelayStatus,
    /// Received since the account was unlocked.
    pub bytes_in: u64,
    /// Sent since then.
    pub bytes_out: u64,
}

/// A relay that keeps queues of ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct MailboxStatus {
    /// The relay.
    pub node_id: String,
    /// Whether it answers.
    pub healthy: bool,
}

/// A way through the network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct CircuitStatus {
    /// Its number.
    pub id: String,
    /// What it is for: `mailbox`, `directory` or `file`; `spare` if it waits to be used.
    pub purpose: String,
    /// The relays before the endpoint.
    pub hops: Vec<String>,
    /// How long building it took.
    pub built_ms: u64,
}

impl From<outis_net::CircuitStatus> for CircuitStatus {
    fn from(circuit: outis_net::CircuitStatus) -> Self {
        let outis_net::CircuitStatus {
            id,
            purpose,
            hops,
            built,
        } = circuit;
        let purpose = match purpose {
            Some(Purpose::Mailbox) => "mailbox",
            Some(Purpose::Directory) => "directory",
            Some(Purpose::File) => "file",
            None => "spare",
        };
        Self {
            id: id.to_string(),
            purpose: purpose.to_owned(),
            hops: hops.iter().map(ToString::to_string).collect(),
            built_ms: u64::try_from(built.as_millis()).unwrap_or(u64::MAX),
        }
    }
}

/// The relay on this machine.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, TS)]
pub struct RelayStatus {
    /// Whether it runs.
    pub on: bool,
    /// Its id, which has nothing to do with any account.
    pub node_id: Option<String>,
    /// Where it listens.
    pub listening: Vec<String>,
    /// `off`, `private` or `unknown`: whether others can reach it.
    pub reachability: String,
}
