//! Frames over a stream: a length of four bytes, big-endian, then that many bytes.
//!
//! Neither function is safe to drop half-way: the stream is then at an unknown place and must be closed.

use futures::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use std::io;

/// Bytes in front of each frame.
pub const PREFIX: usize = 4;

/// Reads one frame of at most `limit` bytes; `None` if the stream ended cleanly between frames.
///
/// The length is checked before anything is allocated, and memory grows with what arrives, not with what was announced.
///
/// # Errors
/// The stream's own; `InvalidData` for a length over `limit`; `UnexpectedEof` inside a frame.
pub async fn read(stream: &mut (impl AsyncRead + Unpin), limit: usize) -> io::Result<Option<Vec<u8>>> {
    let mut prefix = [0; PREFIX];
    let (first, others) = prefix.split_at_mut(1);
    if stream.read(first).await? == 0 {
        return Ok(None);
    }
    stream.read_exact(others).await?;
    let length = usize::try_from(u32::from_be_bytes(prefix)).unwrap_or(usize::MAX);
    if length > limit {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "frame over its limit"));
    }
    let mut body = Vec::with_capacity(length.min(FIRST_ALLOCATION));
    let read = stream.take(length as u64).read_to_end(&mut body).await?;
    if read < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(Some(body))
}

/// Writes one frame. Does not flush.
///
/// # Errors
/// The stream's own; `InvalidInput` for a body of 4 GiB and more.
pub async fn write(stream: &mut (impl AsyncWrite + Unpin), body: &[u8]) -> io::Result<()> {
    let length = u32::try_from(body.len()).map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))?;
    stream.write_all(&length.to_be_bytes()).await?;
    stream.write_all(body).await
}

const FIRST_ALLOCATION: usize = 8 * 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use futures::{executor::block_on, io::Cursor};

    #[test]
    fn frames_come_back_one_by_one() {
        let mut bytes = Vec::new();
        block_on(async {
            write(&mut bytes, b"one").await.expect("memory");
            write(&mut bytes, b"").await.expect("memory");
            let mut stream = Cursor::new(bytes);
            assert_eq!(read(&mut stream, 3).await.expect("first"), Some(b"one".to_vec()));
            assert_eq!(read(&mut stream, 3).await.expect("second"), Some(Vec::new()));
            assert_eq!(read(&mut stream, 3).await.expect("end"), None);
        });
    }

    #[test]
    fn an_announced_length_over_the_limit_is_refused_and_a_cut_frame_is_an_error() {
        let kind = |bytes: &[u8]| block_on(read(&mut Cursor::new(bytes), 8)).map_err(|e| e.kind());
        assert_eq!(kind(&[0xff, 0xff, 0xff, 0xff]), Err(io::ErrorKind::InvalidData));
        assert_eq!(kind(&[0, 0, 0, 4, 1, 2]), Err(io::ErrorKind::UnexpectedEof));
        assert_eq!(kind(&[0, 0]), Err(io::ErrorKind::UnexpectedEof));
    }
}
