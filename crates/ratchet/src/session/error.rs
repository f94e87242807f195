//! Why a session did not do what it was asked to.

use crate::{message::MAX_PLAINTEXT, skipped::SkippedId};
use outis_crypto::agreement::NotContributory;

/// Why nothing was encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// Longer than [`MAX_PLAINTEXT`].
    #[error("longer than {MAX_PLAINTEXT} bytes")]
    TooLong,
    /// 2^32 - 1 messages without an answer. A new session helps.
    #[error("the chain is at its end")]
    ChainEnded,
    /// The peer's key would make an agreement that is not one.
    #[error("the peer's key is not usable")]
    UnusableKey,
}

impl From<NotContributory> for SendError {
    fn from(NotContributory: NotContributory) -> Self {
        Self::UnusableKey
    }
}

/// Why nothing was decrypted. In every case the session is as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReceiveError<E> {
    /// Too short, too long, or of an unknown version.
    #[error("not a message")]
    Malformed,
    /// No header key of this session opens it: another session's, a forgery, or so old that its chain has been given up.
    #[error("not a message of this session")]
    NotForThisSession,
    /// It was read before, or its key has been given up by one of the caps.
    #[error("the message's key is spent")]
    Spent,
    /// More than [`MAX_AHEAD`](crate::MAX_AHEAD) messages are missing before it. No key was derived.
    #[error("{ahead} messages are missing before it")]
    TooFarAhead {
        /// How many.
        ahead: u64,
    },
    /// The header is authentic, the body is not: it was damaged on the way.
    #[error("the message is damaged")]
    Forged,
    /// The peer contradicts itself, or its new keys are no good: its program is broken or hostile.
    #[error("the peer's message makes no sense")]
    Nonsense,
    /// The session says that this key is stored, and the caller's store does not have it.
    #[error("a stored key is missing")]
    KeyLost(SkippedId),
    /// The caller's store failed.
    #[error("skipped keys could not be read")]
    Store(#[source] E),
}
