//! What an envelope carries.
//!
//! | offset | size | field                                                             |
//! |-------:|-----:|-------------------------------------------------------------------|
//! |      0 |    1 | kind: 1 initial message, 2 message of a session                   |
//! |      1 | rest | the bytes of that                                                 |

use crate::parcel::CardEntry;
use outis_wire::DecodeError;
use serde::{Deserialize, Serialize};

/// What an envelope carries. The same in a contact's queue and in the request queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Payload {
    /// The beginning of a session.
    Initial(Vec<u8>),
    /// A message of a session that both have.
    Session(Vec<u8>),
}

impl Payload {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let (kind, body) = match self {
            Self::Initial(body) => (INITIAL, body),
            Self::Session(body) => (SESSION, body),
        };
        [&[kind], body.as_slice()].concat()
    }

    /// `None` for a kind that this version does not know.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let (kind, body) = bytes.split_first()?;
        match *kind {
            INITIAL => Some(Self::Initial(body.to_vec())),
            SESSION => Some(Self::Session(body.to_vec())),
            _ => None,
        }
    }
}

/// What the initial message of a request says, sealed by it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Request {
    pub(crate) version: u8,
    /// What the sender calls themselves.
    pub(crate) nickname: String,
    /// What they say with it.
    pub(crate) greeting: Option<String>,
    /// The sender has accepted the recipient before: this is a new session of an old contact.
    pub(crate) known: bool,
    /// Where to answer.
    pub(crate) card: CardEntry,
}

impl Request {
    pub(crate) const VERSION: u8 = 1;
    /// Bytes of a greeting.
    pub(crate) const GREETING: usize = 1_000;
    const LIMIT: usize = 4_096;

    pub(crate) fn encode(&self) -> Vec<u8> {
        outis_wire::encode(self)
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let request: Self = outis_wire::decode(bytes, Self::LIMIT)?;
        let greeting = request.greeting.as_ref().map_or(0, String::len);
        let fits = request.version == Self::VERSION
            && greeting <= Self::GREETING
            && request.nickname.len() <= crate::parcel::NICKNAME_LIMIT;
        if fits { Ok(request) } else { Err(DecodeError::Malformed) }
    }
}

const INITIAL: u8 = 1;
const SESSION: u8 = 2;
