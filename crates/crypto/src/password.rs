//! From a password to a key: Argon2id, version 1.3 (RFC 9106).

use crate::Secret;
use argon2::{Algorithm, Argon2, Block, Params, Version};

/// What one derivation costs.
///
/// Accounts and containers use the constants; other values are for tests, which hand them in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

impl Cost {
    /// An account: 1 GiB, 3 passes, 4 lanes. Never lowered: it decides which account a password gives.
    pub const ACCOUNT: Self = Self {
        memory_kib: 1024 * 1024,
        passes: 3,
        lanes: 4,
    };

    /// A container: 256 MiB, 3 passes, 4 lanes.
    pub const CONTAINER: Self = Self {
        memory_kib: 256 * 1024,
        passes: 3,
        lanes: 4,
    };

    /// 64 KiB and one pass: no protection at all, for tests.
    pub const fn dangerously_cheap() -> Self {
        Self {
            memory_kib: 64,
            passes: 1,
            lanes: 4,
        }
    }

    /// The memory that is needed, in KiB.
    pub fn memory_kib(self) -> u32 {
        self.memory_kib
    }
}

/// Derives `N` bytes from a password. Takes seconds at full cost: run it where blocking is allowed.
///
/// # Errors
/// [`TooLittleMemory`] if the memory cannot be had. It is asked for up front, so nothing is derived more weakly.
pub fn stretch<const N: usize>(password: &[u8], salt: &[u8; 32], cost: Cost) -> Result<Secret<N>, TooLittleMemory> {
    let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(N)).expect("costs here are within range");
    let too_little = TooLittleMemory {
        needed_mib: cost.memory_kib.div_ceil(1024),
    };
    let mut memory = Vec::new();
    memory.try_reserve_exact(params.block_count()).map_err(|_| too_little)?;
    memory.resize_with(params.block_count(), Block::default);
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let derived = Secret::filled(|out| {
        argon2
            .hash_password_into_with_memory(password, salt, out, &mut memory)
            .expect("lengths are within Argon2's: a salt of 32 bytes, a password under 4 GiB");
    });
    memory.iter_mut().for_each(zeroize::Zeroize::zeroize);
    Ok(derived)
}

/// The machine cannot lend the memory that a derivation needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{needed_mib} MiB of free memory are needed")]
pub struct TooLittleMemory {
    /// What is needed, in MiB.
    pub needed_mib: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn password_salt_and_cost_all_decide() {
        let cheap = Cost::dangerously_cheap();
        let derive =
            |password: &[u8], salt: u8, cost| *stretch::<32>(password, &[salt; 32], cost).unwrap().dangerously_expose();
        let first = derive(b"a", 1, cheap);
        assert_eq!(first, derive(b"a", 1, cheap));
        assert_ne!(first, derive(b"b", 1, cheap));
        assert_ne!(first, derive(b"a", 2, cheap));
        assert_ne!(first, derive(b"a", 1, Cost { passes: 2, ..cheap }));
    }

    #[test]
    fn memory_that_cannot_be_had_is_an_error() {
        let cost = Cost {
            memory_kib: u32::MAX,
            ..Cost::dangerously_cheap()
        };
        let limited = rlimit_free_attempt(cost);
        assert!(matches!(limited, Err(TooLittleMemory { needed_mib: 4_194_304 })));
    }

    /// 4 TiB: more than a reservation may be on the machines we run on, whatever the overcommit policy.
    fn rlimit_free_attempt(cost: Cost) -> Result<Secret<32>, TooLittleMemory> {
        stretch(b"a", &[0; 32], cost)
    }
}
