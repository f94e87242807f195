//! Two streams that bring one cookie to one relay are joined into one. This is what the two sides say before that; from then
//! on every byte is theirs.

use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use outis_crypto::CryptoRng;
use serde::{Deserialize, Serialize};
use std::io;

/// What the two streams have in common: 32 random bytes, drawn by the receiver and used once.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Cookie(pub [u8; 32]);

impl Cookie {
    /// A fresh one.
    pub fn random(rng: &mut impl CryptoRng) -> Self {
        let mut bytes = [0; 32];
        rng.fill_bytes(&mut bytes);
        Self(bytes)
    }
}

/// Shows nothing: a cookie in a log would name a stream.
impl std::fmt::Debug for Cookie {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self(_) = self;
        f.write_str("Cookie(..)")
    }
}

/// The client's side: shows `cookie` and waits until the other stream has come. Not safe to drop half-way: close the stream
/// then. There is no clock here; the relay gives up after its own time.
///
/// # Errors
/// See [`JoinError`].
pub async fn join(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), cookie: &Cookie) -> Result<(), JoinError> {
    let mut greeting = [0; GREETING];
    let (version, rest) = greeting.split_at_mut(1);
    version.fill(VERSION);
    rest.copy_from_slice(&cookie.0);
    stream.write_all(&greeting).await.map_err(JoinError::Stream)?;
    stream.flush().await.map_err(JoinError::Stream)?;
    let mut answer = [0; 1];
    stream.read_exact(&mut answer).await.map_err(JoinError::Stream)?;
    match answer {
        [1] => Ok(()),
        [2] => Err(JoinError::Expired),
        [3] => Err(JoinError::Busy),
        _ => Err(JoinError::Protocol),
    }
}

/// The relay's side: reads the cookie of a stream that has just come. Bound its time: a stream that says nothing says
/// nothing for ever.
///
/// # Errors
/// See [`JoinError`].
pub async fn read_cookie(stream: &mut (impl AsyncRead + Unpin)) -> Result<Cookie, JoinError> {
    let mut version = [0; 1];
    stream.read_exact(&mut version).await.map_err(JoinError::Stream)?;
    if version != [VERSION] {
        return Err(JoinError::Protocol);
    }
    let mut cookie = [0; 32];
    stream.read_exact(&mut cookie).await.map_err(JoinError::Stream)?;
    Ok(Cookie(cookie))
}

/// The relay's side: says what came of it. After [`Answer::Joined`] the stream belongs to the two ends.
///
/// # Errors
/// The stream's.
pub async fn answer(stream: &mut (impl AsyncWrite + Unpin), answer: Answer) -> io::Result<()> {
    stream.write_all(&[answer as u8]).await?;
    stream.flush().await
}

/// What a relay answers to a cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Answer {
    /// The other stream is here.
    Joined = 1,
    /// It did not come in time.
    Expired = 2,
    /// The relay has no place for another stream now.
    Busy = 3,
}

/// Why two streams were not joined.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    /// The stream's own error.
    #[error("the stream failed")]
    Stream(#[source] io::Error),
    /// The other side did not come in time.
    #[error("the other side did not come")]
    Expired,
    /// The relay has no place.
    #[error("the relay has no place")]
    Busy,
    /// The other side does not speak this protocol.
    #[error("the other side does not speak this protocol")]
    Protocol,
}

const VERSION: u8 = 1;
const GREETING: usize = 33;

#[cfg(test)]
mod tests;
