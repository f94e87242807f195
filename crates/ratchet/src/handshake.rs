//! PQXDH: how a session begins while the other side is off.
//!
//! After Signal's [PQXDH, revision 3](https://signal.org/docs/specifications/pqxdh/), without one-time prekeys, with the
//! initiator's identity sealed, and with everything both sides know bound into the keys.

mod initial_message;

pub use initial_message::{
    HandshakeHash, INITIAL_OVERHEAD, InitialMessage, MAX_INITIAL_PAYLOAD, MalformedInitialMessage,
};

use crate::{
    Prekey, Remote, Session, SessionId,
    keys::{HeaderKey, RootKey, thirds},
    message::Message,
    prekey::PrekeyId,
    session::{ReceiveError, SendError, Start},
};
use initial_message::{Front, sealed_sender};
use outis_crypto::{
    CryptoRng, Secret, SecretBytes,
    aead::committing,
    agreement::{NotContributory, SecretKey},
    derive_from, hash, label,
};
use outis_identity::{Address, CertificateError, DeviceCertificate, DeviceKeys, DevicePublicKeys, VerifiedDevice};
use outis_wire::UnixMillis;
use std::convert::Infallible;

/// This device: its keys and its account's word for them.
#[derive(Clone, Copy)]
pub struct Local<'a> {
    keys: &'a DeviceKeys,
    certificate: &'a DeviceCertificate,
    party: Party,
}

impl<'a> Local<'a> {
    /// Joins both after checking that they belong together.
    ///
    /// # Errors
    /// See [`LocalError`].
    pub fn new(keys: &'a DeviceKeys, certificate: &'a DeviceCertificate, now: UnixMillis) -> Result<Self, LocalError> {
        let device = certificate.verify(now).map_err(LocalError::Certificate)?;
        if *device.keys() != keys.public() {
            return Err(LocalError::OtherDevice);
        }
        Ok(Self {
            keys,
            certificate,
            party: Party::of(&device),
        })
    }
}

/// Why keys and certificate are not this device's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LocalError {
    /// The certificate is not good; a new one is needed.
    #[error("this device's certificate is not good")]
    Certificate(#[source] CertificateError),
    /// The certificate is good, but another device's.
    #[error("this is another device's certificate")]
    OtherDevice,
}

/// Begins a session with `remote`. The first message in it is `payload`, which travels inside the initial message; more can
/// be sent at once, but cannot be read before the initial message is.
///
/// # Errors
/// See [`InitiateError`].
pub fn initiate(
    rng: &mut impl CryptoRng,
    local: &Local<'_>,
    remote: &Remote,
    payload: &[u8],
) -> Result<(Session, InitialMessage), InitiateError> {
    initiate_by::<Pqxdh>(rng, local, remote, payload)
}

/// Answers an initial message: gives the session, its first message, and who began it.
///
/// Pure, and so it cannot know what it has answered before: whoever calls it remembers [`InitialMessage::hash`] for as long
/// as the prekey lives, and does not call it again for the same.
///
/// # Errors
/// See [`RespondError`].
pub fn respond(
    local: &Local<'_>,
    prekey: &Prekey,
    message: &InitialMessage,
    now: UnixMillis,
) -> Result<Accepted, RespondError> {
    respond_by::<Pqxdh>(local, prekey, message, now)
}

/// A session that somebody else has begun. All of it is authenticated: nobody but `device` made it.
pub struct Accepted {
    /// The session; the next turn in it is ours.
    pub session: Session,
    /// What the initiator wrote.
    pub payload: SecretBytes,
    /// Who began it.
    pub device: VerifiedDevice,
    /// The certificate that `device` was verified by, to keep.
    pub certificate: DeviceCertificate,
}

/// Why no session was begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InitiateError {
    /// The payload is longer than [`MAX_INITIAL_PAYLOAD`].
    #[error("longer than {MAX_INITIAL_PAYLOAD} bytes")]
    TooLong,
    /// A key of the other side's would make an agreement that is not one.
    #[error("the other side's keys are not usable")]
    UnusableKey,
}

