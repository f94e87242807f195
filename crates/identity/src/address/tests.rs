use super::*;
use outis_crypto::{Secret, signature::SigningKey};

fn address(seed: u8) -> Address {
    Address::new(SigningKey::from_seed(&Secret::from_bytes([seed; 32])).verifying_key())
}

fn written(version: u8, key: &[u8]) -> String {
    bech32::encode::<Bech32m>(prefix(), &[&[version], key].concat()).unwrap()
}

#[test]
fn golden_addresses() {
    for line in include_str!("../../../../tests/vectors/identity-address.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
    {
        let (key, text) = line.split_once(' ').unwrap();
        let key: [u8; 32] = hex::decode(key).unwrap().try_into().unwrap();
        let address = Address::new(VerifyingKey::from_bytes(key).unwrap());
        assert_eq!(address.to_string(), text);
        assert_eq!(text.parse(), Ok(address));
    }
}

#[test]
fn an_address_is_read_in_either_case_and_with_space_around_it() {
    let text = address(1).to_string();
    assert_eq!(text.len(), LENGTH);
    assert_eq!(format!("  {text}\n").parse(), Ok(address(1)));
    assert_eq!(text.to_uppercase().parse(), Ok(address(1)));
    let mixed = format!("{}{}", &text[..30], text[30..].to_uppercase());
    assert_eq!(mixed.parse::<Address>(), Err(AddressError::MixedCase));
}

#[test]
fn every_single_wrong_letter_is_noticed() {
    let text = address(2).to_string();
    for at in 6..text.len() {
        for letter in "qpzry9x8gf2tvdw0s3jn54khce6mua7l".chars() {
            let wrong = format!("{}{letter}{}", &text[..at], &text[at + 1..]);
            if wrong != text {
                assert_eq!(wrong.parse::<Address>(), Err(AddressError::BadChecksum), "{wrong}");
            }
        }
    }
}

#[test]
fn two_letters_changed_places_are_noticed() {
    let text = address(3).to_string();
    for at in 6..text.len() - 1 {
        let mut bytes = text.clone().into_bytes();
        bytes.swap(at, at + 1);
        let swapped = String::from_utf8(bytes).unwrap();
        assert!(swapped == text || swapped.parse::<Address>().is_err(), "{swapped}");
    }
}

#[test]
fn each_mistake_has_its_own_error() {
    let text = address(4).to_string();
    let parse = |text: &str| text.parse::<Address>().unwrap_err();
    assert_eq!(parse(""), AddressError::NotAnAddress);
    assert_eq!(parse("hello"), AddressError::NotAnAddress);
    assert_eq!(parse(&text.replacen("outis1", "bc1", 1)), AddressError::WrongPrefix);
    assert_eq!(parse(&text[..64]), AddressError::WrongLength);
    assert_eq!(parse(&format!("{text}q")), AddressError::WrongLength);
    assert_eq!(parse(&text.repeat(100)), AddressError::WrongLength);
    assert_eq!(
        parse(&format!("{}b{}", &text[..20], &text[21..])),
        AddressError::BadCharacter('b')
    );
    assert_eq!(
        parse(&written(2, address(4).as_bytes())),
        AddressError::UnknownVersion(2)
    );
    assert_eq!(
        parse(&bech32::encode::<bech32::Bech32>(prefix(), &[&[1], address(4).as_bytes().as_slice()].concat()).unwrap()),
        AddressError::BadChecksum,
        "the older checksum lets letters be inserted"
    );
}

#[test]
fn what_is_nobodys_key_is_refused_although_its_checksum_holds() {
    let mut one = [0; 32];
    one[0] = 1;
    let mut no_point = [0; 32];
    no_point[0] = 2;
    for key in [one, no_point, [0; 32], [0xff; 32]] {
        assert_eq!(
            written(1, &key).parse::<Address>(),
            Err(AddressError::NotAKey),
            "{key:?}"
        );
        assert!(outis_wire::decode::<Address>(&key, 32).is_err());
    }
    assert_eq!(outis_wire::decode::<Address>(address(1).as_bytes(), 32), Ok(address(1)));
}

#[test]
fn a_second_spelling_of_the_last_letter_is_refused() {
    // 264 bits in 53 letters: the last one has a bit to spare, which a checksum of its own would cover.
    use bech32::{
        Fe32,
        primitives::iter::{ByteIterExt, Fe32IterExt},
    };
    let payload = [&[1], address(5).as_bytes().as_slice()].concat();
    let mut letters: Vec<Fe32> = payload.iter().copied().bytes_to_fes().collect();
    let last = letters.pop().unwrap();
    letters.push(Fe32::try_from(last.to_u8() | 1).unwrap());
    let hrp = prefix();
    let text: String = letters.into_iter().with_checksum::<Bech32m>(&hrp).chars().collect();
    assert_ne!(text, address(5).to_string());
    assert_eq!(text.parse::<Address>(), Err(AddressError::BadChecksum));
}
