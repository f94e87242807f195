//! Two states without a network between them: what one puts into a mailbox is handed to the other.

mod changes;

use super::*;
use crate::content::{Content, Text};
use crate::message::{Body, Delivery};
use crate::own::{Me, Origin};
use crate::queue::OwnQueue;
use crate::randomness::Randomness;
use crate::store::Store;
use crate::time::Tick;
use outis_crypto::password::Cost;
use outis_identity::{Generation, Identity, Nickname, Password};
use outis_vault::{MemoryDisk, Vault};
use outis_wire::{NodeId, Tagged};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use std::collections::BTreeMap;
use std::sync::Arc;

const NOW: UnixMillis = UnixMillis(20_500 * 24 * 60 * 60 * 1000);

fn somebody(name: &str, seed: u64) -> State {
    let vault = Vault::in_memory(&MemoryDisk::new(seed), ChaCha20Rng::seed_from_u64(seed)).expect("opens");
    let store = Store::new(Arc::new(vault));
    let mut rng = Randomness::new(ChaCha20Rng::seed_from_u64(seed + 1));
    let nickname = Nickname::parse(name).expect("a nickname");
    let password = Password::parse("correct horse battery staple").expect("a password");
    let identity = Identity::derive(&nickname, &password, Cost::dangerously_cheap()).expect("is cheap");
    let me = Me::load(&store, identity, name.to_owned(), Origin::Created, &mut rng).expect("loads");
    let mut state = State {
        network: "test-pair".parse().expect("a name"),
        store,
        me,
        rng,
        clock: Arc::new(|| NOW),
        events: Arc::default(),
        peers: BTreeMap::new(),
        requests: queue(seed + 2),
        invites: BTreeMap::new(),
        graves: OwnQueue::default(),
        relays: Vec::new(),
        directories: Vec::new(),
        rendezvous: Vec::new(),
        transfers: BTreeMap::new(),
        throttle: Arc::default(),
        dark: Default::default(),
        opening: Default::default(),
        expiring: Default::default(),
        running: Default::default(),
        tick: Tick::default(),
        next_loose: 0,
        lines_indexed: 0,
        deaf: Vec::new(),
        resting: Vec::new(),
    };
    state
        .change_device(|me, record, now| {
            record.generation = Generation::FIRST;
            me.certify(record, now);
        })
        .expect("is stored");
    state.me.cleared = true;
    let prekey = Prekey::generate(&mut state.rng, NOW.epoch());
    let mut changes = Changes::new();
    let record = prekey.to_record().dangerously_expose().to_vec();
    changes.put_bytes(table::PREKEYS, &crate::store::NOBODY, u64::from(NOW.epoch().0), record);
    state.store.commit(changes).expect("is stored");
    state
}

/// A queue whose mailboxes are there.
fn queue(seed: u64) -> OwnQueue {
    let mut queue = OwnQueue::default();
    let nodes: Vec<NodeId> = (1..=3).map(|byte| NodeId([byte; 32])).collect();
    queue.draw(&nodes, NOW, &mut ChaCha20Rng::seed_from_u64(seed));
    for mailbox in &mut queue.mailboxes {
        mailbox.standing = crate::queue::Standing::Created;
    }
    queue.issue(NOW);
    queue
}

/// What a look-up of this person gives.
fn descriptor_of(state: &State) -> Found {
    let bytes = state
        .store
        .get_bytes(table::PREKEYS, &crate::store::NOBODY, u64::from(NOW.epoch().0));
    let bytes = bytes.expect("reads").expect("is there");
    let prekey = Prekey::from_record(bytes.dangerously_expose())
        .expect("reads")
        .public(&state.me.keys);
    let device = state
        .me
        .record
        .certificate
        .as_ref()
        .expect("is certified")
        .verify(NOW)
        .expect("is good");
    let requests = TheirQueue::of(state.requests.named().expect("is named"));
    Found {
        remote: Remote::new(device, &prekey).expect("is its own"),
        requests,
        price: 0,
    }
}

