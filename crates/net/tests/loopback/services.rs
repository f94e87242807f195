//! What relays do for clients.

use crate::support::{client, open, relay, relay_config, soon, try_open};
use futures::{AsyncReadExt, AsyncWriteExt, future::join};
use outis_mailbox::{
    MemoryShelf,
    directory::Directory,
    rendezvous::{Cookie, join as meet},
};
use outis_net::{ListenAddress, OpenError, Relay, RelayConfig, RelayStartError};
use outis_onion::Link;
use outis_wire::Service;
use std::sync::Arc;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_streams_with_one_cookie_are_joined_and_carry_bytes_both_ways() {
    let relay = relay(&[]).await;
    let (ada, bob) = (client(&relay.addresses()).await, client(&relay.addresses()).await);
    let cookie = Cookie([5; 32]);
    let mut one = open(&ada, relay.node(), Service::Rendezvous).await;
    let mut other = open(&bob, relay.node(), Service::Rendezvous).await;
    let (first, second) = soon(join(meet(&mut one, &cookie), meet(&mut other, &cookie))).await;
    first.expect("joined");
    second.expect("joined");

    let sent: Vec<u8> = (0..3_000_000u32).map(|n| (n % 251) as u8).collect();
    let (there, back) = (sent.clone(), sent.iter().rev().copied().collect::<Vec<_>>());
    let (mut from_one, mut to_one) = one.split();
    let (mut from_other, mut to_other) = other.split();
    let send_there = async {
        to_one.write_all(&there).await.expect("written");
        to_one.close().await.expect("closed");
    };
    let send_back = async {
        to_other.write_all(&back).await.expect("written");
        to_other.close().await.expect("closed");
    };
    let (mut got_there, mut got_back) = (Vec::new(), Vec::new());
    let ((), (), there_read, back_read) = soon(async {
        futures::join!(
            send_there,
            send_back,
            from_other.read_to_end(&mut got_there),
            from_one.read_to_end(&mut got_back)
        )
    })
    .await;
    there_read.expect("read");
    back_read.expect("read");
    eprintln!(
        "LENS {} {} first diffs {:?} {:?}",
        got_there.len(),
        got_back.len(),
        got_there.iter().zip(&sent).position(|(a, b)| a != b),
        got_back.iter().zip(&back).position(|(a, b)| a != b)
    );
    assert!(got_there == sent && got_back == back);
    assert_eq!(relay.status().bytes_carried, 6_000_000);
    soon(ada.shutdown()).await;
    soon(bob.shutdown()).await;
    soon(relay.shutdown()).await;
}

/// R10, in its short form: noise on every port does no harm, in pieces or at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn garbage_on_every_port_does_no_harm() {
    let relay = relay(&[]).await;
    for address in relay.addresses() {
        let noise: Vec<Vec<u8>> = noise();
        match address.at.link {
            Link::Tcp => {
                for bytes in noise {
                    let mut stream = tokio::net::TcpStream::connect(address.at.socket)
                        .await
                        .expect("connected");
                    // The relay may hang up at any point.
                    let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, &bytes).await;
                    let _ = tokio::io::AsyncWriteExt::shutdown(&mut stream).await;
                    let mut answer = Vec::new();
                    let _ = soon(tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut answer)).await;
                }
            }
            Link::Quic => {
                let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await.expect("a socket");
                for bytes in noise {
                    let datagram = bytes.get(..1_400).unwrap_or(&bytes);
                    let _ = socket.send_to(datagram, address.at.socket).await;
                }
            }
        }
    }
    let client = client(&relay.addresses()).await;
    for service in [Service::Mailbox, Service::Directory, Service::Rendezvous] {
        let mut stream = open(&client, relay.node(), service).await;
        for bytes in noise() {
            if stream.write_all(&bytes).await.is_err() {
                break;
            }
        }
        let _ = stream.close().await;
        let mut answer = Vec::new();
        let _ = soon(stream.read_to_end(&mut answer)).await;
    }
    let mut directory = Directory::new(open(&client, relay.node(), Service::Directory).await);
    soon(directory.sample(1)).await.expect("it serves as before");
    soon(client.shutdown()).await;
    soon(relay.shutdown()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_and_opens_fail_when_the_network_is_left() {
    let relay = relay(&[]).await;
    let client = client(&relay.addresses()).await;
    let mut stream = open(&client, relay.node(), Service::Mailbox).await;
    soon(client.shutdown()).await;
    let mut rest = Vec::new();
    // A greeting of the mailbox may have come first.
    let _ = soon(stream.read_to_end(&mut rest)).await;
    let after = try_open(&client, relay.node(), Service::Mailbox).await;
    assert!(matches!(after, Err(OpenError::Closed)), "{after:?}");
    soon(relay.shutdown()).await;
    soon(relay.shutdown()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_that_was_restarted_is_reached_again_at_the_same_place() {
    let shelf = Arc::new(MemoryShelf::default());
    let first = Relay::start(relay_config(Arc::clone(&shelf) as _, &[]))
        .await
        .expect("a relay");
    let client = client(&first.addresses()).await;
    drop(open(&client, first.node(), Service::Directory).await);
    let listen = first
        .addresses()
        .iter()
        .map(|address| ListenAddress(address.at))
        .collect();
    soon(first.shutdown()).await;
    drop(first);
    let again = Relay::start(RelayConfig {
        listen,
        ..relay_config(shelf, &[])
    })
    .await
    .expect("the ports are free again");
    soon(async {
        while try_open(&client, again.node(), Service::Directory).await.is_err() {
            // It is left alone for a moment after a failure.
            tokio::task::yield_now().await;
        }
    })
    .await;
    soon(client.shutdown()).await;
    soon(again.shutdown()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_that_is_taken_is_an_error() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let at = format!("/ip4/{}/tcp/{}", "127.0.0.1", taken.local_addr().expect("bound").port());
    let listen = vec![at.parse().expect("an address")];
    let config = RelayConfig {
        listen,
        ..relay_config(Arc::new(MemoryShelf::default()), &[])
    };
    assert!(matches!(
        Relay::start(config).await,
        Err(RelayStartError::Listen { .. })
    ));
}

/// The same at each run: nothing, bytes that count up, what looks like the beginning of something, and a lot.
fn noise() -> Vec<Vec<u8>> {
    let long = (0..100_000u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    vec![
        Vec::new(),
        (0..=255).collect(),
        b"\x13/multistream/1.0.0\n\xff\xff\xff\xff\xff\xff\xff\xff".to_vec(),
        vec![0xff; 64],
        vec![0xc0, 0, 0, 0, 1, 8, 1, 2, 3, 4, 5, 6, 7, 8],
        long,
    ]
}
