//! A folder that is put back from an old copy, and one that is in use on two machines.

use outis_messenger::{Body, ContactState, Delivery, MessageId, Note};
use outis_tests::sim::{Accounts, SimNet, TestPeer, befriend};
use std::time::Duration;

const TWO_MINUTES: Duration = Duration::from_secs(120);
const TWO_HOURS: Duration = Duration::from_secs(2 * 60 * 60);

/// Long enough for a descriptor to be published after a start.
const A_WHILE: Duration = Duration::from_secs(60);

async fn restart(peer: &mut TestPeer) {
    peer.stop();
    peer.start();
    tokio::time::sleep(A_WHILE).await;
}

async fn until_superseded(peer: &TestPeer, limit: Duration) {
    peer.until("it notices that it is a copy", limit, |messenger| {
        messenger.is_superseded().then_some(())
    })
    .await;
}

fn delivery(peer: &TestPeer, id: &MessageId) -> Delivery {
    peer.message(id).expect("reads").expect("is there").state
}

/// Two people in the middle of a conversation, and a copy of the first one's folder from before its last two messages.
async fn a_conversation_and_an_old_copy(accounts: &mut Accounts) -> (TestPeer, TestPeer, outis_vault::MemoryDisk) {
    let (mut alice, bob) = (accounts.create("Alice"), accounts.create("Bob"));
    befriend(&alice, &bob).await;
    let first = alice.say(&bob, "before the copy");
    alice.until_delivery(&first, Delivery::Delivered).await;
    bob.say(&alice, "a first answer");
    alice.until_heard(&bob, &["a first answer"]).await;
    tokio::time::sleep(A_WHILE).await;
    alice.stop();
    let copy = alice.back_up();
    alice.start();
    let second = alice.say(&bob, "after the copy");
    alice.until_delivery(&second, Delivery::Delivered).await;
    bob.say(&alice, "and an answer");
    alice.until_heard(&bob, &["a first answer", "and an answer"]).await;
    tokio::time::sleep(A_WHILE).await;
    alice.stop();
    (alice, bob, copy)
}

#[tokio::test(start_paused = true)]
async fn a_folder_put_back_from_an_old_copy_sends_nothing_until_its_person_says_so_and_then_nothing_is_lost_unseen() {
    let net = SimNet::new(60, 8);
    let mut accounts = Accounts::new(&net, 60);
    let (mut alice, bob, copy) = a_conversation_and_an_old_copy(&mut accounts).await;
    alice.put_back(&copy);
    alice.start();
    // Said before anything was noticed.
    let said = alice.say(&bob, "from the old copy");
    until_superseded(&alice, TWO_MINUTES).await;
    bob.say(&alice, "are you there?");
    tokio::time::sleep(TWO_HOURS).await;
    assert_eq!(delivery(&alice, &said), Delivery::Queued, "nothing left the machine");
    assert_eq!(bob.heard(&alice), ["before the copy", "after the copy"]);

    alice.take_over().expect("goes on");
    alice.until_delivery(&said, Delivery::Delivered).await;
    bob.until_heard(&alice, &["before the copy", "after the copy", "from the old copy"])
        .await;
    let notes = bob.conversation(&alice).into_iter();
    let new_device = notes.filter(|line| line.body == Body::Note(Note::NewDevice)).count();
    assert_eq!(new_device, 1, "the contact sees that it is another device now");
    // The answer of which the copy knows nothing shows as missing; what was not receipted comes.
    alice
        .until_heard(&bob, &["a first answer", "[1]", "are you there?"])
        .await;
    bob.say(&alice, "welcome back");
    alice
        .until_heard(&bob, &["a first answer", "[1]", "are you there?", "welcome back"])
        .await;
    let lines = alice.conversation(&bob).into_iter();
    let noted = lines.filter(|line| line.body == Body::Note(Note::NewSession)).count();
    assert!(noted >= 1, "the person sees where the conversation was torn");
    restart(&mut alice).await;
    assert!(!alice.is_superseded());
    alice.until_contact(&bob, ContactState::Accepted).await;
}

