//! Hosts with addresses of their own, each in a network namespace, joined by a router: what leaves a machine is recorded
//! on its own link, and who exchanges packets with whom is read from the recording and from nothing that a program says
//! of itself.
//!
//! The addresses look like those of the internet, each in another /16, so that nothing counts as a place in somebody's
//! house; no packet of them ever leaves the namespaces. A packet to an address that the lab does not have is swallowed by
//! the router without an answer, after it was recorded.
//!
//! It takes root, or a system that lets everybody make user namespaces; where it gets neither it panics and says so.
//! Nothing is left behind: namespaces end with the process that holds them, and that ends with its standard input.
//!
//! Types to know: [`Lab`], [`Host`], [`Recording`] (what goes over every link), [`Traffic`] (what was seen there),
//! [`Atlas`] (who is who, and what must not be).

mod atlas;
mod capture;
mod memory;
mod namespace;
mod packet;
mod traffic;

pub use atlas::{Atlas, Role, address_needles, beyond_guards, beyond_this_machine};
pub use capture::{Capture, Recording};
pub use memory::{Memory, is_root};
pub use namespace::Inside;
pub use packet::{Datagram, Kind, Packet, Reader, Way};
pub use traffic::{Flow, Traffic, Volume};

use namespace::Namespace;
use std::{
    net::{Ipv4Addr, SocketAddr},
    path::Path,
};

/// A router and the hosts around it.
pub struct Lab {
    hosts: Vec<Host>,
    _router: Namespace,
}

/// A machine of its own: one address, one link.
pub struct Host {
    name: String,
    address: Ipv4Addr,
    space: Namespace,
}

impl Lab {
    /// As many hosts as there are names.
    ///
    /// # Panics
    /// Where no namespaces can be made.
    pub fn of(names: &[&str]) -> Self {
        let router = Namespace::first();
        let hosts: Vec<Host> = (0_u8..)
            .zip(names)
            .map(|(nth, name)| Host {
                name: (*name).to_owned(),
                address: Ipv4Addr::new(31, 100 + nth, 7, 20 + nth),
                space: Namespace::beside(&router),
            })
            .collect();
        let mut links = String::from("link set lo up\nroute add blackhole default\n");
        for (nth, host) in hosts.iter().enumerate() {
            let (address, holder) = (host.address, host.space.holder());
            links += &format!(
                "link add to{nth} type veth peer name eth0 netns {holder}\n\
                 addr add {ROUTER}/32 dev to{nth}\nlink set to{nth} up\nroute add {address}/32 dev to{nth}\n"
            );
        }
        router.inside().ip(&links);
        router.inside().shell("echo 1 > /proc/sys/net/ipv4/ip_forward");
        for host in &hosts {
            host.inside().ip(&format!(
                "link set lo up\naddr add {}/32 dev eth0\nlink set eth0 up\nroute add {ROUTER}/32 dev eth0\n\
                 route add default via {ROUTER}\n",
                host.address
            ));
        }
        Self { hosts, _router: router }
    }

    /// All hosts, in the order of their names.
    pub fn hosts(&self) -> &[Host] {
        &self.hosts
    }

    /// The host of this name.
    pub fn host(&self, name: &str) -> &Host {
        let found = self.hosts.iter().find(|host| host.name == name);
        found.expect("a host of the lab")
    }
}

impl Host {
    /// What it is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its only address.
    pub fn address(&self) -> Ipv4Addr {
        self.address
    }

    /// For what is to run here.
    pub fn inside(&self) -> Inside {
        self.space.inside()
    }

    /// Where a relay listens here: QUIC and TCP at [`PORT`].
    pub fn listen(&self) -> [String; 2] {
        let address = self.address;
        [
            format!("/ip4/{address}/udp/{PORT}/quic-v1"),
            format!("/ip4/{address}/tcp/{PORT}"),
        ]
    }

    /// Sends each of these as one datagram. They stand in the folder meanwhile.
    pub fn send_all(&self, datagrams: &[Vec<u8>], folder: &Path, to: SocketAddr) {
        for (nth, datagram) in datagrams.iter().enumerate() {
            std::fs::write(folder.join(format!("{nth:05}")), datagram).expect("room for a datagram");
        }
        let (ip, port, last) = (to.ip(), to.port(), datagrams.len().saturating_sub(1));
        let folder = folder.display();
        self.inside().shell(&format!(
            "for nth in $(seq -f %05.0f 0 {last}); do cat '{folder}'/$nth > /dev/udp/{ip}/{port}; done"
        ));
    }

    /// The positive control: sends one datagram from here, whoever it may go to.
    pub fn plant(&self, to: SocketAddr, words: &str) {
        let (ip, port) = (to.ip(), to.port());
        self.inside().shell(&format!("printf '{words}' > /dev/udp/{ip}/{port}"));
    }
}

/// Where relays listen.
pub const PORT: u16 = 4001;

/// The router's end of each link.
const ROUTER: Ipv4Addr = Ipv4Addr::new(10, 255, 0, 1);

/// Nobody: the router swallows it.
const NOBODY: Ipv4Addr = Ipv4Addr::new(10, 255, 0, 9);