/// Alice asks Bob; gives her request as Bob's mailbox delivers it.
fn ask(alice: &mut State, bob: &State) -> Vec<u8> {
    let address = bob.address();
    alice
        .add_contact(address, None, Some("hello".into()), None)
        .expect("is asked");
    alice.peers.get_mut(&address).expect("is there").queue = queue(90);
    alice.found(&address, descriptor_of(bob)).expect("is stored");
    alice.peers[&address]
        .record
        .request
        .as_ref()
        .expect("is made")
        .message
        .clone()
}

/// Everything that `from` would put for `to`, handed over; gives the payloads that have a number.
fn carry(from: &mut State, to: &mut State) -> Vec<Vec<u8>> {
    let (sender, recipient) = (from.address(), to.address());
    from.tick = from.tick.plus(Duration::from_secs(2));
    while from.seal_waiting(&recipient).expect("is sealed") {}
    from.seal_loose(&recipient).expect("is sealed");
    let peer = from.peers.get_mut(&recipient).expect("is there");
    let loose: Vec<Vec<u8>> = peer.lane.loose.drain(..).map(|loose| loose.payload.to_vec()).collect();
    let mut payloads = Vec::new();
    let numbers: Vec<u64> = peer
        .outbox
        .iter()
        .filter(|(_, u)| u.sealed.is_some())
        .map(|(number, _)| *number)
        .collect();
    for number in numbers {
        let sealed = from
            .store
            .get_bytes(table::SEALED, recipient.as_bytes(), number)
            .expect("reads")
            .expect("is there");
        payloads.push(Payload::Session(sealed.dangerously_expose().to_vec()).encode());
    }
    for payload in loose.iter().chain(&payloads) {
        assert_eq!(to.came(&sender, payload).expect("is stored"), Verdict::Done);
    }
    payloads
}

fn friends() -> (State, State) {
    let (mut alice, mut bob) = (somebody("Alice", 1), somebody("Bob", 2));
    let request = ask(&mut alice, &bob);
    bob.came_to_requests(&request, 1).expect("is stored");
    let address = alice.address();
    bob.accept_contact(&address).expect("is accepted");
    bob.peers.get_mut(&address).expect("is there").queue = queue(91);
    carry(&mut bob, &mut alice);
    assert_eq!(
        alice.contact(&bob.address()).expect("is known").state,
        ContactState::Accepted
    );
    carry(&mut alice, &mut bob);
    (alice, bob)
}

fn bodies(state: &State, with: &Address) -> Vec<Body> {
    state
        .page(with, crate::At::End, 1_000)
        .expect("reads")
        .messages
        .into_iter()
        .map(|message| message.body)
        .collect()
}

#[test]
fn a_request_that_is_replayed_a_thousand_times_makes_one_session() {
    let (mut alice, mut bob) = (somebody("Alice", 1), somebody("Bob", 2));
    let request = ask(&mut alice, &bob);
    for _ in 0..1_000 {
        assert_eq!(bob.came_to_requests(&request, 1).expect("is stored"), Verdict::Done);
    }
    let record = &bob.peers[&alice.address()].record;
    assert_eq!((record.sessions.len(), record.next_slot, bob.peers.len()), (1, 1, 1));
    assert_eq!(record.greeting.as_deref(), Some("hello"));
    // Also after it was declined, and after a restart: what was seen is remembered on the disk.
    bob.decline_contact(&alice.address()).expect("is declined");
    bob.came_to_requests(&request, 1).expect("is stored");
    assert_eq!(
        bob.contact(&alice.address()).expect("is known").state,
        ContactState::Declined
    );
}

#[test]
fn a_flood_of_requests_is_kept_up_to_a_limit_and_pushes_nobody_out() {
    let mut bob = somebody("Bob", 2);
    let mut asking: Vec<State> = (0..INCOMING as u64 + 2)
        .map(|n| somebody(&format!("stranger{n}"), 100 + n))
        .collect();
    let requests: Vec<Vec<u8>> = asking.iter_mut().map(|stranger| ask(stranger, &bob)).collect();
    for request in &requests {
        assert_eq!(bob.came_to_requests(request, 1).expect("is stored"), Verdict::Done);
    }
    assert_eq!(bob.peers.len(), INCOMING);
    let first = asking[0].address();
    assert!(bob.peers.contains_key(&first), "whoever came first is there");
    // When there is room, whoever was passed over is heard with the very same request.
    bob.decline_contact(&first).expect("is declined");
    bob.came_to_requests(&requests[INCOMING], 1).expect("is stored");
    bob.came_to_requests(&requests[INCOMING + 1], 1)
        .expect("is passed over");
    assert!(bob.peers.contains_key(&asking[INCOMING].address()));
    assert!(!bob.peers.contains_key(&asking[INCOMING + 1].address()));
}

