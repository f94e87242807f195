//! A second machine, a reinstall, a lost state.

use outis_messenger::{Body, ContactState, Delivery, Known, Note, SendError, Verification};
use outis_tests::sim::{Accounts, SimNet, TestPeer, befriend};
use std::time::Duration;

const TWO_MINUTES: Duration = Duration::from_secs(120);
const AN_HOUR: Duration = Duration::from_secs(61 * 60);

fn notes(peer: &TestPeer, of: &TestPeer) -> Vec<Note> {
    let note = |body| match body {
        Body::Note(note) => Some(note),
        _ => None,
    };
    peer.conversation(of)
        .into_iter()
        .filter_map(|message| note(message.body))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_second_sign_in_takes_over_visibly_and_nothing_is_lost() {
    let net = SimNet::new(20, 8);
    let mut accounts = Accounts::new(&net, 20);
    let (alice, bob) = (accounts.create("Alice"), accounts.create("Bob"));
    befriend(&alice, &bob).await;
    let first = alice.say(&bob, "to the old machine");
    alice.until_delivery(&first, Delivery::Delivered).await;
    tokio::time::sleep(Duration::from_secs(10)).await;

    let bob2 = accounts.restore("Bob");
    bob2.until("the network knows the account", TWO_MINUTES, |messenger| {
        (messenger.known() == Known::Yes).then_some(())
    })
    .await;
    bob.until("the old machine notices", AN_HOUR, |messenger| {
        messenger.is_superseded().then_some(())
    })
    .await;
    assert!(matches!(
        bob.send_text(&alice.address(), "still me", None),
        Err(SendError::Superseded)
    ));

    let second = alice.say(&bob2, "to the new machine");
    let request = bob2
        .until("the contact asks again", TWO_MINUTES, |messenger| {
            messenger.contact(&alice.address()).ok()
        })
        .await;
    assert!(
        request.says_known,
        "an installation without contacts is told that they were in contact"
    );
    assert_eq!(request.state, ContactState::Incoming);
    assert_eq!(notes(&alice, &bob2), [Note::NewDevice]);
    bob2.accept_contact(&alice.address()).expect("is accepted");
    bob2.until_heard(&alice, &["to the new machine"]).await;
    alice.until_delivery(&second, Delivery::Delivered).await;
    bob2.say(&alice, "and back");
    alice.until_heard(&bob2, &["and back"]).await;
    assert!(!bob2.is_superseded());
}

#[tokio::test(start_paused = true)]
async fn a_verified_contact_on_a_new_device_is_told_nothing_before_it_is_confirmed() {
    let net = SimNet::new(21, 8);
    let mut accounts = Accounts::new(&net, 21);
    let (alice, mut bob) = (accounts.create("Alice"), accounts.create("Bob"));
    befriend(&alice, &bob).await;
    alice
        .verify_contact(&bob.address(), Verification::Compared)
        .expect("is verified");
    tokio::time::sleep(Duration::from_secs(10)).await;
    bob.stop();

    let bob2 = accounts.restore("Bob");
    bob2.until("the network knows the account", TWO_MINUTES, |messenger| {
        (messenger.known() == Known::Yes).then_some(())
    })
    .await;
    alice.say(&bob2, "only for Bob");
    let changed = alice
        .until("the device changed", TWO_MINUTES, |messenger| {
            messenger
                .contact(&bob2.address())
                .ok()
                .filter(|contact| contact.device_changed)
        })
        .await;
    assert!(changed.verified);
    bob2.until("the contact asks again", TWO_MINUTES, |messenger| {
        messenger.contact(&alice.address()).ok()
    })
    .await;
    bob2.accept_contact(&alice.address()).expect("is accepted");
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert!(bob2.heard(&alice).is_empty(), "nothing is told before it is confirmed");

    alice
        .verify_contact(&bob2.address(), Verification::Compared)
        .expect("is confirmed");
    bob2.until_heard(&alice, &["only for Bob"]).await;
}

#[tokio::test(start_paused = true)]
async fn the_old_machine_takes_over_again_only_on_its_persons_word() {
    let net = SimNet::new(22, 8);
    let mut accounts = Accounts::new(&net, 22);
    let (alice, bob) = (accounts.create("Alice"), accounts.create("Bob"));
    befriend(&alice, &bob).await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    let bob2 = accounts.restore("Bob");
    bob2.until("the network knows the account", TWO_MINUTES, |messenger| {
        (messenger.known() == Known::Yes).then_some(())
    })
    .await;
    bob.until("the old machine notices", AN_HOUR, |messenger| {
        messenger.is_superseded().then_some(())
    })
    .await;

    bob.take_over().expect("goes on");
    bob2.until("the new machine notices", AN_HOUR, |messenger| {
        messenger.is_superseded().then_some(())
    })
    .await;
    alice.say(&bob, "to whom?");
    bob.until_heard(&alice, &["to whom?"]).await;
    tokio::time::sleep(AN_HOUR * 3).await;
    assert!(!bob.is_superseded(), "two machines never take turns by themselves");
}

/// Somebody signs in on a new machine while the old one is out of reach, and a contact learns of that.
async fn meets_the_new_machine(accounts: &mut Accounts, alice: &TestPeer) -> TestPeer {
    let bob2 = accounts.restore("Bob");
    bob2.until("the network knows the account", TWO_MINUTES, |messenger| {
        (messenger.known() == Known::Yes).then_some(())
    })
    .await;
    alice.say(&bob2, "where are you?");
    bob2.until("the contact asks again", TWO_MINUTES, |messenger| {
        messenger.contact(&alice.address()).ok()
    })
    .await;
    bob2
}

#[tokio::test(start_paused = true)]
async fn an_old_machine_that_wakes_up_finds_out_before_it_says_anything() {
    let net = SimNet::new(24, 8);
    let mut accounts = Accounts::new(&net, 24);
    let (alice, bob) = (accounts.create("Alice"), accounts.create("Bob"));
    befriend(&alice, &bob).await;
    tokio::time::sleep(TWO_MINUTES).await;
    assert!(bob.open_streams() > 0, "it listens");
    bob.set_offline(true);
    let bob2 = meets_the_new_machine(&mut accounts, &alice).await;
    bob.set_offline(false);
    bob.until("the old machine notices", TWO_MINUTES, |messenger| {
        messenger.is_superseded().then_some(())
    })
    .await;
    tokio::time::sleep(TWO_MINUTES).await;
    assert_eq!(bob.open_streams(), 0, "it listens to nothing more");
    assert!(alice.open_streams() > 0 && bob2.open_streams() > 0, "others listen on");
    assert!(!bob2.is_superseded());
}

#[tokio::test(start_paused = true)]
async fn an_old_machine_that_is_not_answered_finds_out_within_minutes() {
    let net = SimNet::new(25, 8);
    let mut accounts = Accounts::new(&net, 25);
    let (alice, bob) = (accounts.create("Alice"), accounts.create("Bob"));
    befriend(&alice, &bob).await;
    tokio::time::sleep(TWO_MINUTES).await;
    // Its line fails without a word, and comes back before it has noticed.
    bob.freeze_line();
    meets_the_new_machine(&mut accounts, &alice).await;
    bob.set_offline(false);
    tokio::time::sleep(TWO_MINUTES).await;
    assert!(!bob.is_superseded(), "control: nobody has told it");
    // Whatever it says is answered by nobody.
    bob.send_text(&alice.address(), "still me", None)
        .expect("it does not know better");
    bob.until("the old machine notices", TWO_MINUTES * 2, |messenger| {
        messenger.is_superseded().then_some(())
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_account_that_nobody_knows_is_published_only_when_its_person_says_that_it_is_new() {
    let net = SimNet::new(23, 8);
    let mut accounts = Accounts::new(&net, 23);
    let (alice, typo) = (accounts.create("Alice"), accounts.restore("Bbo"));
    typo.until("nobody knows it", TWO_MINUTES, |messenger| {
        (messenger.known() == Known::No).then_some(())
    })
    .await;
    alice.add_contact(typo.address(), None, None).expect("is asked");
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert!(typo.contacts().is_empty(), "nothing is published");
    typo.confirm_new().expect("is new");
    typo.until("the request arrives", Duration::from_secs(3_600), |messenger| {
        messenger.contact(&alice.address()).ok()
    })
    .await;
}
