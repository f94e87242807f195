//! Who exchanges packets with whom while two people meet, chat, share a file and restart.

use super::town::{BODY, CANARIES, PEOPLE, RELAYS, Town, bytes};
use outis_crypto::password::Cost;
use outis_identity::Address;
use outis_tests::{
    canary::{Needles, files},
    guess::Guess,
    lab::{Memory, PORT, Traffic, address_needles, beyond_guards},
    process::{NETWORK, Person, soak},
};
use outis_wire::{NetworkName, NodeId, UnixMillis};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

#[tokio::test]
async fn what_people_do_shows_on_no_link_but_to_relays_and_relays_know_only_neighbours() {
    let mut town = Town::start().await;
    town.meet().await;
    let guards = [town.guards(&town.alice).await, town.guards(&town.bob).await];
    let meeting = town.recording.take().await;
    town.chat(50).await;
    town.share(&bytes(2 << 20)).await;
    let talking = town.recording.take().await;
    let before = memory_of_relays(&town, &[&meeting, &talking]);
    memory_is_read(&town);
    town.leave().await;
    let leaving = town.recording.take().await;
    town.come_back().await;
    let again = town.recording.take().await;

    for seen in [&meeting, &talking, &leaving, &again] {
        assert_eq!(town.strays(seen), BTreeSet::new());
        for person in ["alice", "bob"] {
            assert_eq!(town.atlas.people_met(&seen[person]), BTreeSet::new(), "of {person}");
        }
    }
    for (person, guards, now) in [("alice", &guards[0], &town.alice), ("bob", &guards[1], &town.bob)] {
        assert_eq!(*guards, town.guards(now).await, "guards stay over a restart");
        let mut all = meeting[person].clone();
        all.join(&talking[person]);
        all.join(&leaving[person]);
        all.join(&again[person]);
        let met = town.atlas.met(&all);
        assert!(
            !guards.is_empty() && guards.is_subset(&met),
            "{person} went over {guards:?} and met {met:?}"
        );
        assert_eq!(
            beyond_guards(&met, guards, 3),
            BTreeSet::new(),
            "{person}: two guards, three to begin with"
        );
        let met = town.atlas.met(&again[person]);
        assert_eq!(
            beyond_guards(&met, guards, 0),
            BTreeSet::new(),
            "{person}, once there are guards: nobody else"
        );
    }
    only_guards_are_let_pass(&mut town, &guards[0]).await;
    assert_eq!(before, BTreeMap::new(), "what relays hold in memory and on disk");
    guesses(&town).await;
    town.recording.end().await;
}

/// What is in memory and on disk of relays that must not be there, by relay: words, names, accounts, and addresses of people
/// who are no neighbours.
fn memory_of_relays(town: &Town, seen: &[&BTreeMap<String, Traffic>]) -> BTreeMap<String, BTreeSet<String>> {
    let mut all: BTreeMap<&str, Traffic> = BTreeMap::new();
    for seen in seen {
        for host in RELAYS.into_iter().chain(PEOPLE) {
            all.entry(host).or_default().join(&seen[host]);
        }
    }
    let mut found = BTreeMap::new();
    for (name, relay) in &town.relays {
        let mut needles = Needles::default();
        for canary in CANARIES {
            needles.add(canary, canary.as_bytes());
        }
        needles.add("a file's body", &bytes(BODY + 32)[BODY..]);
        for person in [&town.alice, &town.bob, &town.carol] {
            let key: Address = person.address().parse().expect("an address");
            needles.add("an account", person.address().as_bytes());
            needles.add("an account's key", key.as_bytes());
        }
        let neighbours = town.atlas.met(&all[name]);
        for person in PEOPLE.into_iter().filter(|person| !neighbours.contains(*person)) {
            let address = town.lab.host(person).address();
            address_needles(&mut needles, person, address, &Town::ports(&all[person]));
        }
        let mut here = Memory::of(relay.pid(), &needles).found;
        here.extend(needles.hits(relay.dir()));
        if !here.is_empty() {
            found.insert((*name).to_owned(), here);
        }
    }
    found
}

/// The positive controls: what a process does hold is found in its memory.
fn memory_is_read(town: &Town) {
    let mut words = Needles::default();
    words.add("a text", CANARIES[7].as_bytes());
    let held = CANARIES[7].to_owned();
    assert_ne!(
        Memory::of(std::process::id(), &words).found,
        BTreeSet::new(),
        "this test holds {held}"
    );
    let mut neighbour = Needles::default();
    address_needles(
        &mut neighbour,
        "r2",
        town.lab.host("r2").address(),
        &BTreeSet::from([PORT]),
    );
    assert_ne!(
        Memory::of(town.relays["r1"].pid(), &neighbour).found,
        BTreeSet::new(),
        "relays know relays"
    );
}

/// The positive control: one packet to each of the other relays is caught.
async fn only_guards_are_let_pass(town: &mut Town, guards: &BTreeSet<String>) {
    let alice = town.lab.host("alice");
    for relay in RELAYS.into_iter().filter(|relay| !guards.contains(*relay)) {
        let at = town.lab.host(relay).address();
        alice.plant((at, PORT).into(), "directly");
        let met = town.atlas.met(&town.recording.take().await["alice"]);
        assert_eq!(beyond_guards(&met, guards, 0), [relay.to_owned()].into());
    }
}

/// R2 at full cost: what relays hold on their disks, and the ids of nodes, hold nothing against which a guess at a password
/// could be checked but descriptors.
async fn guesses(town: &Town) {
    let mut collected: Vec<Vec<u8>> = Vec::new();
    for relay in town.relays.values() {
        let files = files(relay.dir()).into_iter().filter(|path| path.is_file());
        collected.extend(files.map(|path| std::fs::read(path).unwrap()));
    }
    let ids = town.relays.values().map(|relay| relay.node_id().to_owned());
    let ids = ids.chain([
        client_id(&town.alice).await,
        client_id(&town.bob).await,
        client_id(&town.carol).await,
    ]);
    collected.extend(ids.map(|id| id.parse::<NodeId>().unwrap().0.to_vec()));
    let collected: Vec<&[u8]> = collected.iter().map(Vec::as_slice).collect();

    let network: NetworkName = NETWORK.parse().unwrap();
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    let today = UnixMillis(0).plus(now).epoch();
    let wrong = (1..if soak() { 1_000 } else { 3 }).map(|number| format!("{} {number}", CANARIES[2]));
    for password in [CANARIES[2].to_owned()].into_iter().chain(wrong) {
        let guess = Guess::at(Cost::ACCOUNT, CANARIES[0], &password, &network, today);
        let published = guess.descriptors.iter().map(|(name, _)| name.clone()).collect();
        let expected = if password == CANARIES[2] {
            published
        } else {
            BTreeSet::new()
        };
        assert_eq!(guess.matches(&collected), expected, "{password}");
    }
}

async fn client_id(person: &Person) -> String {
    let status = person.rpc().call("network.status", json!({})).await;
    status["node_id"].as_str().expect("online").to_owned()
}