/// Why an initial message began nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RespondError {
    /// It was made for the prekey of another epoch: see [`InitialMessage::epoch`].
    #[error("made for another prekey")]
    OtherPrekey,
    /// It was not made for this device, account and prekey, or was changed on the way.
    #[error("not made for this device")]
    NotForThisDevice,
    /// What it says about its sender cannot be read.
    #[error("the sender's certificate is malformed")]
    MalformedSender,
    /// The account that it names has not certified its sender, or not for now.
    #[error("the sender's certificate is not good")]
    Certificate(#[source] CertificateError),
    /// It was not made by the device that it names.
    #[error("not made by the device that it names")]
    Forged,
    /// It was, but that device's program is broken or hostile.
    #[error("the initial message makes no sense")]
    Nonsense,
}

/// What goes into the keys. It is a parameter for one reason only: so that tests can leave one thing out and show the
/// attack that it prevents.
trait Schedule {
    /// Who the two are; without it, one could be made to talk to somebody else than they think (unknown key share).
    fn party(party: Party) -> Party {
        party
    }

    /// The initiator's device with the prekey; without it, who holds the responder's device key could be anybody.
    fn by_initiator(agreed: Secret<32>) -> Secret<32> {
        agreed
    }

    /// The ephemeral key with the responder's device; without it, who can sign prekeys could be the responder.
    fn by_responder(agreed: Secret<32>) -> Secret<32> {
        agreed
    }
}

struct Pqxdh;

impl Schedule for Pqxdh {}

/// An account and one device of it. Generation and expiry of the certificate are not in it: both sides check them, and a
/// responder who renews its certificate still answers what was sent before.
#[derive(Clone, Copy)]
struct Party {
    account: Address,
    device: DevicePublicKeys,
}

impl Party {
    fn of(device: &VerifiedDevice) -> Self {
        Self {
            account: *device.account(),
            device: *device.keys(),
        }
    }

    /// | offset | size | field                    |
    /// |      0 |   32 | account key              |
    /// |     32 |   32 | device's signing key     |
    /// |     64 |   32 | device's agreement key   |
    fn to_bytes(self) -> [u8; 96] {
        let mut bytes = [0; 96];
        let Self { account, device } = self;
        let keys = [
            account.as_bytes(),
            device.signing.as_bytes(),
            device.agreement.as_bytes(),
        ];
        bytes
            .as_chunks_mut::<32>()
            .0
            .iter_mut()
            .zip(keys)
            .for_each(|(field, key)| *field = *key);
        bytes
    }
}

/// The agreements that need no identity of the initiator's.
struct Anonymous {
    by_responder: Secret<32>,
    by_prekey: Secret<32>,
    shared: Secret<32>,
}

impl Anonymous {
    /// Seals the initiator's certificate. Only the responder's device *and* prekey together give it, both halves of the
    /// prekey needed: neither a stolen signing key, nor a later theft of the device key, nor a quantum computer shows who
    /// wrote.
    fn sender_key(&self, front: &Front, responder: &[u8], prekey: PrekeyId) -> Secret<32> {
        derive_from(
            label::RATCHET_SENDER,
            &self.inputs(),
            &[front.as_slice(), responder, &prekey.0],
        )
    }

    fn inputs(&self) -> [&[u8]; 3] {
        let Self {
            by_responder,
            by_prekey,
            shared,
        } = self;
        [
            by_responder.dangerously_expose(),
            by_prekey.dangerously_expose(),
            shared.dangerously_expose(),
        ]
    }

    /// The keys of the session.
    fn start(&self, by_initiator: &Secret<32>, transcript: [u8; 32]) -> Start {
        let [by_responder, by_prekey, shared] = self.inputs();
        let inputs = [by_initiator.dangerously_expose(), by_responder, by_prekey, shared];
        let [root, initiator, responder] = thirds(&derive_from(label::RATCHET_START, &inputs, &[&transcript]));
        Start {
            id: SessionId(transcript),
            root: RootKey::new(root),
            initiator: HeaderKey::new(initiator),
            responder: HeaderKey::new(responder),
        }
    }
}

/// Everything that the two know of each other and have exchanged: the associated data of the handshake.
fn transcript(front: &Front, sealed: &[u8], initiator: &[u8], responder: &[u8], prekey: PrekeyId) -> [u8; 32] {
    hash(
        label::RATCHET_TRANSCRIPT,
        &[front.as_slice(), sealed, initiator, responder, &prekey.0],
    )
}

