//! One stream of bytes at one end of a circuit: what is heard becomes bytes for its user, what the user writes becomes
//! what is said. Both ends are alike.
//!
//! Each direction has a window of data cells that were sent and not read yet. A cell is counted as read when its user has
//! taken its last byte, so a user that stalls holds up his own circuit and nothing else.

use super::pipe::{self, Far, Near, Wanted};
use outis_onion::{
    Payload,
    credit::{Overrun, ReceiveWindow, STEP, SendWindow},
};
use std::{
    task::{Context, Poll},
    time::Instant,
};

/// The circuit's part of a stream.
#[derive(Debug)]
pub(crate) struct Flow {
    far: Far,
    sending: SendWindow,
    receiving: ReceiveWindow,
    said_end: bool,
    heard_end: bool,
}

/// What is to be said next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Say {
    /// So many cells were read.
    Credit(u16),
    /// Bytes.
    Data(Payload),
    /// No more bytes.
    End,
}

/// The other end sends more than it may, or grants what it cannot: it is broken or hostile, and its circuit ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the other end broke the rules of a stream")]
pub(crate) struct Violation;

impl From<Overrun> for Violation {
    fn from(_: Overrun) -> Self {
        Self
    }
}

impl Flow {
    /// A stream, and its user's part of it.
    pub(crate) fn new() -> (Near, Self) {
        let (near, far) = pipe::pipe(u32::from(STEP));
        let flow = Self {
            far,
            sending: SendWindow::new(),
            receiving: ReceiveWindow::new(),
            said_end: false,
            heard_end: false,
        };
        (near, flow)
    }

    /// Bytes came.
    pub(crate) fn hear_data(&mut self, bytes: Payload) -> Result<(), Violation> {
        if self.heard_end {
            return Err(Violation);
        }
        self.receiving.came()?;
        self.far.deliver(bytes);
        Ok(())
    }

    /// The other end's user has read so many cells.
    pub(crate) fn hear_credit(&mut self, cells: u16) -> Result<(), Violation> {
        Ok(self.sending.add(cells)?)
    }

    /// The other end will send no more bytes.
    pub(crate) fn hear_end(&mut self) -> Result<(), Violation> {
        if self.heard_end {
            return Err(Violation);
        }
        self.heard_end = true;
        self.far.end();
        Ok(())
    }

    /// What is to be said next. Credit is never behind data.
    pub(crate) fn poll_say(&mut self, cx: &mut Context<'_>) -> Poll<Say> {
        while let Poll::Ready(consumed) = self.far.poll_consumed(cx) {
            let credit: u16 = (0..consumed).filter_map(|_| self.receiving.taken()).sum();
            if credit > 0 && !self.heard_end {
                return Poll::Ready(Say::Credit(credit));
            }
        }
        if self.said_end {
            return Poll::Pending;
        }
        match self.far.poll_wanted(cx, self.sending.left() > 0) {
            Poll::Ready(Wanted::Data(bytes)) => {
                // There was room, or there would be no bytes.
                let _ = self.sending.take();
                Poll::Ready(Say::Data(bytes))
            }
            Poll::Ready(Wanted::End) => {
                self.said_end = true;
                Poll::Ready(Say::End)
            }
            Poll::Pending => Poll::Pending,
        }
    }

    /// Whether both ends have said all that they will.
    pub(crate) fn is_over(&self) -> bool {
        self.said_end && self.heard_end
    }

    /// Whether its user has gone and the other end was told.
    pub(crate) fn is_left(&self) -> bool {
        self.said_end && self.far.is_left()
    }

    /// Bytes that wait for the user, and since when the oldest of them.
    pub(crate) fn held(&self) -> (usize, Option<Instant>) {
        self.far.held()
    }
}

#[cfg(test)]
pub(crate) mod tests;
