//! How fast a rendezvous carries bytes on this machine: relay and both ends in one process, over loopback.
//!
//! `cargo run --release -p outis-net --example rendezvous_rate -- [MiB] [udp|tcp]`

use futures::{AsyncReadExt, AsyncWriteExt, future::join};
use outis_mailbox::{
    MemoryShelf,
    rendezvous::{Cookie, join as meet},
};
use outis_net::{ClientConfig, ClientState, Limits, Network, PeerAddress, Relay, RelayConfig, Ways};
use outis_wire::{Destination, Isolation, NetworkName, Purpose, Service};
use std::{error::Error, sync::Arc, time::Instant};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let mebibytes: usize = arguments.next().map_or(Ok(512), |text| text.parse())?;
    let listen = match arguments.next().as_deref() {
        Some("tcp") => "/ip4/127.0.0.1/tcp/0",
        _ => "/ip4/127.0.0.1/udp/0/quic-v1",
    };
    let network: NetworkName = "test-rate".parse()?;
    let relay = Relay::start(RelayConfig {
        network: network.clone(),
        listen: vec![listen.parse()?],
        bootstrap: Vec::new(),
        shelf: Arc::new(MemoryShelf::default()),
        mailbox: outis_mailbox::Limits::new(&network, 1 << 20),
        directory_quota: 1 << 20,
        limits: Limits::relay(),
    })
    .await?;
    let client = |bootstrap: Vec<PeerAddress>| {
        Network::start(ClientConfig {
            network: network.clone(),
            bootstrap,
            state: ClientState::default(),
            own_relay: None,
            decoys: None,
            ways: Ways::dangerously_direct(&network).unwrap_or_default(),
            limits: Limits::client(),
        })
    };
    let (ada, bob) = (client(relay.addresses())?, client(relay.addresses())?);
    let to = Destination {
        node: relay.node(),
        service: Service::Rendezvous,
    };
    let mut one = ada.open(to, Purpose::File, Isolation([1; 32])).await?;
    let mut other = bob.open(to, Purpose::File, Isolation([2; 32])).await?;
    let cookie = Cookie([5; 32]);
    let (first, second) = join(meet(&mut one, &cookie), meet(&mut other, &cookie)).await;
    first?;
    second?;

    let started = Instant::now();
    let send = async move {
        let block = vec![7; 64 * 1024];
        for _ in 0..mebibytes * 16 {
            one.write_all(&block).await?;
        }
        one.close().await?;
        let mut end = Vec::new();
        one.read_to_end(&mut end).await
    };
    let receive = async move {
        let mut block = vec![0; 64 * 1024];
        let mut received = 0;
        loop {
            match other.read(&mut block).await? {
                0 => break,
                length => received += length,
            }
        }
        other.close().await?;
        Ok::<_, std::io::Error>(received)
    };
    let (sent, received) = join(tokio::spawn(send), tokio::spawn(receive)).await;
    sent??;
    let seconds = started.elapsed().as_secs_f64();
    let rate = received?? as f64 / seconds / 1e6;
    let report = format!("{mebibytes} MiB over {listen} in {seconds:.2} s: {rate:.0} MB/s\n");
    tokio::io::AsyncWriteExt::write_all(&mut tokio::io::stdout(), report.as_bytes()).await?;
    ada.shutdown().await;
    bob.shutdown().await;
    relay.shutdown().await;
    Ok(())
}