#[test]
fn of_strangers_who_wait_the_first_half_stays_and_of_the_rest_the_cheapest_makes_room() {
    let mut bob = somebody("Bob", 2);
    let mut asking: Vec<State> = (0..INCOMING as u64 + 3)
        .map(|n| somebody(&format!("stranger{n}"), 100 + n))
        .collect();
    let requests: Vec<Vec<u8>> = asking.iter_mut().map(|stranger| ask(stranger, &bob)).collect();
    // Honest people ask, and then a flood fills the list; one of it costs less than all others.
    for (n, request) in requests.iter().take(INCOMING).enumerate() {
        let minute = NOW.plus(Duration::from_secs(60 * n as u64));
        bob.clock = Arc::new(move || minute);
        assert_eq!(bob.asking_price(), 0, "there is room");
        let work = if n < INCOMING / 2 { 1 } else { 40 };
        bob.came_to_requests(request, if n == 50 { 20 } else { work })
            .expect("is stored");
    }
    let is_there = |bob: &State, n: usize| bob.peers.contains_key(&asking[n].address());
    assert_eq!(bob.asking_price(), 32, "more than 20");
    assert!(bob.me.publishing.wanted, "and everybody is told so");
    bob.came_to_requests(&requests[INCOMING], 20).expect("is passed over");
    assert!(!is_there(&bob, INCOMING), "no more than the cheapest");
    bob.came_to_requests(&requests[INCOMING], 32).expect("is stored");
    assert!(is_there(&bob, INCOMING) && !is_there(&bob, 50));
    assert!(
        (0..INCOMING / 2).all(|n| is_there(&bob, n)),
        "who came before the flood"
    );
    assert_eq!(bob.peers.len(), INCOMING);
    // Whoever made room was not declined: with more work the very same request is heard again.
    bob.came_to_requests(&requests[50], 50).expect("is stored");
    assert!(is_there(&bob, 50) && !is_there(&bob, INCOMING));
    // A flood that pays ever more moves only itself.
    bob.came_to_requests(&requests[INCOMING + 1], 1_000).expect("is stored");
    assert!((0..INCOMING / 2).all(|n| is_there(&bob, n)));
    // What nobody has answered for two weeks makes room for anybody.
    bob.clock = Arc::new(|| NOW.plus(Duration::from_secs(14 * 24 * 60 * 60 + 1)));
    assert_eq!(bob.asking_price(), 1);
    bob.came_to_requests(&requests[INCOMING + 2], 1).expect("is stored");
    assert!(is_there(&bob, INCOMING + 2) && !is_there(&bob, 0) && is_there(&bob, 1));
}

#[test]
fn a_contact_who_was_removed_leaves_nothing_under_their_name() {
    let (mut alice, mut bob) = friends();
    bob.send_text(&alice.address(), "a word".into(), None).expect("is sent");
    carry(&mut bob, &mut alice);
    let address = alice.address();
    bob.store_queue(crate::work::Owner::Contact(address))
        .expect("is stored");
    let named = |state: &State| {
        let tables = (0..=u8::MAX).map(outis_vault::Table);
        let names = |table| state.store.owners(table).expect("reads").contains(address.as_bytes());
        tables.filter(|table| names(*table)).count()
    };
    assert!(named(&bob) >= 5, "the control: {} tables name them", named(&bob));
    bob.remove_contact(&address).expect("is removed");
    assert_eq!(named(&bob), 0);
}

