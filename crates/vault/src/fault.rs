//! What goes wrong inside, before an operation gives it its own error.

use std::io;

/// Damage, and of what. Never anything about the credentials: the folder has answered to them by then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Damage(pub(crate) &'static str);

/// Any failure below the public operations.
#[derive(Debug)]
pub(crate) enum Fault {
    Damage(Damage),
    /// A tree has given out its last serial.
    Exhausted,
    /// The vault has been locked.
    Locked,
    Io(io::Error),
}

impl From<Damage> for Fault {
    fn from(damage: Damage) -> Self {
        Self::Damage(damage)
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}
