//! Proof of work: what a stranger pays.
//!
//! [Equi-X](https://gitlab.torproject.org/tpo/core/arti/-/tree/main/crates/equix) with an effort, in the manner of Tor's
//! proposal 327. One function serves requests, descriptor puts and the creation of queues; what is paid for stands in the
//! [`Challenge`], so that no proof buys two things.
//!
//! A checker accepts its own hour, the one before and the one after. The payer takes the hour from the checker's quote,
//! never from its own clock: a clock that is two days off neither keeps anybody out nor shows itself. Where no checker can
//! be asked (a descriptor is checked again by each holder, for two weeks) the hour is only bounded: see
//! [`crate::directory`].

use equix::{EquiX, Solution, SolverMemory};
use outis_crypto::{CryptoRng, hash, label};
use outis_wire::{NetworkName, Reader, Truncated, UnixMillis};
use serde::{Deserialize, Serialize};

/// Hours since the Unix epoch, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Hour(pub u32);

impl Hour {
    /// The hour that `now` lies in.
    pub fn of(now: UnixMillis) -> Self {
        Self(u32::try_from(now.0 / MILLIS).unwrap_or(u32::MAX))
    }

    /// Whether a checker whose clock shows this hour accepts work done for `other`.
    pub fn accepts(self, other: Self) -> bool {
        self.0.abs_diff(other.0) <= 1
    }
}

/// What work is done for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Purpose {
    /// Putting into a request queue: the target is the queue, the content is the envelope.
    Request = 1,
    /// Putting a descriptor: the target is its directory key, the content is the signed descriptor.
    Descriptor = 2,
    /// Creating a queue: the target is the mailbox's node id, the content is the order.
    Queue = 3,
}

/// What exactly is paid for.
#[derive(Debug, Clone)]
pub struct Challenge<'a> {
    /// The network: work done in a test network is worth nothing elsewhere.
    pub network: &'a NetworkName,
    /// The kind of thing paid for.
    pub purpose: Purpose,
    /// Whom or what it is for.
    pub target: [u8; 32],
    /// Digest of the content.
    pub content: [u8; 32],
}

impl Challenge<'_> {
    /// One search for a proof; [`Search::step`] it until it finds one.
    pub fn search(&self, hour: Hour, effort: u32, rng: &mut impl CryptoRng) -> Search {
        let mut nonce = [0; 16];
        rng.fill_bytes(&mut nonce);
        Search {
            base: self.base(hour),
            hour,
            effort: effort.max(1),
            nonce: u128::from_be_bytes(nonce),
            memory: SolverMemory::new(),
        }
    }

    /// Works until a proof is found. Blocks for about `effort` × 30 ms; [`Search`] does the same in steps.
    pub fn solve(&self, hour: Hour, effort: u32, rng: &mut impl CryptoRng) -> Proof {
        let mut search = self.search(hour, effort, rng);
        loop {
            if let Some(proof) = search.step() {
                return proof;
            }
        }
    }

    /// Checks a proof in this order: effort, hour, one hash, then the Equi-X tree.
    ///
    /// # Errors
    /// What is wrong with it, first of all that it is too cheap for `minimum`.
    pub fn check(&self, proof: &Proof, minimum: u32, now: Hour) -> Result<(), WorkError> {
        if !now.accepts(proof.hour) {
            return Err(WorkError::WrongHour);
        }
        self.check_at_any_hour(proof, minimum)
    }

    /// The same, where the caller bounds the hour itself.
    ///
    /// # Errors
    /// As [`Challenge::check`], but never `WrongHour`.
    pub fn check_at_any_hour(&self, proof: &Proof, minimum: u32) -> Result<(), WorkError> {
        if proof.effort < minimum.max(1) {
            return Err(WorkError::TooCheap {
                minimum: minimum.max(1),
            });
        }
        let seed = seed(&self.base(proof.hour), proof.nonce, proof.effort);
        if !pays(&seed, &proof.solution, proof.effort) {
            return Err(WorkError::NotAProof);
        }
        equix::verify_bytes(&seed, &proof.solution).map_err(|_| WorkError::NotAProof)
    }

    fn base(&self, hour: Hour) -> [u8; 32] {
        let parts: [&[u8]; 5] = [
            self.network.as_str().as_bytes(),
            &[self.purpose as u8],
            &self.target,
            &hour.0.to_be_bytes(),
            &self.content,
        ];
        hash(label::WORK_CHALLENGE, &parts)
    }
}

