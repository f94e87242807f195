//! The laboratory itself: what is planted is seen, and what is seen is judged rightly.

use outis_tests::{
    canary::Needles,
    lab::{
        Atlas, Datagram, Flow, Kind, Lab, PORT, Packet, Reader, Recording, Role, Traffic, Volume, Way, address_needles,
        beyond_guards,
    },
};
use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    process::Stdio,
};

#[tokio::test]
async fn whatever_is_planted_on_a_link_is_seen_and_judged() {
    let lab = Lab::of(&["relay", "ada", "ben"]);
    let atlas = Atlas::of(&lab, &["ada", "ben"]);
    let [relay, ada, ben] = ["relay", "ada", "ben"].map(|name| lab.host(name));
    let mut needles = Needles::default();
    address_needles(&mut needles, "ada's address", ada.address(), &BTreeSet::new());
    let mut recording = Recording::start(&lab, needles).await;
    let at = |host: &str, port: u16| SocketAddr::new(host.parse().unwrap(), port);
    let [of_relay, of_ada, of_ben] = [relay, ada, ben].map(|host| host.address().to_string());

    ada.plant(at(&of_relay, PORT), "hello");
    let seen = recording.take().await;
    assert_eq!(
        atlas.strays("ada", &seen["ada"]),
        BTreeSet::new(),
        "a relay's socket is no stray"
    );
    assert_eq!(atlas.strays("relay", &seen["relay"]), BTreeSet::new());
    assert_eq!(atlas.met(&seen["ada"]), names(&["relay"]));
    assert_eq!(atlas.met(&seen["relay"]), names(&["ada"]), "both ends see it");
    assert_eq!(atlas.met(&seen["ben"]), BTreeSet::new(), "and nobody else does");

    for (to, what) in [
        (at("9.9.9.9", 53), "DNS"),
        (at("224.0.0.251", 5353), "mDNS"),
        (at("239.255.255.250", 1900), "SSDP"),
        (at("74.125.250.129", 19302), "STUN"),
        (at("93.184.216.34", 443), "HTTP"),
        (at("67.215.246.10", 6881), "Mainline"),
        (at(&of_ben, 5000), "ben"),
        (at(&of_ada, 5000), "ada and ada"),
        (at("127.0.0.1", 5000), "its own address"),
        (at(&of_relay, PORT + 1), "relay"),
    ] {
        ada.plant(to, "planted");
        let seen = recording.take().await;
        let strays = atlas.strays("ada", &seen["ada"]);
        assert!(strays.iter().any(|stray| stray.contains(what)), "{to}: {strays:?}");
    }
    ada.plant(at(&of_ben, PORT), "planted");
    let seen = recording.take().await;
    assert_eq!(
        atlas.people_met(&seen["ada"]),
        names(&["ben"]),
        "also where a relay would listen"
    );
    assert_eq!(atlas.people_met(&seen["ben"]), names(&["ada"]));

    ada.plant(at(&of_relay, PORT), &format!("I am at {of_ada}, come over"));
    let strays = atlas.strays("ada", &recording.take().await["ada"]);
    assert!(
        strays.iter().any(|stray| stray.contains("in a payload: ada's address")),
        "{strays:?}"
    );

    let mut connecting = tokio::process::Command::from(ada.inside().command("bash"));
    connecting
        .args(["-c", "exec 3<>/dev/tcp/93.184.216.34/80"])
        .stderr(Stdio::null());
    let mut connecting = connecting.kill_on_drop(true).spawn().unwrap();
    loop {
        let strays = atlas.strays("ada", &recording.take().await["ada"]);
        if strays
            .iter()
            .any(|stray| stray.contains("tcp") && stray.contains("HTTP"))
        {
            break;
        }
        assert!(
            connecting.try_wait().unwrap().is_none(),
            "it tries for minutes: {strays:?}"
        );
    }
    connecting.kill().await.unwrap();
    recording.end().await;
}

#[test]
fn a_recording_in_pieces_of_any_size_is_the_same_recording() {
    let (from, to) = (socket(7, 4000), socket(8, PORT));
    let recording: Vec<u8> = [
        frame(0x0800, &ipv4(17, from, to, &[], b"over udp")),
        frame(0x0800, &ipv4(6, to, from, &[0x50, 0x10, 0, 0, 0, 0, 0, 0], b"over tcp")),
        frame(0x0806, &[0; 28]),
        frame(
            0x86dd,
            &[&[0x60, 0, 0, 0, 0, 8, 58, 255][..], &[0; 32], &[135, 0, 0, 0]].concat(),
        ),
        frame(0x0800, &icmp(to, from)),
        frame(0x88cc, &[1, 2, 3]),
    ]
    .concat();
    let whole = Reader::of(from.ip()).push(&recording);
    let datagram = |over, from, to, payload: &[u8]| {
        Kind::Datagram(Datagram {
            over,
            from,
            to,
            payload: payload.to_vec(),
        })
    };
    let unreachable = Kind::Unreachable {
        from: to.ip(),
        to: from.ip(),
    };
    let expected = [
        (Way::Out, datagram("udp", from, to, b"over udp")),
        (Way::In, datagram("tcp", to, from, b"over tcp")),
        (Way::In, Kind::Neighbours),
        (Way::In, Kind::Neighbours),
        (Way::In, unreachable),
        (Way::In, Kind::Other("an Ethernet frame of type 0x88cc".to_owned())),
    ];
    assert_eq!(whole, expected.map(|(way, kind)| Packet { way, kind }));
    for size in 1..60 {
        let mut reader = Reader::of(from.ip());
        let pieces: Vec<Packet> = recording.chunks(size).flat_map(|piece| reader.push(piece)).collect();
        assert_eq!(pieces, whole, "in pieces of {size}");
    }
}

