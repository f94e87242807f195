use super::*;
use curve25519_dalek::constants::EIGHT_TORSION;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

const TOR: &str = include_str!("../../../../tests/vectors/blinded-tor.txt");
const OURS: &str = include_str!("../../../../tests/vectors/blinded-ours.txt");

#[test]
fn tors_published_vectors_come_out_byte_for_byte() {
    let mut seen = 0;
    for line in lines(TOR) {
        let [seed, expanded, public, factor, blinded_secret, blinded_public] = &line[..] else {
            panic!("six columns")
        };
        let key = SigningKey::from_seed(&Secret::from_slice(seed).expect("32 bytes"));
        assert_eq!(key.verifying_key().as_bytes()[..], public[..]);
        let factor = Factor(factor.clone().try_into().expect("32 bytes"));
        let secret = blind(&Secret::from_slice(expanded).expect("64 bytes"), factor);
        assert_eq!(
            [secret.scalar.to_bytes(), secret.hash_prefix].concat(),
            blinded_secret[..]
        );
        let blinded = BlindedKey::new(&key.verifying_key(), factor).expect("prime order");
        assert_eq!(blinded.as_bytes()[..], blinded_public[..]);
        assert_eq!(BlindedSigningKey::new(&key, factor).blinded_key(), blinded);
        seen += 1;
    }
    assert_eq!(seen, 10);
}

#[test]
fn our_factor_and_signature_have_not_changed() {
    let mut seen = 0;
    for line in lines(OURS) {
        let [seed, network, epoch, blinded, signature] = &line[..] else {
            panic!("five columns")
        };
        let key = SigningKey::from_seed(&Secret::from_slice(seed).expect("32 bytes"));
        let factor = Factor::new(&key.verifying_key(), &[network, epoch]);
        let signing = BlindedSigningKey::new(&key, factor);
        assert_eq!(hex::encode(signing.blinded_key().as_bytes()), hex::encode(blinded));
        assert_eq!(
            hex::encode(signing.sign(LABEL, b"message").as_bytes()),
            hex::encode(signature)
        );
        seen += 1;
    }
    assert_eq!(seen, 3);
}

#[test]
fn a_blinded_signature_holds_under_its_own_epoch_only() {
    let key = key(1);
    let factor = |epoch: u8| Factor::new(&key.verifying_key(), &[b"main", &[epoch]]);
    let signature = BlindedSigningKey::new(&key, factor(1)).sign(LABEL, b"message");
    let blinded = |epoch| BlindedKey::new(&key.verifying_key(), factor(epoch)).expect("prime order");
    assert_eq!(blinded(1).verify(LABEL, b"message", &signature), Ok(()));
    assert_eq!(blinded(1).verify(LABEL, b"massage", &signature), Err(BadSignature));
    assert_eq!(blinded(2).verify(LABEL, b"message", &signature), Err(BadSignature));
    assert_eq!(
        key.verifying_key().verify(LABEL, b"message", &signature),
        Err(BadSignature)
    );
}

#[test]
fn epochs_and_networks_have_unrelated_keys() {
    let key = key(2);
    let mut seen = std::collections::BTreeSet::new();
    for network in [b"main".as_slice(), b"test"] {
        for epoch in 0..50_u32 {
            let factor = Factor::new(&key.verifying_key(), &[network, &epoch.to_be_bytes()]);
            seen.insert(BlindedKey::new(&key.verifying_key(), factor).expect("prime order"));
        }
    }
    assert_eq!(seen.len(), 100);
    // Who does not know the key cannot walk from one epoch to the next: the factors depend on the key.
    let other = self::key(3);
    let own = Factor::new(&key.verifying_key(), &[b"main", &[0]]);
    let theirs = Factor::new(&other.verifying_key(), &[b"main", &[0]]);
    assert_ne!(own.0, theirs.0);
}

#[test]
fn one_message_in_two_epochs_shares_no_nonce() {
    let key = key(4);
    let sign =
        |epoch: u8| BlindedSigningKey::new(&key, Factor::new(&key.verifying_key(), &[&[epoch]])).sign(LABEL, b"m");
    let (first, second) = (sign(1), sign(2));
    assert_ne!(first.as_bytes()[..32], second.as_bytes()[..32]);
    // The control: with Tor's prefix alone, R is the same, and then s = (S1 - S2) / (k1·h1 - k2·h2).
    let expanded = Secret::<64>::from_bytes(Sha512::digest(key.seed().dangerously_expose()).into());
    let tor = |epoch: u8| {
        let secret = blind(&expanded, Factor::new(&key.verifying_key(), &[&[epoch]]));
        let public = ed25519_dalek::VerifyingKey::from(&secret);
        raw_sign::<Sha512>(&secret, b"m", &public).to_bytes()
    };
    assert_eq!(tor(1)[..32], tor(2)[..32]);
}

#[test]
fn a_key_with_torsion_is_refused_though_it_would_blind_to_the_same() {
    let key = key(5).verifying_key();
    let point = CompressedEdwardsY(*key.as_bytes()).decompress().expect("a point");
    let factor = Factor([7; 32]);
    for torsion in EIGHT_TORSION.iter().skip(1) {
        let twisted = (point + torsion).compress().to_bytes();
        let twisted = VerifyingKey::from_bytes(twisted).expect("canonical and not of small order");
        assert_eq!(BlindedKey::new(&twisted, factor), Err(HasTorsion));
        // The control: without the check both addresses would have one descriptor.
        let integer = Scalar::from_bytes_mod_order(clamp_integer(factor.0));
        assert_eq!(integer * point, (point + torsion).mul_clamped(factor.0));
    }
    assert!(BlindedKey::new(&key, factor).is_ok());
}

fn key(seed: u64) -> SigningKey {
    SigningKey::generate(&mut ChaCha20Rng::seed_from_u64(seed))
}

fn lines(text: &str) -> impl Iterator<Item = Vec<Vec<u8>>> + '_ {
    text.lines().filter(|line| !line.starts_with('#')).map(|line| {
        line.split_whitespace()
            .map(|column| hex::decode(column).expect("hex"))
            .collect()
    })
}

const LABEL: Label = label::AEAD_COMMITTING;
