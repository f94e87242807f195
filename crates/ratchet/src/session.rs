//! The double ratchet with encrypted headers, in which every turn mixes X25519 *and* ML-KEM-768.

mod error;
mod following;
mod record;
mod sending;

pub use error::{ReceiveError, SendError};

use crate::{
    incoming::Incoming,
    keys::{HeaderKey, RootKey},
    message::{Header, MAX_PLAINTEXT, Message},
    skipped::{SkippedId, SkippedKey, SkippedKeys},
    turn::{OwnKeys, PeerKeys},
};
use following::Followed;
use outis_crypto::{CryptoRng, SecretBytes};
use outis_wire::UnixMillis;
use sending::{SendingChain, take_turn};
use std::fmt;

/// One conversation with one device: the state of one side.
///
/// It is pure: sending and receiving give a [`Step`] with the session that comes next, and `self` stays what it was. There
/// is no `Clone`: of two copies of one state at most one may go on.
///
/// ```compile_fail
/// fn twice(session: outis_ratchet::Session) -> (outis_ratchet::Session, outis_ratchet::Session) {
///     (session.clone(), session)
/// }
/// ```
pub struct Session {
    id: SessionId,
    root: RootKey,
    /// Header key of the chain that our next turn begins.
    next_sending: HeaderKey,
    /// Header key of the chain that the peer's next turn begins.
    next_receiving: HeaderKey,
    turn: Turn,
    incoming: Incoming,
}

/// Whose turn was the last.
enum Turn {
    /// Ours: there is a chain to send in, and fresh keys that wait for the peer's turn.
    Ours(SendingChain),
    /// The peer's: its fresh keys wait for our turn, which is taken when there is something to send.
    Theirs {
        peer: PeerKeys,
        /// How many messages our last chain had.
        sent: u32,
    },
}

/// What a call changed. All of it is to be stored in one commit *before* the ciphertext leaves the machine or anything is
/// acknowledged.
pub struct Step {
    /// Replaces the session that was called.
    pub session: Session,
    /// Keys to store for messages that have not come yet.
    pub added: Vec<(SkippedId, SkippedKey)>,
    /// Keys to erase: used, too old, or given up. None of them is in `added`.
    pub removed: Vec<SkippedId>,
}

impl Session {
    /// The name of the session, the same on both sides; known to nobody else.
    pub fn id(&self) -> &SessionId {
        &self.id
    }

    /// Whether the peer has said anything in this session. Before that, only the initial message shows that there is one.
    pub fn has_heard(&self) -> bool {
        self.incoming.open.is_some()
    }

    /// How many keys are stored for messages that have not come.
    pub fn skipped(&self) -> usize {
        self.incoming.skipped()
    }

    /// Encrypts. If the peer spoke last, this takes a turn: fresh X25519 and ML-KEM keys, from `rng` as it is now.
    ///
    /// # Errors
    /// See [`SendError`].
    pub fn send(&self, rng: &mut impl CryptoRng, plaintext: &[u8]) -> Result<(Step, Vec<u8>), SendError> {
        if plaintext.len() > MAX_PLAINTEXT {
            return Err(SendError::TooLong);
        }
        let (root, next_sending, chain) = match &self.turn {
            Turn::Ours(chain) => (self.root.duplicate(), self.next_sending.duplicate(), chain.duplicate()),
            Turn::Theirs { peer, sent } => take_turn(&self.root, peer, self.next_sending.duplicate(), *sent, rng)?,
        };
        let header = Header::new(&chain.head, chain.previous, chain.next);
        let (chain, key) = chain.step()?;
        let ciphertext = Message::seal(&self.id, &header, &chain.header, key, plaintext, rng);
        let session = Self {
            id: self.id,
            root,
            next_sending,
            next_receiving: self.next_receiving.duplicate(),
            turn: Turn::Ours(chain),
            incoming: self.incoming.duplicate(),
        };
        Ok((
            Step {
                session,
                added: Vec::new(),
                removed: Vec::new(),
            },
            ciphertext,
        ))
    }

    /// Decrypts. On error nothing has changed.
    ///
    /// # Errors
    /// See [`ReceiveError`].
    pub fn receive<S: SkippedKeys>(
        &self,
        now: UnixMillis,
        skipped: &S,
        ciphertext: &[u8],
    ) -> Result<(Step, SecretBytes), ReceiveError<S::Error>> {
        let message = Message::read(ciphertext).ok_or(ReceiveError::Malformed)?;
        let Some((place, header)) = self.incoming.find(&message) else {
            return self.follow(now, &message);
        };
        let reached = self.incoming.reach(&place, header.number, now, skipped)?;
        let plaintext = message
            .open(&self.id, &header, reached.key)
            .ok_or(ReceiveError::Forged)?;
        let session = Self {
            incoming: reached.incoming,
            ..self.duplicate()
        };
        Ok((
            Step {
                session,
                added: reached.added,
                removed: reached.removed,
            },
            plaintext,
        ))
    }

