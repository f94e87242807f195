//! Queues: what their owner holds, and what senders are given.
//!
//! One *queue* lies on one mailbox. A contact gets a [`QueueCard`] that names a queue on each of three mailboxes; the three
//! have unrelated ids, keys and passes, so that mailboxes which compare notes cannot tell that two of them belong together.

use crate::envelope::{Envelope, NotForThisQueue, TooLarge};
use outis_crypto::{
    CryptoRng, Secret, SecretBytes, dangerously_serialize, derive, hash, label,
    signature::{SigningKey, VerifyingKey},
};
use outis_wire::NodeId;
use serde::{Deserialize, Serialize};
use std::sync::OnceLock;

/// Names a queue on its mailbox: a hash of the owner's key, so that nobody can take a name that is not his.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct QueueId(pub [u8; 32]);

impl QueueId {
    /// The queue that the holder of `owner` may create.
    pub fn of(owner: &VerifyingKey) -> Self {
        Self(hash(label::QUEUE_ID, &[owner.as_bytes()]))
    }
}

/// A queue of one's own on one mailbox: 64 bytes from which everything about it follows.
#[derive(Serialize, Deserialize)]
pub struct OwnedQueue {
    node: NodeId,
    #[serde(with = "dangerously_serialize")]
    seed: Secret<32>,
    /// Found once: it costs a key, and is asked for at every turn.
    #[serde(skip)]
    id: OnceLock<QueueId>,
}

impl OwnedQueue {
    /// A new one on `node`. It exists there only once it is created.
    pub fn generate(rng: &mut impl CryptoRng, node: NodeId) -> Self {
        Self {
            node,
            seed: Secret::random(rng),
            id: OnceLock::new(),
        }
    }

    /// The mailbox.
    pub fn node(&self) -> NodeId {
        self.node
    }

    /// Its name there.
    pub fn id(&self) -> QueueId {
        *self.id.get_or_init(|| QueueId::of(&self.owner_key().verifying_key()))
    }

    /// What a sender needs.
    pub fn place(&self) -> Place {
        Place {
            node: self.node,
            queue: self.id(),
            send: self.send_key(),
            seal: self.seal_key(),
        }
    }

    /// Opens an envelope that was delivered from it.
    ///
    /// # Errors
    /// If it was not sealed for this queue.
    pub fn open(&self, envelope: &Envelope) -> Result<SecretBytes, NotForThisQueue> {
        envelope.open(&self.id(), &self.seal_key())
    }

    /// The pass that lets the contact known here as `contact` put into this request queue without work. The mailbox can
    /// tell that a pass is good and that it is the same one as before, but neither how many there are nor, with other
    /// mailboxes, whose it is. `contact` is any number that the owner uses for one contact only.
    pub fn pass(&self, contact: &[u8; 32]) -> Pass {
        let key = self.pass_key();
        let name = derive(label::QUEUE_PASS_NAME, &key.0, &[contact]);
        let name = *name.dangerously_expose();
        Pass {
            name,
            proof: key.prove(&name),
        }
    }

    pub(crate) fn owner_key(&self) -> SigningKey {
        SigningKey::from_seed(&self.derive(label::QUEUE_OWNER_KEY))
    }

    pub(crate) fn send_key(&self) -> SendKey {
        SendKey(self.derive(label::QUEUE_SEND_KEY))
    }

    pub(crate) fn pass_key(&self) -> PassKey {
        PassKey(self.derive(label::QUEUE_PASS_KEY))
    }

    fn seal_key(&self) -> SealKey {
        SealKey(self.derive(label::QUEUE_SEAL_KEY))
    }

    fn derive(&self, label: label::Label) -> Secret<32> {
        derive(label, &self.seed, &[&self.node.0])
    }
}

