//! Strangers who know where somebody's program can be reached, and knock.

use super::town::CANARIES;
use outis_tests::{
    canary::Needles,
    lab::{Lab, PORT, Recording, Traffic},
    process::{Person, Relay, Setting, folder},
};
use rand_chacha::ChaCha12Rng;
use rand_core::{Rng, SeedableRng};
use std::collections::BTreeSet;

#[tokio::test]
async fn a_thousand_probes_of_a_client_s_sockets_bring_back_no_packet() {
    let lab = Lab::of(&["r1", "r2", "r3", "alice", "mallory"]);
    let mut recording = Recording::start(&lab, Needles::default()).await;
    let mut known = Setting::default();
    let mut relays = Vec::new();
    // With QUIC alone: a client has sockets of UDP only where it dials that. (To knock at a port that TCP dialled from is
    // answered by the kernel.)
    for name in ["r1", "r2", "r3"] {
        let relay = Relay::start_with_quic_on(lab.host(name), &known).await;
        known.bootstrap.push(relay.address().to_owned());
        relays.push(relay);
    }
    let alice = Person::create_with(CANARIES[0], CANARIES[2], &known.on(lab.host("alice"))).await;
    alice
        .rpc()
        .until("a relay", async |rpc| {
            let status = rpc.call("network.status", serde_json::json!({})).await;
            (status["online"] == true).then_some(())
        })
        .await;
    let of_alice = recording.take().await.remove("alice").unwrap();
    let sockets: BTreeSet<u16> = of_alice
        .flows
        .keys()
        .filter(|flow| flow.over == "udp")
        .map(|flow| flow.local.port())
        .collect();
    assert!(!sockets.is_empty(), "she has sockets that could be knocked at");

    let folder = folder();
    let mallory = lab.host("mallory");
    for socket in &sockets {
        let each = 1_000 / sockets.len() + 1;
        mallory.send_all(
            &probes(each),
            folder.path(),
            (lab.host("alice").address(), *socket).into(),
        );
    }
    let (sent, received) = answered(recording.take().await.remove("alice").unwrap(), &lab);
    assert!(received >= 1_000, "{received} probes came to her link");
    assert_eq!(sent, 0, "and nothing went back");
    // She is there all the while, and the same probes of somebody who is there for strangers are answered.
    mallory.send_all(&probes(100), folder.path(), (lab.host("r1").address(), PORT).into());
    let relay = recording.take().await;
    let (answers, _) = answered(relay["r1"].clone(), &lab);
    assert!(answers > 0, "a relay answers who does not speak its version of QUIC");
    recording.end().await;
}

/// Packets that a host sent to Mallory, and got from there. (A kernel's own word that a port is closed is no program's.)
fn answered(traffic: Traffic, lab: &Lab) -> (u64, u64) {
    let mallory = lab.host("mallory").address();
    let flows = traffic
        .flows
        .iter()
        .filter(|(flow, _)| flow.over != "icmp" && flow.remote.ip() == mallory);
    flows.fold((0, 0), |(sent, received), (_, volume)| {
        (sent + volume.sent.0, received + volume.received.0)
    })
}

/// Noise, and what looks like the packets of QUIC (RFC 9000, section 17) in all their kinds but one: a few in a hundred Initial
/// packets of its own version are answered by a stateless reset, which quinn lets nobody turn off (docs/protocol/net.md).
fn probes(count: usize) -> Vec<Vec<u8>> {
    let mut rng = ChaCha12Rng::seed_from_u64(30);
    let kinds: [&[u8]; 6] = [
        b"",
        // A version that nobody has, and Version Negotiation itself.
        &[0xc3, 0x1a, 0x2a, 0x3a, 0x4a, 8],
        &[0xc3, 0, 0, 0, 0, 8],
        // Version 1: 0-RTT and Handshake, of no connection.
        &[0xd3, 0, 0, 0, 1, 8],
        &[0xe3, 0, 0, 0, 1, 8],
        // A short header, as in the middle of a connection.
        &[0x43],
    ];
    let probe = |nth: usize| {
        let mut probe = kinds[nth % kinds.len()].to_vec();
        let length = [1_200, 1_350, 60, 21][nth / kinds.len() % 4];
        probe.resize(length.max(probe.len()), 0);
        let header = kinds[nth % kinds.len()].len();
        rng.fill_bytes(&mut probe[header..]);
        probe
    };
    (0..count).map(probe).collect()
}
