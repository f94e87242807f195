//! The symmetric keys of a session, each a type of its own, so that none can stand where another belongs.

use outis_crypto::{CryptoRng, Secret, SecretBytes, aead::committing, derive, derive_from, label};

/// What both sides agree on after each turn. Every turn mixes both agreements into it, so a guess at one is worth nothing.
pub(crate) struct RootKey(Secret<32>);

impl RootKey {
    pub(crate) fn new(key: Secret<32>) -> Self {
        Self(key)
    }

    /// One turn: mixes an X25519 agreement *and* an ML-KEM shared secret, and binds all that was sent for them.
    ///
    /// Whoever lacks any one of root key, agreement and shared secret learns nothing of what comes out.
    pub(crate) fn turn(&self, agreed: &Secret<32>, shared: &Secret<32>, head: &[u8]) -> Turned {
        let inputs = [
            self.0.dangerously_expose().as_slice(),
            agreed.dangerously_expose(),
            shared.dangerously_expose(),
        ];
        let [root, chain, next_header] = thirds(&derive_from(label::RATCHET_TURN, &inputs, &[head]));
        #[cfg(test)]
        steps::count();
        Turned {
            root: Self(root),
            chain: ChainKey(chain),
            next_header: HeaderKey(next_header),
        }
    }

    pub(crate) fn duplicate(&self) -> Self {
        Self(self.0.dangerously_duplicate())
    }

    pub(crate) fn for_record(&self) -> &[u8; 32] {
        self.0.dangerously_expose()
    }
}

/// What a turn gives.
pub(crate) struct Turned {
    pub(crate) root: RootKey,
    pub(crate) chain: ChainKey,
    /// Seals the headers of the *next* chain in the same direction.
    pub(crate) next_header: HeaderKey,
}

/// Gives one message key after another; going back is not possible.
pub(crate) struct ChainKey(Secret<32>);

impl ChainKey {
    pub(crate) fn new(key: Secret<32>) -> Self {
        Self(key)
    }

    /// The key after this one, and the key of this place's message.
    pub(crate) fn step(&self) -> (Self, MessageKey) {
        let both: Secret<64> = derive(label::RATCHET_CHAIN, &self.0, &[]);
        let (next, message) = both.dangerously_expose().split_at(32);
        #[cfg(test)]
        steps::count();
        (Self(secret(next)), MessageKey(secret(message)))
    }

    pub(crate) fn duplicate(&self) -> Self {
        Self(self.0.dangerously_duplicate())
    }

    pub(crate) fn for_record(&self) -> &[u8; 32] {
        self.0.dangerously_expose()
    }
}

/// Seals the headers of one chain. It is used many times, so the nonce matters here; and it is tried on envelopes that may
/// not be its own, so it must be committing.
pub(crate) struct HeaderKey(Secret<32>);

impl HeaderKey {
    pub(crate) fn new(key: Secret<32>) -> Self {
        Self(key)
    }

    pub(crate) fn seal(&self, rng: &mut impl CryptoRng, aad: &[u8], header: &[u8]) -> Vec<u8> {
        committing::seal(&self.0, rng, aad, header)
    }

    /// `None` if the header was not sealed with this key.
    pub(crate) fn open(&self, aad: &[u8], sealed: &[u8]) -> Option<SecretBytes> {
        committing::open(&self.0, aad, sealed).ok()
    }

    pub(crate) fn duplicate(&self) -> Self {
        Self(self.0.dangerously_duplicate())
    }

    pub(crate) fn for_record(&self) -> &[u8; 32] {
        self.0.dangerously_expose()
    }
}

/// Seals or opens one message, then is gone.
pub(crate) struct MessageKey(Secret<32>);

impl MessageKey {
    pub(crate) fn new(key: Secret<32>) -> Self {
        Self(key)
    }

    /// Takes `self`, so the same key cannot seal twice. The nonce is random all the same: a machine that was rolled back
    /// without noticing comes to the same key again, and then at least the nonce differs.
    pub(crate) fn seal(self, rng: &mut impl CryptoRng, aad: &[u8], plaintext: &[u8]) -> Vec<u8> {
        committing::seal(&self.0, rng, aad, plaintext)
    }

    /// `None` if the message was not sealed with this key and `aad`.
    pub(crate) fn open(self, aad: &[u8], sealed: &[u8]) -> Option<SecretBytes> {
        committing::open(&self.0, aad, sealed).ok()
    }

    pub(crate) fn for_record(&self) -> &[u8; 32] {
        self.0.dangerously_expose()
    }
}

/// Cuts 96 bytes into three keys.
pub(crate) fn thirds(all: &Secret<96>) -> [Secret<32>; 3] {
    let (first, rest) = all.dangerously_expose().split_at(32);
    let (second, third) = rest.split_at(32);
    [first, second, third].map(secret)
}

fn secret(bytes: &[u8]) -> Secret<32> {
    Secret::from_slice(bytes).expect("cut to 32 bytes by the callers above")
}

/// Counts derivations, so that tests can show how many an attacker can cause.
#[cfg(test)]
pub(crate) mod steps {
    use std::cell::Cell;

    thread_local!(static TAKEN: Cell<u64> = const { Cell::new(0) });

    pub(super) fn count() {
        TAKEN.set(TAKEN.get() + 1);
    }

    /// How many `work` takes.
    pub(crate) fn taken_by<T>(work: impl FnOnce() -> T) -> (u64, T) {
        let before = TAKEN.get();
        let result = work();
        (TAKEN.get() - before, result)
    }
}
