//! How a circuit's owner and one hop come to keys that nobody else has.
//!
//! One message each way, in the manner of ntor (Goldberg, Stebila, Ustaoglu, *Anonymity and one-way authentication in key
//! exchange protocols*), hybrid as in Schanck, Whyte, Zhang (*Circuit-extension handshakes for Tor achieving forward secrecy
//! in a quantum world*): the relay proves that it holds its onion key, the client proves nothing. Four secrets go in:
//!
//! - X25519 of the client's fresh key and the relay's onion key, ML-KEM-768 to the relay's onion key: who they are;
//! - X25519 of two fresh keys, ML-KEM-768 to a fresh key of the client: what is gone when both have forgotten it.
//!
//! All bytes of both messages, the relay's node id and onion key, the day and the network go into the keys, so that whatever
//! was changed, or meant for somebody else, gives other keys, and the confirmation fails.

mod message;
mod replay;

use crate::{OnionKey, OnionKeys, RelayDescriptor};
use message::{Answer, PROOF, Question, VERSION};
use outis_crypto::{CryptoRng, Secret, agreement, derive, derive_from, hash, kem, label, wide_block};
use outis_wire::{Epoch, NetworkName, NodeId};

pub use message::{BadMessage, Create, Created};
pub(crate) use message::{reads_as_a_beginning, reads_as_an_answer};
pub use replay::ReplayFilter;

/// A client's half of a handshake under way.
pub struct Pending {
    /// Of the two that do not depend on the answer, what they gave.
    to_onion_key: [Secret<32>; 2],
    agreement: agreement::SecretKey,
    kem: kem::DecapsulationKey,
    relay: Relay,
    create: Create,
}

/// What both ends of a layer begin with: a key and a nonce for each direction.
pub struct HopSecrets {
    pub(crate) forward: DirectionSecrets,
    pub(crate) backward: DirectionSecrets,
}

pub(crate) struct DirectionSecrets {
    pub(crate) key: Secret<{ wide_block::KEY }>,
    pub(crate) nonce: Secret<{ wide_block::TAG }>,
}

/// Begins with the relay that `descriptor` is of: what to show it, and what to keep until it answers.
pub fn begin(network: &NetworkName, descriptor: &RelayDescriptor, rng: &mut impl CryptoRng) -> (Pending, Create) {
    let relay = Relay {
        network: network.clone(),
        node: descriptor.node,
        epoch: descriptor.epoch,
        key: descriptor.onion_key.clone(),
    };
    let agreement = agreement::SecretKey::generate(rng);
    let kem = kem::DecapsulationKey::generate(rng);
    let agreed = agreement
        .agree(&relay.key.agreement)
        .expect("a public key that was decoded is not of small order");
    let (ciphertext, encapsulated) = relay.key.kem.encapsulate(rng);
    let to_onion_key = [agreed, encapsulated];

    let head = [
        &[VERSION][..],
        &relay.epoch.0.to_be_bytes(),
        agreement.public().as_bytes(),
        ciphertext.as_bytes(),
        kem.encapsulation_key().as_bytes(),
    ]
    .concat();
    let proof = relay.proof(&to_onion_key, &head);
    let create = Create::from_bytes(&[&head[..], &proof].concat()).expect("these are all its fields");
    let pending = Pending {
        to_onion_key,
        agreement,
        kem,
        relay,
        create: create.clone(),
    };
    (pending, create)
}

impl Pending {
    /// The keys, if the answer is that of the relay which was asked.
    ///
    /// # Errors
    /// [`FinishError`]: somebody else answered, or somebody changed something. Either way the circuit is over.
    pub fn finish(self, created: &Created) -> Result<HopSecrets, FinishError> {
        let answer = Answer::read(created).ok_or(FinishError)?;
        let Self {
            to_onion_key,
            agreement,
            kem,
            relay,
            create,
        } = self;
        let fresh = [
            agreement.agree(&answer.agreement).map_err(|_| FinishError)?,
            kem.decapsulate(&answer.ciphertext),
        ];
        let (secrets, confirmation) = relay.keys(&to_onion_key, &fresh, &create, &answer);
        if confirmation.ct_eq(&Secret::from_bytes(answer.confirmation)) {
            Ok(secrets)
        } else {
            Err(FinishError)
        }
    }
}

