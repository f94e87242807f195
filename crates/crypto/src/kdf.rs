//! Hashing and key derivation: SHA-256 and HKDF-SHA-256 (RFC 5869), always under a label, always injective.

use crate::{Label, Secret};
use hkdf::HkdfExtract;
use sha2::{Digest, Sha256};

/// SHA-256 of the label and the parts, each behind its length, so that no two lists of parts hash alike by shifting bytes
/// from one to the next.
pub fn hash(label: Label, parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for part in std::iter::once(label.as_str().as_bytes()).chain(parts.iter().copied()) {
        hasher.update(length(part));
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// Derives `N` ≤ 8 160 bytes for one purpose from one key; `context` is public and binds them to what they are for.
pub fn derive<const N: usize>(label: Label, key: &Secret<32>, context: &[&[u8]]) -> Secret<N> {
    derive_from(label, &[key.dangerously_expose()], context)
}

/// As [`derive()`], from several secret inputs that need not be uniform (agreements, encapsulated secrets). All of them have
/// to be known to know the result.
pub fn derive_from<const N: usize>(label: Label, inputs: &[&[u8]], context: &[&[u8]]) -> Secret<N> {
    const { assert!(N <= 255 * 32, "HKDF gives at most 255 blocks") }
    let mut extract = HkdfExtract::<Sha256>::new(None);
    for input in inputs {
        extract.input_ikm(&length(input));
        extract.input_ikm(input);
    }
    let (_, hkdf) = extract.finalize();
    let name = length(label.as_str().as_bytes());
    let lengths: Vec<[u8; 8]> = context.iter().map(|part| length(part)).collect();
    let mut info: Vec<&[u8]> = vec![&name, label.as_str().as_bytes()];
    for (part, length) in context.iter().zip(&lengths) {
        info.extend([length.as_slice(), part]);
    }
    Secret::filled(|out| {
        hkdf.expand_multi_info(&info, out)
            .expect("the length was checked at compile time")
    })
}

fn length(part: &[u8]) -> [u8; 8] {
    (part.len() as u64).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::label::AEAD_COMMITTING as LABEL;

    #[test]
    fn moving_a_byte_from_one_part_to_the_next_changes_the_result() {
        assert_ne!(hash(LABEL, &[b"ab", b"c"]), hash(LABEL, &[b"a", b"bc"]));
        assert_ne!(hash(LABEL, &[b"a"]), hash(LABEL, &[b"a", b""]));
        let key = Secret::from_bytes([1; 32]);
        assert!(!derive::<32>(LABEL, &key, &[b"ab", b"c"]).ct_eq(&derive(LABEL, &key, &[b"a", b"bc"])));
        assert!(!derive_from::<32>(LABEL, &[b"ab", b"c"], &[]).ct_eq(&derive_from(LABEL, &[b"a", b"bc"], &[])));
    }

    #[test]
    fn derivation_is_hkdf_sha256_of_the_documented_input() {
        let ikm = [8u64.to_be_bytes().as_slice(), &[3; 8]].concat();
        let info = [
            24u64.to_be_bytes().as_slice(),
            LABEL.as_str().as_bytes(),
            &3u64.to_be_bytes(),
            b"ctx",
        ]
        .concat();
        let mut expected = [0; 42];
        hkdf::Hkdf::<Sha256>::new(None, &ikm)
            .expand(&info, &mut expected)
            .unwrap();
        assert_eq!(
            derive_from::<42>(LABEL, &[&[3; 8]], &[b"ctx"]).dangerously_expose(),
            &expected
        );
    }
}
