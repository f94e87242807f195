//! The golden bytes of every format, out of `tests/vectors/`.

/// Golden bytes, and the decoder that they are for.
pub struct Sample {
    /// The name of the one decoder that must read them.
    pub decoder: &'static str,
    /// Which of its golden bytes.
    pub name: String,
    /// They themselves.
    pub bytes: Vec<u8>,
}

/// All of them.
pub fn samples() -> Vec<Sample> {
    let mut samples = Vec::new();
    for (decoder, file, wanted) in SOURCES {
        for (place, line) in file
            .lines()
            .filter(|line| !line.starts_with('#') && !line.is_empty())
            .enumerate()
        {
            let (name, value) = match line.split_once(' ') {
                Some((name, value)) => (name, value),
                None => ("", line),
            };
            let (name, value) = match line.split_once(" = ") {
                Some(named) => named,
                None => (name, value),
            };
            let is_wanted = match wanted {
                Wanted::Hex(prefix) | Wanted::Text(prefix) => name.starts_with(prefix),
                Wanted::Line(number) => place == *number,
            };
            if !is_wanted {
                continue;
            }
            let bytes = match wanted {
                Wanted::Text(_) => value.as_bytes().to_vec(),
                Wanted::Hex(_) => hex::decode(value).expect("a vector is hex"),
                Wanted::Line(_) => hex::decode(line).expect("a vector is hex"),
            };
            let name = if name.is_empty() {
                place.to_string()
            } else {
                name.replace(' ', "-")
            };
            samples.push(Sample { decoder, name, bytes });
        }
    }
    samples.extend(made());
    samples
}

/// The first golden bytes of a decoder.
pub fn bytes(decoder: &str) -> Vec<u8> {
    let source = samples().into_iter().find(|sample| sample.decoder == decoder);
    source.expect("every decoder that is asked for has golden bytes").bytes
}