fn initiate_by<S: Schedule>(
    rng: &mut impl CryptoRng,
    local: &Local<'_>,
    remote: &Remote,
    payload: &[u8],
) -> Result<(Session, InitialMessage), InitiateError> {
    if payload.len() > MAX_INITIAL_PAYLOAD {
        return Err(InitiateError::TooLong);
    }
    let (prekey, prekey_id) = (remote.keys(), remote.prekey_id());
    let ephemeral = SecretKey::generate(rng);
    let (ciphertext, shared) = prekey.encapsulation.encapsulate(rng);
    let anonymous = Anonymous {
        by_responder: S::by_responder(ephemeral.agree(&remote.device().keys().agreement)?),
        by_prekey: ephemeral.agree(&prekey.agreement)?,
        shared,
    };
    let by_initiator = S::by_initiator(local.keys.agreement().agree(&prekey.agreement)?);

    let front = Front::write(remote.epoch(), &ephemeral.public(), &ciphertext);
    let initiator = S::party(local.party).to_bytes();
    let responder = S::party(Party::of(remote.device())).to_bytes();
    let sender_key = anonymous.sender_key(&front, &responder, prekey_id);
    let sender = sealed_sender::pad(local.certificate);
    let sealed = committing::seal(&sender_key, rng, front.as_slice(), &sender);

    let transcript = transcript(&front, &sealed, &initiator, &responder, prekey_id);
    let session = Session::initiate(anonymous.start(&by_initiator, transcript), &prekey, rng)?;
    let (step, first) = session.send(rng, payload)?;
    Ok((step.session, InitialMessage::join(front, &sealed, &first)))
}

fn respond_by<S: Schedule>(
    local: &Local<'_>,
    prekey: &Prekey,
    message: &InitialMessage,
    now: UnixMillis,
) -> Result<Accepted, RespondError> {
    if prekey.epoch() != message.epoch() {
        return Err(RespondError::OtherPrekey);
    }
    let (front, sealed) = (message.front(), message.sealed_sender());
    let (own, prekey_id) = (prekey.keys(), prekey.id());
    let anonymous = Anonymous {
        by_responder: S::by_responder(local.keys.agreement().agree(front.ephemeral())?),
        by_prekey: own.agreement().agree(front.ephemeral())?,
        shared: own.decapsulation().decapsulate(front.ciphertext()),
    };
    let responder = S::party(local.party).to_bytes();
    let sender_key = anonymous.sender_key(front, &responder, prekey_id);
    let sender = committing::open(&sender_key, front.as_slice(), sealed).map_err(|_| RespondError::NotForThisDevice)?;

    // From here on somebody claims to be `device`; that it is so is only known when the first message opens.
    let certificate = sealed_sender::read(sender.dangerously_expose()).ok_or(RespondError::MalformedSender)?;
    let device = certificate.verify(now).map_err(RespondError::Certificate)?;
    let by_initiator = S::by_initiator(own.agreement().agree(&device.keys().agreement)?);
    let initiator = S::party(Party::of(&device)).to_bytes();
    let transcript = transcript(front, sealed, &initiator, &responder, prekey_id);
    let first = Message::read(message.first()).ok_or(RespondError::Forged)?;
    let (session, payload) =
        Session::respond::<Infallible>(anonymous.start(&by_initiator, transcript), own, now, &first)?;
    Ok(Accepted {
        session,
        payload,
        device,
        certificate,
    })
}

impl From<NotContributory> for InitiateError {
    fn from(NotContributory: NotContributory) -> Self {
        Self::UnusableKey
    }
}

impl From<SendError> for InitiateError {
    fn from(error: SendError) -> Self {
        match error {
            SendError::TooLong => Self::TooLong,
            SendError::UnusableKey | SendError::ChainEnded => Self::UnusableKey,
        }
    }
}

impl From<NotContributory> for RespondError {
    fn from(NotContributory: NotContributory) -> Self {
        Self::Nonsense
    }
}

impl From<ReceiveError<Infallible>> for RespondError {
    fn from(error: ReceiveError<Infallible>) -> Self {
        match error {
            ReceiveError::Nonsense | ReceiveError::TooFarAhead { .. } => Self::Nonsense,
            _ => Self::Forged,
        }
    }
}

#[cfg(test)]
mod tests;
