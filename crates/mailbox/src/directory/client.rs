//! The client's side of the directory protocol.

use super::{DirectoryKey, MAX_REPLY, MAX_SAMPLE, Record, Refusal, Reply, Request};
use futures::{AsyncRead, AsyncWrite, AsyncWriteExt};
use outis_wire::frame;
use std::io;

/// A connection to a relay that answers for the directory. One request at a time; none is safe to drop half-way: drop the
/// connection with it. There is no clock here: wrap what must not take for ever.
pub struct Directory<T> {
    stream: T,
    number: u32,
}

impl<T: AsyncRead + AsyncWrite + Unpin> Directory<T> {
    /// Takes a stream that was opened to a relay's directory.
    pub fn new(stream: T) -> Self {
        Self { stream, number: 0 }
    }

    /// Has a record stored. Says how many holders claim to have it; that proves nothing until it is found by another way.
    ///
    /// # Errors
    /// See [`LookupError`]; the same holds for all requests.
    pub async fn put(&mut self, record: Record) -> Result<u8, LookupError> {
        match self.ask(&Request::Put(record)).await? {
            Reply::Stored(holders) => Ok(holders),
            _ => Err(LookupError::Protocol),
        }
    }

    /// Looks a record up: nothing, or several versions. They are unchecked; a relay that lies can only withhold.
    #[allow(clippy::missing_errors_doc)]
    pub async fn get(&mut self, key: DirectoryKey) -> Result<Vec<Record>, LookupError> {
        match self.ask(&Request::Get(key)).await? {
            Reply::Found(records) => Ok(records),
            _ => Err(LookupError::Protocol),
        }
    }

    /// Descriptors of some relays, unchecked.
    #[allow(clippy::missing_errors_doc)]
    pub async fn sample(&mut self, count: u8) -> Result<Vec<Vec<u8>>, LookupError> {
        match self.ask(&Request::Sample(count.clamp(1, MAX_SAMPLE))).await? {
            Reply::Relays(relays) => Ok(relays),
            _ => Err(LookupError::Protocol),
        }
    }

    /// A relay makes itself known.
    #[allow(clippy::missing_errors_doc)]
    pub async fn announce(&mut self, descriptor: Vec<u8>) -> Result<(), LookupError> {
        match self.ask(&Request::Announce(descriptor)).await? {
            Reply::Stored(_) => Ok(()),
            _ => Err(LookupError::Protocol),
        }
    }

    async fn ask(&mut self, request: &Request) -> Result<Reply, LookupError> {
        self.number = self.number.wrapping_add(1);
        frame::write(&mut self.stream, &request.write(self.number))
            .await
            .map_err(LookupError::Stream)?;
        self.stream.flush().await.map_err(LookupError::Stream)?;
        let answer = frame::read(&mut self.stream, MAX_REPLY)
            .await
            .map_err(|error| match error.kind() {
                io::ErrorKind::InvalidData => LookupError::Protocol,
                _ => LookupError::Stream(error),
            })?;
        let answer = answer.ok_or_else(|| LookupError::Stream(io::ErrorKind::UnexpectedEof.into()))?;
        match Reply::read(&answer).map_err(|_| LookupError::Protocol)? {
            (number, Reply::Refused(refusal)) if number == self.number => Err(LookupError::Refused(refusal)),
            (number, reply) if number == self.number => Ok(reply),
            _ => Err(LookupError::Protocol),
        }
    }
}

/// Why a request came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum LookupError {
    /// The relay said no.
    #[error("the relay refused: {0}")]
    Refused(#[source] Refusal),
    /// The stream's own error.
    #[error("the stream failed")]
    Stream(#[source] io::Error),
    /// The relay does not keep to the protocol.
    #[error("the relay does not keep to the protocol")]
    Protocol,
}
