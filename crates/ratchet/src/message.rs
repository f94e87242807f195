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
/// The header is bound to the version; the body to the session, the version and both numbers of the header. The head needs no
/// binding of its own: it is in every key of the chain.
#[derive(Clone, Copy)]
pub(crate) struct Message<'a> {
    header: &'a [u8],
    body: &'a [u8],
}

impl<'a> Message<'a> {
    pub(crate) fn read(bytes: &'a [u8]) -> Option<Self> {
        if bytes.len() > MAX_PLAINTEXT + OVERHEAD || bytes.len() < OVERHEAD {
            return None;
        }
        let (version, rest) = bytes.split_first()?;
        let (header, body) = rest.split_at_checked(SEALED_HEADER)?;
        (*version == VERSION).then_some(Self { header, body })
    }

    /// `None` if the header was sealed with another key.
    pub(crate) fn open_header(&self, key: &HeaderKey) -> Option<Header> {
        Header::read(key.open(&[VERSION], self.header)?)
    }

    pub(crate) fn open(&self, session: &SessionId, header: &Header, key: MessageKey) -> Option<SecretBytes> {
        key.open(&header.bound(session), self.body)
    }

    /// Writes a message; nothing else writes these bytes.
    pub(crate) fn seal(
        session: &SessionId,
        header: &Header,
        header_key: &HeaderKey,
        key: MessageKey,
        plaintext: &[u8],
        rng: &mut impl CryptoRng,
    ) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(OVERHEAD + plaintext.len());
        bytes.push(VERSION);
        bytes.extend_from_slice(&header_key.seal(rng, &[VERSION], header.bytes.dangerously_expose()));
        bytes.extend_from_slice(&key.seal(rng, &header.bound(session), plaintext));
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
    pub(crate) fn new(head: &HeadBytes, previous: u32, number: u32) -> Self {
        let mut bytes = Vec::with_capacity(HEADER);
        bytes.extend_from_slice(head.as_slice());
        bytes.extend_from_slice(&previous.to_be_bytes());
        bytes.extend_from_slice(&number.to_be_bytes());
        Self {
            bytes: SecretBytes::from(bytes),
            previous,
            number,
        }
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

    /// Associated data of the body: session 32, version 1, previous 4, number 4.
    fn bound(&self, session: &SessionId) -> Vec<u8> {
        let Self {
            bytes: _,
            previous,
            number,
        } = self;
        [
            session.0.as_slice(),
            &[VERSION],
            &previous.to_be_bytes(),
            &number.to_be_bytes(),
        ]
        .concat()
    }
}

/// What a message is longer than its plaintext.
pub const OVERHEAD: usize = 1 + SEALED_HEADER + committing::OVERHEAD;

/// The longest plaintext: with it a message has 68 KiB, the largest envelope.
pub const MAX_PLAINTEXT: usize = 68 * 1024 - OVERHEAD;

const VERSION: u8 = 1;

const HEADER: usize = HeadBytes::SIZE + 4 + 4;

const SEALED_HEADER: usize = HEADER + committing::OVERHEAD;
