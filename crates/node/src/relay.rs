//! `outis node`: a relay.

use crate::{arguments::Node, metrics, stop::Stop};
use outis_app::{Error, Relay, RelayConfig};
use std::io::Write;

/// Runs until a signal asks to stop.
pub(crate) async fn run(arguments: Node) -> Result<(), Error> {
    let mut stop = Stop::listen().map_err(Error::internal)?;
    let limits = RelayConfig::listening(&arguments.listen)?.with_limits(arguments.storage_quota, arguments.bandwidth);
    let relay = Relay::start(
        &arguments.data_dir,
        &arguments.network.network,
        &arguments.network.bootstrap,
        limits,
    )
    .await?;
    let metrics = match arguments.metrics {
        Some(address) => Some(metrics::serve(address, relay.clone()).await.map_err(Error::internal)?),
        None => None,
    };
    say_ready(&relay).map_err(Error::internal)?;
    stop.asked().await;
    if let Some(metrics) = metrics {
        metrics.abort();
    }
    relay.shutdown().await;
    Ok(())
}

fn say_ready(relay: &Relay) -> std::io::Result<()> {
    let ready = serde_json::json!({
        "ready": true,
        "node_id": relay.node_id(),
        "addresses": relay.addresses(),
    });
    let mut output = std::io::stdout().lock();
    writeln!(output, "{ready}")?;
    output.flush()
}
