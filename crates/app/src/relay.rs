//! A relay: what `outis node` runs, and what a person may lend to the network.

use crate::{Config, Error, ErrorCode, RelayConfig, dto::RelayStatus, shelf::DiskShelf};
use outis_net::{Limits, RelayStartError};
use outis_vault::{RelayStore, RelayStoreError};
use outis_wire::NodeId;
use std::{path::Path, sync::Arc};

/// A running relay. Clones are handles to the same.
#[derive(Clone)]
pub struct Relay(Arc<outis_net::Relay>);

impl Relay {
    /// Starts a relay that keeps what it keeps under `dir`, and returns when it listens.
    ///
    /// # Errors
    /// `invalid_address` and `invalid_params` for what was typed wrong, `container_in_use` if another relay runs on `dir`,
    /// `container_damaged`, `disk_full`, and `internal` for addresses that cannot be listened on.
    pub async fn start(dir: &Path, network: &str, bootstrap: &[String], relay: RelayConfig) -> Result<Self, Error> {
        Self::start_configured(&Config::new(dir.to_owned(), network, bootstrap)?, &relay).await
    }

    pub(crate) async fn start_configured(config: &Config, relay: &RelayConfig) -> Result<Self, Error> {
        let folder = config.data_dir.join("relay");
        let store = tokio::task::spawn_blocking(move || RelayStore::open(&folder))
            .await
            .map_err(Error::internal)??;
        // A tenth is for records of the directory, the rest for mail.
        let live = live_within(relay.storage_quota);
        let directory_quota = live / 10;
        let config = outis_net::RelayConfig {
            network: config.network.clone(),
            listen: relay.listen.clone(),
            bootstrap: config.bootstrap.clone(),
            shelf: Arc::new(DiskShelf::new(Arc::new(store))),
            mailbox: outis_mailbox::Limits::new(&config.network, live - directory_quota),
            directory_quota,
            limits: Limits {
                bandwidth: Some(relay.bandwidth),
                ..Limits::relay()
            },
        };
        Ok(Self(Arc::new(outis_net::Relay::start(config).await?)))
    }

    /// Its id, which has nothing to do with any account.
    pub fn node_id(&self) -> String {
        self.node().to_string()
    }

    /// Where it listens, as others can dial it.
    pub fn addresses(&self) -> Vec<String> {
        self.0.addresses().iter().map(ToString::to_string).collect()
    }

    /// Sums, for whoever runs it: names and values.
    pub fn counters(&self) -> Vec<(&'static str, u64)> {
        let outis_net::RelayStatus {
            connections,
            streams,
            refused_streams,
            refused_connections,
            bytes_in,
            bytes_out,
            bytes_carried,
            circuits,
            refused_circuits,
            ended_circuits,
            held,
            cells,
            relays_known,
            stored,
            reserved,
        } = self.0.status();
        vec![
            ("connections", connections as u64),
            ("streams", streams as u64),
            ("refused_streams_total", refused_streams),
            ("refused_connections_total", refused_connections),
            ("bytes_in_total", bytes_in),
            ("bytes_out_total", bytes_out),
            ("bytes_carried_total", bytes_carried),
            ("circuits", circuits as u64),
            ("refused_circuits_total", refused_circuits),
            ("ended_circuits_total", ended_circuits),
            ("held_bytes", held as u64),
            ("cells_total", cells),
            ("relays_known", relays_known as u64),
            ("stored_bytes", stored),
            ("reserved_bytes", reserved),
        ]
    }

    /// Stops, with everything written.
    pub async fn shutdown(&self) {
        self.0.shutdown().await;
    }

    pub(crate) fn node(&self) -> NodeId {
        self.0.node()
    }

    pub(crate) fn shown(&self) -> RelayStatus {
        RelayStatus {
            on: true,
            node_id: Some(self.node_id()),
            listening: self.addresses(),
            reachability: if self.0.is_announced() { "announced" } else { "unknown" }.to_owned(),
        }
    }
}

impl From<RelayStoreError> for Error {
    fn from(error: RelayStoreError) -> Self {
        let code = match error {
            RelayStoreError::InUse => ErrorCode::ContainerInUse,
            RelayStoreError::TooLarge => ErrorCode::TooLarge,
            RelayStoreError::DiskFull => ErrorCode::DiskFull,
            RelayStoreError::Damaged => ErrorCode::ContainerDamaged,
            RelayStoreError::Lost | RelayStoreError::Io(_) => return Self::internal(error),
        };
        Self::new(code, error)
    }
}

impl From<RelayStartError> for Error {
    fn from(error: RelayStartError) -> Self {
        match error {
            RelayStartError::Listen { .. } => Self::new(ErrorCode::InvalidAddress, error),
            RelayStartError::Damaged(_) => Self::new(ErrorCode::ContainerDamaged, error),
            other => Self::internal(other),
        }
    }
}

/// How much may be kept so that the disk gives no more than `quota`, at any moment: the store keeps old versions for a while,
/// and while it is written anew it stands there twice. It holds from 256 MiB on.
fn live_within(quota: u64) -> u64 {
    (quota.saturating_sub(BESIDE) / COPIES).max(quota / 8)
}

/// What the store may take whatever is in it, its two journals among that.
const BESIDE: u64 = 128 * 1024 * 1024;
/// What it may take for each byte in it (3.5 were measured).
const COPIES: u64 = 4;

#[cfg(test)]
mod tests;
