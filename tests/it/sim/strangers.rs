//! Who asks to be a contact, and is not wanted.

use outis_messenger::{ContactState, Delivery};
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

const AN_HOUR: Duration = Duration::from_secs(60 * 60);
