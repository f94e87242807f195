//! A turn that the peer took.

use super::{ReceiveError, Session, SessionId, Step, Turn};
use crate::{
    incoming::{Incoming, Reached},
    keys::{HeaderKey, RootKey},
    message::{Header, Message},
    turn::{Head, OwnKeys, PeerKeys},
};
use outis_crypto::{SecretBytes, agreement::NotContributory};
use outis_wire::UnixMillis;

/// A turn of the peer's that was followed; its message is not opened yet.
pub(super) struct Followed {
    root: RootKey,
    next_receiving: HeaderKey,
    peer: PeerKeys,
    header: Header,
    reached: Reached,
}

impl Followed {
    /// Checks what the header says before any key is derived, and then follows it.
    pub(super) fn new<E>(
        incoming: &Incoming,
        root: &RootKey,
        own: &OwnKeys,
        header_key: HeaderKey,
        header: Header,
        now: UnixMillis,
    ) -> Result<Self, ReceiveError<E>> {
        let rest = incoming.admit(&header)?;
        let head = Head::read(header.head()).ok_or(ReceiveError::Nonsense)?;
        let turned = own
            .follow(root, &head, header.head())
            .map_err(|NotContributory| ReceiveError::Nonsense)?;
        let reached = incoming.begin(rest, header_key, turned.chain, header.number, now)?;
        Ok(Self {
            root: turned.root,
            next_receiving: turned.next_header,
            peer: head.peer,
            header,
            reached,
        })
    }

    /// The session after the turn, if its message is authentic.
    pub(super) fn open<E>(
        self,
        id: SessionId,
        next_sending: HeaderKey,
        sent: u32,
        message: &Message<'_>,
    ) -> Result<(Step, SecretBytes), ReceiveError<E>> {
        let Self {
            root,
            next_receiving,
            peer,
            header,
            reached,
        } = self;
        let plaintext = message.open(&id, &header, reached.key).ok_or(ReceiveError::Forged)?;
        let turn = Turn::Theirs { peer, sent };
        let session = Session {
            id,
            root,
            next_sending,
            next_receiving,
            turn,
            incoming: reached.incoming,
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
}
