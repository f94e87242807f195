//! Every format against every decoder. The formats are the golden bytes of `tests/vectors/`; the decoders are those of
//! `fuzz/`, where libFuzzer looks for worse.

use outis_fuzz::{DECODERS, golden::samples};
use rand_chacha::{
    ChaCha20Rng,
    rand_core::{Rng, SeedableRng},
};
use std::{collections::BTreeSet, fs, path::Path};

/// Decoders of no format: they take any bytes, or any text, of some shape, and what these are is decided by who reads on.
const OPEN: &[(&str, &str)] = &[
    ("wire-codec", "an example of the codec; every type stands for itself"),
    ("wire-frames", "any bytes, a length before them"),
    (
        "crypto-verifying-key",
        "a point; what it is for stands where it is kept",
    ),
    (
        "crypto-agreement-key",
        "a point; what it is for stands where it is kept",
    ),
    ("identity-nickname", "a text that somebody types"),
    ("identity-password", "a text that somebody types"),
    ("transfer-name", "any text becomes a name"),
    ("transfer-bare-image", "images, as other programs write them"),
    ("transfer-picture", "images, as other programs write them"),
    (
        "transfer-frame",
        "opened by a road's own keys; its first byte is the kind",
    ),
    (
        "messenger-payload",
        "a kind, then bytes that are opened by a session's keys",
    ),
];

/// Formats that another decoder takes by their shape, and what keeps them apart.
const SHARED: &[(&str, &str, &str)] = &[
    ("identity-address", "identity-invite", "a bare address is an invite"),
    ("identity-account-record", "ratchet-skipped-key", TABLES),
    ("identity-account-record", "transfer-outline-record", TABLES),
    (
        "identity-account-record",
        "mailbox-rendezvous",
        "a record is never on a stream",
    ),
    ("ratchet-skipped-key", "identity-account-record", TABLES),
    ("ratchet-skipped-key", "transfer-outline-record", TABLES),
    (
        "ratchet-skipped-key",
        "mailbox-rendezvous",
        "a record is never on a stream",
    ),
    (
        "mailbox-rendezvous",
        "identity-account-record",
        "a record is never on a stream",
    ),
    (
        "mailbox-rendezvous",
        "ratchet-skipped-key",
        "a record is never on a stream",
    ),
    (
        "mailbox-rendezvous",
        "transfer-outline-record",
        "a record is never on a stream",
    ),
    (
        "mailbox-descriptor",
        "ratchet-initial-message",
        "nothing in it is authentic before it is answered",
    ),
    (
        "transfer-frame",
        "directory-record",
        "a relay's descriptor is opaque there, and checked when it is put",
    ),
    (
        "messenger-signal",
        "directory-record",
        "a relay's descriptor is opaque there, and checked when it is put",
    ),
    (
        "vault-page",
        "vault-index-directory",
        "both are sealed under their place",
    ),
    ("vault-page", "vault-index-part", "both are sealed under their place"),
    (
        "transfer-picture-record",
        "vault-index-directory",
        "both are sealed under their place",
    ),
    (
        "transfer-picture-record",
        "vault-index-part",
        "both are sealed under their place",
    ),
    (
        "onion-command",
        "directory-record",
        "a relay's descriptor is opaque there, and checked when it is put",
    ),
];

/// A version and 32 bytes: sealed in the vault under their place, and opened at no other.
const TABLES: &str = "the vault binds a record to its table";

#[test]
fn every_golden_sample_is_read_by_its_own_decoder() {
    for sample in samples() {
        let decoder = outis_fuzz::decoder(sample.decoder).expect("every sample names a decoder");
        assert!((decoder.reads)(&sample.bytes), "{} {}", sample.decoder, sample.name);
    }
}

#[test]
fn no_decoder_reads_another_s_format() {
    let mut shared = BTreeSet::new();
    for sample in samples() {
        for decoder in DECODERS.iter().filter(|decoder| decoder.name != sample.decoder) {
            let is_open = OPEN.iter().any(|(open, _)| *open == decoder.name);
            if !is_open && (decoder.reads)(&sample.bytes) {
                shared.insert((sample.decoder, decoder.name));
            }
        }
    }
    let known: BTreeSet<_> = SHARED.iter().map(|(format, decoder, _)| (*format, *decoder)).collect();
    assert_eq!(
        shared.difference(&known).collect::<Vec<_>>(),
        Vec::<&(&str, &str)>::new(),
        "read by another's decoder"
    );
    assert_eq!(
        known.difference(&shared).collect::<Vec<_>>(),
        Vec::<&(&str, &str)>::new(),
        "an exception that is none"
    );
}

#[test]
fn every_corpus_is_replayed() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus");
    let mut replayed = 0;
    for folder in fs::read_dir(corpus).expect("the corpora are in the work tree") {
        let folder = folder.expect("a readable folder");
        let name = folder.file_name();
        let decoder = name
            .to_str()
            .and_then(outis_fuzz::decoder)
            .unwrap_or_else(|| panic!("no decoder for {name:?}"));
        for file in fs::read_dir(folder.path()).expect("a readable folder") {
            (decoder.reads)(&fs::read(file.expect("a readable file").path()).expect("a readable file"));
            replayed += 1;
        }
    }
    assert!(replayed > 0, "there is nothing to replay");
}

#[test]
fn damaged_golden_bytes_and_noise_stop_no_decoder() {
    let rounds = if std::env::var_os("OUTIS_SOAK").is_some() {
        5_000
    } else {
        50
    };
    let samples = samples();
    for decoder in DECODERS {
        let mut rng = ChaCha20Rng::seed_from_u64(0x0d15_5e05);
        for sample in samples.iter().filter(|sample| sample.decoder == decoder.name) {
            for _ in 0..rounds {
                (decoder.reads)(&damaged(&sample.bytes, &mut rng));
            }
        }
        for _ in 0..rounds {
            (decoder.reads)(&noise(300, &mut rng));
        }
    }
}

/// One to four changes: a byte, a stretch left out, a stretch doubled, the end cut off, something appended.
fn damaged(good: &[u8], rng: &mut ChaCha20Rng) -> Vec<u8> {
    let mut bytes = good.to_vec();
    for _ in 0..=below(4, rng) {
        let from = below(bytes.len().max(1), rng).min(bytes.len());
        let to = (from + below(9, rng)).min(bytes.len());
        match below(5, rng) {
            0 => bytes.iter_mut().skip(from).take(1).for_each(|byte| *byte ^= mask(rng)),
            1 => drop(bytes.drain(from..to)),
            2 => {
                let again = bytes.get(from..to).unwrap_or_default().to_vec();
                bytes.splice(from..from, again);
            }
            3 => bytes.truncate(from),
            _ => bytes.extend(noise(8, rng)),
        }
    }
    bytes
}

/// At least one bit.
fn mask(rng: &mut ChaCha20Rng) -> u8 {
    1 << below(8, rng)
}

fn noise(most: usize, rng: &mut ChaCha20Rng) -> Vec<u8> {
    let mut bytes = vec![0; below(most + 1, rng)];
    rng.fill_bytes(&mut bytes);
    bytes
}

fn below(end: usize, rng: &mut ChaCha20Rng) -> usize {
    usize::try_from(rng.next_u32()).expect("a word has 32 bits at least") % end
}
