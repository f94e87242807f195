//! Pairwise sessions: PQXDH and a post-quantum double ratchet, as pure state.
//!
//! A session begins with one message to somebody who may be off ([`initiate`], [`respond`]), and then every turn of the
//! conversation mixes a fresh X25519 agreement *and* a fresh ML-KEM-768 secret into its keys, under encrypted headers. It
//! is *not* a place for I/O, clocks or stores, and it knows nothing of what messages mean, of their order on a screen, or
//! of how long they are on the wire: who calls it pads.
//!
//! Types to know: [`Prekey`] (what a device publishes), [`Session`] (one side's state), [`Step`] (what a call changed and
//! what has to be stored), [`SkippedKeys`] (where keys of missing messages are kept).
//!
//! Invariants:
//! - sending and receiving take `&self`: failed input changes nothing, because nothing can be changed;
//! - a [`Step`] is stored before its ciphertext leaves the machine and before anything is acknowledged;
//! - no message key is used twice, and the nonce is random nevertheless;
//! - who lacks either half of a turn, the X25519 one or the ML-KEM one, does not have its keys;
//! - what a peer can make us do is bounded: [`MAX_AHEAD`] derivations, [`MAX_SKIPPED`] keys, [`MAX_OLD_CHAINS`] chains,
//!   [`SKIPPED_LIFETIME`];
//! - all messages look alike: nothing but their length is visible.
//!
//! The formats stand byte by byte in `docs/protocol/ratchet.md`.

mod gaps;
mod handshake;
mod incoming;
mod keys;
mod message;
mod prekey;
mod record;
mod session;
mod skipped;
#[cfg(test)]
mod testing;
mod turn;
#[cfg(test)]
mod vectors;

pub use handshake::{
    Accepted, HandshakeHash, INITIAL_OVERHEAD, InitialMessage, InitiateError, Local, LocalError, MAX_INITIAL_PAYLOAD,
    MalformedInitialMessage, RespondError, initiate, respond,
};
pub use incoming::{MAX_AHEAD, MAX_OLD_CHAINS, MAX_SKIPPED, SKIPPED_LIFETIME};
pub use message::{MAX_PLAINTEXT, OVERHEAD};
pub use prekey::{ForeignPrekey, MalformedPrekey, Prekey, Remote, SignedPrekey};
pub use record::RecordError;
pub use session::{ReceiveError, SendError, Session, SessionId, Step};
pub use skipped::{SkippedId, SkippedKey, SkippedKeys};
