//! The table.

mod ratchet;
mod streams;

use crate::Decoder;
use outis_crypto::{agreement, kem, signature::VerifyingKey};
use outis_identity::{Address, DeviceCertificate, DeviceKeys, Identity, Invite, Nickname, Password};
use outis_mailbox::{Envelope, OwnedQueue, QueueCard, descriptor::SealedDescriptor, directory::Record, work::Proof};
use outis_messenger::{MessageId, TransferId};
use outis_onion::{OnionKeys, Scope, SignedDescriptor};
use outis_ratchet::{InitialMessage, Prekey, Session, SignedPrekey, SkippedKey};
use outis_transfer::{Bare, Geometry, Manifest, Offer, Outline, Picture, Receiver, SafeName};
use outis_wire::{Epoch, NetworkName, NodeId, Reader, Tagged, UnixMillis, decode, encode};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use serde::{Serialize, de::DeserializeOwned};
use std::{fmt::Display, str::FromStr, sync::LazyLock};

/// Every decoder there is.
pub const DECODERS: &[Decoder] = &[
    at("wire-codec", |bytes| {
        codec::<Vec<(u32, Tagged, Option<String>)>>(bytes, 1 << 16)
    }),
    at("wire-frames", streams::frames),
    at("wire-node-id", text::<NodeId>),
    at("wire-network-name", text::<NetworkName>),
    at("crypto-verifying-key", |bytes| {
        key(bytes, VerifyingKey::from_bytes, |key| *key.as_bytes())
    }),
    at("crypto-agreement-key", |bytes| {
        key(bytes, agreement::PublicKey::from_bytes, |key| *key.as_bytes())
    }),
    at("crypto-encapsulation-key", |bytes| {
        kem::EncapsulationKey::from_bytes(bytes).is_ok_and(|key| same(bytes, key.as_bytes()))
    }),
    at("identity-address", text::<Address>),
    at("identity-invite", text::<Invite>),
    at("identity-nickname", nickname),
    at("identity-password", |bytes| {
        as_text(bytes).is_some_and(|text| Password::parse(text).is_ok())
    }),
    at("identity-certificate", certificate),
    at("identity-account-record", |bytes| {
        Identity::from_record(bytes).is_ok_and(|account| same(bytes, account.to_record().dangerously_expose()))
    }),
    at("identity-device-record", |bytes| {
        DeviceKeys::from_record(bytes).is_ok_and(|keys| same(bytes, keys.to_record().dangerously_expose()))
    }),
    at("ratchet-initial-message", |bytes| {
        InitialMessage::from_bytes(bytes).is_ok_and(|message| same(bytes, &message.to_bytes()))
    }),
    at("ratchet-signed-prekey", |bytes| {
        SignedPrekey::from_bytes(bytes).is_ok_and(|prekey| same(bytes, &prekey.to_bytes()))
    }),
    at("ratchet-prekey-record", |bytes| {
        Prekey::from_record(bytes).is_ok_and(|prekey| same(bytes, prekey.to_record().dangerously_expose()))
    }),
    at("ratchet-session-record", |bytes| {
        Session::from_record(bytes).is_ok_and(|session| same(bytes, session.to_record().dangerously_expose()))
    }),
    at("ratchet-skipped-key", |bytes| {
        SkippedKey::from_record(bytes).is_ok_and(|key| same(bytes, key.to_record().dangerously_expose()))
    }),
    at("ratchet-message", ratchet::message),
    at("onion-relay-descriptor", relay_descriptor),
    at("onion-keys-record", |bytes| {
        OnionKeys::from_record(bytes).is_ok_and(|keys| same(bytes, &keys.to_record()))
    }),
    at("onion-command", outis_onion::decoders::command),
    at("onion-beginning", outis_onion::decoders::beginning),
    at("onion-answer", outis_onion::decoders::answer),
    at("onion-guards-record", outis_onion::decoders::guards),
    at("onion-backoff-record", outis_onion::decoders::backoff),
    at("transfer-offer", |bytes| {
        Offer::decode(bytes)
            .is_ok_and(|offer| same(bytes, offer.encode().dangerously_expose()) && !offer.name().as_str().is_empty())
    }),
    at("transfer-frame", outis_transfer::decoders::frame),
    at("transfer-name", file_name),
    at("transfer-manifest", |bytes| {
        Manifest::decode(bytes).is_ok_and(|manifest| {
            let encoded = manifest.encode().expect("it was read");
            same(bytes, encoded.get(Manifest::PREFIX..).unwrap_or_default())
        })
    }),
    at("transfer-bare-image", |bytes| match Bare::of(bytes) {
        Ok(Bare::Without(bare)) => {
            assert_eq!(Bare::of(&bare), Ok(Bare::AsItIs), "what is bare is left as it is");
            true
        }
        Ok(Bare::AsItIs) => true,
        Ok(Bare::NoImage) | Err(_) => false,
    }),
    at("transfer-picture", |bytes| Picture::of(bytes).is_ok()),
    at("transfer-picture-record", |bytes| {
        Picture::from_record(bytes).is_some_and(|made| same(bytes, &Picture::to_record(&made)))
    }),
    at("transfer-receiver-record", |bytes| {
        Receiver::resume(&OFFER, bytes).is_ok_and(|receiver| same(bytes, &receiver.to_record()))
    }),
    at("transfer-outline-record", |bytes| {
        let geometry = Geometry::of(40 << 10).expect("a small file");
        Outline::from_record(geometry, bytes).is_ok_and(|outline| same(bytes, &outline.to_record()))
    }),
    at("vault-header", outis_vault::decoders::header),
    at("vault-forest", outis_vault::decoders::forest),
    at("vault-index-part", outis_vault::decoders::index_part),
    at("vault-index-directory", outis_vault::decoders::index_directory),
    at("vault-page", outis_vault::decoders::page),
    at("vault-page-header", outis_vault::decoders::page_header),
    at("vault-pack", outis_vault::decoders::pack),
    at("vault-journal", outis_vault::decoders::journal),
    at("mailbox-request", outis_mailbox::decoders::mailbox_request),
    at("mailbox-reply", outis_mailbox::decoders::mailbox_reply),
    at("mailbox-envelope", |bytes| {
        Envelope::from_bytes(bytes.to_vec()).is_ok_and(|envelope| same(bytes, envelope.as_bytes()))
    }),
    at("mailbox-card", |bytes| {
        codec::<QueueCard>(bytes, QueueCard::MAX_ENCODED)
    }),
    at("mailbox-owned-queue", |bytes| codec::<OwnedQueue>(bytes, 256)),
    at("mailbox-descriptor", account_descriptor),
    at("mailbox-work", work),
    at("mailbox-server", streams::mailbox_server),
    at("mailbox-client", streams::mailbox_client),
    at("mailbox-rendezvous", streams::rendezvous),
    at("directory-request", outis_mailbox::decoders::directory_request),
    at("directory-reply", outis_mailbox::decoders::directory_reply),
    at("directory-record", |bytes| {
        Record::from_bytes(bytes).is_ok_and(|record| same(bytes, &record.to_bytes()))
    }),
    at("directory-server", streams::directory_server),
    at("messenger-payload", outis_messenger::decoders::payload),
    at("messenger-request", outis_messenger::decoders::request),
    at("messenger-parcel", outis_messenger::decoders::parcel),
    at("messenger-signal", outis_messenger::decoders::signal),
    at("messenger-message-id", text::<MessageId>),
    at("messenger-transfer-id", text::<TransferId>),
];