#[test]
fn what_is_not_understood_counts_as_a_stray() {
    let mut fragment = ipv4(17, socket(7, 4000), socket(8, PORT), &[], b"the beginning");
    fragment[6] = 0x20;
    let strange = ipv4(47, socket(7, 0), socket(8, 0), &[], b"a tunnel");
    let recording = [frame(0x0800, &fragment), frame(0x0800, &strange), frame(0x8863, b"??")].concat();
    let mut traffic = Traffic::default();
    for packet in Reader::of(socket(7, 0).ip()).push(&recording) {
        traffic.add(&packet, &Needles::default());
    }
    assert_eq!(town().strays("ada", &traffic).len(), 3);
}

#[test]
fn each_rule_catches_what_it_is_for_and_nothing_else() {
    let town = town();
    let seen = |flows: &[(&'static str, SocketAddr, SocketAddr)]| Traffic {
        flows: flows
            .iter()
            .map(|(over, local, remote)| {
                (
                    Flow {
                        over,
                        local: *local,
                        remote: *remote,
                    },
                    Volume::default(),
                )
            })
            .collect(),
        ..Traffic::default()
    };
    let (ada, ben, relay, other) = (socket(7, 4000), socket(9, 4000), socket(8, PORT), socket(10, PORT));
    for (host, over, local, remote) in [
        ("ada", "udp", ada, relay),
        ("ada", "tcp", ada, other),
        ("ada", "icmp", socket(7, 0), socket(8, 0)),
        ("relay", "udp", relay, ada),
        ("relay", "tcp", socket(8, 55_555), other),
        ("relay", "udp", relay, socket(10, 55_555)),
    ] {
        assert_eq!(
            town.strays(host, &seen(&[(over, local, remote)])),
            BTreeSet::new(),
            "{local} {remote}"
        );
    }
    for (host, over, local, remote) in [
        ("ada", "udp", ada, ben),
        ("ada", "icmp", socket(7, 0), socket(9, 0)),
        ("ada", "udp", ada, socket(8, 53)),
        ("ada", "udp", ada, socket(77, PORT)),
        ("ada", "udp", relay, other),
        ("relay", "udp", socket(8, 55_555), ada),
        ("relay", "tcp", socket(8, 55_555), socket(10, 80)),
        ("relay", "udp", relay, socket(8, 4321)),
    ] {
        assert_eq!(
            town.strays(host, &seen(&[(over, local, remote)])).len(),
            1,
            "{local} {remote}"
        );
    }

    let met = town.met(&seen(&[("udp", ada, relay), ("udp", ada, other)]));
    assert_eq!(met, names(&["other", "relay"]));
    let two = names(&["other", "relay"]);
    assert_eq!(beyond_guards(&met, &two, 0), BTreeSet::new());
    assert_eq!(beyond_guards(&met, &names(&["relay"]), 0), names(&["other"]));
    assert_eq!(beyond_guards(&met, &names(&["relay"]), 1), BTreeSet::new());
    let three = names(&["a", "b", "c"]);
    assert_eq!(
        beyond_guards(&three, &three, 0),
        names(&["c"]),
        "three guards are one too many"
    );
}

/// Ada (7) and Ben (9), and two relays (8 and 10).
fn town() -> Atlas {
    let host = |last: u8, name: &str, role| (name.to_owned(), Ipv4Addr::new(31, 100, 7, last), role);
    Atlas::new([
        host(7, "ada", Role::Person),
        host(8, "relay", Role::Relay),
        host(9, "ben", Role::Person),
        host(10, "other", Role::Relay),
    ])
}

fn names(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn socket(last: u8, port: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(31, 100, 7, last)), port)
}

/// A frame of this type behind its length.
fn frame(kind: u16, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(14 + body.len()).unwrap();
    [&length.to_be_bytes()[..], &[0; 12], &kind.to_be_bytes(), body].concat()
}

/// Ports first, as in every transport; then what stands between them and the payload (TCP: eight bytes of numbers and these).
fn ipv4(protocol: u8, from: SocketAddr, to: SocketAddr, rest: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut body = [from.port().to_be_bytes(), to.port().to_be_bytes()].concat();
    body.extend(if protocol == 6 { vec![0; 8] } else { vec![0; 4] });
    body.extend(rest.iter().take(8));
    body.extend(payload);
    around(protocol, from, to, &body)
}

fn icmp(from: SocketAddr, to: SocketAddr) -> Vec<u8> {
    around(1, from, to, &[3, 3, 0, 0, 0, 0, 0, 0])
}

fn around(protocol: u8, from: SocketAddr, to: SocketAddr, body: &[u8]) -> Vec<u8> {
    let total = u16::try_from(20 + body.len()).unwrap().to_be_bytes();
    let mut packet = vec![0x45, 0, total[0], total[1], 0, 0, 0x40, 0, 64, protocol, 0, 0];
    for address in [from, to] {
        let IpAddr::V4(ip) = address.ip() else {
            unreachable!("the lab has no other")
        };
        packet.extend(ip.octets());
    }
    packet.extend(body);
    packet
}
