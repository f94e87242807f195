//! What one person tells another about a file.

use crate::carried::Carried;
use crate::{Geometry, Outline, SafeName, Voice};
use outis_crypto::{CryptoRng, Secret, SecretBytes, aead, hash, label, tree::Root};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A file as it is offered, inside a session: name, size, the root of its hash tree, and the key that its roads are sealed
/// with. Whoever has an offer can check every chunk of the file, and read it off any road.
pub struct Offer {
    kind: Kind,
    name: String,
    geometry: Geometry,
    root: Root,
    key: Secret<32>,
    voice: Option<Voice>,
}

impl Offer {
    /// Offers a file under a fresh key. One offer is for one recipient: another one gets another key.
    pub fn new(name: &str, outline: &Outline, rng: &mut impl CryptoRng) -> Self {
        Self::of(Kind::File, name, outline, rng)
    }

    /// Offers something under a fresh key.
    pub fn of(kind: Kind, name: &str, outline: &Outline, rng: &mut impl CryptoRng) -> Self {
        Self {
            kind,
            name: SafeName::from_untrusted(name).as_str().to_owned(),
            geometry: *outline.geometry(),
            root: *outline.root(),
            key: Secret::random(rng),
            voice: None,
        }
    }

    /// Says that the file is something spoken. Counts for nothing with a folder.
    #[must_use]
    pub fn spoken(mut self, voice: Option<Voice>) -> Self {
        self.voice = voice.filter(|_| self.kind == Kind::File);
        self
    }

    /// What it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Names the file: a hash of what it is, of key, size and root, so that one id is one content for everybody who gets it, and says
    /// nothing about that content to anybody else.
    pub fn id(&self) -> FileId {
        let size = self.geometry.size().to_be_bytes();
        FileId(hash(
            label::FILE_ID,
            &[
                &[self.kind as u8],
                self.key.dangerously_expose(),
                &size,
                self.root.as_bytes(),
            ],
        ))
    }

    /// What to call it here, whatever the other side calls it.
    pub fn name(&self) -> SafeName {
        SafeName::from_untrusted(&self.name)
    }

    /// What its sender says of something spoken.
    pub fn voice(&self) -> Option<&Voice> {
        self.voice.as_ref()
    }

    /// How the file falls into chunks.
    pub fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    /// The BLAKE3 hash of the file.
    pub fn root(&self) -> &Root {
        &self.root
    }

    /// The longest frame that its sender sends on a road: for the receiver's reader of the stream.
    pub fn longest_frame(&self) -> usize {
        aead::OVERHEAD + 1 + Carried::room(&self.geometry)
    }

    pub(crate) fn key(&self) -> &Secret<32> {
        &self.key
    }

    /// For the session, and for records in the vault. By the strict codec: version = 1, kind (0 file, 1 folder), name
    /// (length varint and UTF-8), size varint, root 32 B, key (length varint = 32, 32 B), voice (0, or 1 and a [`Voice`]).
    pub fn encode(&self) -> SecretBytes {
        let Self {
            kind,
            name,
            geometry,
            root,
            key,
            voice,
        } = self;
        let form = Form {
            version: VERSION,
            kind: *kind,
            name: name.clone(),
            geometry: *geometry,
            root: *root,
            key: key.dangerously_duplicate(),
            voice: voice.clone(),
        };
        SecretBytes::from(outis_wire::encode(&form))
    }

    /// Reads an offer.
    ///
    /// # Errors
    /// See [`OfferError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, OfferError> {
        match bytes.first() {
            Some(&VERSION) => {}
            Some(&other) => return Err(OfferError::UnknownVersion(other)),
            None => return Err(OfferError::Malformed),
        }
        let form: Form = outis_wire::decode(bytes, Self::MAX_ENCODED).map_err(|_| OfferError::Malformed)?;
        let Form {
            version: _,
            kind,
            name,
            geometry,
            root,
            key,
            voice,
        } = form;
        if name.len() > MAX_NAME || (voice.is_some() && kind != Kind::File) {
            return Err(OfferError::Malformed);
        }
        Ok(Self {
            kind,
            name,
            geometry,
            root,
            key,
            voice,
        })
    }

    /// The longest encoding.
    pub const MAX_ENCODED: usize = 1 + 1 + 2 + MAX_NAME + 10 + 32 + 33 + 1 + Voice::MAX_ENCODED;
}

/// Shows nothing: names of files and their keys belong into no log.
impl fmt::Debug for Offer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            kind: _,
            name: _,
            geometry: _,
            root: _,
            key: _,
            voice: _,
        } = self;
        out.write_str("Offer(..)")
    }
}

/// What is offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// One file.
    File,
    /// A folder, as one file: see [`Manifest`](crate::Manifest).
    Folder,
}

/// Names a file between the two who know its offer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FileId(pub [u8; 32]);

/// Shows nothing: it would tie a log to a conversation.
impl fmt::Debug for FileId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(_) = self;
        out.write_str("FileId(..)")
    }
}

/// Why bytes are no offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OfferError {
    /// Made by a newer version of Outis.
    #[error("file offer of unknown version {0}")]
    UnknownVersion(u8),
    /// Not an offer, or one of more than a tebibyte.
    #[error("malformed file offer")]
    Malformed,
}

#[derive(Serialize, Deserialize)]
struct Form {
    version: u8,
    kind: Kind,
    name: String,
    geometry: Geometry,
    root: Root,
    #[serde(with = "outis_crypto::dangerously_serialize")]
    key: Secret<32>,
    voice: Option<Voice>,
}

const VERSION: u8 = 1;

/// As long as a name can be on the systems there are.
const MAX_NAME: usize = 255;

#[cfg(test)]
mod tests;
