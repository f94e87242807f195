//! A client listens nowhere. A process of its own, so that every socket in it is the client's.
#![cfg(target_os = "linux")]

use outis_net::{ClientConfig, ClientState, Limits, Network, Ways};
use std::{collections::HashSet, fs, net::TcpListener};

/// Inodes of the TCP sockets of this process that listen.
fn listening() -> HashSet<String> {
    let own: HashSet<String> = fs::read_dir("/proc/self/fd")
        .expect("proc")
        .filter_map(|entry| fs::read_link(entry.ok()?.path()).ok())
        .filter_map(|link| Some(link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned()))
        .collect();
    let tables =
        ["/proc/self/net/tcp", "/proc/self/net/tcp6"].map(|table| fs::read_to_string(table).unwrap_or_default());
    let listens = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        // The fourth field is the state, 0A for listening; the tenth the inode.
        (fields.get(3) == Some(&"0A")).then(|| fields.get(9).map(|inode| (*inode).to_owned()))?
    };
    tables
        .iter()
        .flat_map(|table| table.lines().filter_map(listens).collect::<Vec<_>>())
        .filter(|i| own.contains(i))
        .collect()
}

#[tokio::test]
async fn a_client_listens_nowhere() {
    let there = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!(
        "/ip4/127.0.0.1/tcp/{}/p2p/12D3KooWBmAwcd4PJNJvfV89HwE48nwkRmAgo8Vy3uQEyNNHBox2",
        there.local_addr().expect("bound").port()
    );
    assert_eq!(listening().len(), 1, "control: the check sees a socket that listens");
    let config = ClientConfig {
        network: "test".parse().expect("a name"),
        bootstrap: vec![address.parse().expect("an address")],
        state: ClientState::default(),
        own_relay: None,
        decoys: None,
        ways: Ways::default(),
        limits: Limits::client(),
    };
    let client = Network::start(config).expect("a client");
    there.set_nonblocking(true).expect("a socket");
    let there = tokio::net::TcpListener::from_std(there).expect("a socket");
    let (_dialled, _) = there.accept().await.expect("the client dials");
    assert_eq!(listening().len(), 1, "only ours");
    client.shutdown().await;
}
