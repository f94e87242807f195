//! Who is who in a lab, and what must not be seen on anybody's link.

use super::{Flow, Lab, PORT, Traffic};
use crate::canary::Needles;
use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv4Addr, SocketAddr},
};

/// The hosts by their addresses.
#[derive(Debug, Clone, Default)]
pub struct Atlas(BTreeMap<IpAddr, (String, Role)>);

/// What a host is to the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Everybody may talk to its listening sockets.
    Relay,
    /// Talks to relays, and is talked to by nobody.
    Person,
}

impl Atlas {
    /// Of a lab in which these are people and all others relays.
    pub fn of(lab: &Lab, people: &[&str]) -> Self {
        let hosts = lab.hosts().iter().map(|host| {
            let role = if people.contains(&host.name()) {
                Role::Person
            } else {
                Role::Relay
            };
            (host.name().to_owned(), host.address(), role)
        });
        Self::new(hosts)
    }

    /// Of any hosts.
    pub fn new(hosts: impl IntoIterator<Item = (String, Ipv4Addr, Role)>) -> Self {
        let entry = |(name, address, role)| (IpAddr::V4(address), (name, role));
        Self(hosts.into_iter().map(entry).collect())
    }

    /// Everything on a host's link that is not between somebody and a listening socket of a relay of this lab: what went to
    /// the world outside, to the host itself, to people, or to a relay's other ports.
    pub fn strays(&self, host: &str, traffic: &Traffic) -> BTreeSet<String> {
        let mut strays = traffic.other.clone();
        strays.extend(traffic.found.iter().map(|found| format!("in a payload: {found}")));
        strays.extend(traffic.flows.keys().filter_map(|flow| self.stray(host, flow)));
        strays
    }

    fn stray(&self, host: &str, flow: &Flow) -> Option<String> {
        let Flow { over, local, remote } = flow;
        let here = self.0.get(&local.ip());
        let Some((_, role)) = here.filter(|(name, _)| name == host) else {
            return Some(format!("{host}, not from its own address: {over} {local} and {remote}"));
        };
        let Some((other, other_role)) = self.0.get(&remote.ip()) else {
            return Some(format!(
                "{host} and an unknown host: {over} {remote} ({})",
                meant(*remote)
            ));
        };
        let fits = match (role, other_role) {
            (Role::Person, Role::Person) => false,
            _ if other == host => false,
            _ if *over == "icmp" => true,
            (Role::Person, Role::Relay) => remote.port() == PORT,
            (Role::Relay, Role::Person) => local.port() == PORT,
            (Role::Relay, Role::Relay) => remote.port() == PORT || local.port() == PORT,
        };
        (!fits).then(|| format!("{host} and {other}: {over} {local} and {remote}"))
    }

    /// The hosts with which packets were exchanged, by name; what is unknown by its address.
    pub fn met(&self, traffic: &Traffic) -> BTreeSet<String> {
        let name = |flow: &Flow| {
            let remote = flow.remote.ip();
            self.0.get(&remote).map_or(remote.to_string(), |(name, _)| name.clone())
        };
        traffic.flows.keys().map(name).collect()
    }

    /// The people among them.
    pub fn people_met(&self, traffic: &Traffic) -> BTreeSet<String> {
        let is_person = |name: &String| self.0.values().any(|known| *known == (name.clone(), Role::Person));
        self.met(traffic).into_iter().filter(is_person).collect()
    }
}

/// Whom somebody met beside two guards, if that is more than so many others.
pub fn beyond_guards(met: &BTreeSet<String>, guards: &BTreeSet<String>, others: usize) -> BTreeSet<String> {
    let counted: BTreeSet<&String> = guards.iter().take(2).collect();
    let beyond: BTreeSet<String> = met.iter().filter(|name| !counted.contains(name)).cloned().collect();
    if beyond.len() > others { beyond } else { BTreeSet::new() }
}

/// Everything in a host's traffic that is not the machine's talk with itself over loopback.
pub fn beyond_this_machine(traffic: &Traffic) -> BTreeSet<String> {
    let beyond = traffic.flows.keys().filter(|flow| !flow.remote.ip().is_loopback());
    let told = beyond.map(|flow| format!("{} {} ({})", flow.over, flow.remote, meant(flow.remote)));
    told.chain(traffic.other.iter().cloned()).collect()
}

/// What somebody who sends there has in mind.
fn meant(to: SocketAddr) -> &'static str {
    match to.port() {
        53 | 853 => "DNS",
        5353 | 5355 => "mDNS or LLMNR",
        1900 => "SSDP",
        3478 | 5349 | 19302 => "STUN",
        80 | 443 | 8080 => "HTTP",
        6881..=6889 => "Mainline",
        _ => "anything",
    }
}

/// An address in all forms in which a program would hold or send it. With ports, also as sockets have it in memory.
///
/// The bare four bytes of it are not looked for: in a hundred megabytes they stand somewhere by chance.
pub fn address_needles(needles: &mut Needles, name: &str, address: Ipv4Addr, ports: &BTreeSet<u16>) {
    let ip = address.octets();
    needles.add(name, address.to_string().as_bytes());
    // Multiaddresses: ip4 (4), then udp (0x0111 as a varint) or tcp (6).
    needles.add_exactly(
        &format!("{name} (multiaddress)"),
        [&[4], &ip[..], &[0x91, 0x02]].concat(),
    );
    needles.add_exactly(&format!("{name} (multiaddress)"), [&[4], &ip[..], &[6]].concat());
    needles.add_exactly(&format!("{name} (IPv6)"), [&[0xff, 0xff], &ip[..]].concat());
    for port in ports {
        let (network, here) = (port.to_be_bytes(), port.to_le_bytes());
        needles.add_exactly(&format!("{name} (socket)"), [&ip[..], &network].concat());
        needles.add_exactly(&format!("{name} (socket)"), [&ip[..], &here].concat());
        needles.add_exactly(&format!("{name} (sockaddr_in)"), [&network[..], &ip].concat());
    }
}
