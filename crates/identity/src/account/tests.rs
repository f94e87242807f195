use super::*;
use std::collections::HashSet;

fn derived(nickname: &str, password: &str, cost: Cost) -> Address {
    Identity::derive(
        &Nickname::parse(nickname).unwrap(),
        &Password::parse(password).unwrap(),
        cost,
    )
    .unwrap()
    .address()
}

fn cheap(nickname: &str, password: &str) -> Address {
    derived(nickname, password, Cost::dangerously_cheap())
}

#[test]
fn the_same_person_gets_the_same_account_however_it_was_typed() {
    assert_eq!(
        cheap("Ada", "caf\u{e9} au lait"),
        cheap("\u{ff21}DA", "cafe\u{301}\u{a0}au lait")
    );
}

#[test]
fn any_other_name_or_password_is_another_account() {
    let all = [
        cheap("ada", "one"),
        cheap("adb", "one"),
        cheap("ada", "onf"),
        cheap("one", "ada"),
        cheap("adao", "ne"),
    ];
    assert_eq!(all.iter().collect::<HashSet<_>>().len(), all.len());
}

#[test]
fn an_account_comes_back_from_its_record() {
    let identity = Identity::from_record(&[&[1], [9; 32].as_slice()].concat()).unwrap();
    let record = identity.to_record();
    assert_eq!(
        Identity::from_record(record.dangerously_expose()).unwrap().address(),
        identity.address()
    );
    assert_eq!(
        Identity::from_record(&[2; 33]).err(),
        Some(RecordError::UnknownVersion(2))
    );
    assert_eq!(Identity::from_record(&[1; 32]).err(), Some(RecordError::Malformed));
    assert_eq!(Identity::from_record(&[1; 34]).err(), Some(RecordError::Malformed));
    assert_eq!(Identity::from_record(&[]).err(), Some(RecordError::Malformed));
}

#[test]
fn what_an_account_signs_its_key_verifies() {
    let identity = Identity::from_record(&[&[1], [9; 32].as_slice()].concat()).unwrap();
    let signature = identity.sign(label::DEVICE_CERTIFICATE, b"message");
    assert!(
        identity
            .account_key()
            .verify(label::DEVICE_CERTIFICATE, b"message", &signature)
            .is_ok()
    );
}

/// `cost nickname password address`, tab-separated. One line is at full cost.
#[test]
fn golden_accounts() {
    let vector = include_str!("../../../../tests/vectors/identity-account.txt");
    let mut costs = HashSet::new();
    for line in vector.lines().filter(|line| !line.starts_with('#')) {
        let [cost, nickname, password, address] = line.split('\t').collect::<Vec<_>>().try_into().unwrap();
        let full = match cost {
            "cheap" => Cost::dangerously_cheap(),
            "account" => Cost::ACCOUNT,
            other => panic!("no such cost: {other}"),
        };
        assert_eq!(
            derived(nickname, password, full).to_string(),
            address,
            "{cost} {nickname}"
        );
        costs.insert(cost);
    }
    assert_eq!(costs.len(), 2);
}
