use super::*;
use outis_crypto::signature::SigningKey;

fn address(seed: u8) -> Address {
    Address::new(SigningKey::from_seed(&Secret::from_bytes([seed; 32])).verifying_key())
}

#[test]
fn both_sides_see_the_same_sixty_digits() {
    let number = SafetyNumber::between(&address(1), &address(2));
    assert!(number == SafetyNumber::between(&address(2), &address(1)));
    let text = number.to_string();
    assert_eq!(text.split(' ').map(str::len).collect::<Vec<_>>(), [5; 12]);
    assert!(text.chars().all(|c| c.is_ascii_digit() || c == ' '));
}

#[test]
fn another_key_on_either_side_changes_nearly_every_group() {
    let number = SafetyNumber::between(&address(1), &address(2));
    for other in 3..20 {
        for changed in [
            SafetyNumber::between(&address(1), &address(other)),
            SafetyNumber::between(&address(other), &address(2)),
        ] {
            assert!(number.0.iter().zip(changed.0).filter(|(a, b)| **a == *b).count() <= 1);
        }
    }
}

#[test]
fn golden_safety_number() {
    let vector = include_str!("../../../../tests/vectors/identity-safety-number.txt");
    let lines: Vec<&str> = vector.lines().filter(|line| !line.starts_with('#')).collect();
    let (one, other): (Address, Address) = (lines[0].parse().unwrap(), lines[1].parse().unwrap());
    assert_eq!(SafetyNumber::between(&one, &other).to_string(), lines[2]);
}
