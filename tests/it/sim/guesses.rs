//! What a guess at a password can be checked against, by somebody who holds everything that all relays hold.

use outis_crypto::{Secret, derive_from, label, password::Cost, signature::SigningKey};
use outis_tests::{
    canary::Needles,
    guess::Guess,
    process::soak,
    sim::{Accounts, SimNet, befriend},
};
use std::collections::BTreeSet;

/// That of everybody on the simulated network.
const PASSWORD: &str = "correct horse battery staple";

#[tokio::test(start_paused = true)]
async fn a_guessed_password_is_recognised_by_descriptors_alone() {
    let net = SimNet::new(31, 8);
    let mut accounts = Accounts::new(&net, 31);
    let (alice, bob) = (accounts.create("Alice"), accounts.create("Bob"));
    befriend(&alice, &bob).await;
    for number in 0..30 {
        let said = alice.say(&bob, &format!("message {number}"));
        alice.until_delivery(&said, outis_messenger::Delivery::Delivered).await;
    }
    let (name, today, cheap) = (net.name(), net.now().epoch(), Cost::dangerously_cheap());
    let guess = |password: &str| Guess::at(cheap, "Alice", password, &name, today);
    let collected = net.holdings();

    let right = guess(PASSWORD);
    let published: BTreeSet<String> = right.descriptors.iter().map(|(name, _)| name.clone()).collect();
    assert_eq!(
        right.matches(&[&collected]),
        published,
        "descriptors, each of them, and nothing else"
    );
    assert_eq!(
        guess("correct horse battery stable").matches(&[&collected]),
        BTreeSet::new()
    );
    assert_eq!(
        Guess::at(cheap, "Alicia", PASSWORD, &name, today).matches(&[&collected]),
        BTreeSet::new(),
        "a guess is good for one nickname"
    );

    // Among many, one is recognised, and it took as many derivations as there are candidates.
    let candidates = (0..if soak() { 100_000 } else { 1_000 }).map(|number| format!("candidate {number}"));
    let mut needles = Needles::default();
    for password in candidates.chain([PASSWORD.to_owned()]) {
        let place = Guess::published(cheap, "Alice", &password, &name, today);
        needles.add_exactly(&password, place.0.to_vec());
    }
    assert_eq!(needles.in_bytes(&collected), BTreeSet::from([PASSWORD]));
}

/// The positive control: whatever else hung on the password would be found, in any of these forms.
#[tokio::test(start_paused = true)]
async fn a_key_that_were_made_from_the_password_would_be_recognised() {
    let net = SimNet::new(32, 8);
    let mut accounts = Accounts::new(&net, 32);
    let (alice, bob) = (accounts.create("Alice"), accounts.create("Bob"));
    befriend(&alice, &bob).await;
    let right = Guess::at(
        Cost::dangerously_cheap(),
        "Alice",
        PASSWORD,
        &net.name(),
        net.now().epoch(),
    );
    let honest = right.matches(&[&net.holdings()]);
    let root = &right
        .derived
        .iter()
        .find(|(name, _)| name == "seed")
        .expect("the seed")
        .1;
    let queue: Secret<32> = derive_from(label::DEVICE_ID, &[root], &[net.name().as_str().as_bytes()]);
    let node = SigningKey::from_seed(&queue).verifying_key();
    for (planted, what) in [
        (
            *queue.dangerously_expose(),
            "outis/v1/identity/device-id of seed bound to the network",
        ),
        (
            *node.as_bytes(),
            "the Ed25519 key of outis/v1/identity/device-id of seed bound to the network",
        ),
        (right.account, "the account (raw)"),
    ] {
        let collected = [net.holdings(), planted.to_vec()].concat();
        let found: BTreeSet<String> = right.matches(&[&collected]).difference(&honest).cloned().collect();
        assert_eq!(found, [what.to_owned()].into());
    }
}
