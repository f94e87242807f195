//! Lines of bounded length.

use std::io;
use tokio::io::{AsyncRead, AsyncReadExt};
use zeroize::{Zeroize, Zeroizing};

/// The longest line, its end not counted.
pub(crate) const LIMIT: usize = 1 << 20;

/// What came.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// A line, without its end.
    Text(Vec<u8>),
    /// A line over the limit; it was read past and forgotten.
    TooLong,
    /// There are no more.
    End,
}

/// Reads lines from a stream.
pub(crate) struct Lines<R> {
    input: R,
    /// What was read and belongs to lines that were not asked for yet.
    ahead: Zeroizing<Vec<u8>>,
    /// So much of it is used, and wiped.
    used: usize,
    line: Vec<u8>,
    too_long: bool,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    pub(crate) fn new(input: R) -> Self {
        Self {
            input,
            ahead: Zeroizing::default(),
            used: 0,
            line: Vec::new(),
            too_long: false,
        }
    }

    /// The next line; empty ones are passed over. Safe to drop: what was read is kept.
    pub(crate) async fn next(&mut self) -> io::Result<Line> {
        loop {
            if self.used == self.ahead.len() {
                self.ahead.clear();
                self.used = 0;
                self.ahead.reserve(AHEAD);
                self.input.read_buf(&mut *self.ahead).await?;
            }
            let input = self.ahead.get_mut(self.used..).unwrap_or_default();
            let at_end = input.is_empty();
            let end = input.iter().position(|byte| *byte == b'\n');
            let length = end.unwrap_or(input.len());
            let part = input.get_mut(..length).unwrap_or_default();
            if self.line.len() + part.len() > LIMIT {
                self.too_long = true;
                self.line = Vec::new();
            } else if !self.too_long {
                self.line.extend_from_slice(part);
            }
            part.zeroize();
            self.used += length + usize::from(end.is_some());
            if end.is_none() && !at_end {
                continue;
            }
            let line = std::mem::take(&mut self.line);
            if std::mem::take(&mut self.too_long) {
                return Ok(Line::TooLong);
            }
            if !line.iter().all(u8::is_ascii_whitespace) {
                return Ok(Line::Text(line));
            }
            if at_end {
                return Ok(Line::End);
            }
        }
    }
}

/// Bytes that are read at once.
const AHEAD: usize = 8 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    async fn all(input: &[u8]) -> Vec<Line> {
        let mut lines = Lines::new(input);
        let mut seen = Vec::new();
        loop {
            match lines.next().await.unwrap() {
                Line::End => return seen,
                line => seen.push(line),
            }
        }
    }

    #[tokio::test]
    async fn lines_come_one_by_one_also_the_last_without_an_end() {
        let text = |text: &str| Line::Text(text.as_bytes().to_vec());
        assert_eq!(all(b"a\n\n  \nb\nc").await, [text("a"), text("b"), text("c")]);
    }

    #[tokio::test]
    async fn a_line_over_the_limit_is_passed_over_and_the_next_is_read() {
        let mut input = vec![b'x'; LIMIT + 1];
        input.extend_from_slice(b"\nnext\n");
        assert_eq!(all(&input).await, [Line::TooLong, Line::Text(b"next".to_vec())]);
        let mut input = vec![b'x'; LIMIT];
        input.push(b'\n');
        assert_eq!(all(&input).await, [Line::Text(vec![b'x'; LIMIT])]);
    }
}
