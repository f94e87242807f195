//! Most of the network dies at once.

use outis_messenger::{ContactState, Delivery};
use outis_tests::sim::{Accounts, SimNet, TestPeer, befriend};
use outis_wire::NodeId;
use std::collections::BTreeSet;
use std::time::Duration;

/// Everybody publishes once a day, or when their mailboxes are gone.
const SOON: Duration = Duration::from_secs(36 * 60 * 60);

fn mailboxes(people: &[&TestPeer]) -> BTreeSet<NodeId> {
    let mailboxes = people.iter().flat_map(|person| person.mailboxes());
    mailboxes.map(|mailbox| mailbox.node).collect()
}

/// The first pair loses each of its mailboxes, the second what falls to it; the third are strangers and meet afterwards.
#[tokio::test(start_paused = true)]
async fn of_a_thousand_relays_963_die_and_whoever_is_left_meets_and_delivers_both_ways() {
    let count: u16 = if std::env::var_os("OUTIS_SOAK").is_some() {
        1_000
    } else {
        200
    };
    let net = SimNet::new(300, count);
    let mut accounts = Accounts::new(&net, 300);
    let (ada, ben) = (accounts.create("Ada"), accounts.create("Ben"));
    let (cleo, dan) = (accounts.create("Cleo"), accounts.create("Dan"));
    let (eve, finn) = (accounts.create("Eve"), accounts.create("Finn"));
    befriend(&ada, &ben).await;
    befriend(&cleo, &dan).await;
    tokio::time::sleep(Duration::from_secs(120)).await;

    let survivors = usize::from(count) * 37 / 1_000;
    let doomed = mailboxes(&[&ada, &ben]);
    let left: BTreeSet<NodeId> = net
        .relays()
        .into_iter()
        .filter(|node| !doomed.contains(node))
        .take(survivors)
        .collect();
    // Said before the blow, and not told yet.
    ada.set_offline(true);
    let queued = ada.say(&ben, "queued");
    for node in net.relays().into_iter().filter(|node| !left.contains(node)) {
        net.kill(node);
    }
    // What the directory held went with those who kept it: of twenty holders there is less than one left on average.
    net.forget_descriptors();
    ada.set_offline(false);
    assert_eq!(left.len(), survivors);
    assert!(mailboxes(&[&ada, &ben]).is_disjoint(&left), "none of theirs is left");

    let answer = ben.say(&ada, "and back");
    let (there, back) = (cleo.say(&dan, "there"), dan.say(&cleo, "and back"));
    eve.add_contact(finn.address(), None, None).expect("is asked");
    for (from, id) in [(&ada, queued), (&ben, answer), (&cleo, there), (&dan, back)] {
        from.until("it is delivered", SOON, |messenger| {
            let state = messenger.message(&id).expect("reads").expect("is there").state;
            (state >= Delivery::Delivered).then_some(())
        })
        .await;
    }
    assert_eq!(ben.heard(&ada), ["queued"]);
    assert_eq!(ada.heard(&ben), ["and back"]);
    finn.until("a stranger asks", SOON, |messenger| {
        messenger.contact(&eve.address()).ok()
    })
    .await;
    finn.accept_contact(&eve.address()).expect("is accepted");
    eve.until("they meet", SOON, |messenger| {
        let contact = messenger.contact(&finn.address()).ok()?;
        (contact.state == ContactState::Accepted).then_some(())
    })
    .await;
    finn.say(&eve, "among the ruins");
    eve.until("it came", SOON, |_| {
        (eve.heard(&finn) == ["among the ruins"]).then_some(())
    })
    .await;
}
