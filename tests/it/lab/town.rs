//! Nine relays and three people, each on a host of their own; one of the people lends a relay.

use outis_tests::{
    canary::Needles,
    lab::{Atlas, Lab, Recording, Traffic, address_needles},
    process::{Person, Relay, Setting, folder},
};
use rand_chacha::ChaCha12Rng;
use rand_core::{Rng, SeedableRng};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Everybody, and the recordings of their links.
pub(super) struct Town {
    pub(super) lab: Lab,
    pub(super) atlas: Atlas,
    pub(super) relays: BTreeMap<&'static str, Relay>,
    pub(super) alice: Person,
    pub(super) bob: Person,
    /// Her program is a relay too.
    pub(super) carol: Person,
    pub(super) recording: Recording,
}

impl Town {
    /// All of them, recorded from before the first of them begins. The people know three relays.
    pub(super) async fn start() -> Self {
        let names: Vec<&str> = RELAYS.into_iter().chain(PEOPLE).collect();
        let lab = Lab::of(&names);
        let atlas = Atlas::of(&lab, &["alice", "bob"]);
        let recording = Recording::start(&lab, secrets(&lab)).await;
        let mut relays = BTreeMap::new();
        let mut bootstrap = Vec::new();
        for name in RELAYS {
            let known = bootstrap.iter().take(1).cloned().collect();
            let setting = Setting {
                bootstrap: known,
                ..Setting::default()
            };
            let relay = Relay::start_on(lab.host(name), &setting).await;
            bootstrap.push(relay.address().to_owned());
            relays.insert(name, relay);
        }
        bootstrap.truncate(3);
        let setting = Setting {
            bootstrap,
            ..Setting::default()
        };
        let person = async |name: &str, nickname: &str, password: &str, lends: Vec<String>| {
            let setting = Setting {
                lends,
                ..setting.on(lab.host(name))
            };
            Person::create_with(nickname, password, &setting).await
        };
        let alice = person("alice", CANARIES[0], CANARIES[2], Vec::new()).await;
        let bob = person("bob", CANARIES[1], CANARIES[3], Vec::new()).await;
        let carol = person("carol", CANARIES[4], CANARIES[5], lab.host("carol").listen().to_vec()).await;
        Self {
            lab,
            atlas,
            relays,
            alice,
            bob,
            carol,
            recording,
        }
    }

    /// Alice and Bob, and Carol and Bob, meet for the first time.
    pub(super) async fn meet(&self) {
        let Self { alice, bob, carol, .. } = self;
        for who in [alice, carol] {
            who.ask(bob, CANARIES[6]).await;
            bob.await_contact(who, "incoming").await;
            bob.accept(who).await;
            who.await_contact(bob, "accepted").await;
        }
    }

    /// A chat both ways, with links of every kind in it.
    pub(super) async fn chat(&self, links: usize) {
        let Self { alice, bob, carol, .. } = self;
        alice.say(bob, CANARIES[7]).await;
        bob.say(alice, CANARIES[8]).await;
        carol.say(bob, "From the relay's own house.").await;
        let mut last = String::new();
        for nth in 0..links {
            last = alice
                .send(bob, &LINKS[nth % LINKS.len()].replace('N', &nth.to_string()))
                .await;
        }
        alice.await_message(bob, &last, &["delivered", "read"]).await;
    }

    /// A file from Alice to Bob.
    pub(super) async fn share(&self, bytes: &[u8]) {
        let Self { alice, bob, .. } = self;
        let shared = folder();
        let path = shared.path().join(CANARIES[9]);
        std::fs::write(&path, bytes).unwrap();
        let offered = alice.offer(bob, &path).await;
        let taken = bob.await_offer(alice, CANARIES[9]).await;
        bob.rpc().call("file.accept", json!({"id": taken})).await;
        bob.await_transfer(&taken, &["complete"]).await;
        alice.await_transfer(&offered, &["complete"]).await;
    }

    /// Alice and Bob end their programs.
    pub(super) async fn leave(&mut self) {
        self.alice.leave().await;
        self.bob.leave().await;
    }

    /// They start them again, and go on.
    pub(super) async fn come_back(&mut self) {
        self.alice.come_back().await;
        self.bob.come_back().await;
        self.alice.say(&self.bob, "Here again.").await;
        self.bob.say(&self.alice, "And here.").await;
    }

    /// The relays that somebody's program calls its guards, by host.
    pub(super) async fn guards(&self, person: &Person) -> BTreeSet<String> {
        let lent = self.carol.rpc().call("network.status", json!({})).await["relay"]["node_id"].clone();
        let status = person.rpc().call("network.status", json!({})).await;
        let guards = status["guards"].as_array().cloned().unwrap_or_default();
        let host = |guard: Value| {
            let relay = self.relays.iter().find(|(_, relay)| guard == relay.node_id());
            let found = relay.map(|(name, _)| *name).or((guard == lent).then_some("carol"));
            found
                .unwrap_or_else(|| panic!("{guard} is no relay of this town"))
                .to_owned()
        };
        guards.into_iter().map(host).collect()
    }

    /// What no link may show by anybody: all of it, on every link.
    pub(super) fn strays(&self, seen: &BTreeMap<String, Traffic>) -> BTreeSet<String> {
        seen.iter()
            .flat_map(|(host, traffic)| self.atlas.strays(host, traffic))
            .collect()
    }

    /// The ports that a host's own sockets had.
    pub(super) fn ports(traffic: &Traffic) -> BTreeSet<u16> {
        traffic.flows.keys().map(|flow| flow.local.port()).collect()
    }
}

/// Bytes that nothing makes smaller, always the same.
pub(super) fn bytes(length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    ChaCha12Rng::seed_from_u64(8).fill_bytes(&mut bytes);
    bytes
}

/// What stands in nobody's payloads.
fn secrets(lab: &Lab) -> Needles {
    let mut needles = Needles::default();
    for canary in CANARIES {
        needles.add(canary, canary.as_bytes());
    }
    needles.add("a file's body", &bytes(BODY + 32)[BODY..]);
    for host in PEOPLE {
        address_needles(
            &mut needles,
            &format!("the address of {host}"),
            lab.host(host).address(),
            &BTreeSet::new(),
        );
    }
    needles
}

pub(super) const RELAYS: [&str; 9] = ["r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9"];
pub(super) const PEOPLE: [&str; 3] = ["alice", "bob", "carol"];

/// Names and words that stand nowhere by chance.
pub(super) const CANARIES: [&str; 10] = [
    "Nausicaa-of-Scheria",
    "Eumaeus-the-Swineherd",
    "nine copper kettles boil under a northern moon",
    "three tired oarsmen argue about the price of figs",
    "Laertes-of-the-Orchard",
    "thirteen pear trees and ten apple trees in a row",
    "Greetings from the washing place by the river.",
    "The swineherd knows who came, and says nothing.",
    "Leave the bow where it hangs until the feast.",
    "chart-of-the-whirlpool.bin",
];

/// From here on, some bytes of each file are looked for.
pub(super) const BODY: usize = 100_000;

/// Addresses that a program which looked at them would look up, fetch or call.
const LINKS: [&str; 6] = [
    "https://host-N.example.com/page",
    "Look: http://93.184.216.34/N.png",
    "stun:stun-N.example.org:3478 and turn:turn.example.org",
    "ftp://files.example.net/N magnet:?xt=urn:btih:0123456789abcdef0123456789abcdef01234567",
    "http://printer-N.local/ and http://router.lan/",
    "//wpad-N/x.js \\\\server-N\\share https://[2001:db8::1]:8443/N",
];
