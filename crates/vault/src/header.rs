//! The header of an account's folder: which format, and the data key, wrapped.
//!
//! | offset | size | field                                                             |
//! |      0 |    1 | version = 1                                                       |
//! |      1 |   32 | install salt, a copy in case the one beside the folders is lost   |
//! |     33 |  104 | data key (32) under the credentials' key, committing AEAD;        |
//! |        |      | associated data: bytes 0…32                                       |

use outis_crypto::{CryptoRng, Secret, aead::committing};
use outis_wire::Reader;

use crate::OpenError;
use crate::fault::Damage;

/// The header file's contents, the data key still wrapped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) salt: [u8; 32],
    wrapped: Vec<u8>,
}

impl Header {
    pub(crate) fn wrap(salt: [u8; 32], data_key: &Secret<32>, key: &Secret<32>, rng: &mut impl CryptoRng) -> Self {
        let wrapped = committing::seal(key, rng, &associated(&salt), data_key.dangerously_expose());
        Self { salt, wrapped }
    }

    /// The data key. The folder has answered to the credentials, so failing here is damage.
    pub(crate) fn unwrap(&self, key: &Secret<32>) -> Result<Secret<32>, Damage> {
        let opened = committing::open(key, &associated(&self.salt), &self.wrapped).map_err(|_| DAMAGED)?;
        Secret::from_slice(opened.dangerously_expose()).ok_or(DAMAGED)
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        [associated(&self.salt).as_slice(), &self.wrapped].concat()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, OpenError> {
        let mut reader = Reader::new(bytes);
        match reader.u8() {
            Ok(VERSION) => {}
            Ok(found @ 2..) => {
                return Err(OpenError::TooNew {
                    found,
                    supported: VERSION,
                });
            }
            _ => return Err(DAMAGED.into()),
        }
        let salt = reader.array().map_err(|_| DAMAGED)?;
        let wrapped = reader.rest().to_vec();
        if wrapped.len() == 32 + committing::OVERHEAD {
            Ok(Self { salt, wrapped })
        } else {
            Err(DAMAGED.into())
        }
    }
}

fn associated(salt: &[u8; 32]) -> [u8; 33] {
    let mut bytes = [VERSION; 33];
    bytes.iter_mut().skip(1).zip(salt).for_each(|(to, from)| *to = *from);
    bytes
}

const VERSION: u8 = 1;
const DAMAGED: Damage = Damage("the header");

#[cfg(test)]
mod tests;
