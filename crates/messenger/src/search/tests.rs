use super::*;
use crate::message::{Delivery, Direction, Flight};
use crate::own::Origin;
use crate::store::StatusRecord;
use crate::{Config, Messenger};
use outis_crypto::password::Cost;
use outis_identity::{Identity, Nickname, Password};
use outis_vault::{MemoryDisk, Vault};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use std::sync::Arc;

/// Somebody with a few contacts, and what stands in the conversations.
struct Talk {
    messenger: Messenger,
    contacts: Vec<Address>,
    said: Vec<(MessageId, UnixMillis, String)>,
    rng: ChaCha20Rng,
}

fn identity(name: &str) -> Identity {
    let nickname = Nickname::parse(name).unwrap();
    let password = Password::parse("correct horse battery staple").unwrap();
    Identity::derive(&nickname, &password, Cost::dangerously_cheap()).unwrap()
}

fn open(disk: &MemoryDisk) -> Messenger {
    let vault = Vault::in_memory(disk, ChaCha20Rng::seed_from_u64(1)).unwrap();
    let config = Config {
        network: "test-search".parse().unwrap(),
        nickname: "Ada".to_owned(),
        origin: Origin::Created,
    };
    let (clock, rng) = (|| UnixMillis(1_000_000), ChaCha20Rng::seed_from_u64(2));
    Messenger::open(Arc::new(vault), identity("Ada"), config, clock, rng).unwrap()
}

impl Talk {
    fn new(disk: &MemoryDisk) -> Self {
        let messenger = open(disk);
        let mut contacts: Vec<Address> = ["Bob", "Carol", "Dora"].map(|name| identity(name).address()).into();
        for contact in &contacts {
            messenger.add_contact(*contact, None, None).unwrap();
        }
        contacts.push(messenger.address());
        Self {
            messenger,
            contacts,
            said: Vec::new(),
            rng: ChaCha20Rng::seed_from_u64(3),
        }
    }

    /// Stores lines as an import would: many a commit.
    fn say(&mut self, count: usize, text: impl Fn(&mut ChaCha20Rng, usize) -> String) {
        let mut state = self.messenger.shared.state();
        let mut changes = Changes::new();
        for n in 0..count {
            let contact = self.contacts[(self.rng.next_u32() % 4) as usize];
            let at = UnixMillis(1_000_000 + self.said.len() as u64);
            let text = text(&mut self.rng, n);
            let position = match state.peers.get_mut(&contact) {
                Some(peer) => peer.record.take_positions(1),
                None => {
                    state.me.record.next_note += 1;
                    state.me.record.next_note - 1
                }
            };
            put(&mut changes, &contact, position, at, &text);
            self.said.push((MessageId { contact, position }, at, text));
        }
        let records: Vec<_> = state
            .peers
            .iter()
            .map(|(contact, peer)| (*contact, peer.record.clone()))
            .collect();
        for (contact, record) in records {
            changes.put_contact(&contact, &record);
        }
        let device = state.me.record.clone();
        changes.put(table::DEVICE, &crate::store::NOBODY, 0, &device);
        state.store.commit(changes).unwrap();
    }

    fn index(&self) {
        while self.messenger.shared.state().index_some().unwrap() {}
    }

    /// What a search should find.
    fn expected(&self, query: &str, contact: Option<&Address>) -> Vec<MessageId> {
        let query = Query::parse(query).unwrap();
        let mut said: Vec<_> = self.said.iter().collect();
        said.sort_by_key(|(id, at, _)| std::cmp::Reverse((*at, id.contact, id.position)));
        let fits = |(id, _, text): &&&(MessageId, UnixMillis, String)| {
            contact.is_none_or(|contact| id.contact == *contact) && query.matches(text)
        };
        said.iter().filter(fits).map(|(id, _, _)| *id).collect()
    }

    fn found(&self, query: &str, contact: Option<&Address>, limit: usize) -> (Vec<MessageId>, bool) {
        let (messages, more) = self.messenger.search(query, contact, limit).unwrap();
        (messages.into_iter().map(|message| message.id).collect(), more)
    }

