//! A turn of the ratchet: a fresh X25519 agreement and a fresh ML-KEM-768 encapsulation, both at once.

use crate::keys::{RootKey, Turned};
use outis_crypto::{
    CryptoRng,
    agreement::{NotContributory, PublicKey, SecretKey},
    kem::{self, Ciphertext, DecapsulationKey, EncapsulationKey},
};
use outis_wire::Reader;
use std::sync::Arc;

/// Ours, for the peer's next turn: made fresh at each of our turns, gone when the peer has answered it.
pub(crate) struct OwnKeys {
    agreement: SecretKey,
    decapsulation: DecapsulationKey,
}

impl OwnKeys {
    pub(crate) fn generate(rng: &mut impl CryptoRng) -> Self {
        Self {
            agreement: SecretKey::generate(rng),
            decapsulation: DecapsulationKey::generate(rng),
        }
    }

    pub(crate) fn from_parts(agreement: SecretKey, decapsulation: DecapsulationKey) -> Self {
        Self {
            agreement,
            decapsulation,
        }
    }

    pub(crate) fn agreement(&self) -> &SecretKey {
        &self.agreement
    }

    pub(crate) fn decapsulation(&self) -> &DecapsulationKey {
        &self.decapsulation
    }

    /// Follows a turn that the peer took towards these keys.
    pub(crate) fn follow(&self, root: &RootKey, head: &Head, head_bytes: &[u8]) -> Result<Turned, NotContributory> {
        let agreed = self.agreement.agree(&head.peer.agreement)?;
        let shared = self.decapsulation.decapsulate(&head.ciphertext);
        Ok(root.turn(&agreed, &shared, head_bytes))
    }
}

/// The peer's, towards which our next turn goes.
#[derive(Clone)]
pub(crate) struct PeerKeys {
    pub(crate) agreement: PublicKey,
    pub(crate) encapsulation: Arc<EncapsulationKey>,
}

impl PeerKeys {
    /// Takes a turn: fresh keys of our own, and what the peer needs to follow.
    pub(crate) fn turn(&self, root: &RootKey, rng: &mut impl CryptoRng) -> Result<OwnTurn, NotContributory> {
        let own = OwnKeys::generate(rng);
        let (ciphertext, shared) = self.encapsulation.encapsulate(rng);
        let agreed = own.agreement.agree(&self.agreement)?;
        let head = HeadBytes::new(
            &own.agreement.public(),
            &own.decapsulation.encapsulation_key(),
            &ciphertext,
        );
        let turned = root.turn(&agreed, &shared, head.as_slice());
        Ok(OwnTurn {
            own: Arc::new(own),
            head,
            turned,
        })
    }
}

/// A turn that we took.
pub(crate) struct OwnTurn {
    pub(crate) own: Arc<OwnKeys>,
    pub(crate) head: HeadBytes,
    pub(crate) turned: Turned,
}

/// What a turn tells the peer; the same in every header of a chain, so that whichever arrives first is enough.
///
/// | offset | size | field                                          |
/// |      0 |   32 | X25519 public key, canonical, not of low order |
/// |     32 | 1184 | ML-KEM-768 encapsulation key, checked          |
/// |   1216 | 1088 | ML-KEM-768 ciphertext to the peer's last key   |
#[derive(Clone)]
pub(crate) struct HeadBytes(pub(crate) Arc<[u8]>);

impl HeadBytes {
    pub(crate) const SIZE: usize = CIPHERTEXT_AT + kem::CIPHERTEXT;

    pub(crate) fn new(agreement: &PublicKey, encapsulation: &EncapsulationKey, ciphertext: &Ciphertext) -> Self {
        let mut bytes = Vec::with_capacity(Self::SIZE);
        bytes.extend_from_slice(agreement.as_bytes());
        bytes.extend_from_slice(encapsulation.as_bytes());
        bytes.extend_from_slice(ciphertext.as_bytes());
        Self(bytes.into())
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        &self.0
    }

    /// The part that the keys of this side do not already say; for the record.
    pub(crate) fn ciphertext(&self) -> &[u8] {
        self.0.get(CIPHERTEXT_AT..).unwrap_or_default()
    }
}

/// A head that was read and checked.
pub(crate) struct Head {
    pub(crate) peer: PeerKeys,
    pub(crate) ciphertext: Ciphertext,
}

impl Head {
    /// `None` if it does not hold good keys.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let agreement = PublicKey::from_bytes(reader.array().ok()?).ok()?;
        let encapsulation = EncapsulationKey::from_bytes(reader.bytes(kem::ENCAPSULATION_KEY).ok()?).ok()?;
        let ciphertext = Ciphertext::from_bytes(reader.bytes(kem::CIPHERTEXT).ok()?).ok()?;
        if !reader.is_empty() {
            return None;
        }
        Some(Self {
            peer: PeerKeys {
                agreement,
                encapsulation: Arc::new(encapsulation),
            },
            ciphertext,
        })
    }
}

const AGREEMENT: usize = 32;

const CIPHERTEXT_AT: usize = AGREEMENT + kem::ENCAPSULATION_KEY;
