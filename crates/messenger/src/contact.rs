//! Contacts: who they are to us, and what of them is kept.

use crate::chain::{Arrived, Link};
use crate::message::Message;
use crate::parcel::CardEntry;
use crate::settings::ConversationSettings;
use outis_crypto::CryptoRng;
use outis_identity::{Address, DeviceId, Generation};
use outis_wire::{Epoch, UnixMillis};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A contact, as shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// Who.
    pub address: Address,
    /// What they call themselves; empty until they have told.
    pub nickname: String,
    /// What we call them.
    pub alias: Option<String>,
    /// What they are to us.
    pub state: ContactState,
    /// What was said with the request, theirs or ours.
    pub greeting: Option<String>,
    /// Whether we compared safety numbers.
    pub verified: bool,
    /// Verified, and then they signed in on a new device: nothing is sent until we confirm it.
    pub device_changed: bool,
    /// They say that we were in contact before; we have no record of it.
    pub says_known: bool,
    /// Messages that came and were not looked at.
    pub unread: u64,
    /// When something was last said.
    pub last_message_at: Option<UnixMillis>,
    /// When they came here: the order of those with whom nothing was said yet.
    pub added_at: UnixMillis,
    /// The last message, as a list of conversations shows it.
    pub last_message: Option<Message>,
    /// What was chosen for the conversation.
    pub settings: ConversationSettings,
}

/// What a contact is to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ContactState {
    /// We asked, and there is no answer yet.
    Requested,
    /// They asked, and we have not answered. Nothing is told or fetched.
    Incoming,
    /// Both want it.
    Accepted,
    /// They asked, and we do not want it. They are not told.
    Declined,
    /// Whatever comes from them is ignored, and our queues for them are gone.
    Blocked,
}

/// All that is stored of a contact but queues, sessions and messages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ContactRecord {
    pub(crate) state: ContactState,
    /// What they were before they were blocked.
    pub(crate) before_block: Option<ContactState>,
    pub(crate) nickname: String,
    pub(crate) alias: Option<String>,
    pub(crate) greeting: Option<String>,
    pub(crate) verified: bool,
    pub(crate) says_known: bool,
    pub(crate) created_at: UnixMillis,
    pub(crate) last_message_at: Option<UnixMillis>,
    /// The device we talk to. A lower one is never accepted again.
    pub(crate) device: Option<KnownDevice>,
    /// A successor that waits for our confirmation, because the contact is verified.
    pub(crate) unconfirmed: bool,
    /// Where the next line of the conversation goes.
    pub(crate) next_position: u64,
    /// Lines up to here were looked at.
    pub(crate) read_position: u64,
    pub(crate) unread: u64,
    /// What we tell.
    pub(crate) outgoing: Outgoing,
    /// The numbering that `arrived` is about: its name, and the session in which it was first seen.
    pub(crate) stream: Option<(u64, u64)>,
    /// What has come.
    pub(crate) arrived: Arrived,
    /// Where they want to be written to.
    pub(crate) card: Option<TheirCard>,
    /// The sessions that are open, oldest first, at most [`ContactRecord::SESSIONS`].
    pub(crate) sessions: Vec<SessionSlot>,
    /// The slot of the session that we send in.
    pub(crate) sending: Option<u64>,
    pub(crate) next_slot: u64,
    /// Our request, while it is not answered.
    pub(crate) request: Option<OurRequest>,
    /// An acceptance is to be told (again).
    pub(crate) owes_acceptance: bool,
    /// Something came that no receipt has told of yet.
    pub(crate) owes_receipt: bool,
    /// The highest of our numbers that they have looked at, if they tell.
    pub(crate) their_read: u64,
    /// The highest of our cards that they have.
    pub(crate) card_known: u64,
    /// What was chosen for the conversation.
    pub(crate) settings: ConversationSettings,
    /// The choice of how long messages stay that holds: its count, and the numbering that it was told in.
    pub(crate) timer: (u64, u64),
    /// The highest of their numbers that was looked at here; told only if they are to be told.
    pub(crate) read_number: u64,
    /// When they were last told what arrived, if that is told once an hour.
    pub(crate) receipted_at: Option<UnixMillis>,
    /// Numbers that something was said about before they came.
    pub(crate) awaited: BTreeSet<u64>,
    /// The most work that was done for a request of theirs, and under which name the last is remembered.
    pub(crate) work: u32,
    pub(crate) request_name: Option<[u8; 32]>,
    /// The token of their invite, until our request was put with it once.
    pub(crate) token: Option<Vec<u8>>,
}

