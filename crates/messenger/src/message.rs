//! Messages as people see them.

use crate::content::Author;
use outis_identity::Address;
use outis_wire::{NodeId, Tagged, UnixMillis};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// A message: the conversation it stands in and its place there. It never changes, also when a gap above it fills.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct MessageId {
    /// Whose conversation.
    pub contact: Address,
    /// Where in it, oldest first.
    pub position: u64,
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.contact, self.position)
    }
}

impl FromStr for MessageId {
    type Err = MessageIdError;

    fn from_str(text: &str) -> Result<Self, MessageIdError> {
        let (contact, position) = text.split_once('/').ok_or(MessageIdError)?;
        let id = Self {
            contact: contact.parse().map_err(|_| MessageIdError)?,
            position: position.parse().map_err(|_| MessageIdError)?,
        };
        // One spelling each: "+1" and "01" are not positions.
        if id.position.to_string() == position {
            Ok(id)
        } else {
            Err(MessageIdError)
        }
    }
}

/// Not the id of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a message id")]
pub struct MessageIdError;

/// One line of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its name.
    pub id: MessageId,
    /// Who wrote it.
    pub direction: Direction,
    /// What is shown.
    pub body: Body,
    /// When it was written, by its writer's clock.
    pub sent_at: UnixMillis,
    /// When it came, by ours.
    pub received_at: Option<UnixMillis>,
    /// How far it is.
    pub state: Delivery,
    /// What it answers, if that is here.
    pub reply_to: Option<MessageId>,
    /// When its text was changed last, by its writer's clock.
    pub edited_at: Option<UnixMillis>,
    /// Emoji on it, one of each side at most.
    pub reactions: Vec<(Direction, String)>,
    /// Seconds after which it goes by itself.
    pub disappear_after: Option<u32>,
    /// When it goes, once that is known.
    pub disappears_at: Option<UnixMillis>,
}

/// Who wrote a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Direction {
    /// We did.
    Out,
    /// The contact did.
    In,
}

impl Direction {
    /// The direction of a reference, seen from whoever wrote it.
    pub(crate) fn of(author: Author, writer: Self) -> Self {
        match (author, writer) {
            (Author::Me, direction) => direction,
            (Author::You, Self::Out) => Self::In,
            (Author::You, Self::In) => Self::Out,
        }
    }
}

/// What a message shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Body {
    /// Something written.
    Text(String),
    /// A file; the rest is in its transfer.
    File(TransferId),
    /// So many messages are missing here. It shrinks as they come.
    Gap(u64),
    /// Something that happened to the conversation.
    Note(Note),
    /// There was something.
    Deleted,
    /// A kind that this version does not know, kept as it came.
    Unsupported(Tagged),
}

/// What happened to a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Note {
    /// The contact signed in on a new device.
    NewDevice,
    /// A new session began: what came before and after it hangs together only by our memory.
    NewSession,
    /// The contact's device told two different stories of what it had sent before.
    ChainBroken,
    /// From here on messages go by themselves after so many seconds, or stay. Its direction says who chose it.
    Disappearing(Option<u32>),
}

/// How far a message is. Only ever moves down this list, but for a message that has to be told again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Delivery {
    /// On this machine's disk.
    Queued,
    /// In so many of the contact's mailboxes.
    Stored(u8),
    /// On the contact's disk: their device says so.
    Delivered,
    /// Looked at, if the contact tells.
    Read,
    /// It will not be sent.
    Failed(Failure),
}

/// Why a message will not be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Failure {
    /// The contact was removed or blocked.
    NoLongerAContact,
    /// It does not fit the largest envelope.
    TooLarge,
    /// It had not arrived when the account was carried to this device, which does not send it.
    LeftBehind,
}

/// Names a transfer of a file between two people.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TransferId(pub [u8; 32]);

impl fmt::Display for TransferId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for TransferId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TransferId({self})")
    }
}

impl FromStr for TransferId {
    type Err = MessageIdError;

    fn from_str(text: &str) -> Result<Self, MessageIdError> {
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        let mut id = [0; 32];
        if pairs.len() != id.len() || !rest.is_empty() {
            return Err(MessageIdError);
        }
        for (byte, [high, low]) in id.iter_mut().zip(pairs) {
            *byte = digit(*high)
                .zip(digit(*low))
                .map(|(high, low)| high << 4 | low)
                .ok_or(MessageIdError)?;
        }
        Ok(Self(id))
    }
}

fn digit(letter: u8) -> Option<u8> {
    match letter {
        b'0'..=b'9' => Some(letter - b'0'),
        b'a'..=b'f' => Some(letter - b'a' + 10),
        _ => None,
    }
}

/// One line of a flight record: why is it not there yet? It never leaves the machine and goes with the message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlightStep {
    /// When, by our clock.
    pub at: UnixMillis,
    /// What happened.
    pub step: Step,
}

/// What can happen to a message on its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Step {
    /// Written and safe on this machine.
    Queued,
    /// Sealed for the contact's device.
    Encrypted,
    /// A mailbox has it.
    Stored(NodeId),
    /// A mailbox could not be reached or would not take it.
    NotStored(NodeId),
    /// No receipt after a while: the contact's descriptor is read again.
    LookedUp,
    /// Told again to the same mailboxes.
    Repeated,
    /// A new session has to tell it again.
    Renewed,
    /// The contact's device has it.
    Delivered,
    /// The contact has looked at it.
    Read,
    /// It came from the contact.
    Received,
    /// Given up.
    Failed(Failure),
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Queued => "queued",
            Self::Encrypted => "encrypted",
            Self::Stored(_) => "stored",
            Self::NotStored(_) => "not_stored",
            Self::LookedUp => "looked_up",
            Self::Repeated => "repeated",
            Self::Renewed => "renewed",
            Self::Delivered => "delivered",
            Self::Read => "read",
            Self::Received => "received",
            Self::Failed(_) => "failed",
        })
    }
}

/// The flight record: its first steps and its last, so that it stays short however long a message travels.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Flight(Vec<FlightStep>);

impl Flight {
    const FIRST: usize = 8;
    const LIMIT: usize = 32;

    pub(crate) fn log(&mut self, at: UnixMillis, step: Step) {
        if self.0.len() >= Self::LIMIT {
            self.0.remove(Self::FIRST);
        }
        self.0.push(FlightStep { at, step });
    }

    /// When something was logged last.
    pub(crate) fn last(&self) -> UnixMillis {
        self.0.last().map_or(UnixMillis(0), |step| step.at)
    }

    pub(crate) fn into_steps(self) -> Vec<FlightStep> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flight_record_keeps_its_beginning_and_its_end() {
        let mut flight = Flight::default();
        for minute in 0..100 {
            flight.log(UnixMillis(minute), Step::Repeated);
        }
        let at: Vec<u64> = flight.into_steps().iter().map(|step| step.at.0).collect();
        assert_eq!(at.len(), Flight::LIMIT);
        assert_eq!(&at[..9], [0, 1, 2, 3, 4, 5, 6, 7, 76]);
        assert_eq!(at.last(), Some(&99));
    }

    #[test]
    fn a_transfer_id_has_one_spelling() {
        let id = TransferId([0xab; 32]);
        assert_eq!(id.to_string().parse(), Ok(id));
        for bad in ["", "ab", &"AB".repeat(32), &"+a".repeat(32), &"ab".repeat(33)] {
            assert_eq!(bad.parse::<TransferId>(), Err(MessageIdError));
        }
    }
}