    /// Gives up the skipped keys that have become too old; receiving does it as well. `None` if there are none.
    pub fn expire(&self, now: UnixMillis) -> Option<Step> {
        let mut incoming = self.incoming.duplicate();
        let removed = incoming.trim(now);
        let session = Self {
            incoming,
            ..self.duplicate()
        };
        (!removed.is_empty()).then(|| Step {
            session,
            added: Vec::new(),
            removed,
        })
    }

    /// The initiator's side: takes the first turn, towards the responder's prekey.
    pub(crate) fn initiate(start: Start, prekey: &PeerKeys, rng: &mut impl CryptoRng) -> Result<Self, SendError> {
        let Start {
            id,
            root,
            initiator,
            responder,
        } = start;
        let (root, next_sending, chain) = take_turn(&root, prekey, initiator, 0, rng)?;
        let turn = Turn::Ours(chain);
        Ok(Self {
            id,
            root,
            next_sending,
            next_receiving: responder,
            turn,
            incoming: Incoming::default(),
        })
    }

    /// The responder's side: follows the first turn, which the initiator took towards `prekey`.
    pub(crate) fn respond<E>(
        start: Start,
        prekey: &OwnKeys,
        now: UnixMillis,
        message: &Message<'_>,
    ) -> Result<(Self, SecretBytes), ReceiveError<E>> {
        let Start {
            id,
            root,
            initiator,
            responder,
        } = start;
        let header = message.open_header(&initiator).ok_or(ReceiveError::NotForThisSession)?;
        if (header.previous, header.number) != (0, 0) {
            return Err(ReceiveError::Nonsense);
        }
        let none = Incoming::default();
        let followed = Followed::new(&none, &root, prekey, initiator, header, now)?;
        followed
            .open(id, responder, 0, message)
            .map(|(step, plaintext)| (step.session, plaintext))
    }

    fn follow<E>(&self, now: UnixMillis, message: &Message<'_>) -> Result<(Step, SecretBytes), ReceiveError<E>> {
        // Unless we took the last turn, the peer cannot take another: it would need keys of ours that do not exist.
        let Turn::Ours(chain) = &self.turn else {
            return Err(ReceiveError::NotForThisSession);
        };
        let header = message
            .open_header(&self.next_receiving)
            .ok_or(ReceiveError::NotForThisSession)?;
        let header_key = self.next_receiving.duplicate();
        let followed = Followed::new(&self.incoming, &self.root, &chain.own, header_key, header, now)?;
        followed.open(self.id, self.next_sending.duplicate(), chain.next, message)
    }

    fn duplicate(&self) -> Self {
        Self {
            id: self.id,
            root: self.root.duplicate(),
            next_sending: self.next_sending.duplicate(),
            next_receiving: self.next_receiving.duplicate(),
            turn: match &self.turn {
                Turn::Ours(chain) => Turn::Ours(chain.duplicate()),
                Turn::Theirs { peer, sent } => Turn::Theirs {
                    peer: peer.clone(),
                    sent: *sent,
                },
            },
            incoming: self.incoming.duplicate(),
        }
    }
}

/// Shows nothing of the keys.
impl fmt::Debug for Session {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            id: _,
            root: _,
            next_sending: _,
            next_receiving: _,
            turn,
            incoming: _,
        } = self;
        let turn = match turn {
            Turn::Ours(_) => "ours",
            Turn::Theirs { .. } => "theirs",
        };
        out.debug_struct("Session").field("turn", &turn).finish_non_exhaustive()
    }
}

/// Names a session: a hash of all that the handshake bound together.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub [u8; 32]);

/// Shows nothing: it would name a pair of people.
impl fmt::Debug for SessionId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(_) = self;
        out.write_str("SessionId(..)")
    }
}

/// What a handshake gives to both sides.
pub(crate) struct Start {
    pub(crate) id: SessionId,
    pub(crate) root: RootKey,
    /// Seals the headers of the initiator's first chain.
    pub(crate) initiator: HeaderKey,
    /// Seals the headers of the responder's first chain.
    pub(crate) responder: HeaderKey,
}

#[cfg(test)]
mod tests;
