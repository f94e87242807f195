//! One message on the wire.

use crate::{
    keys::{HeaderKey, MessageKey},
    session::SessionId,
    turn::HeadBytes,
};
use outis_crypto::{CryptoRng, SecretBytes, aead::committing};
use outis_wire::Reader;

/// A message, cut into its parts; nothing is opened yet.
///
/// | offset | size | field                                             |
/// |      0 |    1 | version = 1                                       |
/// |      1 | 2384 | header, sealed with the chain's header key        |
/// |   2385 | n+72 | plaintext of n bytes, sealed with the message key |
///
/// Every message of a chain carries the whole head, so that all look alike and any one of them is enough to follow a turn.
/// The header is bound to the version, the body to session, version and sealed header.
#[derive(Clone, Copy)]
pub(crate) struct Message<'a> {
    front: &'a [u8],
    header: &'a [u8],
    body: &'a [u8],
}

impl<'a> Message<'a> {
    pub(crate) fn read(bytes: &'a [u8]) -> Option<Self> {
        if bytes.len() > MAX_PLAINTEXT + OVERHEAD || bytes.len() < OVERHEAD {
            return None;
        }
        let (front, body) = bytes.split_at_checked(1 + SEALED_HEADER)?;
        let (version, header) = front.split_first()?;
        (*version == VERSION).then_some(Self { front, header, body })
    }

    /// `None` if the header was sealed with another key.
    pub(crate) fn open_header(&self, key: &HeaderKey) -> Option<Header> {
        Header::read(key.open(&[VERSION], self.header)?)
    }

    pub(crate) fn open(&self, session: &SessionId, key: MessageKey) -> Option<SecretBytes> {
        key.open(&bound(session, self.front), self.body)
    }

    /// Writes a message; nothing else writes these bytes.
    pub(crate) fn seal(
        session: &SessionId,
        header: &[u8],
        header_key: &HeaderKey,
        key: MessageKey,
        plaintext: &[u8],
        rng: &mut impl CryptoRng,
    ) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(OVERHEAD + plaintext.len());
        bytes.push(VERSION);
        bytes.extend_from_slice(&header_key.seal(rng, &[VERSION], header));
        let body = key.seal(rng, &bound(session, &bytes), plaintext);
        bytes.extend_from_slice(&body);
        bytes
    }
}

/// What a header says.
///
/// | offset | size | field                                                  |
/// |      0 | 2304 | head of the turn                                       |
/// |   2304 |    4 | how many messages the sender's last chain had          |
/// |   2308 |    4 | the message's number in this chain, from 0             |
pub(crate) struct Header {
    bytes: SecretBytes,
    pub(crate) previous: u32,
    pub(crate) number: u32,
}

impl Header {
    pub(crate) fn write(head: &HeadBytes, previous: u32, number: u32) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER);
        bytes.extend_from_slice(head.as_slice());
        bytes.extend_from_slice(&previous.to_be_bytes());
        bytes.extend_from_slice(&number.to_be_bytes());
        bytes
    }

    fn read(bytes: SecretBytes) -> Option<Self> {
        let mut reader = Reader::new(bytes.dangerously_expose());
        reader.bytes(HeadBytes::SIZE).ok()?;
        let previous = reader.u32().ok()?;
        let number = reader.u32().ok()?;
        reader.is_empty().then_some(Self {
            bytes,
            previous,
            number,
        })
    }

    pub(crate) fn head(&self) -> &[u8] {
        self.bytes
            .dangerously_expose()
            .get(..HeadBytes::SIZE)
            .unwrap_or_default()
    }
}

/// What a message is longer than its plaintext.
pub const OVERHEAD: usize = 1 + SEALED_HEADER + committing::OVERHEAD;

/// The longest plaintext: with it a message has 68 KiB, the largest envelope.
pub const MAX_PLAINTEXT: usize = 68 * 1024 - OVERHEAD;

const VERSION: u8 = 1;

const HEADER: usize = HeadBytes::SIZE + 4 + 4;

const SEALED_HEADER: usize = HEADER + committing::OVERHEAD;

fn bound(session: &SessionId, front: &[u8]) -> Vec<u8> {
    [session.0.as_slice(), front].concat()
}
