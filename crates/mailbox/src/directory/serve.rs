//! The relay's side of the directory protocol.

use super::{MAX_REQUEST, Reply, Request};
use futures::{AsyncRead, AsyncWrite, AsyncWriteExt};
use outis_wire::frame;
use std::{future::Future, io};

/// Reads requests and writes what `answer` says, one after the other, until the stream ends. Holds one request and one reply
/// in memory. How long a slow stream is kept, and how many there are, is its caller's to decide.
///
/// # Errors
/// See [`ServeError`].
pub async fn serve<T, F, A>(mut stream: T, mut answer: F) -> Result<(), ServeError>
where
    T: AsyncRead + AsyncWrite + Unpin,
    F: FnMut(Request) -> A,
    A: Future<Output = Reply>,
{
    loop {
        let request = frame::read(&mut stream, MAX_REQUEST)
            .await
            .map_err(|error| match error.kind() {
                io::ErrorKind::InvalidData => ServeError::Protocol,
                _ => ServeError::Stream(error),
            })?;
        let Some(request) = request else { return Ok(()) };
        let (number, request) = Request::read(&request).map_err(|_| ServeError::Protocol)?;
        let reply = answer(request).await;
        frame::write(&mut stream, &reply.write(number))
            .await
            .map_err(ServeError::Stream)?;
        stream.flush().await.map_err(ServeError::Stream)?;
    }
}

/// Why a stream is not served any further.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The stream's own error.
    #[error("the stream failed")]
    Stream(#[source] io::Error),
    /// The other side does not speak this protocol.
    #[error("the other side does not speak this protocol")]
    Protocol,
}
