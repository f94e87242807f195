//! The one place of this crate that asks what time it is.

use outis_wire::UnixMillis;
use std::time::{SystemTime, UNIX_EPOCH};

/// Now, by this machine's clock; the epoch if the clock stands before it.
pub(crate) fn now() -> UnixMillis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMillis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
