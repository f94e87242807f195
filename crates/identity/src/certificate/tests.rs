use super::*;
use crate::{DeviceKeys, Identity};
use proptest::prelude::*;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

const EXPIRES: UnixMillis = UnixMillis(1_800_000_000_000);

fn account(seed: u8) -> Identity {
    Identity::from_record(&[&[1], [seed; 32].as_slice()].concat()).unwrap()
}

fn device(seed: u64) -> DeviceKeys {
    DeviceKeys::generate(&mut ChaCha20Rng::seed_from_u64(seed))
}

fn certified(seed: u64, generation: u64) -> VerifiedDevice {
    account(1)
        .certify(device(seed).public(), Generation(generation), EXPIRES)
        .verify(EXPIRES)
        .unwrap()
}

#[test]
fn a_certificate_says_what_was_signed() {
    let certificate = account(1).certify(device(1).public(), Generation(7), EXPIRES);
    let verified = certificate.verify(UnixMillis(0)).unwrap();
    assert_eq!(*verified.account(), account(1).address());
    assert_eq!(*verified.keys(), device(1).public());
    assert_eq!(verified.generation(), Generation(7));
    assert_eq!(verified.expires(), EXPIRES);
    assert_eq!(verified.id(), device(1).public().id());
}

#[test]
fn a_certificate_is_good_until_two_days_after_its_expiry() {
    let certificate = account(1).certify(device(1).public(), Generation(1), EXPIRES);
    assert!(certificate.verify(EXPIRES.plus(CLOCK_TOLERANCE)).is_ok());
    assert_eq!(
        certificate.verify(UnixMillis(EXPIRES.plus(CLOCK_TOLERANCE).0 + 1)),
        Err(CertificateError::Expired)
    );
}

#[test]
fn nobody_certifies_for_another_account() {
    let mut certificate = account(1).certify(device(1).public(), Generation(1), EXPIRES);
    certificate.statement.account = account(2).address();
    assert_eq!(certificate.verify(EXPIRES), Err(CertificateError::BadSignature));
}

#[test]
fn a_signature_made_for_something_else_certifies_nothing() {
    let mut certificate = account(1).certify(device(1).public(), Generation(1), EXPIRES);
    certificate.signature = account(1).sign(label::DEVICE_ID, &outis_wire::encode(&certificate.statement));
    assert_eq!(certificate.verify(EXPIRES), Err(CertificateError::BadSignature));
}

#[test]
fn an_unknown_version_is_refused_even_if_signed() {
    let statement = Statement {
        version: 2,
        ..account(1).certify(device(1).public(), Generation(1), EXPIRES).statement
    };
    let signature = account(1).sign(label::DEVICE_CERTIFICATE, &outis_wire::encode(&statement));
    assert_eq!(
        DeviceCertificate { statement, signature }.verify(EXPIRES),
        Err(CertificateError::UnknownVersion(2))
    );
}

#[test]
fn a_higher_generation_takes_over_and_a_lower_one_is_never_accepted_again() {
    assert_eq!(certified(2, 2).standing(&certified(1, 1)), Standing::Successor);
    assert_eq!(certified(1, 1).standing(&certified(2, 2)), Standing::Superseded);
    assert_eq!(certified(1, 2).standing(&certified(1, 1)), Standing::Same);
    assert_eq!(certified(1, 1).standing(&certified(1, 1)), Standing::Same);
    assert_eq!(certified(1, 1).standing(&certified(1, 2)), Standing::Superseded);
}

#[test]
fn two_devices_of_one_generation_settle_it_by_the_smaller_id_wherever_they_are_compared() {
    let (a, b) = (certified(1, 3), certified(2, 3));
    let (smaller, larger) = if a.id() < b.id() { (a, b) } else { (b, a) };
    assert_eq!(smaller.standing(&larger), Standing::Successor);
    assert_eq!(larger.standing(&smaller), Standing::Superseded);
}

#[test]
fn generations_end_instead_of_starting_again() {
    assert_eq!(Generation::FIRST.next(), Some(Generation(2)));
    assert_eq!(Generation(u64::MAX).next(), None);
}

#[test]
fn device_keys_come_back_from_their_record() {
    let keys = device(1);
    let record = keys.to_record();
    let again = DeviceKeys::from_record(record.dangerously_expose()).unwrap();
    assert_eq!(again.public(), keys.public());
    let bytes = record.dangerously_expose();
    for cut in 0..bytes.len() {
        assert!(DeviceKeys::from_record(&bytes[..cut]).is_err());
    }
    assert!(DeviceKeys::from_record(&[bytes, &[0]].concat()).is_err());
    assert!(DeviceKeys::from_record(&[&[2], &bytes[1..]].concat()).is_err());
}

#[test]
fn golden_certificate() {
    let vector = include_str!("../../../../tests/vectors/identity-device-certificate.txt");
    let field = |name: &str| {
        let line = vector
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(" = "));
        hex::decode(line.unwrap_or_else(|| panic!("{name}"))).unwrap()
    };
    let account = Identity::from_record(&field("account record")).unwrap();
    let device = DeviceKeys::from_record(&field("device record")).unwrap();
    let certificate = account.certify(device.public(), Generation(300), EXPIRES);
    assert_eq!(device.public().id().0.as_slice(), field("device id"));
    assert_eq!(outis_wire::encode(&certificate), field("certificate"));
    let read: DeviceCertificate = outis_wire::decode(&field("certificate"), DeviceCertificate::MAX_ENCODED).unwrap();
    assert_eq!(read.verify(EXPIRES).unwrap().keys(), &device.public());
}

#[test]
fn the_longest_certificate_has_the_length_that_is_promised() {
    let longest = account(1).certify(device(1).public(), Generation(u64::MAX), UnixMillis(u64::MAX));
    assert_eq!(outis_wire::encode(&longest).len(), DeviceCertificate::MAX_ENCODED);
}

proptest! {
    #[test]
    fn no_changed_byte_is_accepted(at in 0usize..200, xor in 1u8..) {
        let mut bytes = outis_wire::encode(&account(1).certify(device(1).public(), Generation(7), EXPIRES));
        let at = at % bytes.len();
        bytes[at] ^= xor;
        let read = outis_wire::decode::<DeviceCertificate>(&bytes, DeviceCertificate::MAX_ENCODED);
        prop_assert!(read.is_err() || read.unwrap().verify(EXPIRES).is_err());
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..250)) {
        let _ = outis_wire::decode::<DeviceCertificate>(&bytes, DeviceCertificate::MAX_ENCODED);
        let _ = DeviceKeys::from_record(&bytes);
        let _ = Identity::from_record(&bytes);
    }
}

#[test]
fn secrets_are_made_by_the_generator_that_is_handed_in() {
    assert_eq!(device(1).public(), device(1).public());
    assert_ne!(device(1).public(), device(2).public());
}
