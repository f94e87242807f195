//! Counters for [Prometheus](https://prometheus.io/docs/instrumenting/exposition_formats/), where `--metrics` asks for them.
//!
//! Sums only: nothing here tells one client, queue or message from another.

use outis_app::Relay;
use std::{io, net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
    time,
};

/// Answers whoever connects, one at a time, whatever is asked.
pub(crate) async fn serve(address: SocketAddr, relay: Relay) -> io::Result<JoinHandle<()>> {
    let listener = TcpListener::bind(address).await?;
    Ok(tokio::spawn(async move {
        loop {
            if let Ok((stream, _)) = listener.accept().await {
                // Whoever is slow or leaves gets nothing; the next one is served.
                let _ = time::timeout(PATIENCE, answer(stream, &relay)).await;
            }
        }
    }))
}

async fn answer(mut stream: TcpStream, relay: &Relay) -> io::Result<()> {
    let mut request = [0; 1_024];
    let _ = stream.read(&mut request).await?;
    let body: String = relay
        .counters()
        .into_iter()
        .map(|(name, value)| format!("# TYPE outis_{name} gauge\noutis_{name} {value}\n"))
        .collect();
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    stream.shutdown().await
}

const PATIENCE: Duration = Duration::from_secs(2);
