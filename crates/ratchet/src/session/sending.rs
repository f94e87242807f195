//! Our own chain.

use super::SendError;
use crate::{
    keys::{ChainKey, HeaderKey, MessageKey, RootKey},
    turn::{HeadBytes, OwnKeys, OwnTurn, PeerKeys},
};
use outis_crypto::CryptoRng;
use std::sync::Arc;

/// The chain that our last turn began.
pub(super) struct SendingChain {
    pub(super) own: Arc<OwnKeys>,
    pub(super) head: HeadBytes,
    pub(super) header: HeaderKey,
    pub(super) key: ChainKey,
    /// How many messages our chain before this one had.
    pub(super) previous: u32,
    /// The number that `key` is for.
    pub(super) next: u32,
}

impl SendingChain {
    /// The chain after its next message, and that message's key.
    pub(super) fn step(self) -> Result<(Self, MessageKey), SendError> {
        let next = self.next.checked_add(1).ok_or(SendError::ChainEnded)?;
        let (chain, message) = self.key.step();
        Ok((
            Self {
                key: chain,
                next,
                ..self
            },
            message,
        ))
    }

    pub(super) fn duplicate(&self) -> Self {
        Self {
            own: Arc::clone(&self.own),
            head: self.head.clone(),
            header: self.header.duplicate(),
            key: self.key.duplicate(),
            previous: self.previous,
            next: self.next,
        }
    }
}

/// Takes a turn towards `peer`: gives the root, the header key of the chain after the one that begins, and that chain.
pub(super) fn take_turn(
    root: &RootKey,
    peer: &PeerKeys,
    header: HeaderKey,
    previous: u32,
    rng: &mut impl CryptoRng,
) -> Result<(RootKey, HeaderKey, SendingChain), SendError> {
    let OwnTurn { own, head, turned } = peer.turn(root, rng)?;
    let chain = SendingChain {
        own,
        head,
        header,
        key: turned.chain,
        previous,
        next: 0,
    };
    Ok((turned.root, turned.next_header, chain))
}
