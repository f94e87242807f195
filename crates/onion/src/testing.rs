//! Relays and circuits for the tests of this crate.

use crate::{ClientLayers, Create, Created, HopSecrets, Link, OnionKeys, Pending, RelayAddress, RelayDescriptor};
use crate::{RelayLayers, ReplayFilter, Roles, SignedDescriptor, Software, answer, begin};
use outis_crypto::{Secret, signature::SigningKey};
use outis_wire::{Epoch, NetworkName, NodeId, UnixMillis};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

pub(crate) const TODAY: Epoch = Epoch(20_000);

pub(crate) const NOW: UnixMillis = UnixMillis(20_000 * 24 * 60 * 60 * 1_000);

/// Whether the long forms are asked for.
pub(crate) fn soak() -> bool {
    std::env::var_os("OUTIS_SOAK").is_some()
}

pub(crate) fn network() -> NetworkName {
    "test-onion".parse().expect("a name")
}

pub(crate) fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

/// A relay with keys of its own.
pub(crate) struct Hop {
    key: SigningKey,
    pub(crate) keys: OnionKeys,
    pub(crate) seen: ReplayFilter,
}

impl Hop {
    pub(crate) fn new(seed: u8) -> Self {
        let mut keys = OnionKeys::empty();
        keys.rotate(TODAY, &mut rng(u64::from(seed)));
        Self {
            key: SigningKey::from_seed(&Secret::from_bytes([seed; 32])),
            keys,
            seen: ReplayFilter::new(),
        }
    }

    pub(crate) fn node(&self) -> NodeId {
        NodeId(*self.key.verifying_key().as_bytes())
    }

    pub(crate) fn descriptor(&self) -> RelayDescriptor {
        RelayDescriptor {
            node: self.node(),
            epoch: TODAY,
            revision: 1,
            addresses: vec![RelayAddress {
                link: Link::Quic,
                socket: "1.2.3.4:4001".parse().expect("a socket"),
            }],
            onion_key: self.keys.public(TODAY).expect("made above"),
            roles: Roles::HOP.and(Roles::GUARD),
            software: Software { major: 0, minor: 1 },
        }
    }

    pub(crate) fn signed(&self) -> SignedDescriptor {
        self.descriptor().sign(&self.key, &network()).expect("its own key")
    }

    pub(crate) fn begin(&self, seed: u64) -> (Pending, Create) {
        begin(&network(), &self.descriptor(), &mut rng(seed))
    }

    pub(crate) fn answer(&mut self, create: &Create, seed: u64) -> Result<(HopSecrets, Created), crate::AnswerError> {
        let node = self.node();
        answer(&network(), node, &self.keys, create, &mut self.seen, &mut rng(seed))
    }

    /// Both ends of one layer.
    pub(crate) fn join(&mut self, seed: u64) -> (HopSecrets, RelayLayers) {
        let (pending, create) = self.begin(seed);
        let (secrets, created) = self.answer(&create, seed + 1).expect("made for it");
        (pending.finish(&created).expect("its answer"), RelayLayers::new(secrets))
    }
}

/// A client and `hops` relays.
pub(crate) fn circuit(hops: u8, seed: u64) -> (ClientLayers, Vec<RelayLayers>) {
    let mut client = ClientLayers::new();
    let relays = (1..=hops).map(|hop| {
        let (ours, theirs) = Hop::new(hop).join(seed * 1_000 + 2 * u64::from(hop));
        client.push(ours);
        theirs
    });
    let relays = relays.collect();
    (client, relays)
}