/// What a sender shows to put into a queue. The mailbox keeps only a digest of it.
///
/// It is shown, not signed with: the stream is sealed to the mailbox, and the mailbox could as well drop the envelope.
#[derive(Serialize, Deserialize)]
pub struct SendKey(#[serde(with = "dangerously_serialize")] pub(crate) Secret<32>);

impl SendKey {
    /// What the mailbox keeps.
    pub(crate) fn digest(&self) -> [u8; 32] {
        hash(label::QUEUE_SEND_DIGEST, &[self.0.dangerously_expose()])
    }
}

/// What copies for one queue are sealed with. The mailbox never has it.
#[derive(Serialize, Deserialize)]
pub struct SealKey(#[serde(with = "dangerously_serialize")] pub(crate) Secret<32>);

/// Makes and checks passes; the owner and the mailbox have it.
#[derive(Serialize, Deserialize)]
pub(crate) struct PassKey(#[serde(with = "dangerously_serialize")] pub(crate) Secret<32>);

impl PassKey {
    /// Whether the owner made `pass`.
    pub(crate) fn made(&self, pass: &Pass) -> bool {
        Secret::from_bytes(self.prove(&pass.name)).ct_eq(&Secret::from_bytes(pass.proof))
    }

    fn prove(&self, name: &[u8; 16]) -> [u8; 16] {
        *derive(label::QUEUE_PASS_PROOF, &self.0, &[name]).dangerously_expose()
    }
}

/// Stands in for work at a request queue: for contacts who look for the way back.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pass {
    pub(crate) name: [u8; 16],
    pub(crate) proof: [u8; 16],
}

impl Pass {
    /// Bytes of a pass: name ‖ proof.
    pub const SIZE: usize = 32;
}

/// One queue as a sender sees it. Whoever has it can put; it is made to be given away, inside sealed messages only.
#[derive(Serialize, Deserialize)]
pub struct Place {
    /// The mailbox.
    pub node: NodeId,
    /// The queue there.
    pub queue: QueueId,
    pub(crate) send: SendKey,
    pub(crate) seal: SealKey,
}

impl Place {
    /// Bytes of an encoded place: it fits the token of an invite.
    pub const ENCODED: usize = 32 + 32 + 33 + 33;

    /// Seals a copy of `payload` for this place.
    ///
    /// # Errors
    /// If it does not fit the largest envelope.
    pub fn seal(&self, rng: &mut impl CryptoRng, payload: &[u8]) -> Result<Envelope, TooLarge> {
        Envelope::seal(rng, &self.queue, &self.seal, payload)
    }
}

/// Where a contact puts envelopes. A card with a higher sequence number replaces the one before.
#[derive(Serialize, Deserialize)]
#[serde(try_from = "CardRecord")]
pub struct QueueCard {
    sequence: u64,
    places: Vec<Place>,
}

impl QueueCard {
    /// A card over `places`.
    ///
    /// # Errors
    /// If there are none, more than [`QueueCard::MAX_PLACES`], or two on one mailbox.
    pub fn new(sequence: u64, places: Vec<Place>) -> Result<Self, BadCard> {
        let fits = (1..=Self::MAX_PLACES).contains(&places.len());
        let mut nodes: Vec<NodeId> = places.iter().map(|place| place.node).collect();
        nodes.sort_unstable();
        nodes.dedup();
        if fits && nodes.len() == places.len() {
            Ok(Self { sequence, places })
        } else {
            Err(BadCard)
        }
    }

    /// Which card it is: the highest counts.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Its queues, each on another mailbox.
    pub fn places(&self) -> &[Place] {
        &self.places
    }

    /// Queues on a card, at most. Ordinary cards have three.
    pub const MAX_PLACES: usize = 4;

    /// The longest encoding.
    pub const MAX_ENCODED: usize = 10 + 1 + Self::MAX_PLACES * Place::ENCODED;
}

/// Not a card: no queues, too many, or two on one mailbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a queue card")]
pub struct BadCard;

#[derive(Deserialize)]
struct CardRecord {
    sequence: u64,
    places: Vec<Place>,
}

impl TryFrom<CardRecord> for QueueCard {
    type Error = BadCard;

    fn try_from(CardRecord { sequence, places }: CardRecord) -> Result<Self, BadCard> {
        Self::new(sequence, places)
    }
}

#[cfg(test)]
mod tests;