/// Which lines of a file: those whose name begins so, as hex or as text, or the one at this place.
enum Wanted {
    Hex(&'static str),
    Text(&'static str),
    Line(usize),
}

macro_rules! vector {
    ($name:literal) => {
        include_str!(concat!("../../tests/vectors/", $name, ".txt"))
    };
}

const SOURCES: &[(&str, &str, Wanted)] = &[
    ("identity-address", vector!("identity-address"), Wanted::Text("")),
    ("identity-invite", vector!("identity-invite"), Wanted::Text("")),
    (
        "identity-account-record",
        vector!("identity-device-certificate"),
        Wanted::Hex("account record"),
    ),
    (
        "identity-device-record",
        vector!("identity-device-certificate"),
        Wanted::Hex("device record"),
    ),
    (
        "identity-certificate",
        vector!("identity-device-certificate"),
        Wanted::Hex("certificate"),
    ),
    (
        "ratchet-prekey-record",
        vector!("ratchet-prekey"),
        Wanted::Hex("record"),
    ),
    (
        "ratchet-signed-prekey",
        vector!("ratchet-prekey"),
        Wanted::Hex("signed prekey"),
    ),
    (
        "ratchet-initial-message",
        vector!("ratchet-initial-message"),
        Wanted::Hex("initial message"),
    ),
    ("ratchet-session-record", vector!("ratchet-session"), Wanted::Hex("")),
    (
        "ratchet-skipped-key",
        vector!("ratchet-skipped"),
        Wanted::Hex("skipped key"),
    ),
    ("ratchet-message", vector!("ratchet-message"), Wanted::Hex("lost")),
    (
        "onion-relay-descriptor",
        vector!("onion-relay-descriptor"),
        Wanted::Line(0),
    ),
    ("onion-command", vector!("onion-commands"), Wanted::Hex("")),
    ("onion-beginning", vector!("onion-handshake"), Wanted::Hex("beginning")),
    ("onion-answer", vector!("onion-handshake"), Wanted::Hex("answer")),
    ("onion-guards-record", vector!("onion-guards"), Wanted::Hex("guards")),
    ("onion-backoff-record", vector!("onion-backoff"), Wanted::Hex("backoff")),
    ("transfer-offer", vector!("transfer-offer"), Wanted::Line(0)),
    ("transfer-receiver-record", vector!("transfer-record"), Wanted::Line(0)),
    ("transfer-offer", vector!("transfer-offer"), Wanted::Line(2)),
    ("transfer-picture-record", vector!("transfer-picture"), Wanted::Line(0)),
    ("transfer-manifest", vector!("transfer-manifest"), Wanted::Line(0)),
    ("transfer-frame", vector!("transfer-road"), Wanted::Hex("want")),
    ("transfer-frame", vector!("transfer-road"), Wanted::Hex("chunk")),
    ("transfer-frame", vector!("transfer-road"), Wanted::Hex("done")),
    ("vault-header", vector!("vault-header"), Wanted::Line(0)),
    ("vault-page", vector!("vault-page"), Wanted::Line(0)),
    ("vault-pack", vector!("vault-pack"), Wanted::Line(0)),
    ("vault-journal", vector!("vault-journal"), Wanted::Line(0)),
    ("mailbox-request", vector!("mailbox-frames"), Wanted::Hex("request")),
    ("mailbox-reply", vector!("mailbox-frames"), Wanted::Hex("reply")),
    ("mailbox-envelope", vector!("mailbox-envelope"), Wanted::Hex("small")),
    ("mailbox-card", vector!("mailbox-queue"), Wanted::Hex("card")),
    (
        "mailbox-owned-queue",
        vector!("mailbox-queue"),
        Wanted::Hex("owned-queue"),
    ),
    (
        "mailbox-descriptor",
        vector!("mailbox-descriptor"),
        Wanted::Hex("descriptor"),
    ),
    ("mailbox-work", vector!("mailbox-work"), Wanted::Hex("proof")),
    (
        "mailbox-rendezvous",
        vector!("mailbox-rendezvous"),
        Wanted::Hex("greeting"),
    ),
    (
        "directory-request",
        vector!("mailbox-directory"),
        Wanted::Hex("request"),
    ),
    ("directory-reply", vector!("mailbox-directory"), Wanted::Hex("reply")),
    ("messenger-parcel", vector!("messenger-parcels"), Wanted::Hex("")),
    ("messenger-signal", vector!("messenger-signals"), Wanted::Hex("")),
];

/// Those that follow from others.
fn made() -> Vec<Sample> {
    let (mailbox, directory) = (vector!("mailbox-frames"), vector!("mailbox-directory"));
    // What a mailbox says to somebody who asks for a price and then opens a queue.
    let mut answers: Vec<_> = bodies(mailbox, "reply-hello").collect();
    answers.extend(bodies(mailbox, "reply-quoted"));
    answers.extend(bodies(mailbox, "reply-opened").map(|mut body| {
        body.splice(..4, 2_u32.to_be_bytes());
        body
    }));
    let made = |decoder, bytes| Sample {
        decoder,
        name: "made".to_owned(),
        bytes,
    };
    vec![
        made("mailbox-server", frames(bodies(mailbox, "request"))),
        made("mailbox-client", frames(answers)),
        made("directory-server", frames(bodies(directory, "request"))),
        made("wire-frames", frames(bodies(directory, "reply"))),
        made("wire-node-id", outis_wire::NodeId([7; 32]).to_string().into_bytes()),
        made("wire-network-name", b"test-1".to_vec()),
        made("wire-codec", vec![1, 5, 3, 1, 9, 1, 2, b'o', b'k']),
        made(
            "crypto-verifying-key",
            outis_crypto::signature::SigningKey::from_seed(&seed())
                .verifying_key()
                .as_bytes()
                .to_vec(),
        ),
        made(
            "crypto-agreement-key",
            outis_crypto::agreement::SecretKey::from_seed(&seed())
                .public()
                .as_bytes()
                .to_vec(),
        ),
        made("identity-nickname", "Zoë".as_bytes().to_vec()),
        made(
            "identity-password",
            b"orbit velvet famous cattle winter lemon sight".to_vec(),
        ),
        made(
            "transfer-picture",
            b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;".to_vec(),
        ),
        made("transfer-name", b"../../etc/master.passwd".to_vec()),
    ]
}

/// The frames of a vector whose names begin so.
fn bodies(file: &'static str, prefix: &'static str) -> impl Iterator<Item = Vec<u8>> {
    let named = file
        .lines()
        .filter_map(move |line| line.strip_prefix(prefix)?.split_once(' '));
    named.map(|(_, body)| hex::decode(body).expect("a vector is hex"))
}

/// As they come over a stream.
fn frames(bodies: impl IntoIterator<Item = Vec<u8>>) -> Vec<u8> {
    let length = |body: &[u8]| u32::try_from(body.len()).expect("frames are short").to_be_bytes();
    bodies
        .into_iter()
        .flat_map(|body| [length(&body).as_slice(), &body].concat())
        .collect()
}

fn seed() -> outis_crypto::Secret<32> {
    outis_crypto::Secret::from_bytes([1; 32])
}
