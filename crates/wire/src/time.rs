//! Times on the wire. There is no clock here: whoever needs the time is given it.

use serde::{Deserialize, Serialize};
use std::time::Duration;

const DAY: u64 = 24 * 60 * 60 * 1000;

/// Milliseconds since the Unix epoch, UTC.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct UnixMillis(pub u64);

impl UnixMillis {
    /// Later by `duration`; stays at the end of time.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(millis(duration)))
    }

    /// Earlier by `duration`; stays at the epoch.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(millis(duration)))
    }

    /// How long after `earlier`; nothing if it is not after it.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }

    /// The day that this instant lies in.
    pub fn epoch(self) -> Epoch {
        Epoch(u32::try_from(self.0 / DAY).unwrap_or(u32::MAX))
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// A period of 24 hours, UTC: the number of days since the Unix epoch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Epoch(pub u32);

impl Epoch {
    /// Its first instant.
    pub fn start(self) -> UnixMillis {
        UnixMillis(u64::from(self.0) * DAY)
    }

    /// The instant after its last.
    pub fn end(self) -> UnixMillis {
        UnixMillis((u64::from(self.0) + 1) * DAY)
    }

    /// So many days later (earlier if negative); stays within what can be counted.
    #[must_use]
    pub fn offset(self, days: i32) -> Self {
        Self(self.0.saturating_add_signed(days))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_is_a_day_and_holds_its_start_but_not_its_end() {
        let epoch = Epoch(20_000);
        assert_eq!(epoch.start().epoch(), epoch);
        assert_eq!(epoch.end().epoch(), epoch.offset(1));
        assert_eq!(Epoch(1).offset(-2), Epoch(0));
        assert_eq!(UnixMillis(u64::MAX).epoch(), Epoch(u32::MAX));
    }
}