    fn assert_finds_what_is_there(&self) {
        for query in [
            "re",
            "river",
            "stone bridge",
            "bridge-st",
            "q",
            "zebra",
            "r s b",
            "nothing",
        ] {
            for contact in [None, Some(&self.contacts[0]), Some(&self.contacts[3])] {
                let expected = self.expected(query, contact);
                assert_eq!(
                    self.found(query, contact, usize::MAX),
                    (expected.clone(), false),
                    "{query}"
                );
                for limit in [1, 7, 50] {
                    let (found, more) = self.found(query, contact, limit);
                    assert_eq!(found, expected[..limit.min(expected.len())], "{query} {limit}");
                    assert_eq!(more, expected.len() > limit, "{query} {limit}");
                }
            }
        }
    }

    /// Every word that stands in the index.
    fn words_kept(&self) -> BTreeSet<String> {
        let state = self.messenger.shared.state();
        let mut kept = BTreeSet::new();
        for segment in Segment::all(&state.store).unwrap() {
            kept.extend(segment.words(&state.store).unwrap());
        }
        kept
    }
}

fn put(changes: &mut Changes, contact: &Address, position: u64, at: UnixMillis, text: &str) {
    let line = LineRecord {
        direction: Direction::In,
        number: position,
        sent_at: at,
        received_at: Some(at),
        body: Body::Text(text.to_owned()),
        reply_to: None,
        edited: None,
        reactions: Vec::new(),
    };
    let status = StatusRecord {
        state: Delivery::Delivered,
        flight: Flight::default(),
    };
    changes.put_line(contact, position, &line, &status);
}

const WORDS: [&str; 12] = [
    "river", "stone", "bridge", "Régate", "quay", "morning", "letter", "lamp", "rain", "boat", "bread", "salt",
];

fn chatter(rng: &mut ChaCha20Rng, _: usize) -> String {
    let words = (0..1 + rng.next_u32() % 6).map(|_| WORDS[(rng.next_u32() % 12) as usize]);
    words.collect::<Vec<_>>().join(" ")
}

#[test]
fn what_is_found_is_what_is_there_before_and_after_it_was_indexed_and_merged() {
    let disk = MemoryDisk::new(4);
    let mut talk = Talk::new(&disk);
    talk.say(200, chatter);
    talk.assert_finds_what_is_there();
    assert!(talk.words_kept().is_empty(), "so few are read one by one");
    for _ in 0..10 {
        talk.say(300, chatter);
        talk.index();
        assert!(!talk.words_kept().is_empty());
    }
    let segments = Segment::all(&talk.messenger.shared.state().store).unwrap().len();
    assert!(segments < FAN, "{segments} segments were never merged");
    talk.say(50, chatter);
    talk.assert_finds_what_is_there();

    // A new start reads the same.
    drop(std::mem::replace(&mut talk.messenger, open(&MemoryDisk::new(5))));
    talk.messenger = open(&disk);
    talk.assert_finds_what_is_there();
}

#[test]
fn a_history_that_comes_at_once_is_indexed_and_a_lost_index_is_made_again() {
    let mut talk = Talk::new(&MemoryDisk::new(6));
    talk.say(5_000, chatter);
    talk.index();
    talk.assert_finds_what_is_there();
    {
        let mut state = talk.messenger.shared.state();
        let mut changes = Changes::new();
        for owner in state.store.owners(table::SEARCH).unwrap() {
            changes.erase_all(table::SEARCH, &owner);
        }
        state.store.commit(changes).unwrap();
        state.lines_indexed = 0;
    }
    talk.index();
    talk.assert_finds_what_is_there();
}

