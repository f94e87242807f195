//! Who asks to be a contact: without being wanted, or with an invite.

use outis_messenger::{ContactState, Delivery, InviteError, OpenInvite};
use outis_tests::sim::{Accounts, SimNet};
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn who_is_not_accepted_hears_nothing() {
    let net = SimNet::new(80, 8);
    let mut accounts = Accounts::new(&net, 80);
    let (alice, bob, carol) = (
        accounts.create("Alice"),
        accounts.create("Bob"),
        accounts.create("Carol"),
    );
    for asking in [&alice, &carol] {
        asking
            .add_contact(bob.address(), None, Some("may I?".into()))
            .expect("is asked");
        bob.until_contact(asking, ContactState::Incoming).await;
    }
    let said = alice.say(&bob, "are you there?");
    let hears_nothing = || {
        let contact = alice.contact(&bob.address()).expect("is known");
        let message = alice.message(&said).expect("reads").expect("is there");
        contact.state == ContactState::Requested
            && contact.nickname.is_empty()
            && alice.heard(&bob).is_empty()
            && message.state < Delivery::Delivered
    };
    tokio::time::sleep(AN_HOUR).await;
    assert!(hears_nothing(), "while Bob thinks about it");
    bob.decline_contact(&alice.address()).expect("is declined");
    tokio::time::sleep(AN_HOUR).await;
    assert!(hears_nothing(), "when Bob has declined");

    // The control: who is accepted hears it, in the same network and the same time.
    bob.accept_contact(&carol.address()).expect("is accepted");
    carol.until_contact(&bob, ContactState::Accepted).await;
    assert!(hears_nothing(), "when Bob has accepted somebody else");
}

#[tokio::test(start_paused = true)]
async fn an_invite_is_good_for_one_and_who_comes_late_with_it_asks_as_strangers_do() {
    let net = SimNet::new(81, 8);
    let mut accounts = Accounts::new(&net, 81);
    let (alice, mut bob) = (accounts.create("Alice"), accounts.create("Bob"));
    let (carol, dora) = (accounts.create("Carol"), accounts.create("Dora"));
    tokio::time::sleep(AN_HOUR / 60).await;
    let (invite, token) = bob.make_invite().expect("relays are known");
    let (taken_back, stale) = bob.make_invite().expect("another");
    assert_eq!(bob.open_invites(), [invite, taken_back]);
    bob.revoke_invite(taken_back.id).expect("it was open");
    assert!(matches!(bob.revoke_invite(taken_back.id), Err(InviteError::NotFound)));
    // It outlives a crash, and its queue is created by and by.
    bob.crash();
    bob.start();
    assert_eq!(bob.open_invites(), [invite]);
    tokio::time::sleep(AN_HOUR / 60).await;

    alice
        .add_invited(bob.address(), None, Some("you gave me this".into()), &token)
        .expect("is asked");
    let contact = bob.until_contact(&alice, ContactState::Incoming).await;
    assert_eq!(contact.greeting.as_deref(), Some("you gave me this"));
    bob.until("the invite is used up", AN_HOUR, |bob| {
        bob.open_invites().is_empty().then_some(())
    })
    .await;
    bob.accept_contact(&alice.address()).expect("is accepted");
    alice.until_contact(&bob, ContactState::Accepted).await;

    // Somebody else with the same link, and somebody with one that was taken back: heard all the same.
    for (late, token) in [(&carol, &token), (&dora, &stale)] {
        late.add_invited(bob.address(), None, None, token).expect("is asked");
        bob.until_contact(late, ContactState::Incoming).await;
    }
    assert_eq!(bob.open_invites(), []);
}

#[tokio::test(start_paused = true)]
async fn invites_are_few_and_end_by_themselves() {
    let net = SimNet::new(82, 8);
    let mut accounts = Accounts::new(&net, 82);
    let mut bob = accounts.create("Bob");
    tokio::time::sleep(AN_HOUR / 60).await;
    for _ in 0..OpenInvite::MOST {
        bob.make_invite().expect("there is room");
    }
    assert!(matches!(bob.make_invite(), Err(InviteError::TooMany)));
    bob.stop();
    tokio::time::sleep(OpenInvite::LIFETIME).await;
    bob.start();
    bob.until("they are over", AN_HOUR, |bob| {
        bob.open_invites().is_empty().then_some(())
    })
    .await;
    bob.make_invite().expect("there is room again");
}

const AN_HOUR: Duration = Duration::from_secs(60 * 60);
