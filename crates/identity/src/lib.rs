//! Who somebody is: a nickname and a password become the keys of an account; an account certifies the devices that speak for it.
//!
//! It is *not* where accounts are stored (that is the vault), nor where contacts live (that is the messenger), and it never
//! speaks to a network: it does no I/O and takes the time and the randomness as arguments.
//!
//! Types to know: [`Identity`] (the account's secret, made from [`Nickname`] and [`Password`]), [`Address`] (what one gives
//! to others: the account's public key), [`DeviceKeys`] and [`DeviceCertificate`] (one installation, and the account's word
//! for it).
//!
//! Invariants:
//! - one person's nickname, however it was typed, has one canonical form, and that form never changes for a name that was
//!   once accepted: the Unicode tables are pinned, and a test holds a digest of what they do to every code point;
//! - the account's key depends on nickname and password only, so both together are the account, on any machine;
//! - device keys never depend on the password: they are random, and certified;
//! - an [`Address`] in hand is a good one: canonical, on the curve, not of small order; whatever reads one checks that;
//! - nothing secret has `Debug`, and what names a person does not show in `Debug` either.
//!
//! The formats stand byte by byte in `docs/protocol/identity.md`.

mod account;
mod address;
mod certificate;
mod device;
mod invite;
mod nickname;
mod passphrase;
mod password;
mod precis;
mod qr;
mod safety_number;
mod strength;

pub use account::{DeriveError, Identity, RecordError};
pub use address::{Address, AddressError};
pub use certificate::{CertificateError, DeviceCertificate, DeviceId, Generation, Standing, VerifiedDevice};
pub use device::{DeviceKeys, DevicePublicKeys};
pub use invite::{Invite, InviteError, InviteToken};
pub use nickname::{Nickname, NicknameError};
pub use passphrase::{Passphrase, suggest_passphrase};
pub use password::{Password, PasswordError};
pub use qr::{TooLongForQr, qr_svg};
pub use safety_number::SafetyNumber;
pub use strength::{Advice, Strength, strength};
