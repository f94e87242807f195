//! Garbage on every port of a relay, and peers that say nothing or too much.

use outis_tests::process::{Person, Relay, Setting};
use rand_chacha::ChaCha12Rng;
use rand_core::{Rng, SeedableRng};
use std::{net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, UdpSocket},
    time,
};

#[tokio::test]
async fn relays_that_are_fed_garbage_on_every_port_live_on_and_serve() {
    let mut relays = Relay::six().await;
    let mut rng = ChaCha12Rng::seed_from_u64(42);
    let mut silent = Vec::new();
    let mut ports = 0;
    for relay in &relays {
        for address in relay.addresses() {
            ports += 1;
            match Port::of(address) {
                Port::Udp(at) => datagrams(at, &mut rng).await,
                Port::Tcp(at) => {
                    streams(at, &mut rng).await;
                    // These stay to the end of the story and never say a word.
                    for _ in 0..16 {
                        silent.push(TcpStream::connect(at).await.unwrap());
                    }
                }
            }
        }
    }
    assert!(ports >= 12, "each relay listens on QUIC and on TCP");
    let (alice, bob) = Person::two_contacts(&Setting::among(&relays)).await;
    alice.say(&bob, "Can you hear me?").await;
    bob.say(&alice, "Clearly.").await;
    for relay in &mut relays {
        assert!(relay.is_running(), "a relay has ended");
    }
}

enum Port {
    Udp(SocketAddr),
    Tcp(SocketAddr),
}

impl Port {
    fn of(address: &str) -> Self {
        let parts: Vec<&str> = address.split('/').collect();
        let at = |ip: &str, port: &str| SocketAddr::new(ip.parse().unwrap(), port.parse().unwrap());
        match parts[..] {
            ["", "ip4" | "ip6", ip, "udp", port, ..] => Self::Udp(at(ip, port)),
            ["", "ip4" | "ip6", ip, "tcp", port, ..] => Self::Tcp(at(ip, port)),
            _ => panic!("an address of another kind: {address}"),
        }
    }
}

/// Datagrams of all sizes: noise, and what begins as QUIC does.
async fn datagrams(to: SocketAddr, rng: &mut ChaCha12Rng) {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    for number in 0..600_usize {
        let mut datagram = noise(rng, number * 3);
        if number % 2 == 0 && datagram.len() > 16 {
            // A long header, version 1, an initial packet with ids of 8 bytes.
            datagram[..6].copy_from_slice(&[0xc3, 0, 0, 0, 1, 8]);
        }
        socket.send_to(&datagram, to).await.unwrap();
    }
}

/// Connections that send noise, the beginning of the real thing, a length that promises too much, or a flood.
async fn streams(to: SocketAddr, rng: &mut ChaCha12Rng) {
    const SELECT: &[u8] = b"\x13/multistream/1.0.0\n";
    let openings = [
        noise(rng, 1),
        noise(rng, 4_000),
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec(),
        SELECT.to_vec(),
        [SELECT, b"\x07/noise\n"].concat(),
        [SELECT, b"\x07/noise\n", &noise(rng, 60_000)].concat(),
        [SELECT, b"\x07/noise\n\xff\xff", &noise(rng, 66_000)].concat(),
        [SELECT, b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", &noise(rng, 1_000)].concat(),
        [SELECT, &b"\x03ls\n".repeat(10_000)].concat(),
        noise(rng, 8 << 20),
    ];
    for opening in openings {
        let mut stream = TcpStream::connect(to).await.unwrap();
        let mut answer = [0; 1_024];
        let (mut reading, mut writing) = stream.split();
        // It may hang up in the middle, and may as well wait for more.
        let talk = async {
            let _ = writing.write_all(&opening).await;
            while matches!(reading.read(&mut answer).await, Ok(1..)) {}
        };
        let _ = time::timeout(Duration::from_millis(200), talk).await;
    }
}

fn noise(rng: &mut ChaCha12Rng, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    rng.fill_bytes(&mut bytes);
    bytes
}