/// Answers as the relay `node`, which holds `keys`.
///
/// A repeated handshake is refused while `seen` remembers it. When that has forgotten (a restart), it gives whoever repeats
/// it nothing: the relay's part is fresh each time, and only the client whose message it was can follow.
///
/// # Errors
/// Each [`AnswerError`] ends the stream without a word.
pub fn answer(
    network: &NetworkName,
    node: NodeId,
    keys: &OnionKeys,
    create: &Create,
    seen: &mut ReplayFilter,
    rng: &mut impl CryptoRng,
) -> Result<(HopSecrets, Created), AnswerError> {
    let question = Question::read(create)?;
    let (ours, key) = keys.of(question.epoch).ok_or(AnswerError::NoKey)?;
    let relay = Relay {
        network: network.clone(),
        node,
        epoch: question.epoch,
        key,
    };
    let agreed = ours.agreement.agree(&question.agreement);
    let to_onion_key = [
        agreed.map_err(|_| AnswerError::Malformed)?,
        ours.kem.decapsulate(&question.ciphertext),
    ];
    let (head, _) = create.as_bytes().split_at(Create::BYTES - PROOF);
    let proof = relay.proof(&to_onion_key, head);
    if !Secret::from_bytes(proof).ct_eq(&Secret::from_bytes(question.proof)) {
        return Err(AnswerError::NotForUs);
    }
    // Only now, so that what was made up by somebody else does not fill the filter.
    if !seen.is_new(&question.proof) {
        return Err(AnswerError::Replayed);
    }

    let agreement = agreement::SecretKey::generate(rng);
    let (ciphertext, encapsulated) = question.kem.encapsulate(rng);
    let agreed = agreement.agree(&question.agreement);
    let fresh = [agreed.map_err(|_| AnswerError::Malformed)?, encapsulated];
    let mut answer = Answer {
        agreement: agreement.public(),
        ciphertext,
        confirmation: [0; PROOF],
    };
    let (secrets, confirmation) = relay.keys(&to_onion_key, &fresh, create, &answer);
    answer.confirmation = *confirmation.dangerously_expose();
    Ok((secrets, answer.write()))
}

/// The answer is not that of the relay which was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the hop did not prove to be the relay that was asked")]
pub struct FinishError;

/// Why a relay does not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// Of another version, or with a key that is none.
    #[error("not the beginning of a handshake")]
    Malformed,
    /// Made for the onion key of a day that is over, or not yet here.
    #[error("no onion key of that day")]
    NoKey,
    /// Made for another relay, key or network, or changed on its way.
    #[error("not made for this relay")]
    NotForUs,
    /// Seen before.
    #[error("a repeated handshake")]
    Replayed,
}

/// Whom a handshake is with.
struct Relay {
    network: NetworkName,
    node: NodeId,
    epoch: Epoch,
    key: OnionKey,
}

impl Relay {
    /// Shows the relay, before it spends anything, that whoever wrote `head` wrote it for this key of this node.
    fn proof(&self, to_onion_key: &[Secret<32>; 2], head: &[u8]) -> [u8; PROOF] {
        let inputs = to_onion_key.each_ref().map(|secret| &secret.dangerously_expose()[..]);
        let proof: Secret<PROOF> = derive_from(label::ONION_CREATE, &inputs, &[&self.transcript(&[head])]);
        *proof.dangerously_expose()
    }

    fn keys(
        &self,
        [agreed, encapsulated]: &[Secret<32>; 2],
        [agreed_afresh, encapsulated_afresh]: &[Secret<32>; 2],
        create: &Create,
        answer: &Answer,
    ) -> (HopSecrets, Secret<PROOF>) {
        let Answer {
            agreement,
            ciphertext,
            confirmation: _,
        } = answer;
        let transcript = self.transcript(&[create.as_bytes(), agreement.as_bytes(), ciphertext.as_bytes()]);
        let inputs = [agreed, encapsulated, agreed_afresh, encapsulated_afresh];
        let root: Secret<32> = derive_from(
            label::ONION_TRANSCRIPT,
            &inputs.map(|secret| &secret.dangerously_expose()[..]),
            &[&transcript],
        );
        let direction = |name: &[u8]| DirectionSecrets {
            key: derive(label::ONION_KEYS, &root, &[name, b"key"]),
            nonce: derive(label::ONION_KEYS, &root, &[name, b"nonce"]),
        };
        let secrets = HopSecrets {
            forward: direction(b"forward"),
            backward: direction(b"backward"),
        };
        (secrets, derive(label::ONION_KEYS, &root, &[b"confirmation"]))
    }

    fn transcript(&self, messages: &[&[u8]]) -> [u8; 32] {
        let Self {
            network,
            node,
            epoch,
            key,
        } = self;
        let epoch = epoch.0.to_be_bytes();
        let relay: [&[u8]; 5] = [
            network.as_str().as_bytes(),
            &node.0,
            &epoch,
            key.agreement.as_bytes(),
            key.kem.as_bytes(),
        ];
        hash(label::ONION_TRANSCRIPT, &[&relay, messages].concat())
    }
}

#[cfg(test)]
mod tests;
