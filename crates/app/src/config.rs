//! What an [`App`](crate::App) is started with.

use crate::{Error, ErrorCode};
use outis_crypto::password::Cost;
use outis_net::{ListenAddress, PeerAddress};
use outis_wire::NetworkName;
use std::path::PathBuf;

/// Where containers are, which network, and what this machine does for it.
#[derive(Debug, Clone)]
pub struct Config {
    pub(crate) data_dir: PathBuf,
    pub(crate) network: NetworkName,
    pub(crate) bootstrap: Vec<PeerAddress>,
    pub(crate) relay: Option<RelayConfig>,
    pub(crate) costs: Costs,
}

impl Config {
    /// A client only, with relays to begin with.
    ///
    /// # Errors
    /// `invalid_params` for a bad name of a network, `invalid_address` for a bad multiaddress.
    pub fn new(data_dir: PathBuf, network: &str, bootstrap: &[String]) -> Result<Self, Error> {
        let network = network
            .parse()
            .map_err(|error| Error::new(ErrorCode::InvalidParams, error))?;
        let bootstrap = bootstrap
            .iter()
            .map(|text| peer_address(text))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            data_dir,
            network,
            bootstrap,
            relay: None,
            costs: Costs::REAL,
        })
    }

    /// The same, also running a relay.
    #[must_use]
    pub fn with_relay(self, relay: Option<RelayConfig>) -> Self {
        Self { relay, ..self }
    }

    /// The same with key derivation that protects nothing, for tests and for accounts that live as long as a process.
    #[must_use]
    pub fn dangerously_cheap(self) -> Self {
        Self {
            costs: Costs::CHEAP,
            ..self
        }
    }
}

/// What key derivation costs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Costs {
    pub(crate) account: Cost,
    pub(crate) container: Cost,
}

impl Costs {
    pub(crate) const REAL: Self = Self {
        account: Cost::ACCOUNT,
        container: Cost::CONTAINER,
    };
    pub(crate) const CHEAP: Self = Self {
        account: Cost::dangerously_cheap(),
        container: Cost::dangerously_cheap(),
    };
}

/// What a relay is started with.
#[derive(Debug, Clone)]
pub struct RelayConfig {
    pub(crate) listen: Vec<ListenAddress>,
    pub(crate) storage_quota: u64,
    pub(crate) bandwidth: u64,
}

impl RelayConfig {
    /// Listens at these multiaddresses (or at any free port of every address), keeps up to 1 GiB and passes on up to 10 MB
    /// a second.
    ///
    /// # Errors
    /// `invalid_address` for what is not a multiaddress to listen at.
    pub fn listening(listen: &[String]) -> Result<Self, Error> {
        let everywhere = EVERYWHERE.map(str::to_owned);
        let listen = if listen.is_empty() { &everywhere } else { listen };
        let parse = |text: &String| {
            text.parse()
                .map_err(|error| Error::new(ErrorCode::InvalidAddress, error))
        };
        Ok(Self {
            listen: listen.iter().map(parse).collect::<Result<_, _>>()?,
            storage_quota: 1 << 30,
            bandwidth: 10_000_000,
        })
    }

    /// The same with other limits: bytes, and bytes a second.
    #[must_use]
    pub fn with_limits(self, storage_quota: u64, bandwidth: u64) -> Self {
        Self {
            storage_quota,
            bandwidth,
            ..self
        }
    }
}

/// Any free port of every address.
const EVERYWHERE: [&str; 4] = [
    "/ip4/0.0.0.0/udp/0/quic-v1",
    "/ip4/0.0.0.0/tcp/0",
    "/ip6/::/udp/0/quic-v1",
    "/ip6/::/tcp/0",
];

/// A relay's multiaddress, as a person typed it.
pub(crate) fn peer_address(text: &str) -> Result<PeerAddress, Error> {
    text.trim()
        .parse()
        .map_err(|error| Error::new(ErrorCode::InvalidAddress, error))
}
