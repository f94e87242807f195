//! Invites for one: a small queue of its own on one mailbox, whose place goes into a link as its token.
//!
//! Whoever has the link asks through that queue, pays nothing for it, and is not turned away however many strangers wait. The
//! first request that comes out of it uses the invite up; so does revoking it, or a fortnight. A token that is not good any
//! more costs its holder nothing: they ask as strangers do.

use crate::payload::Payload;
use crate::plan::{Plan, Role, isolation};
use crate::queue::{OwnMailbox, OwnQueue, Standing, TheirQueue, choose};
use crate::receiving::Verdict;
use crate::state::State;
use crate::store::{Changes, NOBODY, StoreError, table};
use crate::work::{Job, Owner, Task};
use outis_identity::{Address, InviteToken};
use outis_mailbox::queue::{OwnedQueue, Place, QueueCard};
use outis_wire::UnixMillis;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;

/// An invite that nobody has used yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenInvite {
    /// Names it, on this machine.
    pub id: u64,
    /// When it was made.
    pub made_at: UnixMillis,
    /// When it ends by itself.
    pub expires_at: UnixMillis,
}

/// Why no invite was made, or none revoked.
#[derive(Debug, thiserror::Error)]
pub enum InviteError {
    /// So many are open.
    #[error("{} invites are open already: revoke one first", OpenInvite::MOST)]
    TooMany,
    /// No relay is known that could keep one.
    #[error("no relay is known that could keep an invite")]
    NoRelays,
    /// No such invite is open.
    #[error("there is no such invite")]
    NotFound,
    /// The store failed; nothing changed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

#[derive(Serialize, Deserialize)]
pub(crate) struct InviteRecord {
    made_at: UnixMillis,
    pub(crate) queue: OwnQueue,
}

/// In place of the work that was done for a request.
pub(crate) const INVITED: u32 = u32::MAX;

impl OpenInvite {
    /// How many may be open at a time: each is listened to.
    pub const MOST: usize = 8;
    /// How long one stays open.
    pub const LIFETIME: Duration = Duration::from_secs(14 * 24 * 60 * 60);
}

impl State {
    /// Makes one, durably. Its queue is created as soon as the mailbox can be reached.
    pub(crate) fn make_invite(&mut self) -> Result<(OpenInvite, InviteToken), InviteError> {
        let now = self.now();
        if self.invites.len() >= OpenInvite::MOST {
            return Err(InviteError::TooMany);
        }
        let node = choose(&self.relays, &mut self.rng).ok_or(InviteError::NoRelays)?;
        let owned = OwnedQueue::generate(&mut self.rng, node);
        let token = InviteToken::from_bytes(&outis_wire::encode(&owned.place())).ok_or(InviteError::NoRelays)?;
        let id = self.invites.keys().next_back().map_or(1, |last| last.saturating_add(1));
        let record = InviteRecord {
            made_at: now,
            queue: OwnQueue::of_one(Arc::new(owned), now),
        };
        let open = record.shown(id);
        let mut changes = Changes::new();
        changes.put(table::INVITES, &NOBODY, id, &record);
        self.store.commit(changes)?;
        self.invites.insert(id, record);
        Ok((open, token))
    }

    pub(crate) fn open_invites(&self) -> Vec<OpenInvite> {
        self.invites.iter().map(|(id, record)| record.shown(*id)).collect()
    }

    /// Whoever has its link is a stranger like any other from now on. The mailbox is told to forget the queue.
    pub(crate) fn revoke_invite(&mut self, id: u64) -> Result<(), InviteError> {
        let Some(record) = self.invites.remove(&id) else {
            return Err(InviteError::NotFound);
        };
        self.deaf.push(Owner::Invite(id));
        let created = |mailbox: &OwnMailbox| mailbox.standing != Standing::Drawn;
        self.graves
            .mailboxes
            .extend(record.queue.mailboxes.into_iter().filter(created));
        let mut changes = Changes::new();
        changes.erase(table::INVITES, &NOBODY, id);
        changes.put(table::QUEUES, &NOBODY, 1, &self.graves);
        self.store.commit(changes)?;
        Ok(())
    }

    /// Ends all of them.
    pub(crate) fn revoke_invites(&mut self) -> Result<(), StoreError> {
        for id in self.invites.keys().copied().collect::<Vec<_>>() {
            if let Err(InviteError::Store(error)) = self.revoke_invite(id) {
                return Err(error);
            }
        }
        Ok(())
    }

    pub(crate) fn store_invite(&mut self, id: u64) -> Result<(), StoreError> {
        let Some(record) = self.invites.get(&id) else {
            return Ok(());
        };
        let mut changes = Changes::new();
        changes.put(table::INVITES, &NOBODY, id, record);
        self.store.commit(changes)
    }

    pub(crate) fn plan_invites(&mut self, plan: &mut Plan) -> Result<(), StoreError> {
        let (now, tick) = (self.now(), self.tick);
        let over: Vec<u64> = self
            .invites
            .iter()
            .filter(|(_, record)| now.since(record.made_at) >= OpenInvite::LIFETIME)
            .map(|(id, _)| *id)
            .collect();
        for id in over {
            if let Err(InviteError::Store(error)) = self.revoke_invite(id) {
                return Err(error);
            }
        }
        for (id, record) in &self.invites {
            let owner = Owner::Invite(*id);
            for mailbox in &record.queue.mailboxes {
                let queue = Arc::clone(&mailbox.queue);
                let name = queue.id();
                let isolation = isolation(&self.me.record.isolation, &name.0, Role::Own);
                let (task, job) = if mailbox.standing == Standing::Drawn {
                    let kind = owner.kind();
                    (Task::Create(owner, name), Job::Create { queue, kind, isolation })
                } else {
                    (Task::Listen(owner, name), Job::Listen { queue, isolation })
                };
                if !self.running.contains(&task) {
                    plan.at(mailbox.way.until(), tick, || (task, job));
                }
            }
        }
        Ok(())
    }

    /// Asks once more, and now with an invite.
    pub(crate) fn ask_with(&mut self, contact: &Address, token: Option<Vec<u8>>) -> Result<(), StoreError> {
        let asked_again = self.change(contact, |record, _| {
            record.token = token;
            if let Some(request) = &mut record.request {
                request.put_at = None;
            }
        })?;
        if let (Some(()), Some(peer)) = (asked_again, self.peers.get_mut(contact)) {
            peer.lane.request_put.succeeded();
        }
        Ok(())
    }

    /// Something came in the queue of an invite.
    pub(crate) fn came_by_invite(&mut self, id: u64, payload: &[u8]) -> Result<Verdict, StoreError> {
        let Some(Payload::Initial(message)) = Payload::decode(payload) else {
            return Ok(Verdict::Done);
        };
        let verdict = self.request_came(&message, INVITED)?;
        if verdict == Verdict::Done
            && self.was_heard(&message)?
            && let Err(InviteError::Store(error)) = self.revoke_invite(id)
        {
            return Err(error);
        }
        Ok(verdict)
    }
}

impl InviteRecord {
    fn shown(&self, id: u64) -> OpenInvite {
        OpenInvite {
            id,
            made_at: self.made_at,
            expires_at: self.made_at.plus(OpenInvite::LIFETIME),
        }
    }
}

/// Where a token leads; `None` for one that a newer version made, or somebody who wants to try us.
pub(crate) fn place_of(token: &[u8]) -> Option<TheirQueue> {
    let place: Place = outis_wire::decode(token, Place::ENCODED).ok()?;
    QueueCard::new(0, vec![place]).ok().map(TheirQueue::of)
}
