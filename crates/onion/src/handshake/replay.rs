use std::collections::BTreeSet;

/// Remembers the last handshakes that a relay answered: at least [`ReplayFilter::REMEMBERED`] of them.
///
/// It is held in memory only. It spares a relay the work; that a repeated handshake is of no use does not depend on it.
#[derive(Default)]
pub struct ReplayFilter {
    recent: BTreeSet<[u8; NAME]>,
    older: BTreeSet<[u8; NAME]>,
}

impl ReplayFilter {
    /// How many are remembered for certain; up to twice as many are.
    pub const REMEMBERED: usize = 1 << 16;

    /// Nothing seen.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether this was not seen before; from now on it was. `proof` is pseudo-random, so a part of it names it.
    pub(super) fn is_new(&mut self, proof: &[u8; 32]) -> bool {
        let name = *proof.first_chunk().expect("a proof is longer than a name");
        if self.recent.contains(&name) || self.older.contains(&name) {
            return false;
        }
        if self.recent.len() >= Self::REMEMBERED {
            self.older = std::mem::take(&mut self.recent);
        }
        self.recent.insert(name)
    }
}

const NAME: usize = 16;