/// A search under way. Dropping it gives the work up.
pub struct Search {
    base: [u8; 32],
    hour: Hour,
    effort: u32,
    nonce: u128,
    memory: SolverMemory,
}

impl Search {
    /// Tries one nonce: some 50 ms, and on average `effort` / 1.7 of them are needed.
    pub fn step(&mut self) -> Option<Proof> {
        let nonce = self.nonce.to_be_bytes();
        self.nonce = self.nonce.wrapping_add(1);
        let seed = seed(&self.base, nonce, self.effort);
        // A few seeds give no hash function; they are skipped here and refused by checkers.
        let solutions = EquiX::new(&seed).ok()?.solve_with_memory(&mut self.memory);
        let solution = solutions
            .iter()
            .map(Solution::to_bytes)
            .find(|solution| pays(&seed, solution, self.effort))?;
        Some(Proof {
            hour: self.hour,
            effort: self.effort,
            nonce,
            solution,
        })
    }
}

/// Work that was done, 40 bytes.
///
/// | offset | size | field                             |
/// |      0 |    4 | hour, big-endian                  |
/// |      4 |    4 | effort, big-endian                |
/// |      8 |   16 | nonce                             |
/// |     24 |   16 | Equi-X solution                   |
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// The checker's hour.
    pub hour: Hour,
    /// How much was paid: on average so many Equi-X solutions were tried.
    pub effort: u32,
    nonce: [u8; 16],
    solution: [u8; 16],
}

impl Proof {
    /// Bytes of a proof.
    pub const SIZE: usize = 40;

    /// Appends the layout above.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.hour.0.to_be_bytes());
        out.extend_from_slice(&self.effort.to_be_bytes());
        out.extend_from_slice(&self.nonce);
        out.extend_from_slice(&self.solution);
    }

    /// Reads the layout above; nothing is checked yet.
    ///
    /// # Errors
    /// If fewer than 40 bytes are left.
    pub fn read(reader: &mut Reader<'_>) -> Result<Self, Truncated> {
        Ok(Self {
            hour: Hour(reader.u32()?),
            effort: reader.u32()?,
            nonce: reader.array()?,
            solution: reader.array()?,
        })
    }
}

/// Why work is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WorkError {
    /// Less than is asked for now.
    #[error("this costs an effort of {minimum}")]
    TooCheap {
        /// The least that is accepted.
        minimum: u32,
    },
    /// Done for another hour than the checker's.
    #[error("the work is for another hour")]
    WrongHour,
    /// Not a solution, or one of less effort than it says.
    #[error("not a proof of this work")]
    NotAProof,
}

fn seed(base: &[u8; 32], nonce: [u8; 16], effort: u32) -> [u8; 32] {
    hash(label::WORK_SEED, &[base, &nonce, &effort.to_be_bytes()])
}

/// Proposal 327: the first four bytes of a hash, times the effort, must not overflow 32 bits.
fn pays(seed: &[u8; 32], solution: &[u8; 16], effort: u32) -> bool {
    let [a, b, c, d, ..] = hash(label::WORK_RESULT, &[seed, solution]);
    u64::from(u32::from_be_bytes([a, b, c, d])) * u64::from(effort) <= u64::from(u32::MAX)
}

const MILLIS: u64 = 60 * 60 * 1000;

#[cfg(test)]
mod tests;