#[tokio::test(start_paused = true)]
async fn an_old_copy_that_nothing_witnesses_against_does_go_on() {
    let net = SimNet::new(61, 8);
    let mut accounts = Accounts::new(&net, 61);
    let (mut alice, bob, copy) = a_conversation_and_an_old_copy(&mut accounts).await;
    // The control: with the descriptor gone from every relay there is no witness, and so no stopping.
    net.forget_descriptors();
    bob.set_offline(true);
    alice.put_back(&copy);
    alice.start();
    let said = alice.say(&bob, "from the old copy");
    alice.until_delivery(&said, Delivery::Stored(1)).await;
    assert!(!alice.is_superseded(), "it has left the machine");
}

#[tokio::test(start_paused = true)]
async fn a_rollback_that_nobody_noticed_tears_the_conversation_once_and_does_not_make_two_chatter_for_ever() {
    let net = SimNet::new(63, 8);
    let mut accounts = Accounts::new(&net, 63);
    let (mut alice, bob, copy) = a_conversation_and_an_old_copy(&mut accounts).await;
    net.forget_descriptors();
    alice.put_back(&copy);
    net.listen_in();
    alice.start();
    let said = alice.say(&bob, "from the old copy");
    bob.say(&alice, "to the old copy");
    alice.until_delivery(&said, Delivery::Delivered).await;
    assert!(!alice.is_superseded(), "nothing witnesses against it");
    bob.until("it came", TWO_HOURS, |_| {
        let heard = bob.heard(&alice);
        (heard.last()? == "from the old copy").then_some(())
    })
    .await;
    alice
        .until("it came", TWO_HOURS, |_| {
            (alice.heard(&bob).last()? == "to the old copy").then_some(())
        })
        .await;
    for (one, other) in [(&alice, &bob), (&bob, &alice)] {
        let lines = one.conversation(other).into_iter();
        let torn = lines.filter(|line| line.body == Body::Note(Note::NewSession)).count();
        assert!((1..=3).contains(&torn), "it shows, and not without end: {torn}");
    }
    tokio::time::sleep(TWO_MINUTES).await;
    let puts = || {
        let frames = net.heard().into_iter().flat_map(|heard| heard.frames);
        frames.filter(|frame| frame.get(4..6) == Some(&[0x01, 0x04])).count()
    };
    let before = puts();
    assert!(before > 6, "control: what is put is counted");
    tokio::time::sleep(TWO_HOURS).await;
    let chatter = puts() - before;
    assert!(
        chatter <= 6,
        "two who have nothing to say put {chatter} envelopes in two hours"
    );
    let more = bob.say(&alice, "and on");
    bob.until_delivery(&more, Delivery::Delivered).await;
}

#[tokio::test(start_paused = true)]
async fn of_two_machines_with_one_folder_at_most_one_goes_on_sending() {
    let net = SimNet::new(62, 8);
    let mut accounts = Accounts::new(&net, 62);
    let (mut alice, bob) = (accounts.create("Alice"), accounts.create("Bob"));
    befriend(&alice, &bob).await;
    let first = alice.say(&bob, "one machine");
    alice.until_delivery(&first, Delivery::Delivered).await;
    tokio::time::sleep(A_WHILE).await;
    alice.stop();
    let copy = alice.back_up();
    alice.start();
    tokio::time::sleep(A_WHILE).await;
    let other = accounts.copy(&alice, &copy);
    until_superseded(&other, TWO_MINUTES).await;
    assert!(!alice.is_superseded());
    assert!(other.send_text(&bob.address(), "from the other", None).is_err());
    let more = alice.say(&bob, "from the first");
    alice.until_delivery(&more, Delivery::Delivered).await;

    // The person chooses the other one: that is a new device, and the first cannot listen in on it.
    other.take_over().expect("goes on");
    until_superseded(&alice, TWO_HOURS).await;
    let last = other.say(&bob, "from the one that was chosen");
    other.until_delivery(&last, Delivery::Delivered).await;
    bob.until_heard(
        &alice,
        &["one machine", "from the first", "from the one that was chosen"],
    )
    .await;
    bob.say(&other, "only to that one");
    other
        .until("the answer comes", TWO_MINUTES, |_| {
            (other.heard(&bob).last()? == "only to that one").then_some(())
        })
        .await;
    tokio::time::sleep(TWO_MINUTES).await;
    assert!(!alice.heard(&bob).contains(&"only to that one".to_owned()));
    assert!(!other.is_superseded());
}