#[test]
fn whoever_was_invited_is_heard_though_the_list_is_full_and_once() {
    let mut bob = somebody("Bob", 2);
    let mut asking: Vec<State> = (0..INCOMING as u64 + 2)
        .map(|n| somebody(&format!("stranger{n}"), 100 + n))
        .collect();
    let requests: Vec<Vec<u8>> = asking.iter_mut().map(|stranger| ask(stranger, &bob)).collect();
    for request in requests.iter().take(INCOMING) {
        bob.came_to_requests(request, 40).expect("is stored");
    }
    bob.relays = vec![NodeId([1; 32])];
    let (invite, _) = bob.make_invite().expect("a relay is known");
    // What is no request does not use it up.
    bob.came_by_invite(invite.id, b"?").expect("is passed over");
    bob.came_by_invite(invite.id, &Payload::Initial(vec![0; 5_000]).encode())
        .expect("is passed over");
    assert_eq!(bob.open_invites(), [invite]);
    bob.came_by_invite(invite.id, &requests[INCOMING]).expect("is stored");
    assert_eq!(bob.peers.len(), INCOMING + 1, "nobody had to go");
    assert!(bob.peers.contains_key(&asking[INCOMING].address()));
    assert_eq!(bob.open_invites(), []);
    assert_eq!(bob.asking_price(), 64, "of strangers, as before");
    // The control: without an invite, the same work is not enough.
    bob.came_to_requests(&requests[INCOMING + 1], 40)
        .expect("is passed over");
    assert!(!bob.peers.contains_key(&asking[INCOMING + 1].address()));
}

#[test]
fn a_request_with_one_bit_changed_is_nobodys() {
    let (mut alice, mut bob) = (somebody("Alice", 1), somebody("Bob", 2));
    let request = ask(&mut alice, &bob);
    for at in (1..request.len()).step_by(97) {
        let mut changed = request.clone();
        changed[at] ^= 1;
        bob.came_to_requests(&changed, 1).expect("is passed over");
        assert!(bob.peers.is_empty(), "byte {at}");
    }
    bob.came_to_requests(&request, 1).expect("is stored");
    assert_eq!(bob.peers.len(), 1, "unchanged, it is taken");
}

#[test]
fn an_unknown_kind_shows_as_not_supported_and_what_comes_after_it_is_read() {
    let (mut alice, mut bob) = friends();
    let (to, from) = (bob.address(), alice.address());
    let unknown = Tagged {
        tag: 999,
        body: b"from the future".to_vec(),
    };
    alice
        .send_content(&to, Content::Unsupported(unknown.clone()), None, |_, _| {})
        .expect("is sent");
    let quiet = Content::Unsupported(Tagged {
        tag: 0x9999,
        body: Vec::new(),
    });
    alice.send_content(&to, quiet, None, |_, _| {}).expect("is sent");
    alice.send_text(&to, "from now".into(), None).expect("is sent");
    carry(&mut alice, &mut bob);
    assert_eq!(
        bodies(&bob, &from),
        [Body::Unsupported(unknown), Body::Text("from now".into())]
    );
}

#[test]
fn what_did_not_open_is_encrypted_anew_and_arrives_once() {
    let (mut alice, mut bob) = friends();
    let (to, from) = (bob.address(), alice.address());
    let id = alice.send_text(&to, "precious".into(), None).expect("is sent");
    while alice.seal_waiting(&to).expect("is sealed") {}
    let ciphertext = alice
        .store
        .get_bytes(table::SEALED, to.as_bytes(), 1)
        .expect("reads")
        .expect("is there");
    let mut damaged = ciphertext.dangerously_expose().to_vec();
    *damaged.last_mut().expect("is not empty") ^= 1;
    // As if the session had lost the key: the ciphertext that alice knows is the one that bob cannot open.
    let known = crate::parcel::CiphertextHash::of(ciphertext.dangerously_expose());
    bob.came(&from, &Payload::Session(damaged).encode())
        .expect("is passed over");
    let lane = &mut bob.peers.get_mut(&from).expect("is there").lane;
    assert_eq!(lane.cannot_open.len(), 1, "it is told that something did not open");
    lane.cannot_open = [known].into();
    carry(&mut bob, &mut alice);
    let payloads = carry(&mut alice, &mut bob);
    assert!(
        payloads
            .iter()
            .all(|payload| payload[1..] != *ciphertext.dangerously_expose()),
        "it is another ciphertext"
    );
    carry(&mut bob, &mut alice);
    assert_eq!(bodies(&bob, &from), [Body::Text("precious".into())]);
    assert_eq!(
        alice.message(&id).expect("reads").expect("is there").state,
        Delivery::Delivered
    );
}