#[test]
fn no_word_of_a_forgotten_line_stands_in_the_index_and_it_is_not_found() {
    let mut talk = Talk::new(&MemoryDisk::new(7));
    let canary = |rng: &mut ChaCha20Rng, n: usize| match n % 100 {
        7 => format!("canary{n} aardvark {}", chatter(rng, n)),
        _ => chatter(rng, n),
    };
    talk.say(2_500, canary);
    talk.index();
    assert!(
        talk.words_kept()
            .iter()
            .any(|word| word.starts_with("canary") || word == "aardvark")
    );

    let (gone, left): (Vec<_>, Vec<_>) = talk.said.drain(..).partition(|(_, _, text)| text.contains("canary"));
    talk.said = left;
    {
        let state = talk.messenger.shared.state();
        let mut changes = Changes::new();
        for (id, _, text) in &gone {
            forget(&mut changes, &id.contact, id.position, text);
            changes.erase(table::LINES, id.contact.as_bytes(), id.position);
        }
        state.store.commit(changes).unwrap();
    }
    let kept = talk.words_kept();
    assert!(
        !kept.iter().any(|word| word.starts_with("canary") || word == "aardvark"),
        "{kept:?}"
    );
    assert_eq!(talk.found("aardvark", None, 10), (Vec::new(), false));
    talk.assert_finds_what_is_there();
}

#[test]
fn a_removed_contact_leaves_no_word_behind() {
    let mut talk = Talk::new(&MemoryDisk::new(8));
    let contact = talk.contacts[1];
    talk.say(2_500, chatter);
    let mut words_of_others = BTreeSet::new();
    {
        let state = talk.messenger.shared.state();
        let mut changes = Changes::new();
        for (id, at, text) in &mut talk.said {
            if id.contact == contact {
                *text = format!("confidential {}", id.position);
                put(&mut changes, &id.contact, id.position, *at, text);
            } else {
                words_of_others.extend(words(text));
            }
        }
        state.store.commit(changes).unwrap();
    }
    talk.index();
    assert!(talk.words_kept().contains("confidential"));
    talk.messenger.remove_contact(&contact).unwrap();
    talk.said.retain(|(id, _, _)| id.contact != contact);
    assert_eq!(talk.words_kept(), words_of_others);
    talk.contacts.retain(|known| *known != contact);
    talk.contacts.push(talk.contacts[0]);
    assert_eq!(talk.found("confidential", None, 10), (Vec::new(), false));

    // Somebody who comes back begins anew, and is found.
    talk.messenger.add_contact(contact, None, None).unwrap();
    let id = talk
        .messenger
        .send_text(&contact, "an unmistakable word", None)
        .unwrap();
    assert_eq!(talk.found("unmistak", None, 10), (vec![id], false));
}

#[test]
fn a_changed_line_is_found_by_what_it_says_now_and_one_that_came_late_too() {
    let mut talk = Talk::new(&MemoryDisk::new(9));
    talk.say(600, chatter);
    talk.index();
    let (id, at, before) = talk.said[17].clone();
    let (late_id, late_at, late_before) = talk.said[18].clone();
    {
        let state = talk.messenger.shared.state();
        let mut changes = Changes::new();
        update(&mut changes, &id.contact, id.position, &before);
        update(&mut changes, &late_id.contact, late_id.position, &late_before);
        put(&mut changes, &id.contact, id.position, at, "an aardvark");
        put(
            &mut changes,
            &late_id.contact,
            late_id.position,
            late_at,
            "another aardvark",
        );
        state.store.commit(changes).unwrap();
    }
    talk.said[17].2 = "an aardvark".to_owned();
    talk.said[18].2 = "another aardvark".to_owned();
    assert_eq!(talk.found("aardvark", None, 10), (vec![late_id, id], false));
    talk.assert_finds_what_is_there();
    // The next segment takes them in.
    talk.say(300, chatter);
    talk.index();
    assert!(talk.words_kept().contains("aardvark"));
    assert_eq!(talk.found("aardvark", None, 10), (vec![late_id, id], false));
    talk.assert_finds_what_is_there();
}

#[test]
fn texts_of_the_largest_size_are_indexed_too() {
    let mut talk = Talk::new(&MemoryDisk::new(10));
    talk.say(BATCH + 60, |_, n| {
        let words = (0..9_000).map(|word| format!("{:x}", word * 400 + n));
        words.collect::<Vec<_>>().join(" ")
    });
    talk.index();
    let expected = talk.expected("3e8", None);
    assert!(!expected.is_empty());
    assert_eq!(talk.found("3e8", None, usize::MAX), (expected, false));
}