/// Our direction.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Outgoing {
    /// Names this numbering.
    pub(crate) stream: u64,
    /// The last number given to something we say.
    pub(crate) last: u64,
    /// The end of the chain: the session it was told in, the number and its link.
    pub(crate) end: Option<(u64, u64, Link)>,
}

impl Outgoing {
    /// The link before `number` in the session of `slot`.
    pub(crate) fn previous(&self, slot: u64, number: u64) -> Link {
        match self.end {
            Some((end_slot, end, link)) if end_slot == slot && end + 1 == number => link,
            _ => Link::default(),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KnownDevice {
    pub(crate) generation: Generation,
    pub(crate) id: DeviceId,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TheirCard {
    /// The session in which a card of this numbering came first.
    pub(crate) since: u64,
    pub(crate) sequence: u64,
    pub(crate) entry: CardEntry,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SessionSlot {
    pub(crate) slot: u64,
    pub(crate) begun_by: Side,
    /// The contact's device that it is with.
    pub(crate) device: KnownDevice,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Side {
    Us,
    Them,
}

/// A request on its way: the same bytes as long as the prekey it was made for lives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OurRequest {
    pub(crate) message: Vec<u8>,
    pub(crate) made_for: Epoch,
    /// When it was last put, and into how many mailboxes.
    pub(crate) put_at: Option<UnixMillis>,
}

impl ContactRecord {
    /// Sessions that are kept open at once: both asked, a device changed, messages of the old one are still on their way.
    pub(crate) const SESSIONS: usize = 4;

    pub(crate) fn new(state: ContactState, now: UnixMillis, rng: &mut impl CryptoRng) -> Self {
        Self {
            state,
            before_block: None,
            nickname: String::new(),
            alias: None,
            greeting: None,
            verified: false,
            says_known: false,
            created_at: now,
            last_message_at: None,
            device: None,
            unconfirmed: false,
            next_position: 1,
            read_position: 0,
            unread: 0,
            outgoing: Outgoing {
                stream: rng.next_u64(),
                ..Outgoing::default()
            },
            stream: None,
            arrived: Arrived::default(),
            card: None,
            sessions: Vec::new(),
            sending: None,
            next_slot: 0,
            request: None,
            owes_acceptance: false,
            owes_receipt: false,
            their_read: 0,
            card_known: 0,
            settings: ConversationSettings::default(),
            timer: (0, 0),
            read_number: 0,
            receipted_at: None,
            awaited: BTreeSet::new(),
            work: 0,
            request_name: None,
            token: None,
        }
    }

    /// Reserves `lines` lines at the end of the conversation and gives the first.
    pub(crate) fn take_positions(&mut self, lines: u64) -> u64 {
        let first = self.next_position;
        self.next_position = first.saturating_add(lines);
        first
    }

    /// Whether something may be sealed for this contact now: both want it, and a session that both know is there.
    pub(crate) fn may_send(&self) -> bool {
        self.state == ContactState::Accepted && !self.unconfirmed && self.request.is_none() && self.sending.is_some()
    }

    /// The sequence number of the card that we use, 0 for none.
    pub(crate) fn their_card(&self) -> u64 {
        self.card.as_ref().map_or(0, |card| card.sequence)
    }

    /// What of theirs was looked at, if they are to be told.
    pub(crate) fn told_read(&self) -> Option<u64> {
        (self.settings.read_receipts && self.read_number > 0).then_some(self.read_number)
    }

    pub(crate) fn slot(&self, slot: u64) -> Option<&SessionSlot> {
        self.sessions.iter().find(|known| known.slot == slot)
    }

    pub(crate) fn shown(&self, address: Address, last_message: Option<Message>) -> Contact {
        Contact {
            address,
            nickname: self.nickname.clone(),
            alias: self.alias.clone(),
            state: self.state,
            greeting: self.greeting.clone(),
            verified: self.verified,
            device_changed: self.unconfirmed,
            says_known: self.says_known,
            unread: self.unread,
            last_message_at: self.last_message_at,
            added_at: self.created_at,
            last_message,
            settings: self.settings,
        }
    }
}