#[test]
fn a_gap_shows_where_it_is_and_fills_in_place_from_any_side() {
    let (mut alice, mut bob) = friends();
    let (to, from) = (bob.address(), alice.address());
    let text = |n: u32| Body::Text(n.to_string());
    for n in 1..=5 {
        alice.send_text(&to, n.to_string(), None).expect("is sent");
    }
    while alice.seal_waiting(&to).expect("is sealed") {}
    let payload = |state: &State, number: u64| {
        let sealed = state
            .store
            .get_bytes(table::SEALED, to.as_bytes(), number)
            .expect("reads")
            .expect("is there");
        Payload::Session(sealed.dangerously_expose().to_vec()).encode()
    };
    for (number, shown) in [
        (1, vec![text(1)]),
        (5, vec![text(1), Body::Gap(3), text(5)]),
        (3, vec![text(1), Body::Gap(1), text(3), Body::Gap(1), text(5)]),
        (4, vec![text(1), Body::Gap(1), text(3), text(4), text(5)]),
        (2, vec![text(1), text(2), text(3), text(4), text(5)]),
        (2, vec![text(1), text(2), text(3), text(4), text(5)]),
    ] {
        bob.came(&from, &payload(&alice, number)).expect("is stored");
        assert_eq!(bodies(&bob, &from), shown, "after {number}");
    }
    assert_eq!(bob.contact(&from).expect("is known").unread, 5);
}

#[test]
fn at_most_five_hundred_are_encrypted_and_what_is_told_again_is_the_same_ciphertext() {
    let (mut alice, mut bob) = friends();
    let to = bob.address();
    for n in 0..520 {
        alice.send_text(&to, n.to_string(), None).expect("is sent");
    }
    while alice.seal_waiting(&to).expect("is sealed") {}
    assert_eq!(alice.peers[&to].sealed(), crate::sending::UNRECEIPTED);
    let first = carry(&mut alice, &mut bob);
    assert_eq!(first, carry(&mut alice, &mut bob), "told twice, the same bytes");
    carry(&mut bob, &mut alice);
    carry(&mut alice, &mut bob);
    assert_eq!(bodies(&bob, &alice.address()).len(), 520);
}

#[test]
fn a_superseded_device_is_never_listened_to_again() {
    let (mut alice, mut bob) = friends();
    let (to, from) = (bob.address(), alice.address());
    // Alice signs in on another machine.
    let mut alice2 = somebody("Alice", 7);
    alice2
        .change_device(|me, record, now| {
            record.generation = Generation(2);
            me.certify(record, now);
        })
        .expect("is stored");
    let request = ask(&mut alice2, &bob);
    bob.came_to_requests(&request, 1).expect("is stored");
    assert!(bodies(&bob, &from).contains(&Body::Note(Note::NewDevice)));
    let before = bodies(&bob, &from);
    alice
        .send_text(&to, "from the old machine".into(), None)
        .expect("is sent");
    carry(&mut alice, &mut bob);
    let old = ask_again(&mut alice, &bob);
    bob.came_to_requests(&old, 1).expect("is passed over");
    assert_eq!(bodies(&bob, &from), before);
}

/// A request of a device that has a session already.
fn ask_again(alice: &mut State, bob: &State) -> Vec<u8> {
    let found = descriptor_of(bob);
    let device = KnownDevice {
        generation: found.remote.device().generation(),
        id: found.remote.device().id(),
    };
    alice
        .begin_session(&bob.address(), &found.remote, device, Some(Standing::Same), NOW)
        .expect("is stored");
    alice.peers[&bob.address()]
        .record
        .request
        .as_ref()
        .expect("is made")
        .message
        .clone()
}

#[test]
fn the_largest_text_fits_the_largest_envelope() {
    let (mut alice, mut bob) = friends();
    let to = bob.address();
    alice
        .send_text(&to, "ä".repeat(Text::LIMIT / 2), None)
        .expect("is sent");
    let payloads = carry(&mut alice, &mut bob);
    assert!(
        payloads
            .iter()
            .all(|payload| outis_mailbox::Size::for_payload(payload.len()).is_some())
    );
    assert_eq!(bodies(&bob, &alice.address()).len(), 1);
}