const fn at(name: &'static str, reads: fn(&[u8]) -> bool) -> Decoder {
    Decoder { name, reads }
}

fn codec<T: Serialize + DeserializeOwned>(bytes: &[u8], limit: usize) -> bool {
    decode::<T>(bytes, limit).is_ok_and(|value| same(bytes, &encode(&value)))
}

/// A text may be read in more than one form, and is written in one.
fn text<T: FromStr + Display>(bytes: &[u8]) -> bool {
    let Some(value) = as_text(bytes).and_then(|text| text.parse::<T>().ok()) else {
        return false;
    };
    let canonical = value.to_string();
    let again = canonical.parse::<T>().ok().expect("what is written is read");
    same(canonical.as_bytes(), again.to_string().as_bytes())
}

fn as_text(bytes: &[u8]) -> Option<&str> {
    str::from_utf8(bytes).ok()
}

fn key<K, E>(bytes: &[u8], read: fn([u8; 32]) -> Result<K, E>, write: fn(&K) -> [u8; 32]) -> bool {
    <[u8; 32]>::try_from(bytes).is_ok_and(|array| read(array).is_ok_and(|key| same(bytes, &write(&key))))
}

fn nickname(bytes: &[u8]) -> bool {
    let Some(nickname) = as_text(bytes).and_then(|text| Nickname::parse(text).ok()) else {
        return false;
    };
    let again = Nickname::parse(nickname.canonical()).expect("a canonical nickname is a nickname");
    same(nickname.canonical().as_bytes(), again.canonical().as_bytes())
}

fn certificate(bytes: &[u8]) -> bool {
    let Ok(certificate) = decode::<DeviceCertificate>(bytes, DeviceCertificate::MAX_ENCODED) else {
        return false;
    };
    let _ = certificate.verify(UnixMillis(0));
    same(bytes, &encode(&certificate))
}

fn relay_descriptor(bytes: &[u8]) -> bool {
    let Ok(signed) = SignedDescriptor::from_bytes(bytes) else {
        return false;
    };
    let _ = signed.verify(&NetworkName::default(), Scope::Public, Epoch(20_780));
    same(bytes, &signed.to_bytes())
}

fn account_descriptor(bytes: &[u8]) -> bool {
    let Ok(sealed) = SealedDescriptor::from_bytes(bytes.to_vec()) else {
        return false;
    };
    let _ = sealed.clone().verify(&NetworkName::default());
    same(bytes, sealed.as_bytes())
}

fn work(bytes: &[u8]) -> bool {
    let mut reader = Reader::new(bytes);
    let Ok(proof) = Proof::read(&mut reader) else {
        return false;
    };
    let mut written = Vec::new();
    proof.write(&mut written);
    reader.is_empty() && same(bytes, &written)
}

/// A file of twenty chunks, as that of the golden record.
static OFFER: LazyLock<Offer> = LazyLock::new(|| {
    let outline = Outline::of(&vec![0; 20 << 16]).expect("a small file");
    Offer::new("a", &outline, &mut ChaCha20Rng::from_seed([1; 32]))
});

/// Any text becomes a name, and that name is one plain component of a path.
fn file_name(bytes: &[u8]) -> bool {
    as_text(bytes).is_some_and(|text| {
        let name = SafeName::from_untrusted(text);
        let name = name.as_str();
        assert!(!name.is_empty() && name != "." && name != "..", "{name:?}");
        assert!(name.len() <= 255 && !name.contains(['/', '\\', ':', '\0']), "{name:?}");
        assert!(!name.chars().any(char::is_control), "{name:?}");
        same(name.as_bytes(), SafeName::from_untrusted(name).as_str().as_bytes())
    })
}

fn same(read: &[u8], written: &[u8]) -> bool {
    assert_eq!(hex::encode(read), hex::encode(written), "one value has two encodings");
    true
}
